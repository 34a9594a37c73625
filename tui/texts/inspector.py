"""What the panels say about a problem or an entry. Pure: session in, paragraphs out.

The engine's own parts are imported where they are needed: they bring numpy, which the first frame does without.
All text from a store goes through the painter, which makes it harmless; nothing is read as markup.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from core.model import Claim, Entry, Finding, LaneKind, Zone
from tui.glyphs import Glyphs
from tui.numbers import counted, size, span, whole
from tui.state import Phase, Session
from tui.texts.notes import note_text
from tui.texts.summary import distinct_entries, is_overlap, nothing_here, ordinal
from tui.triaging import is_ignored
from tui.widgets.prose import BLANK, Paragraph, line, runs, text

ENTRIES_SHOWN = 6
ENTRIES_SHOWN_BRIEFLY = 2
CLAIMS_SHOWN = 12
RAW_BYTES_SHOWN = 1_500
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

#: Entries under the letters that the inspector gives them, in the order in which they are shown.
Lettered: TypeAlias = tuple[tuple[str, Entry], ...]


def story(session: Session, glyphs: Glyphs, *, with_claims: bool) -> tuple[str, list[Paragraph], Lettered]:
    """Title and text of the inspector for what is selected, and the entries that it calls A, B and so on."""
    pins = _pins_text(session)
    zone, entry = session.current_zone, session.selected
    if zone is not None:
        entries = lettered(zone, session.selection.here, ENTRIES_SHOWN_BRIEFLY if with_claims else ENTRIES_SHOWN)
        title = f"{zone.title[:1].upper()}{zone.title[1:]}   {ordinal(session, session.zone)}"
        story = [*_apart_text(session), *note_text(session, glyphs), *zone_text(session, zone, entries, with_claims)]
        return title, [*story, *_not_checked(session), *pins], entries
    if session.picture is None or not session.picture.end:
        return "Store", [*_store_text(session, with_totals=with_claims), *pins], ()
    calm = [] if session.problem_count else [BLANK, *_store_text(session, with_totals=with_claims)]
    if entry is not None:
        about = [*_apart_text(session), *entry_text(entry), *_within_text(session)]
        return f"Range   {entry.lane.short}", [*about, *calm, *pins], (("A", entry),)
    return f"Nothing   {session.place.lane.short}", [text(f"{nothing_here(session)}."), *calm, *pins], ()


def lettered(zone: Zone, here: Sequence[Entry], most: int) -> Lettered:
    """At most so many entries of a problem, those at the cursor before others, in their order and under their letters.

    What is at the cursor but not shown by any finding has no letter.
    """
    entries = distinct_entries(zone)
    keys = {(entry.lane, entry.first, entry.last, entry.manifest): place for place, entry in enumerate(entries)}
    known = [keys.get((entry.lane, entry.first, entry.last, entry.manifest)) for entry in here]
    places = [*(place for place in known if place is not None), *range(len(entries))]
    shown = sorted(list(dict.fromkeys(places))[:most])
    others = [("-", entry) for entry, place in zip(here, known, strict=True) if place is None] if entries else []
    letters = [(LETTERS[place] if place < len(LETTERS) else "-", entries[place]) for place in shown]
    return (*letters, *others[: most - len(letters)])


def _apart_text(session: Session) -> list[Paragraph]:
    """That what is selected is not what is under the cursor, where it lies on no version."""
    if not session.selection.apart or session.picture is None or not session.picture.end:
        return []
    cursor = whole(session.place.view.cursor)
    return [
        text(f"This takes no version of the axis: it is selected instead of what the cursor at {cursor} is on.", "dim")
    ]


def _within_text(session: Session) -> list[Paragraph]:
    """The problem that a range which was gone to lies in."""
    within = session.selection.within
    if within is None:
        return []
    where = f"{session.zones[within].title}, {ordinal(session, within)}"
    return [runs(("in     ", "dim"), (where, "conflict"), ("   ] and [ go to problems", "dim"), hanging=7)]


def problems_title(session: Session) -> str:
    """What the list of problems is called."""
    if session.report is None:
        return "Problems"
    notices = len(session.zones) - session.problem_count
    ignored = sum(map(is_ignored, session.notes.values()))
    counts = ((len(session.notes) - ignored, "decided"), (ignored, "ignored"))
    more = [counted(notices, "notice")] if notices else []
    more += [f"{whole(count)} {word}" for count, word in counts if count]
    return ", ".join([f"Problems {whole(session.problem_count)}" if session.problem_count else "No problems", *more])


#: What differs from the last look, and may be right.
_TO_BE_ACCEPTED: Final = frozenset({"listing-shrank", "other-store"})


def next_step(zone: Zone) -> str:
    """What to do about a problem, ready to paste."""
    return _leading(zone).next_step


def _leading(zone: Zone) -> Finding:
    """The finding whose next step comes first."""
    from core.findings.leads import is_blocking, lead
    from core.findings.zones import cause_of

    first = lead(zone) if is_blocking(zone) else None
    candidates = (first or cause_of(zone.findings), *zone.findings)
    return next((each for each in candidates if each.next_step), candidates[0])


def nothing_to_draw(session: Session) -> list[Paragraph]:
    """What stands in place of empty axes: why there are none, and what to do. Empty if there is something to draw."""
    if session.phase is Phase.FAILED:
        return [text(session.error, "conflict"), BLANK, text(session.hint, "text")]
    if session.picture is None:
        return [text(f"Reading {session.location}", "dim")]
    if session.picture.end:
        return []
    if session.phase is Phase.READING:
        return [text("No range has been read yet.", "dim")]
    return [
        text("This store holds no ranges yet.", "strong"),
        BLANK,
        text("No epoch ending, state snapshot or transaction backup is named in its metadata files. Either nothing was "
             "backed up yet, or this is the wrong folder, or a listing failed. Check the folder before a backup "
             "coordinator is started on it: it would begin again at version 0."),
    ]  # fmt: skip


def _pins_text(session: Session) -> list[Paragraph]:
    if not session.pins:
        return []
    rows = [
        line(("kept  ", "key"), (pin.manifest, "text"), (f"  {entry_span_text(pin)}", "dim")) for pin in session.pins
    ]
    return [BLANK, *rows]


def _store_text(session: Session, *, with_totals: bool) -> list[Paragraph]:
    if session.phase in {Phase.READING, Phase.CHECKING}:
        return [text("What was read so far is on the timeline; keys work on it.", "dim")]
    if session.report is None:
        return [text("Reading was stopped: what is shown is a part of the store, and nothing was checked.", "dim")]
    return [
        text("Nothing is wrong with what was looked at.", "good"),
        *_not_checked(session),
        *([BLANK, text("Totals", "strong"), *totals_text(session)] if with_totals else []),
    ]


def _not_checked(session: Session) -> list[Paragraph]:
    return [text(f"Not checked: {session.report.not_checked}.", "dim")] if session.report else []


def zone_text(session: Session, zone: Zone, shown: Lettered, with_claims: bool) -> list[Paragraph]:
    """The whole story of a problem: what stock says and what to do next, which no detail pushes out of sight; then why.

    Where entries compete they come before the cause; where something is missing or torn, what happened does.
    """
    from core.findings.zones import cause_of

    cause = cause_of(zone.findings)
    entries = list(_entries_text(session, shown, len(distinct_entries(zone)), with_claims))
    said = cause.stock_says or zone.findings[0].stock_says
    paragraphs = [_stock_says(said)] if said else []
    paragraphs += [*_labelled("next", next_step(zone), "key"), *_labelled("then", _leading(zone).then, "text")]
    if any(finding.kind in _TO_BE_ACCEPTED for finding in zone.findings):
        paragraphs.append(runs(("or     ", "dim"), ("A", "key"), (" here, once its word is typed", "text"), hanging=7))
    why = _labelled("cause", cause.cause, "text")
    if is_overlap(zone):
        paragraphs += [*entries, *why, text(cause.explanation)]
    else:
        paragraphs += [*why, text(cause.explanation), *entries]
    for finding in zone.findings:
        if finding is not cause:
            paragraphs += _also(finding)
    return paragraphs


def _stock_says(message: str) -> Paragraph:
    return runs(("stock says ", "dim"), (f'"{message}"', "conflict"), hanging=1)


def _labelled(label: str, content: str, style: str) -> list[Paragraph]:
    return [runs((f"{label:<6} ", "dim"), (content, style), hanging=7)] if content else []


def _also(finding: Finding) -> list[Paragraph]:
    """What else is wrong there."""
    from core.findings.titles import title_of

    said = f' Stock says "{finding.stock_says}".' if finding.stock_says else ""
    return [runs((f"also   {title_of(finding.kind)}: ", "strong"), (f"{finding.explanation}{said}", "dim"), hanging=7)]


def _entries_text(session: Session, shown: Lettered, count: int, with_claims: bool) -> Iterator[Paragraph]:
    here = session.selection.here
    told_apart = any(entry not in here for _, entry in shown) or count > len(shown)
    for letter, entry in shown:
        mark = "   at the cursor" if told_apart and entry in here else ""
        yield runs((f"{letter}  ", "strong"), (entry.manifest, "text"), (mark, "dim"), hanging=3)
        note = f"claimed by {claims_line(entry)}" if with_claims else entry_size(entry)
        yield runs((entry_span_text(entry), "text"), (f"   {note}", "dim"), indent=3)
    if count > len(shown):
        yield text(f"and {counted(count - len(shown), 'more manifest')}", "dim", 3)


def entry_span_text(entry: Entry) -> str:
    """The range of an entry in its own unit."""
    unit = "epoch " if entry.lane is LaneKind.EPOCH_ENDINGS else ""
    return unit + span(entry.first, entry.last)


def entry_size(entry: Entry) -> str:
    """How many versions or epochs an entry has."""
    unit = "epoch" if entry.lane is LaneKind.EPOCH_ENDINGS else "version"
    return counted(max(0, entry.last - entry.first + 1), unit)


def claims_line(entry: Entry) -> str:
    """The first file and line that hold an entry, and how many others do."""
    if not entry.claims:
        return "no file"
    more = len(entry.claims) - 1
    return str(entry.claims[0]).removeprefix("metadata/") + (f", +{more}" if more else "")


def entry_text(entry: Entry) -> list[Paragraph]:
    """An entry that the operator selected."""
    return [
        text(entry.manifest, "strong"),
        text(f"{entry_span_text(entry)}   {entry_size(entry)}"),
        text(f"claimed by {claims_line(entry)}", "dim"),
    ]


def claims_text(session: Session, shown: Lettered) -> list[Paragraph]:
    """Which metadata files name each manifest or show the problem, and one of their lines as it is."""
    if not shown:
        return _zone_claims(session)
    paragraphs = [text("Which metadata file names each manifest", "dim"), BLANK]
    for letter, entry in shown:
        for number, claim in enumerate(entry.claims[:CLAIMS_SHOWN]):
            paragraphs.append(_claim(f"{letter}  " if number == 0 else "   ", claim))
        if len(entry.claims) > CLAIMS_SHOWN:
            paragraphs.append(text(f"and {counted(len(entry.claims) - CLAIMS_SHOWN, 'more line')}", "dim", 3))
        paragraphs.append(BLANK)
    return [*paragraphs, *_raw_line(session, shown[-1][0], shown[-1][1].claims)]


def _zone_claims(session: Session) -> list[Paragraph]:
    """The lines that show a problem without entries."""
    zone = session.current_zone
    claims = [claim for finding in zone.findings for claim in finding.claims] if zone else []
    claims = list(dict.fromkeys(claims))
    if not claims:
        return [text("Nothing that a metadata file names is selected.", "dim")]
    rows = [_claim("", claim) for claim in claims[:CLAIMS_SHOWN]]
    more = (
        [text(f"and {counted(len(claims) - CLAIMS_SHOWN, 'more line')}", "dim")] if len(claims) > CLAIMS_SHOWN else []
    )
    return [text("Where it shows", "dim"), BLANK, *rows, *more, BLANK, *_raw_line(session, "", claims)]


def _claim(lead: str, claim: Claim) -> Paragraph:
    line_number = f"  line {whole(claim.line)}" if claim.line else ""
    name = claim.file.removeprefix("metadata/")
    return runs((lead, "strong"), (name, "text"), (line_number, "dim"), hanging=len(lead) + 2)


def _raw_line(session: Session, letter: str, claims: Sequence[Claim]) -> list[Paragraph]:
    """The first of these lines as it stands in its file, cut where it is very long."""
    if not claims or not claims[0].line or session.snapshot is None:
        return []
    retired = claims[0].file.startswith("metadata_backup/")
    index = session.snapshot.retired if retired else session.snapshot.index
    raw = index.raw_line(claims[0])
    shown = raw[:RAW_BYTES_SHOWN].decode("utf-8", "surrogateescape")
    cut = [text(f"and {counted(len(raw) - RAW_BYTES_SHOWN, 'more byte')}", "dim")] if len(raw) > RAW_BYTES_SHOWN else []
    return [text(f"Raw line, {letter}" if letter else "Raw line", "dim"), text(shown, "text", 1), *cut]


def totals_text(session: Session) -> list[Paragraph]:
    """What the store holds, lane by lane."""
    snapshot = session.snapshot
    if snapshot is None:
        return []
    index = snapshot.index
    epochs = index.epoch_endings
    last_epoch = int(epochs.last.max()) if len(epochs) else None
    rows = [
        ("epoch endings", "" if last_epoch is None else f"to epoch {whole(last_epoch)}", _manifests(len(epochs))),
        ("state snapshots", "", _manifests(len(index.state_snapshots))),
        ("transactions", _reach(session), _manifests(len(index.transactions))),
        ("metadata files", size(sum(file.listed.size for file in index.files)), counted(len(index.files), "file")),
    ]
    names, notes, counts = (max(len(cell) for cell in column) for column in zip(*rows, strict=True))
    return [
        line((f"  {name:<{names}}", "text"), (f"  {note:>{notes}}", "dim"), (f"  {count:>{counts}}", "text"))
        for name, note, count in rows
    ]


def _manifests(count: int) -> str:
    return counted(count, "manifest")


def _reach(session: Session) -> str:
    reach = session.picture.lanes[LaneKind.TRANSACTIONS].whole.reach if session.picture else None
    return "" if reach is None else f"to {whole(reach)}"
