"""Applies a change set, or resumes an operation: prepare, journal, carry out, close (`recovery.md`, "Changes").

Until the intent stands in the journal nothing has happened to the store. From then on the operation is found by
whoever looks, and ends by being carried out, resumed or undone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial

import msgspec

from core.changes.beginning import new_intent
from core.changes.bundle import make_bundle
from core.changes.execution import Execution
from core.changes.ground import BACKUP, METADATA, ApplyProgress, Ground, journaled
from core.changes.marks import FileMark, difference, mark_of_bytes, read_marks, read_marks_of, require_had, told
from core.changes.model import ChangeSet, Move, Write
from core.changes.sight import Known
from core.changes.together import results, waves
from core.codec import encode_record
from core.errors import AlreadyThere, OutcomeUnknown, PlanOutdated, Refused, SeamlineError, Stopped, WriteFailed
from core.gather import MAX_FILE_BYTES
from core.invocation import Advice, Resume
from core.journal import (
    Intent,
    Operation,
    Outcome,
    Piece,
    PlannedWrite,
    Undone,
    interrupted_in,
    piece_handle,
)
from core.journal.documents import VERSION, encode
from core.model import RangeRecord
from core.names import JOURNAL_FOLDER, STAGED_FOLDER
from core.phrases import count, shown
from core.storage.protocol import HandleUnreadable, Listed, ListedKind


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of an operation: its id, how it ended, and how many seconds it took."""

    operation: str
    outcome: Outcome
    seconds: float


def apply(ground: Ground, change: ChangeSet) -> Applied:
    """Carry out a change set exactly as it was planned.

    Raises `PlanOutdated` when the store is not as it was when the plan was made, `Refused` while another operation is
    interrupted, and whatever stops it on the way; the hint then says how to go on.
    """
    began = ground.machine.elapsed()
    waiting = refuse_beside_others(ground, change.undoes)
    marks = read_marks(ground.reader, METADATA, {mark.handle for mark in change.marks if mark.is_unreadable})
    different = difference(change.marks, marks)
    if different:
        raise PlanOutdated(f"the store has changed since the plan: {told(different)}", hint="look again and plan anew")
    _require_new_date(ground, change)
    intent = _intent(ground, change)
    _require_changeable(ground, change)
    _sweep_staged(ground, waiting)
    with _thrown_away_on_failure(ground, intent):
        _stage(ground, change, intent)
        _save_bundle(ground, intent)
        ground.lease.check()
        ground.writer.create(piece_handle(intent.operation, Piece.INTENT), encode(intent))
    with journaled(intent.operation, ground.reader.location):
        ground.writer.flush(JOURNAL_FOLDER)
        known = Known(change.index, change.marks) if change.index else None
        return _carry_out(ground, intent, Execution(ground, intent, strict=True, known=known), marks, began)


def resume(ground: Ground, operation: Operation) -> Applied:
    """Finish an interrupted operation. One whose intent can't be read is closed: whatever it did was harmless."""
    began = ground.machine.elapsed()
    with journaled(operation.id, ground.reader.location):
        if operation.intent is None:
            notes = (f"closed without being finished: {operation.fault}",)
            return _close(ground, operation.id, None, began, notes, finished=False)
        execution = Execution(ground, operation.intent, strict=False)
        marks = read_marks(ground.reader, METADATA, operation.intent.expected_unreadable)
        return _carry_out(ground, operation.intent, execution, marks, began)


def refuse_beside_others(ground: Ground, undoes: str | None) -> set[str]:
    """Refuse while an operation waits, unless it is the one that is taken back; the ids of those that wait."""
    waiting = {files.id for files in interrupted_in(ground.reader.list_folder(JOURNAL_FOLDER))}
    others = sorted(waiting - {undoes})
    if others:
        raise Refused(
            "interrupted-operation",
            f"operation {others[0]} was interrupted and waits to be resumed or undone",
            hint=Advice(Resume(ground.reader.location)),
        )
    return waiting


