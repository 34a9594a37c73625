"""Change sets on small stores in real folders, and outsiders that come in between two steps of an operation."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from core.changes.lanes import lane_states
from core.changes.marks import mark_of, marks_of
from core.changes.model import ChangeSet, Move, OperationKind, Write
from core.codec import encode_record
from core.engine import Engine
from core.form import forms_of
from core.model import LaneKind, TimestampsRecord
from core.operations import Operations
from core.snapshot import Snapshot, take_snapshot
from core.storage import LocalReader
from core.storage.local.conditional import LocalConditional
from core.storage.local.writer import LocalWriter
from core.storage.writing import StoreWriter
from tests.support.machines import FakeMachine
from tests.support.stores import base_store

_NAMED = re.compile(rb'"manifest":"(\w[\w.-]*/\w+\.manifest)"')
MERGED = "metadata/transaction_compacted_0-200.meta"


def write_metadata(folder: Path, files: dict[str, bytes]) -> None:
    """A store of these metadata files."""
    (folder / "metadata").mkdir(parents=True)
    for name, content in files.items():
        (folder / "metadata" / name).write_bytes(content)


def base_folder(folder: Path) -> Path:
    """Base store B of the hazard catalogue in a folder."""
    write_metadata(folder, base_store())
    return folder


def with_a_backup(folder: Path) -> Path:
    """Put one backup that a line names into a store, which is then no copy of metadata alone."""
    named = (_NAMED.search(file.read_bytes()) for file in sorted(folder.glob("metadata/*.meta")))
    manifest = folder / next(found[1].decode() for found in named if found)
    manifest.parent.mkdir(exist_ok=True)
    manifest.write_bytes(b"{}")
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    """Every file of `metadata/` and `metadata_backup/` with its bytes."""
    files = [*folder.glob("metadata/*"), *folder.glob("metadata_backup/*")]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def metadata_of(folder: Path) -> dict[str, bytes]:
    """Every file of `metadata/` with its bytes, by name."""
    return {file.name: file.read_bytes() for file in folder.glob("metadata/*")}


def merge_transactions(snapshot: Snapshot) -> ChangeSet:
    """A change that puts all transaction entries into one file at once and retires the files they came from."""
    index = snapshot.index
    lane, form = index.transactions, forms_of(index).only
    content = b"".join(encode_record(lane.record(row)) for row in range(len(lane)))
    going = sorted({lane.file_handles[int(file)] for file in lane.claim_file})
    numbers = {file.handle: number for number, file in enumerate(index.files)}
    record = TimestampsRecord(1_700_000_000, {MERGED: None})
    return ChangeSet(
        kind=OperationKind.COMPACT,
        label="merge",
        marks=marks_of(index),
        writes=(Write(MERGED, content, len(lane), form),),
        restores=(),
        record=Write("metadata/compaction_timestamps_1700000000.meta", encode_record(record), 1, form),
        retires=tuple(
            Move(handle, handle.replace("metadata/", "metadata_backup/"), mark_of(index, numbers[handle]), "merged")
            for handle in going
        ),
        lanes=lane_states(index),
        index=index,
    )


def operations_on(folder: Path, machine: FakeMachine | None = None) -> Operations:
    """The operations on a folder."""
    where = str(folder)
    return Operations(LocalReader(where), LocalWriter(where), LocalConditional(where), machine or FakeMachine())


def engine_on(folder: Path) -> Engine:
    """The engine on a folder."""
    return Engine(LocalReader(str(folder)), FakeMachine())


def look_at(folder: Path) -> Snapshot:
    """A look at a folder."""
    return take_snapshot(LocalReader(str(folder)), FakeMachine())


def entries_of(folder: Path) -> dict[LaneKind, list[object]]:
    """Every visible entry, lane by lane, in stock's order."""
    lanes = look_at(folder).index.lanes
    return {kind: [lane.record(row) for row in range(len(lane))] for kind, lane in lanes.items()}


class Meddler:
    """A writer beside whose steps somebody else is at work: `meddle` is called before the step that `when` picks."""

    def __init__(self, writer: StoreWriter, when: Callable[[str, str], bool], meddle: Callable[[], None]) -> None:
        self._writer = writer
        self._when = when
        self._meddle: Callable[[], None] | None = meddle

    @property
    def at_once(self) -> int:
        return self._writer.at_once

    def create(self, handle: str, content: bytes) -> None:
        self._before("create", handle)
        self._writer.create(handle, content)

    def link(self, source: str, handle: str) -> None:
        self._before("link", handle)
        self._writer.link(source, handle)

    def move(self, source: str, target: str) -> None:
        self._before("move", source)
        self._writer.move(source, target)

    def append(self, handle: str, content: bytes) -> None:
        self._before("append", handle)
        self._writer.append(handle, content)

    def flush(self, folder: str) -> None:
        self._before("flush", folder)
        self._writer.flush(folder)

    def discard(self, handle: str) -> None:
        self._before("discard", handle)
        self._writer.discard(handle)

    def _before(self, step: str, handle: str) -> None:
        if self._meddle and self._when(step, handle):
            meddle, self._meddle = self._meddle, None
            meddle()


def meddled(folder: Path, when: Callable[[str, str], bool], meddle: Callable[[], None]) -> Operations:
    """The operations on a folder, with somebody else at work there."""
    where = str(folder)
    writer = Meddler(LocalWriter(where), when, meddle)
    return Operations(LocalReader(where), writer, LocalConditional(where), FakeMachine())
