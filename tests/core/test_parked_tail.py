"""A tail that is parked goes only until the gap before it is closed: nothing denies it then."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.changes.model import ChangeSet
from core.journal.denylist import denylist_of
from core.model import Finding, LaneKind
from core.restore import RestoreOptions
from core.stock import restore_plan
from core.storage import LocalReader
from tests.support import stock_model
from tests.support.change_sets import base_folder, engine_on, look_at, metadata_of, operations_on
from tests.support.changed_stores import cut_off
from tests.support.recoveries import change_of, entries_in
from tests.support.repaired_stores import REJECTED, write_again
from tests.support.stores import epoch, txn

GAP = txn(101, 200)
TAIL = (txn(201, 300), txn(301, 400))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Base store B with two entries for 1 to 100, without its entry for 101 to 200, and with two behind that."""
    folder = base_folder(tmp_path / "store")
    (folder / "metadata/transaction_101-200.meta").unlink()
    write_again(folder, REJECTED, *TAIL, name="mixed.meta")
    return folder


def repair_of(store: Path, *, park_tail: bool = False, options: RestoreOptions | None = None) -> ChangeSet:
    engine = engine_on(store)
    return change_of(engine.plan_repair(engine.plan_recovery(engine.look(), options), park_tail=park_tail))


def parking_of(store: Path) -> ChangeSet:
    """The repair that keeps the base store's own entry for 1 to 100, and parks the tail."""
    return repair_of(store, park_tail=True, options=RestoreOptions(vetoes=frozenset({REJECTED.manifest})))


def finding_of(store: Path, kind: str) -> Finding:
    engine = engine_on(store)
    [found] = [each for each in engine.check(engine.look()).findings if each.kind == kind]
    return found


def test_a_parked_tail_comes_back_once_the_gap_is_backed_up_and_what_was_rejected_does_not(store: Path) -> None:
    parking = parking_of(store)
    assert (parking.rejected, parking.parked) == ((REJECTED,), TAIL)
    applied = operations_on(store).apply(parking)
    assert not applied.outcome.notes
    assert restore_plan(look_at(store).index, None).lands_at == 100
    assert set(denylist_of(LocalReader(str(store)), look_at(store))) == {REJECTED}
    for park_tail in (False, True):
        assert repair_of(store, park_tail=park_tail).is_empty
    told = finding_of(store, "gap-range")
    assert (told.first, told.last) == (201, 400) and "A repair parked them" in told.cause
    assert "--start-version 101 --num_transactions 100" in told.next_step

    write_again(store, GAP, name="transaction_101-200.meta")
    assert finding_of(store, "gap-range").next_step == f"seamline repair {store} --dry-run"
    again = repair_of(store)
    assert again.added == TAIL and not again.retires
    operations_on(store).apply(again)
    assert restore_plan(look_at(store).index, None).lands_at == 400
    assert REJECTED not in entries_in(look_at(store).index)


def test_a_part_of_a_tail_that_is_visible_again_is_no_rejected_entry(store: Path) -> None:
    operations_on(store).apply(parking_of(store))
    write_again(store, GAP, TAIL[0], name="back.meta")
    engine = engine_on(store)
    assert "resurrected" not in {finding.kind for finding in engine.check(engine.look()).findings}
    assert repair_of(store).added == TAIL[1:]


def test_parking_is_undone_and_redone_to_the_last_byte(store: Path) -> None:
    before = metadata_of(store)
    operations_on(store).apply(parking_of(store))
    parked = metadata_of(store)
    for wanted in (before, parked, before):
        engine = engine_on(store)
        operations_on(store).apply(engine.plan_undo(engine.look(), engine.log()[-1]))
        assert metadata_of(store) == wanted


def test_parking_that_was_cut_off_is_resumed(store: Path) -> None:
    cut_off(store, parking_of(store), steps=0)
    [done] = operations_on(store).resume()
    assert not done.outcome.notes
    assert entries_in(look_at(store).index).isdisjoint({REJECTED, *TAIL})


ENDING = epoch(3, 3, 400, 400)


@pytest.fixture
def ahead(tmp_path: Path) -> Path:
    """Base store B with two entries for 1 to 100, and with an epoch ending above its transactions, behind a gap."""
    folder = base_folder(tmp_path / "ahead")
    write_again(folder, REJECTED, ENDING, name="mixed.meta")
    return folder


def stock_compacts(folder: Path, factor: int) -> str | None:
    """What stock's compaction says at a factor, on a copy."""
    stop = stock_model.compact(metadata_of(folder), {}, (factor,) * 3, 86_400, 2_000_000_000)
    return stop[0] if stop else None


def test_an_epoch_gap_above_all_transactions_is_named_with_what_stops_there(ahead: Path) -> None:
    engine = engine_on(ahead)
    recovery = engine.plan_recovery(engine.look())
    preview = recovery.preview
    assert preview.gaps == () and preview.best is not None and preview.best.lands_at == 200
    [gap] = preview.later_gaps
    assert (gap.lane, gap.first, gap.last) == (LaneKind.EPOCH_ENDINGS, 2, 2)
    [told] = [effect for effect in engine.plan_repair(recovery).side_effects if "behind the gap" in effect]
    assert "a restore works and reads none of them" in told
    assert "stock's verify stops at epoch 2, and so does its compaction at factors above 1" in told

    operations_on(ahead).apply(repair_of(ahead))
    assert restore_plan(look_at(ahead).index, None).lands_at == 200
    assert stock_compacts(ahead, 1) is None
    assert stock_compacts(ahead, 100) == "Epoch ending backup ranges is not continuous expecting epoch 2, got 3"


def test_with_the_epochs_behind_the_gap_parked_stock_compacts_and_they_come_back(ahead: Path) -> None:
    parking = repair_of(ahead, park_tail=True)
    assert parking.parked == (ENDING,)
    operations_on(ahead).apply(parking)
    assert restore_plan(look_at(ahead).index, None).lands_at == 200
    assert [stock_compacts(ahead, factor) for factor in (1, 2, 3, 100)] == [None] * 4
    write_again(ahead, epoch(2, 2, 300, 300), name="epoch_ending_2-2.meta")
    assert repair_of(ahead).added == (ENDING,)


def test_a_target_below_the_gap_does_not_ask_for_it_to_be_filled(ahead: Path) -> None:
    engine = engine_on(ahead)
    preview = engine.plan_recovery(engine.look(), RestoreOptions(target_version=150)).preview
    assert preview.gaps == ()
