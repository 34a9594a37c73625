"""Which state snapshot a restore should start from, and how far the snapshots of a store let it go.

Snapshots need no chain: the best verified one at or below the version will do (`recovery.md`, "Chains"). They compete
all the same: two of one version, and two of one epoch, of which stock's compaction loses one
(`compacted-name-collision`). An epoch ends once, so the one that agrees with the epoch endings is right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.chain import named_rows
from core.columns import I64, U64, Lane, Mask
from core.epoch_ends import EpochEnds
from core.model import U64_MAX
from core.restore.model import RestoreOptions


@dataclass(frozen=True, slots=True, eq=False)
class Snapshots:
    """The state snapshots of a store with what is held against each, bool of shape (n,).

    `usable`: neither vetoed, nor known to be broken unless pinned, nor `outdone`, which those are that compete with a
    better one. `ranked` are the usable rows (int64), the best one last: pins before all others, then what is verified,
    then the greater version, then stock's order.
    """

    lane: Lane
    usable: Mask
    outdone: Mask
    ranked: I64

    def best(self, at_most: int, at_least: int) -> int | None:
        """The row to take for a version in `at_least` to `at_most`."""
        fits = self.ranked[self._between(self.ranked, at_most, at_least)]
        return int(fits[-1]) if len(fits) else None

    def best_before(self, tree: int, at_most: int, at_least: int) -> int | None:
        """The same for the key-value snapshot of a restore that takes the row `tree` as its tree snapshot.

        It is none behind `tree` in stock's order, where stock would take it for the tree as well.
        """
        fits = self.ranked[self._between(self.ranked, at_most, at_least) & (self.ranked <= tree)]
        return int(fits[-1]) if len(fits) else None

    def oldest_before(self, tree: int, at_least: int) -> int:
        """The least version that `best_before` can find."""
        rows = self.ranked[self.ranked <= tree]
        version = self.lane.first[rows[self._between(rows, int(self.lane.first[tree]), at_least)]]
        return int(version.min())

    def _between(self, rows: I64, at_most: int, at_least: int) -> Mask:
        version = self.lane.first[rows]
        return (version <= np.uint64(at_most)) & (version >= np.uint64(at_least))

    def oldest(self) -> int | None:
        """The least version of a usable snapshot."""
        return int(self.lane.first[self.usable].min()) if self.usable.any() else None


def snapshots_of(lane: Lane, options: RestoreOptions, ends: EpochEnds, reach: int | None) -> Snapshots:
    """The snapshots of a lane under the operator's choices and the evidence.

    Those of one version compete, and those of one epoch: pins come first, then what is verified, then what agrees with
    the `ends` of epochs. A snapshot above `reach`, which no restore can use yet, outdoes none below; with None epochs
    do not count. Where nothing says which of two versions of one epoch is right, both are usable.
    """
    pinned, unverified = _named(lane, options.pins), _named(lane, options.unverified)
    usable = ~_named(lane, options.vetoes) & (pinned | ~_named(lane, options.broken))
    merit = 8 * pinned + 4 * ~unverified + ends.standing(lane).astype(np.int64)
    rows = np.flatnonzero(usable)
    best_first = rows[np.lexsort((rows, lane.first[rows], merit[rows]))[::-1]]
    outdone = np.zeros(len(lane), dtype=np.bool_)
    outdone[list(_outdone(lane, merit, best_first, reach))] = True
    usable = usable & ~outdone
    rank = np.lexsort((np.arange(len(lane)), lane.first, ~unverified, pinned))
    return Snapshots(lane, usable, outdone, rank[usable[rank]])


def _outdone(lane: Lane, merit: I64, best_first: I64, reach: int | None) -> Iterator[int]:
    """The rows that compete with one which comes before them and is kept itself."""
    versions: set[int] = set()
    epochs: dict[int, tuple[int, int]] = {}
    epoch_of = lane.first if lane.epoch is None else lane.epoch
    columns = (best_first, lane.first[best_first], epoch_of[best_first], merit[best_first])
    for row, version, epoch, worth in zip(*(column.tolist() for column in columns), strict=True):
        rival, rival_worth = epochs.get(epoch, (version, worth))
        serves = reach is not None and (rival <= reach or version > reach)
        if version in versions or (serves and rival_worth > worth):
            yield row
            continue
        versions.add(version)
        if epoch not in epochs or not serves:
            epochs[epoch] = version, worth


def _named(lane: Lane, handles: frozenset[str]) -> Mask:
    marked = np.zeros(len(lane), dtype=np.bool_)
    if handles:
        marked[named_rows(lane.manifests, handles)] = True
    return marked


def taken_until(lane: Lane) -> U64:
    """For each snapshot the least version of all behind it in stock's order: from there on stock takes another one."""
    until = np.full(len(lane), U64_MAX, dtype=np.uint64)
    if len(lane) > 1:
        until[:-1] = np.minimum.accumulate(lane.first[:0:-1])[::-1]
    return until


def furthest(limit: int, version: U64, until: U64 | None, broken_first: U64, broken_last: U64) -> int | None:
    """The greatest target up to `limit` that some snapshot leads to without reading a broken entry.

    A snapshot at `version` serves the targets from there to right before its `until` (None: all). What is read are the
    transactions from the snapshot to the target; the broken ones are given as ascending closed ranges. All uint64.
    """
    serves = version <= np.uint64(limit)
    if until is not None:
        serves &= until > version
        limits = np.minimum(np.uint64(limit), until[serves] - np.uint64(1))
    else:
        limits = np.full(int(np.count_nonzero(serves)), limit, dtype=np.uint64)
    version = version[serves]
    next_broken = np.searchsorted(broken_last, version)
    stops = np.append(broken_first, np.uint64(U64_MAX))[next_broken]
    clear = stops > version
    targets = np.minimum(limits[clear], stops[clear] - np.uint64(1))
    return int(targets.max()) if len(targets) else None
