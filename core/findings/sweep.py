"""One sweep over a lane: where its entries leave gaps, and where they overlap each other.

Entries that overlap, directly or through others, make a knot: it lies between two boundaries that no entry straddles
(`recovery.md`, "Findings"). Knots that touch and are of one sort make a tangle, so that one cause is one thing however
many entries it has. Inverted entries (`last < first`) cover nothing and are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, overload

import numpy as np
from numpy.typing import NDArray

from core.chain import Zones, cut_zones
from core.columns import I64, U64, Lane, Mask
from core.model import end_of


class Shape(StrEnum):
    """How entries overlap; `NO_JOIN`: all is covered, but no chain crosses it."""

    SAME_RANGE = "same range"
    SAME_START = "same start"
    SAME_END = "same end"
    CONTAINED = "contained"
    PARTIAL = "partial"
    NO_JOIN = "no-join"


#: Shapes as numbers, for columns.
_SHAPES: Final = tuple(Shape)
_SAME, _CONTAINED, _PARTIAL, _NO_JOIN = map(
    _SHAPES.index, (Shape.SAME_RANGE, Shape.CONTAINED, Shape.PARTIAL, Shape.NO_JOIN)
)


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
class Tangles(Sequence[Tangle]):
    """All tangles of a lane, in order, as columns of one value each; objects are made of those that are looked at.

    `first` and `last` are uint64; tangle t holds `rows[begin[t] : end[t]]` (int64), is of `shape[t]` and made of
    `knots[t]` knots, the fullest of which has `fullest[t]` entries.
    """

    rows: I64
    begin: I64
    end: I64
    first: U64
    last: U64
    code: NDArray[np.uint8]
    knots: I64
    fullest: I64

    def __len__(self) -> int:
        return len(self.begin)

    @overload
    def __getitem__(self, place: int) -> Tangle: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Tangle, ...]: ...
    def __getitem__(self, place: int | slice) -> Tangle | tuple[Tangle, ...]:
        if isinstance(place, slice):
            return tuple(self[number] for number in range(len(self))[place])
        number = range(len(self))[place]
        rows = self.rows[int(self.begin[number]) : int(self.end[number])]
        first, last = int(self.first[number]), int(self.last[number])
        return Tangle(first, last, rows, _SHAPES[int(self.code[number])], int(self.knots[number]))

    def shapes(self) -> list[Shape]:
        """How the entries of each tangle overlap."""
        return [_SHAPES[code] for code in self.code.tolist()]

    def only(self, number: int) -> Tangles:
        """One tangle alone."""
        own = slice(number, number + 1)
        return Tangles(
            self.rows,
            self.begin[own],
            self.end[own],
            self.first[own],
            self.last[own],
            self.code[own],
            self.knots[own],
            self.fullest[own],
        )

    @property
    def no_join(self) -> Mask:
        """Whether no chain crosses a tangle (bool)."""
        crossed: Mask = self.code == _NO_JOIN
        return crossed

    def with_any(self, marked: Mask) -> I64:
        """The tangles (int64) with an entry that is marked (bool, a value for each row of the lane)."""
        before: I64 = np.append(np.zeros(1, dtype=np.int64), np.cumsum(marked[self.rows]))
        return np.flatnonzero(before[self.end] > before[self.begin])

    def joints(self) -> tuple[I64, I64, I64]:
        """Every two entries of a tangle that are neighbours in stock's order: its number, their rows (int64)."""
        count = np.maximum(self.end - self.begin - 1, 0)
        number = np.repeat(np.arange(len(self), dtype=np.int64), count)
        inside = np.arange(len(number), dtype=np.int64) - np.repeat(np.cumsum(count) - count, count)
        place = self.begin[number] + inside
        return number, self.rows[place], self.rows[place + 1]


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
    tangles: Tangles

    @property
    def clean(self) -> bool:
        """Whether each entry begins right after the one before it, from 0."""
        return not len(self.gap_rows) and not self.tangles

    @property
    def gap_last(self) -> U64:
        """The last version of each gap (uint64)."""
        return self.lane.first[self.gap_rows] - np.uint64(1)

    def gap(self, number: int) -> Gap:
        """One of the gaps."""
        row = int(self.gap_rows[number])
        return Gap(int(self.gap_first[number]), int(self.lane.first[row]) - 1, row)

    def gaps(self) -> Iterator[Gap]:
        """All gaps."""
        for number in range(len(self.gap_rows)):
            yield self.gap(number)

    def gap_inside(self, first: int, last: int) -> Gap | None:
        """The first gap that lies wholly between `first` and `last`."""
        at = int(np.searchsorted(self.gap_first, np.uint64(first)))
        if at == len(self.gap_rows):
            return None
        gap = self.gap(at)
        return gap if gap.last <= last else None

    def widened(self, first: U64, last: U64) -> tuple[U64, U64]:
        """The stretches from `first` to `last` (uint64) out to boundaries that no entry straddles."""
        if not len(self.knot_first):
            return first, last
        low = np.searchsorted(self.knot_last, first).clip(max=len(self.knot_first) - 1)
        high = (np.searchsorted(self.knot_first, last, side="right") - 1).clip(min=0)
        # A knot that lies wholly on one side of the stretch is no part of it.
        inside = (self.knot_first[low] <= first) & (self.knot_last[low] >= first)
        reached = (self.knot_first[high] <= last) & (self.knot_last[high] >= last)
        return np.where(inside, self.knot_first[low], first), np.where(reached, self.knot_last[high], last)