def _require_new_date(ground: Ground, change: ChangeSet) -> None:
    """A timestamps file that came and went since the plan had this name: readers may keep it under that."""
    if change.record is None:
        return
    name = change.record.handle.rpartition("/")[2]
    try:
        ground.reader.stat(f"{BACKUP}/{name}")
    except HandleUnreadable as unreadable:
        require_had(f"{BACKUP}/{name}", unreadable)
    else:
        raise PlanOutdated(f"metadata/{name} came and went since the plan", hint="look again and plan anew")


def _require_changeable(ground: Ground, change: ChangeSet) -> None:
    """Refuse before anything is written what could not be finished, or undone, for want of permission."""
    folders = [METADATA] if not change.is_empty else []
    folders += [BACKUP] if change.retires or change.restores else []
    folders += ["."] if change.derived else []
    for folder in folders:
        if not ground.reader.may_change(folder):
            raise WriteFailed(
                f"{folder}/ can't be changed by this user, or is mounted read-only: nothing was changed",
                hint="check the owner, the mode and the mount",
            )


def _intent(ground: Ground, change: ChangeSet) -> Intent:
    begun = new_intent(ground.machine, change.kind, ground.lease.token, change.label)

    def planned(write: Write) -> PlannedWrite:
        folder, _, name = write.handle.rpartition("/")
        # Derived manifests all have one name, in folders of their own.
        staged = name if folder == METADATA else folder
        return PlannedWrite(write.mark, write.lines, f"{STAGED_FOLDER}/{begun.operation}/{staged}")

    return msgspec.structs.replace(
        begun,
        plan_id=change.plan_id,
        derived=tuple(map(planned, change.derived)),
        writes=tuple(map(planned, change.writes)),
        restores=change.restores,
        record=planned(change.record) if change.record else None,
        retires=change.retires,
        lanes=change.lanes,
        rejected=_lines(change.rejected),
        parked=_lines(change.parked),
        added=_lines(change.added),
        unreadable=change.unreadable,
        undoes=change.undoes,
    )


def _lines(records: Iterable[RangeRecord]) -> tuple[str, ...]:
    return tuple(encode_record(record).decode() for record in records)


def _stage(ground: Ground, change: ChangeSet, intent: Intent) -> None:
    """Put every new file's bytes where one step makes them visible, so that a full disk is met before anything is."""
    pairs = tuple(zip(change.all_new, intent.all_new, strict=True))
    for start, wave in enumerate(waves(pairs, ground.writer.at_once)):
        number = start * ground.writer.at_once + 1
        ground.step(ApplyProgress(0, intent.steps, f"prepare {number} of {len(pairs)}"))
        results([partial(ground.writer.create, planned.staged, write.content) for write, planned in wave])
    if intent.all_new:
        ground.writer.flush(f"{STAGED_FOLDER}/{intent.operation}")


def _save_bundle(ground: Ground, intent: Intent) -> None:
    """Save the raw bytes of everything that is to be retired."""
    if intent.retires:
        ground.step(ApplyProgress(0, intent.steps, "save the undo bundle"))
        bundle = make_bundle(_raw_files(ground, intent.retires))
        ground.record(piece_handle(intent.operation, Piece.BUNDLE), bundle)


def _raw_files(ground: Ground, moves: Sequence[Move]) -> Iterator[tuple[Listed, bytes]]:
    names = (move.source.rpartition("/")[2] for move in moves)
    listed = {each.handle: each for each in ground.reader.list_folder(METADATA)}
    _require_room(ground, [move for move in moves if move.source in listed and not listed[move.source].tells_version])
    for move, content in zip(moves, ground.reader.read_many(METADATA, names, MAX_FILE_BYTES), strict=True):
        if isinstance(content, HandleUnreadable):
            require_had(move.source, content)
        if move.source not in listed or isinstance(content, HandleUnreadable):
            raise _changed(move)
        if mark_of_bytes(move.source, content) != move.mark:
            raise _changed(move)
        yield listed[move.source], content


