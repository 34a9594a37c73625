"""The document of `check`, and its records when it is streamed."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from core.engine import Report
from core.findings.leads import lead
from core.findings.search import blocks
from core.invocation import RestorePlan
from core.model import Finding, Zone
from core.restore import StoreVerdict
from core.triage import Standing, Triage, ZoneState
from tui.headless.documents.entries import claim_fields, entry_fields
from tui.headless.documents.restore_plan import restore_with_target
from tui.headless.json_text import SCHEMA

#: What the operator noted on this machine, by the ids of the problems and of the findings in them.
Notes: TypeAlias = Mapping[str, ZoneState]
NO_NOTES: Final[Notes] = MappingProxyType({})


def notes_on(report: Report, triage: Triage) -> Notes:
    """What of the notes on a store is still about one of the problems found."""
    noted = ((zone, triage.state_of(zone, report.snapshot.taken_at)) for zone in report.zones)
    return {
        id_: state
        for zone, state in noted
        if state.standing is not Standing.OPEN
        for id_ in (zone.id, *(finding.id for finding in zone.findings))
    }


def check_document(report: Report, notes: Notes = NO_NOTES) -> dict[str, Any]:
    """Everything a check found: verdict, counts, what stock says, what would work, every finding.

    The lists of zones and findings are iterators: a store may have hundreds of thousands.
    """
    return summary_fields(report, notes) | {"findings": (finding_fields(each, notes) for each in report.findings)}


def summary_fields(report: Report, notes: Notes = NO_NOTES) -> dict[str, Any]:
    """The document without its findings; the list of zones is an iterator."""
    index, state = report.snapshot.index, report.storage_state
    return {
        "schema": SCHEMA,
        "store": report.snapshot.location,
        "verdict": report.word,
        "counts": {
            "metadata_files": len(index.files),
            "lines": index.line_count,
            "epoch_endings": len(index.epoch_endings),
            "state_snapshots": len(index.state_snapshots),
            "transactions": len(index.transactions),
        },
        "storage_state": {
            "latest_epoch_ending_epoch": state.latest_epoch_ending_epoch,
            "latest_state_snapshot_epoch": state.latest_state_snapshot_epoch,
            "latest_state_snapshot_version": state.latest_state_snapshot_version,
            "latest_transaction_version": state.latest_transaction_version,
        },
        "stock": stock_fields(report.verdict),
        "best": {
            "restorable_to": report.verdict.best_restorable_to,
            "needs": str(report.verdict.best_needs),
            "recoverable": report.verdict.recoverable,
        },
        "next_steps": list(next_steps(report)),
        "level": report.level,
        "not_checked": report.not_checked,
        "kept_results": report.evidence.kept if report.evidence is not None else 0,
        "zones": (_zone_fields(zone, notes) for zone in report.zones),
    }


def stock_fields(verdict: StoreVerdict) -> dict[str, Any]:
    """To which version stock restores, which would be the latest, and stock's own words when it is to restore that.

    With a lower target it may fail already, with other words.
    """
    return {
        "ok": verdict.stock_error is None,
        "restorable_to": verdict.stock_restorable_to,
        "latest": verdict.latest,
        "error": verdict.stock_error,
        "first_failing_target": verdict.stock_fails_from,
        "first_error": verdict.stock_first_error,
    }


def next_steps(report: Report) -> tuple[str, ...]:
    """What to do first; nothing where nothing is wrong.

    That is the target that works where a restore without one stops, then the next step of the first problem, which is
    what holds up all else if there is such.
    """
    if report.word == "clean":
        return ()
    location, target = report.snapshot.location, report.verdict.works_with_target
    with_target = () if target is None else (restore_with_target(location, target),)
    first = lead(report.zones[0]) if report.zones else None
    if first is not None:
        return (*with_target, first.next_step)
    return with_target or (str(RestorePlan(location)),)


def finding_fields(finding: Finding, notes: Notes = NO_NOTES) -> dict[str, Any]:
    """One finding with its entries, files and lines, and what the operator noted on its problem.

    `blocks`: no change is planned before it is settled.
    """
    return {
        "id": finding.id,
        "kind": finding.kind,
        "severity": finding.severity.value,
        "lane": finding.lane.value,
        "first": finding.first,
        "last": finding.last,
        "entries": [entry_fields(entry) for entry in finding.entries],
        "stock_says": finding.stock_says,
        "explanation": finding.explanation,
        "next_step": finding.next_step,
        "then": finding.then or None,
        "cause": finding.cause,
        "shape": finding.shape,
        "claims": claim_fields(finding.claims),
        "manifests": list(finding.manifests),
        "note": _note_fields(notes.get(finding.id)),
        "blocks": blocks(finding) is not None,
    }


def _zone_fields(zone: Zone, notes: Notes) -> dict[str, Any]:
    return {
        "lane": zone.lane.value,
        "first": zone.first,
        "last": zone.last,
        "title": zone.title,
        "severity": zone.severity.value,
        "findings": [finding.id for finding in zone.findings],
        "note": _note_fields(notes.get(zone.id)),
    }


def _note_fields(state: ZoneState | None) -> dict[str, Any] | None:
    """A problem that was decided or is left alone; `until` in unix seconds, null for good."""
    if state is None:
        return None
    return {
        "standing": state.standing.value,
        "pins": sorted(state.pins),
        "vetoes": sorted(state.vetoes),
        "reason": state.reason,
        "until": state.until,
    }
