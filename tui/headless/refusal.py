"""When a compaction is refused: stock would stop, or what it does would lose lines (`recovery.md`, "Compaction").

A hazard stands in the way when the catalogue calls it an error; a warning costs space or time and is only said.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.compaction import CompactionPreview
from core.compaction_hazards import CompactionHazard
from core.engine import Report
from core.findings.catalogue import CATALOGUE
from core.findings.text import command
from core.model import Finding, LaneKind, Severity, Zone
from core.stock import CompactionStop
from tui.headless.leads import is_about_compaction, lead, spans


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a compaction must not run: a hazard id, what it is, stock's own words, the way on, the zone it lies in."""

    kind: str
    explanation: str
    stock_says: str | None
    next_step: str
    zone: Zone | None


def refusal(preview: CompactionPreview, report: Report) -> Refusal | None:
    """The first thing that stands in the way, in the order in which stock would meet it; None if nothing does."""
    if preview.stop is not None:
        return _of_stop(preview, preview.stop, report)
    hazard = next((each for each in preview.hazards if grave(each)), None)
    return _of_hazard(preview, hazard, report) if hazard else None


def grave(hazard: CompactionHazard) -> bool:
    """Whether a hazard loses lines or wedges later runs."""
    return CATALOGUE[hazard.id].severity.rank >= Severity.ERROR.rank


def _of_stop(preview: CompactionPreview, stop: CompactionStop, report: Report) -> Refusal:
    zone = None
    if stop.lane is not None and stop.row is not None:
        zone = _zone_at(preview, stop.lane, stop.row, report)
    finding = lead(zone) or next((each for each in report.findings if each.stock_says == stop.message), None)
    graves = (each.id for each in preview.hazards if grave(each))
    kind = finding.kind if finding else next(graves, f"stops-at-{stop.step}")
    explanation = finding.explanation if finding else f"stock stops in step {stop.step}"
    return Refusal(kind, explanation, stop.message, _way_on(finding, report), zone)


def _of_hazard(preview: CompactionPreview, hazard: CompactionHazard, report: Report) -> Refusal:
    zone = None
    if hazard.lane is not None and hazard.groups:
        row = preview.run.lane(hazard.lane).rows(hazard.groups[0]).start
        zone = _zone_at(preview, hazard.lane, row, report)
    finding = lead(zone) or next((each for each in report.findings if each.kind == hazard.id), None)
    return Refusal(hazard.id, hazard.text, None, _way_on(finding, report), zone)


def _zone_at(preview: CompactionPreview, kind: LaneKind, row: int, report: Report) -> Zone | None:
    """The zone around an entry that does not go on from the one before it."""
    first = int(preview.run.index.lanes[kind].first[row])
    # Where versions are missing the zone ends right before the entry at which it is noticed.
    near = (first, first - 1)
    here = (zone for zone in report.zones if zone.lane is kind)
    return next((zone for zone in here if any(spans(zone, version) for version in near)), None)


def _way_on(finding: Finding | None, report: Report) -> str:
    if finding is None or is_about_compaction(finding):
        return command("seamline", "check", report.snapshot.location)
    return finding.next_step
