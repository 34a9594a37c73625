"""Numbered ranges of versions that may overlap, asked by binary search, however many there are."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from heapq import heappop, heappush


class Spans:
    """Ranges `first..last` (inclusive), each with a number.

    They are kept in layers, in each of which no two overlap: as many as ranges hold one version at most.
    """

    def __init__(self, ranges: Iterable[tuple[int, int, int]] = ()) -> None:
        """`ranges` are first, last and number."""
        layers: list[list[tuple[int, int, int]]] = []
        free: list[tuple[int, int]] = []
        for each in sorted(ranges):
            if free and free[0][0] < each[0]:
                layer = heappop(free)[1]
            else:
                layer = len(layers)
                layers.append([])
            layers[layer].append(each)
            heappush(free, (each[1], layer))
        self._layers = [tuple(list(column) for column in zip(*layer, strict=True)) for layer in layers]

    def holding(self, version: int) -> list[int]:
        """The numbers of the ranges that hold `version`."""
        found = []
        for first, last, numbers in self._layers:
            place = bisect_right(first, version) - 1
            if place >= 0 and version <= last[place]:
                found.append(numbers[place])
        return found

    def touching(self, first: int, last: int) -> list[int]:
        """The numbers of the ranges that hold any version of `first..last`."""
        return [
            number
            for firsts, lasts, numbers in self._layers
            for number in numbers[bisect_left(lasts, first) : bisect_right(firsts, last)]
        ]

    def first_within(self, first: int, last: int) -> int | None:
        """The first version of `first..last` that any range holds."""
        held = [
            max(first, firsts[place])
            for firsts, lasts, _ in self._layers
            if (place := bisect_left(lasts, first)) < len(lasts) and firsts[place] <= last
        ]
        return min(held, default=None)
