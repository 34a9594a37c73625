"""What survives only in `metadata_backup/`: entries that no file of `metadata/` holds any more."""

from __future__ import annotations

import numpy as np

from core.columns import Lane
from core.words import I64, U64, Mask

_MIX = np.uint64(0x9E3779B97F4A7C15)


def only_retired(retired: Lane, visible: Lane) -> I64:
    """The rows (int64) of `retired` whose entry, manifest and all, is not in `visible`."""
    beside = _rows_beside(retired, visible)
    if not len(beside):
        return np.arange(len(retired), dtype=np.int64)
    every: I64 = np.arange(len(retired), dtype=np.int64)
    wanted, there = _hashes(retired, every), _hashes(visible, beside)
    order = np.argsort(there)
    place = np.minimum(np.searchsorted(there[order], wanted), len(order) - 1)
    found = beside[order[place]]
    return np.flatnonzero(~_same_entries(retired, visible, found))


def _columns(lane: Lane) -> tuple[U64, ...]:
    own = (lane.first, lane.last, lane.first_version, lane.last_version)
    return own if lane.epoch is None else (*own, lane.epoch)


def _rows_beside(retired: Lane, visible: Lane) -> I64:
    """The rows of `visible` that begin where some row of `retired` does; both are sorted by their first column."""
    wanted = np.unique(retired.first if retired.epoch is None else retired.epoch)
    sorted_by = visible.first if visible.epoch is None else visible.epoch
    low, high = np.searchsorted(sorted_by, wanted, "left"), np.searchsorted(sorted_by, wanted, "right")
    counts = high - low
    return np.repeat(low - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())


def _hashes(lane: Lane, rows: I64) -> U64:
    state = lane.manifests.take(rows).hashes()
    for column in _columns(lane):
        mixed = (state ^ column[rows]) * _MIX
        state = mixed ^ (mixed >> np.uint64(29))
    return state


def _same_entries(retired: Lane, visible: Lane, found: I64) -> Mask:
    """Whether row k of `retired` equals row `found[k]` of `visible`, to the last byte of the handle."""
    same: Mask = retired.manifests.length == visible.manifests.length[found]
    for mine, theirs in zip(_columns(retired), _columns(visible), strict=True):
        same &= mine == theirs[found]
    rows = np.flatnonzero(same)
    same[rows] = retired.manifests.equal(rows, found[rows], visible.manifests)
    return same
