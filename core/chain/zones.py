"""Cuts a lane into zones: stretches between boundaries that no entry straddles (`recovery.md`, "Findings", "Chains").

Whatever a chain does inside one zone, it enters at the zone's first version and leaves behind its last; so zones are
solved one by one, and a zone of one entry leaves no choice. All of it is done on columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.chain.model import ChainOptions, SkipReason
from core.columns import I64, PADDING, U64, Lane, Mask, Texts
from core.model import U64_MAX


@dataclass(frozen=True, slots=True, eq=False)
class Zones:
    """The usable entries of a lane, cut where no entry lies across.

    `rows` (int64) are the usable rows in lane order; zone z holds `rows[start[z] : start[z + 1]]`, covers every version
    from `first[z]` to `last[z]` (uint64), and `joined[z]` says whether it begins right behind the zone before it (zone
    0: at the chain's start). No `last` is 2**64 - 1.
    """

    rows: I64
    start: I64
    first: U64
    last: U64
    joined: Mask

    def __len__(self) -> int:
        return len(self.first)

    def crowded(self) -> I64:
        """The zones (int64) that hold more than one entry."""
        return np.flatnonzero(np.diff(self.start) > 1)

    def rows_of(self, zone: int) -> I64:
        """The rows in one zone."""
        return self.rows[int(self.start[zone]) : int(self.start[zone + 1])]


def unusable(lane: Lane, options: ChainOptions) -> NDArray[np.uint8]:
    """Why an entry can't be in any chain at all, as a `SkipReason` for each row; `CHOSEN` for the usable ones."""
    reason = np.zeros(len(lane), dtype=np.uint8)
    if options.target is not None:
        reason[lane.first > np.uint64(options.target)] = SkipReason.ABOVE_TARGET
    if options.start:
        reason[lane.first < np.uint64(options.start)] = SkipReason.BELOW_START
    if options.vetoes:
        reason[named_rows(lane.manifests, options.vetoes)] = SkipReason.VETOED
    reason[lane.last == np.uint64(U64_MAX)] = SkipReason.ENDS_AT_LIMIT
    reason[lane.last < lane.first] = SkipReason.INVERTED
    return reason


def cut_zones(lane: Lane, usable: Mask, start: int) -> Zones:
    """The zones of the usable rows (bool, shape (n,)) of a lane; `start` is the version at which a chain begins."""
    rows = np.flatnonzero(usable)
    everything = len(rows) == len(lane)
    first = lane.first if everything else lane.first[rows]
    last = lane.last if everything else lane.last[rows]
    top = np.maximum.accumulate(last)
    cuts = np.flatnonzero(first[1:] > top[:-1]) + 1
    begins = np.concatenate((np.zeros(min(1, len(rows)), dtype=np.int64), cuts))
    ends = np.append(begins, len(rows))
    zone_first, zone_last = first[begins], top[ends[1:] - 1]
    joined = np.ones(len(begins), dtype=np.bool_)
    joined[1:] = zone_first[1:] == zone_last[:-1] + np.uint64(1)
    joined[:1] = zone_first[:1] == np.uint64(start)
    return Zones(rows, ends, zone_first, zone_last, joined)


def greatest_version(lane: Lane) -> int | None:
    """The greatest `last` of the entries that a chain could use: neither inverted nor ending at 2**64 - 1."""
    usable = (lane.last >= lane.first) & (lane.last != np.uint64(U64_MAX))
    return int(lane.last[usable].max()) if usable.any() else None


def named_rows(manifests: Texts, handles: frozenset[str]) -> I64:
    """The rows (int64) that name one of `handles`."""
    wanted = {handle.encode("utf-8", "surrogatepass") for handle in handles}
    lengths = np.array(sorted({len(handle) for handle in wanted}), dtype=np.int64)
    rows = np.flatnonzero(np.isin(manifests.length, lengths))
    hashes = manifests.take(rows).hashes()
    # Not `np.isin`, which sorts the long column.
    sought = np.sort(_texts(wanted).hashes())
    rows = rows[sought.take(np.searchsorted(sought, hashes), mode="clip") == hashes] if len(rows) else rows
    return np.array([row for row in rows.tolist() if manifests.raw(row) in wanted], dtype=np.int64)


def _texts(values: set[bytes]) -> Texts:
    ordered = sorted(values)
    length = np.array([len(value) for value in ordered], dtype=np.int32)
    buffer = np.frombuffer(b"".join(ordered) + PADDING, dtype=np.uint8)
    return Texts(buffer, np.cumsum(length, dtype=np.int64) - length, length)
