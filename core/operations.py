"""Everything that changes one store, each method under the lease: the face of the writing half of the engine.

Whoever only looks uses `core.engine`, which can't write.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from core.changes.apply import Applied, apply, resume
from core.changes.breaking import journal_break
from core.changes.ground import ApplyWatch, Ground, UnwatchedChange
from core.changes.guarded import Guarding, close_guard
from core.changes.model import ChangeSet, OperationKind
from core.errors import SeamlineError, UsageError
from core.host import Machine
from core.journal import OperationFiles, greatest_token, interrupted_in, read_operation
from core.lease import Lease, LeaseRecord, break_lease, hold, release_dead
from core.names import JOURNAL_FOLDER
from core.phrases import quoted, shown
from core.storage import folder_of, is_command_adapter, is_object_location, reader_for
from core.storage.local_conditional import LocalConditional
from core.storage.local_writer import LocalWriter
from core.storage.protocol import StoreReader
from core.storage.writing import ConditionalStore, StoreWriter

_ADVICE_RE: Final = re.compile(r"seamline (lock|log) STORE\b")


def operations_for(location: str, machine: Machine) -> Operations:
    """The operations on the store that an operator names. Raises `UsageError` or `StoreUnreachable`; writes nothing."""
    if is_command_adapter(location):
        raise UsageError(
            f"{shown(location)!r} is a command adapter: this version reads through it, but changes nothing there",
            hint="mount the storage and name its folder; to restore as it is, write an overlay: seamline overlay",
        )
    if is_object_location(location):
        return _operations_in_bucket(location, machine)
    reader, folder = reader_for(location), folder_of(location)
    return Operations(reader, LocalWriter(folder), LocalConditional(folder), machine)


def _operations_in_bucket(location: str, machine: Machine) -> Operations:
    # Only such a store needs the client of object stores.
    from core.storage.objects_client import PROMPT, open_client
    from core.storage.objects_conditional import ObjectConditional
    from core.storage.objects_location import parse_location
    from core.storage.objects_writer import ObjectWriter

    place = parse_location(location)
    writer = ObjectWriter(open_client(place, os.environ), machine)
    lease_store = ObjectConditional(open_client(place, os.environ, PROMPT), machine.fresh_id)
    return Operations(reader_for(location), writer, lease_store, machine)


class Operations:
    """One store that may be written, seen from one machine.

    Every method that takes the lease raises `LeaseHeld` when it is not free within `wait` seconds, and `LeaseLost`.
    """

    def __init__(
        self, reader: StoreReader, writer: StoreWriter, lease_store: ConditionalStore, machine: Machine
    ) -> None:
        self.reader = reader
        self.machine = machine
        self._writer = writer
        self._lease_store = lease_store

    def apply(
        self,
        change: ChangeSet,
        *,
        wait: float = 0.0,
        watch: ApplyWatch | None = None,
        waiting: Callable[[LeaseRecord], None] | None = None,
    ) -> Applied:
        """Carry out a change set, exactly as planned or not at all; see `core.changes.apply.apply`.

        Raises ValueError for one that changes nothing and takes nothing back.
        """
        if change.is_empty and change.undoes is None:
            raise ValueError("there is nothing to apply")
        with self._ground(change.kind.value, change.label, wait, watch, waiting) as ground:
            return apply(ground, change)

    def resume(
        self,
        *,
        wait: float = 0.0,
        watch: ApplyWatch | None = None,
        waiting: Callable[[LeaseRecord], None] | None = None,
    ) -> tuple[Applied, ...]:
        """Finish every operation that was interrupted: an undo before what it takes back. Empty if there was none."""
        if not self._interrupted():
            return ()
        done = []
        with self._ground("resume", "", wait, watch, waiting) as ground:
            while interrupted := self._interrupted():
                operation = read_operation(self.reader, interrupted[-1])
                ground.lease.tell("", operation.id)
                finish = close_guard if operation.kind is OperationKind.GUARD else resume
                done.append(finish(ground, operation))
        return tuple(done)

    @contextmanager
    def guarding(
        self,
        command: tuple[str, ...],
        *,
        wait: float = 0.0,
        watch: ApplyWatch | None = None,
        waiting: Callable[[LeaseRecord], None] | None = None,
    ) -> Iterator[Guarding]:
        """Hold the lease while somebody else's command changes the store; see `core.changes.guarded`."""
        with self._ground(OperationKind.GUARD.value, " ".join(command), wait, watch, waiting) as ground:
            yield Guarding(ground, command)

    def break_lease(self, owner: str) -> LeaseRecord:
        """Take the lease away from `owner`, named in full by the operator, and journal it; see `core.lease`."""
        with self._named():
            broken = break_lease(self._lease_store, self.machine, owner)
        journal_break(self._writer, self.machine, owner, broken)
        return broken

    def release_dead_lease(self) -> LeaseRecord:
        """Free a lease whose holder is proved to run no more; see `core.lease.release_dead`."""
        with self._named():
            return release_dead(self._lease_store, self.machine)

    @contextmanager
    def _named(self) -> Iterator[None]:
        """A lease does not know what its store is called: what it advises is made ready to paste."""
        try:
            yield
        except SeamlineError as error:
            location = quoted(self.reader.location)
            error.hint = _ADVICE_RE.sub(lambda found: f"seamline {found[1]} {location}", error.hint)
            raise

    @contextmanager
    def lease(
        self,
        purpose: str,
        operation: str,
        wait: float = 0.0,
        waiting: Callable[[LeaseRecord], None] | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Iterator[Lease]:
        """Hold the lease for the length of a block; `stopped` may end the wait for it with `Stopped`."""
        token = greatest_token(self.reader.list_folder(JOURNAL_FOLDER)) + 1
        told = waiting or _nobody
        with (
            self._named(),
            hold(
                self._lease_store,
                self.machine,
                purpose=purpose,
                operation=operation,
                wait=wait,
                least_token=token,
                stopped=stopped,
                waiting=told,
            ) as lease,
        ):
            yield lease

    @contextmanager
    def _ground(
        self,
        purpose: str,
        operation: str,
        wait: float,
        watch: ApplyWatch | None,
        waiting: Callable[[LeaseRecord], None] | None,
    ) -> Iterator[Ground]:
        watch = watch or UnwatchedChange()
        with self.lease(purpose, operation, wait, waiting, watch.stopped) as lease:
            yield Ground(self.reader, self._writer, self.machine, lease, watch)

    def _interrupted(self) -> list[OperationFiles]:
        return list(interrupted_in(self.reader.list_folder(JOURNAL_FOLDER)))


def _nobody(_record: LeaseRecord) -> None:
    """Nobody is told that somebody else holds the lease."""
