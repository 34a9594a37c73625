"""Level of detail: what each column of a picture holds, exact at every zoom, whatever the number of entries.

One sweep over a lane leaves the boundaries where its depth (how many entries hold a version) changes between none, one
and more. Any range then is answered by two binary searches, so a frame costs O(columns x log n). All lanes lie on one
axis of versions; an epoch ending begins where the epoch before it ended. Ranges are inclusive here, so that the
greatest version fits into uint64.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.columns import I32, I64, U64, Lane, Mask
from core.model import U64_MAX, LaneKind, end_of

NONE: Final = 0
PART: Final = 1
FULL: Final = 2
_ONE: Final = np.uint64(1)
_ZERO: Final = np.zeros(1, dtype=np.uint64)

Cover = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Bounds:
    """The columns of a picture: column i holds the versions `lower[i] <= v <= upper[i]` (uint64, shape (columns,)).

    Neighbours hold the same version where there are more columns than versions.
    """

    lower: U64
    upper: U64

    def __len__(self) -> int:
        return len(self.lower)


def columns_of(start: int, end: int, width: int) -> Bounds:
    """`width` columns over the versions `[start, end)`, each at least one version wide; `end` may be 2**64."""
    length = end - start
    edges = [start + column * length // width for column in range(width + 1)]
    upper = [max(low, high - 1) for low, high in pairwise(edges)]
    return Bounds(np.array(edges[:-1], dtype=np.uint64), np.array(upper, dtype=np.uint64))


@dataclass(frozen=True, slots=True)
class Measure:
    """How many versions of a range are held by no entry, by any, by two or more; and how many entries begin in it."""

    missing: int
    covered: int
    conflict: int
    begins: int


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """Where a set of ranges covers the axis not at all, once, or more often.

    `edges[i]` (uint64, strictly ascending, the first is 0) begins a stretch of depth `depth[i]` (uint8: 0, 1, or 2 for
    more) that ends before the next edge, the last with the axis. `holes` and `deep` count the stretches of depth 0
    and 2 among the first i; `held` and `doubled` sum the versions of depth 1 and more, and 2, before each edge.
    `starts` are the beginnings of the ranges, ascending. `reach` is the greatest version held, None if there is none.
    """

    edges: U64
    depth: Cover
    holes: I32
    deep: I32
    held: U64
    doubled: U64
    starts: U64
    reach: int | None

    def cover(self, bounds: Bounds) -> Cover:
        """For each column `NONE`, `PART` or `FULL`; what lies beyond `reach` does not count against FULL."""
        if self.reach is None:
            return np.zeros(len(bounds), dtype=np.uint8)
        low, high = self._stretches(bounds, self.reach)
        hole = self.holes[high + 1] - self.holes[low]
        result = np.full(len(bounds), PART, dtype=np.uint8)
        result[hole == 0] = FULL
        result[hole == high + 1 - low] = NONE
        result[bounds.lower > np.uint64(self.reach)] = NONE
        return result

    def conflict(self, bounds: Bounds) -> Mask:
        """Whether a version of the column is held twice."""
        low, high = self._stretches(bounds, U64_MAX)
        return self.deep[high + 1] > self.deep[low]

    def begins(self, bounds: Bounds) -> I64:
        """How many ranges begin in each column."""
        before = np.searchsorted(self.starts, bounds.lower, side="left")
        return np.searchsorted(self.starts, bounds.upper, side="right") - before

    def measure(self, first: int, last: int) -> Measure:
        """The totals of one range of versions."""
        held = self._sum_to(self.held, 1, end_of(last)) - self._sum_to(self.held, 1, first)
        doubled = self._sum_to(self.doubled, 2, end_of(last)) - self._sum_to(self.doubled, 2, first)
        begins = int(self.begins(columns_of(first, end_of(last), 1))[0])
        return Measure(end_of(last) - first - held, held, doubled, begins)

    def _stretches(self, bounds: Bounds, limit: int) -> tuple[I64, I64]:
        """The first and the last stretch that each column touches, no farther than `limit`."""
        low = np.searchsorted(self.edges, bounds.lower, side="right") - 1
        high = np.searchsorted(self.edges, np.minimum(bounds.upper, np.uint64(limit)), side="right") - 1
        return low, np.maximum(high, low)

    def _sum_to(self, sums: U64, least_depth: int, end: int) -> int:
        """Versions of at least `least_depth` before `end`, which may be 2**64."""
        if end == 0:
            return 0
        stretch = int(np.searchsorted(self.edges, np.uint64(end - 1), side="right")) - 1
        inside = end - int(self.edges[stretch]) if self.depth[stretch] >= least_depth else 0
        return int(sums[stretch]) + inside


def build_coverage(first: U64, last: U64) -> Coverage:
    """The coverage of the ranges `first[i]..last[i]` (uint64, inclusive, `first` ascending and never above `last`)."""
    edges, depth = _sweep(first, last)
    lengths = np.diff(edges)
    return Coverage(
        edges=edges,
        depth=depth,
        holes=_counted(depth == 0),
        deep=_counted(depth == 2),
        held=np.concatenate((_ZERO, np.cumsum(np.where(depth[:-1] > 0, lengths, np.uint64(0)), dtype=np.uint64))),
        doubled=np.concatenate((_ZERO, np.cumsum(np.where(depth[:-1] > 1, lengths, np.uint64(0)), dtype=np.uint64))),
        starts=first,
        reach=int(last.max()) if len(last) else None,
    )


def _sweep(first: U64, last: U64) -> tuple[U64, Cover]:
    """Where the depth, held at most 2, changes, and what it becomes; the first edge is version 0."""
    apart = np.ones(len(first) + 1, dtype=np.bool_)
    apart[1:-1] = (first[1:] == 0) | (first[1:] - _ONE != last[:-1])
    first, last = first[apart[:-1]], last[apart[1:]]
    ends = last[last != np.uint64(U64_MAX)] + _ONE
    if len(ends) > 1 and bool(np.any(ends[1:] < ends[:-1])):
        ends = np.sort(ends)
    places = np.concatenate((_ZERO, first, ends))
    order = np.argsort(places, kind="stable")
    places = places[order]
    steps = np.full(len(order), -1, dtype=np.int32)
    steps[order <= len(first)] = 1
    steps[order == 0] = 0
    depth = np.minimum(np.cumsum(steps, dtype=np.int32), 2).astype(np.uint8)
    final = np.ones(len(places), dtype=np.bool_)
    final[:-1] = places[1:] != places[:-1]
    places, depth = places[final], depth[final]
    changes = np.ones(len(places), dtype=np.bool_)
    changes[1:] = depth[1:] != depth[:-1]
    return places[changes], depth[changes]


def _counted(flags: Mask) -> I32:
    """How many of the first i flags are set, shape (n + 1,)."""
    counts = np.zeros(len(flags) + 1, dtype=np.int32)
    np.cumsum(flags, out=counts[1:])
    return counts


@dataclass(frozen=True, slots=True, eq=False)
class LaneColumns:
    """What the columns of one lane hold; all of shape (columns,).

    `cover` of the lane, whether it holds a `conflict`, how many entries begin in it in the main row, the cover of the
    `main` row alone and of the second row (`+1`), which holds what does not fit into the main one; None without
    overlap. `beyond` is set for columns that lie wholly after the lane's last version.
    """

    cover: Cover
    conflict: Mask
    begins: I64
    main: Cover
    second: Cover | None
    second_begins: I64 | None
    beyond: Mask


@dataclass(frozen=True, slots=True, eq=False)
class LaneIndex:
    """A lane on the axis of versions.

    Entry `rows[k]` of `lane` takes the versions `first[k]..last[k]` (uint64, ascending by first), and `reached[k]` is
    the greatest version of it and all before it. Entries that end before they begin take none: `inverted` holds their
    rows. `second` is None where no two entries overlap.
    """

    lane: Lane
    rows: I64
    first: U64
    last: U64
    reached: U64
    inverted: I64
    whole: Coverage
    main: Coverage
    second: Coverage | None

    def columns(self, bounds: Bounds) -> LaneColumns:
        """What each column holds."""
        cover = self.whole.cover(bounds)
        reach = self.whole.reach
        return LaneColumns(
            cover=cover,
            conflict=self.whole.conflict(bounds) if self.second else np.zeros(len(bounds), dtype=np.bool_),
            begins=self.main.begins(bounds),
            main=self.main.cover(bounds) if self.second else cover,
            second=self.second.cover(bounds) if self.second else None,
            second_begins=self.second.begins(bounds) if self.second else None,
            beyond=np.ones(len(bounds), dtype=np.bool_) if reach is None else bounds.lower > np.uint64(reach),
        )

    def covering(self, version: int) -> I64:
        """The places k of the entries that hold `version`, in the lane's order on the axis."""
        stop = self.place_after(version)
        start = int(np.searchsorted(self.reached[:stop], np.uint64(version), side="left"))
        return np.flatnonzero(self.last[start:stop] >= np.uint64(version)) + start

    def place_after(self, version: int) -> int:
        """The place of the first entry that begins after `version`; the number of entries if none does."""
        return int(np.searchsorted(self.first, np.uint64(version), side="right"))

    def within(self, first: int, last: int) -> I64:
        """The places of the entries that hold any version of `first..last`."""
        stop = self.place_after(last)
        start = int(np.searchsorted(self.reached[:stop], np.uint64(first), side="left"))
        return np.flatnonzero(self.last[start:stop] >= np.uint64(first)) + start

    def held_before(self, version: int) -> int | None:
        """The greatest version that an entry holds which begins before `version`, or at it; None if there is none."""
        stop = self.place_after(version)
        return int(self.reached[stop - 1]) if stop else None

    def first_within(self, first: int, last: int) -> int | None:
        """The first version of `first..last` that any entry holds."""
        stop = self.place_after(last)
        place = int(np.searchsorted(self.reached[:stop], np.uint64(first), side="left"))
        return max(first, int(self.first[place])) if place < stop else None

    def span(self, place: int) -> tuple[int, int]:
        """The first and the last version of the entry at a place."""
        return int(self.first[place]), int(self.last[place])


