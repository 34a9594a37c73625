"""Writes down that a lease was broken, and by whom: whoever finds its holder's work cut off shall know why."""

from __future__ import annotations

from core.changes.beginning import new_intent
from core.changes.model import OperationKind
from core.host import Machine
from core.journal import Outcome, Piece, piece_handle
from core.journal.documents import VERSION, encode
from core.lease import UNREADABLE, LeaseRecord
from core.names import JOURNAL_FOLDER
from core.storage.writing import StoreWriter


def journal_break(writer: StoreWriter, machine: Machine, owner: str, broken: LeaseRecord) -> str:
    """Journal that the lease of `owner` was broken and is now as `broken` says; the id of the entry.

    Nobody needs to hold the lease for it: names of the journal are new ones, and no file of the store is touched.
    Raises `WriteFailed` or `OutcomeUnknown`; the lease is broken all the same.
    """
    whose = "a lock file that could not be read" if owner == UNREADABLE else f"the lease of {broken.user}@{broken.host}"
    intent = new_intent(machine, OperationKind.BREAK, max(1, broken.token), f"{whose}, {owner}")
    operation = intent.operation
    outcome = Outcome(v=VERSION, operation=operation, finished=True, at=intent.at, token=intent.token)
    # The outcome first: cut off between the two, no operation is there that would wait to be resumed.
    writer.create(piece_handle(operation, Piece.OUTCOME), encode(outcome))
    writer.create(piece_handle(operation, Piece.INTENT), encode(intent))
    writer.flush(JOURNAL_FOLDER)
    return operation
