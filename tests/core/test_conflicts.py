"""Which manifests conflict, and which pairs of them are compared: as comparing every entry with every other says."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core.manifests import conflicting
from core.manifests.conflicts import Pair, pair_count, pairs_of
from core.model import U64_MAX, LaneKind, RangeRecord, StateSnapshotRecord, TransactionRecord
from core.snapshot import Snapshot
from tests.support.stores import base_store, epoch, numbered, snapshot_of, state, txn

TXN, EPOCH, STATE = LaneKind.TRANSACTIONS, LaneKind.EPOCH_ENDINGS, LaneKind.STATE_SNAPSHOTS


def snapshot(*records: RangeRecord) -> Snapshot:
    return snapshot_of(numbered(*records))


numbers = st.integers(0, 12) | st.sampled_from([U64_MAX - 1, U64_MAX])
transactions = st.builds(TransactionRecord, numbers, numbers, st.sampled_from("abcd"))
snapshots = st.builds(StateSnapshotRecord, st.integers(0, 3), st.integers(0, 3), st.sampled_from("abcd"))


@settings(deadline=None)
@given(st.lists(transactions, max_size=12))
def test_overlapping_entries_conflict_and_are_paired_with_the_first_of_each_range(
    records: list[TransactionRecord],
) -> None:
    kept = sorted({each for each in records if each.first_version <= each.last_version})
    overlapping = [
        (one, other)
        for one, other in combinations(kept, 2)
        if one.first_version <= other.last_version and other.first_version <= one.last_version
    ]
    seen = snapshot(*records)
    assert conflicting(seen) == {each.manifest for pair in overlapping for each in pair}
    heads: dict[tuple[int, int], TransactionRecord] = {}
    for each in kept:
        heads.setdefault((each.first_version, each.last_version), each)
    wanted = [
        (one, other)
        for one, other in overlapping
        if one is heads[one.first_version, one.last_version]
        and (
            other is heads[other.first_version, other.last_version]
            or (one.first_version, one.last_version) == (other.first_version, other.last_version)
        )
    ]
    pairs, left = pairs_of(seen)
    expected = {Pair(TXN, one.manifest, other.manifest) for one, other in wanted if one.manifest != other.manifest}
    assert set(pairs) == expected and len(pairs) == len(expected)
    assert not left
    lane = seen.index.lanes[TXN]
    assert pair_count(TXN, lane, np.arange(len(lane))) == len(wanted)


@settings(deadline=None)
@given(st.lists(snapshots, max_size=10))
def test_snapshots_of_one_version_or_one_epoch_conflict_and_those_of_both_are_paired(
    records: list[StateSnapshotRecord],
) -> None:
    kept = sorted(set(records))
    tied = [(a, b) for a, b in combinations(kept, 2) if a.version == b.version or a.epoch == b.epoch]
    seen = snapshot(*records)
    assert conflicting(seen) == {each.manifest for pair in tied for each in pair}
    pairs, _ = pairs_of(seen)
    first = {(each.epoch, each.version): each for each in reversed(kept)}
    expected = {
        Pair(STATE, first[each.epoch, each.version].manifest, each.manifest)
        for each in kept
        if first[each.epoch, each.version] is not each
    }
    assert set(pairs) == expected


def test_a_store_without_conflicts_has_no_pairs() -> None:
    seen = snapshot_of(base_store())
    assert (conflicting(seen), pairs_of(seen)) == (frozenset(), ((), {}))


def test_epochs_conflict_by_their_epochs() -> None:
    seen = snapshot(epoch(0, 4, 0, 400, "a"), epoch(3, 3, 300, 300, "b"), epoch(5, 5, 500, 500, "c"))
    assert conflicting(seen) == {"a", "b"}
    assert pairs_of(seen)[0] == (Pair(EPOCH, "a", "b"),)


def test_beyond_the_limit_the_first_pairs_are_taken_and_the_rest_is_counted() -> None:
    seen = snapshot(*(txn(0, 9, f"m{number:02}") for number in range(30)), state(1, 5, "x"), state(1, 5, "y"))
    pairs, left = pairs_of(seen, most=10)
    assert pairs[:10] == tuple(Pair(TXN, "m00", f"m{number:02}") for number in range(1, 11))
    assert (pairs[10:], left) == ((Pair(STATE, "x", "y"),), {TXN: 19})


def test_only_chosen_manifests_are_paired() -> None:
    seen = snapshot(txn(0, 9, "a"), txn(0, 9, "b"), txn(0, 9, "c"))
    assert pairs_of(seen, {"b", "c"})[0] == (Pair(TXN, "b", "c"),)


def test_thousands_of_entries_that_all_overlap_are_paired_no_further_than_the_limit() -> None:
    count = 20_000
    seen = snapshot_of(
        {
            "x.meta": b"".join(
                b'{"TransactionBackup":{"first_version":%d,"last_version":%d,"manifest":"m%d"}}\n' % (n, count + n, n)
                for n in range(count)
            )
        }
    )
    pairs, left = pairs_of(seen)
    assert len(pairs) == 1_000
    assert left == {TXN: count * (count - 1) // 2 - 1_000}
