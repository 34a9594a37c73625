"""A change is carried out exactly as it was planned, or not at all; and whoever comes in between loses nothing."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from pathlib import Path

import pytest

from core.changes.ground import ApplyProgress
from core.changes.marks import marks_of
from core.changes.model import OperationKind
from core.errors import LeaseHeld, PlanOutdated, Refused, Stopped, UsageError, WriteFailed
from core.journal import OperationState, interrupted_in
from core.lease import hold
from core.operations import Operations
from core.stock import restore_plan
from core.storage import LocalReader
from core.storage.local.conditional import LocalConditional
from core.storage.local.writer import LocalWriter
from core.storage.protocol import Listed
from tests.support.change_sets import (
    MERGED,
    base_folder,
    engine_on,
    entries_of,
    look_at,
    meddled,
    merge_transactions,
    metadata_of,
    operations_on,
    tree,
)
from tests.support.machines import FakeMachine
from tests.support.stores import base_store, lines, txn

OLD = ("transaction_0-0.meta", "transaction_1-100.meta", "transaction_101-200.meta")
NEWER = "transaction_201-300.meta"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return base_folder(tmp_path)


def test_an_applied_change_leaves_exactly_what_the_plan_said(store: Path) -> None:
    before, change = entries_of(store), merge_transactions(look_at(store))
    applied = operations_on(store).apply(change)
    assert not applied.outcome.notes
    after = metadata_of(store)
    assert set(after) == set(base_store()) - set(OLD) | {Path(write.handle).name for write in change.all_writes}
    assert all(after[Path(write.handle).name] == write.content for write in change.all_writes)
    assert {path.name: path.read_bytes() for path in store.glob("metadata_backup/*")} == {
        name: base_store()[name] for name in OLD
    }
    assert entries_of(store) == before
    assert restore_plan(look_at(store).index, None)


def test_what_was_done_stands_in_the_journal(store: Path) -> None:
    applied = operations_on(store).apply(merge_transactions(look_at(store)))
    [operation] = engine_on(store).log()
    assert (operation.id, operation.state, operation.fault) == (applied.operation, OperationState.DONE, None)
    assert operation.intent is not None and operation.intent.token == 1
    steps = (store / f"seamline/journal/{applied.operation}.steps.jsonl").read_text().splitlines()
    assert [json.loads(step)["step"] for step in steps] == ["write", "write", *["retire"] * 3]
    with tarfile.open(store / f"seamline/journal/{applied.operation}.undo.tar") as bundle:
        files = {member.name: bundle.extractfile(member) for member in bundle}
        assert {Path(name).name: file.read() for name, file in files.items() if file} == {
            name: base_store()[name] for name in OLD
        }
    assert not list((store / "seamline/staged").iterdir())


def test_a_store_that_changed_since_the_plan_is_left_as_it_is(store: Path) -> None:
    change = merge_transactions(look_at(store))
    (store / "metadata" / NEWER).write_bytes(lines(txn(201, 300)))
    before = tree(store)
    with pytest.raises(PlanOutdated, match=r"1 file changed: metadata/transaction_201-300.meta came") as raised:
        operations_on(store).apply(change)
    assert raised.value.exit_code == 5
    assert tree(store) == before
    assert not engine_on(store).log()


def test_the_name_of_a_timestamps_file_that_came_and_went_since_the_plan_is_not_used_again(store: Path) -> None:
    operations, engine, change = operations_on(store), engine_on(store), merge_transactions(look_at(store))
    operations.apply(merge_transactions(look_at(store)))
    operations.apply(engine.plan_undo(look_at(store), engine.log()[0]))
    assert metadata_of(store) == base_store()
    with pytest.raises(PlanOutdated, match=r"compaction_timestamps_1700000000.meta came and went since the plan"):
        operations.apply(change)
    assert metadata_of(store) == base_store()


@pytest.mark.parametrize("change_it", ["rewrite", "remove", "touch nothing but one byte"])
def test_a_file_that_is_another_since_the_plan_is_named(store: Path, change_it: str) -> None:
    change = merge_transactions(look_at(store))
    path = store / "metadata" / OLD[1]
    if change_it == "remove":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] if change_it == "rewrite" else lines(txn(1, 100, "other")))
    with pytest.raises(PlanOutdated, match=r"metadata/transaction_1-100.meta"):
        operations_on(store).apply(change)
    assert not (store / "metadata_backup").exists()


def test_an_outsider_who_comes_before_the_retirement_stops_it_and_resume_finishes(store: Path) -> None:
    change = merge_transactions(look_at(store))

    def meddle() -> None:
        (store / "metadata" / NEWER).write_bytes(lines(txn(201, 300)))

    with pytest.raises(PlanOutdated, match="somebody else writes to this store") as raised:
        meddled(store, lambda step, handle: (step, handle) == ("flush", "metadata"), meddle).apply(change)
    assert "seamline resume" in raised.value.hint and "seamline undo" in raised.value.hint
    assert not (store / "metadata_backup").exists()
    assert len(interrupted_in(look_at(store).journal)) == 1
    [resumed] = operations_on(store).resume()
    assert set(metadata_of(store)) & set(OLD) == set()
    assert (NEWER in metadata_of(store), resumed.outcome.finished) == (True, True)
    assert [each.state for each in engine_on(store).log()] == [OperationState.DONE]


class _MeddlingReader(LocalReader):
    """A reader beside which somebody takes a file away as soon as another one is looked at."""

    looked_at = f"metadata/{OLD[1]}"
    taken: Path

    def stat(self, handle: str) -> Listed:
        if handle == self.looked_at:
            self.taken.unlink(missing_ok=True)
        return super().stat(handle)


def test_a_file_stays_while_the_one_that_keeps_its_lines_is_gone(store: Path) -> None:
    change, before, where = merge_transactions(look_at(store)), entries_of(store), str(store)
    reader = _MeddlingReader(where)
    reader.taken = store / MERGED
    with pytest.raises(PlanOutdated, match=r"transaction_1-100.meta stays: metadata/transaction_compacted_0-200.meta"):
        Operations(reader, LocalWriter(where), LocalConditional(where), FakeMachine()).apply(change)
    assert OLD[0] not in metadata_of(store)
    assert set(OLD[1:]) <= set(metadata_of(store))
    [resumed] = operations_on(store).resume()
    assert entries_of(store) == before
    assert resumed.outcome.finished


def test_a_file_comes_back_whose_lines_are_taken_away_elsewhere_while_it_goes(store: Path) -> None:
    change, before = merge_transactions(look_at(store)), entries_of(store)

    def meddle() -> None:
        (store / MERGED).unlink()

    with pytest.raises(PlanOutdated, match=r"transaction_1-100.meta was put back: metadata/transaction_compacted_0"):
        meddled(store, lambda step, handle: handle == f"metadata/{OLD[1]}", meddle).apply(change)
    assert set(OLD[1:]) <= set(metadata_of(store))
    [resumed] = operations_on(store).resume()
    assert entries_of(store) == before
    assert resumed.outcome.finished


def test_a_file_that_somebody_else_has_retired_is_done(store: Path) -> None:
    change = merge_transactions(look_at(store))

    def meddle() -> None:
        (store / "metadata" / OLD[2]).rename(store / OLD[2])

    operations = meddled(store, lambda step, handle: handle == f"metadata/{OLD[0]}", meddle)
    with pytest.raises(PlanOutdated):
        operations.apply(change)
    assert operations_on(store).resume()[0].outcome.finished
    assert (store / OLD[2]).exists()


def test_a_name_in_the_backup_folder_is_never_overwritten(store: Path) -> None:
    change = merge_transactions(look_at(store))
    (store / "metadata_backup").mkdir()
    (store / "metadata_backup" / OLD[1]).write_bytes(b"older")
    with pytest.raises(PlanOutdated, match=r"metadata_backup/transaction_1-100.meta was to be new"):
        operations_on(store).apply(change)
    operations_on(store).resume()
    assert (store / "metadata_backup" / OLD[1]).read_bytes() == b"older"
    assert OLD[1] not in metadata_of(store)
    assert base_store()[OLD[1]] in [path.read_bytes() for path in store.glob("metadata_backup/*")]


def test_a_new_name_that_is_taken_by_other_content_is_never_overwritten(store: Path) -> None:
    change = merge_transactions(look_at(store))

    def meddle() -> None:
        (store / MERGED).write_bytes(lines(txn(0, 0)))

    with pytest.raises(PlanOutdated, match="somebody else has just written it"):
        meddled(store, lambda step, handle: handle == MERGED, meddle).apply(change)
    [resumed] = operations_on(store).resume()
    assert (store / MERGED).read_bytes() == lines(txn(0, 0))
    assert set(OLD) - {OLD[0]} <= set(metadata_of(store))
    assert any("holds something else" in note for note in resumed.outcome.notes)


class _StopsAt:
    def __init__(self, step: int) -> None:
        self.step = step

    def progress(self, progress: ApplyProgress) -> None:
        self.done = progress.done

    def stopped(self) -> bool:
        return self.done >= self.step


@pytest.mark.parametrize("step", [0, 1, 2, 3, 4])
def test_an_operator_who_stops_between_steps_can_go_on_or_back(store: Path, step: int) -> None:
    before, change = tree(store), merge_transactions(look_at(store))
    with pytest.raises(Stopped) as raised:
        operations_on(store).apply(change, watch=_StopsAt(step))
    assert raised.value.exit_code == 130
    if step == 0:
        assert tree(store) == before
        assert not interrupted_in(look_at(store).journal)
        return
    with pytest.raises(Refused, match="was interrupted and waits"):
        operations_on(store).apply(merge_transactions(look_at(store)))
    [operation] = engine_on(store).log()
    undo = engine_on(store).plan_undo(look_at(store), operation)
    operations_on(store).apply(undo)
    assert metadata_of(store) == base_store()
    assert [each.state for each in engine_on(store).log()] == [OperationState.UNDONE, OperationState.DONE]


def test_an_operation_whose_intent_is_torn_blocks_until_it_is_closed(store: Path) -> None:
    change = merge_transactions(look_at(store))
    with pytest.raises(Stopped):
        operations_on(store).apply(change, watch=_StopsAt(3))
    [intent] = store.glob("seamline/journal/*.intent.json")
    intent.write_bytes(intent.read_bytes()[:100])
    [operation] = engine_on(store).log()
    assert operation.state is OperationState.INTERRUPTED and "can't be read" in (operation.fault or "")
    with pytest.raises(Refused, match="can't be read"):
        engine_on(store).plan_undo(look_at(store), operation)
    before = tree(store)
    [closed] = operations_on(store).resume()
    assert not closed.outcome.finished
    assert tree(store) == before
    assert [each.state for each in engine_on(store).log()] == [OperationState.CLOSED]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"metadata/transaction_0-0.meta"', '"transaction_0-.aaaa/transaction.manifest"'),
        ('"metadata_backup/transaction_0-0.meta"', '"../transaction_0-0.meta"'),
        ('"metadata_backup/transaction_0-0.meta"', '"metadata/transaction_0-0.meta.old"'),
        ('"v": 1', '"v": 2'),
        ('"token": 1', '"token": 0'),
    ],
)
def test_an_intent_that_reaches_elsewhere_is_not_obeyed(store: Path, old: str, new: str) -> None:
    with pytest.raises(Stopped):
        operations_on(store).apply(merge_transactions(look_at(store)), watch=_StopsAt(2))
    [intent] = store.glob("seamline/journal/*.intent.json")
    text = intent.read_text()
    assert old in text
    intent.write_text(text.replace(old, new))
    before = tree(store)
    [closed] = operations_on(store).resume()
    assert (closed.outcome.finished, tree(store)) == (False, before)


@pytest.mark.parametrize("harm", ["cut", "gone"])
def test_bytes_that_were_spoilt_while_they_waited_are_never_published(store: Path, harm: str) -> None:
    before = entries_of(store)
    with pytest.raises(Stopped):
        operations_on(store).apply(merge_transactions(look_at(store)), watch=_StopsAt(1))
    (store / MERGED).unlink()
    [staged] = store.glob(f"seamline/staged/*/{Path(MERGED).name}")
    shutil.rmtree(staged.parent) if harm == "gone" else staged.write_bytes(staged.read_bytes()[:-20])
    [resumed] = operations_on(store).resume()
    assert not (store / MERGED).exists()
    assert entries_of(store) == before
    assert any("no longer wait unharmed" in note for note in resumed.outcome.notes)


def test_undo_puts_everything_back_byte_for_byte_and_can_itself_be_undone(store: Path) -> None:
    operations, engine = operations_on(store), engine_on(store)
    applied = operations.apply(merge_transactions(look_at(store)))
    merged = metadata_of(store)
    undo = engine.plan_undo(look_at(store), engine.log()[0])
    assert [move.target for move in undo.restores] == [f"metadata/{name}" for name in OLD]
    undone = operations.apply(undo)
    assert metadata_of(store) == base_store()
    assert [each.state for each in engine.log()] == [OperationState.UNDONE, OperationState.DONE]
    redo = engine.plan_undo(look_at(store), engine.log()[1])
    operations.apply(redo)
    assert metadata_of(store) == merged
    assert applied.operation != undone.operation


def test_undo_takes_from_the_bundle_what_the_backup_folder_has_lost(store: Path) -> None:
    operations, engine = operations_on(store), engine_on(store)
    operations.apply(merge_transactions(look_at(store)))
    (store / "metadata_backup" / OLD[0]).unlink()
    (store / "metadata_backup" / OLD[1]).write_bytes(b"spoilt")
    undo = engine.plan_undo(look_at(store), engine.log()[0])
    assert {write.handle for write in undo.writes} == {f"metadata/{name}" for name in OLD[:2]}
    operations.apply(undo)
    assert metadata_of(store) == base_store()


def test_undo_is_refused_where_a_file_can_be_had_from_nowhere(store: Path) -> None:
    operations, engine = operations_on(store), engine_on(store)
    operations.apply(merge_transactions(look_at(store)))
    (store / "metadata_backup" / OLD[0]).unlink()
    [bundle] = store.glob("seamline/journal/*.undo.tar")
    bundle.write_bytes(b"x" * 2_000)
    with pytest.raises(Refused, match="can't be had back"):
        engine.plan_undo(look_at(store), engine.log()[0])


def test_undo_never_costs_a_line_that_only_the_written_file_has(store: Path) -> None:
    operations, engine = operations_on(store), engine_on(store)
    operations.apply(merge_transactions(look_at(store)))
    for name in OLD:
        (store / "metadata_backup" / name).unlink()
    [first] = engine.log()
    change = merge_transactions(look_at(store))
    assert {move.source for move in change.retires} == {MERGED}
    undo = engine.plan_undo(look_at(store), first)
    assert len(undo.writes) == 3
    (store / "metadata" / OLD[1]).write_bytes(lines(txn(1, 100, "rebackup")))
    with pytest.raises(Refused, match="was written anew since"):
        engine.plan_undo(look_at(store), first)


def test_a_hostile_bundle_is_not_unpacked(store: Path) -> None:
    operations, engine = operations_on(store), engine_on(store)
    operations.apply(merge_transactions(look_at(store)))
    (store / "metadata_backup" / OLD[0]).unlink()
    [bundle] = store.glob("seamline/journal/*.undo.tar")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        link = tarfile.TarInfo(f"metadata/{OLD[0]}")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    bundle.write_bytes(buffer.getvalue())
    with pytest.raises(Refused, match="neither in metadata_backup/ nor, unharmed, in the undo bundle"):
        engine.plan_undo(look_at(store), engine.log()[0])


def test_looking_never_makes_anything(store: Path) -> None:
    engine = engine_on(store)
    engine.log()
    assert {path.name for path in store.iterdir()} == {"metadata"}
    assert marks_of(look_at(store).index)


def test_a_broken_lease_stands_in_the_journal_and_cannot_be_taken_back(store: Path) -> None:
    machine = FakeMachine(pid=99, host="beta")
    other = LocalConditional(str(store))
    with hold(other, machine, purpose="compact") as lease:
        owner = lease.owner
        broken = operations_on(store).break_lease(owner)
    [operation] = engine_on(store).log()
    assert (operation.kind, operation.state, operation.fault) == (OperationKind.BREAK, OperationState.DONE, None)
    assert (
        operation.intent is not None and owner in operation.intent.label and "operator@beta" in operation.intent.label
    )
    assert broken.token == operation.intent.token == 2
    with pytest.raises(UsageError, match="changed no file"):
        engine_on(store).plan_undo(look_at(store), operation)


@pytest.mark.parametrize("folder", ["metadata", "metadata_backup"])
def test_what_could_not_be_finished_for_want_of_permission_is_not_begun(store: Path, folder: str) -> None:
    (store / "metadata_backup").mkdir()
    change, before = merge_transactions(look_at(store)), tree(store)
    operations = operations_on(store)
    operations.reader = _Forbidden(str(store), folder)
    with pytest.raises(WriteFailed, match=f"{folder}/ can't be changed by this user"):
        operations.apply(change)
    assert tree(store) == before
    assert not engine_on(store).log()


class _Forbidden(LocalReader):
    def __init__(self, store: str, folder: str) -> None:
        super().__init__(store)
        self._forbidden = folder

    def may_change(self, folder: str) -> bool:
        return folder != self._forbidden and super().may_change(folder)


def test_what_a_held_lease_advises_is_ready_to_paste(store: Path) -> None:
    words = "another compaction is in progress, by operator@beta"
    other = hold(LocalConditional(str(store)), FakeMachine(pid=99, host="beta"), purpose="compact")
    with other, pytest.raises(LeaseHeld, match=words) as raised:
        operations_on(store).apply(merge_transactions(look_at(store)))
    assert f"seamline lock {store} show" in raised.value.hint and "STORE" not in raised.value.hint
