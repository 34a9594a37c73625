"""The document of `restore-plan`: stock's answer to a request, the chain that works beside it, and what leads there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import numpy as np

from core.chain import Gap, SkipReason, gap_command
from core.columns import I64, Lane
from core.model import LaneKind
from core.phrases import command
from core.restore import HighestTargets, Needs, RestorePreview
from core.stock import StockPlan
from core.storage import is_command_adapter
from core.tools import tools_for
from tui.headless.documents.entries import lane_rows, snapshot_fields
from tui.headless.json_text import SCHEMA
from tui.headless.wishes import choice_words, wish_words

#: The folder that a command to be pasted names for an overlay.
OVERLAY_FOLDER: Final = "seamline-overlay"


def restore_document(preview: RestorePreview, highest: HighestTargets) -> dict[str, Any]:
    """Everything a restore preview holds: stock's plan or its error, the chain, what is skipped and why, the gaps.

    `highest_targets` are the same whatever target was asked for.
    """
    return {
        "schema": SCHEMA,
        "store": preview.snapshot.location,
        "requested_target": preview.requested,
        "target_version": preview.goal,
        "highest_targets": {"stock": highest.stock, "chain": highest.chain},
        "stock": _stock_fields(preview),
        "chain": _chain_fields(preview),
        "skipped": list(_skipped(preview)),
        "gaps": [gap_fields(gap, preview.snapshot.location) for gap in preview.gaps],
        "needs": preview.needs.value,
        "next_steps": list(next_steps(preview)),
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


def _manifests(lane: Lane, rows: Iterable[int]) -> list[str]:
    return [lane.manifest(int(row)) for row in rows]


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


def chain_entries(lane: Lane, rows: I64, sources: Mapping[str, str]) -> list[dict[str, Any]]:
    """Entries as in `lane_rows`, each with the manifest that its own was cut from, null for one that stands by itself.

    No file holds the line of a manifest that is still to be derived. `sources` as in `core.ground.Ground`.
    """
    return [
        each | {"spliced_from": source} | ({"files": []} if source else {})
        for each in lane_rows(lane, rows)
        for source in (sources.get(each["manifest"]),)
    ]


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
    backup = gap_command(gap, tools_for(location).stock_option)
    return {"first": gap.first, "last": gap.last, "command": backup, "lane": gap.lane.value, "kind": gap.kind.value}


def next_steps(preview: RestorePreview) -> tuple[str, ...]:
    """The commands that get further than stock by itself does, ready to paste; none where nothing of ours does.

    A repair, which previews first, and an overlay. What has to be backed up again stands in the gaps.
    """
    works, best = preview.verdict.stock_restorable_to, preview.best
    helps = best is not None and (works is None or best.lands_at > works)
    if preview.needs is Needs.NOTHING or not (helps or preview.needs is Needs.OVERLAY):
        return ()
    location, options = preview.snapshot.location, preview.options
    repair = command("seamline", "repair", location, *choice_words(options), "--dry-run")
    overlay = command("seamline", "overlay", location, OVERLAY_FOLDER, *wish_words(options))
    # Through a command adapter alone nothing is written: it holds no lease.
    return (overlay,) if is_command_adapter(location) else (repair, overlay)
