"""What comparing the content of two manifests has shown: equal, different from some record on, or not to be told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Verdict(StrEnum):
    """What came of a comparison."""

    EQUAL = "equal"
    DIFFERS = "differs"
    UNKNOWN = "unknown"


class Doubt(StrEnum):
    """Why it can't be told whether two manifests hold the same.

    `NOTHING_COMMON`: they cover no version together. `UNREADABLE`: a file is not there, or can't be read. `DAMAGED`: a
    chunk is torn, or holds what no record is. `MISCOUNTED`: a chunk holds another number of records than its range, or
    chunks do not follow each other, so which version a record belongs to is not known. `FORMATS`: the records are
    written in two ways. `CHANGED`: a file changed while it was read. `STOPPED`: whoever watched said so.
    """

    NOTHING_COMMON = "nothing-common"
    UNREADABLE = "unreadable"
    DAMAGED = "damaged"
    MISCOUNTED = "miscounted"
    FORMATS = "formats"
    CHANGED = "changed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class RecordPlace:
    """Where a record stands: the number of the chunk (from 0), its file, and there the byte at which its length begins.

    `offset` counts bytes of the inflated content; `size` is that of the record without its length.
    """

    chunk: int
    file: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class ContentComparison:
    """Two manifests, A and B, compared record by record over what both cover.

    `unit` is what is counted: version, epoch or item (of a state snapshot). `first` to `last` is the common range, None
    where there is none. `at` is the first number whose records differ, with the places of both records; of an UNKNOWN
    one everything below `at` is equal, `doubt` says why no more can be told and `why` tells it in words. A difference
    that is in no record (a root hash, waypoints, the number of items) has no places and a `why`. `records` were found
    equal, for which `bytes` of chunk files were compared on either side; chunk files that both name count no bytes.
    """

    verdict: Verdict
    unit: str
    first: int | None
    last: int | None
    at: int | None = None
    records: int = 0
    bytes: int = 0
    doubt: Doubt | None = None
    why: str = ""
    a: RecordPlace | None = None
    b: RecordPlace | None = None


@dataclass(frozen=True, slots=True)
class CompareProgress:
    """How far a comparison is: `done` of `total` records, and `bytes` of chunk files gone over, of both sides."""

    done: int
    total: int
    bytes: int


class CompareWatch(Protocol):
    """Who follows a comparison: told of progress, asked whether to stop. Called from the thread that compares."""

    def progress(self, progress: CompareProgress) -> None:
        """Told after each block that was read."""

    def stopped(self) -> bool:
        """Whether to stop; the verdict is then UNKNOWN."""


class Doubtful(Exception):
    """Nothing more can be told, and why."""

    def __init__(self, doubt: Doubt, why: str) -> None:
        super().__init__(why)
        self.doubt = doubt
        self.why = why
