"""Where no chain goes on: which versions are missing, what is the least to back up again, and how to (`recovery.md`).

Between two zones nothing covers the versions: a true gap. Inside a zone every version is covered, so where no way
crosses it the entries do not join. Either way the fewest versions are named that have to be backed up again before a
chain goes through.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.chain.crowd import crowd_of, leading_on
from core.chain.model import GAPS_LISTED, Gap, GapKind
from core.chain.zones import Zones
from core.columns import I64, Lane, Mask
from core.invocation import StockBackup
from core.model import U64_MAX, LaneKind, end_of
from core.stopping import require_wanted

#: Whoever waits is asked again after so many boundaries.
_STOPS_AT_ONCE: Final = 1 << 18


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
    count = 0
    if zone >= 0:
        bridges, count = _bridges(lane, zones, zone, boundary, end)
        found += bridges
    uncrossed = np.flatnonzero(~crossed[zone + 1 :]) + zone + 1
    two = (np.diff(zones.start)[uncrossed] == 2) & (zones.last[uncrossed] <= np.uint64(target))
    found += _bridges_of_two(lane, zones, uncrossed[two][:GAPS_LISTED])
    wide: list[tuple[int, int, GapKind]] = []
    for number in uncrossed[~two].tolist():
        require_wanted()
        bridges, more = _bridges(lane, zones, number, int(zones.first[number]), end)
        count += more
        wide += bridges if len(wide) < GAPS_LISTED else ()
    found += wide
    torn = np.flatnonzero(~zones.joined[zone + 1 :]) + zone + 1
    for each in torn[:GAPS_LISTED].tolist():
        begin = end_of(int(zones.last[each - 1])) if each else boundary
        found.append((begin, int(zones.first[each]) - 1, GapKind.GAP))
    count += len(torn) + int(two.sum())
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


def _bridges(
    lane: Lane, zones: Zones, zone: int, begin: int, end: int
) -> tuple[Iterable[tuple[int, int, GapKind]], int]:
    """The fewest versions to back up again, so that a way leads from boundary `begin` through the zone or to `end`.

    The first `GAPS_LISTED` stretches of them, and how many there are.
    """
    goal = min(end_of(int(zones.last[zone])), end)
    rows = zones.rows_of(zone)
    rows = rows[(lane.first[rows] >= np.uint64(begin)) & (lane.first[rows] < np.uint64(goal))]
    first, behind = lane.first[rows], np.minimum(lane.last[rows], np.uint64(goal - 1)) + np.uint64(1)
    stops = np.sort(np.concatenate((np.array((begin, goal), dtype=np.uint64), first, behind)))
    stops = stops[np.append(True, stops[1:] != stops[:-1])]
    starts, ends = (np.searchsorted(stops, column).astype(np.int32) for column in (first, behind))
    came_from, jumped = _fewest_missing(stops.data, starts.data, ends.data)
    return _merged_jumps(stops.data, came_from, jumped)


def _fewest_missing(stops: memoryview, starts: memoryview, ends: memoryview) -> tuple[array[int], bytearray]:
    """Of each of `stops` the one before it on the way with the fewest versions missing, and whether that is a jump.

    The way begins at the first of them. An edge leads from stop `starts[i]` to stop `ends[i]`; they are in order.
    """
    # Arrays, not lists: a knot of a million entries has two million stops.
    missing, known = array("Q", bytes(8 * len(stops))), bytearray(len(stops))
    known[0] = 1
    came_from = array("q", [-1]) * len(stops)
    jumped = bytearray(len(stops))
    at, edges, before = 0, len(starts), 0
    for index, stop in enumerate(stops):
        if not index % _STOPS_AT_ONCE:
            require_wanted()
        here = missing[index]
        if index:
            by_jump = before + stop - stops[index - 1]
            if not known[index] or by_jump < here:
                here, came_from[index], jumped[index] = by_jump, index - 1, 1
        while at < edges and starts[at] == index:
            to = ends[at]
            at += 1
            if not known[to] or here < missing[to]:
                missing[to], came_from[to], known[to] = here, index, 1
        before = here
    return came_from, jumped


def _merged_jumps(
    stops: memoryview, came_from: array[int], jumped: bytearray
) -> tuple[Iterable[tuple[int, int, GapKind]], int]:
    """The first jumps on the way to the last stop, neighbours merged, and how many there are."""
    jumps: deque[tuple[int, int, GapKind]] = deque(maxlen=GAPS_LISTED)
    count, last = 0, -1
    stop = len(stops) - 1
    while (before := came_from[stop]) >= 0:
        if jumped[stop]:
            last = stops[stop] - 1 if last < 0 else last
            if not jumped[before]:
                jumps.append((stops[before], last, GapKind.NO_JOIN))
                count, last = count + 1, -1
        stop = before
    return jumps, count


def _resumes_at(lane: Lane, zones: Zones, crossed: Mask, torn: I64, zone: int, boundary: int, end: int) -> int | None:
    """The least boundary from `boundary` on from which entries lead to `end`; the last zone covers `end`."""
    since = int(torn[-1]) if len(torn) else zone
    crowded = zones.crowded()
    decisive = ~crossed[crowded] | (zones.first[crowded] < boundary) | (crowded == len(zones) - 1)
    for each in crowded[(crowded >= since) & decisive][::-1].tolist():
        require_wanted()
        crowd = crowd_of(lane, zones, np.array((each,), dtype=np.int64))
        goals = crowd.end >= np.uint64(end) if each == len(zones) - 1 else crowd.end == crowd.end.max()
        begins = crowd.first[leading_on(crowd, goals)]
        if crowd.first[0] not in begins or int(crowd.first[0]) < boundary:
            leading = np.concatenate((begins, crowd.end[goals]))
            leading = leading[(leading >= np.uint64(boundary)) & (leading < np.uint64(end))]
            return int(leading.min()) if len(leading) else None
    return int(zones.first[since])


def gap_command(gap: Gap, storage: tuple[str, ...]) -> StockBackup:
    """The stock command that backs the gap up again; `storage` are the words of stock's storage option.

    Stock counts transactions but wants the epoch behind the last one.
    """
    if gap.lane is LaneKind.EPOCH_ENDINGS:
        limits = (("--start-epoch", gap.first), ("--end-epoch", min(end_of(gap.last), U64_MAX)))
        return StockBackup("epoch-ending", limits, storage)
    count = min(end_of(gap.last) - gap.first, U64_MAX)
    return StockBackup("transaction", (("--start-version", gap.first), ("--num_transactions", count)), storage)
