"""What looking at manifests and their files has shown: frozen facts, small enough to keep for every manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Final

from core.manifests.content_verdict import ContentComparison
from core.manifests.model import ChunkFormat
from core.model import LaneKind, RangeRecord

#: A manifest can have a problem for each of its chunks; this many of each hazard are kept, the rest are counted.
PROBLEMS_KEPT: Final = 5

#: What was not looked at because it is too much for us: stock may well restore from it.
_UNKNOWN: Final = frozenset({"manifest-huge"})
#: Problems that say nothing against restoring from the manifest.
_HARMLESS: Final = frozenset({"suffix-collision", "symlink-entry"}) | _UNKNOWN


class ManifestStatus(StrEnum):
    """What came of opening a manifest. Only a READ one has a range."""

    READ = "read"
    MISSING = "missing"
    UNREADABLE = "unreadable"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ManifestProblem:
    """One thing that is wrong with a manifest or one of its files.

    `hazard` is its id (`hazards.md`), `message` says it in our words, `stock_says` in stock's, None where stock says
    nothing. `file` is the handle of the file it is about, `chunk` counts the manifest's chunks from 0, `record` the
    chunk file's records from 0, `offset` is in bytes of its (inflated) content. `entry` is the line that the manifest
    disagrees with, None for what is wrong whatever the line says.
    """

    hazard: str
    message: str
    file: str
    stock_says: str | None = None
    chunk: int | None = None
    record: int | None = None
    offset: int | None = None
    entry: RangeRecord | None = None


@dataclass(frozen=True, slots=True)
class ManifestFacts:
    """What is known of one manifest after a look at `level`.

    `first` and `last` are the manifest's own range in its lane's unit, `epoch` and `root_hash` those of a state
    manifest, the waypoints those of an epoch ending manifest; all None unless the status is READ. `size` (bytes) and
    `modified` (unix seconds) are those of the manifest file, None when it could not be had. `chunk_bytes` sums the
    sizes of the chunk files that are there and `proofs` counts the proof files (level 3). `shared_with` are other
    manifests that name some of its chunk files, the first few. `problems` holds the first few of each hazard,
    `counts` how many there are; `named_by` the lines that name a manifest with problems.
    """

    lane: LaneKind
    handle: str
    level: int
    status: ManifestStatus
    size: int | None = None
    modified: float | None = None
    gzip: bool = False
    first: int | None = None
    last: int | None = None
    epoch: int | None = None
    root_hash: str | None = None
    first_waypoint: str | None = None
    last_waypoint: str | None = None
    formats: frozenset[ChunkFormat] = frozenset()
    chunk_count: int = 0
    chunk_bytes: int | None = None
    proofs: int | None = None
    shared_with: tuple[str, ...] = ()
    problems: tuple[ManifestProblem, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    named_by: tuple[RangeRecord, ...] = ()

    @property
    def range(self) -> tuple[int, int] | None:
        """First and last of a manifest that was read."""
        return None if self.first is None or self.last is None else (self.first, self.last)

    @property
    def broken(self) -> bool:
        """Whether a restore from this manifest, as the lines name it, fails or goes wrong as far as the look went."""
        return not _HARMLESS.issuperset(self.counts)


@dataclass(frozen=True, slots=True)
class OrphanFacts:
    """A backup folder that no line points to, neither in `metadata/` nor in `metadata_backup/`.

    `manifest` is what its manifest shows, None where it has none. `files` counts the files in it, `newest` is the time
    of the latest of them (unix seconds; that of the folder when it is empty).
    """

    folder: str
    lane: LaneKind
    manifest: ManifestFacts | None
    files: int
    newest: float


@dataclass(frozen=True, eq=False)
class Evidence:
    """What levels 2 to 5 have shown of a store. `complete` is False when the look was stopped before its end.

    `manifests` is keyed by lane and handle, in the order of the entries, and holds only what was looked at to the end;
    `orphans` is empty when only chosen manifests were looked at. `bytes_read` counts the bytes of manifests and, from
    level 4 on, of chunks and proofs. `comparisons` are those of level 5 by lane and the handles of A and B;
    `uncompared` says for each lane how many pairs more there would have been. `kept` of all these results come from an
    earlier look, since which nothing has changed.
    """

    level: int
    manifests: Mapping[tuple[LaneKind, str], ManifestFacts] = field(default_factory=dict)
    orphans: tuple[OrphanFacts, ...] = ()
    bytes_read: int = 0
    complete: bool = True
    comparisons: Mapping[tuple[LaneKind, str, str], ContentComparison] = field(default_factory=dict)
    uncompared: Mapping[LaneKind, int] = field(default_factory=dict)
    kept: int = 0

    def manifest(self, lane: LaneKind, handle: str) -> ManifestFacts | None:
        """What is known of a manifest, None if it was not looked at."""
        return self.manifests.get((lane, handle))

    def comparison(self, lane: LaneKind, one: str, other: str) -> ContentComparison | None:
        """How two manifests compare, whichever of them is A; None if they were not compared."""
        return self.comparisons.get((lane, one, other)) or self.comparisons.get((lane, other, one))

    def of_lane(self, lane: LaneKind) -> tuple[ManifestFacts, ...]:
        """All that is known of one lane's manifests, in the order of its entries."""
        return tuple(facts for facts in self.manifests.values() if facts.lane is lane)

    @cached_property
    def faulty(self) -> tuple[ManifestFacts, ...]:
        """The manifests with problems of any kind."""
        return tuple(facts for facts in self.manifests.values() if facts.problems)


def harmful(hazard: str) -> bool:
    """Whether a problem of this kind speaks against restoring from where it was found."""
    return hazard not in _HARMLESS


def unread_manifests(evidence: Evidence) -> frozenset[str]:
    """The handles of the manifests of which nothing is known, as they are too large to be read."""
    return frozenset(facts.handle for facts in evidence.faulty if not _UNKNOWN.isdisjoint(facts.counts))


def broken_manifests(evidence: Evidence) -> frozenset[str]:
    """The handles of the manifests from which a restore fails or goes wrong, for the choice of a chain."""
    return frozenset(facts.handle for facts in evidence.faulty if facts.broken)
