"""A small whole store on disk (base store B of the hazard stores, with manifests, chunks and proofs) to do harm to."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from core.codec import encode_record
from core.host import FixedHost
from core.manifests import Evidence, collect_evidence
from core.model import EpochEndingRecord, IdentityRecord, RangeRecord, StateSnapshotRecord, TransactionRecord
from core.names import alone_name
from core.snapshot import Snapshot, take_snapshot
from core.storage import LocalReader

NOW = 1_700_000_000.0
HASH = "ab" * 32


def framed(records: Iterable[bytes]) -> bytes:
    """A chunk file: each record behind its length."""
    return b"".join(struct.pack(">I", len(record)) + record for record in records)


def records(count: int) -> bytes:
    """A chunk file of so many records of a few bytes."""
    return framed(b"record %d" % number for number in range(count))


class BackupStore:
    """A store in a folder: epochs 0 and 1 (which end at versions 0 and 100), their snapshots, versions 0 to 200."""

    epoch_0 = "epoch_ending_0-.aaaa/epoch_ending.manifest"
    epoch_1 = "epoch_ending_1-.aaaa/epoch_ending.manifest"
    snapshot = "state_epoch_1_ver_100.aaaa/state.manifest"
    middle = "transaction_1-.aaaa/transaction.manifest"
    newest = "transaction_101-.aaaa/transaction.manifest"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "metadata").mkdir(parents=True)
        self.add_line(IdentityRecord("ab" * 32))
        for epoch, version in ((0, 0), (1, 100)):
            self.add_epoch(epoch, version)
            self.add_snapshot(epoch, version)
        for first, last in ((0, 0), (1, 100), (101, 200)):
            self.add_transactions(first, last)

    # what stock would write

    def add_line(self, record: RangeRecord | IdentityRecord, name: str | None = None) -> None:
        self.put(f"metadata/{name or alone_name(record)}", encode_record(record))

    def add_epoch(self, epoch: int, version: int, suffix: str = "aaaa") -> None:
        folder = f"epoch_ending_{epoch}-.{suffix}"
        self.put(f"{folder}/{epoch}-.chunk", records(1))
        self.put_json(
            f"{folder}/epoch_ending.manifest",
            {
                "first_epoch": epoch,
                "last_epoch": epoch,
                "waypoints": [f"{version}:{HASH}"],
                "chunks": [{"first_epoch": epoch, "last_epoch": epoch, "ledger_infos": f"{folder}/{epoch}-.chunk"}],
            },
        )
        self.add_line(EpochEndingRecord(epoch, epoch, version, version, f"{folder}/epoch_ending.manifest"))

    def add_snapshot(self, epoch: int, version: int, suffix: str = "aaaa") -> None:
        folder = f"state_epoch_{epoch}_ver_{version}.{suffix}"
        chunks = []
        for first, last in ((0, 4), (5, 7)):
            self.put(f"{folder}/{first}-.chunk", records(last - first + 1))
            self.put(f"{folder}/{first}-{last}.proof", b"proof")
            chunks.append(
                {
                    "first_idx": first,
                    "last_idx": last,
                    "first_key": f"{first:064x}",
                    "last_key": f"{last:064x}",
                    "blobs": f"{folder}/{first}-.chunk",
                    "proof": f"{folder}/{first}-{last}.proof",
                }
            )
        self.put(f"{folder}/state.proof", b"proof")
        manifest = {"version": version, "epoch": epoch, "root_hash": HASH, "chunks": chunks}
        self.put_json(f"{folder}/state.manifest", {**manifest, "proof": f"{folder}/state.proof"})
        self.add_line(StateSnapshotRecord(epoch, version, f"{folder}/state.manifest"))

    def add_transactions(self, first: int, last: int, suffix: str = "aaaa", *, line: bool = True) -> None:
        folder = f"transaction_{first}-.{suffix}"
        chunks = []
        for low in range(first, last + 1, 50):
            high = min(low + 49, last)
            self.put(f"{folder}/{low}-.chunk", records(high - low + 1))
            self.put(f"{folder}/{low}-{high}.proof", b"proof")
            files = {"transactions": f"{folder}/{low}-.chunk", "proof": f"{folder}/{low}-{high}.proof"}
            chunks.append({"first_version": low, "last_version": high, **files, "format": "V1"})
        handle = f"{folder}/transaction.manifest"
        self.put_json(handle, {"first_version": first, "last_version": last, "chunks": chunks})
        if line:
            self.add_line(TransactionRecord(first, last, handle))

    # harm

    def put(self, handle: str, content: bytes) -> None:
        path = self.folder / handle
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def put_json(self, handle: str, value: Any) -> None:
        self.put(handle, json.dumps(value, separators=(",", ":")).encode())

    def edit(self, handle: str, **fields: Any) -> None:
        """Change fields of a manifest."""
        self.put_json(handle, {**self.manifest(handle), **fields})

    def manifest(self, handle: str) -> Any:
        return json.loads((self.folder / handle).read_bytes())

    # looking

    def reader(self) -> LocalReader:
        return LocalReader(str(self.folder))

    def look(self) -> Snapshot:
        return take_snapshot(self.reader(), FixedHost(NOW))

    def evidence(self, level: int) -> Evidence:
        return collect_evidence(self.reader(), self.look(), level)
