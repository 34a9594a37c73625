"""The document of `check`, and its records when it is streamed."""

from __future__ import annotations

from typing import Any

from core.engine import Report
from core.findings.search import blocks
from core.model import Finding, Zone
from core.restore import StoreVerdict
from tui.headless.documents.entries import claim_fields, entry_fields
from tui.headless.json_text import SCHEMA


def check_document(report: Report) -> dict[str, Any]:
    """Everything a check found: verdict, counts, what stock says, what would work, every finding."""
    return summary_fields(report) | {"findings": [finding_fields(each) for each in report.findings]}


def summary_fields(report: Report) -> dict[str, Any]:
    """The document without its findings."""
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
        "best": {"restorable_to": report.verdict.best_restorable_to, "needs": str(report.verdict.best_needs)},
        "level": report.level,
        "not_checked": report.not_checked,
        "kept_results": report.evidence.kept if report.evidence is not None else 0,
        "zones": [_zone_fields(zone) for zone in report.zones],
    }


def stock_fields(verdict: StoreVerdict) -> dict[str, Any]:
    """To which version stock restores, which would be the latest, and stock's own words if that fails."""
    return {
        "restorable_to": verdict.stock_restorable_to,
        "latest": verdict.latest,
        "error": verdict.stock_error,
    }


def finding_fields(finding: Finding) -> dict[str, Any]:
    """One finding with its entries, files and lines; `blocks`: no change is planned before it is settled."""
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
        "cause": finding.cause,
        "shape": finding.shape,
        "claims": claim_fields(finding.claims),
        "manifests": list(finding.manifests),
        "blocks": blocks(finding) is not None,
    }


def _zone_fields(zone: Zone) -> dict[str, Any]:
    return {
        "lane": zone.lane.value,
        "first": zone.first,
        "last": zone.last,
        "title": zone.title,
        "severity": zone.severity.value,
        "findings": [finding.id for finding in zone.findings],
    }
