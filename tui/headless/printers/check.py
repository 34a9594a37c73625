"""What `check` prints: the verdict and what to do now, the problems, what was not looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from core.engine import MAX_LEVEL, Report
from core.findings.leads import by_weight, lead
from core.invocation import Check
from core.model import Claim, Finding, Severity, Zone
from core.phrases import listed, moment
from core.restore import StoreVerdict, lower_failure, stock_words
from core.triage import Standing, ZoneState
from tui.headless.documents.check import NO_NOTES, Notes, next_steps
from tui.headless.printers.layout import (
    BAD,
    DIM,
    GOOD,
    SEVERITY_STYLES,
    WARN,
    Line,
    Lines,
    aligned,
    claim_lines,
    commands,
    headline,
    lane_name,
    place,
    prose,
    said,
    verbatim,
)
from tui.numbers import counted, whole
from tui.safe_text import safe

FINDINGS_SHOWN: Final = 8
CLAIMS_SHOWN: Final = 6
_STYLES: Final = {"clean": GOOD, "restorable": WARN, "broken": BAD}


def check_answer(report: Report, notes: Notes = NO_NOTES, limit: int | None = None) -> Iterator[RenderableType]:
    """The whole answer of a check, with at most `limit` problems, and as many notices; None for all.

    It ends as it begins, so that the end of a log tells the verdict too.
    """
    yield from verdict_lines(report)
    yield from _problems(report, notes, limit)
    yield from (Text(), *_not_checked(report), Text(), *conclusion(report))


def summary_answer(report: Report, notes: Notes = NO_NOTES) -> Iterator[RenderableType]:
    """One line a problem: how bad, what, where, and the first step; then the verdict."""
    problems, notices = _by_weight(report)
    if problems:
        yield from aligned(("severity", "problem", "lane", "where", "next"), _SummaryLines(problems, notes))
    if notices:
        yield Text(counted(len(notices), "notice"), DIM)
    if problems or notices:
        yield Text()
    yield from conclusion(report)


def _note_on(zone: Zone, notes: Notes) -> ZoneState | None:
    """What was noted on a problem; what that is known by is worked out only where there are notes."""
    return notes.get(zone.id) if notes else None


@dataclass(frozen=True, slots=True)
class _SummaryLines:
    """The lines of some problems, made anew in each round: there may be hundreds of thousands."""

    problems: Sequence[Zone]
    notes: Notes

    def __iter__(self) -> Iterator[Line]:
        return (_summary_line(zone, _note_on(zone, self.notes)) for zone in self.problems)


def _first_step(zone: Zone) -> str:
    first = lead(zone)
    return first.next_step.partition("\n")[0] if first else ""


def _summary_line(zone: Zone, state: ZoneState | None) -> Line:
    title = zone.title if state is None else f"{zone.title} ({state.standing.value})"
    cells = (zone.severity.value.upper(), title, lane_name(zone.lane), place(zone.lane, zone.first, zone.last))
    return Line(cells, DIM if state is not None else "", partial(_first_step, zone))


def note_words(state: ZoneState) -> str:
    """What was noted on a problem: `ignored until 2026-12-24: reason`, `decided: keep MANIFEST`."""
    if state.standing is Standing.IGNORED:
        until = "" if state.until is None else f" until {moment(state.until, seconds=False).removesuffix(' 00:00Z')}"
        return f"ignored{until}: {state.reason}"
    choices = (("keep", state.pins), ("leave out", state.vetoes))
    return "decided: " + "; ".join(f"{verb} {listed(sorted(handles))}" for verb, handles in choices if handles)


def verdict_lines(report: Report) -> Lines:
    """Can stock restore this, to where, if not why, and what now; then which store that is."""
    return [
        *conclusion(report),
        Text(),
        verbatim("store", report.snapshot.location),
        prose("holds", _holds(report)),
    ]


def conclusion(report: Report) -> Lines:
    """The verdict alone, with what to do now."""
    verdict = report.verdict
    lines: Lines = [headline(report.word.upper(), _STYLES[report.word], _reach(verdict))]
    if verdict.stock_error:
        lines.append(verbatim("stock", stock_words(verdict.stock_error)))
    lower = lower_failure(verdict)
    if lower is not None:
        lines.append(prose("lower", lower))
    if not verdict.stock_restores_latest and verdict.works_with_target is None and verdict.latest is not None:
        lines.append(prose("instead", _instead(verdict)))
    for label, step in zip(("now", "or"), next_steps(report), strict=False):
        lines += commands(label, step)
    first = lead(report.zones[0]) if report.zones and report.word != "clean" else None
    return [*lines, prose("then", first.then)] if first is not None and first.then else lines


def _reach(verdict: StoreVerdict) -> str:
    latest, works = verdict.latest, verdict.stock_restorable_to
    if latest is None:
        return "no transactions are in this store: there is nothing to restore to"
    if verdict.works_with_target is not None:
        return (
            f"stock stops unless it is given a target: with {whole(latest)} it restores to {whole(latest)}, "
            "the latest version"
        )
    if verdict.stock_restores_latest:
        more = verdict.recoverable
        rest = f"; {whole(more)} more can be recovered" if more else ", the latest version"
        return f"stock restores to {whole(latest)}{rest}"
    if works is None:
        return f"stock restores nothing; the latest version is {whole(latest)}"
    return f"stock restores to {whole(works)} only; the latest version is {whole(latest)}"


def _instead(verdict: StoreVerdict) -> str:
    """What would reach further than stock does."""
    reach, works = verdict.best_restorable_to, verdict.stock_restorable_to
    further = reach is not None and (works is None or reach > works)
    way = (
        f"a chain that works reaches {whole(reach)}"
        if further and reach is not None
        else "no chain reaches further than stock does"
    )
    if reach is not None and verdict.latest is not None and reach >= verdict.latest:
        return f"{way}, with a repair or an overlay"
    return f"{way}; above that, entries are missing or do not join"


def _holds(report: Report) -> str:
    index = report.snapshot.index
    return (
        f"{counted(len(index.files), 'metadata file')}, {counted(index.line_count, 'line')}: "
        f"{counted(len(index.transactions), 'transaction entry', 'transaction entries')}, "
        f"{counted(len(index.epoch_endings), 'epoch ending')}, {counted(len(index.state_snapshots), 'state snapshot')}"
    )


def _by_weight(report: Report) -> tuple[list[Zone], list[Zone]]:
    """What is a problem, and what is a mere notice."""
    problems = [zone for zone in report.zones if zone.severity is not Severity.INFO]
    return problems, [zone for zone in report.zones if zone.severity is Severity.INFO]


def _problems(report: Report, notes: Notes, limit: int | None) -> Iterator[RenderableType]:
    problems, notices = _by_weight(report)
    if problems:
        yield from (Text(), Text(counted(len(problems), "problem"), "bold"))
    for zone in problems[:limit]:
        yield from (Text(), *zone_lines(zone, _note_on(zone, notes)))
    if limit is not None and len(problems) > limit:
        rest = f"and {whole(len(problems) - limit)} more: --all tells of them, --json lists them for scripts"
        yield from (Text(), Text(rest, DIM))
    if notices:
        yield from (Text(), Text(counted(len(notices), "notice"), "bold"))
        yield from (prose("", each.explanation) for zone in notices[:limit] for each in zone.findings[:1])


def zone_lines(zone: Zone, state: ZoneState | None = None) -> Lines:
    """One problem: what and where, what was noted on it, then each of its findings with stock's words, files and the
    next step.
    """
    where = place(zone.lane, zone.first, zone.last)
    title = Text.assemble(
        (zone.severity.value.upper(), SEVERITY_STYLES[zone.severity]), "  ", (safe(zone.title), "bold")
    )
    title.append(f"  {lane_name(zone.lane)}{'  ' + where if where else ''}")
    lines: Lines = [title, *([] if state is None else [prose("noted", note_words(state))])]
    told = _Told()
    for finding in by_weight(zone)[:FINDINGS_SHOWN]:
        lines += _finding_lines(finding, told)
    if len(zone.findings) > FINDINGS_SHOWN:
        lines.append(Text(f"  and {counted(len(zone.findings) - FINDINGS_SHOWN, 'more finding')}: --json", DIM))
    return lines


@dataclass
class _Told:
    """What was said about a zone already: its further findings only add to it."""

    texts: set[str] = field(default_factory=set)

    def news(self, text: str | None) -> bool:
        """Whether there is a text and it is said for the first time."""
        fresh = bool(text) and text not in self.texts
        self.texts.add(text or "")
        return fresh


def _finding_lines(finding: Finding, told: _Told) -> Lines:
    first = not told.texts
    lines: Lines = [prose("what" if first else "also", finding.explanation)]
    if first and finding.cause:
        lines.append(prose("cause", finding.cause))
    if told.news(finding.stock_says):
        lines.append(verbatim("stock", said(finding.stock_says or "")))
    lines += claim_lines([claim for claim in _claims(finding) if told.news(str(claim))], CLAIMS_SHOWN)
    return [*lines, *_way_on("next", finding)] if told.news(finding.next_step) else lines


def _way_on(label: str, finding: Finding) -> Lines:
    """What to do, and what follows from it."""
    lines = commands(label, finding.next_step)
    return [*lines, prose("then", finding.then)] if finding.then else lines


def _claims(finding: Finding) -> Iterable[Claim]:
    """The files and lines of a finding, its entries' first."""
    yield from (claim for entry in finding.entries for claim in entry.claims)
    yield from finding.claims


def _not_checked(report: Report) -> Lines:
    lines: Lines = [prose("unseen", f"not checked: {report.not_checked}", indent=0)]
    kept = report.evidence.kept if report.evidence is not None else 0
    if kept:
        earlier = f"{counted(kept, 'result')} of an earlier check, nothing has changed by size and time"
        lines.append(prose("known", f"{earlier}: --afresh reads again", indent=0))
    if report.level < MAX_LEVEL:
        deeper = str(Check(report.snapshot.location, report.level + 1))
        lines += commands("deeper", deeper, indent=0)
    return lines
