"""The one walk behind stock's selection and compaction: each range must begin right after the one before it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.columns import I64, U64
from core.model import U64_MAX, end_of


@dataclass(frozen=True, slots=True)
class Offence:
    """Where a walk stops: at `row`, which begins at `got` instead of `expected`.

    `expected` is None where the row itself is in its place but ends at `U64_MAX`, so that stock's `last + 1` panics.
    """

    row: int
    expected: int | None
    got: int


def first_offence(first: U64, last: U64, run: int | None = None) -> Offence | None:
    """The first row at which stock stops when it walks `first` and `last` (uint64, shape (n,)), or None.

    Without `run` it is one walk that begins at 0. With it every run of `run` rows stands alone and its first row may
    begin anywhere. A row is compared with its predecessor before its own end is computed, as stock does.
    """
    count = len(first)
    if run is None and count and first[0] != 0:
        return Offence(0, 0, int(first[0]))
    top = np.flatnonzero(last == np.uint64(U64_MAX))
    # No end behind this row is ever computed, so none of the sums below can wrap.
    reach = int(top[0]) if len(top) else count
    ends = last[: min(reach, count - 1)] + np.uint64(1) if count else last
    torn: I64 = np.flatnonzero(first[1 : reach + 1] != ends) + 1
    if run is not None:
        torn = torn[torn % min(run, count) != 0]
    if len(torn):
        row = int(torn[0])
        return Offence(row, end_of(int(last[row - 1])), int(first[row]))
    return Offence(reach, None, int(first[reach])) if reach < count else None
