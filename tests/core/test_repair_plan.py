"""What a repair plans: just the chosen entries stay visible, by new files only, and stock's compaction keeps it so."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from core.model import Claim, IdentityRecord, LaneKind, RangeRecord, TimestampsRecord
from core.names import parse_metadata_name
from core.recovery import Recovery
from core.recovery.plan import plan_recovery
from core.repair import outputs, plan_repair
from core.restore import RestoreOptions
from core.snapshot import Snapshot
from tests.support.data import stock_vectors
from tests.support.gzipped import gzipped, zipped
from tests.support.recoveries import (
    REPAIRED,
    Repaired,
    change_of,
    derived_transactions,
    no_records,
    nothing,
    old_snapshot,
    recovery_of,
    timed,
)
from tests.support.stores import NOW, epoch, lines, reader_of, state, txn

RIVAL = txn(100, 199, "transaction_100-.bbbb/transaction.manifest")
CHAIN = [txn(first, first + 99) for first in range(0, 10_000, 100)]
GROUND: dict[str, bytes] = {
    "identity.meta": lines(IdentityRecord("ab" * 32)),
    "epoch_ending_0-0.meta": lines(epoch(0, 0, 0, 0)),
    "state_snapshot_ver_0.meta": lines(state(0, 0)),
}


def stored(**files: bytes) -> dict[str, bytes]:
    """A store with these files beside what every store has; names without their ending."""
    return GROUND | {f"{name}.meta": content for name, content in files.items()}


def without(*records: RangeRecord) -> Callable[[Snapshot], Recovery]:
    """The recovery that rejects just these."""
    return lambda snapshot: recovery_of(snapshot, no_records(*records))


def test_one_bad_line_in_a_compacted_file_costs_none_of_the_99_good_ones() -> None:
    good = [record for record in CHAIN if record.first_version != 100]
    compacted = lines(*CHAIN[:1], RIVAL, *CHAIN[1:])
    store = Repaired(stored(mixed=compacted)).by(without(RIVAL))
    [write] = store.change.writes
    assert write.content == lines(*CHAIN) and len(CHAIN) == len(good) + 1
    assert write.lines == 100 and [move.source for move in store.change.retires] == ["metadata/mixed.meta"]
    name = parse_metadata_name(write.handle.removeprefix("metadata/"))
    assert name is not None and name.repaired and (name.first, name.last) == (0, 9_999)
    assert store.stock_lands_at() == 9_999
    store.survives()


def test_a_good_line_that_an_untouched_file_holds_is_not_written_again() -> None:
    store = Repaired(stored(mixed=lines(CHAIN[0], RIVAL, CHAIN[1]), other=lines(CHAIN[1], CHAIN[2])))
    store.by(without(RIVAL))
    [write] = store.change.writes
    assert write.content == lines(CHAIN[0])
    assert "other.meta" in store.listed
    store.survives()


def test_every_file_that_holds_the_bad_line_goes_and_what_they_share_is_written_once() -> None:
    files = {f"copy{number}": lines(CHAIN[0], RIVAL, CHAIN[1]) for number in range(3)}
    store = Repaired(stored(**files, alone=lines(RIVAL))).by(without(RIVAL))
    assert [write.content for write in store.change.writes] == [lines(*CHAIN[:2])]
    assert len(store.change.retires) == 4
    assert {move.because for move in store.change.retires} == {"it holds 1 line that must not be seen"}
    store.survives()


def test_of_a_file_that_mixes_kinds_each_kind_goes_into_a_file_of_its_own() -> None:
    mixed = lines(
        TimestampsRecord(NOW, {"metadata/mixed.meta": None}),
        IdentityRecord("cd" * 32),
        epoch(1, 1, 50, 50),
        RIVAL,
        state(1, 50),
        *CHAIN[:2],
    )
    store = Repaired(stored(mixed=mixed)).by(without(RIVAL))
    named = {write.handle.rpartition("_")[0]: write.content for write in store.change.writes}
    assert named == {
        "metadata/epoch_ending_repair_1-1": lines(epoch(1, 1, 50, 50)),
        "metadata/transaction_repair_0-199": lines(*CHAIN[:2]),
        "metadata/state_snapshot_repair_epoch_1_1": lines(state(1, 50)),
        "metadata/identity_repair": lines(IdentityRecord("cd" * 32)),
    }
    assert store.change.record is not None
    store.survives()


def test_bytes_are_copied_as_they_were() -> None:
    odd = lines(CHAIN[0]).replace(b":0,", b": 0 ,").replace(b"\n", b"\r\n")
    store = Repaired(stored(mixed=odd + lines(RIVAL, CHAIN[1])[:-1])).by(without(RIVAL))
    assert store.change.writes[0].content == odd + lines(CHAIN[1])


def test_the_tail_behind_a_gap_stays_and_is_told_or_is_parked() -> None:
    tail = [txn(500, 599), txn(600, 699)]
    files = stored(mixed=lines(CHAIN[0], RIVAL, *CHAIN[1:3]), tail=lines(*tail))

    def store(*, park_tail: bool) -> Repaired:
        repair = Repaired(files)
        return repair.by(
            lambda snapshot: recovery_of(snapshot, no_records(RIVAL), tail=no_records(*tail)), park_tail=park_tail
        )

    kept, parked = store(park_tail=False), store(park_tail=True)
    assert kept.stock_lands_at(299) == 299
    assert "not continuous, expecting version 300, got 500" in str(kept.stock_lands_at())
    assert any("stay visible" in effect for effect in kept.plan.side_effects)
    assert parked.stock_lands_at() == 299
    assert parked.change.rejected == (RIVAL,) and parked.change.parked == tuple(tail)
    assert kept.change.parked == ()
    assert any("set aside as well" in effect for effect in parked.plan.side_effects)
    parked.survives()


def test_a_name_that_metadata_backup_has_already_is_left_alone_there() -> None:
    backup = {"mixed.meta": lines(txn(7, 9)), "mixed.meta.1": b""}
    store = Repaired(stored(mixed=lines(CHAIN[0], RIVAL)), backup).by(without(RIVAL))
    assert [move.target for move in store.change.retires] == ["metadata_backup/mixed.meta.2"]
    assert store.retired["mixed.meta"] == lines(txn(7, 9))


def test_no_name_is_used_that_other_content_has_or_had() -> None:
    files = stored(mixed=lines(*CHAIN[:1], RIVAL, CHAIN[1]))
    [usual] = Repaired(files).by(without(RIVAL)).change.writes
    name = usual.handle.removeprefix("metadata/")
    for backup in ({name: b"other\n"}, {f"{name}.3": b"other\n"}):
        assert Repaired(files, backup).by(without(RIVAL)).change.writes[0].handle != usual.handle
    listed = files | {name: lines(CHAIN[2])}
    assert Repaired(listed).by(without(RIVAL)).change.writes[0].handle != usual.handle
    again = change_of(plan_repair(without(RIVAL)(old_snapshot(files, {name: usual.content})), REPAIRED))
    assert again.writes[0].handle == usual.handle


def test_the_record_is_written_anew_without_what_goes() -> None:
    stamps = {
        "metadata/mixed.meta": NOW,
        "metadata/stays.meta": NOW + 5,
        "metadata/gone.meta": NOW,
        "metadata/identity.meta": NOW,
        "metadata/fresh.meta": None,
    }
    files = stored(mixed=lines(CHAIN[0], RIVAL), stays=lines(CHAIN[1]), fresh=lines(CHAIN[2]))
    files["compaction_timestamps_1.meta"] = lines(TimestampsRecord(NOW + 9, stamps))
    store = Repaired(files).by(without(RIVAL))
    [record] = [record for record, _ in store.index.timestamps if record.file_compacted_at != NOW + 9]
    assert record.file_compacted_at == REPAIRED
    [new] = [write.handle for write in store.change.writes]
    assert record.compaction_timestamps == {"metadata/stays.meta": NOW + 5}
    assert new.removeprefix("metadata/") in store.listed
    store.survives()


def test_a_record_that_names_nothing_that_goes_needs_no_other() -> None:
    files = stored(mixed=lines(CHAIN[0], RIVAL), stays=lines(CHAIN[1]))
    assert Repaired(files).by(without(RIVAL)).change.record is None
    files["compaction_timestamps_1.meta"] = lines(TimestampsRecord(NOW, {"metadata/stays.meta": NOW}))
    assert Repaired(files).by(without(RIVAL)).change.record is None


def test_records_in_a_file_that_goes_are_taken_over() -> None:
    times = TimestampsRecord(NOW, {"metadata/stays.meta": NOW + 5})
    older = lines(TimestampsRecord(NOW - 9, {"metadata/stays.meta": 1, "metadata/gone.meta": NOW}))
    files = stored(mixed=lines(times, CHAIN[0], RIVAL), stays=lines(CHAIN[1]), older=older)
    store = Repaired(files).by(without(RIVAL))
    newest = max((record for record, _ in store.index.timestamps), key=lambda record: record.file_compacted_at)
    assert newest.compaction_timestamps["metadata/stays.meta"] == NOW + 5
    store.survives()


def test_a_record_dated_ahead_goes_with_its_file_and_its_other_lines_stay() -> None:
    lying = TimestampsRecord(NOW + 900_000_000, {"metadata/mixed.meta": NOW})
    files = stored(mixed=lines(CHAIN[0], RIVAL), lying=lines(lying, CHAIN[1]))
    store = Repaired(files).by(without(RIVAL))
    assert {move.source for move in store.change.retires} == {"metadata/mixed.meta", "metadata/lying.meta"}
    assert [record.file_compacted_at for record, _ in store.index.timestamps] == [REPAIRED]
    store.survives()


def test_with_a_clock_behind_the_store_no_record_is_written() -> None:
    ahead = TimestampsRecord(NOW + 900_000_000, {"metadata/mixed.meta": NOW})
    files = stored(mixed=lines(CHAIN[0], RIVAL), ahead=lines(ahead))
    plan = plan_repair(without(RIVAL)(timed(files, {"ahead.meta": NOW + 900_000_000})), REPAIRED)
    assert plan.refusal is not None and plan.refusal.kind == "timestamps-back"


def test_a_torn_file_goes_and_its_lost_lines_come_back_from_metadata_backup() -> None:
    torn = "transaction_compacted_0-399.meta"
    backup = {f"transaction_{each.first_version}-{each.last_version}.meta": lines(each) for each in CHAIN[:4]}
    lost = [(CHAIN[n], Claim(f"metadata_backup/transaction_{n}00-{n}99.meta", 1)) for n in (3, 2)]
    store = Repaired(GROUND | {torn: lines(*CHAIN[:2]), "transaction_400-499.meta": lines(CHAIN[4])}, backup)
    store.by(lambda snapshot: recovery_of(snapshot, recovered=lost))
    assert [write.content for write in store.change.writes] == [lines(*CHAIN[:4])]
    assert [(move.source, move.because) for move in store.change.retires] == [
        (f"metadata/{torn}", "it holds less than its name says")
    ]
    assert store.change.added == (CHAIN[2], CHAIN[3])
    assert store.stock_lands_at() == 499
    store.survives()


def test_a_compacted_name_is_left_to_no_file_that_lacks_a_line_of_its_range() -> None:
    # A hole in the middle: the name agrees with the ends, and stock would trust it all the same.
    holed = {"transaction_compacted_0-299.meta": lines(CHAIN[0], CHAIN[2]), "transaction_100-199.meta": lines(CHAIN[1])}
    store = Repaired(GROUND | holed | {"rival.meta": lines(RIVAL)}).by(without(RIVAL))
    assert "transaction_compacted_0-299.meta" not in store.listed
    store.survives()
    whole = {
        "transaction_compacted_0-299.meta": lines(*CHAIN[:3]),
        "transaction_compacted_0-199.meta": lines(*CHAIN[:2]),
    }
    store = Repaired(GROUND | whole | {"rival.meta": lines(RIVAL)}).by(without(RIVAL))
    assert whole.keys() <= store.listed.keys()
    store.survives()


@pytest.mark.parametrize("name", ["transaction_compacted_0-199.meta", "epoch_ending_compacted_0-1.meta"])
def test_an_empty_compacted_file_goes(name: str) -> None:
    store = Repaired(stored(mixed=lines(*CHAIN[:2])) | {name: b""}).by(recovery_of)
    assert name not in store.listed
    assert not store.change.writes
    store.survives()


def test_an_empty_file_of_another_name_stays_as_stock_reads_it() -> None:
    store = Repaired(stored(mixed=lines(*CHAIN[:2]), empty=b"")).by(recovery_of)
    assert store.change.is_empty


@pytest.mark.parametrize(
    "garbage", [b"not json\n", b"\n", b"\xff\xfe\n", b'{"TransactionBackup":{"first_ver', b"{}\n" * 5]
)
def test_what_stock_cant_read_goes_and_the_good_lines_beside_it_stay(garbage: bytes) -> None:
    store = Repaired(stored(bad=lines(CHAIN[0]) + garbage, good=lines(CHAIN[1])))
    store.by(recovery_of)
    assert [write.content for write in store.change.writes] == [lines(CHAIN[0])]
    assert "stock can't read" in store.change.retires[0].because
    assert store.change.rejected == ()
    assert any("that stock can't read go" in effect for effect in store.plan.side_effects)
    assert store.stock_lands_at() == 199
    store.survives()


def test_a_derived_manifest_is_written_beside_its_line() -> None:
    whole, cut = (
        txn(100, 299, "whole/transaction.manifest"),
        derived_transactions(200, 299, "whole/transaction.manifest"),
    )
    files = stored(a=lines(*CHAIN[:2]), b=lines(whole, CHAIN[3]))
    store = Repaired(files).by(lambda snapshot: recovery_of(snapshot, no_records(whole), derived=[cut]))
    assert [(write.handle, write.content) for write in store.change.derived] == [(cut.record.manifest, cut.content)]
    assert store.change.writes[0].content == lines(cut.record, CHAIN[3])
    assert store.stock_lands_at() == 399
    assert any("1 derived manifest is written" in effect for effect in store.plan.side_effects)
    store.survives()


def test_a_snapshot_tie_is_settled_and_the_file_of_the_winner_is_untouched() -> None:
    winner, loser = (
        state(1, 150, "state_epoch_1_ver_150.aaaa/state.manifest"),
        state(1, 150, "state_epoch_1_ver_150.bbbb/s"),
    )
    files = stored(a=lines(*CHAIN[:2]), tie=lines(loser, state(2, 160)), won=lines(winner))
    store = Repaired(files).by(without(loser))
    assert [write.handle.rpartition("_")[0] for write in store.change.writes] == [
        "metadata/state_snapshot_repair_epoch_2_2"
    ]
    assert "won.meta" in store.listed
    store.survives()


def test_a_repaired_store_has_nothing_to_do() -> None:
    store = Repaired(stored(mixed=lines(CHAIN[0], RIVAL, CHAIN[1]))).by(without(RIVAL))
    again = Repaired(store.listed, store.retired).by(without(RIVAL))
    assert again.change.is_empty and again.plan.side_effects == ()


def test_planning_again_gives_the_same_plan() -> None:
    files = stored(mixed=lines(CHAIN[0], RIVAL, CHAIN[1]))
    first, second = (Repaired(files).by(without(RIVAL)).change for _ in range(2))
    assert first.plan_id == second.plan_id
    kept = change_of(plan_repair(recovery_of(old_snapshot(files), nothing), REPAIRED))
    assert kept.plan_id != first.plan_id


def test_side_effects_name_the_coordinator_and_the_caches() -> None:
    files = GROUND | {"transaction_compacted_0-199.meta": lines(CHAIN[0], RIVAL, CHAIN[1], txn(150, 400))}
    store = Repaired(files).by(without(RIVAL, txn(150, 400)))
    told = " ".join(store.plan.side_effects)
    assert "coordinator keeps its position in memory" in told
    assert "resumes behind version 199, the greatest in metadata/ (before: 400)" in told
    assert "keep 1 retired file until their next sync" in told
    assert "transaction_compacted_0-199.meta again with other lines" in told


def refusal(files: dict[str, bytes], *rejected: RangeRecord, **options: float) -> str:
    plan = plan_repair(without(*rejected)(timed(files, options)), REPAIRED)
    assert plan.change_set is None and plan.refusal is not None and plan.refusal.next_step
    return plan.refusal.kind


def test_the_last_entry_of_a_lane_is_never_retired() -> None:
    assert refusal(GROUND | {"a.meta": lines(RIVAL)}, RIVAL) == "vacuous-verify"
    assert refusal({"bad.meta": b"nothing\n"}) == "vacuous-verify"


def test_a_name_that_cant_be_moved_stands_in_the_way() -> None:
    assert refusal(GROUND | {"a\\b.meta": lines(CHAIN[0], RIVAL, CHAIN[1])}, RIVAL) == "own-handle-rule"


def test_lines_that_only_an_odd_name_holds_besides_are_written_again() -> None:
    files = stored(mixed=lines(CHAIN[0], RIVAL, CHAIN[1])) | {"a\\b.meta": lines(CHAIN[0])}
    store = Repaired(files).by(without(RIVAL))
    assert store.change.writes[0].content == lines(*CHAIN[:2])


def test_damaged_files_that_may_be_written_just_now_are_left_alone() -> None:
    plan = plan_repair(recovery_of(timed(stored(a=lines(CHAIN[0]), bad=b"{"), {"bad.meta": REPAIRED - 5})), REPAIRED)
    assert plan.refusal is not None and plan.refusal.kind == "read-while-written"
    assert plan.refusal.explanation.endswith("Try again in 55 seconds, at 22:14:15 UTC")


@pytest.mark.parametrize(("written", "wait"), [(-0.5, 60), (-59.5, 1), (20, 80), (-58.2, 2)])
def test_what_was_told_of_when_to_try_again_is_true_to_the_second(written: float, wait: int) -> None:
    seen = timed(stored(a=lines(CHAIN[0]), bad=b"{"), {"bad.meta": REPAIRED + written})

    def kind(now: int) -> str | None:
        refused = plan_repair(recovery_of(seen), now).refusal
        return refused.kind if refused else None

    plan = plan_repair(recovery_of(seen), REPAIRED)
    assert plan.refusal is not None and f"Try again in {wait} second" in plan.refusal.explanation
    assert [kind(REPAIRED + wait - 1), kind(REPAIRED + wait)] == ["read-while-written", None]


@pytest.mark.parametrize("before", ["", "not json\n" * 30])
def test_a_file_that_a_newer_tool_may_have_written_is_never_rewritten(before: str) -> None:
    newer = before.encode() + b'{"ChunkIndexBackup":{}}\n'
    plan = plan_repair(recovery_of(old_snapshot(stored(a=lines(*CHAIN[:2]), newer=lines(RIVAL) + newer))), REPAIRED)
    assert plan.change_set is None and plan.refusal is not None and plan.refusal.kind == "unknown-variant"
    line = 2 + before.count("\n")
    assert f"metadata/newer.meta line {line} is of a kind that is not known here" in plan.refusal.explanation
    assert plan.refusal.next_step == f"sed -n {line}p -- memory/metadata/newer.meta | cat -v"
    assert plan.refusal.then.startswith("If a newer stock tool wrote it")
    assert plan.refusal.stock_says is not None and "unknown variant `ChunkIndexBackup`" in plan.refusal.stock_says


def test_a_file_of_nothing_but_lines_of_an_unknown_kind_can_be_set_aside_by_hand() -> None:
    plan = plan_repair(recovery_of(old_snapshot(stored(a=lines(*CHAIN[:2]), other=b'{"name":1}\n'))), REPAIRED)
    assert plan.refusal is not None and plan.refusal.kind == "unknown-variant"
    aside = "memory/metadata_quarantine"
    assert plan.refusal.next_step == f"mkdir -p -- {aside} && mv -n -- memory/metadata/other.meta {aside}/"


@pytest.mark.parametrize("rare", ["gzip", "plain"])
def test_a_store_of_both_forms_is_not_repaired(rare: str) -> None:
    files = stored(mixed=lines(CHAIN[0], RIVAL, CHAIN[1]))
    files = (files if rare == "gzip" else zipped(files)) | {"x.meta": lines(CHAIN[0])}
    files["x.meta"] = gzipped(files["x.meta"]) if rare == "gzip" else files["x.meta"]
    assert refusal(files, RIVAL) == "plain-vs-gzip-store"
    plan = plan_repair(without(RIVAL)(old_snapshot(files)), REPAIRED)
    assert plan.refusal is not None and f"In {rare} form: metadata/x.meta. " in plan.refusal.explanation
    assert plan.refusal.next_step == "seamline check memory"


def test_a_repair_that_would_not_help_is_not_begun() -> None:
    # The recovery promises version 199 but leaves the rival in place.
    files = stored(mixed=lines(CHAIN[0], RIVAL, CHAIN[1]), other=lines(txn(100, 150, "short/t")))
    recovery = recovery_of(old_snapshot(files), no_records(txn(100, 150, "short/t")), options=RestoreOptions())
    plan = plan_repair(recovery, REPAIRED)
    assert plan.refusal is not None and plan.refusal.kind == "own-two-selectors"
    assert plan.refusal.stock_says


def test_the_greatest_numbers_are_named_like_all_others() -> None:
    top = 2**64 - 1
    files = stored(mixed=lines(CHAIN[0], RIVAL, CHAIN[1], txn(200, top - 1)))
    store = Repaired(files).by(without(RIVAL))
    assert store.change.writes[0].handle.startswith(f"metadata/transaction_repair_0-{top - 1}_")
    store.survives()
    assert LaneKind.TRANSACTIONS in store.change.lanes


def test_more_lines_than_are_read_of_one_file_go_into_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "MAX_FILE_LINES", 40)
    monkeypatch.setattr(outputs, "_BLOCK_LINES", 15)
    store = Repaired(stored(mixed=lines(*CHAIN[:1], RIVAL, *CHAIN[1:]))).by(without(RIVAL))
    assert [write.lines for write in store.change.writes] == [30, 30, 40]
    assert b"".join(write.content for write in store.change.writes) == lines(*CHAIN)
    store.survives()


def test_repaired_stores_of_the_vectors_survive_the_next_stock_compactions() -> None:
    survived = 0
    for case in stock_vectors("selection")[::4]:
        metadata = {name: content.encode() for name, content in case["metadata"].items()}
        recovery = plan_recovery(reader_of(metadata), old_snapshot(metadata))
        plan = plan_repair(recovery, REPAIRED)
        if plan.change_set is None or plan.change_set.is_empty or any(map(len, recovery.tail.values())):
            continue
        store = Repaired(metadata).by(partial(plan_recovery, reader_of(metadata)))
        store.survives()
        survived += 1
    assert survived > 10
