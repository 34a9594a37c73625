"""What each metadata file really holds, beside what its name promises."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from core.columns import Lane
from core.model import U64_MAX, LaneKind
from core.names import MetadataName
from core.words import I64, U64


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """For each file of a folder what it holds of one lane, shape (files,).

    `entries` (int64) counts distinct entries; `first` and `last` (uint64) are the least start and the greatest end in
    the lane's unit, `first_epoch` and `last_epoch` the same in epochs (equal to them but for state snapshots). Where
    `entries` is 0 the others mean nothing. `first_row` (int64) is the row of the entry that sorts first.
    """

    entries: I64
    first: U64
    last: U64
    first_epoch: U64
    last_epoch: U64
    first_row: I64

    def range_of(self, file: int, unit: str) -> tuple[int, int] | None:
        """The closed range that one file holds, in `epoch`s or `version`s as its name counts; None if nothing."""
        if not self.entries[file]:
            return None
        if unit == "epoch":
            return int(self.first_epoch[file]), int(self.last_epoch[file])
        return int(self.first[file]), int(self.last[file])


def contents_of(lane: Lane, files: int) -> Contents:
    """What each of a number of files holds of a lane."""
    counts = np.diff(lane.claim_start)
    row = np.arange(len(lane), dtype=np.int64)
    if len(lane.claim_file) != len(lane):
        row = np.repeat(row, counts)
    first, last = _extremes(lane.claim_file, lane.first[row], lane.last[row], files)
    first_epoch, last_epoch = first, last
    if lane.epoch is not None:
        first_epoch, last_epoch = _extremes(lane.claim_file, lane.epoch[row], lane.epoch[row], files)
    first_row = np.full(files, len(lane), dtype=np.int64)
    np.minimum.at(first_row, lane.claim_file, row)
    entries = np.bincount(lane.claim_file, minlength=files)
    return Contents(entries, first, last, first_epoch, last_epoch, first_row)


def _extremes(file: np.ndarray[tuple[int], np.dtype[np.int32]], low: U64, high: U64, files: int) -> tuple[U64, U64]:
    first = np.full(files, U64_MAX, dtype=np.uint64)
    last = np.zeros(files, dtype=np.uint64)
    np.minimum.at(first, file, low)
    np.maximum.at(last, file, high)
    return first, last


class Agreement(StrEnum):
    """How a file's lines lie to its name."""

    SAME = "same"
    SHORT = "short"
    OTHER = "other"


def agreement(name: MetadataName, held: tuple[int, int] | None) -> Agreement:
    """Whether a file holds what its name promises; SHORT: it holds a part, as one that was cut off does."""
    if held is None:
        return Agreement.OTHER
    if held == (name.first, name.last):
        return Agreement.SAME
    return Agreement.SHORT if name.first <= held[0] and held[1] <= name.last else Agreement.OTHER


def missing_part(name: MetadataName, held: tuple[int, int] | None) -> tuple[int, int] | None:
    """The closed range that a file promises and does not hold, in its lane's unit; None where that can't be told."""
    if (name.kind is LaneKind.STATE_SNAPSHOTS and not name.alone) or not isinstance(name.kind, LaneKind):
        return None
    if held is None:
        return name.first, name.last
    if held[1] < name.last:
        return held[1] + 1, name.last
    return (name.first, held[0] - 1) if held[0] > name.first else None
