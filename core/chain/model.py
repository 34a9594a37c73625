"""What a chain is: the options it is looked for with, the entries it takes, and why it leaves the others out.

The rules are those of `recovery.md`, "Chains". Versions stand for the lane's own unit: epochs on the lane of epoch
endings. Ranges are closed, boundaries are the first version of what comes next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.columns import I64, Lane
from core.model import LaneKind, end_of

#: At most this many gaps are listed; a store may have one for each of its lines.
GAPS_LISTED: Final = 1_000


class Policy(StrEnum):
    """What is preferred where entries compete. `core.chain.cost` says how each is measured and what breaks ties."""

    VERIFIED = "verified"
    FEWEST_CHANGES = "fewest-changes"
    NEWEST = "newest"
    LONGEST = "longest"
    STOCK_LIKE = "stock-like"
    FIRST_ENCOUNTERED = "first-encountered"


@dataclass(frozen=True, slots=True)
class ChainOptions:
    """What to look for: a chain from version `start` that covers `target` (None: as far as any chain reaches).

    All sets hold handles of manifests. A chain uses as many entries with `pins` as any chain can, and never one with
    `vetoes`. `broken` are known to fail their checks, `unverified` could not be checked; both are avoided, not banned.
    """

    start: int = 0
    target: int | None = None
    policy: Policy = Policy.VERIFIED
    pins: frozenset[str] = frozenset()
    vetoes: frozenset[str] = frozenset()
    broken: frozenset[str] = frozenset()
    unverified: frozenset[str] = frozenset()


class SkipReason(IntEnum):
    """Why an entry is not in the chain; `CHOSEN` where it is."""

    CHOSEN = 0
    INVERTED = 1
    """It ends before it begins."""
    ENDS_AT_LIMIT = 2
    """It ends at 2**64 - 1, so that stock's `last + 1` panics."""
    VETOED = 3
    BELOW_START = 4
    ABOVE_TARGET = 5
    NOT_REACHED = 6
    """It begins behind the place where the chain ends."""
    DOES_NOT_JOIN = 7
    """No way leads to where it begins."""
    DEAD_END = 8
    """No way leads on from where it ends."""
    BROKEN = 9
    """Its manifest is known to be broken: another way needs fewer broken ones, or it is vetoed for that."""
    PIN_EXCLUDED = 10
    """Pinned, but a chain with it would have to give up other pins."""
    SAME_RANGE = 11
    """The chain uses another manifest for the same range."""
    OTHER_CHOSEN = 12
    """A chain could use it; the policy prefers another way."""
    NOT_NEEDED = 13
    """The chain uses it, but a restore along the chain does not read it. Only a restore plan says so."""


class GapKind(StrEnum):
    """Why a chain stops: versions that no entry covers, or versions that are covered by entries that do not join."""

    GAP = "gap"
    NO_JOIN = "no-join"


@dataclass(frozen=True, slots=True)
class Gap:
    """Versions `first` to `last`, which have to be backed up again before a chain can go on behind them."""

    lane: LaneKind
    first: int
    last: int
    kind: GapKind


@dataclass(frozen=True, slots=True)
class Overlap:
    """An entry that a restore passes over, with the numbers that stock would complain about.

    The entry in `row` begins at `got`, inside the range of `used_row`, behind which `expected` comes next. `rows` are
    the entries of this stretch that cover `got`, in stock's order, `manifests` theirs; `used` is what the chain reads.
    """

    row: int
    expected: int
    got: int
    used_row: int
    used: str
    rows: tuple[int, ...]
    manifests: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """The best way through a lane, and an account of every entry that is not on it.

    `rows` (int64) are the chosen entries in order. `complete`: they cover the target (where none was given, the
    greatest version that any chain reaches, which then is `target`). `reaches` is the last version that they cover,
    which may lie above the target; None if nothing begins at the start. `resumes_at` is the least boundary behind
    `reaches` from which the target can be reached (where none was given, the greatest version in the lane); None where
    there is no such boundary or nothing behind. `gaps` are the fewest versions to back up again for that, in order,
    the first `GAPS_LISTED` of `gap_count`. `reason` is a `SkipReason` for each entry, uint8.

    `contradicted` are pins that give way to other pins, `unused_pins` all pins of the lane that the chain does without.
    `proven_minimal`: no chain that equals this one in all that the policy asks for first retires fewer files.
    `zone_rows` (int64): for each stretch of the lane in which entries overlap, the first row of it.
    """

    lane: Lane = field(repr=False)
    options: ChainOptions
    rows: I64
    complete: bool
    reaches: int | None
    target: int | None
    resumes_at: int | None
    gaps: tuple[Gap, ...]
    gap_count: int
    reason: NDArray[np.uint8] = field(repr=False)
    contradicted: tuple[str, ...]
    unused_pins: tuple[str, ...]
    proven_minimal: bool
    zone_rows: I64 = field(repr=False)

    def skipped(self) -> I64:
        """The rows (int64) that are not in the chain, in stock's order."""
        return np.flatnonzero(self.reason != SkipReason.CHOSEN)

    def passed_over(self) -> I64:
        """The rows (int64) that begin inside the chain's range without being in it: each is an overlap to warn of."""
        if self.reaches is None:
            return np.empty(0, dtype=np.int64)
        rows = np.flatnonzero((self.reason != SkipReason.CHOSEN) & (self.reason != SkipReason.ABOVE_TARGET))
        first = self.lane.first[rows]
        return rows[(first >= np.uint64(self.options.start)) & (first <= np.uint64(self.reaches))]

    def used_at(self, version: int) -> int | None:
        """The chosen row that covers `version`."""
        beyond = np.searchsorted(self.lane.first, np.uint64(version), side="right")
        at = int(np.searchsorted(self.rows, beyond)) - 1
        if at < 0 or int(self.lane.last[self.rows[at]]) < version:
            return None
        return int(self.rows[at])

    def overlap(self, row: int) -> Overlap:
        """The numbers behind one row of `passed_over()`. Raises `ValueError` for any other row."""
        got = int(self.lane.first[row])
        used = self.used_at(got)
        if used is None or used == row:
            raise ValueError(f"row {row} is not passed over")
        rows = self._covering(got, min(row, used))
        manifests = tuple(self.lane.manifest(each) for each in rows)
        return Overlap(row, end_of(int(self.lane.last[used])), got, used, self.lane.manifest(used), rows, manifests)

    def overlaps(self) -> Iterator[Overlap]:
        """Every overlap that a restore along this chain passes over, in stock's order."""
        for row in self.passed_over():
            yield self.overlap(int(row))

    def _covering(self, version: int, row: int) -> tuple[int, ...]:
        """The rows that cover `version`, `row` being one of them or of the same stretch."""
        stretch = int(np.searchsorted(self.zone_rows, row, side="right")) - 1
        low = min(row, int(self.zone_rows[stretch])) if stretch >= 0 else row
        high = int(np.searchsorted(self.lane.first, np.uint64(version), side="right"))
        return tuple((np.flatnonzero(self.lane.last[low:high] >= np.uint64(version)) + low).tolist())
