"""The list of problems: in what order they stand, which of them a filter keeps, and which are still open.

Pure: made once for each report, note and filter, so that no key goes over all problems.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from core.model import LaneKind, Severity, Zone

#: What the list is cut down to, beside single files.
_LANES: Final = (LaneKind.EPOCH_ENDINGS, LaneKind.STATE_SNAPSHOTS, LaneKind.TRANSACTIONS, LaneKind.FILES)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which problems are kept: from a severity on, of one lane, of one metadata file."""

    name: str = "all"
    least: Severity = Severity.INFO
    lane: LaneKind | None = None
    file: str = ""

    def keeps(self, zone: Zone) -> bool:
        """Whether a problem passes."""
        if zone.severity.rank < self.least.rank or self.lane not in (None, zone.lane):
            return False
        return not self.file or self.file in files_of(zone)


ALL_PROBLEMS: Final = Filter()


def filters(file: str) -> tuple[Filter, ...]:
    """The choices, one after the other; with `file` also its problems."""
    lanes = tuple(Filter(f"{lane.short} only", lane=lane) for lane in _LANES)
    of_file = (Filter(f"claimed by {file.removeprefix('metadata/')}", file=file),) if file else ()
    return (ALL_PROBLEMS, Filter("errors only", Severity.ERROR), *lanes, *of_file)


@dataclass(frozen=True, slots=True)
class Listing:
    """The problems by their places in the report.

    `order` is that of the list, with everything in it; `shown` is what the filter keeps of it. `problems` are those
    that are more than a notice, and `open` those of them that are shown and not noted on, ascending. `ranks` says for
    each where it stands in `order`, `numbers` which it is among the problems, or among the notices, counted from 1.
    """

    order: tuple[int, ...] = ()
    shown: tuple[int, ...] = ()
    problems: tuple[int, ...] = ()
    open: tuple[int, ...] = ()
    ranks: tuple[int, ...] = ()
    numbers: tuple[int, ...] = ()

    def next_open(self, zone: int | None, step: int) -> int | None:
        """The open problem after `zone` or before it, in a ring; the first or last of all without one.

        None if no problem is open. What was noted on leaves its place in the list, but not the order of the report.
        """
        if not self.open:
            return None
        if zone is None:
            return self.open[0 if step > 0 else -1]
        place = bisect_right(self.open, zone) if step > 0 else bisect_left(self.open, zone) - 1
        return self.open[place % len(self.open)]

    def next_of_all(self, zone: int | None, step: int) -> int | None:
        """The problem after `zone` or before it in the whole list, in a ring; None if there are none."""
        if not self.problems:
            return None
        if zone is None or zone >= len(self.problems):
            return self.problems[0 if step > 0 else -1]
        return self.problems[(self.numbers[zone] - 1 + step) % len(self.problems)]


def listing_of(
    zones: Sequence[Zone], order: Iterable[int], problem_count: int, noted: Collection[int], kept: Filter
) -> Listing:
    """The list of `zones` in `order`, of which the first `problem_count` are more than a notice."""
    order = tuple(order)
    shown = tuple(zone for zone in order if kept.keeps(zones[zone])) if kept != ALL_PROBLEMS else order
    problems = tuple(zone for zone in order if zone < problem_count)
    ranks, numbers = [0] * len(order), [0] * len(order)
    for rank, zone in enumerate(order):
        ranks[zone] = rank
    for kind in (problems, tuple(zone for zone in order if zone >= problem_count)):
        for number, zone in enumerate(kind, start=1):
            numbers[zone] = number
    still_open = tuple(sorted(zone for zone in shown if zone < problem_count and zone not in noted))
    return Listing(order, shown, problems, still_open, tuple(ranks), tuple(numbers))


def files_of(zone: Zone) -> tuple[str, ...]:
    """The metadata files that a problem is about, in the order of its findings."""
    lines = (
        claim
        for finding in zone.findings
        for claim in (*finding.claims, *(each for entry in finding.entries for each in entry.claims))
    )
    return tuple(dict.fromkeys(claim.file for claim in lines))
