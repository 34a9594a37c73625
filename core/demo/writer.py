"""A whole backup store in memory, built by telling its history, then written to a folder in one go.

Each verb is something that happened to the store: a backup, a compaction, a loss. A clock that only the history moves
dates every file, so two builds of one history are equal down to the modification times (`format.md` has the layout).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from core.demo.ledger import GENESIS_TIME, Ledger, framed
from core.demo.metadata import Factors, Kill, KillAmongMoves, MetadataIndex, see_everything
from core.model import EpochEndingRecord, IdentityRecord, StateSnapshotRecord, TransactionRecord, end_of

VERSIONS_PER_CHUNK: Final = 250
STATE_ITEMS_PER_CHUNK: Final = 100
FACTORS: Final = Factors()

_SECONDS_PER_UPLOAD: Final = 2
_SECONDS_PER_COMPACTION: Final = 45
_NOTHING_ALTERED: Final[Mapping[int, int]] = MappingProxyType({})


class DemoStore:
    """A sample store and its history so far. `writer` is the host that did something; it only decides folder suffixes.

    `now` is the time in unix seconds; it never goes back. `snapshot_epochs` are those with a snapshot, oldest first.
    """

    def __init__(self, seed: str) -> None:
        self.ledger = Ledger(seed)
        self.index = MetadataIndex()
        self.now = GENESIS_TIME
        self.snapshot_epochs: list[int] = []
        self._files: dict[str, tuple[bytes, int]] = {}

    # time

    def wait(self, *, hours: int) -> None:
        """Nothing happens for some hours."""
        self.now += hours * 3600

    def wait_for(self, version: int) -> None:
        """Until the chain has reached a version, if it has not yet."""
        self.now = max(self.now, self.ledger.time_of(version))

    # backups

    def mint_identity(self, *, replace: bool = False) -> None:
        """What stock does when it finds no metadata file at all."""
        self._work(_SECONDS_PER_UPLOAD)
        self.index.save(IdentityRecord(self.ledger.hash("identity", self.now)), self.now, replace=replace)

    def back_up_transactions(
        self,
        first: int,
        last: int,
        *,
        writer: str = "A",
        replace: bool = False,
        altered: Mapping[int, int] = _NOTHING_ALTERED,
    ) -> None:
        """Versions `first` to `last` as one manifest, with its metadata line.

        `altered` names versions whose record differs from the chain's, and by how many bytes it is longer.
        """
        folder = self._folder(f"transaction_{first}-", writer)
        chunks = [
            self._transaction_chunk(folder, low, min(low + VERSIONS_PER_CHUNK - 1, last), altered)
            for low in range(first, end_of(last), VERSIONS_PER_CHUNK)
        ]
        handle = self._upload_manifest(
            f"{folder}/transaction.manifest", {"first_version": first, "last_version": last, "chunks": chunks}
        )
        self.index.save(TransactionRecord(first, last, handle), self.now, replace=replace)

    def back_up_epoch(self, epoch: int, *, writer: str = "A", replace: bool = False) -> None:
        """The ending of one epoch as one manifest, with its metadata line."""
        folder = self._folder(f"epoch_ending_{epoch}-", writer)
        chunk = self._upload(f"{folder}/{epoch}-.chunk", framed([self.ledger.ledger_info(epoch)]))
        manifest = {
            "first_epoch": epoch,
            "last_epoch": epoch,
            "waypoints": [self.ledger.waypoint(epoch)],
            "chunks": [{"first_epoch": epoch, "last_epoch": epoch, "ledger_infos": chunk}],
        }
        handle = self._upload_manifest(f"{folder}/epoch_ending.manifest", manifest)
        version = self.ledger.epoch_end(epoch)
        self.index.save(EpochEndingRecord(epoch, epoch, version, version, handle), self.now, replace=replace)

    def take_snapshot(
        self, epoch: int, *, writer: str = "A", replace: bool = False, suffix: str | None = None
    ) -> StateSnapshotRecord:
        """The state at the end of an epoch as one manifest, with its metadata line, which is returned."""
        version = self.ledger.epoch_end(epoch)
        folder = self._folder(f"state_epoch_{epoch}_ver_{version}", writer, suffix)
        items = self.ledger.state(version)
        chunks = [
            self._state_chunk(folder, low, items[low : low + STATE_ITEMS_PER_CHUNK])
            for low in range(0, len(items), STATE_ITEMS_PER_CHUNK)
        ]
        manifest = {
            "version": version,
            "epoch": epoch,
            "root_hash": self.ledger.hash("root", version),
            "chunks": chunks,
            "proof": self._upload(f"{folder}/state.proof", self.ledger.proof("state", version)),
        }
        record = StateSnapshotRecord(epoch, version, self._upload_manifest(f"{folder}/state.manifest", manifest))
        self.index.save(record, self.now, replace=replace)
        self.snapshot_epochs.append(epoch)
        return record

    # maintenance

    def compact(
        self, *, sees: Callable[[str], bool] = see_everything, kill: Kill | KillAmongMoves | None = None
    ) -> None:
        """One run of stock's compaction; see `MetadataIndex.compact`."""
        self._work(_SECONDS_PER_COMPACTION)
        self.index.compact(self.now, FACTORS, sees=sees, kill=kill)

    def put_identity_back(self) -> None:
        """An operator moves `identity.meta` back, which compaction retires like any other file."""
        self.index.put_back("identity.meta")

    # losses

    def lose_transactions(self, first: int, last: int) -> None:
        """A batch that was never compacted goes: its metadata file and its folder."""
        file = self.index.listed.pop(f"transaction_{first}-{last}.meta")
        lost = {record.manifest.partition("/")[0] for record in file.records if isinstance(record, TransactionRecord)}
        self._files = {handle: data for handle, data in self._files.items() if handle.partition("/")[0] not in lost}

    def lose_file(self, handle: str) -> None:
        """One data file goes."""
        del self._files[handle]

    # the result

    def files(self) -> Iterator[tuple[str, bytes, int]]:
        """Handle, content and modification time (unix seconds) of every file of the store."""
        for folder, files in (("metadata", self.index.listed), ("metadata_backup", self.index.retired)):
            for name, file in files.items():
                yield f"{folder}/{name}", file.content(), file.written_at
        for handle, (content, written_at) in self._files.items():
            yield handle, content, written_at

    def write_to(self, folder: Path) -> None:
        """Write every file below `folder`, which exists; folders get the time of their newest file."""
        folder_times: dict[Path, int] = {}
        for handle, content, written_at in self.files():
            path = folder / handle
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
            os.utime(path, (written_at, written_at))
            for parent in (path.parent, folder):
                folder_times[parent] = max(written_at, folder_times.get(parent, 0))
        for path, changed_at in folder_times.items():
            os.utime(path, (changed_at, changed_at))

    # how a file comes into the store

    def _work(self, seconds: int) -> None:
        self.now += seconds

    def _folder(self, base: str, writer: str, suffix: str | None = None) -> str:
        name = f"{base}.{suffix or self.ledger.draw('suffix', base, writer, size=2).hex()}"
        if any(handle.startswith(f"{name}/") for handle in self._files):
            raise ValueError(f"{name} exists: one host can't back up one range twice")
        return name

    def _upload(self, handle: str, content: bytes) -> str:
        self._work(_SECONDS_PER_UPLOAD)
        self._files[handle] = (content, self.now)
        return handle

    def _upload_manifest(self, handle: str, manifest: dict[str, object]) -> str:
        return self._upload(handle, json.dumps(manifest, separators=(",", ":")).encode())

    def _transaction_chunk(self, folder: str, first: int, last: int, altered: Mapping[int, int]) -> dict[str, object]:
        records = [
            self.ledger.altered_transaction(version, altered[version])
            if version in altered
            else self.ledger.transaction(version)
            for version in range(first, end_of(last))
        ]
        return {
            "first_version": first,
            "last_version": last,
            "transactions": self._upload(f"{folder}/{first}-.chunk", framed(records)),
            "proof": self._upload(f"{folder}/{first}-{last}.proof", self.ledger.proof("transactions", first, last)),
            "format": "V1",
        }

    def _state_chunk(self, folder: str, first: int, items: list[tuple[str, bytes]]) -> dict[str, object]:
        last = first + len(items) - 1
        return {
            "first_idx": first,
            "last_idx": last,
            "first_key": items[0][0],
            "last_key": items[-1][0],
            "blobs": self._upload(f"{folder}/{first}-.chunk", framed(blob for _, blob in items)),
            "proof": self._upload(f"{folder}/{first}-{last}.proof", self.ledger.proof("items", items[-1][0], last)),
        }


