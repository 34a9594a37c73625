"""What a change is carried out with: the store, the lease, the machine, and who watches."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from core.changes.sight import Known, Sight, look
from core.errors import SeamlineError, Stopped
from core.host import Machine
from core.invocation import Advice, Resume, Undo
from core.journal.names import Piece, piece_handle
from core.lease import Lease
from core.names import JOURNAL_FOLDER
from core.storage.protocol import StoreReader
from core.storage.writing import StoreWriter

METADATA: Final = "metadata"
BACKUP: Final = "metadata_backup"


@dataclass(frozen=True, slots=True)
class ApplyProgress:
    """How far a change is: `done` of `total` steps, and what comes now, as `retire metadata/x.meta`."""

    done: int
    total: int
    step: str


class ApplyWatch(Protocol):
    """Who follows a change: told of each step, asked before it whether to stop. Called from the thread that applies."""

    def progress(self, progress: ApplyProgress) -> None:
        """Told before each step."""

    def stopped(self) -> bool:
        """Whether to stop; the operation is then interrupted, to be resumed or undone."""


class UnwatchedChange:
    """Nobody watches, nobody stops."""

    def progress(self, progress: ApplyProgress) -> None:
        """Ignored."""

    def stopped(self) -> bool:
        """Never."""
        return False


@dataclass(frozen=True, slots=True)
class Ground:
    """Everything that the executor works with; `remarks` stand in the journal of each operation, as its notes do."""

    reader: StoreReader
    writer: StoreWriter
    machine: Machine
    lease: Lease
    watch: ApplyWatch
    remarks: tuple[str, ...] = ()

    def look(self, unreadable: Container[str], known: Known | None = None) -> Sight:
        """The metadata as it is now, see `core.changes.sight`. Raises `StoreUnreachable`."""
        return look(self.reader, known, unreadable)

    def step(self, progress: ApplyProgress) -> None:
        """Called before every mutation. Raises `LeaseLost`, or `Stopped` when the operator wants no more."""
        self.watch.progress(progress)
        self.lease.tell(f"{progress.step.partition(' ')[0]} {progress.done + 1}/{progress.total}")
        if self.watch.stopped():
            # Whoever looks at the journal next shall see how far it came.
            self.writer.flush(JOURNAL_FOLDER)
            raise Stopped(f"stopped after {progress.done:,} of {progress.total:,} steps")
        self.lease.check()

    def line(self, step: str, handle: str) -> bytes:
        """A step that has been done now, as the journal has it."""
        line = {"at": self.machine.now(), "token": self.lease.token, "step": step, "handle": handle}
        return json.dumps(line).encode() + b"\n"

    def note(self, operation: str, lines: Iterable[bytes]) -> None:
        """Put steps that have been done into the journal."""
        self.writer.append(piece_handle(operation, Piece.STEPS), b"".join(lines))

    def record(self, handle: str, content: bytes) -> None:
        """Make a file of the journal that outlasts a loss of power."""
        self.lease.check()
        self.writer.create(handle, content)
        self.writer.flush(JOURNAL_FOLDER)


@contextmanager
def journaled(operation: str, location: str) -> Iterator[None]:
    """Whatever stops an operation on the way says how it goes on from here."""
    try:
        yield
    except SeamlineError as error:
        before = (error.advice, "; ") if error.hint else ()
        waits = f"no line is lost, and operation {operation} waits: "
        ways = (Resume(location), " finishes it, ", Undo(location, operation), " takes it back")
        error.hint = Advice(*before, waits, *ways)
        raise