def index_lane(lane: Lane) -> LaneIndex:
    """The index of one lane: O(n log n), and O(n) where the lane is in order."""
    first, last = _spans(lane)
    valid = first <= last
    rows = np.flatnonzero(valid)
    inverted = np.flatnonzero(~valid)
    if len(inverted):
        first, last = first[rows], last[rows]
    if len(first) > 1 and bool(np.any(first[1:] < first[:-1])):
        order = np.lexsort((last, first))
        rows, first, last = rows[order], first[order], last[order]
    whole = build_coverage(first, last)
    aside = _second_row(first, last)
    if not aside.any():
        return LaneIndex(lane, rows, first, last, last, inverted, whole, whole, None)
    reached = np.maximum.accumulate(last)
    main, second = (build_coverage(first[keep], last[keep]) for keep in (~aside, aside))
    return LaneIndex(lane, rows, first, last, reached, inverted, whole, main, second)


def _spans(lane: Lane) -> tuple[U64, U64]:
    """The versions that each entry takes on the axis.

    The waypoints of an epoch ending lie at the ends of its epochs, so its range begins right after the last version of
    the entry that ends with the epoch before, and at 0 for epoch 0; with no such entry, at its own first version.
    """
    if lane.kind is not LaneKind.EPOCH_ENDINGS or not len(lane):
        return lane.first_version, lane.last_version
    by_last = np.lexsort((lane.last_version, lane.last))
    last_epochs = lane.last[by_last]
    wanted = lane.first - _ONE
    place = np.searchsorted(last_epochs, wanted, side="right") - 1
    found = (lane.first > 0) & (place >= 0) & (last_epochs[np.maximum(place, 0)] == wanted)
    before = lane.last_version[by_last[np.maximum(place, 0)]]
    first = lane.first_version.copy()
    joins = found & (before < lane.first_version)
    first[joins] = before[joins] + _ONE
    first[lane.first == 0] = 0
    return first, lane.last_version


def _second_row(first: U64, last: U64) -> Mask:
    """Which entries do not fit into the main row: each goes there if it begins after what is there already ends."""
    aside = np.zeros(len(first), dtype=np.bool_)
    overlaps = np.zeros(len(first), dtype=np.bool_)
    overlaps[1:] = first[1:] <= np.maximum.accumulate(last)[:-1]
    if not overlaps.any():
        return aside
    group = np.cumsum(~overlaps)
    crowded = np.zeros(int(group[-1]) + 1, dtype=np.bool_)
    crowded[group[overlaps]] = True
    rows = np.flatnonzero(crowded[group])
    taken = -1
    late: list[int] = []
    for row, low, high in zip(rows.tolist(), first[rows].tolist(), last[rows].tolist(), strict=True):
        if low > taken:
            taken = high
        else:
            late.append(row)
    aside[late] = True
    return aside
