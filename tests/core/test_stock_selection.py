"""The model of stock's loading, selection and restore plan says what the real tool said, in its own words."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from core.columns import Lane
from core.host import FixedHost
from core.index import Index
from core.model import U64_MAX, Record
from core.snapshot import take_snapshot
from core.stock import (
    StockFailure,
    greatest_accepted_target,
    greatest_working_target,
    load_error,
    max_transaction_version,
    restore_plan,
    select_epoch_endings,
    select_state_snapshot,
    select_transactions,
    storage_state,
)
from core.storage.protocol import HandleUnreadable, ListedKind, ReadFault
from tests.support import stock_model
from tests.support.data import stock_vectors
from tests.support.gzipped import gzipped
from tests.support.soaking import examples
from tests.support.stores import MemoryReader, base_store, epoch, lines, numbered, snapshot_of, state, txn
from tests.support.strategies import entries, numbers

CASES = stock_vectors("selection")


def fields(lane: Lane, row: int | None) -> dict[str, Any] | None:
    return None if row is None else dataclasses.asdict(lane.record(row))


def rows_fields(lane: Lane, rows: Any) -> list[dict[str, Any] | None]:
    return [fields(lane, int(row)) for row in rows]


def plan_fields(index: Index, query: dict[str, Any]) -> dict[str, Any]:
    plan = restore_plan(index, query["target_version"], query.get("ledger_history_start_version"))
    lane = index.transactions
    return {
        "target_version": plan.target,
        "max_txn_version": plan.max_transaction_version,
        "kv_snapshot": fields(index.state_snapshots, plan.kv_snapshot),
        "tree_snapshot": fields(index.state_snapshots, plan.tree_snapshot),
        "phase_1": plan.phase_1,
        "txn_start_version": plan.transactions_from,
        "transaction_backups": rows_fields(lane, plan.transactions),
        "epoch_ending_backups": rows_fields(index.epoch_endings, plan.epoch_endings),
        "phase_1_manifests": [lane.manifest(int(row)) for row in plan.phase_1_transactions],
        "phase_2_manifests": [lane.manifest(int(row)) for row in plan.phase_2_transactions],
    }


CALLS: dict[str, Callable[[Index, dict[str, Any]], Any]] = {
    "select_transaction_backups": lambda index, query: rows_fields(
        index.transactions, select_transactions(index.transactions, query["start_version"], query["target_version"])
    ),
    "select_epoch_ending_backups": lambda index, query: rows_fields(
        index.epoch_endings, select_epoch_endings(index.epoch_endings, query["target_version"])
    ),
    "select_state_snapshot": lambda index, query: fields(
        index.state_snapshots, select_state_snapshot(index.state_snapshots, query["target_version"])
    ),
    "max_transaction_version": lambda index, query: max_transaction_version(index.transactions),
    "storage_state": lambda index, query: storage_state(index).text(),
    "restore_plan": plan_fields,
}


def answer(call: Callable[[], Any]) -> dict[str, Any]:
    """What a call returns or how it fails, in the form of the vectors."""
    try:
        return {"ok": call()}
    except StockFailure as failure:
        return {"err": failure.message} | ({"panic": True} if failure.panic else {})


def index_of(*records: Record) -> Index:
    return snapshot_of(numbered(*records)).index


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_every_answer_of_the_real_tool_is_given_word_for_word(case: dict[str, Any]) -> None:
    snapshot = snapshot_of(case["metadata"])
    assert load_error(snapshot) is None
    for query in case["queries"]:
        expected = {key: query[key] for key in ("ok", "err", "panic") if key in query}
        given_answer = answer(lambda query=query: CALLS[query["call"]](snapshot.index, query))  # type: ignore[misc]
        assert given_answer == expected, query["call"]


def test_the_vectors_cover_every_call_and_every_failure() -> None:
    queries = [query for case in CASES for query in case["queries"]]
    assert {query["call"] for query in queries} == set(CALLS)
    assert len(queries) > 3_000
    assert sum("panic" in query for query in queries) > 100


@settings(deadline=None)
@given(entries, numbers, numbers)
def test_selection_equals_the_tools_own_loop(records: list[Record], start: int, target: int) -> None:
    metadata = numbered(*records)
    index, view = snapshot_of(metadata).index, stock_model.load(metadata)
    pairs: list[tuple[Callable[[], Any], Callable[[], Any]]] = [
        (
            lambda: rows_fields(index.transactions, select_transactions(index.transactions, start, target)),
            lambda: stock_model.select_transactions(view, start, target),
        ),
        (
            lambda: rows_fields(index.epoch_endings, select_epoch_endings(index.epoch_endings, target)),
            lambda: stock_model.select_epochs(view, target),
        ),
        (
            lambda: rows_fields(index.transactions, restore_plan(index, target, start).transactions),
            lambda: stock_model.restore_plan(view, target, start).transactions,
        ),
        (
            lambda: rows_fields(index.epoch_endings, restore_plan(index, target).epoch_endings),
            lambda: stock_model.restore_plan(view, target).epochs,
        ),
    ]
    for ours, theirs in pairs:
        try:
            expected: dict[str, Any] = {"ok": [dataclasses.asdict(record) for record in theirs()]}
        except stock_model.Refused as refused:
            message, panic = refused.args
            expected = {"err": message} | ({"panic": True} if panic else {})
        assert answer(ours) == expected


def brute_force(view: stock_model.View, targets: list[int]) -> tuple[int | None, int | None]:
    """The greatest accepted target and the greatest one that is also reached, by trying all of `targets`."""
    accepted = working = None
    for target in sorted(targets):
        try:
            plan = stock_model.restore_plan(view, target)
        except stock_model.Refused:
            continue
        if plan.target == target:
            accepted = target
            working = target if plan.covered == target else working
    return accepted, working


@settings(max_examples=examples(400), deadline=None)
@given(entries)
def test_the_greatest_targets_are_those_that_trying_every_target_finds(records: list[Record]) -> None:
    metadata = numbered(*records)
    index, view = snapshot_of(metadata).index, stock_model.load(metadata)
    accepted, working = brute_force(view, [*range(40), *range(U64_MAX - 9, U64_MAX + 1)])
    found = greatest_accepted_target(index)
    assert (found and found.target) == accepted
    assert greatest_working_target(index) == working
    if found is not None:
        assert found.lands_at == stock_model.restore_plan(view, found.target).covered


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_greatest_targets_of_the_real_stores_are_found_without_trying_all(case: dict[str, Any]) -> None:
    metadata = {name: content.encode() for name, content in case["metadata"].items()}
    index, view = snapshot_of(metadata).index, stock_model.load(metadata)
    borders = {each.first_version for each in view.transactions} | {each.last_version for each in view.transactions}
    borders |= {each.first_version for each in view.epochs} | {each.version for each in view.snapshots}
    edges = {max(0, border + step) for border in borders for step in (-1, 0, 1)}
    accepted, working = brute_force(view, [edge for edge in edges if edge <= U64_MAX])
    found = greatest_accepted_target(index)
    assert (found and found.target) == accepted
    assert greatest_working_target(index) == working


def test_stock_works_up_to_right_below_the_first_offending_entry() -> None:
    index = index_of(txn(0, 499), txn(500, 599), txn(500, 999), txn(1000, 1999), state(0, 0))
    assert greatest_working_target(index) == 499


def test_a_target_in_a_gap_is_accepted_but_does_not_count_as_working() -> None:
    index = index_of(txn(0, 99), txn(200, 299), state(0, 0))
    accepted = greatest_accepted_target(index)
    assert accepted is not None
    assert (accepted.target, accepted.lands_at) == (199, 99)
    assert greatest_working_target(index) == 99
    assert restore_plan(index, 150).lands_at == 99


def test_a_gap_that_holds_the_only_snapshot_leaves_nothing_that_works() -> None:
    index = index_of(txn(0, 99), txn(200, 299), state(0, 150))
    assert greatest_accepted_target(index) is not None
    assert greatest_working_target(index) is None
    assert restore_plan(index, 199).lands_at is None


def test_the_greatest_version_is_taken_from_the_last_sorted_entry_not_from_the_greatest_end() -> None:
    index = index_of(txn(0, 99), txn(100, 999), txn(200, 600), state(0, 0))
    assert max_transaction_version(index.transactions) == 600
    assert storage_state(index).latest_transaction_version == 999


def test_an_entry_at_the_top_of_u64_panics_only_when_the_walk_reaches_it() -> None:
    lane = index_of(txn(0, 9), txn(10, U64_MAX)).transactions
    assert select_transactions(lane, 0, 9).tolist() == [0]
    with pytest.raises(StockFailure, match=r"^attempt to add with overflow$") as caught:
        select_transactions(lane, 0, 10)
    assert caught.value.panic


def test_a_wrapped_end_is_never_taken_for_a_start_at_zero() -> None:
    lane = index_of(txn(0, U64_MAX, "a"), txn(0, U64_MAX, "b")).transactions
    with pytest.raises(StockFailure, match="attempt to add with overflow"):
        select_transactions(lane, 0, 0)


def test_an_epoch_ending_that_begins_above_the_target_ends_the_walk_even_before_a_conflict() -> None:
    lane = index_of(epoch(0, 0, 0, 0), epoch(1, 1, 500, 500), epoch(1, 1, 600, 600, "b")).epoch_endings
    assert select_epoch_endings(lane, 499).tolist() == [0]
    with pytest.raises(StockFailure, match="expecting epoch 2, got 1"):
        select_epoch_endings(lane, 600)


def test_of_two_snapshots_of_one_version_the_greater_manifest_wins() -> None:
    lane = index_of(state(1, 100, "b"), state(1, 100, "a")).state_snapshots
    row = select_state_snapshot(lane, 100)
    assert row is not None
    assert lane.manifest(row) == "b"


def test_without_a_snapshot_for_the_history_the_plan_begins_at_zero() -> None:
    index = index_of(txn(0, 99), txn(100, 199), state(1, 150))
    plan = restore_plan(index, None, ledger_history_start=10)
    assert (plan.kv_snapshot, plan.transactions_from, plan.phase_1) == (None, 0, True)
    assert plan.phase_2_transactions.tolist() == [1]


def test_an_empty_store_loads_and_has_nothing_to_restore() -> None:
    snapshot = snapshot_of({})
    assert load_error(snapshot) is None
    assert answer(lambda: restore_plan(snapshot.index)) == {"err": "No transaction backup found."}
    assert greatest_working_target(snapshot.index) is None
    assert storage_state(snapshot.index).text() == (
        "latest_epoch_ending_epoch: none, latest_state_snapshot_epoch: none, "
        "latest_state_snapshot_version: none, latest_transaction_version: none"
    )


def loaded(files: dict[str, bytes], **reader: Any) -> StockFailure | None:
    return load_error(take_snapshot(MemoryReader(files, **reader), FixedHost(0)))


def in_metadata(files: dict[str, bytes]) -> dict[str, bytes]:
    return {f"metadata/{name}": content for name, content in files.items()}


def message_of(failure: StockFailure | None) -> str:
    assert failure is not None
    return failure.message


def test_the_first_bad_line_in_the_listing_decides_what_stock_says() -> None:
    store = base_store() | {"b.meta": b"\n", "a.meta": b"nonsense\n"}
    assert message_of(loaded(in_metadata(store))) == "expected value at line 1 column 1"
    del store["a.meta"]
    assert message_of(loaded(in_metadata(store))) == "EOF while parsing a value at line 1 column 0"


def test_a_bad_line_far_into_a_file_is_found_before_a_later_file() -> None:
    bad = lines(*(txn(each, each) for each in range(50))) + b"{}\n"
    store = base_store() | {"aa.meta": bad, "z.meta": b"\n"}
    assert message_of(loaded(in_metadata(store))) == "expected value at line 1 column 2"


def test_a_folder_in_metadata_breaks_loading() -> None:
    files = in_metadata(base_store()) | {"metadata/sub/x": b""}
    assert message_of(loaded(files)) == "Is a directory (os error 21)"


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (ListedKind.LINK, "No such file or directory (os error 2)"),
        (ListedKind.OTHER, "No such device or address (os error 6)"),
    ],
)
def test_what_is_no_plain_file_breaks_loading(kind: ListedKind, message: str) -> None:
    assert message_of(loaded(in_metadata(base_store()), kinds={"metadata/odd.meta": kind})) == message


def test_a_name_that_is_not_utf8_fails_the_listing_before_anything_is_read() -> None:
    store = base_store() | {"aaa.meta": b"nonsense\n", "bad\udcff.meta": b""}
    assert message_of(loaded(in_metadata(store))) == "into_string failed for OsString '\"metadata/bad\\xFF.meta\"'"


def test_a_file_that_vanished_after_the_listing_breaks_loading() -> None:
    missing = HandleUnreadable(ReadFault.MISSING, "No such file or directory (os error 2)")
    failure = loaded(in_metadata(base_store()), faults={"metadata/identity.meta": missing})
    assert message_of(failure) == "No such file or directory (os error 2)"


def test_a_store_of_gzip_files_only_belongs_to_an_adapter_and_loads() -> None:
    zipped = {name: gzipped(content) for name, content in base_store().items()}
    assert loaded(in_metadata(zipped)) is None


def test_a_gzip_file_among_plain_ones_is_no_text_to_stock() -> None:
    store = base_store() | {"z.meta": gzipped(lines(txn(201, 300)))}
    assert message_of(loaded(in_metadata(store))) == "stream did not contain valid UTF-8"


def test_a_damaged_gzip_file_fails_the_adapters_command() -> None:
    zipped = {name: gzipped(content) for name, content in base_store().items()}
    zipped["identity.meta"] = zipped["identity.meta"][:-4]
    message = message_of(loaded(in_metadata(zipped)))
    assert "params [FILE_HANDLE=metadata/identity.meta] failed with exit status: exit status: 1" in message


def test_selection_over_a_million_entries_makes_no_object_for_an_entry() -> None:
    first = np.arange(1_000_000, dtype=np.uint64) * np.uint64(10)
    empty = index_of().transactions
    lane = dataclasses.replace(empty, first=first, last=first + np.uint64(9), first_version=first)
    assert len(select_transactions(lane, 5_000_000, 9_999_999)) == 500_000
