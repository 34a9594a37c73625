"""Writes down that a lease was broken, and by whom: whoever finds its holder's work cut off shall know why."""

from __future__ import annotations

from core.changes.apply import APP
from core.changes.model import OperationKind
from core.host import Machine
from core.journal import JOURNAL_FOLDER, Intent, Outcome, Piece, new_operation_id, piece_handle
from core.journal.documents import VERSION, encode
from core.lease import UNREADABLE, LeaseRecord
from core.storage.writing import StoreWriter


def journal_break(writer: StoreWriter, machine: Machine, owner: str, broken: LeaseRecord) -> str:
    """Journal that the lease of `owner` was broken and is now as `broken` says; the id of the entry.

    Nobody needs to hold the lease for it: names of the journal are new ones, and no file of the store is touched.
    Raises `WriteFailed` or `OutcomeUnknown`; the lease is broken all the same.
    """
    moment, me = machine.now(), machine.process()
    operation = new_operation_id(moment, broken.token, OperationKind.BREAK, machine.fresh_id())
    whose = "a lock file that could not be read" if owner == UNREADABLE else f"the lease of {broken.user}@{broken.host}"
    intent = Intent(
        v=VERSION,
        operation=operation,
        kind=OperationKind.BREAK,
        label=f"{whose}, {owner}",
        token=max(1, broken.token),
        at=moment,
        user=me.user,
        host=me.host,
        pid=me.pid,
        app=APP,
        plan_id="",
    )
    outcome = Outcome(v=VERSION, operation=operation, finished=True, at=moment, token=intent.token)
    # The outcome first: cut off between the two, no operation is there that would wait to be resumed.
    writer.create(piece_handle(operation, Piece.OUTCOME), encode(outcome))
    writer.create(piece_handle(operation, Piece.INTENT), encode(intent))
    writer.flush(JOURNAL_FOLDER)
    return operation
