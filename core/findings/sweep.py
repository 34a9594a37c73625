"""One sweep over a lane: where its entries leave gaps, and where they overlap each other.

Entries that overlap, directly or through others, make a knot: it lies between two boundaries that no entry straddles
(`recovery.md`, "Findings"). Knots that touch and are of one sort make a tangle, so that one cause is one thing however
many entries it has. Inverted entries (`last < first`) cover nothing and are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby, islice, pairwise
from typing import Final

import numpy as np

from core.chain import Zones, cut_zones
from core.columns import I64, U64, Lane
from core.model import end_of


class Shape(StrEnum):
    """How entries overlap; `NO_JOIN`: all is covered, but no chain crosses it."""

    SAME_RANGE = "same range"
    SAME_START = "same start"
    SAME_END = "same end"
    CONTAINED = "contained"
    PARTIAL = "partial"
    NO_JOIN = "no-join"


_SORTS: Final = {Shape.NO_JOIN: "no-join", Shape.SAME_RANGE: "same"}


@dataclass(frozen=True, slots=True)
class Gap:
    """`first` to `last` are in no entry; `next_row` is the row of the entry behind the gap."""

    first: int
    last: int
    next_row: int


@dataclass(frozen=True, slots=True, eq=False)
class Tangle:
    """Entries that overlap between `first` and `last`; `rows` (int64, stock's order) are all of them.

    `knots` counts the stretches between boundaries that no entry straddles.
    """

    first: int
    last: int
    rows: I64
    shape: Shape
    knots: int


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """What a sweep found, in order. `gap_rows` are the rows (int64) behind all gaps, of which `gaps` makes objects.

    `knot_first` and `knot_last` are the ends of all knots of more than one entry, uint64.
    """

    lane: Lane
    gap_rows: I64
    gap_first: U64
    knot_first: U64
    knot_last: U64
    tangles: tuple[Tangle, ...]

    @property
    def clean(self) -> bool:
        """Whether each entry begins right after the one before it, from 0."""
        return not len(self.gap_rows) and not self.tangles

    def gaps(self, most: int | None = None) -> Iterator[Gap]:
        """The first `most` gaps, or all."""
        for first, row in zip(self.gap_first[:most].tolist(), self.gap_rows[:most].tolist(), strict=True):
            yield Gap(first, int(self.lane.first[row]) - 1, row)

    def gap_inside(self, first: int, last: int) -> Gap | None:
        """The first gap that lies wholly between `first` and `last`."""
        at = int(np.searchsorted(self.gap_first, np.uint64(first)))
        if at == len(self.gap_rows):
            return None
        row = int(self.gap_rows[at])
        gap = Gap(int(self.gap_first[at]), int(self.lane.first[row]) - 1, row)
        return gap if gap.last <= last else None

    def widened(self, first: int, last: int) -> tuple[int, int]:
        """The stretch from `first` to `last` out to boundaries that no entry straddles."""
        low = int(np.searchsorted(self.knot_last, np.uint64(first)))
        if low < len(self.knot_first) and int(self.knot_first[low]) <= first:
            first = int(self.knot_first[low])
        high = int(np.searchsorted(self.knot_first, np.uint64(last), side="right")) - 1
        if high >= 0 and int(self.knot_last[high]) >= last:
            last = int(self.knot_last[high])
        return first, last


def sweep(lane: Lane) -> Sweep:
    """Sweep over a lane whose entries should follow each other from 0: transactions or epoch endings."""
    zones = cut_zones(lane, lane.first <= lane.last, 0)
    behind = np.flatnonzero(~zones.joined)
    crowded = zones.crowded()
    knots = [_knot(lane, zones, number) for number in crowded.tolist()]
    return Sweep(
        lane=lane,
        gap_rows=zones.rows[zones.start[behind]],
        gap_first=_ends_before(zones, behind),
        knot_first=zones.first[crowded],
        knot_last=zones.last[crowded],
        tangles=tuple(_tangles(knots)),
    )


def _ends_before(zones: Zones, numbers: I64) -> U64:
    """The boundary behind the zone before each of `numbers`, 0 for the first zone: it never wraps."""
    ends = np.zeros(len(numbers), dtype=np.uint64)
    later = numbers > 0
    ends[later] = zones.last[numbers[later] - 1] + np.uint64(1)
    return ends


def _knot(lane: Lane, zones: Zones, number: int) -> _Knot:
    rows = zones.rows_of(number)
    shape = _shape(lane.first[rows], lane.last[rows])
    return _Knot(number, rows, int(zones.first[number]), int(zones.last[number]), shape)


@dataclass(frozen=True, slots=True, eq=False)
class _Knot:
    """Entries between two boundaries that no entry straddles; `number` counts such stretches along the lane."""

    number: int
    rows: I64
    first: int
    last: int
    shape: Shape

    def touches(self, after: _Knot) -> bool:
        return after.number == self.number + 1 and after.first == end_of(self.last)


def _shape(first: U64, last: U64) -> Shape:
    """How the entries of a knot overlap."""
    if first[0] == first[-1] and last[0] == last[-1]:
        return Shape.SAME_RANGE
    starts, ends = first.tolist(), last.tolist()
    if not joins(starts, ends):
        return Shape.NO_JOIN
    if len(starts) == 2:
        return pair_shape((starts[0], ends[0]), (starts[1], ends[1]))
    whole = (starts[0], max(ends))
    return Shape.CONTAINED if whole in zip(starts, ends, strict=True) else Shape.PARTIAL


def joins(starts: Sequence[int], ends: Sequence[int]) -> bool:
    """Whether entries sorted by start hold a chain from the first start to the greatest end (all closed ranges)."""
    reached = {starts[0]}
    for start, end in zip(starts, ends, strict=True):
        if start in reached:
            reached.add(end_of(end))
    return end_of(max(ends)) in reached


def pair_shape(one: tuple[int, int], other: tuple[int, int]) -> Shape:
    """How two overlapping closed ranges lie to each other."""
    if one == other:
        return Shape.SAME_RANGE
    if one[0] == other[0]:
        return Shape.SAME_START
    if one[1] == other[1]:
        return Shape.SAME_END
    contained = (one[0] < other[0]) == (other[1] < one[1])
    return Shape.CONTAINED if contained else Shape.PARTIAL


def _tangles(knots: list[_Knot]) -> Iterator[Tangle]:
    """Touching knots of one sort as one tangle; a lone same-range knot beside other shapes is one of them."""
    for run in _touching(knots):
        for _, sort in groupby(_sorted_out(run), key=lambda pair: pair[0]):
            members = [knot for _, knot in sort]
            rows = np.concatenate([knot.rows for knot in members])
            yield Tangle(members[0].first, members[-1].last, rows, _common_shape(members), len(members))


def _touching(knots: list[_Knot]) -> Iterator[list[_Knot]]:
    run: list[_Knot] = knots[:1]
    for before, after in pairwise(knots):
        if not before.touches(after):
            yield run
            run = []
        run.append(after)
    if run:
        yield run


def _sorted_out(run: list[_Knot]) -> Iterator[tuple[str, _Knot]]:
    """Each knot of a run with its sort: no-join, same range, or mixed sizes."""
    sorts = [_SORTS.get(knot.shape, "mixed") for knot in run]
    groups = [(sort, len(list(members))) for sort, members in groupby(sorts)]
    rest = iter(run)
    for place, (sort, count) in enumerate(groups):
        around = {groups[beside][0] for beside in (place - 1, place + 1) if 0 <= beside < len(groups)}
        absorbed = sort == "same" and count == 1 and "mixed" in around
        for knot in islice(rest, count):
            yield ("mixed" if absorbed else sort), knot


def _common_shape(knots: list[_Knot]) -> Shape:
    shapes = {knot.shape for knot in knots}
    if len(shapes) == 1:
        return shapes.pop()
    return Shape.PARTIAL if Shape.PARTIAL in shapes else Shape.CONTAINED