def sweep(lane: Lane) -> Sweep:
    """Sweep over a lane whose entries should follow each other from 0: transactions or epoch endings."""
    zones = cut_zones(lane, lane.first <= lane.last, 0)
    behind = np.flatnonzero(~zones.joined)
    crowded = zones.crowded()
    return Sweep(
        lane=lane,
        gap_rows=zones.rows[zones.start[behind]],
        gap_first=_ends_before(zones, behind),
        knot_first=zones.first[crowded],
        knot_last=zones.last[crowded],
        tangles=_tangles(zones, crowded, _shapes(lane, zones, crowded)),
    )


def _ends_before(zones: Zones, numbers: I64) -> U64:
    """The boundary behind the zone before each of `numbers`, 0 for the first zone: it never wraps."""
    ends = np.zeros(len(numbers), dtype=np.uint64)
    later = numbers > 0
    ends[later] = zones.last[numbers[later] - 1] + np.uint64(1)
    return ends


def _shapes(lane: Lane, zones: Zones, knots: I64) -> NDArray[np.uint8]:
    """How the entries of each knot overlap, as places in `_SHAPES`."""
    begin, end = zones.start[knots], zones.start[knots + 1]
    inside = np.repeat(np.diff(zones.start) > 1, np.diff(zones.start))
    first, last = lane.first[zones.rows[inside]], lane.last[zones.rows[inside]]
    starts = np.cumsum(end - begin) - (end - begin)
    code = np.full(len(knots), _SAME, dtype=np.uint8)
    if not len(knots):
        return code
    same = np.minimum.reduceat(first, starts) == np.maximum.reduceat(first, starts)
    same &= np.minimum.reduceat(last, starts) == np.maximum.reduceat(last, starts)
    others = np.flatnonzero(~same)
    for number, at, count in zip(others.tolist(), starts[others].tolist(), (end - begin)[others].tolist(), strict=True):
        code[number] = _SHAPES.index(_shape(first[at : at + count].tolist(), last[at : at + count].tolist()))
    return code


def _shape(starts: list[int], ends: list[int]) -> Shape:
    """How the entries of a knot overlap that are not all of one range."""
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


def _tangles(zones: Zones, knots: I64, code: NDArray[np.uint8]) -> Tangles:
    """Touching knots of one sort as one tangle; a lone same-range knot beside other shapes is one of them."""
    touches = np.diff(knots) == 1
    touches &= zones.joined[knots[1:]]
    sort = np.where(code == _NO_JOIN, _NO_JOIN, np.where(code == _SAME, _SAME, _PARTIAL)).astype(np.uint8)
    sort = _with_lone_absorbed(sort, touches)
    heads = _heads(touches & (sort[1:] == sort[:-1]))[: len(knots)]
    tails = np.append(heads[1:], len(knots))[: len(heads)]
    size = np.diff(zones.start)[knots]
    return Tangles(
        rows=zones.rows,
        begin=zones.start[knots[heads]],
        end=zones.start[knots[tails - 1] + 1],
        first=zones.first[knots[heads]],
        last=zones.last[knots[tails - 1]],
        code=_common_shapes(code, heads),
        knots=tails - heads,
        fullest=np.maximum.reduceat(size, heads) if len(heads) else size,
    )


def _heads(linked: Mask) -> I64:
    """Where runs of linked neighbours begin; `linked[i]` speaks of i and i + 1."""
    return np.append(0, np.flatnonzero(~linked) + 1)


def _with_lone_absorbed(sort: NDArray[np.uint8], touches: Mask) -> NDArray[np.uint8]:
    """The sort of each knot, where a same-range knot that stands alone beside mixed ones is mixed as well."""
    heads = _heads(touches & (sort[1:] == sort[:-1]))[: len(sort)]
    alone = np.diff(heads, append=len(sort)) == 1
    kind = sort[heads]
    mixed = kind == _PARTIAL
    # Whether a group touches the one before it.
    touched = np.zeros(len(heads), dtype=np.bool_)
    touched[1:] = touches[heads[1:] - 1]
    beside = np.zeros(len(heads), dtype=np.bool_)
    beside[1:] |= touched[1:] & mixed[:-1]
    beside[:-1] |= touched[1:] & mixed[1:]
    absorbed = sort.copy()
    absorbed[heads[(kind == _SAME) & alone & beside]] = _PARTIAL
    return absorbed


def _common_shapes(code: NDArray[np.uint8], heads: I64) -> NDArray[np.uint8]:
    """The shape of each tangle, given that of its knots: theirs if they have one, else the looser of two."""
    if not len(heads):
        return code
    least, greatest = np.minimum.reduceat(code, heads), np.maximum.reduceat(code, heads)
    partial = np.logical_or.reduceat(code == _PARTIAL, heads)
    return np.where(least == greatest, least, np.where(partial, _PARTIAL, _CONTAINED)).astype(np.uint8)
