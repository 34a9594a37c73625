"""Columns of entries: what a million lines look like in memory, and the few array operations they need.

A `Lane` is the entries of one kind in stock's order with exact duplicates folded (`format.md`, "Loading"), each with
the files and lines that claim it. Objects are made only for what is looked at; the columns of a lane can't be written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from core.model import (
    Claim,
    Entry,
    EpochEndingRecord,
    LaneKind,
    RangeRecord,
    StateSnapshotRecord,
    TransactionRecord,
)
from core.texts import Texts
from core.words import I32, I64, PADDING, U64, Mask, read_only

__all__ = [
    "I32",
    "I64",
    "PADDING",
    "U64",
    "Lane",
    "LaneLines",
    "Mask",
    "Texts",
    "build_lane",
]


@dataclass(frozen=True, slots=True, eq=False)
class Lane:
    """The distinct entries of one kind, in stock's sort order.

    Columns of shape (n,): `first` and `last` uint64 in the lane's own unit (epochs for epoch endings, else versions;
    equal for a state snapshot); `first_version` and `last_version` uint64 (the same arrays as first and last where the
    unit is versions); `epoch` uint64 for state snapshots, else None; `manifests`. Claims, in file and line order: those
    of entry i are `claim_file[k]` (an index into the folder's files), `claim_line[k]` for
    `claim_start[i] <= k < claim_start[i + 1]`.
    """

    kind: LaneKind
    first: U64
    last: U64
    first_version: U64
    last_version: U64
    epoch: U64 | None
    manifests: Texts
    claim_start: I64
    claim_file: I32
    claim_line: I32
    file_handles: Sequence[str]

    def __len__(self) -> int:
        return len(self.first)

    def manifest(self, row: int) -> str:
        """The handle of the manifest that entry `row` names."""
        return self.manifests[row]

    def claims(self, row: int) -> tuple[Claim, ...]:
        """Every file and line that holds entry `row`."""
        span = slice(int(self.claim_start[row]), int(self.claim_start[row + 1]))
        return tuple(
            Claim(self.file_handles[int(file)], int(line))
            for file, line in zip(self.claim_file[span], self.claim_line[span], strict=True)
        )

    def record(self, row: int) -> RangeRecord:
        """Entry `row` as the record that its lines hold."""
        manifest = self.manifest(row)
        first, last = int(self.first[row]), int(self.last[row])
        if self.kind is LaneKind.TRANSACTIONS:
            return TransactionRecord(first, last, manifest)
        if self.epoch is not None:
            return StateSnapshotRecord(int(self.epoch[row]), first, manifest)
        return EpochEndingRecord(first, last, int(self.first_version[row]), int(self.last_version[row]), manifest)

    def entry(self, row: int) -> Entry:
        """Entry `row` with its claims."""
        return Entry(self.kind, int(self.first[row]), int(self.last[row]), self.record(row), self.claims(row))

    def entries(self, rows: Sequence[int] | I64 | range | None = None) -> Iterator[Entry]:
        """The entries of `rows`, or all of them, as objects."""
        for row in range(len(self)) if rows is None else rows:
            yield self.entry(int(row))


@dataclass(frozen=True, slots=True)
class LaneLines:
    """The lines of one kind as they were read, in file and line order, before sorting and folding.

    `keys` are the numeric fields in declaration order (uint64, shape (n,)); `file` and `line` int32.
    """

    kind: LaneKind
    keys: tuple[U64, ...]
    manifests: Texts
    file: I32
    line: I32

    def take(self, rows: I64) -> LaneLines:
        """The same lines in another order or selection."""
        keys = tuple(key[rows] for key in self.keys)
        return LaneLines(self.kind, keys, self.manifests.take(rows), self.file[rows], self.line[rows])


def build_lane(lines: LaneLines, file_handles: Sequence[str]) -> Lane:
    """Sort as stock sorts (all fields in declaration order, manifest by bytes) and fold exact duplicates."""
    order = _stock_order(lines)
    if order is not None:
        lines = lines.take(order)
    heads = _distinct_rows(lines)
    distinct = lines if heads is None else lines.take(heads)
    first, last, first_version, last_version, epoch = _axes(lines.kind, distinct.keys)
    starts = np.arange(len(lines.file)) if heads is None else heads
    return Lane(
        kind=lines.kind,
        first=read_only(first),
        last=read_only(last),
        first_version=read_only(first_version),
        last_version=read_only(last_version),
        epoch=None if epoch is None else read_only(epoch),
        manifests=distinct.manifests,
        claim_start=read_only(np.append(starts, len(lines.file))),
        claim_file=read_only(lines.file),
        claim_line=read_only(lines.line),
        file_handles=file_handles,
    )


def _distinct_rows(lines: LaneLines) -> I64 | None:
    """The first of each run of equal lines (sorted lines), or None when no two are equal."""
    tied = np.flatnonzero(_equal_neighbours(lines.keys))
    tied = tied[lines.manifests.equal(tied, tied + 1)]
    if not len(tied):
        return None
    heads = np.ones(len(lines.file), dtype=np.bool_)
    heads[tied + 1] = False
    return np.flatnonzero(heads)


def _axes(kind: LaneKind, keys: tuple[U64, ...]) -> tuple[U64, U64, U64, U64, U64 | None]:
    if kind is LaneKind.TRANSACTIONS:
        first, last = keys
        return first, last, first, last, None
    if kind is LaneKind.STATE_SNAPSHOTS:
        epoch, version = keys
        return version, version, version, version, epoch
    first, last, first_version, last_version = keys
    return first, last, first_version, last_version, None


def _equal_neighbours(keys: tuple[U64, ...]) -> Mask:
    result = np.ones(max(0, len(keys[0]) - 1), dtype=np.bool_)
    for key in keys:
        result &= key[1:] == key[:-1]
    return result


def _stock_order(lines: LaneLines) -> I64 | None:
    """The stable order by all numeric keys, then by manifest bytes; None when the lines stand in it already."""
    primary = lines.keys[0]
    if bool(np.all(primary[1:] > primary[:-1])):
        return None
    order: I64 = np.argsort(primary, kind="stable")
    ordered = primary[order]
    if bool(np.all(ordered[1:] != ordered[:-1])):
        return order
    order = np.lexsort(lines.keys[::-1])
    tied = _equal_neighbours(tuple(key[order] for key in lines.keys))
    differing = np.flatnonzero(tied)
    differing = differing[~lines.manifests.equal(order[differing], order[differing + 1])]
    if len(differing):
        groups = np.append(0, np.cumsum(~tied))
        mixed = np.flatnonzero(np.isin(groups, groups[differing]))
        order[mixed] = lines.manifests.sorted_within(groups[mixed], order[mixed])
    return order
