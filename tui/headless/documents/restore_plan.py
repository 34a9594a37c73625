"""The document of `restore-plan`: stock's answer to a request, and the chain that works beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from core.chain import Gap, SkipReason, gap_command
from core.columns import I64, Lane
from core.model import LaneKind
from core.phrases import quoted
from core.restore import RestorePreview
from core.stock import StockPlan
from tui.headless.documents.entries import lane_rows, snapshot_fields
from tui.headless.json_text import SCHEMA


def restore_document(preview: RestorePreview) -> dict[str, Any]:
    """Everything a restore preview holds: stock's plan or its error, the chain, what is skipped and why, the gaps."""
    return {
        "schema": SCHEMA,
        "store": preview.snapshot.location,
        "requested_target": preview.requested,
        "target_version": preview.goal,
        "stock": _stock_fields(preview),
        "chain": _chain_fields(preview),
        "skipped": list(_skipped(preview)),
        "gaps": [gap_fields(gap, preview.snapshot.location) for gap in preview.gaps],
        "needs": preview.needs.value,
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
    index = preview.snapshot.index
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


def _manifests(lane: Lane, rows: Iterable[int]) -> list[str]:
    return [lane.manifest(int(row)) for row in rows]


def _chain_fields(preview: RestorePreview) -> dict[str, Any]:
    index, best = preview.snapshot.index, preview.best
    epoch_endings = best.epoch_endings if best else preview.epoch_endings.rows
    return {
        "complete": preview.complete,
        "reaches": best.lands_at if best else None,
        "transactions": [each | {"spliced_from": None} for each in lane_rows(index.transactions, chain_rows(preview))],
        "epoch_endings": lane_rows(index.epoch_endings, epoch_endings),
        "kv_snapshot": snapshot_fields(index.state_snapshots, best.kv_snapshot if best else None),
        "tree_snapshot": snapshot_fields(index.state_snapshots, best.tree_snapshot if best else None),
    }


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


def gap_fields(gap: Gap, location: str) -> dict[str, Any]:
    """A stretch to back up again, and stock's command for that."""
    command = gap_command(gap, f"--local-fs-dir {quoted(location)}")
    return {"first": gap.first, "last": gap.last, "command": command, "lane": gap.lane.value, "kind": gap.kind.value}