def _require_room(ground: Ground, moves: Sequence[Move]) -> None:
    """A storage that tells no versions lists no `metadata_backup/` either: each name there is tried before it is used.

    Raises `Refused` where one is taken by something else: there is no other name that its command could use.
    """
    if not moves:
        return
    there = read_marks_of(ground.reader, BACKUP, [move.target.rpartition("/")[2] for move in moves])
    taken = [move.target for move in moves if move.target in there and not _is_same(there[move.target], move.mark)]
    if taken:
        raise Refused(
            "backup-dir-overwrite",
            f"{shown(taken[0])} is there already and holds something else, so {count(len(taken), 'file')} can't be set "
            "aside; nothing was changed",
            hint="move it elsewhere with the storage's own tools",
        )


def _is_same(one: FileMark, other: FileMark) -> bool:
    """Whether two files hold the same, whatever they are called."""
    return (one.size, one.digest) == (other.size, other.digest)


def _changed(move: Move) -> PlanOutdated:
    return PlanOutdated(f"{shown(move.source)} has changed since the plan", hint="look again and plan anew")


@contextmanager
def _thrown_away_on_failure(ground: Ground, intent: Intent) -> Iterator[None]:
    """Without an intent there is no operation: its staged bytes are of no use to anybody."""
    try:
        yield
    except OutcomeUnknown:
        # Perhaps the intent stands: then whoever resumes needs those bytes.
        raise
    except SeamlineError as error:
        if isinstance(error, Stopped):
            error.hint = "nothing was changed"
        _throw_away_staged(ground, intent)
        raise


def _sweep_staged(ground: Ground, waiting: set[str]) -> None:
    """Throw away what was staged for operations that never began, or have ended."""
    folders = ground.reader.list_folder(STAGED_FOLDER)
    for folder in folders:
        if folder.kind is ListedKind.FOLDER and folder.name not in waiting:
            # What else lies there is somebody else's litter, and no reason to fail.
            with suppress(SeamlineError):
                _throw_away(ground, [each.handle for each in ground.reader.list_folder(folder.handle)], folder.handle)


def _throw_away_staged(ground: Ground, intent: Intent) -> None:
    staged = [write.staged for write in intent.all_new]
    if staged:
        _throw_away(ground, staged, f"{STAGED_FOLDER}/{intent.operation}")


def _throw_away(ground: Ground, handles: Iterable[str], folder: str) -> None:
    # What can't be thrown away lies where nobody looks; no reason to fail.
    with suppress(SeamlineError):
        for handle in (*handles, folder):
            ground.writer.discard(handle)


def _carry_out(
    ground: Ground, intent: Intent, execution: Execution, marks: tuple[FileMark, ...], began: float
) -> Applied:
    execution.run(marks)
    return _close(ground, intent.operation, intent, began, tuple(execution.notes), finished=True)


def _close(
    ground: Ground, operation: str, intent: Intent | None, began: float, notes: tuple[str, ...], *, finished: bool
) -> Applied:
    """Write down how it ended; what was taken back is marked so first, so that no cut leaves it half taken back."""
    moment = ground.machine.now()
    if intent is not None and intent.undoes is not None:
        undone = Undone(v=VERSION, operation=intent.undoes, by=operation, at=moment)
        with suppress(AlreadyThere):
            ground.record(piece_handle(intent.undoes, Piece.UNDONE), encode(undone))
    outcome = Outcome(
        v=VERSION,
        operation=operation,
        finished=finished,
        at=moment,
        token=ground.lease.token,
        notes=(*ground.remarks, *notes),
    )
    ground.record(piece_handle(operation, Piece.OUTCOME), encode(outcome))
    if intent is not None:
        _throw_away_staged(ground, intent)
    return Applied(operation, outcome, ground.machine.elapsed() - began)
