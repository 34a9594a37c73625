"""The document of `restore-plan`: stock's answer to a request, the chain that works beside it, and what leads there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import numpy as np

from core.chain import Gap, SkipReason, gap_command
from core.columns import I64, Lane
from core.invocation import Overlay, Repair, RestorePlan
from core.manifests import ManifestStatus
from core.model import LaneKind
from core.recovery import Recovery
from core.restore import HighestTargets, Needs, RestoreOptions, RestorePreview, UnusedChoice
from core.snapshot import metadata_only
from core.stock import StockPlan
from core.storage import is_command_adapter
from core.tools import tools_for
from tui.headless.documents.entries import lane_rows, snapshot_fields
from tui.headless.json_text import SCHEMA

#: The folder that a command to be pasted names for an overlay.
OVERLAY_FOLDER: Final = "seamline-overlay"
#: What of stock's walks over all entries, whatever a restore reads of them.
_OTHER_WALKS: Final = ("compaction", "verify")


def restore_document(recovery: Recovery, highest: HighestTargets) -> dict[str, Any]:
    """Everything a restore preview holds: stock's plan or its error, the chain, what is skipped and why, the gaps.

    `highest_targets` are the same whatever target was asked for.
    """
    preview = recovery.preview
    return {
        "schema": SCHEMA,
        "store": preview.snapshot.location,
        "requested_target": preview.requested,
        "target_version": preview.goal,
        "highest_targets": {"stock": highest.stock, "chain": highest.chain},
        "stock": _stock_fields(preview),
        "chain": _chain_fields(preview),
        "skipped": _skipped(preview),
        "gaps": missing(preview),
        **choice_fields(recovery),
        **evidence_fields(recovery),
        "needs": preview.needs.value,
        "next_steps": list(next_steps(recovery)),
        "notes": [{"kind": each.kind, "severity": each.severity.value, "text": each.text} for each in preview.notes],
    }


def _stock_fields(preview: RestorePreview) -> dict[str, Any]:
    answer = preview.stock
    return {
        "ok": answer.ok,
        "error": answer.error,
        "plan": _plan_fields(preview, answer.plan) if answer.plan else None,
        "panic": answer.panic,
        "target_version": answer.target,
        "lands_at": answer.lands_at,
        "restorable_to": preview.verdict.stock_restorable_to,
        "latest": preview.verdict.latest,
    }


def _plan_fields(preview: RestorePreview, plan: StockPlan) -> dict[str, Any]:
    index = preview.index
    transactions = index.transactions
    return {
        "target_version": plan.target,
        "kv_snapshot": snapshot_fields(index.state_snapshots, plan.kv_snapshot),
        "tree_snapshot": snapshot_fields(index.state_snapshots, plan.tree_snapshot),
        "phase_1": plan.phase_1,
        "txn_start_version": plan.transactions_from,
        "transaction_backups": lane_rows(transactions, plan.transactions),
        "epoch_ending_backups": lane_rows(index.epoch_endings, plan.epoch_endings),
        "phase_1_manifests": _manifests(transactions, plan.phase_1_transactions),
        "phase_2_manifests": _manifests(transactions, plan.phase_2_transactions),
        "max_txn_version": plan.max_transaction_version,
    }


def _manifests(lane: Lane, rows: Iterable[int]) -> Iterator[str]:
    return (lane.manifest(int(row)) for row in rows)


def _chain_fields(preview: RestorePreview) -> dict[str, Any]:
    index, best = preview.index, preview.best
    epoch_endings = best.epoch_endings if best else preview.epoch_endings.rows
    return {
        "complete": preview.complete,
        "reaches": best.lands_at if best else None,
        "transactions": chain_entries(index.transactions, chain_rows(preview), preview.ground.sources),
        "epoch_endings": chain_entries(index.epoch_endings, epoch_endings, preview.ground.sources),
        "kv_snapshot": snapshot_fields(index.state_snapshots, best.kv_snapshot if best else None),
        "tree_snapshot": snapshot_fields(index.state_snapshots, best.tree_snapshot if best else None),
    }


def chain_entries(lane: Lane, rows: I64, sources: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Entries as in `lane_rows`, each with the manifest that its own was cut from, null for one that stands by itself.

    No file holds the line of a manifest that is still to be derived. `sources` as in `core.ground.Ground`.
    """
    for each in lane_rows(lane, rows):
        source = sources.get(each["manifest"])
        yield each | {"spliced_from": source} | ({"files": []} if source else {})


