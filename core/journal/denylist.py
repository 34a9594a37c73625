"""What repairs rejected: entries that must not come back by themselves (`recovery.md`, "Changes").

A compactor that had loaded earlier may write a rejected line back, and `metadata_backup/` still holds it. The journal
says which lines those are, as long as the repair that rejected them is in force: finished, and not taken back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from core.changes.lanes import state_of_text
from core.changes.model import LaneState, OperationKind
from core.columns import I64, Lane
from core.content import lane_text
from core.journal.documents import records_in
from core.journal.names import OperationFiles, Piece, operations_in
from core.journal.reading import Operation, read_operation
from core.model import EpochEndingRecord, LaneKind, RangeRecord, StateSnapshotRecord, TransactionRecord
from core.names import JOURNAL_FOLDER
from core.snapshot import Snapshot
from core.storage.protocol import StoreReader

MAX_READ_BYTES: Final = 64 << 20
"""So much of the journal is read at most; the newest repairs come first."""

_STARTS: Final = {
    LaneKind.TRANSACTIONS: (TransactionRecord, "first_version"),
    LaneKind.EPOCH_ENDINGS: (EpochEndingRecord, "first_epoch"),
    LaneKind.STATE_SNAPSHOTS: (StateSnapshotRecord, "version"),
}


def denylist_of(reader: StoreReader, snapshot: Snapshot) -> dict[RangeRecord, str]:
    """Each entry that repairs in force rejected, with the operation that did so last; none that was only parked.

    Nothing is read where the journal, as `snapshot` lists it, has no repair. What can't be read denies nothing. Left
    out are visible entries that the newest repair let stand: it knew better.
    """
    denied: dict[RangeRecord, str] = {}
    newest: Mapping[LaneKind, LaneState] = {}
    for operation in _repairs_in_force(reader, snapshot):
        if operation.intent is None:
            continue
        newest = newest or operation.intent.lanes
        for record in records_in(operation.intent.rejected):
            denied.setdefault(record, operation.id)
    for kind, state in newest.items():
        _allow_what_stood(snapshot, kind, state, denied)
    return denied


def denied_rows(lane: Lane, denied: Mapping[RangeRecord, str]) -> I64:
    """The rows (int64) of a lane whose entries are in `denied`."""
    record_type, start = _STARTS[lane.kind]
    starts = [getattr(record, start) for record in denied if isinstance(record, record_type)]
    rows = np.flatnonzero(np.isin(lane.first, np.array(starts, dtype=np.uint64)))
    return rows[[lane.record(row) in denied for row in rows.tolist()]] if len(rows) else rows


def _repairs_in_force(reader: StoreReader, snapshot: Snapshot) -> Iterator[Operation]:
    """The repairs that finished and were not taken back, newest first, as far as they are read."""
    known = {files.id: files for files in operations_in(snapshot.journal)}
    repairs = [files for files in known.values() if files.kind is OperationKind.REPAIR]
    if not repairs:
        return
    sizes = {listed.handle: listed.size for listed in snapshot.journal}
    left = MAX_READ_BYTES
    for files in reversed(repairs):
        size = sum(sizes.get(f"{JOURNAL_FOLDER}/{files.id}.{piece}", 0) for piece in (Piece.INTENT, Piece.OUTCOME))
        if Piece.OUTCOME not in files.pieces or size > left or _is_taken_back(reader, files, known):
            continue
        left -= size
        operation = read_operation(reader, files)
        if operation.outcome is None or operation.outcome.finished:
            yield operation


def _is_taken_back(reader: StoreReader, files: OperationFiles, known: Mapping[str, OperationFiles]) -> bool:
    """Whether an operation is undone; the undo may have been undone itself."""
    chain: list[str] = []
    following: OperationFiles | None = files
    while following is not None and Piece.UNDONE in following.pieces and following.id not in chain:
        chain.append(following.id)
        undone = read_operation(reader, replace(following, pieces=frozenset({Piece.UNDONE}))).undone
        following = known.get(undone.by) if undone else None
    return len(chain) % 2 == 1


def _allow_what_stood(snapshot: Snapshot, kind: LaneKind, state: LaneState, denied: dict[RangeRecord, str]) -> None:
    """Take out of `denied` the visible entries of a lane that a repair left behind in this very `state`.

    It is the same state as long as entries have only been added behind it.
    """
    lane = snapshot.index.lanes.get(kind)
    rows = denied_rows(lane, denied) if lane is not None and 0 < state.entries <= len(lane) else ()
    if lane is not None and len(rows) and state_of_text(lane_text(snapshot.index, kind, range(state.entries))) == state:
        for row in rows:
            if row < state.entries:
                denied.pop(lane.record(int(row)), None)
