"""Splices against the truth: every way over entries, runs of chunks and jumps, written out one by one."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from time import process_time

import numpy as np
import pytest

from core.chain import Chain, ChainOptions, find_chain
from core.chain.splices import ChunkRun, ChunkTable, find_splices, rows_to_read
from core.columns import Lane
from core.demo import build_demo_store
from core.host import FixedHost
from core.manifests import Manifest, TransactionManifest
from core.manifests.derive import derive, derived_record, fit_chunks
from core.manifests.load import load_manifest
from core.model import U64_MAX, LaneKind, TransactionRecord
from core.snapshot import take_snapshot
from core.storage import LocalReader
from tests.support.backups import NOW
from tests.support.lanes import Line, lane_of, transactions
from tests.support.soaking import sampled

Span = tuple[int, int]
#: The chunks of each manifest by its handle.
Chunks = Mapping[str, ChunkTable]


def table(*ranges: Span, without: Sequence[int] = ()) -> ChunkTable:
    """A table of chunks, all of them sound but those numbered in `without`."""
    sound = tuple(number not in without for number in range(len(ranges)))
    return ChunkTable(tuple(first for first, _ in ranges), tuple(last for _, last in ranges), sound)


def by_row(lane: Lane, chunks: Chunks, rows: Sequence[int] | None = None) -> dict[int, ChunkTable]:
    wanted = range(len(lane)) if rows is None else rows
    return {row: chunks[lane.manifest(row)] for row in wanted if lane.manifest(row) in chunks}


def found(lane: Lane, chunks: Chunks, options: ChainOptions | None = None) -> list[tuple[str, int, int, int, int]]:
    """The splices as handle, chunks from and to, first and last version."""
    options = options or ChainOptions()
    tables = by_row(lane, chunks, rows_to_read(lane, options).tolist())
    return [
        (lane.manifest(run.row), run.begin, run.end, run.first, run.last) for run in find_splices(lane, options, tables)
    ]


# Cases ----------------------------------------------------------------------------------------------------------------


def test_two_entries_that_overlap_without_joining_are_spliced_at_a_chunk() -> None:
    lane = transactions((0, 499, "a"), (400, 999, "b"))
    chunks = {"a": table((0, 199), (200, 499)), "b": table((400, 499), (500, 699), (700, 999))}
    assert found(lane, chunks) == [("b", 1, 3, 500, 999)]


def test_the_zone_that_a_veto_leaves_behind_a_gap_is_spliced() -> None:
    lane = transactions((0, 499, "a"), (300, 599, "b"), (500, 999, "c"))
    chunks = {"a": table((0, 499)), "b": table((300, 399), (400, 599)), "c": table((500, 599), (600, 999))}
    assert found(lane, chunks) == []
    assert found(lane, chunks, ChainOptions(vetoes=frozenset("a"))) == [("c", 1, 2, 600, 999)]


def test_nothing_is_read_where_whole_entries_join() -> None:
    lane = transactions((0, 499, "a"), (500, 599, "b"), (500, 999, "c"), (1000, 1999, "d"))
    assert rows_to_read(lane, ChainOptions()).tolist() == []
    assert find_splices(lane, ChainOptions(), {}) == ()


def test_two_manifests_of_one_range_with_one_bad_chunk_each_make_one_good_way() -> None:
    lane = transactions((0, 99, "a"), (100, 399, "b"), (100, 399, "c"), (400, 499, "d"))
    chunks = {
        "b": table((100, 199), (200, 299), (300, 399), without=[0]),
        "c": table((100, 199), (200, 299), (300, 399), without=[2]),
    }
    options = ChainOptions(broken=frozenset("bc"))
    assert rows_to_read(lane, options).tolist() == [1, 2]
    assert found(lane, chunks, options) == [("c", 0, 1, 100, 199), ("b", 1, 3, 200, 399)]


def test_a_broken_manifest_is_read_only_where_no_sound_one_takes_its_place() -> None:
    lane = transactions((0, 99, "a"), (100, 199, "b"), (100, 199, "c"), (200, 299, "d"))
    assert rows_to_read(lane, ChainOptions(broken=frozenset("b"))).tolist() == []
    assert rows_to_read(lane, ChainOptions(broken=frozenset("d"))).tolist() == [3]
    assert rows_to_read(lane, ChainOptions(broken=frozenset("bc"))).tolist() == [1, 2]


def test_all_chunks_of_a_broken_manifest_are_better_than_the_manifest() -> None:
    lane = transactions((0, 99, "a"), (100, 199, "b"))
    options = ChainOptions(broken=frozenset("b"))
    assert found(lane, {"b": table((100, 149), (150, 199))}, options) == [("b", 0, 2, 100, 199)]


def test_a_broken_manifest_is_better_than_backing_up_again() -> None:
    lane = transactions((0, 99, "a"), (100, 199, "b"))
    options = ChainOptions(broken=frozenset("b"))
    assert found(lane, {"b": table((100, 149), (150, 199), without=[1])}, options) == []


def test_chunks_that_cross_at_different_places_leave_a_gap_that_is_the_least() -> None:
    lane = transactions((0, 49, "a"), (30, 99, "b"))
    chunks = {"a": table((0, 19), (20, 49)), "b": table((30, 59), (60, 99))}
    # [0, 49] and [60, 99]: ten versions; [0, 19] and all of b would be ten too, but ends earlier and derives as much.
    runs = found(lane, chunks)
    assert runs == [("a", 0, 1, 0, 19), ("b", 1, 2, 60, 99)]
    chain = find_chain(with_runs(lane, runs_of(lane, runs)))
    assert chain.reaches == 49
    assert [(gap.first, gap.last) for gap in chain.gaps] == [(50, 59)]
    assert chain.resumes_at == 60


def test_the_least_boundary_from_which_the_chain_goes_on_is_exact() -> None:
    # From 5, two versions suffice (5 and 11, around c); but behind 8 nothing is missing, thanks to a chunk of b.
    lane = transactions((0, 4, "a"), (2, 11, "b"), (6, 10, "c"))
    runs = found(lane, {"b": table((2, 7), (8, 11))})
    assert runs == [("b", 1, 2, 8, 11)]
    chain = find_chain(with_runs(lane, runs_of(lane, runs)))
    assert [(gap.first, gap.last) for gap in chain.gaps] == [(5, 5), (11, 11)]
    assert (chain.reaches, chain.resumes_at) == (4, 8)


def test_a_target_inside_a_zone_is_enough() -> None:
    lane = transactions((0, 49, "a"), (30, 99, "b"))
    chunks = {"a": table((0, 29), (30, 49)), "b": table((30, 59), (60, 99))}
    assert found(lane, chunks) == [("a", 0, 1, 0, 29)]
    assert rows_to_read(lane, ChainOptions(target=49)).tolist() == []
    assert rows_to_read(lane, ChainOptions(target=50)).tolist() == [0, 1]
    lane = transactions((0, 49, "a"), (20, 99, "b"))
    chunks = {"a": table((0, 49)), "b": table((20, 49), (50, 69), (70, 99))}
    assert found(lane, chunks, ChainOptions(target=60)) == [("b", 1, 2, 50, 69)]


def test_a_zone_behind_a_gap_is_spliced_like_any_other() -> None:
    lane = transactions((0, 9, "a"), (100, 149, "b"), (130, 199, "c"))
    chunks = {"b": table((100, 149)), "c": table((130, 149), (150, 199))}
    assert found(lane, chunks) == [("c", 1, 2, 150, 199)]


def test_a_vetoed_manifest_gives_no_chunks() -> None:
    lane = transactions((0, 49, "a"), (30, 99, "b"), (40, 99, "c"))
    chunks = {"b": table((30, 49), (50, 99)), "c": table((40, 49), (50, 99))}
    assert found(lane, chunks) == [("b", 1, 2, 50, 99)]
    assert found(lane, chunks, ChainOptions(vetoes=frozenset("b"))) == [("c", 1, 2, 50, 99)]
    assert found(lane, chunks, ChainOptions(vetoes=frozenset("bc"))) == []


def test_a_pin_decides_which_manifest_stays_whole() -> None:
    lane = transactions((0, 49, "a"), (30, 99, "b"))
    chunks = {"a": table((0, 29), (30, 49)), "b": table((30, 49), (50, 99))}
    assert found(lane, chunks, ChainOptions(pins=frozenset("a"))) == [("b", 1, 2, 50, 99)]
    assert found(lane, chunks, ChainOptions(pins=frozenset("b"))) == [("a", 0, 1, 0, 29)]


def test_chunks_outside_their_zone_are_not_used() -> None:
    lane = transactions((0, 49, "a"), (30, 99, "b"), (150, 199, "c"))
    chunks = {"b": table((30, 49), (50, 99), (100, 149)), "c": table((150, 199))}
    assert found(lane, chunks) == [("b", 1, 2, 50, 99)]
    assert found(lane, {"b": table((50, 149))}) == []


def test_a_manifest_that_says_more_than_its_line_fills_the_zone() -> None:
    lane = transactions((0, 49, "a"), (30, 69, "b"), (40, 99, "c"))
    options = ChainOptions(broken=frozenset("b"))
    assert found(lane, {"b": table((30, 49), (50, 99)), "c": table((40, 99))}, options) == [("b", 1, 2, 50, 99)]


def test_epochs_are_spliced_like_versions() -> None:
    lane = lane_of(LaneKind.EPOCH_ENDINGS, [(0, 4, "a"), (3, 9, "b")])
    assert found(lane, {"b": table((3, 4), (5, 9))}) == [("b", 1, 2, 5, 9)]


def test_ranges_at_the_end_of_the_numbers_do_not_wrap() -> None:
    top = U64_MAX
    lane = transactions((0, 4, "a"), (3, top - 1, "b"), (2, top, "c"), (9, 5, "d"))
    chunks = {
        "b": table((3, 4), (5, top - 1), (top, top), (0, 4)),
        "c": table((2, 4), (5, top)),
        "d": table((5, top - 1)),
    }
    assert found(lane, chunks) == [("b", 1, 2, 5, top - 1)]
    assert found(lane, {"b": table((3, 4), (top, top), (0, 4))}) == []
    assert found(transactions((0, top - 1, "a")), chunks, ChainOptions(broken=frozenset("a"))) == []
    assert found(lane, chunks, ChainOptions(target=top)) == [("b", 1, 2, 5, top - 1)]


def test_chunks_that_do_not_follow_each_other_are_two_runs() -> None:
    lane = transactions((0, 9, "a"), (10, 19, "b"))
    options = ChainOptions(broken=frozenset("b"))
    assert found(lane, {"b": table((10, 14), (15, 15), (15, 19), without=[1])}, options) == [
        ("b", 0, 1, 10, 14),
        ("b", 2, 3, 15, 19),
    ]
    assert found(lane, {"b": table((15, 19), (10, 14))}, options) == [("b", 1, 2, 10, 14), ("b", 0, 1, 15, 19)]


def test_a_table_is_whole() -> None:
    with pytest.raises(ValueError):
        ChunkTable((0,), (1, 2), (True,))


# Brute force ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A small random lane with its manifests, and what is asked of it."""

    lines: tuple[Line, ...]
    chunks: Chunks
    options: ChainOptions


