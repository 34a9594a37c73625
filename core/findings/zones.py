"""Findings grouped by their cause: what an operator sees as one problem (`recovery.md`, "Findings").

Findings of one lane whose ranges overlap, once they are widened to boundaries that no entry straddles, are one zone; so
are neighbours that touch and have the same title. Findings without a range are grouped by file, or else by kind. A zone
is called after the finding that comes nearest to the cause.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np

from core.columns import I64, U64, Lane
from core.findings.build import MOST_EVIDENCE
from core.findings.catalogue import CATALOGUE
from core.findings.identity import zone_id
from core.findings.journal import AT_WORK, HELD
from core.findings.later import Later
from core.findings.search import in_order, urgency, worst_first
from core.findings.sweep import Shape, Sweep, sweep
from core.index import Index
from core.model import Entry, Finding, LaneKind, Severity, Zone, end_of
from core.snapshot import Snapshot

#: Which finding tells the cause of a zone, the best first; all others come behind, the worst first.
_CAUSES: Final = {
    kind: rank
    for rank, kind in enumerate(
        (
            "resurrected",
            "partial-compacted-file",
            "empty-meta-file",
            "localfs-skip-existing",
            "foreign-file-in-metadata",
            "bad-json-line",
            "blank-line",
            "bad-encoding",
            "number-not-u64",
            "duplicate-key",
            "unknown-variant",
            "empty-listing-new-identity",
            "version-u64-max",
            "inverted-range",
            "two-coordinators",
            "overlap-manifest",
            "overlap-nested",
            "snapshot-conflict",
            "no-zero-start",
            "gap-range",
            "epoch-gap",
        )
    )
}
#: What becomes of a conflict, never its cause: last of all.
_CONSEQUENCES: Final = frozenset(
    {
        "compacted-name-collision",
        "compaction-bakes-conflict",
        "compaction-blind-gap",
        "compaction-abort-midway",
        "gap-below-target",
        "boundary-shift",
    }
)
_NO_JOIN_RANK: Final = -1
_CHAINED: Final = frozenset({LaneKind.TRANSACTIONS, LaneKind.EPOCH_ENDINGS})
#: See `_tier`.
_TIERS: Final = 3

#: Titles that say more in their place than the catalogue can.
_TITLES: Final = {
    "empty-listing-new-identity": "began again at 0",
    "two-coordinators": "second batch size",
}
_SHAPE_TITLES: Final = {
    Shape.NO_JOIN: "no chain joins",
    Shape.SAME_START: "same start, two ends",
    Shape.SAME_END: "same end, two starts",
    Shape.CONTAINED: "one range inside another",
    Shape.PARTIAL: "ranges overlap",
}
#: An operation without an end, while somebody holds the lease for it.
_STANDINGS: Final[dict[str | None, str]] = {AT_WORK: "at work", HELD: "lease held"}
_NUMBERS: Final = {2: "two", 3: "three", 4: "four", 5: "five"}


def group(findings: Iterable[Finding], snapshot: Snapshot) -> tuple[Zone, ...]:
    """The zones of a store, those that block before all others, then worst first, each with its findings so."""
    everything = list(in_order(findings))
    zones = [zone for kind in LaneKind for zone in _lane_zones(kind, everything, snapshot.index)]
    zones += _zones_without_range((each for each in everything if each.first is None), snapshot.index)
    zones.sort(key=lambda zone: min(map(urgency, zone.findings)))
    return tuple(zones)


class _Named(Zone):
    """A zone whose id, which digests its entries, is worked out when somebody asks for it."""

    __slots__ = ("_id", "_index")

    _id: str
    _index: Index

    def __init__(
        self,
        lane: LaneKind,
        first: int | None,
        last: int | None,
        title: str,
        severity: Severity,
        findings: tuple[Finding, ...],
        id: str = "",  # noqa: A002
        index: Index | None = None,
    ) -> None:
        for name, value in zip(_HELD, (lane, first, last, title, severity, findings, id, index), strict=True):
            object.__setattr__(self, name, value)

    @property
    def id(self) -> str:
        """What the zone is known by."""
        if not self._id:
            object.__setattr__(self, "_id", zone_id(self, cause_of(self.findings), self._index))
        return self._id


_HELD: Final = ("lane", "first", "last", "title", "severity", "findings", "_id", "_index")


def _lane_zones(kind: LaneKind, findings: Iterable[Finding], index: Index) -> Iterator[Zone]:
    """The zones of one lane. What lines show makes zones; manifests and information only join those they lie in."""
    mine = [each for each in findings if each.lane is kind and each.first is not None]
    if not mine:
        return
    lane = index.lanes.get(kind)
    clusters = _clusters(mine, sweep(lane) if lane is not None and kind in _CHAINED else None)
    zones = (
        _zone(kind, first, last, [mine[place] for place in places], index) for first, last, places in clusters.each()
    )
    yield from _merged(zones, lane, index)


def _tier(finding: Finding) -> int:
    """0: serious and seen in the lines; 1: serious and seen in manifests or chunks; 2: information."""
    if finding.severity is Severity.INFO:
        return 2
    return int((CATALOGUE[finding.kind].level or 0) > 1)


@dataclass(frozen=True, slots=True, eq=False)
class _Clusters:
    """Stretches in order, as columns: cluster c is `first[c]` to `last[c]` (uint64).

    `of` (int64) is the cluster of each finding.
    """

    first: U64
    last: U64
    of: I64

    def each(self) -> Iterator[tuple[int, int, list[int]]]:
        """Range and findings, by their places, of each cluster."""
        order = np.argsort(self.of, kind="stable")
        begin = np.searchsorted(self.of[order], np.arange(len(self.first) + 1))
        for number, (first, last) in enumerate(zip(self.first.data, self.last.data, strict=True)):
            yield first, last, order[begin[number] : begin[number + 1]].tolist()


def _clusters(findings: Sequence[Finding], swept: Sweep | None) -> _Clusters:
    """Findings whose widened ranges overlap, tier by tier; what lies in a cluster of a tier before joins that.

    What reaches beyond a cluster is more, and makes one of its own.
    """
    tier = np.fromiter(map(_tier, findings), dtype=np.uint8, count=len(findings))
    first = np.fromiter((each.first for each in findings), dtype=np.uint64, count=len(findings))
    last = np.fromiter((each.last for each in findings), dtype=np.uint64, count=len(findings))
    widened = (first, last) if swept is None else swept.widened(first, last)
    of = np.full(len(findings), -1, dtype=np.int64)
    tiers: list[tuple[U64, U64]] = []
    for number in range(_TIERS):
        rest, before = np.flatnonzero(tier == number), 0
        for begin, end in tiers:
            place = np.searchsorted(begin, first[rest], side="right") - 1
            inside = place >= 0
            inside[inside] = last[rest[inside]] <= end[place[inside]]
            of[rest[inside]] = before + place[inside]
            rest, before = rest[~inside], before + len(begin)
        order = rest[np.lexsort((widened[1][rest], widened[0][rest]))]
        begin, top = widened[0][order], np.maximum.accumulate(widened[1][order])
        fresh = np.append(True, begin[1:] > top[:-1])[: len(order)]
        of[order] = before + np.cumsum(fresh) - 1
        starts = np.flatnonzero(fresh)
        tiers.append((begin[starts], top[np.append(starts[1:], len(order))[: len(starts)] - 1]))
    begin, end = (np.concatenate(columns) for columns in zip(*tiers, strict=True))
    order = np.lexsort((end, begin))
    return _Clusters(begin[order], end[order], np.argsort(order)[of])


def _merged(zones: Iterable[Zone], lane: Lane | None, index: Index) -> Iterator[Zone]:
    """Zones that touch and have one title, as one."""
    snapshots = np.unique(lane.first) if lane is not None and lane.epoch is not None else None
    alike: list[Zone] = []
    for zone in zones:
        if alike and not _is_more_of(alike[-1], zone, snapshots):
            yield _together(alike, index)
            alike = []
        alike.append(zone)
    if alike:
        yield _together(alike, index)


def _together(zones: Sequence[Zone], index: Index) -> Zone:
    if len(zones) == 1:
        return zones[0]
    findings = (finding for zone in zones for finding in zone.findings)
    return _zone(zones[0].lane, zones[0].first, zones[-1].last, findings, index)


def _is_more_of(before: Zone, after: Zone, snapshots: U64 | None) -> bool:
    """Whether two zones touch and have one title; of `snapshots` (versions, sorted) none may lie between them."""
    if before.last is None or after.first is None or before.title != after.title:
        return False
    if snapshots is not None and before.last < after.first:
        between = np.searchsorted(snapshots, np.array((end_of(before.last), after.first), dtype=np.uint64))
        return bool(between[0] == between[1])
    return after.first <= end_of(before.last)


def _zones_without_range(findings: Iterable[Finding], index: Index) -> Iterator[Zone]:
    ordered = sorted(findings, key=_cause_without_range)
    for _, members in groupby(ordered, key=_cause_without_range):
        those = list(members)
        yield _zone(those[0].lane, None, None, those, index)


def _cause_without_range(finding: Finding) -> tuple[str, str]:
    """What tells findings without a range apart: the lane, and the file that shows them or else their kind."""
    by_file = finding.lane is LaneKind.FILES and len({claim.file for claim in finding.claims}) == 1
    return finding.lane.value, f"/{finding.claims[0].file}" if by_file else finding.kind


def _zone(kind: LaneKind, first: int | None, last: int | None, findings: Iterable[Finding], index: Index) -> Zone:
    members = tuple(sorted(findings, key=worst_first))
    return _Named(kind, first, last, _title(members), members[0].severity, members, index=index)


def _title(findings: Sequence[Finding]) -> str:
    """What the list of problems calls a zone."""
    cause = cause_of(findings)
    if cause.kind == "overlap-manifest":
        return f"same range, {_number(_copies(cause))} manifests"
    if cause.kind == "snapshot-conflict":
        return _snapshot_title(cause)
    if cause.kind == "overlap-nested" and cause.shape is not None:
        return _SHAPE_TITLES.get(Shape(cause.shape), CATALOGUE[cause.kind].title)
    if cause.kind == "interrupted-operation":
        return _STANDINGS.get(cause.shape, CATALOGUE[cause.kind].title)
    return _TITLES.get(cause.kind, CATALOGUE[cause.kind].title)


def cause_of(findings: Sequence[Finding]) -> Finding:
    """Of the findings of one zone, the one that comes nearest to the cause; the zone is called after it."""
    serious = [each for each in findings if each.severity is not Severity.INFO] or findings
    return min(serious, key=_cause_rank)


def _cause_rank(finding: Finding) -> tuple[int, int]:
    if finding.shape == Shape.NO_JOIN:
        return _NO_JOIN_RANK, worst_first(finding)
    last = len(_CAUSES) + (finding.kind in _CONSEQUENCES)
    return _CAUSES.get(finding.kind, last), worst_first(finding)


def _copies(finding: Finding) -> int:
    """How many manifests one range of a finding has at most."""
    known = finding.copies if isinstance(finding, Later) else 0
    return known or _most_manifests(finding.entries)


def _most_manifests(entries: Sequence[Entry]) -> int:
    """How many manifests one range has at most, of the entries that a finding shows."""
    ranges: dict[tuple[int, int], int] = {}
    for entry in entries:
        ranges[entry.first, entry.last] = ranges.get((entry.first, entry.last), 0) + 1
    return max(ranges.values(), default=2)


def _snapshot_title(finding: Finding) -> str:
    number = _number(_copies(finding))
    several = finding.first != finding.last
    return f"{number} snapshots each of several versions" if several else f"{number} snapshots of one version"


def _number(value: int) -> str:
    """A number in words; a finding does not hold more entries than the greatest of them."""
    return "many" if value >= MOST_EVIDENCE else _NUMBERS.get(value, f"{value:,}")
