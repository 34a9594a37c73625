"""Stores that live in memory: a reader over a dictionary, and snapshots of metadata that a test spells out."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import BinaryIO

from core.codec import encode_record
from core.host import FixedHost
from core.model import (
    EpochEndingRecord,
    IdentityRecord,
    Record,
    StateSnapshotRecord,
    TransactionRecord,
)
from core.names import alone_name
from core.snapshot import Snapshot, take_snapshot
from core.storage.protocol import HandleUnreadable, Listed, ListedKind, ReadFault

#: The moment of every store in memory, unix seconds: 2023-11-14.
NOW = 1_700_000_000


class MemoryReader:
    """The read half of a storage over `{handle: content}`.

    A name of several parts makes folders of all but the last. `kinds` says which handles are no plain files, `faults`
    which can't be read.
    """

    def __init__(
        self,
        files: Mapping[str, bytes],
        *,
        kinds: Mapping[str, ListedKind] | None = None,
        faults: Mapping[str, HandleUnreadable] | None = None,
        one_device: bool = True,
    ) -> None:
        self._files: Mapping[str, bytes] = dict(files)
        self._kinds = dict(kinds or {})
        self._faults = dict(faults or {})
        self._one_device = one_device

    @property
    def location(self) -> str:
        return "memory"

    def list_folder(self, folder: str) -> list[Listed]:
        prefix = f"{folder}/" if folder else ""
        below = [handle for handle in (*self._files, *self._kinds) if handle.startswith(prefix)]
        children = {prefix + handle[len(prefix) :].partition("/")[0] for handle in below}
        return [self.stat(child) for child in sorted(children, key=os.fsencode)]

    def read_many(self, folder: str, names: Iterable[str], limit: int) -> Iterator[bytes | HandleUnreadable]:
        for name in names:
            try:
                yield self._content(f"{folder}/{name}", limit)
            except HandleUnreadable as unreadable:
                yield unreadable

    def stat(self, handle: str) -> Listed:
        if handle in self._files or handle in self._kinds:
            size = len(self._files.get(handle, b""))
            return Listed(handle, self._kinds.get(handle, ListedKind.FILE), size, float(NOW))
        if any(each.startswith(f"{handle}/") for each in (*self._files, *self._kinds)):
            return Listed(handle, ListedKind.FOLDER, 0, float(NOW))
        raise HandleUnreadable(ReadFault.MISSING, "No such file or directory (os error 2)")

    def open(self, handle: str) -> BinaryIO:
        return io.BytesIO(self._content(handle, 1 << 40))

    async def read(self, handle: str, limit: int) -> bytes:
        return self._content(handle, limit)

    def may_change(self, folder: str) -> bool:
        return True

    def on_one_device(self) -> bool:
        return self._one_device

    def _content(self, handle: str, limit: int) -> bytes:
        if handle in self._faults:
            raise self._faults[handle]
        if handle not in self._files:
            raise HandleUnreadable(ReadFault.MISSING, "No such file or directory (os error 2)")
        if len(self._files[handle]) > limit:
            raise HandleUnreadable(ReadFault.TOO_LARGE, f"larger than {limit:,} bytes")
        return self._files[handle]


def reader_of(
    metadata: Mapping[str, str | bytes], metadata_backup: Mapping[str, str | bytes] | None = None
) -> MemoryReader:
    """A reader over the files of `metadata/` and `metadata_backup/`, given by name."""
    files = {f"metadata/{name}": _bytes(content) for name, content in metadata.items()}
    files |= {f"metadata_backup/{name}": _bytes(content) for name, content in (metadata_backup or {}).items()}
    return MemoryReader(files)


def snapshot_of(
    metadata: Mapping[str, str | bytes],
    metadata_backup: Mapping[str, str | bytes] | None = None,
    *,
    now: float = NOW,
    backups: bool = True,
) -> Snapshot:
    """A snapshot of the files of `metadata/` and `metadata_backup/`, given by name.

    With `backups` the folders of the backups seem to lie beside them, as in any store but a copy of the metadata.
    """
    snapshot = take_snapshot(reader_of(metadata, metadata_backup), FixedHost(now))
    return with_backups(snapshot) if backups else snapshot


def with_backups(snapshot: Snapshot) -> Snapshot:
    """The same look, with a folder at the top of the store for every manifest that a line names."""
    lanes = snapshot.index.lanes.values()
    named = {lane.manifest(row).partition("/")[0] for lane in lanes for row in range(len(lane))}
    there = {each.handle for each in snapshot.root}
    folders = [Listed(name, ListedKind.FOLDER, 0, float(NOW)) for name in sorted(named - there)]
    return replace(snapshot, root=(*snapshot.root, *folders))


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def lines(*records: Record) -> bytes:
    """The content of a metadata file that holds `records` as stock writes them."""
    return b"".join(encode_record(record) for record in records)


def txn(first: int, last: int, manifest: str = "") -> TransactionRecord:
    """A transaction entry; its manifest is named after its start unless given."""
    return TransactionRecord(first, last, manifest or f"transaction_{first}-.aaaa/transaction.manifest")


def epoch(first: int, last: int, first_version: int, last_version: int, manifest: str = "") -> EpochEndingRecord:
    """An epoch ending entry; its manifest is named after its start unless given."""
    named = manifest or f"epoch_ending_{first}-.aaaa/epoch_ending.manifest"
    return EpochEndingRecord(first, last, first_version, last_version, named)


def state(at_epoch: int, version: int, manifest: str = "") -> StateSnapshotRecord:
    """A state snapshot entry; its manifest is named after it unless given."""
    named = manifest or f"state_epoch_{at_epoch}_ver_{version}.aaaa/state.manifest"
    return StateSnapshotRecord(at_epoch, version, named)


def base_store() -> dict[str, bytes]:
    """The metadata of base store B of the hazard catalogue: nothing is wrong with it."""
    records = (
        IdentityRecord("ab" * 32),
        *(epoch(0, 0, 0, 0), epoch(1, 1, 100, 100)),
        *(state(0, 0), state(1, 100)),
        *(txn(0, 0), txn(1, 100), txn(101, 200)),
    )
    return {alone_name(record): lines(record) for record in records}


def numbered(*records: Record) -> dict[str, bytes]:
    """Metadata with one file for each record, under names that say nothing."""
    return {f"file{number:04}.meta": lines(record) for number, record in enumerate(records)}
