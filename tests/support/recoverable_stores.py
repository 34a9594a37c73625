"""Random small stores with manifests and chunks, and how far each of them can be restored, written out plainly."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from core.engine import Engine
from core.host import FixedHost
from core.model import Record, TransactionRecord
from core.snapshot import Snapshot
from tests.support.backups import framed
from tests.support.stores import NOW, MemoryReader, epoch, lines, state, txn

#: A chunk as first and last version, and whether its files are there.
Chunk = tuple[int, int, bool]
_ONE_RECORD = b"x"


@dataclass
class RecoverableStore:
    """A store in the making: `entries` by handle with the chunks of their manifests, and where their lines stand."""

    entries: dict[TransactionRecord, tuple[Chunk, ...]] = field(default_factory=dict)
    visible: set[TransactionRecord] = field(default_factory=set)
    files: dict[str, bytes] = field(default_factory=dict)

    def back_up(
        self, first: int, last: int, name: str, cuts: Iterable[int] = (), lost: Iterable[int] = ()
    ) -> TransactionRecord:
        """A manifest whose chunks begin at `first` and at each of `cuts`; the files of the `lost` ones are gone."""
        folder = f"transaction_{first}-.{name}"
        record = txn(first, last, f"{folder}/transaction.manifest")
        begins = sorted({first, *(cut for cut in cuts if first < cut <= last)})
        missing = set(lost)
        chunks: list[Chunk] = []
        listed = []
        for number, begin in enumerate(begins):
            end = (*begins, last + 1)[number + 1] - 1
            chunk, proof = f"{folder}/{begin}-.chunk", f"{folder}/{begin}-{end}.proof"
            chunks.append((begin, end, number not in missing))
            listed.append(
                {"first_version": begin, "last_version": end, "transactions": chunk, "proof": proof, "format": "V1"}
            )
            if number not in missing:
                self.files[chunk] = framed([_ONE_RECORD] * (end + 1 - begin))
            self.files[proof] = b"proof"
        manifest = {"first_version": first, "last_version": last, "chunks": listed}
        self.files[record.manifest] = json.dumps(manifest).encode()
        self.entries[record] = tuple(chunks)
        return record

    def put(self, handle: str, *records: Record) -> None:
        """A metadata file."""
        self.files[handle] = lines(*records)
        if handle.startswith("metadata/"):
            self.visible |= {record for record in records if isinstance(record, TransactionRecord)}

    def put_base(self, versions: Iterable[int]) -> None:
        """Epoch endings and state snapshots at some versions, all whole; the first at 0."""
        for number, version in enumerate(sorted({0, *versions})):
            ending, snapshot = epoch(number, number, version, version), state(number, version)
            self.put(f"metadata/epoch_ending_{number}-{number}.meta", ending)
            self.put(f"metadata/state_snapshot_ver_{version}.meta", snapshot)
            folder = ending.manifest.partition("/")[0]
            chunk = {"first_epoch": number, "last_epoch": number, "ledger_infos": f"{folder}/{number}-.chunk"}
            self.files[ending.manifest] = json.dumps(
                {
                    "first_epoch": number,
                    "last_epoch": number,
                    "waypoints": [f"{version}:{'ab' * 32}"],
                    "chunks": [chunk],
                }
            ).encode()
            self.files[f"{folder}/{number}-.chunk"] = framed([_ONE_RECORD])
            self._put_snapshot(number, version, snapshot.manifest)

    def _put_snapshot(self, at_epoch: int, version: int, handle: str) -> None:
        folder = handle.partition("/")[0]
        chunk = {
            "first_idx": 0,
            "last_idx": 0,
            "first_key": "00" * 32,
            "last_key": "ff" * 32,
            "blobs": f"{folder}/0-.chunk",
            "proof": f"{folder}/0-0.proof",
        }
        manifest = {
            "version": version,
            "epoch": at_epoch,
            "root_hash": "cd" * 32,
            "chunks": [chunk],
            "proof": f"{folder}/state.proof",
        }
        self.files[handle] = json.dumps(manifest).encode()
        self.files[f"{folder}/0-.chunk"] = framed([_ONE_RECORD])
        self.files[f"{folder}/0-0.proof"] = self.files[f"{folder}/state.proof"] = b"proof"

    def engine(self) -> Engine:
        """The engine on the store as it is now."""
        return Engine(MemoryReader(self.files), FixedHost(NOW + 3_600))

    def edges(self, records: Iterable[TransactionRecord]) -> set[tuple[int, int]]:
        """All steps from boundary to boundary that `records` and their chunks allow, broken ones left out."""
        found = set()
        for record in records:
            chunks = self.entries[record]
            if all(sound for _, _, sound in chunks):
                found.add((record.first_version, record.last_version + 1))
            found |= {(first, last + 1) for first, last, sound in chunks if sound}
        return found


def reach(edges: set[tuple[int, int]]) -> int:
    """The greatest boundary to which steps lead from 0."""
    boundary, seen = 0, {0}
    for begin, end in sorted(edges):
        if begin in seen:
            seen.add(end)
            boundary = max(boundary, end)
    return boundary


def least_missing(edges: set[tuple[int, int]], start: int, goal: int) -> int:
    """How many versions no way from the boundary `start` to the boundary `goal` can do without."""
    cost = {start: 0}
    for at in range(start, goal):
        cost[at + 1] = min(cost.get(at + 1, cost[at] + 1), cost[at] + 1)
        for begin, end in edges:
            if begin == at:
                cost[min(end, goal)] = min(cost.get(min(end, goal), cost[at]), cost[at])
    return cost[goal]


def random_recoverable(seed: int) -> RecoverableStore:
    """A store of up to thirty versions with overlaps, gaps, lost chunks, and lines that only stand in the backup."""
    dice = random.Random(seed)
    store = RecoverableStore()
    top = dice.randrange(4, 30)
    marks = sorted({0, top, *(dice.randrange(top) for _ in range(dice.randrange(1, 7)))})
    ranges = [(first, end - 1) for first, end in pairwise(marks) if dice.random() < 0.9]
    for _ in range(dice.randrange(4)):
        first = dice.randrange(top) if dice.random() < 0.6 else dice.choice(marks[:-1])
        ranges.append((first, dice.randrange(first, top)))
    lossy = dice.random() < 0.5
    records = []
    for number, (first, last) in enumerate(ranges):
        cuts = [cut for cut in range(first + 1, last + 1) if dice.random() < 0.35]
        lost = [chunk for chunk in range(len(cuts) + 1) if dice.random() < 0.15] if lossy else []
        records.append(store.back_up(first, last, f"{number:04x}", cuts, lost))
    dice.shuffle(records)
    while records:
        taken = [records.pop() for _ in range(min(len(records), dice.randrange(1, 4)))]
        hidden = dice.random() < 0.15
        folder = "metadata_backup" if hidden else "metadata"
        store.put(f"{folder}/part_{len(records)}.meta", *taken)
        if dice.random() < 0.2:
            store.put(f"metadata/again_{len(records)}.meta", taken[0])
    store.put_base(version for version in range(top) if not lossy and dice.random() < 0.1)
    return store


def look(store: RecoverableStore) -> tuple[Engine, Snapshot]:
    """The engine and a look at the store."""
    engine = store.engine()
    return engine, engine.look()
