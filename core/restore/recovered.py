"""Lines that only `metadata_backup/` still holds, where the visible entries lack them (`recovery.md`, "Repair").

A torn compaction that was trusted leaves its lost lines there, as do moves of a compaction that was cut off.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from core.chain import Chain, SkipReason
from core.chain.zones import unusable
from core.columns import I64, Lane
from core.ground import AddedLine, bare_ground, with_lines
from core.journal.denylist import denied_rows
from core.lane_difference import absent_rows
from core.model import U64_MAX, LaneKind, RangeRecord, end_of
from core.restore.along import find_ways, restorable_to
from core.restore.model import RestoreOptions
from core.snapshot import Snapshot


def recoverable_lines(
    snapshot: Snapshot, options: RestoreOptions, denied: Mapping[RangeRecord, str] | None = None
) -> tuple[AddedLine, ...]:
    """The retired lines of each lane in which something is missing, or that go on behind it; no `denied` one.

    Of a lane it is all lines or none, since what closes a gap may lie before it. Snapshots are wanted only where
    without them nothing can be restored. `options` say what the chains must not use.
    """
    denied = denied or {}
    ways = find_ways(bare_ground(snapshot.index), options)
    wanting = (chain.lane.kind for chain in (ways.epoch_endings, ways.transactions) if _wants_more(snapshot, chain))
    lines = tuple(line for kind in wanting for line in _lines(snapshot, kind, denied))
    if lines:
        ways = find_ways(with_lines(snapshot.index, lines), options)
    if restorable_to(ways) is None:
        lines += tuple(_lines(snapshot, LaneKind.STATE_SNAPSHOTS, denied))
    return lines


def _wants_more(snapshot: Snapshot, chain: Chain) -> bool:
    """Whether a chain has gaps, or retired lines go on behind it."""
    return chain.gap_count > 0 or goes_on_behind(snapshot, chain)


def goes_on_behind(snapshot: Snapshot, chain: Chain) -> bool:
    """Whether retired lines go on behind all that a chain could use of the visible ones."""
    lane, retired = chain.lane, snapshot.retired.lanes[chain.lane.kind]
    usable = np.flatnonzero(unusable(lane, replace(chain.options, target=None)) == SkipReason.CHOSEN)
    behind = end_of(int(lane.last[usable].max())) if len(usable) else 0
    return bool((retired.last[_usable(retired)] >= np.uint64(behind)).any())


def _lines(snapshot: Snapshot, kind: LaneKind, denied: Mapping[RangeRecord, str]) -> Iterator[AddedLine]:
    lane = snapshot.retired.lanes[kind]
    rows = np.intersect1d(absent_rows(lane, snapshot.index.lanes[kind]), _usable(lane), assume_unique=True)
    for row in np.setdiff1d(rows, denied_rows(lane, denied), assume_unique=True).tolist():
        claim = lane.claims(row)[0]
        yield AddedLine(lane.record(row), snapshot.retired.raw_line(claim), claim)


def _usable(lane: Lane) -> I64:
    """The rows (int64) that a chain could use."""
    sane = lane.first <= lane.last
    if lane.kind is not LaneKind.STATE_SNAPSHOTS:
        sane &= lane.last != np.uint64(U64_MAX)
    return np.flatnonzero(sane)
