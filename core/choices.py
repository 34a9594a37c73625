"""What choosing between two competing entries does: to what is covered, to stock's verdict, to the chain, to the files.

Pure: a choice is tried on a copy of the columns, never on a store. Runs over all entries: meant for a worker thread.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from core.columns import Lane
from core.lod import build_coverage
from core.model import Claim, Entry, LaneKind
from core.restore import Needs, RestoreOptions, RestorePreview, StoreVerdict, plan_restore, verdict, why_unused
from core.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Hole:
    """Versions or epochs `first` to `last` that nothing covers once an entry is left out; `new` of them only then."""

    first: int
    last: int
    new: int


@dataclass(frozen=True, slots=True)
class WithoutEntry:
    """A store whose lines no longer name `entry`: what is not covered then, and stock's verdict.

    `claims` are the lines that name it, `kept_lines` the other lines of those files, which have to be kept.
    """

    entry: Entry
    holes: tuple[Hole, ...]
    verdict: StoreVerdict
    claims: tuple[Claim, ...]
    kept_lines: int


@dataclass(frozen=True, slots=True)
class WithEntry:
    """The chain when `entry` is chosen: how far it leads, what that takes, and `why_unused` where it does without it.

    `stock_reads` says whether stock, left to itself, reads the entry in a restore of everything.
    """

    entry: Entry
    why_unused: str | None
    lands_at: int | None
    needs: Needs
    stock_reads: bool

    @property
    def used(self) -> bool:
        """Whether the chain goes through it."""
        return self.why_unused is None


@dataclass(frozen=True, slots=True)
class Choice:
    """Choosing `entry` rather than `other`."""

    entry: Entry
    other: Entry
    chain: WithEntry
    without_other: WithoutEntry


def weigh(snapshot: Snapshot, a: Entry, b: Entry) -> tuple[Choice, Choice]:
    """What choosing A, and what choosing B does."""
    return _choice(snapshot, a, b), _choice(snapshot, b, a)


def _choice(snapshot: Snapshot, entry: Entry, other: Entry) -> Choice:
    return Choice(entry, other, with_entry(snapshot, entry), without_entry(snapshot, other))


def with_entry(snapshot: Snapshot, entry: Entry) -> WithEntry:
    """The restore of everything when the chain is to use `entry`, as far as the visible lines tell."""
    return in_chain(plan_restore(snapshot, RestoreOptions(pins=frozenset({entry.manifest}))), entry)


def in_chain(preview: RestorePreview, entry: Entry) -> WithEntry:
    """What a restore of everything makes of an `entry` that is pinned in it."""
    best, stock = preview.best, preview.stock
    row = row_of(preview.index.lanes[entry.lane], entry)
    if entry.lane is LaneKind.STATE_SNAPSHOTS:
        stock_reads = stock.plan is not None and row in (stock.tree_snapshot, stock.kv_snapshot)
    else:
        epochs = entry.lane is LaneKind.EPOCH_ENDINGS
        read = stock.epoch_endings if epochs else stock.transactions
        stock_reads = stock.plan is not None and row is not None and bool((read == row).any())
    lands_at = best.lands_at if best else None
    return WithEntry(entry, why_unused(preview, entry.manifest), lands_at, preview.needs, stock_reads)


def without_entry(snapshot: Snapshot, entry: Entry) -> WithoutEntry:
    """The store as it would be if no line named `entry`."""
    lane = snapshot.index.lanes[entry.lane]
    row = row_of(lane, entry)
    rest = lane if row is None else lane_without(lane, row)
    index = replace(snapshot.index, lanes={**snapshot.index.lanes, entry.lane: rest})
    files = {claim.file for claim in entry.claims}
    lines = sum(file.lines for file in snapshot.index.files if file.handle in files)
    return WithoutEntry(
        entry=entry,
        holes=() if entry.lane is LaneKind.STATE_SNAPSHOTS else holes(rest, entry.first, entry.last),
        verdict=verdict(replace(snapshot, index=index)),
        claims=entry.claims,
        kept_lines=lines - len(entry.claims),
    )


def row_of(lane: Lane, entry: Entry) -> int | None:
    """The row of an entry in its lane; None if it is not there."""
    same = (lane.first == np.uint64(entry.first)) & (lane.last == np.uint64(entry.last))
    return next((row for row in np.flatnonzero(same).tolist() if lane.record(row) == entry.record), None)


def lane_without(lane: Lane, row: int) -> Lane:
    """The lane without one of its entries; all other columns are as they were."""
    rows = np.delete(np.arange(len(lane), dtype=np.int64), row)
    claims = np.delete(
        np.arange(len(lane.claim_file)), slice(int(lane.claim_start[row]), int(lane.claim_start[row + 1]))
    )
    return replace(
        lane,
        first=lane.first[rows],
        last=lane.last[rows],
        first_version=lane.first_version[rows],
        last_version=lane.last_version[rows],
        epoch=None if lane.epoch is None else lane.epoch[rows],
        manifests=lane.manifests.take(rows),
        claim_start=np.append(0, np.cumsum(np.diff(lane.claim_start)[rows])),
        claim_file=lane.claim_file[claims],
        claim_line=lane.claim_line[claims],
    )


def holes(lane: Lane, first: int, last: int) -> tuple[Hole, ...]:
    """The stretches that no entry of `lane` covers and that touch `first` to `last`, as wide as they are.

    One that nothing follows ends at `last`.
    """
    if last < first:
        return ()
    covers = lane.first <= lane.last
    coverage = build_coverage(lane.first[covers], lane.last[covers])
    begins = coverage.edges.tolist()
    ends = [*(edge - 1 for edge in begins[1:]), last]
    empty = np.flatnonzero(coverage.depth == 0).tolist()
    touching = ((begins[each], ends[each]) for each in empty if begins[each] <= last and ends[each] >= first)
    return tuple(Hole(begin, end, min(end, last) + 1 - max(begin, first)) for begin, end in touching)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What lies around an entry in its lane, the entry itself left out.

    `meets` ends right before it, or else `reaches_in` begins before it and ends at or behind its first version, or else
    `gap_before` versions are missing. `follows` begins right behind it; where nothing does, `covered_on` says whether
    another entry covers what comes next, and `next_first` where the next one begins.
    """

    meets: Entry | None
    reaches_in: Entry | None
    gap_before: int
    follows: Entry | None
    covered_on: bool
    next_first: int | None


