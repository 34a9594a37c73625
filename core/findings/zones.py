"""Findings grouped by their cause: what an operator sees as one problem (`recovery.md`, "Findings").

Findings of one lane whose ranges overlap, once they are widened to boundaries that no entry straddles, are one zone; so
are neighbours that touch and have the same title. Findings without a range are grouped by file, or else by kind. A zone
is called after the finding that comes nearest to the cause.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final

from core.findings.build import MOST_EVIDENCE
from core.findings.catalogue import CATALOGUE
from core.findings.identity import zone_id
from core.findings.journal import AT_WORK, HELD
from core.findings.search import in_order, worst_first
from core.findings.sweep import Shape, Sweep, sweep
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
    everything = list(findings)
    ranged = [each for each in everything if each.first is not None]
    zones = [zone for kind in LaneKind for zone in _lane_zones(kind, ranged, snapshot)]
    zones += _zones_without_range(each for each in everything if each.first is None)
    zones.sort(key=lambda zone: min(map(in_order, zone.findings)))
    return tuple(replace(zone, id=zone_id(zone, cause_of(zone.findings), snapshot.index)) for zone in zones)


def _lane_zones(kind: LaneKind, findings: Sequence[Finding], snapshot: Snapshot) -> list[Zone]:
    """The zones of one lane. What lines show makes zones; manifests and information only join those they lie in."""
    swept = sweep(snapshot.index.lanes[kind]) if kind in _CHAINED else None
    mine = sorted((each for each in findings if each.lane is kind), key=worst_first)
    clusters: list[_Cluster] = []
    for tier in range(_TIERS):
        rest = [each for each in mine if _tier(each) == tier and not _joins_one(each, clusters)]
        clusters += _clusters(rest, swept)
    clusters.sort(key=lambda cluster: (cluster.first, cluster.last))
    return list(_merged([cluster.zone(kind) for cluster in clusters]))


def _tier(finding: Finding) -> int:
    """0: serious and seen in the lines; 1: serious and seen in manifests or chunks; 2: information."""
    if finding.severity is Severity.INFO:
        return 2
    return int((CATALOGUE[finding.kind].level or 0) > 1)


class _Cluster:
    """Findings whose widened ranges overlap; grows while they are taken in order."""

    def __init__(self, first: int, last: int) -> None:
        self.first = first
        self.last = last
        self.findings: list[Finding] = []

    def zone(self, kind: LaneKind) -> Zone:
        return _zone(kind, self.first, self.last, self.findings)


def _clusters(findings: Sequence[Finding], swept: Sweep | None) -> Iterator[_Cluster]:
    cluster: _Cluster | None = None
    for first, last, finding in sorted((_widened(each, swept) for each in findings), key=lambda item: item[:2]):
        if cluster is None or first > cluster.last:
            if cluster is not None:
                yield cluster
            cluster = _Cluster(first, last)
        cluster.last = max(cluster.last, last)
        cluster.findings.append(finding)
    if cluster is not None:
        yield cluster


def _widened(finding: Finding, swept: Sweep | None) -> tuple[int, int, Finding]:
    first, last = finding.first or 0, finding.last or 0
    if swept is not None:
        first, last = swept.widened(first, last)
    return first, last, finding


def _joins_one(finding: Finding, clusters: Sequence[_Cluster]) -> bool:
    """Put a finding into the cluster that it lies in, if there is one; what reaches beyond a cluster is more."""
    first, last = finding.first or 0, finding.last or 0
    home = next((cluster for cluster in clusters if cluster.first <= first and last <= cluster.last), None)
    if home is not None:
        home.findings.append(finding)
    return home is not None


def _merged(zones: Iterable[Zone]) -> Iterator[Zone]:
    """Zones that touch and have one title, as one."""
    before: Zone | None = None
    for zone in zones:
        if before is not None and _is_more_of(before, zone):
            before = _zone(zone.lane, before.first, zone.last, (*before.findings, *zone.findings))
            continue
        if before is not None:
            yield before
        before = zone
    if before is not None:
        yield before


def _is_more_of(before: Zone, after: Zone) -> bool:
    if before.last is None or after.first is None or before.title != after.title:
        return False
    return after.first <= end_of(before.last) or before.lane is LaneKind.STATE_SNAPSHOTS


def _zones_without_range(findings: Iterable[Finding]) -> Iterator[Zone]:
    ordered = sorted(findings, key=_cause_without_range)
    for _, members in groupby(ordered, key=_cause_without_range):
        those = list(members)
        yield _zone(those[0].lane, None, None, those)


def _cause_without_range(finding: Finding) -> tuple[str, str]:
    """What tells findings without a range apart: the lane, and the file that shows them or else their kind."""
    by_file = finding.lane is LaneKind.FILES and len({claim.file for claim in finding.claims}) == 1
    return finding.lane.value, f"/{finding.claims[0].file}" if by_file else finding.kind


def _zone(kind: LaneKind, first: int | None, last: int | None, findings: Iterable[Finding]) -> Zone:
    members = tuple(sorted(findings, key=worst_first))
    return Zone(kind, first, last, _title(members), members[0].severity, members)


def _title(findings: Sequence[Finding]) -> str:
    """What the list of problems calls a zone."""
    cause = cause_of(findings)
    if cause.kind == "overlap-manifest":
        return f"same range, {_number(_most_manifests(cause.entries))} manifests"
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


def _cause_rank(finding: Finding) -> tuple[int, tuple[int, int, int, str, str]]:
    if finding.shape == Shape.NO_JOIN:
        return _NO_JOIN_RANK, worst_first(finding)
    last = len(_CAUSES) + (finding.kind in _CONSEQUENCES)
    return _CAUSES.get(finding.kind, last), worst_first(finding)


def _most_manifests(entries: Sequence[Entry]) -> int:
    """How many manifests one range has at most, of the entries that a finding shows."""
    ranges: dict[tuple[int, int], int] = {}
    for entry in entries:
        ranges[entry.first, entry.last] = ranges.get((entry.first, entry.last), 0) + 1
    return max(ranges.values(), default=2)


def _snapshot_title(finding: Finding) -> str:
    number = _number(_most_manifests(finding.entries))
    several = finding.first != finding.last
    return f"{number} snapshots each of several versions" if several else f"{number} snapshots of one version"


def _number(value: int) -> str:
    """A number in words; a finding does not hold more entries than the greatest of them."""
    return "many" if value >= MOST_EVIDENCE else _NUMBERS.get(value, f"{value:,}")
