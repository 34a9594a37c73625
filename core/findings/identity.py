"""By what a zone is known again at the next look: what is wrong, and the entries that it is wrong with."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import Final

import numpy as np

from core.columns import Lane
from core.content import lane_text
from core.index import Index
from core.model import Finding, Severity, Zone

_DIGEST_BYTES: Final = 8


def zone_id(zone: Zone, cause: Finding, index: Index) -> str:
    """`LANE:CAUSE:FIRST-LAST:HASH`; `cause` is the finding that the zone is called after.

    The hash is of all visible entries of the lane inside the zone, wherever their lines stand. Of a zone without a
    range it is of the files and handles that its findings show.
    """
    place, digest = "", blake2b(digest_size=_DIGEST_BYTES)
    if zone.first is not None and zone.last is not None and zone.lane in index.lanes:
        place = f":{zone.first}-{zone.last}"
        for piece in lane_text(index, zone.lane, _rows(index.lanes[zone.lane], zone.first, zone.last)).pieces():
            digest.update(piece)
    else:
        for mark in sorted(set(_marks(zone))):
            digest.update(f"{mark}\0".encode("utf-8", "surrogatepass"))
    return f"{zone.lane.short}:{cause.kind}{place}:{digest.hexdigest()}"


def _rows(lane: Lane, first: int, last: int) -> range:
    """The rows that begin between `first` and `last`; of snapshots, which sort by epoch, all between two of them."""
    if lane.epoch is None:
        low = int(np.searchsorted(lane.first, np.uint64(first), "left"))
        return range(low, int(np.searchsorted(lane.first, np.uint64(last), "right")))
    inside = np.flatnonzero((lane.first >= np.uint64(first)) & (lane.first <= np.uint64(last)))
    return range(int(inside[0]), int(inside[-1]) + 1) if len(inside) else range(0)


def _marks(zone: Zone) -> Iterator[str]:
    """What the findings of a zone show that is more than information, if there is any."""
    serious = [each for each in zone.findings if each.severity is not Severity.INFO] or zone.findings
    for finding in serious:
        yield finding.kind
        yield from (f"{finding.kind} claim {claim}" for claim in finding.claims)
        yield from (f"{finding.kind} entry {each.first}-{each.last} {each.manifest}" for each in finding.entries)
        yield from (f"{finding.kind} manifest {handle}" for handle in finding.manifests)
