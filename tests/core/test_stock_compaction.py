"""The model of stock's compaction leaves what the real tool left: files, bytes, times, and the words when it stops."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import UsageError
from core.host import FixedHost
from core.model import U64_MAX, LaneKind, TimestampsRecord
from core.names import compacted_name
from core.snapshot import take_snapshot
from core.stock import CompactionOptions, CompactionRun, Step, group_content, simulate_compaction
from tests.support import stock_model
from tests.support.compactions import carried_out
from tests.support.data import stock_vectors
from tests.support.soaking import examples
from tests.support.stores import NOW, MemoryReader, base_store, epoch, lines, numbered, snapshot_of, state, txn
from tests.support.strategies import compacting_stores

CASES = stock_vectors("compaction")
HUNDRED = CompactionOptions(100, 100, 100)

Files = dict[str, bytes]


def encoded(files: dict[str, str]) -> Files:
    return {name: content.encode() for name, content in files.items()}


def comparable(files: Files) -> dict[str, Any]:
    """Files by name; timestamps as values, since the order of their keys carries no meaning."""
    return {
        name: json.loads(data) if name.startswith("compaction_timestamps") else data for name, data in files.items()
    }


def run_on(metadata: Files, options: CompactionOptions = HUNDRED, now: int = NOW) -> CompactionRun:
    return simulate_compaction(snapshot_of(metadata).index, options, now)


def with_times(metadata: Files, at: int, **stamps: int | None) -> Files:
    """The store with a timestamps file of time `at`; names are given without `.meta`."""
    record = TimestampsRecord(at, {f"metadata/{name}.meta": stamp for name, stamp in stamps.items()})
    return metadata | {f"compaction_timestamps_{at}.meta": lines(record)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_every_run_of_the_real_tool_leaves_the_same_files(case: dict[str, Any]) -> None:
    metadata, backup = encoded(case["metadata"]), Files()
    for expected in case["runs"]:
        metadata |= encoded(expected["added_before"])
        options = CompactionOptions(
            expected["epoch_ending_file_compact_factor"],
            expected["state_snapshot_file_compact_factor"],
            expected["transaction_file_compact_factor"],
            expected["remove_compacted_file_after"],
        )
        run = run_on(metadata, options, expected["now"])
        stop = (run.stop.message, run.stop.panic) if run.stop else None
        assert stop == ((expected["err"], expected.get("panic", False)) if "err" in expected else None)
        metadata, backup = carried_out(run, metadata, backup)
        assert comparable(metadata) == comparable(encoded(expected["metadata"]))
        assert comparable(backup) == comparable(encoded(expected["metadata_backup"]))


@settings(max_examples=examples(400), deadline=None)
@given(
    compacting_stores(),
    st.tuples(*[st.sampled_from([1, 2, 3, 100, U64_MAX])] * 3),
    st.sampled_from([0, 5, 86_400]),
    st.integers(0, 60),
)
def test_any_run_equals_the_slow_model(metadata: Files, factors: tuple[int, int, int], grace: int, now: int) -> None:
    epochs, transactions, snapshots = factors
    run = run_on(metadata, CompactionOptions(epochs, snapshots, transactions, grace), now)
    listed, retired = carried_out(run, metadata, {})
    model_listed, model_retired = dict(metadata) or {"identity.meta": b""}, Files()
    stop = stock_model.compact(model_listed, model_retired, factors, grace, now)
    assert (run.stop and (run.stop.message, run.stop.panic)) == stop
    assert comparable(listed | ({} if metadata else {"identity.meta": b""})) == comparable(model_listed)
    assert comparable(retired) == comparable(model_retired)
    assert len(listed) - len(metadata) == run.new_file_count - run.writes_identity - len(run.retired)


@pytest.mark.parametrize(("lane", "written"), [("epoch_ending", 0), ("transaction", 1), ("state_snapshot", 2)])
def test_a_factor_of_zero_panics_when_its_lane_comes(lane: str, written: int) -> None:
    factors = {f"{each}_factor": 100 for each in ("epoch_ending", "transaction", "state_snapshot")}
    run = run_on(base_store(), CompactionOptions(**factors | {f"{lane}_factor": 0}))
    assert run.stop is not None
    assert (run.stop.message, run.stop.panic) == ("chunk size must be non-zero", True)
    assert len(list(run.written)) == written
    assert run.timestamps is None


def test_a_factor_of_zero_panics_even_where_there_is_nothing_to_compact() -> None:
    run = run_on({"identity.meta": base_store()["identity.meta"]}, CompactionOptions(state_snapshot_factor=0))
    assert run.stop is not None
    assert run.stop.lane is LaneKind.STATE_SNAPSHOTS


@pytest.mark.parametrize("options", [{"transaction_factor": -1}, {"remove_compacted_after": U64_MAX + 1}])
def test_options_that_the_command_line_refuses_are_a_usage_error(options: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        CompactionOptions(**options)


def test_a_stop_says_lane_group_and_row_and_what_was_written_before() -> None:
    chain = [txn(0, 0), txn(1, 10), txn(11, 20), txn(15, 25), txn(30, 40)]
    run = run_on(numbered(epoch(0, 0, 0, 0), *chain), CompactionOptions(2, 2, 2))
    assert run.stop is not None
    assert run.stop.message == "txn backup ranges is not continuous expecting version 21, got 15."
    assert (run.stop.step, run.stop.lane, run.stop.group) == (Step.COMPACT, LaneKind.TRANSACTIONS, 1)
    assert (run.stop.row, run.stop.expected) == (3, 21)
    assert [group.name for group in run.written] == [
        "epoch_ending_compacted_0-0.meta",
        "transaction_compacted_0-10.meta",
    ]
    assert run.aging.stamped == ()


def test_epochs_are_compared_with_the_words_of_epochs() -> None:
    run = run_on(numbered(epoch(0, 0, 0, 0, "a"), epoch(0, 0, 0, 0, "b")))
    assert run.stop is not None
    assert run.stop.message == "Epoch ending backup ranges is not continuous expecting epoch 1, got 0"


def test_a_conflict_between_two_groups_is_not_noticed() -> None:
    run = run_on(numbered(txn(0, 9), txn(0, 10), txn(30, 40)), CompactionOptions(1, 1, 1))
    assert run.stop is None
    assert len(list(run.written)) == 3


def test_an_end_at_the_top_of_u64_panics_in_its_group() -> None:
    run = run_on(numbered(txn(0, 9), txn(10, U64_MAX)), CompactionOptions(1, 1, 1))
    assert run.stop is not None
    assert (run.stop.message, run.stop.panic, run.stop.row) == ("attempt to add with overflow", True, 1)
    assert [group.name for group in run.written] == ["transaction_compacted_0-9.meta"]


def test_an_existing_name_is_skipped_whatever_it_holds_and_is_no_old_file() -> None:
    store = numbered(txn(0, 9), txn(10, 19)) | {"transaction_compacted_0-19.meta": b""}
    run = run_on(store)
    (group,) = run.lane(LaneKind.TRANSACTIONS)
    assert group.existing is not None
    assert run.index.files[group.existing].handle == "metadata/transaction_compacted_0-19.meta"
    assert list(run.written) == []
    assert "metadata/transaction_compacted_0-19.meta" not in run.aging.times


def test_the_second_of_two_groups_with_one_name_is_skipped() -> None:
    run = run_on(numbered(txn(0, 9, "b"), txn(0, 9, "a")), CompactionOptions(1, 1, 1))
    first, second = run.lane(LaneKind.TRANSACTIONS)
    assert (first.twin, second.twin) == (None, 0)
    listed, _ = carried_out(run, {}, {})
    assert listed["transaction_compacted_0-9.meta"] == lines(txn(0, 9, "a"))


def test_twins_need_not_stand_beside_each_other() -> None:
    entries = [state(1, 5, "a"), state(1, 5, "b"), state(1, 6), state(2, 7), state(2, 8)]
    run = run_on(numbered(*entries), CompactionOptions(1, 2, 1))
    assert [group.name for group in run.lane(LaneKind.STATE_SNAPSHOTS)] == [
        "state_snapshot_compacted_epoch_1_1.meta",
        "state_snapshot_compacted_epoch_1_2.meta",
        "state_snapshot_compacted_epoch_2_2.meta",
    ]
    conflicts = [txn(0, 5, "a"), txn(0, 6, "b"), txn(0, 6, "c"), txn(0, 5, "d"), txn(0, 6, "e")]
    groups = run_on(numbered(*conflicts), CompactionOptions(1, 1, 1)).lane(LaneKind.TRANSACTIONS)
    assert [group.twin for group in groups] == [None, 0, None, 2, 2]


@pytest.mark.parametrize(("age", "retired"), [(86_400, False), (86_401, True)])
def test_a_file_is_set_aside_only_after_its_grace(age: int, retired: bool) -> None:
    store = with_times(base_store(), NOW - age, identity=NOW - age)
    run = run_on(store)
    assert ("metadata/identity.meta" in run.retired) is retired
    assert ("metadata/identity.meta" in run.aging.times) is not retired


def test_a_time_near_the_top_of_u64_panics_after_the_files_are_written() -> None:
    run = run_on(with_times(base_store(), NOW - 5, identity=U64_MAX))
    assert run.stop is not None
    assert (run.stop.step, run.stop.message, run.stop.panic) == (Step.STAMP, "attempt to add with overflow", True)
    assert run.stop.handle == "metadata/identity.meta"
    assert len(list(run.written)) == 3
    assert (run.retired, run.timestamps) == ((), None)


def test_a_file_that_is_gone_kills_every_run_once_its_grace_is_over() -> None:
    run = run_on(with_times(base_store(), NOW - 100_000, gone=NOW - 100_000))
    assert run.stop is not None
    assert (run.stop.step, run.stop.message) == (Step.MOVE, "No such file or directory (os error 2)")
    assert run.aging.missing == ("metadata/gone.meta",)
    assert (run.retired, run.timestamps) == ((), None)
    assert len(list(run.written)) == 3


def test_a_file_that_is_gone_does_no_harm_within_its_grace() -> None:
    run = run_on(with_times(base_store(), NOW - 100, gone=NOW - 100, unknown=None))
    assert run.stop is None
    assert run.aging.times["metadata/gone.meta"] == NOW - 100
    assert run.aging.times["metadata/unknown.meta"] == NOW


def test_a_missing_file_that_this_run_writes_again_is_neither_missing_nor_old() -> None:
    run = run_on(with_times(base_store(), NOW - 100_000, **{"transaction_compacted_0-200": NOW - 100_000}))
    assert run.stop is None
    assert [group.name for group in run.written][1] == "transaction_compacted_0-200.meta"


def test_a_handle_that_is_no_metadata_file_is_moved_as_it_stands() -> None:
    stamps = TimestampsRecord(NOW - 100_000, {"transaction_1-.aaaa/transaction.manifest": 1, "metadata/sub/x": 1})
    run = run_on(base_store() | {"times.meta": lines(stamps)})
    assert run.stop is None
    assert set(run.aging.foreign) == {"transaction_1-.aaaa/transaction.manifest", "metadata/sub/x"}
    assert (run.aging.missing, run.retired) == ((), ())


def test_a_handle_without_a_file_name_stops_the_moves() -> None:
    run = run_on(base_store() | {"times.meta": lines(TimestampsRecord(NOW - 100_000, {"metadata/..": 1}))})
    assert run.stop is not None
    assert run.stop.message == "cannot extract filename from metadata/.."


def test_a_second_run_in_the_same_second_saves_no_times() -> None:
    store = with_times(base_store(), NOW, identity=NOW - 5)
    run = run_on(store)
    assert run.timestamps_taken
    assert (
        carried_out(run, store, {})[0][f"compaction_timestamps_{NOW}.meta"]
        == store[f"compaction_timestamps_{NOW}.meta"]
    )
    assert f"metadata/compaction_timestamps_{NOW}.meta" not in run.new_handles()


def test_no_file_can_be_moved_to_another_file_system() -> None:
    store = with_times(base_store(), NOW - 100_000, identity=NOW - 100_000)
    reader = MemoryReader({f"metadata/{name}": data for name, data in store.items()}, one_device=False)
    snapshot = take_snapshot(reader, FixedHost(NOW))
    run = simulate_compaction(snapshot.index, HUNDRED, NOW, one_device=snapshot.one_device)
    assert run.stop is not None
    assert run.stop.message == "Invalid cross-device link (os error 18)"
    young = simulate_compaction(snapshot.index, HUNDRED, NOW - 99_000, one_device=False)
    assert young.stop is None


def test_the_newest_map_counts_by_its_own_time_not_by_its_name() -> None:
    newest = TimestampsRecord(NOW - 10, {"metadata/identity.meta": NOW - 77})
    store = with_times(base_store(), NOW - 20, identity=NOW - 99) | {"a.meta": lines(newest)}
    assert run_on(store).aging.times["metadata/identity.meta"] == NOW - 77


def test_an_empty_listing_gets_an_identity_that_is_stamped_at_once() -> None:
    run = run_on({})
    assert run.writes_identity
    assert list(run.new_handles()) == ["metadata/identity.meta", f"metadata/compaction_timestamps_{NOW}.meta"]
    assert run.timestamps == TimestampsRecord(NOW, {"metadata/identity.meta": NOW})


def test_a_store_that_does_not_load_is_not_touched() -> None:
    run = run_on(base_store() | {"x.meta": b"\n"})
    assert run.stop is not None
    assert (run.stop.step, run.stop.message) == (Step.LOAD, "EOF while parsing a value at line 1 column 0")
    assert list(run.new_handles()) == []
    assert run.new_file_count == 0


def test_group_names_are_the_names_of_their_records() -> None:
    run = run_on(base_store(), CompactionOptions(2, 2, 2))
    for groups in run.lanes:
        for group in groups:
            assert group.name == compacted_name([groups.lane.record(row) for row in group.rows])
        assert [group.handle for group in groups] == list(groups.handles(groups.writes))


def test_lines_in_another_spelling_are_written_as_stock_writes_them() -> None:
    run = run_on({"a.meta": b'{"TransactionBackup": [0, 9, "t\\u00e4"]}\r\n'})
    (group,) = run.written
    expected = '{"TransactionBackup":{"first_version":0,"last_version":9,"manifest":"tä"}}\n'
    assert group_content(run.index, group) == expected.encode()
