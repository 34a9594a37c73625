"""Which entries of one lane another does not have: retired lines that survive nowhere, lines that a change lost."""

from __future__ import annotations

import numpy as np

from core.columns import Lane
from core.words import I64, U64, Mask

_MIX = np.uint64(0x9E3779B97F4A7C15)


def absent_rows(lane: Lane, other: Lane) -> I64:
    """The rows (int64) of `lane` whose entry, manifest and all, is not in `other`, a lane of the same kind."""
    beside = _rows_beside(lane, other)
    if not len(beside):
        return np.arange(len(lane), dtype=np.int64)
    every: I64 = np.arange(len(lane), dtype=np.int64)
    wanted, there = _hashes(lane, every), _hashes(other, beside)
    order = np.argsort(there)
    place = np.minimum(np.searchsorted(there[order], wanted), len(order) - 1)
    found = beside[order[place]]
    return np.flatnonzero(~_same_entries(lane, other, found))


def _columns(lane: Lane) -> tuple[U64, ...]:
    own = (lane.first, lane.last, lane.first_version, lane.last_version)
    return own if lane.epoch is None else (*own, lane.epoch)


def _rows_beside(lane: Lane, other: Lane) -> I64:
    """The rows of `other` that begin where some row of `lane` does; both are sorted by their first column."""
    wanted = np.unique(lane.first if lane.epoch is None else lane.epoch)
    sorted_by = other.first if other.epoch is None else other.epoch
    low, high = np.searchsorted(sorted_by, wanted, "left"), np.searchsorted(sorted_by, wanted, "right")
    counts = high - low
    return np.repeat(low - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())


def _hashes(lane: Lane, rows: I64) -> U64:
    state = lane.manifests.take(rows).hashes()
    for column in _columns(lane):
        mixed = (state ^ column[rows]) * _MIX
        state = mixed ^ (mixed >> np.uint64(29))
    return state


def _same_entries(lane: Lane, other: Lane, found: I64) -> Mask:
    """Whether row k of `lane` equals row `found[k]` of `other`, to the last byte of the handle."""
    same: Mask = lane.manifests.length == other.manifests.length[found]
    for mine, theirs in zip(_columns(lane), _columns(other), strict=True):
        same &= mine == theirs[found]
    rows = np.flatnonzero(same)
    same[rows] = lane.manifests.equal(rows, found[rows], other.manifests)
    return same
