"""Reads operations out of a store's journal. What is damaged is told as such; it hides nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

from core.changes.model import OperationKind
from core.journal.documents import Intent, JournalFault, Outcome, Undone, decode
from core.journal.holding import Unfinished, unfinished_in
from core.journal.names import OperationFiles, Piece, operations_in, piece_handle
from core.lease import LeaseRecord, LeaseView
from core.names import JOURNAL_FOLDER
from core.storage.protocol import HandleUnreadable, StoreReader

#: An intent names every file that it touches, so it may be long; 200,000 files take 100 MB.
MAX_DOCUMENT_BYTES: Final = 256 << 20
_T = TypeVar("_T")


class OperationState(StrEnum):
    """Where an operation stands.

    Of those that did not end yet, RUNNING is the work of a holder of the lease that is known to be alive, HELD that of
    one of whom a single look can't tell, and INTERRUPTED nobody's.
    """

    DONE = "done"
    CLOSED = "closed"
    UNDONE = "undone"
    INTERRUPTED = "interrupted"
    RUNNING = "running"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation as the journal tells it. `fault` says what of it can't be read; that part is then None.

    `lease` is the lease under which it is at work, or may be; None where nobody is at it.
    """

    files: OperationFiles
    intent: Intent | None
    outcome: Outcome | None
    undone: Undone | None
    fault: str | None
    lease: LeaseView | None = None

    @property
    def id(self) -> str:
        """Its name."""
        return self.files.id

    @property
    def kind(self) -> OperationKind:
        """What it is."""
        return self.files.kind

    @property
    def holder(self) -> LeaseRecord | None:
        """Who is at work on it, or may be."""
        return self.lease.holder if self.lease else None

    @property
    def state(self) -> OperationState:
        """Where it stands."""
        if self.files.interrupted:
            if self.lease is None:
                return OperationState.INTERRUPTED
            return OperationState.RUNNING if self.lease.is_alive else OperationState.HELD
        if Piece.UNDONE in self.files.pieces:
            return OperationState.UNDONE
        return OperationState.CLOSED if self.outcome and not self.outcome.finished else OperationState.DONE


def read_operation(reader: StoreReader, files: OperationFiles, lease: LeaseView | None = None) -> Operation:
    """One operation of the journal's listing; `lease` is the one under which it is at work."""
    faults: list[str] = []
    return Operation(
        files=files,
        intent=_document(reader, files, Piece.INTENT, Intent, faults),
        outcome=_document(reader, files, Piece.OUTCOME, Outcome, faults),
        undone=_document(reader, files, Piece.UNDONE, Undone, faults),
        fault="; ".join(faults) or None,
        lease=lease,
    )


def read_log(reader: StoreReader, unfinished: Unfinished | None = None) -> tuple[Operation, ...]:
    """Every operation, oldest first, as of `unfinished` if that is given: without, nobody is known to be at work.

    Raises `StoreUnreachable` when the journal can't be listed.
    """
    unfinished = unfinished or unfinished_in(reader.list_folder(JOURNAL_FOLDER), None)
    found = operations_in(unfinished.journal)
    return tuple(read_operation(reader, files, unfinished.holder_of(files)) for files in found)


def _document(reader: StoreReader, files: OperationFiles, piece: Piece, kind: type[_T], faults: list[str]) -> _T | None:
    if piece not in files.pieces:
        return None
    try:
        with reader.open(piece_handle(files.id, piece)) as stream:
            data = stream.read(MAX_DOCUMENT_BYTES + 1)
        if len(data) > MAX_DOCUMENT_BYTES:
            raise JournalFault(f"it is longer than {MAX_DOCUMENT_BYTES:,} bytes")
        return decode(data, kind, files.id)
    except (HandleUnreadable, JournalFault, OSError) as error:
        faults.append(f"{files.id}.{piece} can't be read: {error}")
        return None
