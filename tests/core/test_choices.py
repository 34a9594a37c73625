"""Choosing between two entries: what is tried on columns equals what removing the lines would really do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.choices import Hole, holes, lane_without, neighbours, row_of, weigh, with_entry, without_entry
from core.columns import Lane
from core.model import U64_MAX, Entry, LaneKind, TransactionRecord
from core.restore import Needs, verdict
from core.snapshot import Snapshot
from tests.support.lanes import transactions
from tests.support.stores import epoch, lines, numbered, snapshot_of, state, txn

A = txn(0, 999, "a/transaction.manifest")
B = txn(0, 999, "b/transaction.manifest")
AROUND = (epoch(0, 0, 0, 0), epoch(1, 1, 1_500, 1_500), state(0, 0), txn(1_000, 1_999))

ranges = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)).map(sorted), max_size=8)


def lane_from(spans: list[list[int]]) -> Lane:
    """A lane of transactions with these ranges."""
    return transactions(*[(first, last, f"m{number}") for number, (first, last) in enumerate(spans)])


def entry_of(snapshot: Snapshot, record: TransactionRecord) -> Entry:
    """The entry that a record is."""
    lane = snapshot.index.transactions
    return next(entry for entry in lane.entries() if entry.record == record)


@given(ranges, st.integers(0, 12), st.integers(0, 12))
def test_holes_are_the_uncovered_stretches_that_touch_the_range(spans: list[list[int]], first: int, last: int) -> None:
    first, last = sorted((first, last))
    covered = {version for low, high in spans for version in range(low, high + 1)}
    found = holes(lane_from(spans), first, last)
    inside = [version for version in range(first, last + 1) if version not in covered]
    assert sum(hole.new for hole in found) == len(inside)
    for hole in found:
        assert not covered & set(range(hole.first, hole.last + 1))
        assert hole.first == 0 or hole.first - 1 in covered
        assert hole.last == last or hole.last + 1 in covered


def test_a_hole_at_the_greatest_version_does_not_wrap() -> None:
    lane = transactions((0, 9, "m"))
    assert holes(lane, U64_MAX, U64_MAX) == (Hole(10, U64_MAX, 1),)
    assert holes(lane, 5, 4) == ()


@given(ranges.filter(bool), st.integers(0, 7))
def test_a_lane_without_an_entry_is_the_lane_of_the_other_lines(spans: list[list[int]], pick: int) -> None:
    lane = lane_from(spans)
    row = pick % len(lane)
    rest = lane_without(lane, row)
    expected = [entry for number, entry in enumerate(lane.entries()) if number != row]
    assert list(rest.entries()) == expected
    assert int(rest.claim_start[-1]) == len(rest.claim_file)


@pytest.mark.parametrize("record", [A, B, txn(1_000, 1_999)])
def test_leaving_an_entry_out_gives_the_verdict_of_a_store_without_its_lines(record: TransactionRecord) -> None:
    every = (A, B, *AROUND)
    snapshot = snapshot_of(numbered(*every))
    really = snapshot_of(numbered(*(each for each in every if each != record)))
    tried = without_entry(snapshot, entry_of(snapshot, record))
    assert tried.verdict == verdict(really)


def test_choosing_either_side_of_the_classic_case_works_and_costs_nothing() -> None:
    snapshot = snapshot_of(numbered(A, B, *AROUND))
    for choice in weigh(snapshot, entry_of(snapshot, A), entry_of(snapshot, B)):
        assert choice.chain.used
        assert choice.chain.lands_at == 1_999
        assert choice.chain.needs is Needs.OVERLAY
        assert not choice.chain.stock_reads
        assert choice.without_other.holes == ()
        assert choice.without_other.verdict.stock_restorable_to == 1_999


def test_leaving_out_the_only_cover_opens_a_gap_as_wide_as_the_hole_becomes() -> None:
    snapshot = snapshot_of(numbered(txn(0, 99), txn(50, 149), txn(200, 299), epoch(0, 0, 0, 0), state(0, 0)))
    late = without_entry(snapshot, entry_of(snapshot, txn(50, 149)))
    assert late.holes == (Hole(100, 199, 50),)
    early = without_entry(snapshot, entry_of(snapshot, txn(0, 99)))
    assert early.holes == (Hole(0, 49, 50),)


def test_files_that_name_an_entry_and_the_lines_that_must_be_kept_are_counted() -> None:
    metadata = {"one.meta": lines(A, txn(1_000, 1_999)), "two.meta": lines(A), "three.meta": lines(B)}
    snapshot = snapshot_of(metadata)
    tried = without_entry(snapshot, entry_of(snapshot, A))
    assert [claim.file for claim in tried.claims] == ["metadata/one.meta", "metadata/two.meta"]
    assert tried.kept_lines == 1


def test_of_two_snapshots_stock_reads_the_greater_name_whatever_is_chosen() -> None:
    ties = (state(1, 1_500, "a/state.manifest"), state(1, 1_500, "b/state.manifest"))
    snapshot = snapshot_of(numbered(txn(0, 1_999), epoch(0, 0, 0, 0), *ties))
    smaller, greater = snapshot.index.state_snapshots.entries()
    chosen = with_entry(snapshot, smaller)
    assert chosen.used and not chosen.stock_reads
    assert with_entry(snapshot, greater).stock_reads


def test_an_entry_that_is_in_no_lane_changes_nothing() -> None:
    snapshot = snapshot_of(numbered(A, *AROUND))
    stranger = Entry(LaneKind.TRANSACTIONS, 0, 999, B, ())
    assert row_of(snapshot.index.transactions, stranger) is None
    assert without_entry(snapshot, stranger).verdict == verdict(snapshot)


@given(ranges.filter(bool), st.integers(0, 7))
def test_neighbours_are_told_as_a_look_at_every_entry_would(spans: list[list[int]], pick: int) -> None:
    lane = lane_from(spans)
    entry = lane.entry(pick % len(lane))
    others = [each for each in lane.entries() if each.record != entry.record]
    around = neighbours(lane, entry)
    assert (around.meets is not None) == any(each.last + 1 == entry.first for each in others)
    assert (around.follows is not None) == any(each.first == entry.last + 1 for each in others)
    starts = [each.first for each in others if each.first > entry.last]
    assert around.next_first == min(starts, default=None)
    assert around.covered_on == any(each.first <= entry.last < each.last for each in others)
    if around.reaches_in is not None:
        assert around.reaches_in.first < entry.first <= around.reaches_in.last
    if around.gap_before:
        uncovered = range(entry.first - around.gap_before, entry.first)
        assert not any(each.first <= version <= each.last for each in others for version in uncovered)


def test_neighbours_at_the_ends_of_the_numbers_do_not_wrap() -> None:
    lane = transactions((0, 5, "a"), (6, U64_MAX, "b"))
    first, last = lane.entries()
    assert neighbours(lane, first).follows == last
    assert neighbours(lane, last).meets == first
    assert neighbours(lane, last).next_first is None
    assert int(np.count_nonzero(lane.first)) == 1
