"""Why each entry of a store is not read by the best restore: the chains' reasons, and those of the restore itself."""

from __future__ import annotations

from typing import Final

import numpy as np

from core.chain import Chain, SkipReason, named_rows, reason_text
from core.model import LaneKind
from core.restore.along import Ways
from core.restore.model import BestRestore, RestoreOptions
from core.restore.skipped import LeftOut


def left_out(ways: Ways, options: RestoreOptions, best: BestRestore | None) -> dict[LaneKind, LeftOut]:
    """The reasons of all three lanes, in the order of a restore's steps."""
    return {
        LaneKind.EPOCH_ENDINGS: _epoch_endings(ways.epoch_endings, best),
        LaneKind.STATE_SNAPSHOTS: _snapshots(ways, options, best),
        LaneKind.TRANSACTIONS: _transactions(ways.transactions, best),
    }


def _epoch_endings(chain: Chain, best: BestRestore | None) -> LeftOut:
    reason = chain.reason.copy()
    if best is not None:
        beyond = np.setdiff1d(chain.rows, best.epoch_endings, assume_unique=True)
        reason[beyond] = SkipReason.ABOVE_TARGET

    def words(row: int) -> str:
        if best is not None and reason[row] == SkipReason.ABOVE_TARGET:
            return f"first version {int(chain.lane.first_version[row]):,} above {best.lands_at:,}"
        return reason_text(chain, row)

    return LeftOut(chain.lane, reason, words)


def _transactions(chain: Chain, best: BestRestore | None) -> LeftOut:
    reason = chain.reason.copy()
    if best is not None:
        unread = np.setdiff1d(chain.rows, best.transactions, assume_unique=True)
        beyond = chain.lane.first[unread] > np.uint64(best.lands_at)
        reason[unread] = np.where(beyond, SkipReason.ABOVE_TARGET, SkipReason.NOT_NEEDED)

    def words(row: int) -> str:
        if reason[row] == chain.reason[row] or best is None:
            return reason_text(chain, row)
        if reason[row] == SkipReason.ABOVE_TARGET:
            return f"above {best.lands_at:,}, as far as this restore gets"
        return "part of the chain, below what this restore reads"

    return LeftOut(chain.lane, reason, words)


def _snapshots(ways: Ways, options: RestoreOptions, best: BestRestore | None) -> LeftOut:
    lane = ways.snapshots.lane
    goal = ways.goal if best is None else best.lands_at
    used = [] if best is None else [row for row in (best.kv_snapshot, best.tree_snapshot) if row is not None]
    reason = np.full(len(lane), SkipReason.OTHER_CHOSEN, dtype=np.uint8)
    reason[np.isin(lane.first, lane.first[used])] = SkipReason.SAME_RANGE
    if goal is not None:
        reason[lane.first > np.uint64(goal)] = SkipReason.ABOVE_TARGET
    reason[~ways.snapshots.usable] = SkipReason.BROKEN
    reason[ways.snapshots.outdone] = SkipReason.SAME_RANGE
    if vetoes := options.vetoes - options.broken:
        reason[named_rows(lane.manifests, vetoes)] = SkipReason.VETOED
    reason[used] = SkipReason.CHOSEN
    wanted = "neither K nor T" if len(set(used)) > 1 else "not the newest that is usable"

    def words(row: int) -> str:
        if reason[row] == SkipReason.ABOVE_TARGET:
            return f"above {goal or 0:,}"
        return _SNAPSHOT_WORDS.get(SkipReason(int(reason[row])), wanted)

    return LeftOut(lane, reason, words)


_SNAPSHOT_WORDS: Final = {
    SkipReason.CHOSEN: "chosen",
    SkipReason.VETOED: "vetoed",
    SkipReason.BROKEN: "its manifest is known to be broken",
    SkipReason.SAME_RANGE: "another snapshot is kept for its version or its epoch",
}
