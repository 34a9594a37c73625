"""What a backup store holds, as frozen values: no input, no output, no numpy.

Names follow the field: a metadata *file* holds lines, a line is an *entry* of a *lane* and names a *manifest* by its
*handle*. Ranges are closed at both ends (`first`, `last`) as on disk; `end_of` is the one place that makes a half-open
end. All versions and epochs are unsigned 64-bit integers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

U64_MAX: Final = 2**64 - 1
#: How many entries stock's compaction puts into one file where nothing else is said.
STOCK_FACTOR: Final = 1


class LaneKind(StrEnum):
    """The three kinds of entry a restore is made of, and `FILES` for what concerns files as such."""

    EPOCH_ENDINGS = "epoch_endings"
    STATE_SNAPSHOTS = "state_snapshots"
    TRANSACTIONS = "transactions"
    FILES = "files"

    @property
    def short(self) -> str:
        """The word used where space is short: epoch, state, txn, files."""
        return _SHORT_NAMES[self]

    @property
    def unit(self) -> str:
        """What the lane's own ranges count: `epoch` for epoch endings, else `version`."""
        return "epoch" if self is LaneKind.EPOCH_ENDINGS else "version"


_SHORT_NAMES: Final = {
    LaneKind.EPOCH_ENDINGS: "epoch",
    LaneKind.STATE_SNAPSHOTS: "state",
    LaneKind.TRANSACTIONS: "txn",
    LaneKind.FILES: "files",
}


class Severity(StrEnum):
    """What the operator loses; ordered by `rank`, greatest worst."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for info up to 3 for critical."""
        return list(Severity).index(self)


def end_of(last: int) -> int:
    """The boundary right after `last`. A Python int, so it does not wrap: after `U64_MAX` comes 2**64."""
    return last + 1


@dataclass(frozen=True, slots=True, order=True)
class TransactionRecord:
    """One `TransactionBackup` line; the order is stock's sort order."""

    first_version: int
    last_version: int
    manifest: str


@dataclass(frozen=True, slots=True, order=True)
class EpochEndingRecord:
    """One `EpochEndingBackup` line; the order is stock's sort order."""

    first_epoch: int
    last_epoch: int
    first_version: int
    last_version: int
    manifest: str


@dataclass(frozen=True, slots=True, order=True)
class StateSnapshotRecord:
    """One `StateSnapshotBackup` line; the order is stock's sort order."""

    epoch: int
    version: int
    manifest: str


@dataclass(frozen=True, slots=True)
class IdentityRecord:
    """One `Identity` line: the random name of a store, 64 hex digits."""

    id: str


@dataclass(frozen=True, slots=True)
class TimestampsRecord:
    """One `CompactionTimestamps` line: when (unix seconds) each listed file was compacted, `None` if not yet."""

    file_compacted_at: int
    compaction_timestamps: Mapping[str, int | None]


RangeRecord: TypeAlias = TransactionRecord | EpochEndingRecord | StateSnapshotRecord
Record: TypeAlias = RangeRecord | IdentityRecord | TimestampsRecord


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """Where an entry is written down: the handle of a metadata file and the line in it, counted from 1.

    Line 0 means the file as a whole.
    """

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file} line {self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Entry:
    """One distinct entry of a lane with every place that claims it.

    `first` and `last` are in the lane's own unit (epochs for epoch endings, versions else; a state snapshot has
    first == last == version).
    """

    lane: LaneKind
    first: int
    last: int
    record: RangeRecord
    claims: tuple[Claim, ...]

    @property
    def manifest(self) -> str:
        """The handle of the manifest that the entry names."""
        return self.record.manifest


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or worth knowing, with everything an operator needs to act on it.

    `kind` is an id of the hazard catalogue. `first` and `last` are in the lane's unit, None where no range is
    concerned. `claims` are the files and lines that show it; `stock_says` is stock's own message, None where stock
    says nothing. `shape` refines an overlap (same range, same start, same end, contained, partial, no-join).
    `manifests` are the handles concerned that are no entries of their own (orphans, manifests of level 2 and deeper).
    `then` says what follows from what the next step shows, where that is a look or a choice; else "".
    """

    id: str
    kind: str
    severity: Severity
    lane: LaneKind
    first: int | None
    last: int | None
    explanation: str
    cause: str
    next_step: str
    stock_says: str | None = None
    shape: str | None = None
    entries: tuple[Entry, ...] = ()
    claims: tuple[Claim, ...] = ()
    manifests: tuple[str, ...] = ()
    then: str = ""


@dataclass(frozen=True, slots=True)
class Zone:
    """Findings with one cause: a stretch of a lane between two boundaries that no entry straddles.

    `first` and `last` are in the lane's unit, None for findings that concern no range. `title` is what the problems
    list calls it; `findings` are worst first. `id` stays as long as the conflict does: whatever files its lines move
    to, and whatever is added behind it.
    """

    lane: LaneKind
    first: int | None
    last: int | None
    title: str
    severity: Severity
    findings: tuple[Finding, ...]
    id: str = ""
