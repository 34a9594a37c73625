"""What a chain costs under each policy (`recovery.md`, "Chains").

A cost is a list of measures, compared one after the other, each the sum over the entries of the chain. It is held as
one integer with the measures side by side, so that adding and comparing costs is adding and comparing integers.

- pins: pinned entries used, more is better (a manifest counts once for each entry that names it).
- broken, unverified: entries whose manifest is known to be broken, or could not be checked.
- added: entries that are not in `metadata/` yet, recovered ones and those of derived manifests.
- changes: metadata files that hold an entry besides the chain, which a repair retires, zone by zone; then how many
  lines those files have. `core.chain.touched` says where that is exact.
- age: how old the line is from which each version would be read, summed over the versions; a line that stands in
  several files is as old as the oldest of them, because compaction copies lines into newer files.
- manifests: how many entries the chain has.

Whatever is left equal is decided by stock's sort order: at the first place where two chains differ, the entry that
sorts first wins. So the answer depends on the set of entries alone, never on their order in files.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.chain.model import ChainOptions, Policy
from core.chain.zones import named_rows
from core.columns import I64, Lane
from core.model import U64_MAX, end_of


class Measure(Enum):
    """One thing that a chain can cost."""

    PINS = auto()
    BROKEN = auto()
    ADDED = auto()
    UNVERIFIED = auto()
    CHANGES = auto()
    AGE = auto()
    MANIFESTS = auto()


#: What every policy but `first-encountered` asks for before anything else.
_FIRST: Final = (Measure.PINS, Measure.BROKEN, Measure.ADDED)
#: From the most important down. A chain through a broken manifest restores nothing, so all but `first-encountered`,
#: which asks for nothing but order, avoid it first.
MEASURES: Final[dict[Policy, tuple[Measure, ...]]] = {
    Policy.VERIFIED: (*_FIRST, Measure.UNVERIFIED, Measure.CHANGES, Measure.MANIFESTS),
    Policy.FEWEST_CHANGES: (*_FIRST, Measure.CHANGES, Measure.UNVERIFIED, Measure.MANIFESTS),
    Policy.NEWEST: (*_FIRST, Measure.AGE, Measure.UNVERIFIED, Measure.CHANGES, Measure.MANIFESTS),
    Policy.LONGEST: (*_FIRST, Measure.MANIFESTS, Measure.UNVERIFIED, Measure.CHANGES),
    Policy.STOCK_LIKE: (*_FIRST, Measure.UNVERIFIED),
    Policy.FIRST_ENCOUNTERED: (Measure.PINS, Measure.ADDED),
}

#: Bits for the sum of each measure and its sign: counts of files, lines and entries stay below 2**63, age below 2**127.
_COUNT_BITS: Final = 64
_WIDTHS: Final = {Measure.AGE: 192, Measure.CHANGES: 2 * _COUNT_BITS}
_MAX_SECONDS: Final = 2.0**40


def units(policy: Policy) -> dict[Measure, int]:
    """What one of each measure adds to a cost; a measure that the policy does not ask for is not in it."""
    shift = 0
    found = {}
    for measure in reversed(MEASURES[policy]):
        found[measure] = 1 << shift
        shift += _WIDTHS.get(measure, _COUNT_BITS)
    return found


def change_credit(files: int, lines: int) -> int:
    """What is saved, in units of `CHANGES`, by leaving `files` untouched that have `lines` lines in all."""
    return (files << _COUNT_BITS) + lines


def entry_costs(
    lane: Lane,
    rows: I64,
    options: ChainOptions,
    file_modified: NDArray[np.float64] | None = None,
    added: I64 | None = None,
) -> list[int]:
    """The cost of each of `rows` but for changes.

    `file_modified` are unix seconds for each file of the lane, `added` the rows (int64) that are not in `metadata/`.
    """
    unit = units(options.policy)
    costs = [unit.get(Measure.MANIFESTS, 0)] * len(rows)
    marked = (
        (-unit[Measure.PINS], options.pins),
        (unit.get(Measure.BROKEN, 0), options.broken),
        (unit.get(Measure.UNVERIFIED, 0), options.unverified),
    )
    for cost, handles in marked:
        if cost and handles:
            for place in named_rows(lane.manifests.take(rows), handles).tolist():
                costs[place] += cost
    if added is not None:
        for place in np.flatnonzero(np.isin(rows, added)).tolist():
            costs[place] += unit[Measure.ADDED]
    if Measure.AGE in unit and file_modified is not None:
        limit = U64_MAX if options.target is None else options.target
        moments = _written_at(lane, rows, file_modified)
        for place, (row, moment) in enumerate(zip(rows.tolist(), moments.tolist(), strict=True)):
            versions = end_of(min(int(lane.last[row]), limit)) - int(lane.first[row])
            costs[place] -= versions * moment * unit[Measure.AGE]
    return costs


def _written_at(lane: Lane, rows: I64, file_modified: NDArray[np.float64]) -> I64:
    """When the oldest file that claims each row was written, in microseconds."""
    seconds = np.clip(np.nan_to_num(file_modified, nan=0.0), -_MAX_SECONDS, _MAX_SECONDS)
    which, file = claims_of(lane, rows)
    moments = (seconds[file] * 1e6).astype(np.int64)
    oldest = np.full(len(rows), np.iinfo(np.int64).max, dtype=np.int64)
    np.minimum.at(oldest, which, moments)
    return oldest


def claims_of(lane: Lane, rows: I64) -> tuple[I64, I64]:
    """The claims of `rows`: for each the index into `rows` and the file, int64, in the order of `rows`."""
    begin = lane.claim_start[rows]
    count = lane.claim_start[rows + 1] - begin
    which = np.repeat(np.arange(len(rows), dtype=np.int64), count)
    offset = np.arange(len(which), dtype=np.int64) - np.repeat(np.cumsum(count) - count, count)
    return which, lane.claim_file[begin[which] + offset].astype(np.int64)
