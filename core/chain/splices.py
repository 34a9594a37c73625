"""The second kind of edge: runs of chunks, where whole entries do not join (`recovery.md`, "Chains").

A derived manifest lists consecutive chunks of another one, so that each run of chunks is an edge like an entry is. Only
zones that no sound chain of entries crosses are looked at. In each the ways are compared by, one after the other: the
versions to back up again, pinned entries used (more is better), entries whose manifest is broken, derived manifests,
then all manifests. What is left equal goes to the way which, where the two first differ, uses what is there rather than
have it backed up again, then what ends first, then the smaller row, a whole entry before its chunks. So the answer
depends on the entries and their chunks alone, never on an order in files.

The cheapest way through each zone may jump over versions that have to be backed up again. If it does, more ways are
looked for: the one that reaches furthest without a jump, the cheapest one on from there, and those that lead to the end
without a jump from the least boundaries, of all and behind the furthest one. So what is said later to be missing, and
from where a chain goes on behind it, is exact, whether the zone's beginning can be reached or not.

Only chunks that lie within their zone count, whatever range the line of their manifest claims: so a derived entry never
lies across a boundary of zones. Entries that are inverted, end at 2**64 - 1 or begin below the start give no chunks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from core.chain.model import ChainOptions, SkipReason
from core.chain.zones import Zones, cut_zones, named_rows, unusable
from core.columns import I64, U64, Lane
from core.model import end_of

#: A cost is one integer, its measures side by side; no sum of a measure comes near 2**63.
_MANIFEST: Final = 1
_DERIVED: Final = 1 << 64
_BROKEN: Final = 1 << 128
_PIN: Final = 1 << 192
_VERSION: Final = 1 << 256
#: Stands for the number of a chunk where an entry is meant as a whole.
_WHOLE: Final = -1


@dataclass(frozen=True, slots=True)
class ChunkTable:
    """The chunks of one manifest in its order: closed ranges in the lane's unit, and whether each can be used.

    A chunk is not `sound` if anything is known to keep a restore from it: a file that is missing, a wrong count of
    records. A range that is inverted or ends at 2**64 - 1 is never used. Raises `ValueError` for unequal lengths.
    """

    first: tuple[int, ...]
    last: tuple[int, ...]
    sound: tuple[bool, ...]

    def __post_init__(self) -> None:
        if not len(self.first) == len(self.last) == len(self.sound):
            raise ValueError("a table of chunks has one first, one last and one verdict for each")

    def __len__(self) -> int:
        return len(self.first)


@dataclass(frozen=True, slots=True, order=True)
class ChunkRun:
    """Versions `first` to `last`: the chunks `begin` to `end` (exclusive, from 0) of the manifest of entry `row`."""

    first: int
    last: int
    row: int
    begin: int
    end: int


def rows_to_read(lane: Lane, options: ChainOptions) -> I64:
    """The rows (int64, ascending) whose manifests have to be read before splices can be found; mostly none.

    These are all usable entries of the zones that no chain of entries crosses but over manifests in `options.broken`,
    up to the target if there is one. Linear in the number of entries.
    """
    zones = _zones(lane, options)
    return _rows_of(zones, _torn_zones(lane, zones, options))


def find_splices(
    lane: Lane, options: ChainOptions, tables: Mapping[int, ChunkTable], *, sound_only: bool = False
) -> tuple[ChunkRun, ...]:
    """The runs of chunks that make the best ways through the zones of `rows_to_read`, by range, then row.

    With `sound_only` no broken entry that is not pinned is used as a whole, even where more is to back up again then.

    `tables` are keyed by row; an entry without one is used as a whole or not at all. What reading the manifests has
    shown to be broken belongs into `options.broken` before: an entry that is not in there is taken for what its line
    says. Linear in the number of chunks, after a sort. Where several rows name one manifest, the first of them counts.
    """
    zones = _zones(lane, options)
    torn = _torn_zones(lane, zones, options)
    marks = _marks(lane, _rows_of(zones, torn), options)
    found: set[ChunkRun] = set()
    for zone in torn.tolist():
        rows = zones.rows_of(zone)
        span = int(zones.first[zone]), int(zones.last[zone])
        limit = span[1] if options.target is None else min(span[1], options.target)
        edges = list(_chunks(lane, rows, span, limit, tables))
        if edges:
            whole = [row for row in rows.tolist() if not sound_only or marks.get(row, 0) <= 0]
            edges.extend(_entries(lane, np.array(whole, dtype=np.int64), end_of(limit), marks))
            found.update(_with_true_end(run, tables) for run in _wanted_runs(sorted(edges), span[0], end_of(limit)))
    return tuple(sorted(found))


# which zones ----------------------------------------------------------------------------------------------------------


def _zones(lane: Lane, options: ChainOptions) -> Zones:
    return cut_zones(lane, unusable(lane, options) == SkipReason.CHOSEN, options.start)


def _torn_zones(lane: Lane, zones: Zones, options: ChainOptions) -> I64:
    """The zones (int64) that entries alone do not cross, or not without a broken manifest."""
    sound = np.ones(len(zones.rows), dtype=np.bool_)
    if options.broken:
        sound[named_rows(lane.manifests.take(zones.rows), options.broken)] = False
    count = np.diff(zones.start)
    lost = np.flatnonzero(count == 1)
    lost = lost[~sound[zones.start[lost]]]
    crowded = zones.crowded()
    rows = zones.rows[np.repeat(count > 1, count) & sound]
    begins: list[int] = zones.first[crowded].tolist()
    goals: list[int] = _ends(zones.last[crowded], options.target).tolist()
    entered, arrived = set(begins), set[int]()
    for first, end in zip(lane.first[rows].tolist(), _ends(lane.last[rows], options.target).tolist(), strict=True):
        if first in arrived or first in entered:
            arrived.add(end)
    crossed = np.array([goal in arrived for goal in goals], dtype=np.bool_)
    return np.sort(np.concatenate((lost, crowded[~crossed])))


def _ends(last: U64, target: int | None) -> U64:
    """The boundary behind each `last`, none of which is 2**64 - 1; what lies above the target counts as one."""
    return (last if target is None else np.minimum(last, np.uint64(target))) + np.uint64(1)


def _rows_of(zones: Zones, numbers: I64) -> I64:
    """The rows (int64, ascending) of some zones."""
    chosen = np.zeros(len(zones), dtype=np.bool_)
    chosen[numbers] = True
    return zones.rows[np.repeat(chosen, np.diff(zones.start))]


def _marks(lane: Lane, rows: I64, options: ChainOptions) -> dict[int, int]:
    """What it costs to use those of `rows` that are broken or pinned, beside the manifest."""
    marks: dict[int, int] = {}
    for cost, handles in ((_BROKEN, options.broken), (-_PIN, options.pins)):
        named = rows[named_rows(lane.manifests.take(rows), handles)] if handles else rows[:0]
        for row in named.tolist():
            marks[row] = marks.get(row, 0) + cost
    return marks


# one zone as a graph --------------------------------------------------------------------------------------------------


class _Edge(NamedTuple):
    """An entry as a whole, or one chunk of it, from boundary `start` to `end`; `cost` is what using it alone costs."""

    start: int
    end: int
    row: int
    chunk: int
    cost: int


class _Step(NamedTuple):
    """The best that can be done at a boundary, ordered by what decides: the cost from here on, then the ties.

    A jump leads to the next boundary that there is; else it is the entry `row` as a whole, or its chunks from `chunk`
    up to `behind`.
    """

    cost: int
    is_jump: bool
    end: int
    row: int = _WHOLE
    chunk: int = _WHOLE
    behind: int = _WHOLE


class _Ride(NamedTuple):
    """A run that goes on with a chunk which begins at `start`: what is best then, and where the run is left."""

    start: int
    cost: int
    end: int
    behind: int


def _entries(lane: Lane, rows: I64, goal: int, marks: Mapping[int, int]) -> Iterator[_Edge]:
    columns = (rows.tolist(), lane.first[rows].tolist(), lane.last[rows].tolist())
    for row, first, last in zip(*columns, strict=True):
        yield _Edge(first, min(end_of(last), goal), row, _WHOLE, _MANIFEST + marks.get(row, 0))


def _chunks(
    lane: Lane, rows: I64, span: tuple[int, int], limit: int, tables: Mapping[int, ChunkTable]
) -> Iterator[_Edge]:
    """The chunks that can be used: within the zone, which covers `span`, and beginning at or below `limit`."""
    seen: set[bytes] = set()
    for row in rows.tolist():
        handle = lane.manifests.raw(row)
        if row not in tables or handle in seen:
            continue
        seen.add(handle)
        table = tables[row]
        for chunk, (first, last, sound) in enumerate(zip(table.first, table.last, table.sound, strict=True)):
            if sound and span[0] <= first <= last <= span[1] and first <= limit:
                yield _Edge(first, end_of(min(last, limit)), row, chunk, _MANIFEST + _DERIVED)


# the ways -------------------------------------------------------------------------------------------------------------


def _wanted_runs(edges: list[_Edge], begin: int, goal: int) -> Iterator[ChunkRun]:
    """The runs on the wanted ways of a zone; `edges` are sorted. They end at boundaries, none of them above `goal`."""
    stops = sorted({begin, goal, *(edge.start for edge in edges), *(edge.end for edge in edges)})
    best = _best_steps(edges, stops, goal, may_jump=True)
    yield from _runs(best, begin, goal)
    if best[begin].cost < _VERSION >> 1:
        return
    furthest = _furthest(edges, begin)
    yield from _runs(best, furthest, goal)
    yield from _runs(_best_steps(edges, stops, furthest, may_jump=False), begin, furthest)
    leading = _best_steps(edges, stops, goal, may_jump=False)
    for since in (begin, furthest):
        yield from _runs(leading, min(stop for stop in leading if stop >= since), goal)


def _furthest(edges: list[_Edge], begin: int) -> int:
    """The greatest boundary that can be reached without a jump: a run may be left behind each of its chunks."""
    reached = {begin}
    for edge in edges:
        if edge.start in reached:
            reached.add(edge.end)
    return max(reached)


def _best_steps(edges: list[_Edge], stops: list[int], goal: int, *, may_jump: bool) -> dict[int, _Step]:
    """The best step from each boundary that leads to `goal`; none is settled before all behind it."""
    best = {goal: _Step(0, is_jump=False, end=goal)}
    rides: dict[tuple[int, int], _Ride] = {}
    at = len(edges)
    following = goal
    for stop in reversed(stops):
        steps: list[_Step] = []
        while at and edges[at - 1].start >= stop:
            at -= 1
            if stop < goal:
                steps.extend(_steps_by(edges[at], best, rides))
        if stop >= goal:
            continue
        if may_jump:
            steps.append(_Step((following - stop) * _VERSION + best[following].cost, is_jump=True, end=following))
        if steps:
            best[stop] = min(steps)
        following = stop
    return best


def _steps_by(edge: _Edge, best: Mapping[int, _Step], rides: dict[tuple[int, int], _Ride]) -> Iterator[_Step]:
    """The best step that begins with an entry or a chunk, if it leads on; remembers how a run goes on with a chunk."""
    behind = best.get(edge.end)
    if edge.chunk == _WHOLE:
        if behind is not None:
            yield _Step(edge.cost + behind.cost, is_jump=False, end=edge.end, row=edge.row)
        return
    ride = rides.get((edge.row, edge.chunk + 1))
    ways = []
    if behind is not None:
        ways.append(_Ride(edge.start, behind.cost, edge.end, edge.chunk + 1))
    if ride is not None and ride.start == edge.end:
        ways.append(ride._replace(start=edge.start))
    if ways:
        way = rides[edge.row, edge.chunk] = min(ways)
        yield _Step(edge.cost + way.cost, is_jump=False, end=way.end, row=edge.row, chunk=edge.chunk, behind=way.behind)


def _runs(best: Mapping[int, _Step], begin: int, goal: int) -> Iterator[ChunkRun]:
    """The runs of chunks on the way from `begin` to `goal`."""
    stop = begin
    while stop != goal:
        step = best[stop]
        if step.chunk != _WHOLE:
            yield ChunkRun(stop, step.end - 1, step.row, step.chunk, step.behind)
        stop = step.end


def _with_true_end(run: ChunkRun, tables: Mapping[int, ChunkTable]) -> ChunkRun:
    """The run with the last version of its last chunk, which may lie above the target."""
    return ChunkRun(run.first, tables[run.row].last[run.end - 1], run.row, run.begin, run.end)