def random_case(chance: random.Random) -> Case:
    top = chance.choice([5, 7, 9])
    lines: list[Line] = []
    chunks: dict[str, ChunkTable] = {}
    for number in range(chance.randint(1, 5)):
        first = chance.choice([0, 0, chance.randint(0, top)])
        last = chance.randint(first, top)
        handle = chance.choice("abcdef"[number:])
        lines.append((first, last, handle))
        if chance.random() < 0.9:
            chunks[handle] = random_table(chance, first, last, top)
    if chance.random() < 0.1:
        lines.append((chance.randint(0, top), chance.choice([0, U64_MAX]), "z"))
    handles = sorted({line[2] for line in lines})
    options = ChainOptions(
        start=chance.choice([0, 0, 0, 2]),
        target=chance.choice([None, None, chance.randint(0, top + 1)]),
        pins=some(chance, handles, 0.1),
        vetoes=some(chance, handles, 0.1),
        broken=some(chance, handles, 0.3),
    )
    return Case(tuple(lines), chunks, options)


def some(chance: random.Random, handles: Sequence[str], share: float) -> frozenset[str]:
    return frozenset(handle for handle in handles if chance.random() < share)


def random_table(chance: random.Random, first: int, last: int, top: int) -> ChunkTable:
    """Mostly the chunks that the line promises; some say something else."""
    if chance.random() < 0.15:
        first, last = max(0, first - 1), min(top + 1, last + 1)
    cuts = sorted(chance.sample(range(first + 1, last + 1), chance.randint(0, last - first)))
    ranges = [(low, high - 1) for low, high in zip([first, *cuts], [*cuts, last + 1], strict=True)]
    if chance.random() < 0.1:
        chance.shuffle(ranges)
    if chance.random() < 0.1:
        ranges.append((chance.randint(0, top), chance.randint(0, top)))
    return table(*ranges, without=[number for number in range(len(ranges)) if chance.random() < 0.2])