def neighbours(lane: Lane, entry: Entry) -> Neighbours:
    """The neighbours of an entry: a few array operations over its lane."""
    others = lane.first <= lane.last
    row = row_of(lane, entry)
    if row is not None:
        others[row] = False
    rows = np.flatnonzero(others)
    first, last = lane.first[rows], lane.last[rows]
    start, end = np.uint64(entry.first), np.uint64(entry.last)
    below = first < start
    inside = np.flatnonzero(below & (last >= start))
    before = np.flatnonzero(last < start)
    reach = int(last[before].max()) if len(before) else None
    meeting = before[last[before] == start - np.uint64(1)] if entry.first else before[:0]
    behind = np.flatnonzero(first > end)
    following = behind[first[behind] == first[behind].min()] if len(behind) else behind
    joined = len(following) > 0 and int(first[following[0]]) == entry.last + 1
    return Neighbours(
        meets=lane.entry(int(rows[meeting[0]])) if len(meeting) else None,
        reaches_in=lane.entry(int(rows[inside[0]])) if len(inside) and not len(meeting) else None,
        gap_before=0 if len(meeting) or len(inside) else entry.first - (0 if reach is None else reach + 1),
        follows=lane.entry(int(rows[following[0]])) if joined else None,
        covered_on=bool(((first <= end) & (last > end)).any()),
        next_first=int(first[following[0]]) if len(following) else None,
    )