def chain_rows(preview: RestorePreview) -> I64:
    """The transactions of the chain from version 0 on (rows, int64): stock must see those below the restore as well."""
    reason = preview.left_out[LaneKind.TRANSACTIONS].reason
    rows = preview.transactions.rows
    return rows[np.isin(reason[rows], (SkipReason.CHOSEN, SkipReason.NOT_NEEDED))]


def _skipped(preview: RestorePreview) -> Iterator[dict[str, Any]]:
    for kind, left_out in preview.left_out.items():
        rows = left_out.rows()
        if kind is LaneKind.TRANSACTIONS:
            rows = np.setdiff1d(rows, chain_rows(preview), assume_unique=True)
        for row, fields in zip(rows.tolist(), lane_rows(left_out.lane, rows), strict=True):
            yield {"lane": kind.value} | fields | {"reason": left_out.why(row)}


def choice_fields(recovery: Recovery) -> dict[str, Any]:
    """What became of the operator's choices: those that are not used, and why, and those that cost reach."""
    return {
        "unused_pins": unused_fields(recovery.unused_pins),
        "unused_vetoes": unused_fields(recovery.unused_vetoes),
        "lowered_reach": [
            {"manifests": list(each.manifests), "without": each.without, "with": each.reached}
            for each in recovery.costs
        ],
    }


def evidence_fields(recovery: Recovery) -> dict[str, Any]:
    """What was looked into to choose among what competes: how many manifests, and which of them are not there."""
    found = recovery.evidence.manifests if recovery.evidence else {}
    missing = sorted(handle for (_, handle), facts in found.items() if facts.status is ManifestStatus.MISSING)
    return {"metadata_only": metadata_only(recovery.snapshot), "looked_at": len(found), "missing_manifests": missing}


def unused_fields(choices: Iterable[UnusedChoice]) -> list[dict[str, Any]]:
    """Choices that are not used, each with the reason."""
    return [{"manifest": each.manifest, "reason": each.reason} for each in choices]


def missing(preview: RestorePreview) -> list[dict[str, Any]]:
    """Every gap of a preview: those in the way of the restore, then those that only stock's other walks stop at."""
    location = preview.snapshot.location
    return [
        *(gap_fields(gap, location) for gap in preview.gaps),
        *(gap_fields(gap, location) | {"stops": list(_OTHER_WALKS)} for gap in preview.later_gaps),
    ]


def gap_fields(gap: Gap, location: str) -> dict[str, Any]:
    """A stretch to back up again, stock's command for that, and what of stock's `stops` there."""
    return {
        "first": gap.first,
        "last": gap.last,
        "command": str(gap_command(gap, tools_for(location).storage)),
        "lane": gap.lane.value,
        "kind": gap.kind.value,
        "stops": ["restore", *_OTHER_WALKS],
    }


def next_steps(recovery: Recovery) -> tuple[str, ...]:
    """The commands that get further than stock by itself does, ready to paste; none where nothing of ours does.

    The target that works where a restore without one stops, a repair, which previews first, and an overlay. What has to
    be backed up again stands in the gaps. Of choices they repeat what the operator gave.
    """
    preview, wishes = recovery.preview, recovery.wishes
    works, best = preview.verdict.stock_restorable_to, preview.best
    target = preview.verdict.works_with_target if preview.requested is None else None
    helps = best is not None and (works is None or best.lands_at > works)
    if preview.needs is Needs.NOTHING or not (helps or preview.needs is Needs.OVERLAY):
        return ()
    location = preview.snapshot.location
    repair = str(Repair(location, wishes.choices, dry_run=True))
    overlay = str(Overlay(location, OVERLAY_FOLDER, wishes))
    by_itself = () if target is None else (restore_with_target(location, target),)
    # Through a command adapter alone nothing is written: it holds no lease.
    return (*by_itself, overlay) if is_command_adapter(location) else (*by_itself, repair, overlay)


def restore_with_target(location: str, target: int) -> str:
    """The preview of stock's restore to a version, ready to paste."""
    return str(RestorePlan(location, RestoreOptions(target)))
