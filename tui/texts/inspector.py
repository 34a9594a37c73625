"""What the panels say about a problem or an entry. Pure: session in, paragraphs out.

The engine's own parts are imported where they are needed: they bring numpy, which the first frame does without.
All text from a store goes through the painter, which makes it harmless; nothing is read as markup.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.model import Claim, Entry, Finding, LaneKind, Zone
from tui.glyphs import Glyphs
from tui.numbers import counted, size, span, whole
from tui.state import Phase, Session
from tui.texts.notes import note_text
from tui.texts.summary import distinct_entries, is_overlap
from tui.triaging import is_ignored
from tui.widgets.prose import BLANK, Paragraph, line, runs, text

ENTRIES_SHOWN = 6
ENTRIES_SHOWN_BRIEFLY = 2
CLAIMS_SHOWN = 12
RAW_BYTES_SHOWN = 1_500
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def story(session: Session, glyphs: Glyphs, *, with_claims: bool) -> tuple[str, list[Paragraph], tuple[Entry, ...]]:
    """Title and text of the inspector for whatever is selected, and the entries that it calls A, B and so on."""
    pins = _pins_text(session)
    if session.selected is not None:
        entry = session.selected
        return f"Range   {entry.lane.short}", [*entry_text(entry), *pins], (entry,)
    zone = session.current_zone
    if zone is None:
        return "Store", [*_store_text(session, with_totals=with_claims), *pins], ()
    entries = distinct_entries(zone)
    title = f"{zone.title[:1].upper()}{zone.title[1:]}   {ordinal(session)}"
    story = [*note_text(session, glyphs), *zone_text(zone, with_claims=with_claims)]
    return title, [*story, *_not_checked(session), *pins], entries


def problems_title(session: Session) -> str:
    """What the list of problems is called."""
    if session.report is None:
        return "Problems"
    notices = len(session.zones) - session.problem_count
    ignored = sum(map(is_ignored, session.notes.values()))
    counts = ((len(session.notes) - ignored, "decided"), (ignored, "ignored"))
    more = [counted(notices, "notice")] if notices else []
    more += [f"{whole(count)} {word}" for count, word in counts if count]
    return ", ".join([f"Problems {session.problem_count}" if session.problem_count else "No problems", *more])


def next_step(zone: Zone) -> str:
    """What to do about a problem, ready to paste."""
    from core.findings.zones import cause_of

    steps = [cause_of(zone.findings).next_step, *(finding.next_step for finding in zone.findings)]
    return next((step for step in steps if step), "")


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
        *([BLANK, *totals_text(session)] if with_totals else []),
    ]


def _not_checked(session: Session) -> list[Paragraph]:
    return [text(f"Not checked: {session.report.not_checked}.", "dim")] if session.report else []


def ordinal(session: Session) -> str:
    """Which of the problems, or of the notices beside them, is selected, in the order of the list."""
    zone, problems = session.zone or 0, session.problems
    if zone in problems:
        return f"{problems.index(zone) + 1} of {len(problems)}"
    notices = [index for index in session.order if index >= session.problem_count]
    return f"notice {notices.index(zone) + 1} of {len(notices)}"


def zone_text(zone: Zone, *, with_claims: bool) -> list[Paragraph]:
    """The whole story of a problem: what stock says and what to do next, which no detail pushes out of sight; then why.

    Where entries compete they come before the cause; where something is missing or torn, what happened does.
    """
    from core.findings.zones import cause_of

    cause = cause_of(zone.findings)
    entries = list(_entries_text(distinct_entries(zone), with_claims))
    said = cause.stock_says or zone.findings[0].stock_says
    paragraphs = [_stock_says(said)] if said else []
    paragraphs += _labelled("next", next_step(zone), "key")
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


def _entries_text(entries: Sequence[Entry], with_claims: bool) -> Iterator[Paragraph]:
    most = ENTRIES_SHOWN_BRIEFLY if with_claims else ENTRIES_SHOWN
    for letter, entry in zip(LETTERS, entries[:most], strict=False):
        yield runs((f"{letter}  ", "strong"), (entry.manifest, "text"), hanging=3)
        note = f"claimed by {claims_line(entry)}" if with_claims else entry_size(entry)
        yield runs((entry_span_text(entry), "text"), (f"   {note}", "dim"), indent=3)
    if len(entries) > most:
        yield text(f"and {counted(len(entries) - most, 'more manifest')}", "dim", 3)


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


def claims_text(session: Session, entries: Sequence[Entry]) -> list[Paragraph]:
    """Which metadata files name each manifest or show the problem, and one of their lines as it is."""
    shown = entries[:ENTRIES_SHOWN]
    if not shown:
        return _zone_claims(session)
    paragraphs = [text("Which metadata file names each manifest", "dim"), BLANK]
    for letter, entry in zip(LETTERS, shown, strict=False):
        for number, claim in enumerate(entry.claims):
            paragraphs.append(_claim(f"{letter}  " if number == 0 else "   ", claim))
        paragraphs.append(BLANK)
    return [*paragraphs, *_raw_line(session, LETTERS[len(shown) - 1], shown[-1].claims)]


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
        text("Totals", "strong"),
        *(
            line((f"  {name:<{names}}", "text"), (f"  {note:>{notes}}", "dim"), (f"  {count:>{counts}}", "text"))
            for name, note, count in rows
        ),
    ]


def _manifests(count: int) -> str:
    return counted(count, "manifest")


def _reach(session: Session) -> str:
    reach = session.picture.lanes[LaneKind.TRANSACTIONS].whole.reach if session.picture else None
    return "" if reach is None else f"to {whole(reach)}"
