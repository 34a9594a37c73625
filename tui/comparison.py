"""What the comparison is about: two entries, what was read of their manifests so far, and how their chunks compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import TYPE_CHECKING, Final, TypeAlias

from core.model import Entry, LaneKind, StateSnapshotRecord

if TYPE_CHECKING:
    from core.manifests import ChunkComparison, ContentComparison, Manifest, ManifestProblem
    from core.storage import Listed

Pair: TypeAlias = tuple[Entry, Entry]
LETTERS: Final = "AB"


@dataclass(frozen=True, slots=True)
class Side:
    """What is known of one of the two: `fault` says why its manifest can't be read, None while it may still come.

    `problems` are what its own checks found. `chunk_bytes` sums the chunk files that are there, `absent` counts those
    that are not; both None until all were looked up.
    """

    entry: Entry
    listed: Listed | None = None
    manifest: Manifest | None = None
    fault: str | None = None
    problems: tuple[ManifestProblem, ...] = ()
    chunk_bytes: int | None = None
    absent: int | None = None

    @property
    def read(self) -> bool:
        """Whether reading the manifest has ended, one way or the other."""
        return self.manifest is not None or self.fault is not None

    @property
    def chunk_count(self) -> int:
        """How many chunks the manifest lists."""
        return len(self.manifest.chunks) if self.manifest else 0

    @property
    def sound(self) -> bool:
        """Whether the manifest was read and nothing is known to be wrong with it or its chunk files."""
        return self.manifest is not None and not self.problems and not self.absent


class ContentPhase(StrEnum):
    """How far comparing records is. OFFERED: what it would read is shown, and nothing is read before a second key."""

    OFFERED = "offered"
    RUNNING = "running"
    STOPPED = "stopped"
    KNOWN = "known"


@dataclass(frozen=True, slots=True)
class Content:
    """Comparing the records of both: at most `to_read` bytes of A and of B, `done` bytes of both so far.

    `result` is what the last comparison has shown, None without one; `chunks` are all chunks, each as that has shown it
    to be.
    """

    phase: ContentPhase
    to_read: tuple[int, int] = (0, 0)
    done: int = 0
    result: ContentComparison | None = None
    chunks: ChunkComparison | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A pair, `number` of `count` of its problem; both sides, and their chunks once both manifests are read.

    `looked_up` of `to_look_up` chunk files have been looked up for their size. `content` is there once somebody wished
    to know more than sizes.
    """

    sides: tuple[Side, Side]
    number: int = 1
    count: int = 1
    chunks: ChunkComparison | None = None
    looked_up: int = 0
    to_look_up: int = 0
    content: Content | None = None

    @property
    def pair(self) -> Pair:
        """The two entries."""
        a, b = self.sides
        return a.entry, b.entry

    @property
    def overlap(self) -> tuple[int, int] | None:
        """What both entries cover, in the lane's unit."""
        return overlap_of(*self.pair)

    @property
    def lane(self) -> LaneKind:
        """The lane of both."""
        return self.sides[0].entry.lane

    @property
    def key(self) -> tuple[str, str]:
        """The handles of both."""
        a, b = self.pair
        return a.manifest, b.manifest

    @property
    def known_chunks(self) -> ChunkComparison | None:
        """The chunks with all that is known of them."""
        return self.content.chunks if self.content and self.content.chunks else self.chunks

    @property
    def result(self) -> ContentComparison | None:
        """What comparing the records has shown."""
        return self.content.result if self.content else None


def to_read(comparison: Comparison) -> tuple[int, int]:
    """How many bytes of chunk files comparing the records reads at most, of A and of B.

    Chunk files that both name are not read. Goes over all chunks once.
    """
    from core.manifests.model import chunks_of

    a, b = (chunks_of(side.manifest) if side.manifest else () for side in comparison.sides)
    total = [0, 0]
    for row in comparison.chunks.rows if comparison.chunks else ():
        if row.a and row.b and a[row.a.number].file == b[row.b.number].file and row.a.first == row.b.first:
            continue
        for place, side in enumerate((row.a, row.b)):
            total[place] += (side.size or 0) if side else 0
    return total[0], total[1]


def overlap_of(a: Entry, b: Entry) -> tuple[int, int] | None:
    """What two entries both cover, in the lane's unit; None if nothing."""
    first, last = max(a.first, b.first), min(a.last, b.last)
    return (first, last) if a.lane is b.lane and first <= last else None


def compete(a: Entry, b: Entry) -> bool:
    """Whether a restore can use only one of two entries: they overlap, or are snapshots of one epoch."""
    if isinstance(a.record, StateSnapshotRecord) and isinstance(b.record, StateSnapshotRecord):
        return a.record.version == b.record.version or a.record.epoch == b.record.epoch
    return overlap_of(a, b) is not None


def competing_pairs(entries: Sequence[Entry]) -> tuple[Pair, ...]:
    """Every two entries that compete, in the lane's order."""
    return tuple(pair for pair in combinations(sorted(entries, key=_stock_order), 2) if compete(*pair))


def _stock_order(entry: Entry) -> tuple[str, int, int, bytes]:
    manifest = entry.manifest.encode("utf-8", "surrogatepass")
    record = entry.record
    if isinstance(record, StateSnapshotRecord):
        return entry.lane.value, record.epoch, record.version, manifest
    return entry.lane.value, entry.first, entry.last, manifest


def in_stock_order(a: Entry, b: Entry) -> Pair:
    """The two as stock sorts them: A is the first."""
    return (a, b) if _stock_order(a) <= _stock_order(b) else (b, a)
