"""Findings of state snapshots and epochs: what stock would pick, and where it has nothing to pick from."""

from __future__ import annotations

import pytest

from core.findings import Case, find
from core.model import Finding, LaneKind, Record, Severity
from core.stock import select_state_snapshot
from tests.support.stores import NOW, base_store, epoch, lines, snapshot_of, state, txn

EPOCH, STATE = LaneKind.EPOCH_ENDINGS, LaneKind.STATE_SNAPSHOTS


def check(*extra: Record, without: str = "-") -> dict[str, Finding]:
    """The findings of base store B with more lines, without the files whose names begin with `without`."""
    files = {name: content for name, content in base_store().items() if not name.startswith(without)}
    snapshot = snapshot_of({**files, "extra.meta": lines(*extra)} if extra else files)
    found = [each for each in find(Case(snapshot, NOW + 9_000), 1) if each.kind != "foreign-file-in-metadata"]
    assert len({each.kind for each in found}) == len(found)
    return {each.kind: each for each in found}


def test_two_snapshots_of_one_version_name_the_one_that_stock_takes_and_the_one_a_resume_takes() -> None:
    found = check(state(1, 100, "z"))["snapshot-conflict"]
    assert (found.first, found.last, found.severity, found.stock_says) == (100, 100, Severity.ERROR, None)
    assert "a restore takes z, a resumed one the other, state_epoch_1_ver_100.aaaa/state.manifest" in found.explanation
    lane = snapshot_of({**base_store(), "x.meta": lines(state(1, 100, "z"))}).index.state_snapshots
    row = select_state_snapshot(lane, 200)
    assert row is not None and lane.manifest(row) == "z"


def test_two_versions_of_one_epoch_conflict_as_well() -> None:
    found = check(state(1, 90, "z"))
    assert "Epoch 1 has snapshots of 2 versions, 90 and 100" in found["snapshot-conflict"].explanation
    assert "90" in found["snapshot-not-epoch-end"].explanation


def test_one_version_under_two_epochs_conflicts() -> None:
    found = check(state(5, 100, "z"))["snapshot-conflict"]
    assert {entry.manifest for entry in found.entries} == {"state_epoch_1_ver_100.aaaa/state.manifest", "z"}


def test_neighbouring_conflicts_are_one_finding() -> None:
    found = check(state(0, 0, "z"), state(1, 100, "z"))["snapshot-conflict"]
    assert (found.first, found.last, len(found.entries)) == (0, 100, 4)


def test_conflicts_of_snapshots_that_lie_apart_stay_apart() -> None:
    epochs = range(5)
    doubled = [state(at, 10 * at, name) for at in epochs for name in (("a", "b") if at in (1, 3) else ("a",))]
    snapshot = snapshot_of({"a.meta": lines(*doubled, txn(0, 90), *(epoch(at, at, 10 * at, 10 * at) for at in epochs))})
    found = [each for each in find(Case(snapshot, NOW + 9_000), 1) if each.kind == "snapshot-conflict"]
    assert [(each.first, each.last) for each in found] == [(10, 10), (30, 30)]


def test_a_higher_epoch_at_a_lower_version_wins_over_the_newer_snapshot() -> None:
    found = check(state(5, 50))["snapshot-epoch-order"]
    assert (found.first, found.last) == (50, 100)
    assert "epoch 5 is at version 50, below version 100 of epoch 1" in found.explanation
    assert "replays 50 versions more" in found.explanation


def test_a_snapshot_that_is_not_at_the_end_of_its_epoch_disagrees_with_the_epoch_endings() -> None:
    found = check(state(1, 99), without="state_snapshot_ver_100")["snapshot-not-epoch-end"]
    assert "ends at version 100" in found.explanation
    assert found.next_step == "seamline check memory --level 2"


def test_every_snapshot_at_a_wrong_place_is_a_finding_however_many_there_are() -> None:
    wrong = [state(number + 5, 20_000 - number) for number in range(500)]
    ends = [epoch(number + 5, number + 5, 30_000 + number, 30_000 + number) for number in range(500)]
    found = find(Case(snapshot_of({**base_store(), "extra.meta": lines(*wrong, *ends)}), NOW + 9_000), 1)
    disordered = [each for each in found if each.kind == "snapshot-epoch-order"]
    elsewhere = [each for each in found if each.kind == "snapshot-not-epoch-end"]
    assert [each.first for each in disordered] == list(range(20_000 - 499, 20_000))
    assert {each.last for each in disordered} == {20_000}
    assert [each.first for each in elsewhere] == list(range(20_000 - 499, 20_001))
    assert "500 snapshots are like that" in elsewhere[0].explanation
    assert len({each.id for each in found}) == len(found)


