"""The steps of a restore in stock's order (`format.md`, "Restore plan"; stock's `coordinators/restore.rs`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.columns import I64
from core.index import Index
from core.model import LaneKind, end_of
from core.restore.model import RestoreStep, StepKind, StepStatus


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """The entries of a restore up to version `to`: rows of the index's lanes, those of long lanes as int64 arrays.

    With `kv_snapshot` None history begins at `history_from` without a snapshot. A selection that stops does so at
    `stops_at`, in the unit of `stops_lane`.
    """

    epoch_endings: I64
    kv_snapshot: int | None
    tree_snapshot: int
    transactions: I64
    to: int
    history_from: int = 0
    stops_lane: LaneKind | None = None
    stops_at: int = 0


def restore_steps(index: Index, selection: Selection) -> tuple[RestoreStep, ...]:
    """The steps, each with the rows it reads; none behind the one that stops is reached."""
    status = StepStatus.OK
    steps = []
    for kind, first, last in _parts(index, selection):
        lane = _LANES.get(kind, LaneKind.TRANSACTIONS)
        here = status
        if status is StepStatus.OK and lane is selection.stops_lane and selection.stops_at <= last:
            here, status = StepStatus.STOPS, StepStatus.NOT_REACHED
        steps.append(RestoreStep(kind, lane, first, last, _rows(index, selection, kind, first, last), here))
    return tuple(steps)


_LANES = {
    StepKind.EPOCH_ENDINGS: LaneKind.EPOCH_ENDINGS,
    StepKind.KV_SNAPSHOT: LaneKind.STATE_SNAPSHOTS,
    StepKind.TREE_SNAPSHOT: LaneKind.STATE_SNAPSHOTS,
    StepKind.WHOLE_SNAPSHOT: LaneKind.STATE_SNAPSHOTS,
}


def _parts(index: Index, selection: Selection) -> Iterator[tuple[StepKind, int, int]]:
    """What each step covers. Without history before the tree snapshot there is one snapshot and nothing to apply."""
    yield from _epochs(index, selection)
    version = index.state_snapshots.first
    tree = int(version[selection.tree_snapshot])
    start = selection.history_from if selection.kv_snapshot is None else int(version[selection.kv_snapshot])
    first = int(index.transactions.first[selection.transactions[0]]) if len(selection.transactions) else start
    if start >= tree:
        yield StepKind.WHOLE_SNAPSHOT, tree, tree
        yield StepKind.SAVED, min(first, tree), tree
    else:
        if selection.kv_snapshot is not None:
            yield StepKind.KV_SNAPSHOT, start, start
            yield StepKind.SAVED, min(first, start), start
        yield StepKind.APPLIED, end_of(start) if selection.kv_snapshot is not None else start, tree
        yield StepKind.TREE_SNAPSHOT, tree, tree
    if tree < selection.to:
        yield StepKind.REPLAYED, end_of(tree), selection.to


def _epochs(index: Index, selection: Selection) -> Iterator[tuple[StepKind, int, int]]:
    rows = selection.epoch_endings
    stops = selection.stops_lane is LaneKind.EPOCH_ENDINGS
    if not len(rows) and not stops:
        return
    lane = index.epoch_endings
    first = int(lane.first[rows[0]]) if len(rows) else 0
    last = int(lane.last[rows[-1]]) if len(rows) else 0
    yield StepKind.EPOCH_ENDINGS, first, max(last, selection.stops_at) if stops else last


def _rows(index: Index, selection: Selection, kind: StepKind, first: int, last: int) -> I64:
    if kind is StepKind.EPOCH_ENDINGS:
        return selection.epoch_endings
    if kind is StepKind.KV_SNAPSHOT:
        return np.array([selection.kv_snapshot], dtype=np.int64)
    if kind in _LANES:
        return np.array([selection.tree_snapshot], dtype=np.int64)
    lane, rows = index.transactions, selection.transactions
    return rows[(lane.first[rows] <= np.uint64(last)) & (lane.last[rows] >= np.uint64(first))]
