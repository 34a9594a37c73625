"""Everything that changes one store, each method under the lease: the face of the writing half of the engine.

Whoever only looks uses `core.engine`, which can't write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from core.changes.apply import Applied, apply, resume
from core.changes.breaking import journal_break
from core.changes.ground import ApplyWatch, Ground, UnwatchedChange
from core.changes.guarded import Guarding, close_guard
from core.changes.model import ChangeSet, OperationKind
from core.changes.probing import WriteTrial, try_writing
from core.errors import SeamlineError
from core.host import Machine
from core.invocation import Advice
from core.journal import OperationFiles, greatest_token, interrupted_in, read_operation
from core.lease import Lease, LeaseRecord, break_lease, hold, release_dead
from core.lease_choice import AS_USUAL, LeaseChoice
from core.names import JOURNAL_FOLDER
from core.storage.conditions import require_conditions
from core.storage.protocol import StoreReader
from core.storage.writing import ConditionalStore, StoreWriter
from core.write_access import write_access


def operations_for(location: str, machine: Machine, lease: LeaseChoice = AS_USUAL) -> Operations:
    """The operations on the store that an operator names, with the lease where `lease` says.

    Raises `UsageError` or `StoreUnreachable`; writes nothing.
    """
    access = write_access(location, machine, lease)
    return Operations(
        access.reader,
        access.writer,
        access.lease_store,
        machine,
        prepare=access.prepare,
        remarks=access.remarks,
        lease_choice=lease,
    )


class Operations:
    """One store that may be written, seen from one machine.

    Every method that takes the lease raises `LeaseHeld` when it is not free within `wait` seconds, and `LeaseLost`.
    `prepare` is called once before the first lease, and raises where there can be none; `remarks` go into the journal
    of each operation; `lease_choice` goes into the commands that errors advise.
    """

    def __init__(
        self,
        reader: StoreReader,
        writer: StoreWriter,
        lease_store: ConditionalStore,
        machine: Machine,
        *,
        prepare: Callable[[], None] = lambda: None,
        remarks: tuple[str, ...] = (),
        lease_choice: LeaseChoice = AS_USUAL,
    ) -> None:
        self.reader = reader
        self.machine = machine
        self._writer = writer
        self._lease_store = lease_store
        self._prepare = prepare
        self._prepared = False
        self._remarks = remarks
        self._lease_choice = lease_choice

    def require_lease(self) -> None:
        """Return if a lease can be had on this store at all; none is taken. Raises a `SeamlineError`."""
        if not self._prepared:
            self._prepare()
            self._prepared = True

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
        with self.named():
            self.require_lease()
            broken = break_lease(self._lease_store, self.machine, owner)
        journal_break(self._writer, self.machine, owner, broken)
        return broken

    def release_dead_lease(self) -> LeaseRecord:
        """Free a lease whose holder is proved to run no more; see `core.lease.release_dead`."""
        with self.named():
            self.require_lease()
            return release_dead(self._lease_store, self.machine)

    def try_writing(self, stopped: Callable[[], bool] = lambda: False) -> WriteTrial:
        """Whether this store can be written, tried beside it; see `core.changes.probing`."""
        return try_writing(self.reader, self._writer, self.machine, stopped)

    def try_conditions(self) -> str:
        """Return if a lease can be had on this storage, with what is peculiar about it, or "".

        See `core.storage.conditions`. Raises what that raises.
        """
        with self.named():
            self.require_lease()
            require_conditions(self._lease_store, self.machine.fresh_id)
        return self._lease_store.peculiarity

    @contextmanager
    def named(self) -> Iterator[None]:
        """A lease does not know what its store is called, a change not where its lease lies: both go into hints."""
        try:
            yield
        except SeamlineError as error:
            if isinstance(error.advice, Advice):
                error.hint = error.advice.at(self.reader.location, self._lease_choice)
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
        told = waiting or _nobody
        with self.named():
            self.require_lease()
            token = greatest_token(self.reader.list_folder(JOURNAL_FOLDER)) + 1
        with (
            self.named(),
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
            yield Ground(self.reader, self._writer, self.machine, lease, watch, self._remarks)

    def _interrupted(self) -> list[OperationFiles]:
        return list(interrupted_in(self.reader.list_folder(JOURNAL_FOLDER)))


def _nobody(_record: LeaseRecord) -> None:
    """Nobody is told that somebody else holds the lease."""
