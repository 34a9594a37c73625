"""The store in a line: header, verdict, and what the status line says about a place. Pure: session in, pieces out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from core.model import Entry, LaneKind, Severity, Zone
from tui.glyphs import Glyphs
from tui.numbers import counted, short, span, whole
from tui.safe_text import shorten
from tui.state import Phase, Session, Tally, View
from tui.widgets.line import Piece, piece

if TYPE_CHECKING:
    from core.index import Index
    from core.picture import Picture
    from core.restore import StoreVerdict
    from tui.recovering import Outlook

#: Severities that count as a problem; the rest is told as notices.
WORD_STYLES = {"clean": "good", "restorable": "snapshot", "broken": "conflict"}


def distinct_entries(zone: Zone) -> tuple[Entry, ...]:
    """The entries of a zone's findings, each once, in the lane's order."""
    found = {(each.first, each.last, each.manifest): each for finding in zone.findings for each in finding.entries}
    return tuple(found[key] for key in sorted(found))


def unreadable_files(index: Index) -> int:
    """How many metadata files could not be read, or hold lines that stock refuses."""
    return sum(file.fault is not None or file.bad_lines > 0 for file in index.files)


def is_overlap(zone: Zone) -> bool:
    """Whether entries of the zone compete for the same versions or epochs."""
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
    return Tally(len(problems), sum(overlaps), gaps)


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
    options = outlook_wordings(outlook, glyphs.dot) if outlook else _verdict_wordings(report.verdict, glyphs.dot)
    fitting = next((text for text in options if len(text) + len(word) + 5 <= width), None)
    if fitting is not None:
        unchecked = piece(f"not checked: {report.not_checked}", "dim", 9)
        return [piece(word, style), piece(fitting, "strong"), unchecked]
    return [piece(next((text for text in options if len(text) + 2 <= width), options[-1]), style)]


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
    rest = "" if overlay == verdict.latest else ", the rest needs a new backup"
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
    if reach == verdict.latest:
        return f"a chain reaches it (needs {needs})", f"{needs} reaches it", f"needs {needs}"
    if reach is None or reach == verdict.stock_restorable_to:
        return f"no chain goes further (needs {needs})", f"the rest needs {needs}", f"needs {needs}"
    far = whole(reach)
    return f"a chain reaches {far} (the rest needs {needs})", f"a chain reaches {far}", f"chain {far}"


#: What `best.needs` of `headless.md` is in a sentence.
_NEEDS = {"nothing": "nothing", "overlay": "an overlay", "repair": "a repair", "backup": "a new backup"}


def status(session: Session, view: View, lane: LaneKind, columns: int) -> tuple[list[Piece], list[Piece]]:
    """The status line of the timeline: the version under the cursor, its epoch, what covers it, the scale."""
    picture = session.picture
    if picture is None or not picture.end:
        return [], []
    cell, shown = max(1, view.length // columns), f"view {short(view.length)}"
    left = [piece(whole(view.cursor), "strong")]
    epochs = picture.epochs_at(view.cursor)
    if epochs:
        first, last = epochs
        left.append(piece(f"epoch {whole(first)}" if first == last else f"epochs {span(first, last)}", "text", 3))
    left.append(piece(f"{lane.short} {_covered(session, view.cursor, lane)}", "text", 1))
    reading = [piece(_ahead(*session.ahead), "snapshot", 0)] if session.ahead else []
    if session.no_outlook and session.outlook is None:
        reading = [piece(f"overlay and repair not known: {session.no_outlook}", "snapshot", 4, "repair not known")]
    right = [
        *reading,
        piece(f"1 cell = {counted(cell, 'version') if cell < 1_000_000 else short(cell) + ' versions'}", "dim", 6),
        piece(f"{shown} of {short(view.whole)}" if view.length < view.whole else shown, "dim", 5, shown),
    ]
    return left, right


def _ahead(done: int, total: int) -> str:
    return f"looking into manifests {whole(done)} of {whole(total)}: Esc stops"


def _covered(session: Session, version: int, lane: LaneKind) -> str:
    assert session.picture is not None
    index = session.picture.lanes[lane]
    held = len(index.covering(version))
    if lane is LaneKind.STATE_SNAPSHOTS:
        return "no snapshot here" if not held else counted(held, "snapshot")
    if held:
        return {1: "covered", 2: "covered twice"}.get(held, f"covered {held} times")
    reach = index.whole.reach
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
