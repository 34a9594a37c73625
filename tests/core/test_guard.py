"""What makes a store worse, and how a guard's journal tells what a command did."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.changes.bundle import marks_in_bundle
from core.changes.guarded import closed_outcome
from core.changes.marks import FileMark, read_marks
from core.engine import Report
from core.errors import LeaseHeld, Refused
from core.guard import _worse, new_problems
from core.journal import OperationState
from core.storage import LocalReader
from tests.support.change_sets import base_folder, engine_on, metadata_of, operations_on
from tests.support.changed_stores import cut_off, planned
from tests.support.machines import FakeMachine
from tests.support.stores import base_store, lines, txn

LAST = "transaction_101-200.meta"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return base_folder(tmp_path / "store")


def report(store: Path) -> Report:
    engine = engine_on(store)
    return engine.check(engine.look())


def test_nothing_is_worse_when_nothing_happened(store: Path) -> None:
    assert list(_worse(report(store), report(store))) == []


def test_a_compaction_makes_nothing_worse(store: Path) -> None:
    before = report(store)
    operations_on(store).apply(planned(store))
    assert list(_worse(before, report(store))) == []


def test_a_repair_makes_nothing_worse(store: Path) -> None:
    (store / "metadata" / "x.meta").write_bytes(b"{")
    before = report(store)
    (store / "metadata" / "x.meta").unlink()
    assert list(_worse(before, report(store))) == []


def test_a_second_trouble_of_a_kind_is_new(store: Path) -> None:
    (store / "metadata" / "a.meta").write_bytes(lines(txn(0, 0, "a/transaction.manifest")))
    before = report(store)
    (store / "metadata" / "b.meta").write_bytes(lines(txn(101, 200, "b/transaction.manifest")))
    fresh = {(each.kind, each.first) for each in new_problems(before, report(store))}
    assert ("overlap-manifest", 101) in fresh
    assert ("overlap-manifest", 0) not in fresh


def test_the_same_trouble_in_another_file_is_not_new(store: Path) -> None:
    path = store / "metadata" / "a.meta"
    path.write_bytes(lines(txn(1, 100, "a/transaction.manifest")))
    before = report(store)
    path.rename(path.with_name("b.meta"))
    assert new_problems(before, report(store)) == ()


def test_the_bundle_of_a_guard_holds_everything_that_was_there(store: Path) -> None:
    with operations_on(store).guarding(("true",)) as guarding:
        guarding.begin()
        reader = LocalReader(str(store))
        assert marks_in_bundle(reader, guarding.operation) == read_marks(reader, "metadata")
        applied = guarding.ended(0)
    assert (applied.outcome.came, applied.outcome.gone, applied.outcome.changed) == ((), (), ())
    [operation] = engine_on(store).log()
    assert (operation.state, operation.fault) == (OperationState.DONE, None)
    assert operation.intent is not None and operation.intent.command == ("true",)


def test_the_outcome_tells_what_came_went_and_changed(store: Path) -> None:
    with operations_on(store).guarding(("x",)) as guarding:
        guarding.begin()
        (store / "metadata" / LAST).unlink()
        (store / "metadata" / "new.meta").write_bytes(b"")
        (store / "metadata" / "identity.meta").write_bytes(b"x")
        outcome = guarding.ended(0).outcome
    told = [[mark.handle for mark in marks] for marks in (outcome.came, outcome.gone, outcome.changed)]
    assert told == [["metadata/new.meta"], [f"metadata/{LAST}"], ["metadata/identity.meta"]]
    assert outcome.gone[0] == FileMark(f"metadata/{LAST}", len(base_store()[LAST]), outcome.gone[0].digest)


def test_no_guard_begins_beside_an_interrupted_operation(store: Path) -> None:
    cut_off(store, planned(store))
    with operations_on(store).guarding(("x",)) as guarding, pytest.raises(Refused, match="was interrupted"):
        guarding.begin()


def test_a_guard_that_was_cut_off_is_not_closed_while_its_command_runs(store: Path) -> None:
    machine = FakeMachine()
    with operations_on(store, machine).guarding(("x",)) as guarding:
        guarding.begin()
        guarding.started(99)
        (store / "metadata" / LAST).unlink()
    [operation] = engine_on(store).log()
    assert operation.state is OperationState.INTERRUPTED
    with pytest.raises(LeaseHeld, match="still runs: pid 99"):
        operations_on(store, machine).resume()
    with pytest.raises(LeaseHeld):
        engine_on(store).plan_undo(engine_on(store).look(), operation)
    machine.ended.add(machine.process_of(99))
    # `has_ended` goes by the process alone: who it was is not written down.
    process = machine.process_of(99)
    machine.ended.add(type(process)(process.pid, process.started, process.boot_id, "", ""))
    [closed] = operations_on(store, machine).resume()
    assert not closed.outcome.finished
    assert [mark.handle for mark in closed.outcome.gone] == [f"metadata/{LAST}"]
    assert closed.outcome.notes == ("the guard was cut off, so how its command ended is not known",)


def test_elsewhere_it_is_said_that_nobody_knows_whether_the_command_runs(store: Path) -> None:
    with operations_on(store).guarding(("x",)) as guarding:
        guarding.begin()
        guarding.started(99)
    [operation] = engine_on(store).log()
    elsewhere = FakeMachine(host="beta")
    elsewhere.me = type(elsewhere.me)(1, "1", "boot-2 pid:[1]", "operator", "beta")
    outcome = closed_outcome(LocalReader(str(store)), elsewhere, operation)
    assert "can't be told from here" in outcome.notes[-1]


@pytest.mark.parametrize("steps", [b"", b"{", b"[]", b'{"handle":7}', b'{"handle":"x y z"}', b"\xff", b"[" * 9_999])
def test_a_damaged_list_of_steps_is_no_obstacle(store: Path, steps: bytes) -> None:
    with operations_on(store).guarding(("x",)) as guarding:
        guarding.begin()
    (store / "seamline" / "journal" / f"{guarding.operation}.steps.jsonl").write_bytes(steps)
    [closed] = operations_on(store).resume()
    assert "can't be told from here" in closed.outcome.notes[-1]


def test_a_bundle_that_is_torn_closes_with_a_note(store: Path) -> None:
    with operations_on(store).guarding(("x",)) as guarding:
        guarding.begin()
        (store / "metadata" / LAST).unlink()
    bundle = store / "seamline" / "journal" / f"{guarding.operation}.undo.tar"
    bundle.write_bytes(bundle.read_bytes()[:100])
    [closed] = operations_on(store).resume()
    assert any("undo.tar can't be read" in note for note in closed.outcome.notes) or closed.outcome.gone == ()


def test_words_that_are_no_text_are_spelled_out_in_the_journal(store: Path) -> None:
    with operations_on(store).guarding(("x", "\udcff", "\x1b")) as guarding:
        guarding.begin()
        guarding.ended(0)
    [operation] = engine_on(store).log()
    assert operation.intent is not None and operation.intent.command == ("x", "\\xff", "\x1b")


def test_the_undo_of_a_guard_takes_from_the_backup_folder_what_was_moved_there(store: Path) -> None:
    with operations_on(store).guarding(("x",)) as guarding:
        guarding.begin()
        (store / "metadata_backup").mkdir()
        (store / "metadata" / LAST).rename(store / "metadata_backup" / LAST)
        (store / "metadata" / "transaction_0-0.meta").unlink()
        guarding.ended(0)
    engine = engine_on(store)
    [operation] = engine.log()
    change = engine.plan_undo(engine.look(), operation)
    assert [move.source for move in change.restores] == [f"metadata_backup/{LAST}"]
    assert [write.handle for write in change.writes] == ["metadata/transaction_0-0.meta"]
    operations_on(store).apply(change)
    assert metadata_of(store) == base_store()