def test_snapshots_at_one_wrong_version_are_one_finding_that_tells_of_the_highest_epoch() -> None:
    snapshot = snapshot_of(
        {**base_store(), "extra.meta": lines(state(5, 50), state(6, 120), state(7, 50), txn(201, 300))}
    )
    (found,) = (each for each in find(Case(snapshot, NOW + 9_000), 1) if each.kind == "snapshot-epoch-order")
    assert (found.first, found.last) == (50, 120)
    assert "epoch 7 is at version 50, below version 120 of epoch 6" in found.explanation
    assert "So is 1 more snapshot of that version." in found.explanation
    assert [entry.first for entry in found.entries] == [120, 50, 50]


def test_a_snapshot_at_the_first_or_the_last_epoch_of_an_entry_is_fine() -> None:
    wide = [epoch(2, 9, 150, 900), state(2, 150), state(9, 900), txn(201, 1_000)]
    assert check(*wide) == {}


def test_a_snapshot_of_an_epoch_without_an_ending_is_told_as_a_lag() -> None:
    found = check(state(3, 190))["epoch-history-lag"]
    assert (found.lane, found.first, found.last, found.severity) == (EPOCH, 2, 3, Severity.ERROR)
    assert found.stock_says is not None and found.stock_says.startswith("Epoch is too new and can't be verified.")
    assert "--start-epoch 2 --end-epoch 4 " in found.next_step


@pytest.mark.parametrize(("last", "lags"), [(1_300, False), (1_500, True)])
def test_transactions_far_above_the_last_epoch_are_told_as_a_lag(last: int, lags: bool) -> None:
    endings = [epoch(at, at, 100 * at, 100 * at) for at in range(2, 12)]
    assert ("epoch-history-lag" in check(*endings, txn(201, last))) == lags


def test_the_tail_of_a_young_store_is_no_lag() -> None:
    assert check(txn(201, 1_000_000)) == {}


def test_a_snapshot_above_all_transactions_is_only_information() -> None:
    found = check(epoch(2, 2, 250, 250), state(2, 250))["snapshot-ahead-of-transactions"]
    assert (found.severity, found.stock_says) == (Severity.INFO, None)
    assert "A full restore starts from the one at 100" in found.explanation


def test_without_a_snapshot_nothing_can_be_restored() -> None:
    found = check(without="state_snapshot")["snapshot-none"]
    assert (found.severity, found.stock_says) == (Severity.CRITICAL, "Cannot find tree snapshot before target version")
    assert found.next_step == (
        "aptos-db-tool backup oneoff state-snapshot --state-snapshot-epoch 0 --local-fs-dir memory"
    )


def test_history_below_the_oldest_snapshot_is_out_of_reach() -> None:
    found = check(without="state_snapshot_ver_0")["snapshot-none-for-history"]
    assert (found.first, found.last, found.severity) == (0, 99, Severity.ERROR)
    assert found.next_step == "seamline restore-plan memory --target-version 100"


def test_without_epoch_endings_nothing_can_be_proved() -> None:
    found = check(without="epoch_ending")["epoch-history-empty"]
    assert (found.severity, found.stock_says) == (Severity.CRITICAL, "Empty epoch history.")
    assert "--start-epoch 0 --end-epoch 2 " in found.next_step


def test_a_list_of_snapshots_that_aborts_the_replay_jobs_is_information() -> None:
    young = check(without="state_snapshot_ver_100")["replay-jobs-arithmetic"]
    falling = check(state(5, 50))["replay-jobs-arithmetic"]
    assert young.severity is falling.severity is Severity.INFO
    assert young.stock_says == "attempt to subtract with overflow"


def test_a_second_history_of_snapshots_is_told_only_beside_one_of_entries() -> None:
    alone = check(state(0, 0, "b"), state(1, 100, "b"))
    assert "empty-listing-new-identity" not in alone
    both = snapshot_of(
        {
            **base_store(),
            "x.meta": lines(*(state(at, 100 * at, "b") for at in (0, 1)), txn(0, 0, "b"), txn(1, 100, "b")),
        }
    )
    found = [each for each in find(Case(both, NOW + 9_000), 1) if each.kind == "empty-listing-new-identity"]
    assert {each.lane for each in found} == {LaneKind.TRANSACTIONS, STATE}
