"""The journal of a guard: somebody else's command changes the store, and what it did is written down.

Before the command everything in `metadata/` is saved in an undo bundle; after it the names that came, went and changed
stand in the outcome, so that an undo puts back what went. A guard that was cut off is closed by comparing the bundle
with what is there, once the command is known to run no more, or can't be known to.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

import msgspec

from core.changes.apply import Applied, refuse_beside_others
from core.changes.beginning import new_intent
from core.changes.bundle import BundleFault, make_bundle, marks_in_bundle
from core.changes.ground import METADATA, Ground, journaled
from core.changes.marks import FileMark, difference, mark_of_bytes, read_marks
from core.changes.model import OperationKind
from core.errors import LeaseHeld
from core.gather import MAX_FILE_BYTES, MAX_FOLDER_BYTES
from core.host import Machine, Process, runs_here
from core.journal import Operation, Outcome, Piece, piece_handle
from core.journal.documents import VERSION, encode
from core.lease import Lease
from core.names import handle_problem
from core.phrases import count, listed, shown
from core.storage.protocol import HandleUnreadable, Listed, ListedKind, StoreReader

_STARTED: Final = "run"
#: A guard's list of steps has one line.
_MOST_STEP_BYTES: Final = 64 << 10


class Guarding:
    """A guard under the lease: `begin`, then the command, `started` when it runs, `ended` when it does not any more.

    One that does not get to `ended` is an interrupted operation.
    """

    def __init__(self, ground: Ground, command: Sequence[str]) -> None:
        self._ground = ground
        self._command = tuple(map(_spelled, command))
        self._began = ground.machine.elapsed()
        self._before: tuple[FileMark, ...] = ()
        self._unsaved: list[str] = []
        self.operation = ""

    @property
    def lease(self) -> Lease:
        """The lease, which is renewed meanwhile."""
        return self._ground.lease

    def begin(self) -> None:
        """Save what is there and journal the intent. Raises `Refused` while another operation is interrupted."""
        ground = self._ground
        refuse_beside_others(ground, None)
        label = " ".join(("guard", *self._command))
        intent = new_intent(ground.machine, OperationKind.GUARD, ground.lease.token, label)
        operation = intent.operation
        bundle = make_bundle(self._saved())
        ground.record(piece_handle(operation, Piece.BUNDLE), bundle)
        intent = msgspec.structs.replace(intent, command=self._command)
        ground.record(piece_handle(operation, Piece.INTENT), encode(intent))
        ground.lease.tell("", operation)
        self.operation = operation

    def started(self, pid: int) -> None:
        """Write down which process runs the command: whoever finds this guard cut off must not take it for ended."""
        process = self._ground.machine.process_of(pid)
        with journaled(self.operation, self._ground.reader.location):
            line = self._ground.line(_STARTED, f"{pid} {process.started} {process.boot_id}")
            self._ground.note(self.operation, [line])

    def ended(self, exit_code: int, notes: Sequence[str] = ()) -> Applied:
        """Compare, and journal the outcome; `notes` stand in it. Raises `LeaseLost`."""
        ground = self._ground
        with journaled(self.operation, ground.reader.location):
            ground.lease.renew()
            outcome = Outcome(
                v=VERSION,
                operation=self.operation,
                finished=True,
                at=ground.machine.now(),
                token=ground.lease.token,
                notes=(*ground.remarks, *notes, *_unsaved_words(self._unsaved)),
                exit_code=exit_code,
            )
            outcome = _with_moves(outcome, self._before, read_marks(ground.reader, METADATA), self._unsaved)
            ground.record(piece_handle(self.operation, Piece.OUTCOME), encode(outcome))
        return Applied(self.operation, outcome, ground.machine.elapsed() - self._began)

    def _saved(self) -> Iterator[tuple[Listed, bytes]]:
        """Every file that can be read, as far as a look at the store reads; their marks are remembered."""
        listing = self._ground.reader.list_folder(METADATA)
        files = [each for each in listing if each.kind is ListedKind.FILE]
        contents = self._ground.reader.read_many(METADATA, (each.name for each in files), MAX_FILE_BYTES)
        marks, room = [], MAX_FOLDER_BYTES
        self._unsaved += [each.handle for each in listing if each.kind is not ListedKind.FILE]
        for each, content in zip(files, contents, strict=True):
            if isinstance(content, HandleUnreadable) or handle_problem(each.handle) or len(content) > room:
                self._unsaved.append(each.handle)
            else:
                room -= len(content)
                marks.append(mark_of_bytes(each.handle, content))
                yield each, content
        self._before = tuple(marks)


def close_guard(ground: Ground, operation: Operation) -> Applied:
    """Close a guard that was cut off. Raises `LeaseHeld` while its command runs on this machine."""
    began = ground.machine.elapsed()
    with journaled(operation.id, ground.reader.location):
        closed = closed_outcome(ground.reader, ground.machine, operation)
        outcome = msgspec.structs.replace(closed, token=ground.lease.token)
        ground.record(piece_handle(operation.id, Piece.OUTCOME), encode(outcome))
    return Applied(operation.id, outcome, ground.machine.elapsed() - began)


def closed_outcome(reader: StoreReader, machine: Machine, operation: Operation) -> Outcome:
    """How a guard that was cut off would be closed now; nothing is written. Raises `LeaseHeld`, `StoreUnreachable`."""
    process = _process_of(reader, operation)
    if process is not None and runs_here(process, machine):
        raise LeaseHeld(
            f"the command of guard {operation.id} still runs: pid {process.pid}",
            hint=f"wait for it, or end it: kill {process.pid}",
        )
    notes = ["the guard was cut off, so how its command ended is not known"]
    if process is None or not machine.has_ended(process):
        notes.append("whether the command still runs somewhere can't be told from here")
    if operation.fault is not None:
        notes.append(operation.fault)
    outcome = Outcome(v=VERSION, operation=operation.id, finished=False, at=machine.now(), token=operation.files.token)
    try:
        before = marks_in_bundle(reader, operation.id)
    except BundleFault as fault:
        return msgspec.structs.replace(outcome, notes=(*notes, str(fault)))
    outcome = msgspec.structs.replace(outcome, notes=tuple(notes))
    return _with_moves(outcome, before, read_marks(reader, METADATA), ())


def _with_moves(
    outcome: Outcome, before: Iterable[FileMark], after: Iterable[FileMark], unsaved: Collection[str]
) -> Outcome:
    """The outcome with what a command did to the files; those that went or changed as they were before it."""
    old, new = {mark.handle: mark for mark in before}, {mark.handle: mark for mark in after}
    different = difference(old.values(), new.values())
    return msgspec.structs.replace(
        outcome,
        came=tuple(_storable(new[handle]) for handle in different.added if handle not in unsaved),
        gone=tuple(old[handle] for handle in different.gone),
        changed=tuple(old[handle] for handle in different.changed),
    )


def _unsaved_words(handles: Sequence[str]) -> Iterator[str]:
    if handles:
        names = listed([shown(handle) for handle in handles])
        yield f"{count(len(handles), 'file')} could not be saved before the command, so no undo brings back {names}"


def _process_of(reader: StoreReader, operation: Operation) -> Process | None:
    """The process that ran the command, as the journal tells; None if it does not, or not so that it can be trusted."""
    try:
        with reader.open(piece_handle(operation.id, Piece.STEPS)) as stream:
            step = json.loads(stream.read(_MOST_STEP_BYTES).partition(b"\n")[0])
        pid, started, boot_id = str(step["handle"]).split(" ", 2)
        return Process(int(pid), started, boot_id, "", "")
    except (HandleUnreadable, OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _storable(mark: FileMark) -> FileMark:
    return FileMark(_spelled(mark.handle), mark.size, mark.digest)


def _spelled(text: str) -> str:
    """Text that JSON takes: what is no UTF-8 is spelled out."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
