"""The ways through all crowded zones of a lane at once: what can be reached, what leads on, and the cheapest ways.

A zone is a graph over boundaries: an entry is an edge from its first version to the boundary behind its last, and all
edges go right. Rows come sorted by their first version, so one pass forward finds everything that can be reached and
one pass backward settles each boundary for good. The graphs of all zones lie side by side in columns, their boundaries
numbered: a lane of a million entries that overlap is one loop, whether they make one zone or half a million.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from core.chain.zones import Zones
from core.columns import I64, U64, Lane, Mask
from core.words import I32

#: The places that the best way takes from a boundary: one, or those of a run; None where no way leads on.
_Step: TypeAlias = int | tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class Run:
    """Entries that follow each other, taken together at a `cost` below the sum of theirs: they fill a file alone."""

    places: tuple[int, ...]
    cost: int


@dataclass(frozen=True, slots=True, eq=False)
class Crowd:
    """The entries of some zones, side by side: place p is row `rows[p]`, an edge from `first[p]` to `end[p]`.

    `zone` are the numbers of the zones, ascending; that of zone i has the places from `begin[i]` to `begin[i + 1]`, and
    `of[p]` is the i of a place. `start[p]` and `stop[p]` number the boundaries (`boundaries` of them), each zone for
    itself. `reached` (bool) says whether a way leads from the zone's beginning to where the entry begins, `furthest` is
    the greatest boundary of each zone that can be reached so.
    """

    zone: I64
    begin: I64
    of: I64
    rows: I64
    first: U64
    end: U64
    start: I32
    stop: I32
    boundaries: int
    reached: Mask
    furthest: U64

    def upto(self, zones: int) -> Crowd:
        """The first so many zones alone."""
        places = int(self.begin[zones])
        return Crowd(
            self.zone[:zones],
            self.begin[: zones + 1],
            self.of[:places],
            self.rows[:places],
            self.first[:places],
            self.end[:places],
            self.start[:places],
            self.stop[:places],
            self.boundaries,
            self.reached[:places],
            self.furthest[:zones],
        )


def crowd_of(lane: Lane, zones: Zones, numbers: I64) -> Crowd:
    """The zones `numbers` (int64, ascending), each entered at its first version."""
    size = np.diff(zones.start)[numbers]
    begin = np.append(np.zeros(1, dtype=np.int64), np.cumsum(size))
    of = np.repeat(np.arange(len(numbers), dtype=np.int64), size)
    rows = zones.rows[np.arange(int(begin[-1])) - begin[of] + zones.start[numbers][of]]
    first, end = lane.first[rows], lane.last[rows] + np.uint64(1)
    start, stop, boundaries = _numbered(of, first, end)
    known = bytearray(boundaries)
    for entered in start[begin[:-1]].tolist():
        known[entered] = 1
    for here, there in zip(start.data, stop.data, strict=True):
        if known[here]:
            known[there] = 1
    reached: Mask = np.frombuffer(known, dtype=np.bool_)[start]
    furthest = np.where(reached, end, np.uint64(0))
    furthest = np.maximum.reduceat(furthest, begin[:-1]) if len(numbers) else furthest
    return Crowd(numbers, begin, of, rows, first, end, start, stop, boundaries, reached, furthest)


def _numbered(of: I64, first: U64, end: U64) -> tuple[I32, I32, int]:
    """The boundaries at which entries begin and end as numbers, those of each zone for themselves; how many at most."""
    versions = np.concatenate((first, end))
    versions.sort()
    versions = versions[np.append(True, versions[1:] != versions[:-1])[: len(versions)]]
    # Where a zone begins at the boundary behind the one before, the two have that version in common and no number.
    start, stop = ((np.searchsorted(versions, column) + of).astype(np.int32) for column in (first, end))
    return start, stop, len(versions) + int(of[-1]) if len(of) else 0


def leading_on(crowd: Crowd, goals: Mask) -> Mask:
    """For each place (bool) whether a way leads on from its end to a boundary at which one of `goals` (places) ends."""
    known = bytearray(crowd.boundaries)
    for goal in crowd.stop[goals].tolist():
        known[goal] = 1
    for here, there in zip(crowd.start[::-1].copy().data, crowd.stop[::-1].copy().data, strict=True):
        if known[there]:
            known[here] = 1
    leads: Mask = np.frombuffer(known, dtype=np.bool_)[crowd.stop]
    return leads


def leaves_choice(crowd: Crowd, on_way: Mask) -> Mask:
    """The places of `on_way` in the zones that have more than one way: then and only then two of them overlap."""
    places = np.flatnonzero(on_way)
    first, behind = crowd.first[places], np.maximum.accumulate(crowd.end[places])
    choice = np.zeros(len(crowd.zone), dtype=np.bool_)
    # No entry reaches into the next zone, so that what was passed in the zones before does not count.
    choice[crowd.of[places[1:][first[1:] < behind[:-1]]]] = True
    return on_way & choice[crowd.of]


def cheapest_ways(crowd: Crowd, goals: Mask, costs: Sequence[int], runs: Mapping[int, Sequence[Run]]) -> I64:
    """The places (int64, ascending) of the cheapest way through each zone to a boundary where one of `goals` ends.

    One of them can be reached in each zone. `costs` has a number for each place; `runs` are further edges, by the place
    they begin with. Among ways of one cost the first in stock's order is taken: compared entry by entry, the smaller
    row wins.
    """
    start, stop = crowd.start.data, crowd.stop.data
    reached = crowd.reached.tolist()
    cost_from: list[int | None] = [None] * crowd.boundaries
    for goal in crowd.stop[goals].tolist():
        cost_from[goal] = 0
    way: list[_Step] = [None] * crowd.boundaries
    for place in range(len(reached) - 1, -1, -1):
        onward = cost_from[stop[place]]
        if onward is None or not reached[place]:
            continue
        here = start[place]
        known = cost_from[here]
        cost = costs[place] + onward
        if known is None or cost <= known:
            cost_from[here], way[here] = cost, place
        for run in runs.get(place, ()) if runs else ():
            behind = cost_from[stop[run.places[-1]]]
            cost, known = run.cost + (behind or 0), cost_from[here]
            tied = cost == known and _sorts_first(run.places, way[here], stop, way)
            if tied or known is None or cost < known:
                cost_from[here], way[here] = cost, run.places
    chosen: list[int] = []
    for entered in crowd.start[crowd.begin[:-1]].tolist():
        chosen.extend(_follow(way[entered], stop, way))
    return np.array(chosen, dtype=np.int64)


def _sorts_first(left: _Step, right: _Step, stop: memoryview, way: Sequence[_Step]) -> bool:
    """Whether the way that begins with the places `left` comes before the one with `right` in stock's order."""
    both = zip(_follow(left, stop, way), _follow(right, stop, way), strict=False)
    return next((mine < theirs for mine, theirs in both if mine != theirs), False)


def _follow(step: _Step, stop: memoryview, way: Sequence[_Step]) -> Iterator[int]:
    """The places of a whole way, given those that it begins with."""
    while step is not None:
        if isinstance(step, int):
            yield step
            step = way[stop[step]]
        else:
            yield from step
            step = way[stop[step[-1]]]
