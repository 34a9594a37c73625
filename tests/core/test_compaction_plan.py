"""A compaction plan is stock's on a clean store, and refuses or repairs where stock would lose lines or wedge."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.changes.model import ChangeSet
from core.compaction import CompactionPlan, plan_compaction
from core.engine import Engine
from core.errors import StoreUnreachable, UsageError
from core.gather import Limits
from core.host import FixedHost
from core.model import U64_MAX, IdentityRecord, LaneKind, Record, TimestampsRecord
from core.snapshot import take_snapshot
from core.stock import CompactionOptions
from core.storage import LocalReader
from core.storage.protocol import Listed
from tests.support.data import data_path, stock_vectors
from tests.support.gzipped import assert_twins, gzipped, is_zipped, zipped
from tests.support.hazards import LOOKED_AT, hazard_store
from tests.support.machines import FakeMachine
from tests.support.plans import Files, planned_outcome, timed_snapshot
from tests.support.stores import (
    NOW,
    MemoryReader,
    base_store,
    epoch,
    lines,
    numbered,
    reader_of,
    snapshot_of,
    state,
    txn,
)

HUNDRED = CompactionOptions(100, 100, 100)
ONE = CompactionOptions(1, 1, 1)
DAY = 86_400


def plan_of(
    metadata: Files,
    backup: Files | None = None,
    written: dict[str, float] | None = None,
    *,
    options: CompactionOptions = HUNDRED,
    now: int = NOW,
) -> CompactionPlan:
    """The plan of a compaction. Asserts that it is the same for the same store in gzip, but for its form."""
    plan = plan_compaction(timed_snapshot(metadata, backup, written, now), options, now)
    if not is_zipped(metadata.values()) and not is_zipped((backup or {}).values()):
        in_gzip = timed_snapshot(zipped(metadata), zipped(backup or {}), written, now)
        twin = plan_compaction(in_gzip, options, now)
        assert (plan.refusal, plan.repairs) == (twin.refusal, twin.repairs)
        if plan.change_set is not None and twin.change_set is not None:
            assert_twins(plan.change_set, twin.change_set)
    return plan


def changes(plan: CompactionPlan) -> ChangeSet:
    assert plan.refusal is None
    assert plan.change_set is not None
    return plan.change_set


def refused(plan: CompactionPlan) -> str:
    assert plan.change_set is None
    assert plan.refusal is not None
    assert plan.refusal.explanation and plan.refusal.next_step
    assert plan.repairs == ()
    return plan.refusal.kind


def repaired(plan: CompactionPlan) -> set[str]:
    return {each.id for each in plan.repairs}


def names(change: ChangeSet) -> list[str]:
    return [write.handle.removeprefix("metadata/") for write in change.writes]


def stamps_of(change: ChangeSet) -> dict[str, int | None]:
    """The times that a change set records, by name."""
    assert change.record is not None
    times = json.loads(change.record.content)["CompactionTimestamps"]["compaction_timestamps"]
    return {handle.removeprefix("metadata/"): stamp for handle, stamp in times.items()}


def times(at: int, stamps: dict[str, int | None], name: str = "") -> Files:
    """A timestamps file; names are given without their folder."""
    record = TimestampsRecord(at, {f"metadata/{each}": stamp for each, stamp in stamps.items()})
    return {name or f"compaction_timestamps_{at}.meta": lines(record)}


# On a clean store


def options_of(run: dict[str, Any]) -> CompactionOptions:
    return CompactionOptions(
        run["epoch_ending_file_compact_factor"],
        run["state_snapshot_file_compact_factor"],
        run["transaction_file_compact_factor"],
        run["remove_compacted_file_after"],
    )


def compared(files: Files) -> Files:
    """What must be as stock left it: all but what is merged, and what must stay."""
    return {name: data for name, data in files.items() if not name.startswith(("compaction_timestamps_", "identity"))}


CLEAN = [case for case in stock_vectors("compaction") if not case["tags"]]


@pytest.mark.parametrize("case", CLEAN, ids=lambda case: case["name"])
def test_every_run_on_a_clean_store_leaves_stocks_files(case: dict[str, Any]) -> None:
    metadata, backup = {name: text.encode() for name, text in case["metadata"].items()}, Files()
    for run in case["runs"]:
        metadata |= {name: text.encode() for name, text in run["added_before"].items()}
        plan = plan_of(metadata, backup, options=options_of(run), now=run["now"])
        if not any(map(len, plan.preview.run.index.lanes.values())):
            assert refused(plan) == "vacuous-verify"
            continue
        if (case["name"], run["state_snapshot_file_compact_factor"]) == ("cmp-2-37", 1):
            # Two snapshots of epoch 0 would have one name: of this very store the real tool lost one.
            assert refused(plan) == "compacted-name-collision"
            return
        change = changes(plan)
        new = [name for name in run["metadata"] if name not in metadata and not name.startswith("compaction_t")]
        metadata, backup = planned_outcome(change, metadata, backup)
        assert sorted(names(change)) == sorted(new)
        assert compared(metadata) == compared({name: text.encode() for name, text in run["metadata"].items()})
        assert compared(backup) == compared({name: text.encode() for name, text in run["metadata_backup"].items()})
        assert "identity.meta" not in backup
        if change.record is not None:
            stocks = json.loads(run["metadata"][f"compaction_timestamps_{run['now']}.meta"])["CompactionTimestamps"]
            theirs = {
                handle.removeprefix("metadata/"): stamp for handle, stamp in stocks["compaction_timestamps"].items()
            }
            assert of_entries(stamps_of(change)) == of_entries(theirs)


def of_entries(stamps: dict[str, int | None]) -> dict[str, int | None]:
    """The times of files that hold entries: identity.meta gets none here, and a run with nothing to do saves none."""
    return {
        name: stamp for name, stamp in stamps.items() if not name.startswith(("compaction_timestamps_", "identity"))
    }


def test_there_are_enough_clean_runs_to_prove_it() -> None:
    assert sum(len(case["runs"]) for case in CLEAN) > 150


def test_groups_are_written_in_stocks_order_and_marked_with_their_lines() -> None:
    change = changes(plan_of(base_store()))
    assert [(write.handle, write.lines) for write in change.writes] == [
        ("metadata/epoch_ending_compacted_0-1.meta", 2),
        ("metadata/transaction_compacted_0-200.meta", 3),
        ("metadata/state_snapshot_compacted_epoch_0_1.meta", 2),
    ]
    assert change.writes[1].content == lines(txn(0, 0), txn(1, 100), txn(101, 200))
    assert change.label == "100 epoch endings, 100 transactions, 100 snapshots a file"
    assert (change.files_before, change.files_after) == (8, 12)
    assert change.lanes[LaneKind.TRANSACTIONS].entries == 3
    assert set(change.expires) == {(f"metadata/{name}", NOW + DAY) for name in base_store() if name != "identity.meta"}


# A second run, and the grace


def run_twice(metadata: Files, later: int, **how: Any) -> tuple[CompactionPlan, Files, Files]:
    """A plan made `later` seconds after another one was carried out."""
    listed, retired = planned_outcome(changes(plan_of(metadata, **how)), metadata, {})
    written = {name: float(NOW) for name in listed.keys() - metadata.keys()}
    return plan_of(listed, retired, written, now=NOW + later, **how), listed, retired


def test_running_it_twice_adds_nothing() -> None:
    for later in (0, 1, DAY):
        plan, listed, _ = run_twice(base_store(), later)
        change = changes(plan)
        assert change.is_empty
        assert (plan.repairs, change.kept, change.files_after) == ((), (), len(listed))
        assert len(change.expires) == 7


def test_old_files_go_when_their_grace_is_over_and_not_a_second_before() -> None:
    assert changes(run_twice(base_store(), DAY)[0]).retires == ()
    plan, listed, _ = run_twice(base_store(), DAY + 1)
    change = changes(plan)
    assert [move.source for move in change.retires] == sorted(
        f"metadata/{name}" for name in base_store() if name != "identity.meta"
    )
    first = change.retires[0]
    assert first.target == "metadata_backup/epoch_ending_0-0.meta"
    assert first.mark in change.marks
    assert first.because == "1 second past its grace"
    assert stamps_of(change) == {f"compaction_timestamps_{NOW}.meta": NOW + DAY + 1}
    assert change.files_after == len(listed) - 7 + 1


def test_a_store_at_rest_is_not_written_to_for_the_sake_of_old_times() -> None:
    plan, listed, retired = run_twice(base_store(), DAY + 1)
    listed, retired = planned_outcome(changes(plan), listed, retired)
    change = changes(plan_of(listed, retired, now=NOW + 3 * DAY))
    assert change.is_empty
    assert [handle for handle, _ in change.kept] == [f"metadata/compaction_timestamps_{NOW}.meta"]
    grown = changes(plan_of(listed | {"new.meta": lines(txn(201, 300))}, retired, now=NOW + 3 * DAY))
    assert [move.source for move in grown.retires] == [f"metadata/compaction_timestamps_{NOW}.meta"]


def test_a_moved_file_never_replaces_one_in_the_backup_folder() -> None:
    old = {"transaction_0-0.meta": NOW - 2 * DAY}
    taken = {"transaction_0-0.meta": b"x\n", "transaction_0-0.meta.1": b""}
    plan = plan_of(base_store() | times(NOW - DAY, old), taken)
    assert [move.target for move in changes(plan).retires] == ["metadata_backup/transaction_0-0.meta.2"]
    assert repaired(plan) == {"backup-dir-overwrite"}


def test_identity_is_never_marked_and_never_goes() -> None:
    marked = base_store() | times(NOW - DAY, {"identity.meta": NOW - 2 * DAY})
    plan = plan_of(marked)
    assert "identity.meta" not in stamps_of(changes(plan))
    assert changes(plan).retires == ()
    assert repaired(plan) == {"identity-evicted"}


def test_an_identity_is_not_lost_with_the_file_that_holds_it() -> None:
    other = IdentityRecord("cd" * 32)
    store = base_store() | {"a.meta": lines(other), "b.meta": lines(other, txn(0, 0))}
    change = changes(plan_of(store | times(NOW - DAY, {"a.meta": NOW - 2 * DAY, "b.meta": NOW - 2 * DAY})))
    assert [move.source for move in change.retires] == ["metadata/b.meta"]
    assert change.kept == (("metadata/a.meta", "it holds the identity of the store, and no file that stays does"),)
    assert stamps_of(change)["a.meta"] == NOW - 2 * DAY


# Names that are taken


def test_a_torn_compacted_file_is_never_trusted() -> None:
    torn = {"transaction_compacted_0-200.meta": lines(txn(0, 0))}
    plan = plan_of(base_store() | torn)
    change = changes(plan)
    (new,) = [name for name in names(change) if name.startswith("transaction")]
    assert re.fullmatch(r"transaction_compacted_0-200_[0-9a-f]{8}\.meta", new)
    assert stamps_of(change)["transaction_compacted_0-200.meta"] == NOW
    assert repaired(plan) == {"partial-compacted-file"}
    assert "all 3 lines of the group are written as " + new in plan.repairs[0].text


def test_the_torn_file_goes_after_its_grace_and_its_name_is_not_used_again() -> None:
    torn = {"transaction_compacted_0-200.meta": lines(txn(0, 0))}
    plan, listed, retired = run_twice(base_store() | torn, DAY + 1)
    assert names(changes(plan)) == []
    assert "metadata/transaction_compacted_0-200.meta" in [move.source for move in changes(plan).retires]
    listed, retired = planned_outcome(changes(plan), listed, retired)
    (own,) = [name for name in listed if name.startswith("transaction_compacted_0-200_")]
    assert names(changes(plan_of(listed, retired, now=NOW + 2 * DAY))) == []
    del listed[own]
    listed |= {name: data for name, data in base_store().items() if name.startswith("transaction")}
    again = plan_of(listed, retired, now=NOW + 2 * DAY)
    assert names(changes(again)) == [own]
    assert repaired(again) >= {"rebuilt-name-stale-cache"}


def test_a_name_of_our_own_that_is_torn_itself_gets_another() -> None:
    torn = {"transaction_compacted_0-200.meta": b""}
    (own,) = [name for name in names(changes(plan_of(base_store() | torn))) if name.startswith("transaction")]
    (other,) = [
        name
        for name in names(changes(plan_of(base_store() | torn | {own: lines(txn(0, 0))})))
        if name.startswith("transaction")
    ]
    assert own != other
    whole = base_store() | torn | {own: lines(txn(0, 0), txn(1, 100), txn(101, 200))}
    assert not [name for name in names(changes(plan_of(whole))) if name.startswith("transaction")]


def test_a_name_in_the_backup_folder_is_free_for_the_same_text_only() -> None:
    content = lines(txn(0, 0), txn(1, 100), txn(101, 200))
    name = "transaction_compacted_0-200.meta"
    assert name in names(changes(plan_of(base_store(), {name: content})))
    assert name in names(changes(plan_of(base_store(), {name: gzipped(content)})))
    for past in ({name: b""}, {name: content[:-1]}, {f"{name}.1": lines(txn(0, 0))}, {name: gzipped(content[:-1])}):
        plan = plan_of(base_store(), past)
        assert name not in names(changes(plan))
        assert repaired(plan) == {"rebuilt-name-stale-cache"}


@pytest.mark.parametrize(
    "content",
    [
        lines(txn(0, 0), txn(1, 100), txn(101, 200)).replace(b'":', b'" :'),
        lines(txn(0, 0), txn(1, 100), txn(101, 200)).replace(b"\n", b"\r\n"),
        lines(txn(0, 0), txn(1, 100), txn(101, 200))[:-1],
        lines(txn(1, 100), txn(0, 0), txn(101, 200), txn(0, 0)),
        lines(txn(0, 0), txn(1, 100), txn(101, 200), state(0, 0)),
    ],
    ids=["spaces", "crlf", "no last line feed", "order", "more"],
)
def test_a_file_that_holds_the_group_in_any_form_counts_as_written(content: bytes) -> None:
    change = changes(plan_of(base_store() | {"transaction_compacted_0-200.meta": content}))
    assert not [name for name in names(change) if name.startswith("transaction")]
    assert "transaction_compacted_0-200.meta" not in stamps_of(change)


def test_a_cut_epoch_gets_names_that_no_other_group_can_have() -> None:
    store = base_store() | {"again.meta": lines(state(1, 90), state(2, 200))}
    plan = plan_of(store, options=CompactionOptions(100, 2, 100))
    own = [name for name in names(changes(plan)) if name.startswith("state")]
    assert [re.sub("[0-9a-f]{8}", "X", name) for name in own] == [
        "state_snapshot_compacted_epoch_0_1_X.meta",
        "state_snapshot_compacted_epoch_1_2_X.meta",
    ]
    assert repaired(plan) == {"compacted-name-collision"}


# Times


@pytest.mark.parametrize(
    ("stamp", "kept", "repair"),
    [
        (NOW - 5, NOW - 5, set()),
        (NOW, NOW, set()),
        (NOW + 1, NOW, {"timestamps-future"}),
        (1_599_999_999, NOW, {"timestamps-back"}),
        (U64_MAX, NOW, {"timestamps-overflow"}),
        (None, NOW, set()),
    ],
)
def test_a_time_that_is_none_begins_now(stamp: int | None, kept: int, repair: set[str]) -> None:
    plan = plan_of(base_store() | times(NOW - 5, {"transaction_0-0.meta": stamp}))
    assert stamps_of(changes(plan))["transaction_0-0.meta"] == kept
    assert changes(plan).retires == ()
    assert repaired(plan) == repair


def test_ghosts_and_foreign_handles_are_dropped() -> None:
    record = TimestampsRecord(NOW - 5, {"metadata/gone.meta": NOW - 5, "../x": 5, "metadata/identity.meta": None})
    plan = plan_of(base_store() | {"times.meta": lines(record)})
    assert stamps_of(changes(plan)).keys() == {
        *(base_store().keys() - {"identity.meta"}),
        "times.meta",
    }
    assert repaired(plan) == {"compaction-wedge-missing-file", "timestamps-foreign-handle"}


def test_a_ghost_alone_is_worth_a_new_record() -> None:
    """It would wedge stock, whatever else there is to do."""
    change = changes(plan_of(base_store()))
    listed, _ = planned_outcome(change, base_store(), {})
    listed |= times(NOW + 1, stamps_of(change) | {f"compaction_timestamps_{NOW}.meta": NOW, "gone.meta": NOW})
    fixed = changes(plan_of(listed, now=NOW + 2))
    assert (fixed.writes, fixed.retires) == ((), ())
    assert "gone.meta" not in stamps_of(fixed)
    assert changes(plan_of(planned_outcome(fixed, listed, {})[0], now=NOW + 3)).is_empty


def test_tied_records_are_merged_into_a_later_one() -> None:
    one = times(NOW - 5, {"transaction_0-0.meta": NOW - 9, "transaction_1-100.meta": None}, "a.meta")
    other = times(NOW - 5, {"transaction_0-0.meta": NOW - 5, "transaction_1-100.meta": NOW - 7}, "b.meta")
    older = times(NOW - 6, {"transaction_101-200.meta": NOW - 8}, "c.meta")
    plan = plan_of(base_store() | one | other | older)
    stamps = stamps_of(changes(plan))
    assert [stamps[f"transaction_{name}.meta"] for name in ("0-0", "1-100", "101-200")] == [NOW - 9, NOW - 7, NOW]
    assert repaired(plan) == {"timestamps-tie"}


def test_a_record_that_lies_about_the_future_is_taken_over_and_set_aside() -> None:
    lying = times(U64_MAX, {"transaction_0-0.meta": NOW - 9})
    store = base_store() | lying | times(NOW - 3, {"transaction_1-100.meta": NOW - 4})
    plan = plan_of(store)
    change = changes(plan)
    assert [move.source for move in change.retires] == [f"metadata/compaction_timestamps_{U64_MAX}.meta"]
    assert "ahead of the clock" in change.retires[0].because
    assert change.record is not None
    assert change.record.handle == f"metadata/compaction_timestamps_{NOW}.meta"
    stamps = stamps_of(change)
    assert (stamps["transaction_0-0.meta"], stamps["transaction_1-100.meta"]) == (NOW - 9, NOW - 4)
    assert repaired(plan) == {"timestamps-future"}
    assert refused(plan_of(base_store() | {"a.meta": lying.popitem()[1] + lines(txn(0, 0))})) == "timestamps-future"


@pytest.mark.parametrize(
    ("there", "date"),
    [
        ({}, NOW),
        (times(NOW, {}), NOW + 1),
        (times(NOW + 30, {}), NOW + 31),
        (times(NOW - 9, {}, f"compaction_timestamps_{NOW}.meta"), NOW + 1),
    ],
    ids=["none", "this second", "a clock a little ahead", "the name is taken"],
)
def test_the_new_record_is_later_than_all_and_its_name_is_new(there: Files, date: int) -> None:
    plan = plan_of(base_store() | there)
    record = changes(plan).record
    assert record is not None
    assert record.handle == f"metadata/compaction_timestamps_{date}.meta"
    assert record.content.startswith(b'{"CompactionTimestamps":{"file_compacted_at":%d,' % date)
    assert repaired(plan) == (set() if date == NOW else {"timestamps-same-second"})


def test_the_name_of_a_retired_record_is_not_used_again() -> None:
    record = changes(plan_of(base_store(), {f"compaction_timestamps_{NOW}.meta": b""})).record
    assert record is not None
    assert record.handle == f"metadata/compaction_timestamps_{NOW + 1}.meta"


def test_the_greatest_grace_expires_nothing_and_overflows_nowhere() -> None:
    store = base_store() | times(NOW - DAY, {"transaction_0-0.meta": NOW - DAY})
    change = changes(plan_of(store, options=CompactionOptions(100, 100, 100, U64_MAX)))
    assert change.retires == ()
    assert stamps_of(change)["transaction_0-0.meta"] == NOW


def test_another_file_system_is_no_obstacle() -> None:
    files = {f"metadata/{name}": data for name, data in base_store().items()}
    files |= {"metadata/t.meta": lines(TimestampsRecord(NOW - DAY, {"metadata/transaction_0-0.meta": NOW - 2 * DAY}))}
    snapshot = take_snapshot(MemoryReader(files, one_device=False), FixedHost(NOW))
    plan = plan_compaction(snapshot, HUNDRED, NOW)
    assert len(changes(plan).retires) == 1
    assert repaired(plan) == {"backup-dir-cross-device"}


# Refusals


@pytest.mark.parametrize("factor", [1, 2, 3, 100])
@pytest.mark.parametrize(
    ("entries", "inside", "across"),
    [
        ([txn(0, 9), txn(10, 19, "a"), txn(10, 19, "b"), txn(20, 29)], "overlap-manifest", "compaction-bakes-conflict"),
        ([txn(0, 9), txn(10, 19), txn(15, 29)], "overlap-nested", "compaction-bakes-conflict"),
        ([txn(0, 9), txn(10, 19), txn(30, 39)], "gap-range", "compaction-blind-gap"),
        ([epoch(0, 0, 0, 0), epoch(1, 1, 5, 5), epoch(3, 3, 9, 9)], "epoch-gap", "compaction-blind-gap"),
    ],
    ids=["same range", "overlap", "gap", "epoch gap"],
)
def test_what_does_not_follow_is_refused_wherever_groups_begin(
    entries: list[Record], inside: str, across: str, factor: int
) -> None:
    snapshot = snapshot_of(numbered(*entries))
    options = CompactionOptions(factor, factor, factor)
    engine = Engine(reader_of(numbered(*entries)), FakeMachine(NOW))
    report = engine.check(snapshot)
    plan = engine.plan_compaction(snapshot, options, report)
    assert refused(plan) in {inside, across}
    assert plan.refusal is not None
    assert plan.refusal.zone in report.zones
    assert plan.refusal.kind == refused(engine.plan_compaction(snapshot, options))
    assert (plan.refusal.stock_says is None) == (plan.refusal.kind == across)


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({}, "empty-listing-new-identity"),
        ({"identity.meta": base_store()["identity.meta"]}, "vacuous-verify"),
        (base_store() | {"x.meta": b"{"}, "bad-json-line"),
        (base_store() | {"x.meta": b"\n"}, "blank-line"),
        (numbered(txn(0, 9), txn(10, 3)), "inverted-range"),
        (numbered(txn(0, 9), txn(10, U64_MAX)), "version-u64-max"),
        (zipped(base_store()) | {"x.meta": lines(txn(0, 0))}, "plain-vs-gzip-store"),
        (base_store() | {"x.meta": gzipped(lines(txn(0, 0)))}, "plain-vs-gzip-store"),
        (zipped(base_store()) | {"x.meta": gzipped(b"")[:-1]}, "foreign-file-in-metadata"),
    ],
    ids=[
        *("nothing", "no entry", "bad line", "blank line", "inverted", "overflow"),
        *("plain among gzip", "gzip among plain", "cut gzip"),
    ],
)
def test_what_can_not_be_compacted_is_refused(files: Files, kind: str) -> None:
    assert refused(plan_of(files)) == kind


def test_a_store_of_both_forms_is_refused_with_the_files_of_the_rarer_one() -> None:
    refusal = plan_of(base_store() | {"x.meta": gzipped(lines(txn(0, 0)))}).refusal
    assert refusal is not None
    assert refusal.explanation.startswith("1 file of metadata/ is gzip and 8 plain. In gzip form: metadata/x.meta. ")
    assert refusal.stock_says == "stream did not contain valid UTF-8"
    assert refusal.next_step == "seamline check memory"


def test_snapshots_of_one_epoch_are_refused_at_factor_one_with_a_factor_that_works() -> None:
    plan = plan_of(base_store() | {"again.meta": lines(state(1, 90), state(1, 80))}, options=ONE)
    assert refused(plan) == "compacted-name-collision"
    assert plan.refusal is not None
    assert plan.refusal.next_step == "seamline compact memory --state-snapshot-file-compact-factor 2 --dry-run"


def test_a_chain_that_does_not_begin_at_zero_is_compacted() -> None:
    assert names(changes(plan_of(numbered(txn(7, 9), txn(10, 19))))) == ["transaction_compacted_7-19.meta"]


@pytest.mark.parametrize(("ahead", "behind"), [(60, False), (61, True), (3 * DAY, True)])
def test_a_clock_behind_the_store_is_refused_with_the_skew(ahead: int, behind: bool) -> None:
    plan = plan_of(base_store(), written={"transaction_0-0.meta": NOW + ahead})
    assert (plan.refusal is not None) == behind
    if plan.refusal is not None:
        assert plan.refusal.kind == "timestamps-back"
        assert f"{ahead:,} seconds" in plan.refusal.explanation
        assert plan.refusal.next_step == ("date -u && ls -l --full-time -- memory/metadata/transaction_0-0.meta")


def test_a_record_ahead_of_the_clock_whose_file_is_as_young_shows_the_clock() -> None:
    store = base_store() | times(NOW + 3_000, {}, "t.meta")
    assert refused(plan_of(store, written={"t.meta": NOW - 30})) == "timestamps-back"
    assert changes(plan_of(store, written={"t.meta": NOW - 700})).retires[0].source == "metadata/t.meta"


@pytest.mark.parametrize("content", [b"", lines(txn(0, 0)), lines(txn(0, 0), txn(1, 100), txn(101, 200))[:-1]])
def test_a_young_file_that_looks_torn_is_left_to_its_writer(content: bytes) -> None:
    name = "transaction_compacted_0-200.meta"
    young = plan_of(base_store() | {name: content}, written={name: NOW - 59})
    assert refused(young) == "read-while-written"
    assert young.refusal is not None and young.refusal.explanation.endswith("Try again in 1 second, at 22:13:21 UTC")
    assert plan_of(base_store() | {name: content}, written={name: NOW - 60}).refusal is None
    whole = lines(txn(0, 0), txn(1, 100), txn(101, 200))
    assert plan_of(base_store() | {name: whole}, written={name: NOW - 5}).refusal is None


@pytest.mark.parametrize(
    "options", [CompactionOptions(0, 1, 1), CompactionOptions(1, 0, 1), CompactionOptions(1, 1, 0)]
)
def test_a_factor_of_zero_is_a_usage_error(options: CompactionOptions) -> None:
    with pytest.raises(UsageError, match="factor of 0"):
        plan_of(base_store(), options=options)


def test_a_store_that_was_not_read_to_its_end_is_not_planned_on() -> None:
    snapshot = snapshot_of(base_store())
    half = replace(snapshot, index=replace(snapshot.index, complete=False))
    with pytest.raises(StoreUnreachable, match="8 of 8 files"):
        plan_compaction(half, HUNDRED, NOW)
    half = replace(snapshot, retired=replace(snapshot.retired, complete=False))
    with pytest.raises(StoreUnreachable):
        plan_compaction(half, HUNDRED, NOW)


def test_a_backup_folder_that_can_not_be_listed_hides_names_that_were_used() -> None:
    class Unlisted(MemoryReader):
        def list_folder(self, folder: str) -> list[Listed]:
            if folder == "metadata_backup":
                raise StoreUnreachable("permission denied")
            return super().list_folder(folder)

    files = {f"metadata/{name}": data for name, data in base_store().items()}
    with pytest.raises(StoreUnreachable, match="metadata_backup/ can't be listed: permission denied"):
        plan_compaction(take_snapshot(Unlisted(files), FixedHost(NOW)), HUNDRED, NOW)


def test_a_file_too_large_to_read_is_refused_as_nothing_is_known_of_its_lines() -> None:
    snapshot = take_snapshot(reader_of(base_store()), FixedHost(NOW), limits=Limits(file_bytes=110))
    assert refused(plan_compaction(snapshot, HUNDRED, NOW)) == "foreign-file-in-metadata"


# Example stores

#: What becomes of the example stores of the catalogue at factor 100: refused for a reason, or planned with repairs.
REFUSED = {
    "bad-encoding": "bad-encoding",
    "bad-json-line": "bad-json-line",
    "blank-line": "blank-line",
    "boundary-shift": "overlap-nested",
    "compaction-abort-midway": "overlap-manifest",
    "compaction-bakes-conflict": "overlap-manifest",
    "compaction-blind-gap": "gap-range",
    "empty-meta-file": "gap-range",
    "epoch-gap": "epoch-gap",
    "foreign-file-in-metadata": "foreign-file-in-metadata",
    "gap-range": "gap-range",
    "inverted-range": "inverted-range",
    "list-placeholder": "list-placeholder",
    "max-by-first": "overlap-nested",
    "plain-vs-gzip-store": "bad-json-line",
    "rebackup-after-compaction": "overlap-manifest",
    "two-coordinators": "overlap-nested",
    "vacuous-verify": "empty-listing-new-identity",
    "version-u64-max": "version-u64-max",
}
REPAIRED = {
    "compaction-wedge-missing-file": {"compaction-wedge-missing-file"},
    "name-content-disagree": {"partial-compacted-file"},
    "timestamps-back": {"timestamps-back"},
    "timestamps-future": {"timestamps-future"},
    "timestamps-overflow": {"timestamps-overflow"},
    "timestamps-tie": {"timestamps-tie", "compaction-wedge-missing-file"},
}
STORES = sorted({path.name for path in data_path("hazard-stores").iterdir() if path.is_dir()} | {"vacuous-verify"})


@pytest.mark.parametrize("name", STORES)
def test_every_example_store_is_planned_or_refused_as_the_table_says(name: str, tmp_path: Path) -> None:
    engine = Engine(LocalReader(str(hazard_store(name, tmp_path))), FakeMachine(LOOKED_AT))
    snapshot = engine.look()
    report = engine.check(snapshot)
    plan = engine.plan_compaction(snapshot, HUNDRED, report)
    if name in REFUSED:
        assert refused(plan) == REFUSED[name]
    else:
        assert changes(plan).writes
        assert repaired(plan) == REPAIRED.get(name, set())
    for factor in (1, 2, 3):
        small = engine.plan_compaction(snapshot, CompactionOptions(factor, factor, factor), report)
        assert (small.refusal is None) != (small.change_set is None)
