"""Which manifests conflict: those of entries that overlap, and of snapshots that stand for one version or epoch.

Pure, on columns. Pairs are what level 5 compares: every entry with the one that was first to hold its range, and the
first of each range with those of the other ranges that it overlaps.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np

from core.columns import I64, U64, Lane, Mask
from core.manifests.model import MANIFEST_NAMES
from core.model import LaneKind
from core.snapshot import Snapshot

#: So many pairs of a lane are compared, those that begin first; how many are left is said.
MOST_PAIRS: Final = 1_000
_CHAINED: Final = (LaneKind.TRANSACTIONS, LaneKind.EPOCH_ENDINGS)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two manifests of one lane that compete; A comes before B in stock's order."""

    lane: LaneKind
    a: str
    b: str


def conflicting(snapshot: Snapshot) -> frozenset[str]:
    """The handles of all manifests that another one competes with."""
    found: set[str] = set()
    for kind in MANIFEST_NAMES:
        lane = snapshot.index.lanes[kind]
        found.update(lane.manifest(row) for row in np.flatnonzero(competing(kind, lane)).tolist())
    return frozenset(found)


def pairs_of(
    snapshot: Snapshot, manifests: Collection[str] | None = None, most: int = MOST_PAIRS
) -> tuple[tuple[Pair, ...], dict[LaneKind, int]]:
    """The first `most` pairs of each lane to compare (of `manifests` alone, if given), and how many more it has."""
    pairs: list[Pair] = []
    left: dict[LaneKind, int] = {}
    for kind in MANIFEST_NAMES:
        lane = snapshot.index.lanes[kind]
        rows = np.flatnonzero(competing(kind, lane))
        if manifests is not None:
            wanted = frozenset(manifests)
            rows = np.array([row for row in rows.tolist() if lane.manifest(row) in wanted], dtype=np.int64)
        mine = list(islice(_row_pairs(kind, lane, rows), most))
        pairs += dict.fromkeys(
            Pair(kind, a, b) for one, other in mine if (a := lane.manifest(one)) != (b := lane.manifest(other))
        )
        more = pair_count(kind, lane, rows) - len(mine)
        if more:
            left[kind] = more
    return tuple(pairs), left


def pair_count(kind: LaneKind, lane: Lane, rows: I64) -> int:
    """How many pairs there are among some rows (int64, rising) of a lane."""
    rows = rows[lane.first[rows] <= lane.last[rows]]
    place, end = _places(kind, lane, rows)
    fresh = _fresh(place, end)
    if kind not in _CHAINED:
        return len(rows) - int(fresh.sum())
    heads, ends = place[fresh], end[fresh]
    overlapping = np.arange(len(heads)) - np.searchsorted(np.sort(ends), heads)
    return len(rows) - len(heads) + int(overlapping.sum())


def competing(kind: LaneKind, lane: Lane) -> Mask:
    """For each row whether another one overlaps it; snapshots: whether another one has its version or its epoch.

    In stock's order a row that overlaps any before it is in one zone with the one right before it.
    """
    competing = np.zeros(len(lane), dtype=np.bool_)
    if kind in _CHAINED:
        rows = np.flatnonzero(lane.first <= lane.last)
        first, last = lane.first[rows], lane.last[rows]
        together = first[1:] <= np.maximum.accumulate(last)[:-1]
        competing[rows[1:][together]] = True
        competing[rows[:-1][together]] = True
        return competing
    for column in (lane.first, lane.epoch):
        if column is not None:
            _, inverse, counts = np.unique(column, return_inverse=True, return_counts=True)
            competing |= counts[inverse] > 1
    return competing


def _places(kind: LaneKind, lane: Lane, rows: I64) -> tuple[U64, U64]:
    """What a row covers: its closed range; of a snapshot its version and epoch, which must both agree."""
    if kind in _CHAINED or lane.epoch is None:
        return lane.first[rows], lane.last[rows]
    return lane.first[rows], lane.epoch[rows]


def _fresh(place: U64, end: U64) -> Mask:
    """For each row whether it is the first of its place; in stock's order those of one place are neighbours."""
    fresh = np.ones(len(place), dtype=np.bool_)
    fresh[1:] = (place[1:] != place[:-1]) | (end[1:] != end[:-1])
    return fresh


def _row_pairs(kind: LaneKind, lane: Lane, rows: I64) -> Iterator[tuple[int, int]]:
    """Pairs of rows in the order in which the second of them begins."""
    place, end = _places(kind, lane, rows)
    fresh = _fresh(place, end).tolist()
    head = -1
    #: Where the ranges end that may reach on, and the first row of each.
    reaching: list[tuple[int, int]] = []
    for row, is_first, begin, last in zip(rows.tolist(), fresh, place.tolist(), end.tolist(), strict=True):
        if not is_first:
            yield head, row
            continue
        head = row
        if kind in _CHAINED:
            reaching = [each for each in reaching if each[0] >= begin]
            yield from ((other, row) for _, other in reaching)
            reaching.append((last, row))
