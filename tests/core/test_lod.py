"""The level-of-detail index equals brute force at every zoom."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest

from core.columns import PADDING, Lane, LaneLines, Texts, build_lane
from core.lod import FULL, NONE, PART, Bounds, LaneIndex, columns_of, index_lane
from core.model import U64_MAX, LaneKind

Range = tuple[int, int]


def lane_of(
    ranges: Sequence[Range], kind: LaneKind = LaneKind.TRANSACTIONS, versions: Sequence[Range] | None = None
) -> Lane:
    """A lane of entries with manifests of their own; `versions` for epoch endings, whose `ranges` are epochs."""
    names = [f"m{i}" for i in range(len(ranges))]
    buffer = np.frombuffer("".join(names).encode() + PADDING, dtype=np.uint8)
    lengths = np.array([len(name) for name in names], dtype=np.int32)
    starts = np.concatenate(([0], np.cumsum(lengths)))[:-1].astype(np.int64)
    numbers = [*ranges] if versions is None else [(*a, *b) for a, b in zip(ranges, versions, strict=True)]
    keys = tuple(np.array(column, dtype=np.uint64) for column in zip(*numbers, strict=True)) if numbers else ()
    count = 4 if kind is LaneKind.EPOCH_ENDINGS else 2
    keys = keys or tuple(np.empty(0, dtype=np.uint64) for _ in range(count))
    claims = np.ones(len(ranges), dtype=np.int32)
    return build_lane(LaneLines(kind, keys, Texts(buffer, starts, lengths), claims * 0, claims), ("metadata/x.meta",))


def depth_at(ranges: Sequence[Range], version: int) -> int:
    return sum(first <= version <= last for first, last in ranges)


def brute(ranges: Sequence[Range], low: int, high: int) -> tuple[int, bool, int]:
    """Cover, conflict and begins of the versions `low..high`, looked at where anything can change."""
    ranges = [each for each in ranges if each[0] <= each[1]]
    begins = sum(low <= first <= high for first, _ in ranges)
    reach = max((last for _, last in ranges), default=-1)
    if low > reach:
        return NONE, False, begins
    stops = {low, high, min(high, reach)}
    stops |= {at + by for each in ranges for at in each for by in (-1, 0, 1) if low <= at + by <= high}
    depths = [depth_at(ranges, version) for version in stops if version <= reach]
    cover = FULL if min(depths) > 0 else PART if max(depths) > 0 else NONE
    return cover, max(depths) > 1, begins


def random_ranges(rng: random.Random, top: int) -> list[Range]:
    ranges, at = [], 0
    for _ in range(rng.randrange(12)):
        at = max(0, at + rng.choice((0, 0, 0, 1, -1, -3, 2, rng.randrange(-9, 9))))
        length = rng.choice((1, 2, 3, rng.randrange(1, 12)))
        ranges.append((min(top, at), min(top, at + length - 1)))
        at += length
    if rng.random() < 0.2:
        ranges.append((rng.randrange(20), rng.randrange(20)))
    return sorted(set(ranges))


def shifted(rng: random.Random, ranges: list[Range]) -> list[Range]:
    """The same shape at the upper end of u64, so that its last version is the greatest there is."""
    by = U64_MAX - max((max(each) for each in ranges), default=0)
    return [(first + by, last + by) for first, last in ranges]


@pytest.mark.parametrize("seed", range(400))
def test_columns_equal_brute_force_at_every_zoom(seed: int) -> None:
    rng = random.Random(seed)
    ranges = random_ranges(rng, U64_MAX)
    low_end = seed % 2 == 0
    ranges = ranges if low_end else shifted(rng, ranges)
    index = index_lane(lane_of(ranges))
    for _ in range(6):
        width, length = rng.randrange(1, 9), rng.randrange(1, 40)
        start = rng.randrange(0, 30) if low_end else U64_MAX + 1 - rng.randrange(length, length + 30)
        bounds = columns_of(start, start + length, width)
        check_against_brute_force(index, ranges, bounds)
    check_against_brute_force(index, ranges, columns_of(0, U64_MAX + 1, 7))
    check_against_brute_force(index, ranges, columns_of(0, U64_MAX + 1, 1))


def check_against_brute_force(index: LaneIndex, ranges: Sequence[Range], bounds: Bounds) -> None:
    columns = index.columns(bounds)
    begins = index.whole.begins(bounds)
    for column, (low, high) in enumerate(zip(bounds.lower.tolist(), bounds.upper.tolist(), strict=True)):
        got = int(columns.cover[column]), bool(columns.conflict[column]), int(begins[column])
        assert got == brute(ranges, low, high), (ranges, low, high)


@pytest.mark.parametrize("seed", range(200))
def test_totals_of_any_range_equal_brute_force(seed: int) -> None:
    rng = random.Random(seed)
    ranges = [each for each in random_ranges(rng, 60) if each[0] <= each[1]]
    index = index_lane(lane_of(ranges))
    for _ in range(8):
        first = rng.randrange(50)
        last = first + rng.randrange(30)
        depths = [depth_at(ranges, version) for version in range(first, last + 1)]
        got = index.whole.measure(first, last)
        expected = depths.count(0), len(depths) - depths.count(0), sum(depth > 1 for depth in depths)
        assert (got.missing, got.covered, got.conflict) == expected


@pytest.mark.parametrize("seed", range(200))
def test_the_two_rows_hold_every_entry_once_and_the_main_row_never_overlaps(seed: int) -> None:
    rng = random.Random(seed)
    ranges = [each for each in random_ranges(rng, 60) if each[0] <= each[1]]
    index = index_lane(lane_of(ranges))
    main: list[Range] = []
    second: list[Range] = []
    for each in sorted(ranges):
        (main if not main or each[0] > main[-1][1] else second).append(each)
    bounds = columns_of(0, 70, 70)
    columns = index.columns(bounds)
    assert [cover == FULL for cover in columns.main] == [depth_at(main, version) > 0 for version in range(70)]
    assert (index.second is not None) == bool(second)
    if columns.second is not None:
        assert [cover == FULL for cover in columns.second] == [depth_at(second, version) > 0 for version in range(70)]
    assert not index.main.conflict(bounds).any()


def test_one_missing_version_in_a_column_of_twenty_million_makes_half_a_block() -> None:
    hole = 777_777_777
    index = index_lane(lane_of([(0, hole - 1), (hole + 1, 1_599_999_999)]))
    columns = index.columns(columns_of(0, 1_600_000_000, 80))
    assert columns.cover.tolist() == [PART if column == hole // 20_000_000 else FULL for column in range(80)]
    assert index.whole.measure(0, 1_599_999_999).missing == 1


def test_one_version_held_twice_beats_the_missing_ones_in_its_column() -> None:
    index = index_lane(lane_of([(0, 500), (500, 600), (900, 1_999)]))
    columns = index.columns(columns_of(0, 2_000, 2))
    assert columns.cover.tolist() == [PART, FULL]
    assert columns.conflict.tolist() == [True, False]


def test_nothing_after_the_last_entry_counts_as_missing() -> None:
    index = index_lane(lane_of([(0, 149)]))
    columns = index.columns(columns_of(0, 300, 3))
    assert columns.cover.tolist() == [FULL, FULL, NONE]
    assert columns.beyond.tolist() == [False, False, True]


def test_the_whole_range_of_u64_is_one_column_without_overflow() -> None:
    index = index_lane(lane_of([(0, U64_MAX)]))
    columns = index.columns(columns_of(0, U64_MAX + 1, 1))
    assert columns.cover.tolist() == [FULL]
    assert index.whole.measure(0, U64_MAX).covered == 2**64
    assert index_lane(lane_of([(0, U64_MAX), (0, 5)])).whole.measure(0, U64_MAX).conflict == 6
    assert index_lane(lane_of([(U64_MAX, U64_MAX)])).whole.measure(0, U64_MAX).missing == U64_MAX


def test_an_entry_that_ends_before_it_begins_takes_no_version_and_is_kept_aside() -> None:
    index = index_lane(lane_of([(0, 9), (7, 3), (10, 19)]))
    assert not index.columns(columns_of(0, 20, 20)).conflict.any()
    assert [index.lane.manifest(int(row)) for row in index.inverted] == ["m1"]


def test_columns_narrower_than_a_version_repeat_it() -> None:
    bounds = columns_of(5, 7, 6)
    assert bounds.lower.tolist() == [5, 5, 5, 6, 6, 6]
    assert bounds.upper.tolist() == bounds.lower.tolist()


def test_an_epoch_ending_begins_where_the_epoch_before_it_ended() -> None:
    lane = lane_of(
        [(0, 0), (1, 3), (4, 4), (7, 8)], LaneKind.EPOCH_ENDINGS, [(0, 0), (90, 300), (400, 400), (700, 800)]
    )
    index = index_lane(lane)
    assert [index.span(place) for place in range(4)] == [(0, 0), (1, 300), (301, 400), (700, 800)]


def test_two_manifests_of_one_epoch_are_a_conflict_over_the_whole_epoch() -> None:
    lane = lane_of([(0, 0), (1, 1), (1, 1)], LaneKind.EPOCH_ENDINGS, [(0, 0), (100, 100), (100, 100)])
    columns = index_lane(lane).columns(columns_of(0, 101, 101))
    assert columns.conflict.tolist() == [False] + [True] * 100


def test_two_snapshots_of_one_version_are_a_conflict() -> None:
    lane = lane_of([(1, 100), (1, 100), (2, 200)], LaneKind.STATE_SNAPSHOTS)
    columns = index_lane(lane).columns(columns_of(0, 300, 3))
    assert columns.conflict.tolist() == [False, True, False]


def test_everything_that_holds_a_version_is_found_under_it() -> None:
    index = index_lane(lane_of([(0, 1_000), (5, 6), (7, 9), (8, 20), (2_000, 2_001)]))
    found = [index.span(int(place)) for place in index.covering(8)]
    assert found == [(0, 1_000), (7, 9), (8, 20)]
    assert [index.span(int(place)) for place in index.covering(1_500)] == []
