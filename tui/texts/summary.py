"""The store in a line: header, verdict, and what the status line says about a place. Pure: session in, pieces out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from core.model import Entry, LaneKind, Severity, Zone
from tui.glyphs import Glyphs
from tui.numbers import counted, short, span, whole
from tui.safe_text import shorten
from tui.state import Phase, Session, Tally
from tui.widgets.line import GAP, Piece, piece

if TYPE_CHECKING:
    from core.index import Index
    from core.picture import Picture
    from core.restore import StoreVerdict
    from tui.recovering import Outlook

#: Findings of entries that compete, and of holes that there are none in.
_OVERLAPS: Final = frozenset({"overlap-manifest", "overlap-nested"})
_GAPS: Final = frozenset({"gap-range", "epoch-gap", "gap-below-target", "compaction-blind-gap"})
#: Severities that count as a problem; the rest is told as notices.
WORD_STYLES = {"clean": "good", "restorable": "snapshot", "broken": "conflict"}

TWO_PINS: Final = "Enter on either of them compares them"


def distinct_entries(zone: Zone) -> tuple[Entry, ...]:
    """The entries of a zone's findings, each once, in the lane's order."""
    found = {(each.first, each.last, each.manifest): each for finding in zone.findings for each in finding.entries}
    return tuple(found[key] for key in sorted(found))


def unreadable_files(index: Index) -> int:
    """How many metadata files could not be read, or hold lines that stock refuses."""
    return sum(file.fault is not None or file.bad_lines > 0 for file in index.files)


def is_overlap(zone: Zone) -> bool:
    """Whether entries of the zone compete for the same versions or epochs."""
    # Asked of every problem of a store, most of which need not be looked at for that.
    kinds = {finding.kind for finding in zone.findings}
    if kinds & _OVERLAPS:
        return True
    if kinds <= _GAPS:
        return False
    reach = -1
    for entry in distinct_entries(zone):
        if entry.first <= min(reach, entry.last):
            return True
        reach = max(reach, entry.last)
    return False


def is_interruption(zone: Zone | None) -> bool:
    """Whether the zone is an operation that did not end, which the journal tells more of."""
    return zone is not None and any(finding.kind == "interrupted-operation" for finding in zone.findings)


def tally(zones: Iterable[Zone], picture: Picture) -> Tally:
    """The problems counted by their kind; an overlap with a hole in it counts as an overlap."""
    problems = [zone for zone in zones if zone.severity is not Severity.INFO]
    overlaps = [is_overlap(zone) for zone in problems]
    gaps = sum(picture.is_gap(zone) for zone, overlap in zip(problems, overlaps, strict=True) if not overlap)
    alone = any(finding.kind == "metadata-only" for zone in problems for finding in zone.findings)
    return Tally(len(problems), sum(overlaps), gaps, alone)


def is_gap(session: Session, zone: Zone) -> bool:
    """Whether the zone is a stretch that nothing covers."""
    return session.picture is not None and session.picture.is_gap(zone)


def zone_mark(session: Session, zone: Zone, glyphs: Glyphs) -> tuple[str, str]:
    """The glyph and the style of a problem."""
    if is_overlap(zone):
        return glyphs.conflict, "conflict"
    if is_gap(session, zone):
        return glyphs.gap, "strong"
    if zone.severity is Severity.INFO:
        return glyphs.dot, "dim"
    return glyphs.problem, "conflict" if zone.severity.rank >= Severity.ERROR.rank else "snapshot"


def header(session: Session, glyphs: Glyphs, width: int) -> tuple[list[Piece], list[Piece]]:
    """The header: the store on the left, how much it holds and what is wrong on the right."""
    wide = width >= 140
    room = width - 58 if wide else max(12, width - 60)
    left = [piece("seamline", "title", 5), piece(shorten(session.location, max(16, room), glyphs.ellipsis), "strong")]
    if wide and session.snapshot is not None:
        left.append(piece(_read_when(session), "dim", 8))
        left.append(piece(f"{whole(session.unreadable)} unreadable", "conflict" if session.unreadable else "dim", 4))
    return left, _counts(session, glyphs, wide)


def _read_when(session: Session) -> str:
    snapshot = session.snapshot
    assert snapshot is not None
    at = datetime.fromtimestamp(snapshot.taken_at, UTC).strftime("%H:%M:%SZ")
    return f"read {at}, {counted(len(snapshot.index.files), 'metadata file')}"


def _counts(session: Session, glyphs: Glyphs, wide: bool) -> list[Piece]:
    pieces: list[Piece] = []
    snapshot = session.snapshot
    if session.phase is Phase.READING and session.total:
        pieces.append(piece(f"{whole(session.done)} of {whole(session.total)} files read", "snapshot"))
    elif snapshot is not None and not snapshot.complete:
        pieces.append(piece(f"{whole(session.done)} of {whole(session.total)} files read", "conflict"))
    if session.unreadable and not wide:
        pieces.append(piece(f"{whole(session.unreadable)} unreadable", "conflict", 4))
    if session.picture and session.picture.end:
        end = session.picture.end
        pieces.append(piece(f"{whole(end)} versions" if wide else f"{short(end)} ver", "text", 7))
    found = session.tally
    if found.metadata_only:
        pieces.append(piece("metadata only", "snapshot", 1))
    if found.overlaps:
        pieces.append(Piece(((f"{glyphs.conflict} ", "conflict"), (counted(found.overlaps, "overlap"), "text")), 2))
    if found.gaps:
        pieces.append(Piece(((f"{glyphs.gap} ", "strong"), (counted(found.gaps, "gap"), "text")), 1))
    if found.others:
        pieces.append(Piece(((f"{glyphs.problem} ", "snapshot"), (_others(found), "text")), 3))
    return pieces


def _others(found: Tally) -> str:
    return f"{whole(found.others)} more" if found.overlaps or found.gaps else counted(found.others, "problem")


def verdict(session: Session, glyphs: Glyphs, width: int) -> list[Piece]:
    """The verdict, or why there is none yet; the longest wording that fits."""
    sentence = _no_verdict(session)
    if sentence:
        return [piece(sentence, "snapshot" if session.phase is not Phase.FAILED else "conflict")]
    report, outlook = session.report, session.outlook
    assert report is not None
    word = report.word if outlook is None or outlook.verdict.stock_restores_latest else "broken"
    style = WORD_STYLES.get(word, "text")
    first = _first_of_all(session)
    room = width - sum(len(text) + GAP for each in first for text, _ in each.row)
    options = outlook_wordings(outlook, glyphs.dot) if outlook else _verdict_wordings(report.verdict, glyphs.dot)
    fitting = next((text for text in options if len(text) + len(word) + 5 <= room), None)
    if fitting is not None:
        unchecked = piece(f"not checked: {report.not_checked}", "dim", 9)
        return [piece(word, style), piece(fitting, "strong"), *first, unchecked]
    return [piece(next((text for text in options if len(text) + 2 <= room), options[-1]), style), *first]


def _first_of_all(session: Session) -> list[Piece]:
    """The problem before which nothing else is settled, if there is one: it heads the list."""
    from core.findings.leads import is_blocking

    first = session.zones[0] if session.zones else None
    return [piece(f"first: {first.title}", "conflict", 8)] if first is not None and is_blocking(first) else []


def verdict_sentence(verdict: StoreVerdict, glyphs: Glyphs) -> str:
    """The verdict in its longest wording."""
    return _verdict_wordings(verdict, glyphs.dot)[0]


def _no_verdict(session: Session) -> str:
    if session.phase is Phase.FAILED:
        return "no verdict: the store could not be read. shift+r reads again"
    if session.phase is Phase.READING:
        read = f" {whole(session.done)} of {whole(session.total)} files" if session.total else ""
        return f"reading{read}: Escape stops"
    if session.phase is Phase.CHECKING:
        return "all files are read, checking them"
    if session.report is None:
        return "no verdict: reading was stopped before the end. shift+r reads again"
    return ""


def _verdict_wordings(verdict: StoreVerdict, dot: str) -> list[str]:
    """The verdict from its longest to its shortest wording."""
    if verdict.latest is None:
        return ["no transactions are in this store: there is nothing to restore to"]
    latest, stock = whole(verdict.latest), verdict.stock_restorable_to
    if verdict.works_with_target is not None:
        return [
            f"stock stops unless it is given a target: with {latest} it restores to {latest}, the latest version",
            f"stock restores to {latest} only if it is given that target",
            f"stock to {latest}, with that target",
        ]
    if stock == verdict.latest and verdict.recoverable:
        more = whole(verdict.recoverable)
        return [f"stock restores to {latest}; {more} more can be recovered", f"stock to {latest}; {more} recoverable"]
    if stock == verdict.latest:
        return [f"stock restores to {latest}, the latest version", f"stock restores to {latest}, the latest"]
    restores = "stock restores nothing" if stock is None else f"stock restores to {whole(stock)}"
    brief = "stock restores nothing" if stock is None else f"stock to {whole(stock)}"
    options = [f"{restores} {dot} latest {latest} {dot} {end}" for end in _beyond_stock(verdict)]
    return [*options, f"{brief} {dot} {latest} {dot} {_beyond_stock(verdict)[-1]}"]


def outlook_wordings(outlook: Outlook, dot: str) -> list[str]:
    """The verdict with what overlay and repair would do, from its longest to its shortest wording."""
    verdict = outlook.verdict
    stock, overlay = verdict.stock_restorable_to, outlook.overlay_to
    if verdict.latest is None or stock == verdict.latest or overlay is None or overlay == stock:
        return _verdict_wordings(verdict, dot)
    latest = whole(verdict.latest)
    restores = "stock restores nothing" if stock is None else f"stock restores to {whole(stock)}"
    brief = "stock nothing" if stock is None else f"stock {whole(stock)}"
    rest = "" if overlay >= verdict.latest else ", the rest needs a new backup"
    long, short = _ways_on(overlay, outlook.repair_to, dot)
    return [
        f"{restores} {dot} latest {latest} {dot} {long}{rest}",
        f"{restores} {dot} latest {latest} {dot} {long}",
        f"{restores} {dot} latest {latest} {dot} {short}",
        f"{brief} {dot} latest {latest} {dot} {short}",
        f"{brief} {dot} {latest} {dot} {short}",
    ]


def _ways_on(overlay: int, repair: int | None, dot: str) -> tuple[str, str]:
    """How far overlay and repair lead, in full and in brief."""
    if repair is None:
        return f"with the overlay {whole(overlay)} {dot} the repair is refused", f"overlay {whole(overlay)}, no repair"
    long = f"with the overlay {whole(overlay)} {dot} with the repair {whole(repair)}"
    if repair == overlay:
        return long, f"overlay or repair {whole(overlay)}"
    return long, f"overlay {whole(overlay)} {dot} repair {whole(repair)}"


def _beyond_stock(verdict: StoreVerdict) -> tuple[str, ...]:
    """How far a chain reaches where stock does not, and what that takes; the longest wording first."""
    reach, needs = verdict.best_restorable_to, _NEEDS[verdict.best_needs.value]
    if reach is not None and verdict.latest is not None and reach > verdict.latest:
        return f"a chain reaches {whole(reach)} (needs {needs})", f"{needs} reaches {whole(reach)}", f"needs {needs}"
    if reach == verdict.latest:
        return f"a chain reaches it (needs {needs})", f"{needs} reaches it", f"needs {needs}"
    if reach is None or reach == verdict.stock_restorable_to:
        return f"no chain goes further (needs {needs})", f"the rest needs {needs}", f"needs {needs}"
    far = whole(reach)
    return f"a chain reaches {far} (the rest needs {needs})", f"a chain reaches {far}", f"chain {far}"


#: What `best.needs` in the document of `check` is in a sentence.
_NEEDS = {"nothing": "nothing", "overlay": "an overlay", "repair": "a repair", "backup": "a new backup"}


def status(session: Session, columns: int) -> tuple[list[Piece], list[Piece]]:
    """The status line of the timeline: the version under the cursor, its epoch, what is selected there, the scale."""
    picture, view = session.picture, session.place.view
    if picture is None or not picture.end:
        return _selected_pieces(session), []
    cell, shown = max(1, view.length // columns), f"view {short(view.length)}"
    reading = [piece(_ahead(*session.ahead), "snapshot", 0)] if session.ahead else []
    if session.no_outlook and session.outlook is None:
        reading = [piece(f"overlay and repair not known: {session.no_outlook}", "snapshot", 5, "repair not known")]
    right = [
        *reading,
        piece(f"1 cell = {counted(cell, 'version') if cell < 1_000_000 else short(cell) + ' versions'}", "dim", 8),
        piece(f"{shown} of {short(view.whole)}" if view.length < view.whole else shown, "dim", 7, shown),
    ]
    if session.selection.apart:
        cursor = piece(f"it takes no version; the cursor is at {whole(view.cursor)}", "dim", 2, "takes no version")
        return [*_selected_pieces(session), cursor], right
    left = [piece(whole(view.cursor), "strong")]
    epochs = picture.epochs_at(view.cursor)
    if epochs:
        first, last = epochs
        left.append(piece(f"epoch {whole(first)}" if first == last else f"epochs {span(first, last)}", "text", 6))
    covered = f"{session.place.lane.short} {_covered(session)}".rstrip()
    return [*left, piece(covered, "text", 4), *_selected_pieces(session)], right


def _selected_pieces(session: Session) -> list[Piece]:
    """What is selected, in a few words: the same that inspector, list, copy and Enter are about."""
    zone, entry = session.zone, session.selected
    if zone is not None:
        number = ordinal(session, zone)
        return [piece(f"{session.zones[zone].title}, {number}", "text", 1, number)]
    if entry is not None:
        return [piece(range_words(entry), "text", 1)]
    if session.picture is None or not session.picture.end:
        return []
    return [piece(nothing_here(session), "text", 1, nothing_here(session, brief=True))]


def range_words(entry: Entry) -> str:
    """An entry in a few words: `range 1,000 - 1,999`, `epochs 3 - 7`, `snapshot 6,317`."""
    if entry.lane is LaneKind.STATE_SNAPSHOTS:
        return f"snapshot {whole(entry.first)}"
    if entry.lane is LaneKind.EPOCH_ENDINGS:
        return f"range of epoch{'' if entry.first == entry.last else 's'} {span(entry.first, entry.last)}"
    return f"range {span(entry.first, entry.last)}"


def nothing_here(session: Session, *, brief: bool = False) -> str:
    """That no entry is under the cursor, and where the nearest are: `no range here: the one before ends at 9,999`."""
    lane, before, after = session.place.lane, session.selection.before, session.selection.after
    noun = "snapshot" if lane is LaneKind.STATE_SNAPSHOTS else "range"
    if brief or (before is None and after is None):
        return f"no {noun} here"
    at = "is at" if noun == "snapshot" else "ends at"
    near = [f"the one before {at} {whole(before)}"] if before is not None else []
    near += [f"the next {'is' if noun == 'snapshot' else 'begins'} at {whole(after)}"] if after is not None else []
    return f"no {noun} here: {', '.join(near)}"


def ordinal(session: Session, zone: int | None) -> str:
    """Which of the problems, or of the notices beside them, one is, in the order of the list."""
    if zone is None:
        return ""
    number, count = session.listing.numbers[zone], session.problem_count
    if zone < count:
        return f"{whole(number)} of {whole(count)}"
    return f"notice {whole(number)} of {whole(len(session.zones) - count)}"


def _ahead(done: int, total: int) -> str:
    return f"looking into manifests {whole(done)} of {whole(total)}: Esc stops"


def _covered(session: Session) -> str:
    """How often the version under the cursor is held in its lane."""
    assert session.picture is not None
    lane, version, held = session.place.lane, session.place.view.cursor, session.selection.held
    if lane is LaneKind.STATE_SNAPSHOTS:
        return counted(held, "snapshot") if held else ""
    if held:
        return {1: "covered", 2: "covered twice"}.get(held, f"covered {held} times")
    reach = session.picture.lanes[lane].whole.reach
    return "ends before" if reach is None or version > reach else "missing"


def area_status(session: Session, area: tuple[int, int], lane: LaneKind) -> Sequence[Piece]:
    """What the selected area holds in a lane."""
    assert session.picture is not None
    totals = session.picture.lanes[lane].whole.measure(*area)
    wording = [
        piece(span(*area), "strong"),
        piece(counted(area[1] - area[0] + 1, "version"), "text"),
        piece(f"{lane.short}: {counted(totals.begins, 'manifest begins', 'manifests begin')}", "text", 2),
        piece(f"{whole(totals.missing)} missing", "text", 1),
    ]
    if totals.conflict:
        wording.append(piece(f"{whole(totals.conflict)} twice", "conflict", 1))
    return wording
