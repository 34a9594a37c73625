"""What `check` prints: the verdict and what to do now, the problems, what was not looked at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from rich.console import Group
from rich.text import Text

from core.engine import MAX_LEVEL, Report
from core.findings.leads import by_weight, lead
from core.model import Claim, Finding, Severity, Zone
from core.phrases import command
from tui.headless.printers.layout import (
    BAD,
    DIM,
    GOOD,
    SEVERITY_STYLES,
    WARN,
    Lines,
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

ZONES_SHOWN: Final = 40
FINDINGS_SHOWN: Final = 8
CLAIMS_SHOWN: Final = 6
_STYLES: Final = {"clean": GOOD, "restorable": WARN, "broken": BAD}


def check_answer(report: Report) -> Group:
    """The whole answer of a check."""
    return Group(*verdict_lines(report), *_problems(report), Text(), *_not_checked(report))


def verdict_lines(report: Report) -> Lines:
    """Can stock restore this, to where, if not why, and what now."""
    verdict = report.verdict
    lines: Lines = [headline(report.word.upper(), _STYLES[report.word], _reach(report))]
    if verdict.stock_error:
        lines.append(verbatim("stock", said(verdict.stock_error)))
    if not verdict.stock_restores_latest and verdict.latest is not None:
        lines.append(prose("instead", _instead(report)))
    if report.word != "clean":
        lines += commands("now", _now(report))
    return [*lines, Text(), verbatim("store", report.snapshot.location), prose("holds", _holds(report))]


def _reach(report: Report) -> str:
    verdict = report.verdict
    if verdict.latest is None:
        return "no transactions are in this store: there is nothing to restore to"
    if verdict.stock_restores_latest:
        return f"stock restores to {whole(verdict.latest)}, the latest version"
    if verdict.stock_restorable_to is None:
        return f"stock restores nothing; the latest version is {whole(verdict.latest)}"
    return f"stock restores to {whole(verdict.stock_restorable_to)} only; the latest version is {whole(verdict.latest)}"


def _instead(report: Report) -> str:
    """What would reach further than stock does."""
    verdict = report.verdict
    reach, works = verdict.best_restorable_to, verdict.stock_restorable_to
    further = reach is not None and (works is None or reach > works)
    way = (
        f"a chain that works reaches {whole(reach)}"
        if further and reach is not None
        else "no chain reaches further than stock does"
    )
    if reach == verdict.latest:
        return f"{way} (needs: {verdict.best_needs})"
    return f"{way}; above that, entries are missing or do not join"


def _now(report: Report) -> str:
    """What to do first: the next step of the first problem, which is what holds up all else if there is such."""
    first = lead(report.zones[0]) if report.zones else None
    return first.next_step if first else command("seamline", "restore-plan", report.snapshot.location)


def _holds(report: Report) -> str:
    index = report.snapshot.index
    return (
        f"{counted(len(index.files), 'metadata file')}, {counted(index.line_count, 'line')}: "
        f"{counted(len(index.transactions), 'transaction entry', 'transaction entries')}, "
        f"{counted(len(index.epoch_endings), 'epoch ending')}, {counted(len(index.state_snapshots), 'state snapshot')}"
    )


def _problems(report: Report) -> Lines:
    problems = [zone for zone in report.zones if zone.severity is not Severity.INFO]
    notices = [zone for zone in report.zones if zone.severity is Severity.INFO]
    lines: Lines = [Text(), Text(counted(len(problems), "problem"), "bold")] if problems else []
    for zone in problems[:ZONES_SHOWN]:
        lines += [Text(), *zone_lines(zone)]
    if len(problems) > ZONES_SHOWN:
        rest = counted(len(problems) - ZONES_SHOWN, "more problem")
        lines += [Text(), Text(f"{rest}: --json lists them all", DIM)]
    if notices:
        lines += [Text(), Text(counted(len(notices), "notice"), "bold")]
        lines += [prose("", each.explanation) for zone in notices[:ZONES_SHOWN] for each in zone.findings[:1]]
    return lines


def zone_lines(zone: Zone) -> Lines:
    """One problem: what and where, then each of its findings with stock's words, files and the next step."""
    where = place(zone.lane, zone.first, zone.last)
    title = Text.assemble(
        (zone.severity.value.upper(), SEVERITY_STYLES[zone.severity]), "  ", (safe(zone.title), "bold")
    )
    title.append(f"  {lane_name(zone.lane)}{'  ' + where if where else ''}")
    lines: Lines = [title]
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
    return [*lines, *commands("next", finding.next_step)] if told.news(finding.next_step) else lines


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
        deeper = command("seamline", "check", report.snapshot.location, "--level", report.level + 1)
        lines += commands("deeper", deeper, indent=0)
    return lines
