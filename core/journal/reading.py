"""Reads operations out of a store's journal. What is damaged is told as such; it hides nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

from core.changes.model import OperationKind
from core.journal.documents import Intent, JournalFault, Outcome, Undone, decode
from core.journal.names import OperationFiles, Piece, operations_in, piece_handle
from core.names import JOURNAL_FOLDER
from core.storage.protocol import HandleUnreadable, StoreReader

#: An intent names every file that it touches, so it may be long; 200,000 files take 100 MB.
MAX_DOCUMENT_BYTES: Final = 256 << 20
_T = TypeVar("_T")


class OperationState(StrEnum):
    """Where an operation stands."""

    DONE = "done"
    CLOSED = "closed"
    UNDONE = "undone"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation as the journal tells it. `fault` says what of it can't be read; that part is then None."""

    files: OperationFiles
    intent: Intent | None
    outcome: Outcome | None
    undone: Undone | None
    fault: str | None

    @property
    def id(self) -> str:
        """Its name."""
        return self.files.id

    @property
    def kind(self) -> OperationKind:
        """What it is."""
        return self.files.kind

    @property
    def state(self) -> OperationState:
        """Where it stands."""
        if self.files.interrupted:
            return OperationState.INTERRUPTED
        if Piece.UNDONE in self.files.pieces:
            return OperationState.UNDONE
        return OperationState.CLOSED if self.outcome and not self.outcome.finished else OperationState.DONE


def read_operation(reader: StoreReader, files: OperationFiles) -> Operation:
    """One operation of the journal's listing."""
    faults: list[str] = []
    return Operation(
        files=files,
        intent=_document(reader, files, Piece.INTENT, Intent, faults),
        outcome=_document(reader, files, Piece.OUTCOME, Outcome, faults),
        undone=_document(reader, files, Piece.UNDONE, Undone, faults),
        fault="; ".join(faults) or None,
    )


def read_log(reader: StoreReader) -> tuple[Operation, ...]:
    """Every operation, oldest first. Raises `StoreUnreachable` when the journal can't be listed."""
    return tuple(read_operation(reader, files) for files in operations_in(reader.list_folder(JOURNAL_FOLDER)))


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
