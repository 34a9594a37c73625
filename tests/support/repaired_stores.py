"""Stores in real folders that a repair has been at: one of two conflicting entries was rejected."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from core.changes.lanes import lane_states
from core.changes.marks import mark_of, marks_of
from core.changes.model import ChangeSet, Move, OperationKind
from core.model import RangeRecord
from core.snapshot import Snapshot
from tests.support.change_sets import base_folder, engine_on, look_at, operations_on
from tests.support.stores import lines, snapshot_of, txn

#: An entry beside that of base store B for the same versions, and the file that it stands in.
REJECTED: Final = txn(1, 100, "transaction_1-.bbbb/transaction.manifest")
CONFLICT: Final = "conflict.meta"


def conflicting_folder(folder: Path) -> Path:
    """Base store B with two entries for the versions 1 to 100."""
    base_folder(folder)
    write_again(folder)
    return folder


def write_again(folder: Path, *records: RangeRecord, name: str = CONFLICT) -> None:
    """Make lines visible, by default the one of `REJECTED`."""
    (folder / "metadata" / name).write_bytes(lines(*(records or (REJECTED,))))


def rejection(snapshot: Snapshot, name: str = CONFLICT, *rejected: RangeRecord) -> ChangeSet:
    """A repair that retires one file, with the lines that are to be seen no more."""
    handle = f"metadata/{name}"
    files = {file.listed.name: snapshot.index.content(number) for number, file in enumerate(snapshot.index.files)}
    number = next(number for number, file in enumerate(snapshot.index.files) if file.handle == handle)
    del files[name]
    return ChangeSet(
        kind=OperationKind.REPAIR,
        label="repair",
        marks=marks_of(snapshot.index),
        writes=(),
        restores=(),
        record=None,
        retires=(Move(handle, f"metadata_backup/{name}", mark_of(snapshot.index, number), "rejected"),),
        lanes=lane_states(snapshot_of(files).index),
        rejected=rejected or (REJECTED,),
    )


def repair(folder: Path, name: str = CONFLICT, *rejected: RangeRecord) -> str:
    """Reject the lines of one file; the operation."""
    return operations_on(folder).apply(rejection(look_at(folder), name, *rejected)).operation


def undo(folder: Path, operation: str) -> str:
    """Take an operation back; the operation that did."""
    engine = engine_on(folder)
    [wanted] = [each for each in engine.log() if each.id == operation]
    return operations_on(folder).apply(engine.plan_undo(engine.look(), wanted)).operation
