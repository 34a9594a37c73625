"""Stores of a size that a busy chain reaches after years, written once for a run of the benchmarks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from core.codec import encode_record
from core.model import EpochEndingRecord, RangeRecord, StateSnapshotRecord, TransactionRecord
from core.names import alone_name, compacted_name

VERSIONS = 1_000


def transaction(number: int, suffix: str) -> TransactionRecord:
    """The backup of the next thousand versions."""
    first = number * VERSIONS
    return TransactionRecord(first, first + VERSIONS - 1, f"transaction_{first}-.{suffix}/transaction.manifest")


def epoch_ending(number: int, suffix: str) -> EpochEndingRecord:
    """The backup of one epoch, which ends after ten thousand versions."""
    last = number * 10 * VERSIONS
    return EpochEndingRecord(number, number, last, last, f"epoch_ending_{number}-.{suffix}/epoch_ending.manifest")


def state_snapshot(number: int, suffix: str) -> StateSnapshotRecord:
    """The state at the end of every tenth epoch."""
    epoch, version = number * 10, number * 100 * VERSIONS
    return StateSnapshotRecord(epoch, version, f"state_epoch_{epoch}_ver_{version}.{suffix}/state.manifest")


#: Of every thousand entries so many are of each kind.
SHARES: dict[Callable[[int, str], RangeRecord], int] = {transaction: 900, epoch_ending: 90, state_snapshot: 10}


def write_big_store(folder: Path, files: int = 1_000, entries_a_file: int = 1_000) -> int:
    """A clean store of compacted files, made of `files * entries_a_file` entries; returns the bytes of its metadata."""
    random = Random(20_240_501)
    metadata = folder / "metadata"
    metadata.mkdir(parents=True)
    written = 0
    for make, share in SHARES.items():
        for number in range(files * share // 1_000):
            records = [make(number * entries_a_file + n, _suffix(random)) for n in range(entries_a_file)]
            name = compacted_name(records) if entries_a_file > 1 else alone_name(records[0])
            written += (metadata / name).write_bytes(b"".join(encode_record(record) for record in records))
    return written


def metadata_of(folder: Path) -> Iterator[bytes]:
    """The content of each metadata file, sorted by name."""
    for path in sorted((folder / "metadata").iterdir()):
        yield path.read_bytes()


def _suffix(random: Random) -> str:
    return f"{random.randrange(1 << 16):04x}"