class Coordinator:
    """Stock's continuous backup: keeps its position in memory, so it never sees what others did to the store."""

    batch_size: Final = 1_000
    epochs_per_snapshot: Final = 5

    def __init__(
        self, store: DemoStore, *, writer: str = "A", next_version: int = 0, next_epoch: int = 0, replace: bool = False
    ) -> None:
        self.store = store
        self.writer = writer
        self.next_version = next_version
        self.next_epoch = next_epoch
        self.replace = replace

    def run_to(self, version: int) -> None:
        """Back up all whole batches and all epochs that end at or below `version`, in the order of the chain.

        The first batch is genesis alone, as with stock.
        """
        while (due := min(self._batch_end(), self._epoch_end())) <= version:
            self.store.wait_for(due)
            if due == self._epoch_end():
                self._finish_epoch()
            if due == self._batch_end():
                self._finish_batch()

    def _batch_end(self) -> int:
        return self.next_version + self.batch_size - 1 if self.next_version else 0

    def _epoch_end(self) -> int:
        return self.store.ledger.epoch_end(self.next_epoch)

    def _finish_epoch(self) -> None:
        self.store.back_up_epoch(self.next_epoch, writer=self.writer, replace=self.replace)
        if self.next_epoch % self.epochs_per_snapshot == 0:
            self.store.take_snapshot(self.next_epoch, writer=self.writer, replace=self.replace)
        self.next_epoch += 1

    def _finish_batch(self) -> None:
        last = self._batch_end()
        self.store.back_up_transactions(self.next_version, last, writer=self.writer, replace=self.replace)
        self.next_version = end_of(last)
