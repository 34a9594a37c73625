"""The metadata folders of a sample store, and the stock compaction that works on them.

The compaction does what stock does (`format.md`, "Compaction"), so compacted files, stamps and retired files of the
sample stores agree with each other. It also refuses what stock refuses: a scenario can't claim an impossible past.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple, TypeVar

from core.codec import encode_record
from core.model import (
    EpochEndingRecord,
    IdentityRecord,
    RangeRecord,
    Record,
    StateSnapshotRecord,
    TimestampsRecord,
    TransactionRecord,
    end_of,
)

GRACE_SECONDS: Final = 86_400
"""Stock's `--remove-compacted-file-after` default."""

_RangeRecordT = TypeVar("_RangeRecordT", bound=RangeRecord)


class Factors(NamedTuple):
    """Entries per compacted file; in the order in which stock compacts the kinds."""

    epoch_endings: int = 10
    transactions: int = 5
    state_snapshots: int = 5


@dataclass(frozen=True, slots=True)
class MetadataFile:
    """The lines of a metadata file and its modification time in unix seconds."""

    records: tuple[Record, ...]
    written_at: int

    def content(self) -> bytes:
        """The lines as stock writes them."""
        return b"".join(encode_record(record) for record in self.records)


@dataclass(frozen=True, slots=True)
class Kill:
    """A compaction dies while it writes `name`, with `lines` whole lines on disk."""

    name: str
    lines: int


@dataclass(frozen=True, slots=True)
class KillAmongMoves:
    """A compaction dies when it has set `moved` old files aside, before it saves their times."""

    moved: int


def see_everything(_name: str) -> bool:
    """The listing of a healthy host: every file is on it."""
    return True


class MetadataIndex:
    """`metadata/` (`listed`) and `metadata_backup/` (`retired`) by file name."""

    def __init__(self) -> None:
        self.listed: dict[str, MetadataFile] = {}
        self.retired: dict[str, MetadataFile] = {}

    def save(self, record: RangeRecord | IdentityRecord, now: int, *, replace: bool) -> None:
        """Write a single-line file under stock's name for it.

        `replace` is how cloud adapters treat a name that exists; without it the name must be free.
        """
        name = single_name(record)
        if name in self.listed and not replace:
            raise ValueError(f"{name} exists: stock would skip it")
        self.listed[name] = MetadataFile((record,), now)

    def compact(
        self,
        now: int,
        factors: Factors,
        *,
        sees: Callable[[str], bool] = see_everything,
        kill: Kill | KillAmongMoves | None = None,
    ) -> None:
        """One run of stock's compaction at `now` on the files that its listing shows (`sees`).

        Raises ValueError where stock would stop with an error.
        """
        known = {name: file for name, file in self.listed.items() if sees(name)}
        fresh = set()
        for name, run in _compacted(_distinct(known), factors):
            if isinstance(kill, Kill) and kill.name == name:
                self.listed[name] = MetadataFile(tuple(run[: kill.lines]), now)
                return
            fresh.add(name)
            self.listed.setdefault(name, MetadataFile(tuple(run), now))
        self._stamp_and_retire(known, fresh, now, kill.moved if isinstance(kill, KillAmongMoves) else None)

    def put_back(self, name: str) -> None:
        """Move a retired file back to `metadata/`, as a careful operator does with `identity.meta`."""
        self.listed[name] = self.retired.pop(name)

    def _stamp_and_retire(
        self, known: dict[str, MetadataFile], fresh: set[str], now: int, most_moves: int | None
    ) -> None:
        stamps = _newest_stamps(known)
        kept: dict[str, int | None] = {}
        moves = 0
        for handle in sorted(stamps.keys() | {f"metadata/{name}" for name in known}):
            name = handle.removeprefix("metadata/")
            if name in fresh:
                continue
            stamp = stamps.get(handle) or now
            if stamp + GRACE_SECONDS < now:
                if moves == most_moves:
                    return
                self.retired[name] = self.listed.pop(name)
                moves += 1
            else:
                kept[handle] = stamp
        self.listed[f"compaction_timestamps_{now}.meta"] = MetadataFile((TimestampsRecord(now, kept),), now)


def single_name(record: RangeRecord | IdentityRecord) -> str:
    """The file name that stock gives to a record written alone."""
    if isinstance(record, EpochEndingRecord):
        return f"epoch_ending_{record.first_epoch}-{record.last_epoch}.meta"
    if isinstance(record, StateSnapshotRecord):
        return f"state_snapshot_ver_{record.version}.meta"
    if isinstance(record, TransactionRecord):
        return f"transaction_{record.first_version}-{record.last_version}.meta"
    return "identity.meta"


def _distinct(files: dict[str, MetadataFile]) -> set[Record]:
    return {record for file in files.values() for record in file.records if not isinstance(record, TimestampsRecord)}


def _newest_stamps(files: dict[str, MetadataFile]) -> dict[str, int | None]:
    runs = [record for file in files.values() for record in file.records if isinstance(record, TimestampsRecord)]
    if not runs:
        return {}
    return dict(max(runs, key=lambda run: run.file_compacted_at).compaction_timestamps)


def _compacted(records: set[Record], factors: Factors) -> Iterator[tuple[str, Sequence[RangeRecord]]]:
    """Name and lines of each compacted file, in stock's order of work."""
    epochs = sorted(record for record in records if isinstance(record, EpochEndingRecord))
    for epoch_run in _runs(epochs, factors.epoch_endings):
        _check_continuous(
            "Epoch ending backup ranges is not continuous expecting epoch {}, got {}",
            [(entry.first_epoch, entry.last_epoch) for entry in epoch_run],
        )
        yield f"epoch_ending_compacted_{epoch_run[0].first_epoch}-{epoch_run[-1].last_epoch}.meta", epoch_run
    transactions = sorted(record for record in records if isinstance(record, TransactionRecord))
    for run in _runs(transactions, factors.transactions):
        _check_continuous(
            "txn backup ranges is not continuous expecting version {}, got {}.",
            [(entry.first_version, entry.last_version) for entry in run],
        )
        yield f"transaction_compacted_{run[0].first_version}-{run[-1].last_version}.meta", run
    snapshots = sorted(record for record in records if isinstance(record, StateSnapshotRecord))
    for snapshot_run in _runs(snapshots, factors.state_snapshots):
        name = f"state_snapshot_compacted_epoch_{snapshot_run[0].epoch}_{snapshot_run[-1].epoch}.meta"
        yield name, snapshot_run


def _runs(entries: list[_RangeRecordT], factor: int) -> Iterator[list[_RangeRecordT]]:
    for start in range(0, len(entries), factor):
        yield entries[start : start + factor]


def _check_continuous(message: str, ranges: list[tuple[int, int]]) -> None:
    for (_, last), (first, _) in pairwise(ranges):
        if first != end_of(last):
            raise ValueError(message.format(end_of(last), first))
