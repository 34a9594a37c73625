"""Findings of ranges: overlaps, gaps, impossible entries, in stock's words, and what compaction makes of them."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.findings import Case, find, group
from core.findings.build import MOST_EVIDENCE
from core.findings.later import Later
from core.model import U64_MAX, Finding, LaneKind, Record, Severity
from core.snapshot import Snapshot
from core.stock import CompactionOptions, StockFailure, select_epoch_endings, select_transactions
from tests.support.stores import NOW, base_store, epoch, lines, snapshot_of, state, txn

TXN, EPOCH = LaneKind.TRANSACTIONS, LaneKind.EPOCH_ENDINGS


def store_of(*extra: Record, without: tuple[str, ...] = ()) -> Snapshot:
    """Base store B with more lines in a file of their own, and without some of its files."""
    files = {name: content for name, content in base_store().items() if name not in without}
    return snapshot_of({**files, "extra.meta": lines(*extra)} if extra else files)


def check(snapshot: Snapshot, *factors: CompactionOptions) -> list[Finding]:
    """All findings of level 1 but for the name of the extra file."""
    found = find(Case(snapshot, NOW + 9_000, factors), 1)
    return [each for each in found if each.kind != "foreign-file-in-metadata"]


def one(findings: list[Finding], kind: str) -> Finding:
    (found,) = (each for each in findings if each.kind == kind)
    return found


def test_the_base_store_has_nothing_wrong_with_it() -> None:
    assert check(store_of()) == []


OVERLAPS = {
    "same range": (txn(1, 100, "b"), "overlap-manifest", "expecting version 101, got 1."),
    "same start": (txn(1, 50, "b"), "overlap-nested", "expecting version 51, got 1."),
    "same end": (txn(51, 100, "b"), "overlap-nested", "expecting version 101, got 51."),
    "contained": (txn(20, 30, "b"), "overlap-nested", "expecting version 101, got 20."),
    "partial": (txn(51, 150, "b"), "overlap-nested", "expecting version 101, got 51."),
}


@pytest.mark.parametrize("shape", OVERLAPS)
def test_each_shape_of_overlap_is_named_with_stocks_own_words(shape: str) -> None:
    extra, kind, words = OVERLAPS[shape]
    found = one(check(store_of(extra)), kind)
    assert found.shape == shape
    assert found.stock_says == f"Transaction backup ranges not continuous, {words}"
    assert found.severity is Severity.CRITICAL
    assert {entry.manifest for entry in found.entries} >= {"b", "transaction_1-.aaaa/transaction.manifest"}
    assert found.next_step == "seamline repair memory --dry-run"


def test_covered_without_a_chain_is_told_apart_from_a_gap() -> None:
    """1-100 and 51-150 are there, and nothing begins at 101 or ends at 50."""
    found = check(store_of(txn(51, 150, "b"), without=("transaction_101-200.meta",)))
    overlap = one(found, "overlap-nested")
    assert overlap.shape == "no-join"
    assert not [each for each in found if each.kind == "gap-range"]
    assert "Runs of their chunks may join: the restore plan (seamline restore-plan) tells." in overlap.explanation
    assert "If not, backing up versions 101 to 150 once more (50 versions) makes them join." in overlap.explanation
    assert overlap.next_step == "seamline repair memory --dry-run"


def test_behind_a_true_gap_a_repair_is_not_offered_and_what_survives_is_no_true_gap() -> None:
    """A repair keeps what lies behind a gap as it is; lines in metadata_backup/ fill it."""
    behind = [txn(301, 400), txn(301, 400, "b"), txn(401, 500), txn(451, 550)]
    files = {**base_store(), "extra.meta": lines(*behind)}
    found = check(snapshot_of(files))
    assert one(found, "overlap-manifest").next_step == "seamline restore-plan memory"
    assert one(found, "overlap-nested").next_step.startswith("aptos-db-tool backup oneoff transaction")
    assert "Backing up versions 401 to 450 once more" in one(found, "overlap-nested").explanation
    found = check(snapshot_of(files, {"transaction_201-300.meta": lines(txn(201, 300))}))
    assert {one(found, kind).next_step for kind in ("gap-range", "overlap-manifest", "overlap-nested")} == {
        "seamline repair memory --dry-run"
    }


def test_a_conflict_of_epochs_says_so_in_epochs() -> None:
    found = one(check(store_of(epoch(1, 1, 100, 100, "b"))), "overlap-manifest")
    assert (found.lane, found.first, found.last) == (EPOCH, 1, 1)
    assert found.stock_says == "Epoch ending backup ranges not continuous, expecting epoch 2, got 1."


def test_an_epoch_gap_above_all_transactions_leaves_every_restore_possible() -> None:
    found = one(check(store_of(epoch(3, 3, 300, 300))), "epoch-gap")
    assert found.severity is Severity.ERROR
    assert found.stock_says == "Epoch ending backup ranges not continuous, expecting epoch 2, got 3."
    assert found.next_step.startswith("aptos-db-tool backup oneoff epoch-ending --start-epoch 2 --end-epoch 3 ")


def test_an_epoch_gap_below_the_newest_transaction_is_critical() -> None:
    assert one(check(store_of(epoch(3, 3, 150, 150))), "epoch-gap").severity is Severity.CRITICAL


def test_a_gap_names_the_versions_what_works_and_the_command_that_fills_it() -> None:
    found = check(store_of(without=("transaction_1-100.meta",)))
    gap = one(found, "gap-range")
    assert (gap.first, gap.last, gap.severity) == (1, 100, Severity.CRITICAL)
    assert gap.stock_says == "Transaction backup ranges not continuous, expecting version 1, got 101."
    assert "versions 1 to 100 (100 versions)" in gap.explanation
    assert gap.next_step == (
        "aptos-db-tool backup oneoff transaction --start-version 1 --num_transactions 100 --local-fs-dir memory"
    )
    silent = one(found, "gap-below-target")
    assert (silent.first, silent.last, silent.stock_says) == (1, 100, None)


def test_a_store_without_a_start_at_0_restores_nothing() -> None:
    found = one(check(store_of(without=("transaction_0-0.meta",))), "no-zero-start")
    assert (found.first, found.last) == (0, 0)
    assert found.stock_says == "Transaction backup ranges not continuous, expecting version 0, got 1."
    assert "Today stock restores nothing." in found.explanation


def test_an_inverted_entry_that_sorts_last_lowers_the_newest_version() -> None:
    found = check(store_of(txn(201, 150, "b")))
    inverted = one(found, "inverted-range")
    assert (inverted.first, inverted.last, inverted.severity) == (150, 201, Severity.ERROR)
    assert "takes 150 for the greatest version" in inverted.explanation
    assert inverted.next_step == "seamline repair memory --dry-run"


def test_an_inverted_entry_with_others_behind_it_stops_stock() -> None:
    found = one(check(store_of(txn(101, 90, "b"), without=())), "inverted-range")
    assert found.severity is Severity.CRITICAL
    assert found.stock_says == "Transaction backup ranges not continuous, expecting version 91, got 101."


def test_an_entry_that_ends_at_2_to_the_64_panics_stock() -> None:
    found = one(check(store_of(txn(201, U64_MAX, "b"))), "version-u64-max")
    assert found.stock_says == "attempt to add with overflow"
    assert found.last == U64_MAX
    assert "18,446,744,073,709,551,615" in found.explanation


def test_status_and_restore_disagree_about_the_newest_version() -> None:
    found = one(check(store_of(txn(101, 1_000, "b"), txn(500, 600, "c"))), "max-by-first")
    assert "1,000" in found.explanation and "600" in found.explanation


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (epoch(2, 2, 300, 200), "fall from 300 to 200"),
        (epoch(2, 2, 150, 160), "has two versions, 150 and 160"),
        (epoch(2, 2, 90, 90), "begins at version 90, not above 100"),
    ],
)
def test_impossible_versions_of_an_epoch_are_named(entry: Record, words: str) -> None:
    assert words in one(check(store_of(entry)), "epoch-version-disorder").explanation


def test_two_batch_sizes_are_told_by_entries_that_begin_together_and_end_apart() -> None:
    extra = [txn(first, first + 24, f"b{first}") for first in range(101, 200, 25)]
    found = one(check(store_of(*extra)), "two-coordinators")
    assert "entries of 25 versions (4 of them) stand beside entries of 100 (1 of them)" in found.explanation


def test_one_range_twice_is_no_second_batch_size() -> None:
    assert not [each for each in check(store_of(txn(1, 100, "b"))) if each.kind == "two-coordinators"]


def test_a_second_history_from_0_is_told_from_a_first_range_that_is_there_twice() -> None:
    again = check(store_of(txn(0, 0, "b"), txn(1, 100, "c")))
    once = check(store_of(txn(0, 0, "b")))
    assert one(again, "empty-listing-new-identity").last == 100
    assert not [each for each in once if each.kind == "empty-listing-new-identity"]


def test_a_thousand_conflicts_and_gaps_are_a_problem_each_where_they_are_and_nowhere_else() -> None:
    starts = range(0, 20_000, 20)
    doubled = [txn(first, first + 9, name) for first in starts for name in ("a", "b")]
    snapshot = snapshot_of({"a.meta": lines(*doubled)})
    found = check(snapshot)
    overlaps = [each for each in found if each.kind == "overlap-manifest"]
    gaps = [each for each in found if each.kind == "gap-range"]
    assert [(each.first, each.last) for each in overlaps] == [(first, first + 9) for first in starts]
    assert [(each.first, each.last) for each in gaps] == [(first - 10, first - 1) for first in starts[1:]]
    zones = {(zone.first, zone.last, zone.title) for zone in group(found, snapshot) if zone.lane is TXN}
    assert {(first, first + 9, "same range, two manifests") for first in starts} <= zones
    assert {(first - 10, first - 1, "gap") for first in starts[1:]} <= zones
    assert len({each.id for each in found}) == len(found)


def test_what_is_said_of_a_finding_before_it_is_looked_at_is_what_it_says_itself(random_store: Snapshot) -> None:
    for each in check(random_store):
        if isinstance(each, Later):
            whole = each.whole
            assert (each.kind, each.lane, each.first, each.last) == (whole.kind, whole.lane, whole.first, whole.last)
            assert (each.severity, each.shape) == (whole.severity, whole.shape)


@pytest.fixture(params=range(60))
def random_store(request: pytest.FixtureRequest) -> Snapshot:
    """A store whose entries overlap and leave gaps anyhow, some of them compacted, some at the limit of numbers."""
    chance = Random(request.param)
    files: dict[str, bytes] = {}
    for number in range(12):
        first = 5 * chance.randrange(12)
        records = [txn(first + 10 * step, first + 10 * step + 9, chance.choice("ab")) for step in range(3)]
        records.append(txn(first, first + 5 * chance.randrange(1, 6) - 1, chance.choice("abc")))
        compacted = f"transaction_compacted_{first}-{first + 29}.meta"
        files[chance.choice((compacted, f"loose-{number}.meta"))] = lines(*records)
    if chance.random() < 0.2:
        files["limit.meta"] = lines(txn(90, U64_MAX, "a"), txn(90, U64_MAX, "b"))
    files["epochs.meta"] = lines(
        *(epoch(n := chance.randrange(8), n, 10 * n, 10 * n, chance.choice("ab")) for _ in range(8))
    )
    return snapshot_of(files)


def test_what_a_finding_holds_is_bounded_and_its_text_counts_all() -> None:
    found = one(check(store_of(*(txn(1, 100, f"m{number}") for number in range(500)))), "overlap-manifest")
    assert len(found.entries) == MOST_EVIDENCE
    assert "501 times" in found.explanation


# What compaction makes of it


def test_at_factor_1_one_of_two_manifests_would_vanish_without_a_word() -> None:
    found = one(check(store_of(txn(1, 100, "b"))), "compacted-name-collision")
    assert "transaction_compacted_1-100.meta" in found.explanation
    assert "factor 1 " in found.explanation
    assert found.stock_says is None


def test_at_factor_100_compaction_stops_at_a_conflict() -> None:
    found = one(check(store_of(txn(1, 100, "b"))), "compaction-abort-midway")
    assert found.stock_says == "txn backup ranges is not continuous expecting version 101, got 1."
    assert found.severity is Severity.INFO


def test_a_factor_that_is_asked_for_is_simulated_as_well() -> None:
    conflict = store_of(txn(1, 100, "b"))
    assert not [each for each in check(conflict) if each.kind == "compaction-bakes-conflict"]
    found = one(check(conflict, CompactionOptions(2, 2, 2)), "compaction-bakes-conflict")
    assert "At factor 2 " in found.explanation
    assert found.next_step == "seamline repair memory --dry-run"


def test_a_gap_between_two_groups_goes_unnoticed() -> None:
    found = one(check(store_of(without=("transaction_1-100.meta",))), "compaction-blind-gap")
    assert (found.first, found.last) == (1, 100)


def test_an_extra_entry_shifts_the_compacted_files_behind_it() -> None:
    chain = [txn(first, first + 9) for first in range(0, 120, 10)]
    files = {
        f"transaction_compacted_{first}-{first + 39}.meta": lines(*chain[first // 10 : first // 10 + 4])
        for first in (0, 40, 80)
    }
    whole = {
        **files,
        "state_snapshot_ver_0.meta": lines(state(0, 0)),
        "epoch_ending_0-0.meta": lines(epoch(0, 0, 0, 0)),
    }
    assert not [each for each in check(snapshot_of(whole)) if each.severity is not Severity.INFO]
    shifted = snapshot_of({**whole, "extra.meta": lines(txn(10, 14, "b"))})
    found = one(check(shifted), "boundary-shift")
    assert found.severity is Severity.WARNING
    assert "2 compacted files" in found.explanation and "4 entries" in found.explanation


def test_a_compaction_with_a_factor_of_0_is_no_reason_to_fail() -> None:
    assert check(store_of(txn(1, 100, "b")), CompactionOptions(0, 0, 0))


# Stock's own words, in general


small = st.integers(0, 12)
meeting = st.tuples(small, small, st.sampled_from("ab")).map(lambda parts: txn(parts[0], parts[0] + parts[1], parts[2]))
anything = st.tuples(small, st.one_of(small, st.just(U64_MAX)), st.sampled_from("ab")).map(lambda parts: txn(*parts))
ranges = st.lists(st.one_of(meeting, meeting, anything), max_size=7)


@given(ranges)
def test_whenever_stock_stops_the_first_finding_of_the_lane_says_its_words(entries: list[Record]) -> None:
    snapshot = snapshot_of({"a.meta": lines(*entries)} if entries else {})
    try:
        select_transactions(snapshot.index.transactions, 0, U64_MAX)
        words = None
    except StockFailure as failure:
        words = failure.message
    said = {each.stock_says for each in check(snapshot) if each.lane is TXN and each.severity is Severity.CRITICAL}
    assert (words is None and not said) or words in said


@given(st.lists(st.tuples(small, small, st.sampled_from("ab")), max_size=6))
def test_stocks_words_about_epochs_are_among_the_findings(parts: list[tuple[int, int, str]]) -> None:
    entries = [epoch(first, first + more, 100 * first, 100 * (first + more), name) for first, more, name in parts]
    snapshot = snapshot_of({"a.meta": lines(txn(0, 10_000), state(0, 0), *entries)})
    try:
        select_epoch_endings(snapshot.index.epoch_endings, U64_MAX)
    except StockFailure as failure:
        assert failure.message in {each.stock_says for each in check(snapshot) if each.lane is EPOCH}
