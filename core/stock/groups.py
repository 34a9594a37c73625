"""The compacted files of one lane as stock's compaction would make them, in columns; objects only where looked at.

`format.md`, "Compaction": the sorted, folded list is cut into runs of `factor` entries, each one file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, overload

import numpy as np

from core.columns import I64, U64, Lane
from core.model import LaneKind
from core.names import parse_metadata_name

#: Names by the two numbers of `name_ends`: the same names as `core.names.compacted_name`, without making records.
_NAMES: Final = {
    LaneKind.EPOCH_ENDINGS: "epoch_ending_compacted_{}-{}.meta",
    LaneKind.TRANSACTIONS: "transaction_compacted_{}-{}.meta",
    LaneKind.STATE_SNAPSHOTS: "state_snapshot_compacted_epoch_{}_{}.meta",
}


@dataclass(frozen=True, slots=True)
class CompactedGroup:
    """One run of entries and the file that stock makes of it.

    `number` counts the lane's groups from 0; `rows` are rows of the lane; `first` and `last` are as in the name:
    versions for transactions, else epochs. `existing` is the number in `index.files` of the listed file that has the
    name already, `twin` the earlier group of this run that has it; in both cases LocalFs skips this one silently.
    """

    lane: LaneKind
    number: int
    rows: range
    first: int
    last: int
    existing: int | None
    twin: int | None

    @property
    def name(self) -> str:
        """The file's name."""
        return _NAMES[self.lane].format(self.first, self.last)

    @property
    def handle(self) -> str:
        """The file's handle."""
        return f"metadata/{self.name}"

    @property
    def skipped(self) -> bool:
        """Whether LocalFs finds the name taken and writes nothing."""
        return self.existing is not None or self.twin is not None


@dataclass(frozen=True, slots=True, eq=False)
class LaneGroups(Sequence[CompactedGroup]):
    """All groups of one lane at one factor (0: none, stock panics).

    Columns of shape (groups,): `first` and `last` uint64 as in the names, `existing` and `twin` int64 with -1 for none.
    `done` groups are carried out before the run stops.
    """

    lane: Lane
    factor: int
    first: U64
    last: U64
    existing: I64
    twin: I64
    done: int

    @property
    def kind(self) -> LaneKind:
        """The lane's kind."""
        return self.lane.kind

    def __len__(self) -> int:
        return len(self.first)

    @overload
    def __getitem__(self, number: int) -> CompactedGroup: ...
    @overload
    def __getitem__(self, number: slice) -> list[CompactedGroup]: ...
    def __getitem__(self, number: int | slice) -> CompactedGroup | list[CompactedGroup]:
        if isinstance(number, slice):
            return [self[each] for each in range(*number.indices(len(self)))]
        number = range(len(self))[number]
        existing, twin = int(self.existing[number]), int(self.twin[number])
        return CompactedGroup(
            lane=self.kind,
            number=number,
            rows=self.rows(number),
            first=int(self.first[number]),
            last=int(self.last[number]),
            existing=existing if existing >= 0 else None,
            twin=twin if twin >= 0 else None,
        )

    def rows(self, number: int) -> range:
        """The rows of group `number`."""
        return range(number * self.factor, min((number + 1) * self.factor, len(self.lane)))

    def handles(self, numbers: I64) -> Iterator[str]:
        """The handles of the groups `numbers`, made from the columns."""
        pattern = f"metadata/{_NAMES[self.kind]}"
        return map(pattern.format, self.first[numbers].tolist(), self.last[numbers].tolist())

    @property
    def sizes(self) -> I64:
        """How many entries each group holds, int64, shape (groups,)."""
        sizes = np.full(len(self), self.factor if len(self) else 0, dtype=np.int64)
        sizes[-1:] = len(self.lane) - (len(self) - 1) * self.factor
        return sizes

    @property
    def writes(self) -> I64:
        """The numbers (int64) of the groups that really become a new file before the run stops."""
        return np.flatnonzero((self.existing[: self.done] < 0) & (self.twin[: self.done] < 0))


def name_ends(lane: Lane, factor: int) -> tuple[U64, U64]:
    """The two numbers in the name of each group, uint64, shape (groups,)."""
    count = len(lane)
    starts = np.arange(0, count, factor)
    ends = np.minimum(starts + (factor - 1), count - 1)
    if lane.epoch is not None:
        return lane.epoch[starts], lane.epoch[ends]
    return lane.first[starts], lane.last[ends]


def twins(first: U64, last: U64) -> I64:
    """For each group the first one of the same name, where that is an earlier one, else -1."""
    result = np.full(len(first), -1, dtype=np.int64)
    if bool(np.all(first[1:] > first[:-1])):
        return result
    order = np.lexsort((last, first))
    same = (first[order][1:] == first[order][:-1]) & (last[order][1:] == last[order][:-1])
    heads = np.flatnonzero(np.concatenate(([True], ~same)))
    head_of = order[np.repeat(heads, np.diff(np.append(heads, len(order))))]
    result[order] = np.where(head_of == order, -1, head_of)
    return result


def compacted_prefix(kind: LaneKind) -> str:
    """How the handle of every compacted file of `kind` begins."""
    return "metadata/" + _NAMES[kind].partition("{")[0]


def found_names(kind: LaneKind, first: U64, last: U64, numbers: Mapping[str, int]) -> I64:
    """For each group what `numbers` says of its handle, else -1, int64, shape (groups,).

    The names that are there are read rather than the groups' spelled out: they are few where the groups are many.
    `first` ascends, as the groups of a sorted lane do.
    """
    result = np.full(len(first), -1, dtype=np.int64)
    known = {ends: number for handle, number in numbers.items() if (ends := _ends_in(kind, handle))}
    for number in _groups_that_begin_at(first, {begin for begin, _ in known}).tolist():
        result[number] = known.get((int(first[number]), int(last[number])), -1)
    return result


def _ends_in(kind: LaneKind, handle: str) -> tuple[int, int] | None:
    """The two numbers in the handle of a compacted file of `kind`, or None for any other handle."""
    if not handle.startswith(compacted_prefix(kind)):
        return None
    name = parse_metadata_name(handle.removeprefix("metadata/"))
    return (name.first, name.last) if name is not None and name.compacted else None


def _groups_that_begin_at(first: U64, begins: set[int]) -> I64:
    wanted = np.sort(np.fromiter(begins, dtype=np.uint64, count=len(begins)))
    steps = np.zeros(len(first) + 1, dtype=np.int64)
    np.add.at(steps, np.searchsorted(first, wanted, side="left"), 1)
    np.add.at(steps, np.searchsorted(first, wanted, side="right"), -1)
    return np.flatnonzero(np.cumsum(steps[:-1]))
