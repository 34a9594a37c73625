"""Whether a repair helps: what unpatched stock selects afterwards, beside what the recovery promised."""

from __future__ import annotations

import numpy as np

from core.chain import Chain
from core.index import Index
from core.lane_difference import equal_entries
from core.recovery.model import Recovery
from core.restore import RestorePreview
from core.stock import StockFailure, StockPlan, restore_plan
from core.stock.loading import index_load_error


def why_no_help(recovery: Recovery, after: Index) -> str | None:
    """What is still wrong when `after` is what stock sees; None where it restores along the recovery's chains.

    A recovery without a restore promises only that stock can load the store.
    """
    failure = index_load_error(after)
    if failure is not None:
        return failure.message
    preview = recovery.preview
    if preview.best is None:
        return None
    try:
        plan = restore_plan(after, preview.best.lands_at, preview.options.ledger_history_start)
    except StockFailure as refusal:
        return refusal.message
    if plan.lands_at != preview.best.lands_at:
        return f"stock would land at version {plan.lands_at}, not at {preview.best.lands_at}"
    return None if _follows(plan, after, preview) else "stock would select other entries than were chosen"


def other_snapshot(recovery: Recovery, after: Index) -> tuple[int, int] | None:
    """The versions of the snapshot that stock takes and of the one that was chosen, where they are two."""
    best = recovery.preview.best
    if best is None:
        return None
    plan = restore_plan(after, best.lands_at, recovery.preview.options.ledger_history_start)
    taken = after.state_snapshots.record(plan.tree_snapshot)
    chosen = recovery.index.state_snapshots.record(best.tree_snapshot)
    if taken == chosen:
        return None
    return int(after.state_snapshots.first[plan.tree_snapshot]), int(
        recovery.index.state_snapshots.first[best.tree_snapshot]
    )


def _follows(plan: StockPlan, after: Index, preview: RestorePreview) -> bool:
    """Whether stock reads of both lanes just what the chains hold of its range."""
    target = np.uint64(plan.target)
    chain = preview.transactions
    wanted = chain.rows[chain.lane.last[chain.rows] >= np.uint64(plan.transactions_from)]
    wanted = wanted[chain.lane.first[wanted] <= target]
    epochs = preview.epoch_endings
    proved = epochs.rows[: _until(epochs, target)]
    return equal_entries(after.transactions, plan.transactions, chain.lane, wanted) and equal_entries(
        after.epoch_endings, plan.epoch_endings, epochs.lane, proved
    )


def _until(chain: Chain, target: np.uint64) -> int:
    """How many of a chain's rows come before the first that begins above `target`."""
    beyond = chain.lane.first_version[chain.rows] > target
    return int(np.argmax(beyond)) if beyond.any() else len(chain.rows)
