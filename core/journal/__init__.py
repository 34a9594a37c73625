"""The journal of a store: what was done to it, by whom, and what did not end. Reading only; `core.changes` writes it.

It lies in the store's own `seamline/journal/`, a sibling of `metadata/` that stock never looks at. An operation is a
few files named after it; each of them is made once and never changed, but for the list of steps, which grows.
"""

from core.journal.documents import Intent, Outcome, PlannedWrite, Undone, records_in
from core.journal.holding import Unfinished, read_unfinished, unfinished_in
from core.journal.names import (
    OperationFiles,
    Piece,
    greatest_token,
    interrupted_in,
    new_operation_id,
    operations_in,
    piece_handle,
)
from core.journal.reading import Operation, OperationState, read_log, read_operation

__all__ = [
    "Intent",
    "Operation",
    "OperationFiles",
    "OperationState",
    "Outcome",
    "Piece",
    "PlannedWrite",
    "Undone",
    "Unfinished",
    "greatest_token",
    "interrupted_in",
    "new_operation_id",
    "operations_in",
    "piece_handle",
    "read_log",
    "read_operation",
    "read_unfinished",
    "records_in",
    "unfinished_in",
]
