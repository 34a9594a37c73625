"""Whether entries that survive somewhere fill a range that another folder has lost."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np

from core.columns import I64, Lane
from core.findings.sweep import joins
from core.model import end_of


def rows_inside(lane: Lane, rows: I64, first: int, last: int) -> I64:
    """Those of `rows` (ascending) that lie wholly between `first` and `last`; inverted entries cover nothing."""
    inside = rows[lane.first[rows] >= np.uint64(first)] if lane.epoch is not None else rows[_begun(lane, rows, first) :]
    if lane.epoch is None:
        inside = inside[: _begun(lane, inside, end_of(last))]
    inside = inside[lane.last[inside] <= np.uint64(last)]
    return inside[lane.first[inside] <= lane.last[inside]]


def _begun(lane: Lane, rows: I64, version: int) -> int:
    """How many of `rows` of a lane that is sorted by its starts begin below `version`; a store may ask for each gap."""
    return bisect_left(range(len(rows)), version, key=lambda place: int(lane.first[rows[place]]))


def fills(lane: Lane, rows: I64, first: int, last: int) -> bool:
    """Whether `rows`, as `rows_inside` gives them, hold a chain from `first` to `last`."""
    if not len(rows):
        return False
    starts, ends = lane.first[rows].tolist(), lane.last[rows].tolist()
    return starts[0] == first and max(ends) == last and joins(starts, ends)
