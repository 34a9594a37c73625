"""The ways through one zone: what can be reached, what leads on, and the cheapest way (`recovery.md`, "Chains").

A zone is a graph over boundaries: an entry is an edge from its first version to the boundary behind its last, and all
edges go right. Rows come sorted by their first version, so one pass forward finds everything that can be reached and
one pass backward settles each boundary for good. Numbers are Python ints and do not wrap.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from core.chain.zones import Zones
from core.columns import I64, Lane
from core.model import end_of

#: The places that the best way takes from each boundary.
_Ways: TypeAlias = Mapping[int, tuple[int, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """The entries of one zone: entry p is row `rows[p]`, an edge from `firsts[p]` to `ends[p]`.

    `reached` are the boundaries that can be reached from where the zone is entered.
    """

    zone: int
    rows: I64
    firsts: list[int]
    ends: list[int]
    reached: frozenset[int]

    @property
    def begin(self) -> int:
        """The boundary at which the zone is entered."""
        return self.firsts[0]


@dataclass(frozen=True, slots=True)
class Run:
    """Entries that follow each other, taken together at a `cost` below the sum of theirs: they fill a file alone."""

    places: tuple[int, ...]
    cost: int


def stretch_of(lane: Lane, zones: Zones, zone: int) -> Stretch:
    """One zone as a graph, entered at its first version."""
    rows = zones.rows_of(zone)
    firsts: list[int] = lane.first[rows].tolist()
    ends = [end_of(last) for last in lane.last[rows].tolist()]
    reached = {firsts[0]}
    for first, end in zip(firsts, ends, strict=True):
        if first in reached:
            reached.add(end)
    return Stretch(zone, rows, firsts, ends, frozenset(reached))


def leading_to(stretch: Stretch, goals: Collection[int]) -> set[int]:
    """The boundaries of the zone from which one of the `goals` can be reached, the goals among them."""
    leading = set(goals)
    for first, end in zip(reversed(stretch.firsts), reversed(stretch.ends), strict=True):
        if end in leading:
            leading.add(first)
    return leading


def cheapest_way(
    stretch: Stretch, goals: Collection[int], costs: Sequence[int], runs: Mapping[int, Sequence[Run]]
) -> list[int]:
    """The cheapest way from where the zone is entered to one of `goals`, which can be reached: places in order.

    `costs` has a number for each place; `runs` are further edges, by the place they begin with. Among ways of one
    cost the first in stock's order is taken: compared entry by entry, the smaller row wins.
    """
    cost_from = dict.fromkeys(goals, 0)
    way: dict[int, tuple[int, ...]] = {}
    rows = range(len(stretch.firsts) - 1, -1, -1)
    for place, first, end in zip(rows, reversed(stretch.firsts), reversed(stretch.ends), strict=True):
        onward = cost_from.get(end)
        if onward is None or first not in stretch.reached:
            continue
        cost = costs[place] + onward
        if cost <= cost_from.get(first, cost):
            cost_from[first], way[first] = cost, (place,)
        for run in runs.get(place, ()):
            cost = run.cost + cost_from[stretch.ends[run.places[-1]]]
            tied = cost == cost_from[first] and _sorts_first(run.places, way[first], stretch, way)
            if tied or cost < cost_from[first]:
                cost_from[first], way[first] = cost, run.places
    return list(_follow(way.get(stretch.begin, ()), stretch, way))


def _sorts_first(left: tuple[int, ...], right: tuple[int, ...], stretch: Stretch, way: _Ways) -> bool:
    """Whether the way that begins with the places `left` comes before the one with `right` in stock's order."""
    both = zip(_follow(left, stretch, way), _follow(right, stretch, way), strict=False)
    return next((mine < theirs for mine, theirs in both if mine != theirs), False)


def _follow(places: tuple[int, ...], stretch: Stretch, way: _Ways) -> Iterator[int]:
    """The places of a whole way, given those that it begins with."""
    while places:
        yield from places
        places = way.get(stretch.ends[places[-1]], ())
