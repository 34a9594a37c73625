"""Where no chain goes on: which versions are missing, what is the least to back up again, and how to (`recovery.md`).

Between two zones nothing covers the versions: a true gap. Inside a zone every version is covered, so where no way
crosses it the entries do not join. Either way the fewest versions are named that have to be backed up again before a
chain goes through.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from core.chain.model import GAPS_LISTED, Gap, GapKind
from core.chain.reach import leading_to, stretch_of
from core.chain.zones import Zones
from core.columns import I64, Lane, Mask
from core.model import U64_MAX, LaneKind, end_of

#: Stands for the storage option in a command that is made to be pasted: the shell refuses to run it until it is set.
STORE_PLACEHOLDER: Final = '--local-fs-dir "${STORE:?}"'


@dataclass(frozen=True, slots=True)
class Missing:
    """`gaps`, the first `GAPS_LISTED` of `count`, and `resumes_at` as in `Chain`."""

    gaps: tuple[Gap, ...]
    count: int
    resumes_at: int | None


def missing_behind(lane: Lane, zones: Zones, crossed: Mask, zone: int, boundary: int, target: int) -> Missing:
    """What is missing from `boundary` to `target`. All that can be reached of `zone` ends at `boundary`.

    `zone` is -1 where nothing begins at the chain's start, which then is the boundary. `crossed` (bool) says of each
    zone whether a way leads through it.
    """
    end = end_of(target)
    if boundary >= end:
        return Missing((), 0, None)
    found: list[tuple[int, int, GapKind]] = []
    if zone >= 0:
        found += _bridges(lane, zones, zone, boundary, end)
    uncrossed = np.flatnonzero(~crossed[zone + 1 :]) + zone + 1
    two = (np.diff(zones.start)[uncrossed] == 2) & (zones.last[uncrossed] <= np.uint64(target))
    found += _bridges_of_two(lane, zones, uncrossed[two][:GAPS_LISTED])
    for number in uncrossed[~two].tolist():
        found += _bridges(lane, zones, number, int(zones.first[number]), end)
    torn = np.flatnonzero(~zones.joined[zone + 1 :]) + zone + 1
    for each in torn[:GAPS_LISTED].tolist():
        begin = end_of(int(zones.last[each - 1])) if each else boundary
        found.append((begin, int(zones.first[each]) - 1, GapKind.GAP))
    count = len(found) + max(0, len(torn) - GAPS_LISTED) + max(0, int(two.sum()) - GAPS_LISTED)
    covered = end_of(int(zones.last[-1])) if len(zones) else boundary
    if covered < end:
        found.append((covered, target, GapKind.GAP))
        count += 1
    listed = sorted(found)[:GAPS_LISTED]
    resumes_at = None if covered < end else _resumes_at(lane, zones, crossed, torn, zone, boundary, end)
    return Missing(tuple(Gap(lane.kind, *each) for each in listed), count, resumes_at)


def _bridges_of_two(lane: Lane, zones: Zones, numbers: I64) -> list[tuple[int, int, GapKind]]:
    """The bridges of zones (int64) of two entries that do not join: up to the second entry, or behind the first one."""
    one, other = zones.rows[zones.start[numbers]], zones.rows[zones.start[numbers] + 1]
    columns = (lane.first[one], lane.last[one], lane.first[other], lane.last[other])
    pairs = zip(*(column.tolist() for column in columns), strict=True)
    return [
        (last + 1, end, GapKind.NO_JOIN) if end - last < begin - first else (first, begin - 1, GapKind.NO_JOIN)
        for first, last, begin, end in pairs
    ]


def _bridges(lane: Lane, zones: Zones, zone: int, begin: int, end: int) -> list[tuple[int, int, GapKind]]:
    """The fewest versions to back up again, so that a way leads from boundary `begin` through the zone or to `end`."""
    goal = min(end_of(int(zones.last[zone])), end)
    stretch = stretch_of(lane, zones, zone)
    edges = [(f, min(e, goal)) for f, e in zip(stretch.firsts, stretch.ends, strict=True) if begin <= f < goal]
    stops = sorted({begin, goal, *(boundary for edge in edges for boundary in edge)})
    missing = {begin: 0}
    came_from: dict[int, int] = {}
    jumped: set[int] = set()
    at = 0
    for index, stop in enumerate(stops):
        if index:
            before = stops[index - 1]
            by_jump = missing[before] + stop - before
            if by_jump < missing.get(stop, by_jump + 1):
                missing[stop], came_from[stop] = by_jump, before
                jumped.add(stop)
        while at < len(edges) and edges[at][0] == stop:
            _, to = edges[at]
            at += 1
            if missing[stop] < missing.get(to, missing[stop] + 1):
                missing[to], came_from[to] = missing[stop], stop
    return _merged_jumps(goal, came_from, jumped)


def _merged_jumps(goal: int, came_from: dict[int, int], jumped: set[int]) -> list[tuple[int, int, GapKind]]:
    """The jumps on the way back from `goal`, neighbours merged."""
    jumps: list[tuple[int, int]] = []
    stop = goal
    while stop in came_from:
        before = came_from[stop]
        if stop in jumped:
            last = jumps.pop()[1] if jumps and jumps[-1][0] == stop else stop - 1
            jumps.append((before, last))
        stop = before
    return [(first, last, GapKind.NO_JOIN) for first, last in jumps]


def _resumes_at(lane: Lane, zones: Zones, crossed: Mask, torn: I64, zone: int, boundary: int, end: int) -> int | None:
    """The least boundary from `boundary` on from which entries lead to `end`; the last zone covers `end`."""
    since = int(torn[-1]) if len(torn) else zone
    crowded = zones.crowded()
    decisive = ~crossed[crowded] | (zones.first[crowded] < boundary) | (crowded == len(zones) - 1)
    for each in crowded[(crowded >= since) & decisive][::-1].tolist():
        stretch = stretch_of(lane, zones, each)
        goals = [stop for stop in stretch.ends if stop >= end] if each == len(zones) - 1 else [max(stretch.ends)]
        leading = leading_to(stretch, goals)
        if stretch.begin not in leading or stretch.begin < boundary:
            return min((stop for stop in leading if boundary <= stop < end), default=None)
    return int(zones.first[since])


def gap_command(gap: Gap, storage: str = STORE_PLACEHOLDER) -> str:
    """The stock command that backs the gap up again, ready for a shell.

    `storage` is stock's storage option; whoever fills in a location quotes it. Stock counts transactions but wants the
    epoch behind the last one.
    """
    if gap.lane is LaneKind.EPOCH_ENDINGS:
        what = f"epoch-ending --start-epoch {gap.first} --end-epoch {min(end_of(gap.last), U64_MAX)}"
    else:
        count = min(end_of(gap.last) - gap.first, U64_MAX)
        what = f"transaction --start-version {gap.first} --num_transactions {count}"
    return f"aptos-db-tool backup oneoff {what} {storage}"
