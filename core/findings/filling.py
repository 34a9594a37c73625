"""Whether entries that survive somewhere fill a range that another folder has lost."""

from __future__ import annotations

import numpy as np

from core.columns import I64, Lane
from core.findings.sweep import joins


def rows_inside(lane: Lane, rows: I64, first: int, last: int) -> I64:
    """Those of `rows` that lie wholly between `first` and `last`; inverted entries cover nothing."""
    inside = rows[(lane.first[rows] >= np.uint64(first)) & (lane.last[rows] <= np.uint64(last))]
    return inside[lane.first[inside] <= lane.last[inside]]


def fills(lane: Lane, rows: I64, first: int, last: int) -> bool:
    """Whether `rows`, as `rows_inside` gives them, hold a chain from `first` to `last`."""
    if not len(rows):
        return False
    starts, ends = lane.first[rows].tolist(), lane.last[rows].tolist()
    return starts[0] == first and max(ends) == last and joins(starts, ends)
