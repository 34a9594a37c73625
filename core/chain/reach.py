"""One zone that no chain crosses, as a graph over boundaries: what leads on in it (`recovery.md`, "Chains").

An entry is an edge from its first version to the boundary behind its last. Numbers are Python ints and do not wrap.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from core.chain.zones import Zones
from core.columns import Lane
from core.model import end_of


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """The entries of one zone in stock's order: entry p is an edge from `firsts[p]` to `ends[p]`."""

    firsts: list[int]
    ends: list[int]

    @property
    def begin(self) -> int:
        """The boundary at which the zone is entered."""
        return self.firsts[0]


def stretch_of(lane: Lane, zones: Zones, zone: int) -> Stretch:
    """One zone as a graph."""
    rows = zones.rows_of(zone)
    firsts: list[int] = lane.first[rows].tolist()
    return Stretch(firsts, [end_of(last) for last in lane.last[rows].tolist()])


def leading_to(stretch: Stretch, goals: Collection[int]) -> set[int]:
    """The boundaries of the zone from which one of the `goals` can be reached, the goals among them."""
    leading = set(goals)
    for first, end in zip(reversed(stretch.firsts), reversed(stretch.ends), strict=True):
        if end in leading:
            leading.add(first)
    return leading
