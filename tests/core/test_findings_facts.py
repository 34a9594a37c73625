"""The facts behind the findings, against brute force: sweeps, handles, what only survives as retired, hashes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.columns import Lane
from core.findings.cache_hash import cache_hashes
from core.findings.contents import contents_of
from core.findings.handles import odd_rows
from core.findings.sweep import Shape, Sweep, joins, pair_shape, sweep
from core.lane_difference import absent_rows
from core.model import U64_MAX, LaneKind
from core.phrases import quoted, shown
from tests.support.lanes import Line, lane_of, transactions

small = st.integers(0, 11)
ranges = st.tuples(small, st.integers(-2, 5)).map(lambda parts: (parts[0], max(0, parts[0] + parts[1])))
lines = st.lists(st.tuples(ranges, st.sampled_from("abc")).map(lambda parts: (*parts[0], parts[1])), max_size=8)


def entries_of(lane: Lane, rows: Sequence[int] | None = None) -> list[tuple[int, int]]:
    """First and last of the rows that cover anything."""
    every = range(len(lane)) if rows is None else rows
    pairs = [(int(lane.first[row]), int(lane.last[row])) for row in every]
    return [pair for pair in pairs if pair[0] <= pair[1]]


def overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def has_chain(entries: list[tuple[int, int]], at: int, end: int) -> bool:
    """Whether a chain of entries leads from boundary `at` to boundary `end`; by trying them all."""
    return at == end or any(has_chain(entries, last + 1, end) for first, last in entries if first == at)


@given(lines)
def test_gaps_are_just_the_versions_that_no_entry_covers(given_lines: list[Line]) -> None:
    lane = transactions(*given_lines)
    entries = entries_of(lane)
    covered = {version for first, last in entries for version in range(first, last + 1)}
    missing = set(range(max(covered, default=-1) + 1)) - covered
    gaps = list(sweep(lane).gaps())
    assert {version for gap in gaps for version in range(gap.first, gap.last + 1)} == missing
    assert all(gap.last + 1 in covered and (gap.first == 0 or gap.first - 1 in covered) for gap in gaps)
    assert all(int(lane.first[gap.next_row]) == gap.last + 1 for gap in gaps)


@given(lines)
def test_each_entry_that_overlaps_another_is_in_one_tangle_with_it(given_lines: list[Line]) -> None:
    lane = transactions(*given_lines)
    place = {row: number for number, each in enumerate(sweep(lane).tangles) for row in each.rows.tolist()}
    rows = [row for row in range(len(lane)) if lane.first[row] <= lane.last[row]]
    pairs = {row: (int(lane.first[row]), int(lane.last[row])) for row in rows}
    for row in rows:
        partners = [other for other in rows if other != row and overlap(pairs[row], pairs[other])]
        assert (row in place) == bool(partners)
        assert all(place[other] == place[row] for other in partners)


@given(lines)
def test_no_entry_straddles_the_ends_of_a_tangle(given_lines: list[Line]) -> None:
    lane = transactions(*given_lines)
    for tangle in sweep(lane).tangles:
        inside = entries_of(lane, tangle.rows.tolist())
        assert (tangle.first, tangle.last) == (min(inside)[0], max(last for _, last in inside))
        for first, last in entries_of(lane):
            assert not first < tangle.first <= last
            assert not first <= tangle.last < last


@given(lines)
def test_no_join_means_that_no_chain_crosses_and_every_other_shape_that_one_does(given_lines: list[Line]) -> None:
    lane = transactions(*given_lines)
    for tangle in sweep(lane).tangles:
        inside = entries_of(lane, tangle.rows.tolist())
        crossed = has_chain(inside, tangle.first, tangle.last + 1)
        assert crossed == (tangle.shape is not Shape.NO_JOIN)
        assert (tangle.shape is Shape.SAME_RANGE) == all(
            one == other for one in inside for other in inside if overlap(one, other)
        )


@given(lines, small, st.integers(0, 4))
def test_a_stretch_is_widened_to_the_nearest_boundaries_that_no_entry_straddles(
    given_lines: list[Line], first: int, more: int
) -> None:
    lane = transactions(*given_lines)
    last = first + more
    low, high = widened(sweep(lane), first, last)
    assert low <= first and last <= high
    knots = [pair for pair in entries_of(lane) if any(overlap(pair, other) for other in _others(lane, pair))]
    # Only entries that overlap others widen a stretch: an entry alone is no conflict.
    for entry in knots:
        assert not entry[0] < low <= entry[1]
        assert not entry[0] <= high < entry[1]


def widened(swept: Sweep, first: int, last: int) -> tuple[int, int]:
    low, high = swept.widened(np.array([first], dtype=np.uint64), np.array([last], dtype=np.uint64))
    return int(low[0]), int(high[0])


def _others(lane: Lane, pair: tuple[int, int]) -> list[tuple[int, int]]:
    entries = entries_of(lane)
    entries.remove(pair)
    return entries


def test_an_entry_that_ends_at_the_greatest_number_does_not_wrap() -> None:
    swept = sweep(transactions((0, 9, "a"), (10, U64_MAX, "b"), (20, U64_MAX, "c")))
    assert not list(swept.gaps())
    (tangle,) = swept.tangles
    assert (tangle.first, tangle.last, tangle.shape) == (10, U64_MAX, Shape.SAME_END)


def test_an_empty_lane_is_clean() -> None:
    swept = sweep(transactions())
    assert swept.clean
    assert widened(swept, 3, 5) == (3, 5)


@pytest.mark.parametrize(
    ("one", "other", "shape"),
    [
        ((0, 9), (0, 9), Shape.SAME_RANGE),
        ((0, 9), (0, 4), Shape.SAME_START),
        ((0, 9), (4, 9), Shape.SAME_END),
        ((0, 9), (3, 5), Shape.CONTAINED),
        ((3, 5), (0, 9), Shape.CONTAINED),
        ((0, 9), (5, 14), Shape.PARTIAL),
        ((5, 14), (0, 9), Shape.PARTIAL),
    ],
)
def test_two_ranges_lie_to_each_other_in_one_of_five_ways(
    one: tuple[int, int], other: tuple[int, int], shape: Shape
) -> None:
    assert pair_shape(one, other) is shape


def test_joining_is_reachability_and_not_cover() -> None:
    """The table of `recovery.md`, "Chains"."""
    assert joins([0, 0], [0, 1])
    assert joins([0, 500, 500, 1000], [499, 599, 999, 1999])
    assert joins([0, 0, 5, 20], [4, 9, 19, 29])
    assert joins([0, 5], [9, 7])
    assert not joins([0, 5], [6, 9])


def test_touching_knots_of_one_sort_are_one_tangle() -> None:
    twice = [(first, first + 9, name) for first in (0, 10, 20) for name in "ab"]
    (tangle,) = sweep(transactions(*twice, (30, 39, "a"))).tangles
    assert (tangle.first, tangle.last, tangle.knots) == (0, 29, 3)


def test_one_knot_of_one_range_between_others_belongs_to_them() -> None:
    mixed = [(0, 9, "a"), (0, 4, "b"), (5, 9, "c"), (10, 19, "a"), (10, 19, "b"), (20, 29, "a"), (25, 29, "b")]
    (tangle,) = sweep(transactions(*mixed)).tangles
    assert (tangle.knots, tangle.shape) == (3, Shape.CONTAINED)


def test_what_does_not_join_stays_apart_from_what_does() -> None:
    tangles = sweep(transactions((0, 9, "a"), (5, 14, "b"), (15, 24, "a"), (15, 24, "b"))).tangles
    assert [tangle.shape for tangle in tangles] == [Shape.NO_JOIN, Shape.SAME_RANGE]


# Ordinary handles

starts = st.one_of(
    st.integers(0, 300), st.integers(10**8 - 2, 10**8 + 2), st.integers(10**15, 10**17), st.just(U64_MAX)
)
odd_handles = st.sampled_from(
    [
        "transaction_{0}-.abc/transaction.manifest",
        "transaction_{0}-.abcg/transaction.manifest",
        "transaction_{0}-.ABCD/transaction.manifest",
        "transaction_0{0}-.abcd/transaction.manifest",
        "transaction_{1}-.abcd/transaction.manifest",
        "transaction_{0}-.abcd/transaction.manifesT",
        "transaction_{0}-.abcd/transaction.manifest ",
        "ransaction_{0}-.abcd//transaction.manifest",
        "transaction_{0}-.abcd/../x/manifest.......",
        "epoch_ending_{0}-.abcd/epoch_ending.manifest",
        "",
        "x",
    ]
)
ordinary = st.just("transaction_{0}-.01ef/transaction.manifest")
handled = st.lists(st.tuples(starts, st.one_of(ordinary, ordinary, odd_handles)), max_size=9)


@given(handled)
def test_ordinary_handles_are_those_that_stock_would_give(pairs: list[tuple[int, str]]) -> None:
    lane = transactions(*((start, start, form.format(start, start + 1)) for start, form in pairs))
    expected = [
        row
        for row in range(len(lane))
        if lane.manifest(row) != f"transaction_{int(lane.first[row])}-.01ef/transaction.manifest"
        or len(str(int(lane.first[row]))) > 16
    ]
    assert odd_rows(lane).tolist() == expected


def test_handles_of_epochs_and_snapshots_have_forms_of_their_own() -> None:
    epochs = [
        (4, 4, "epoch_ending_4-.abcd/epoch_ending.manifest"),
        (5, 5, "epoch_ending_4-.abcd/epoch_ending.manifest"),
    ]
    assert odd_rows(lane_of(LaneKind.EPOCH_ENDINGS, epochs)).tolist() == [1]
    snapshots = [
        (4, 123, "state_epoch_4_ver_123.abcd/state.manifest"),
        (5, 200, "state_epoch_5_ver_201.abcd/state.manifest"),
        (6, 300, "state_epoch_7_ver_300.abcd/state.manifest"),
    ]
    assert odd_rows(lane_of(LaneKind.STATE_SNAPSHOTS, snapshots)).tolist() == [1, 2]


def test_more_rows_than_one_block_are_told_apart_alike() -> None:
    many = [(start, start, f"transaction_{start}-.abcd/transaction.manifest") for start in range(40_000)]
    many[20_000] = (20_000, 20_000, "transaction_20001-.abcd/transaction.manifest")
    assert odd_rows(transactions(*many)).tolist() == [20_000]


# What survives only in metadata_backup/

epoch_lines = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from(["a", "b", "a" * 9, "a" * 8 + "b"])).map(
        lambda parts: (parts[0], parts[0] + parts[1], parts[2])
    ),
    max_size=7,
)


@pytest.mark.parametrize("kind", [LaneKind.TRANSACTIONS, LaneKind.EPOCH_ENDINGS, LaneKind.STATE_SNAPSHOTS])
@given(retired=epoch_lines, visible=epoch_lines)
def test_only_retired_entries_are_a_set_difference(kind: LaneKind, retired: list[Line], visible: list[Line]) -> None:
    old, new = lane_of(kind, retired), lane_of(kind, visible)
    left = {old.record(row) for row in range(len(old))} - {new.record(row) for row in range(len(new))}
    assert {old.record(row) for row in absent_rows(old, new).tolist()} == left


# What files hold


@given(lines, st.data())
def test_what_each_file_holds_is_the_least_start_and_the_greatest_end(
    given_lines: list[Line], data: st.DataObject
) -> None:
    files = [
        data.draw(st.lists(st.sampled_from(range(len(given_lines))), max_size=4)) if given_lines else [] for _ in "xy"
    ]
    lane = lane_of(LaneKind.TRANSACTIONS, given_lines, files)
    contents = contents_of(lane, len(files))
    for number, held in enumerate(files):
        mine = [given_lines[index] for index in held]
        expected = (min(line[0] for line in mine), max(line[1] for line in mine)) if mine else None
        assert contents.range_of(number, "version") == expected


# Hashes of stock's cache


def test_cache_hashes_are_siphash_1_3_with_a_zero_key() -> None:
    """CPython hashes bytes with the same algorithm; without a seed its key is zero as well."""
    handles = ["", "metadata/identity.meta", *("é" * length + "x" for length in range(40))]
    program = "import sys; print([hash(bytes.fromhex(line)) % 2**64 for line in sys.stdin.read().split()])"
    given = "\n".join((handle.encode() + b"\xff").hex() for handle in handles)
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=given,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert sys.hash_info.algorithm == "siphash13"
    assert str(cache_hashes(handles).tolist()) == done.stdout.strip()


def test_no_handles_have_no_hashes() -> None:
    assert len(cache_hashes([])) == 0
    assert cache_hashes(["a"]).dtype == np.uint64


# Hostile names in texts and commands


@pytest.mark.parametrize("name", ["a\x1b]52;c;x\x07", "a\u202eb", "a\nb", "a\udcffb", "a\u2028b", "x" * 5_000])
def test_hostile_names_are_shown_harmlessly(name: str) -> None:
    text = shown(name)
    assert text.isprintable() and len(text) <= 100
    text.encode()


hostile_text = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1)


@given(st.one_of(hostile_text, st.sampled_from(["a\udcffb", "$(touch pwned)", "'; rm -rf /;'", "\\x41\n", "-n"])))
def test_a_quoted_word_is_one_word_for_bash_whatever_is_in_it(word: str) -> None:
    done = subprocess.run(["bash", "-c", f"printf '%s\\0' {quoted(word)}"], capture_output=True, check=True)
    assert done.stdout == os.fsencode(word) + b"\0"