@dataclass(frozen=True)
class Edge:
    """One step of a way: an entry, a run of chunks, or (without a row) a jump over one version."""

    end: int
    row: int | None = None
    begin: int = -1
    behind: int = -1


@dataclass
class Truth:
    """All ways through the zones of one case, by trying everything."""

    lane: Lane
    options: ChainOptions
    tables: Mapping[int, ChunkTable]
    zones: list[list[int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        behind = -1
        for row in range(len(self.lane)):
            first, last = self.range(row)
            target = U64_MAX if self.options.target is None else self.options.target
            vetoed = self.lane.manifest(row) in self.options.vetoes
            if vetoed or not self.options.start <= first <= target or not first <= last < U64_MAX:
                continue
            if first > behind:
                self.zones.append([])
            self.zones[-1].append(row)
            behind = max(behind, last)

    def range(self, row: int) -> Span:
        return int(self.lane.first[row]), int(self.lane.last[row])

    def span(self, rows: list[int]) -> Span:
        return self.range(rows[0])[0], max(self.range(row)[1] for row in rows)

    def goal(self, rows: list[int]) -> int:
        last = self.span(rows)[1]
        return 1 + (last if self.options.target is None else min(last, self.options.target))

    def entries(self, rows: list[int]) -> dict[int, list[Edge]]:
        edges: dict[int, list[Edge]] = {}
        for row in rows:
            first, last = self.range(row)
            edges.setdefault(first, []).append(Edge(min(last + 1, self.goal(rows)), row))
        return edges

    def runs(self, rows: list[int]) -> Iterator[ChunkRun]:
        """Every run of sound chunks inside the zone that begins at or below the target."""
        low, high = self.span(rows)
        taken = set()
        for row in rows:
            chunks = self.tables.get(row)
            if chunks is None or self.lane.manifest(row) in taken:
                continue
            taken.add(self.lane.manifest(row))
            for begin in range(len(chunks)):
                for behind in range(begin + 1, len(chunks) + 1):
                    part = range(begin, behind)
                    joined = all(chunks.last[each] + 1 == chunks.first[each + 1] for each in part[:-1])
                    usable = all(
                        chunks.sound[each]
                        and low <= chunks.first[each] <= chunks.last[each] <= high
                        and chunks.first[each] < self.goal(rows)
                        for each in part
                    )
                    if joined and usable:
                        yield ChunkRun(chunks.first[begin], chunks.last[behind - 1], row, begin, behind)

    def edges(self, rows: list[int]) -> dict[int, list[Edge]]:
        edges = self.entries(rows)
        for run in self.runs(rows):
            edge = Edge(min(run.last + 1, self.goal(rows)), run.row, run.begin, run.end)
            edges.setdefault(run.first, []).append(edge)
        return edges

    def is_torn(self, rows: list[int]) -> bool:
        sound = [row for row in rows if self.lane.manifest(row) not in self.options.broken]
        begin = self.span(rows)[0]
        return not any(True for _ in ways(self.entries(sound), begin, self.goal(rows)))

    def cost(self, way: Sequence[Edge]) -> tuple[object, ...]:
        entries = [self.lane.manifest(edge.row) for edge in way if edge.row is not None and edge.begin < 0]
        return (
            sum(edge.row is None for edge in way),
            -sum(handle in self.options.pins for handle in entries),
            sum(handle in self.options.broken for handle in entries),
            sum(edge.begin >= 0 for edge in way),
            sum(edge.row is not None for edge in way),
            [(edge.row is None, edge.end, -1 if edge.row is None else edge.row, edge.begin) for edge in way],
        )

    def wanted(self, rows: list[int]) -> set[ChunkRun]:
        """The runs of all the ways that are asked for in a torn zone."""
        edges, begin, goal = self.edges(rows), self.span(rows)[0], self.goal(rows)
        jumps = {at: [*edges.get(at, ()), Edge(at + 1)] for at in range(begin, goal)}
        best = min(ways(jumps, begin, goal), key=self.cost)
        picked = [best]
        if any(edge.row is None for edge in best):
            furthest = max(stop for stop in range(begin, goal + 1) if any(True for _ in ways(edges, begin, stop)))
            leading = [stop for stop in range(begin, goal + 1) if any(True for _ in ways(edges, stop, goal))]
            picked.append(min(ways(jumps, furthest, goal), key=self.cost))
            picked.append(min(ways(edges, begin, furthest), key=self.cost))
            for since in (begin, furthest):
                resume = min(stop for stop in leading if stop >= since)
                picked.append(min(ways(edges, resume, goal), key=self.cost))
        return {
            run
            for run in self.runs(rows)
            for way in picked
            for edge in way
            if (run.row, run.begin, run.end) == (edge.row, edge.begin, edge.behind)
        }


def ways(edges: Mapping[int, Sequence[Edge]], begin: int, goal: int) -> Iterator[tuple[Edge, ...]]:
    """Every way from one boundary to another."""
    if begin == goal:
        yield ()
    for edge in edges.get(begin, ()) if begin < goal else ():
        for rest in ways(edges, edge.end, goal):
            yield (edge, *rest)


@cache
def random_cases() -> tuple[Case, ...]:
    chance = random.Random(4)
    return tuple(random_case(chance) for _ in range(4_000))


@pytest.mark.parametrize("part", sampled(range(8)))
def test_splices_are_those_of_the_best_ways_among_all_ways(part: int) -> None:
    torn = spliced = 0
    for case in random_cases()[part::8]:
        lane = transactions(*case.lines)
        truth = Truth(lane, case.options, by_row(lane, case.chunks))
        expected_rows = [row for rows in truth.zones if truth.is_torn(rows) for row in rows]
        assert rows_to_read(lane, case.options).tolist() == expected_rows, case
        expected = [truth.wanted(rows) for rows in truth.zones if truth.is_torn(rows)]
        runs = find_splices(lane, case.options, by_row(lane, case.chunks, expected_rows))
        assert list(runs) == sorted(set().union(*expected)), case
        torn += bool(expected_rows)
        spliced += bool(runs)
    assert torn > 100
    assert spliced > 60


def test_the_order_of_lines_and_tables_decides_nothing() -> None:
    chance = random.Random(5)
    for case in random_cases()[:500]:
        lane = transactions(*case.lines)
        turned = transactions(*chance.sample(case.lines, len(case.lines)))
        tables = by_row(turned, case.chunks)
        shuffled = dict(chance.sample(sorted(tables.items(), key=lambda item: item[0]), len(tables)))
        expected = find_splices(lane, case.options, by_row(lane, case.chunks))
        assert find_splices(turned, case.options, shuffled) == expected


# What a chain makes of them -------------------------------------------------------------------------------------------


def runs_of(lane: Lane, runs: Sequence[tuple[str, int, int, int, int]]) -> list[ChunkRun]:
    rows = {lane.manifest(row): row for row in range(len(lane))}
    return [ChunkRun(first, last, rows[handle], begin, end) for handle, begin, end, first, last in runs]


def with_runs(lane: Lane, runs: Sequence[ChunkRun]) -> Lane:
    """The lane with a line for the derived manifest of each run."""
    lines = [(int(lane.first[row]), int(lane.last[row]), lane.manifest(row)) for row in range(len(lane))]
    derived = [(run.first, run.last, f"splice_{lane.manifest(run.row)}_{run.begin}_{run.end}") for run in runs]
    return transactions(*lines, *derived)


def chain_with(lane: Lane, runs: Sequence[ChunkRun], options: ChainOptions) -> Chain:
    combined = with_runs(lane, runs)
    added = [row for row in range(len(combined)) if combined.manifest(row).startswith("splice_")]
    return find_chain(combined, options, added=np.array(added, dtype=np.int64))


def summary(chain: Chain) -> dict[str, object]:
    handles = [chain.lane.manifest(int(row)) for row in chain.rows]
    return {
        "complete": chain.complete,
        "reaches": chain.reaches if chain.options.target is None else None,
        "missing": sum(gap.last - gap.first + 1 for gap in chain.gaps),
        "resumes_at": chain.resumes_at,
        "broken": sum(handle in chain.options.broken for handle in handles),
        "derived": sum(handle.startswith("splice_") for handle in handles),
    }


def test_a_chain_over_the_splices_is_as_good_as_one_over_all_runs_there_are() -> None:
    better = 0
    for case in random_cases()[:2_000]:
        lane = transactions(*case.lines)
        options = replace(case.options, pins=frozenset())
        rows = rows_to_read(lane, options)
        tables = by_row(lane, case.chunks, rows.tolist())
        truth = Truth(lane, options, tables)
        every = [run for zone in truth.zones for run in truth.runs(zone)]
        mine = chain_with(lane, find_splices(lane, options, tables), options)
        assert summary(mine) == summary(chain_with(lane, every, options)), case
        better += summary(mine) != summary(find_chain(lane, options))
    assert better > 150


def test_backing_up_what_is_missing_makes_the_chain_whole() -> None:
    gaps = 0
    for case in random_cases()[2_000:]:
        lane = transactions(*case.lines)
        options = replace(case.options, pins=frozenset())
        tables = by_row(lane, case.chunks, rows_to_read(lane, options).tolist())
        runs = find_splices(lane, options, tables)
        chain = chain_with(lane, runs, options)
        if chain.gaps:
            gaps += 1
            fills = [ChunkRun(gap.first, gap.last, 0, number, 0) for number, gap in enumerate(chain.gaps)]
            whole = chain_with(lane, [*runs, *fills], options)
            assert whole.complete, case
            assert not whole.gaps, case
    assert gaps > 150


# A whole store ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["no-join", "two-batch-sizes", "same-range", "started-over"])
def test_a_sample_store_is_read_through_to_its_end(name: str, tmp_path: Path) -> None:
    build_demo_store(name, tmp_path / "store")
    reader = LocalReader(str(tmp_path / "store"))
    lane = take_snapshot(reader, FixedHost(NOW)).index.lanes[LaneKind.TRANSACTIONS]
    rows = rows_to_read(lane, ChainOptions()).tolist()
    assert (len(rows) > 0) == (name == "no-join")
    manifests = {row: load_manifest(reader, lane.kind, lane.manifest(row)).manifest for row in rows}
    tables = {row: table_of(manifest) for row, manifest in manifests.items()}
    runs = find_splices(lane, ChainOptions(), tables)
    for run in runs:
        derived = derive(manifests[run.row], run.begin, run.end)
        assert derived_record(derived, "handle") == TransactionRecord(run.first, run.last, "handle")
    chain = chain_with(lane, runs, ChainOptions())
    assert chain.complete
    assert not chain.gaps
    assert chain.reaches == int(lane.last.max())


def table_of(manifest: Manifest) -> ChunkTable:
    assert isinstance(manifest, TransactionManifest)
    first, last = zip(*((chunk.first, chunk.last) for chunk in manifest.chunks), strict=True)
    return ChunkTable(first, last, fit_chunks(manifest))


# Size -----------------------------------------------------------------------------------------------------------------


def big_lane(firsts: np.ndarray, lasts: np.ndarray) -> Lane:
    """A lane of many entries, without going through a line for each."""
    small = transactions((0, 0, "manifest"))
    count = len(firsts)
    texts = small.manifests.take(np.zeros(count, dtype=np.int64))
    return replace(
        small,
        first=firsts.astype(np.uint64),
        last=lasts.astype(np.uint64),
        first_version=firsts.astype(np.uint64),
        last_version=lasts.astype(np.uint64),
        manifests=texts,
        claim_start=np.arange(count + 1),
        claim_file=np.zeros(count, dtype=np.int32),
        claim_line=np.arange(count, dtype=np.int32),
    )


def test_one_zone_of_a_million_entries_is_answered_at_once() -> None:
    count = 1_000_000
    firsts = np.arange(count) * 10
    lane = big_lane(firsts, firsts + 14)
    begin = process_time()
    assert len(rows_to_read(lane, ChainOptions())) == count
    assert process_time() - begin < 3
    assert find_splices(lane, ChainOptions(), {}) == ()


def test_a_manifest_that_many_lines_name_is_looked_at_once() -> None:
    count = 3_000
    firsts = np.arange(count) * 10
    lane = big_lane(firsts, firsts + 14)
    chunks = table(*((first, first + 4) for first in range(0, 10 * count, 5)))
    begin = process_time()
    runs = find_splices(lane, ChainOptions(), dict.fromkeys(range(count), chunks))
    assert process_time() - begin < 5
    assert runs == (ChunkRun(0, 10 * count - 11, 0, 0, 2 * count - 2),)
