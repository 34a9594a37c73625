"""Which entries two lanes have in common: lines that live on in other files, lines that a change lost."""

from __future__ import annotations

import numpy as np

from core.columns import Lane
from core.words import I64, U64, Mask

_MIX = np.uint64(0x9E3779B97F4A7C15)


def absent_rows(lane: Lane, other: Lane) -> I64:
    """The rows (int64) of `lane` whose entry, manifest and all, is not in `other`, a lane of the same kind."""
    return np.flatnonzero(rows_in(lane, other) < 0)


def rows_in(lane: Lane, other: Lane) -> I64:
    """For each row of `lane` the row (int64) of `other`, a lane of the same kind, with the same entry; -1 for none.

    Most often that is the first row which begins where it does; the others are looked for by their hashes.
    """
    every: I64 = np.arange(len(lane), dtype=np.int64)
    result = np.full(len(lane), -1, dtype=np.int64)
    if len(other):
        _find(lane, every, other, np.searchsorted(_starts(other), _starts(lane)), result)
    rest = np.flatnonzero(result < 0)
    beside = _rows_beside(lane, rest, other)
    if len(beside):
        wanted, there = _hashes(lane, rest), _hashes(other, beside)
        order = np.argsort(there)
        place = np.minimum(np.searchsorted(there[order], wanted), len(order) - 1)
        _find(lane, rest, other, beside[order[place]], result)
    return result


def most_alike(lane: Lane) -> int:
    """How many entries of a lane at most begin where another one does, that one included; 0 for an empty lane."""
    starts = _starts(lane)
    heads = np.append(np.flatnonzero(np.append(True, starts[1:] != starts[:-1])), len(starts))
    return int(np.diff(heads).max()) if len(starts) else 0


def _find(lane: Lane, rows: I64, other: Lane, found: I64, result: I64) -> None:
    """Put `found[k]` down in `result` as the row for `rows[k]` where the entries are the same, to the last byte."""
    found = np.minimum(found, len(other) - 1)
    same = _same_entries(lane, rows, other, found)
    result[rows[same]] = found[same]


def _starts(lane: Lane) -> U64:
    """The column that a lane is sorted by in the first place."""
    return lane.first if lane.epoch is None else lane.epoch


def _columns(lane: Lane) -> tuple[U64, ...]:
    own = (lane.first, lane.last, lane.first_version, lane.last_version)
    return own if lane.epoch is None else (*own, lane.epoch)


def _rows_beside(lane: Lane, rows: I64, other: Lane) -> I64:
    """The rows of `other` that begin where some of `rows` does; lanes are sorted by where their entries begin."""
    wanted, sorted_by = np.unique(_starts(lane)[rows]), _starts(other)
    low, high = np.searchsorted(sorted_by, wanted, "left"), np.searchsorted(sorted_by, wanted, "right")
    counts = high - low
    return np.repeat(low - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())


def _hashes(lane: Lane, rows: I64) -> U64:
    state = lane.manifests.take(rows).hashes()
    for column in _columns(lane):
        mixed = (state ^ column[rows]) * _MIX
        state = mixed ^ (mixed >> np.uint64(29))
    return state


def equal_entries(lane: Lane, rows: I64, other: Lane, others: I64) -> bool:
    """Whether some rows (int64) of two lanes of the same kind are the same entries, manifests and all, in one order."""
    return len(rows) == len(others) and bool(_same_entries(lane, rows, other, others).all())


def _same_entries(lane: Lane, rows: I64, other: Lane, found: I64) -> Mask:
    """Whether row `rows[k]` of `lane` equals row `found[k]` of `other`, for each k."""
    mine, theirs = lane.manifests, other.manifests
    same: Mask = mine.length[rows] == theirs.length[found]
    for column, its in zip(_columns(lane), _columns(other), strict=True):
        same &= column[rows] == its[found]
    # Most often both are of one look, and name the very same text.
    apart = same & (mine.start[rows] != theirs.start[found]) if mine.buffer is theirs.buffer else same
    alike = np.flatnonzero(apart)
    same[alike] = mine.equal(rows[alike], found[alike], theirs)
    return same
