"""What one run of unpatched stock's compaction would do to a LocalFs store (`format.md`, "Compaction").

The order is stock's own: load, epoch endings, transactions, state snapshots, compaction times, moves, the new
timestamps file. What comes before a stop has happened and stays, what comes after it has not. Nothing is carried out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from core.columns import Mask
from core.content import lane_text
from core.errors import UsageError
from core.index import Index
from core.invocation import Flag, option
from core.model import STOCK_FACTOR, U64_MAX, LaneKind, TimestampsRecord
from core.names import alone_name
from core.stock.aging import Aging, age_files
from core.stock.groups import CompactedGroup, LaneGroups, found_names, name_ends, twins
from core.stock.loading import index_load_error
from core.stock.stops import CompactionStop, Step, lane_stop

#: The order in which stock works through the lanes.
LANE_ORDER: Final = (LaneKind.EPOCH_ENDINGS, LaneKind.TRANSACTIONS, LaneKind.STATE_SNAPSHOTS)
IDENTITY_HANDLE: Final = "metadata/identity.meta"

_FACTORS: Final = {
    LaneKind.EPOCH_ENDINGS: "epoch_ending_factor",
    LaneKind.STATE_SNAPSHOTS: "state_snapshot_factor",
    LaneKind.TRANSACTIONS: "transaction_factor",
}


@dataclass(frozen=True, slots=True)
class CompactionOptions:
    """Stock's flags: entries per file of each kind, and after how many seconds a compacted file is set aside.

    A factor of 0 is allowed here, as stock accepts it and panics. Raises `UsageError` for what stock's command line
    refuses.
    """

    epoch_ending_factor: int = option(Flag.EPOCH_ENDING_FACTOR, STOCK_FACTOR)
    state_snapshot_factor: int = option(Flag.STATE_SNAPSHOT_FACTOR, STOCK_FACTOR)
    transaction_factor: int = option(Flag.TRANSACTION_FACTOR, STOCK_FACTOR)
    remove_compacted_after: int = option(Flag.REMOVE_AFTER, 86_400)

    def __post_init__(self) -> None:
        values = (*(self.factor(kind) for kind in LANE_ORDER), self.remove_compacted_after)
        if not all(0 <= value <= U64_MAX for value in values):
            raise UsageError("factors and times must lie between 0 and 18446744073709551615")

    def factor(self, kind: LaneKind) -> int:
        """Entries per compacted file of `kind`."""
        factor: int = getattr(self, _FACTORS[kind])
        return factor

    def with_factor(self, kind: LaneKind, factor: int) -> CompactionOptions:
        """The same but for the entries per file of `kind`."""
        return replace(self, **{_FACTORS[kind]: factor})

    @property
    def are_stocks(self) -> bool:
        """Whether each factor is the one that stock takes where nothing is said."""
        return all(self.factor(kind) == STOCK_FACTOR for kind in LANE_ORDER)


CHART_FACTORS: Final = CompactionOptions(100, 100, 100)
"""The factors of the official chart: few files, at any number of backups."""


@dataclass(frozen=True, slots=True, eq=False)
class CompactionRun:
    """One run, as far as it gets. `now` in unix seconds.

    `aging` is empty when the run stops before it. `timestamps` is the record to save, None when the run stops; with
    `timestamps_taken` its name exists, so that LocalFs skips it. `retired` are the files moved to
    `metadata_backup/`; stock moves in no fixed order, so after a stop in step MOVE it is unknown which of
    `aging.expired` have been moved before it.
    """

    index: Index
    options: CompactionOptions
    now: int
    lanes: tuple[LaneGroups, ...]
    stop: CompactionStop | None
    writes_identity: bool
    aging: Aging
    timestamps: TimestampsRecord | None
    timestamps_taken: bool

    def lane(self, kind: LaneKind) -> LaneGroups:
        """The groups of one kind."""
        return self.lanes[LANE_ORDER.index(kind)]

    @property
    def written(self) -> Iterator[CompactedGroup]:
        """The groups that become new files, in order."""
        return (groups[int(number)] for groups in self.lanes for number in groups.writes)

    @property
    def retired(self) -> tuple[str, ...]:
        """The handles of metadata files that are moved for certain."""
        if self.stop is not None:
            return ()
        foreign = set(self.aging.foreign)
        return tuple(handle for handle in self.aging.expired if handle not in foreign)

    def new_handles(self) -> Iterator[str]:
        """The handles of the files that come to `metadata/`, in the order in which they are written."""
        if self.writes_identity:
            yield IDENTITY_HANDLE
        for groups in self.lanes:
            yield from groups.handles(groups.writes)
        if self.timestamps is not None and not self.timestamps_taken:
            yield f"metadata/{self.timestamps_name}"

    @property
    def new_file_count(self) -> int:
        """How many `new_handles` there are, without making them."""
        saved = self.timestamps is not None and not self.timestamps_taken
        return self.writes_identity + sum(len(groups.writes) for groups in self.lanes) + saved

    @property
    def timestamps_name(self) -> str:
        """The name of the timestamps file that a whole run would save."""
        return alone_name(TimestampsRecord(self.now, {}))


def simulate_compaction(
    index: Index, options: CompactionOptions, now: int, *, one_device: bool = True
) -> CompactionRun:
    """What stock would do with this store at `now` (unix seconds), up to the point where it stops.

    `one_device` is False where `metadata_backup/` is on another file system, so that no move succeeds.
    """
    newest = newest_timestamps(index)
    writes_identity = not index.files
    listed = [IDENTITY_HANDLE] if writes_identity else [file.handle for file in index.files]
    known = dict(newest.compaction_timestamps) if newest else {}
    unlisted = known.keys() - set(listed)
    stop = _load_stop(index) or _compact_stop(index, options)
    numbers = {handle: number for number, handle in enumerate([*listed, *sorted(unlisted)])}
    lanes, fresh = _all_groups(index, options, stop, numbers, len(listed))
    aging = Aging()
    if stop is None:
        rest = [handle for handle, number in numbers.items() if not fresh[number]]
        stop, aging = age_files(rest, known, unlisted, options.remove_compacted_after, now, one_device=one_device)
    timestamps = TimestampsRecord(now, aging.times) if stop is None else None
    name = f"metadata/{alone_name(TimestampsRecord(now, {}))}"
    return CompactionRun(
        index=index,
        options=options,
        now=now,
        lanes=lanes,
        stop=stop,
        writes_identity=writes_identity,
        aging=aging,
        timestamps=timestamps,
        timestamps_taken=timestamps is not None and name in aging.times and name not in unlisted,
    )


def group_content(index: Index, group: CompactedGroup) -> bytes:
    """The bytes of a group's file: each entry as stock writes it, in stock's order."""
    return lane_text(index, group.lane, group.rows).content()


def newest_timestamps(index: Index) -> TimestampsRecord | None:
    """The record that stock goes by: the greatest `file_compacted_at`.

    Between equal ones stock takes any (`timestamps-tie`); here the last in the listing wins.
    """
    records = (record for record, _ in reversed(index.timestamps))
    return max(records, key=lambda record: record.file_compacted_at, default=None)


def _load_stop(index: Index) -> CompactionStop | None:
    failure = index_load_error(index)
    return CompactionStop(Step.LOAD, failure.message, failure.panic) if failure else None


def _compact_stop(index: Index, options: CompactionOptions) -> CompactionStop | None:
    """The first stop over all lanes in stock's order."""
    stops = (lane_stop(index.lanes[kind], options.factor(kind)) for kind in LANE_ORDER)
    return next((stop for stop in stops if stop), None)


def _all_groups(
    index: Index, options: CompactionOptions, stop: CompactionStop | None, numbers: Mapping[str, int], listed: int
) -> tuple[tuple[LaneGroups, ...], Mask]:
    """The groups of every lane, and which of the handles counted by `numbers` this run treats as its own output."""
    fresh = np.zeros(len(numbers), dtype=np.bool_)
    lanes = []
    for kind in LANE_ORDER:
        lane, factor = index.lanes[kind], options.factor(kind)
        factor = min(factor, max(1, len(lane)))
        first, last = name_ends(lane, factor) if factor else (lane.first[:0], lane.last[:0])
        found = found_names(kind, first, last, numbers)
        done = _groups_done(kind, len(first), stop)
        fresh[found[:done][found[:done] >= 0]] = True
        existing = np.where(found < listed, found, -1)
        lanes.append(LaneGroups(lane, factor, first, last, existing, twins(first, last), done))
    return tuple(lanes), fresh


def _groups_done(kind: LaneKind, count: int, stop: CompactionStop | None) -> int:
    """How many groups of a lane are carried out before `stop`."""
    if stop is None:
        return count
    if stop.lane is None:
        return 0
    if kind is stop.lane:
        return stop.group or 0
    return count if LANE_ORDER.index(kind) < LANE_ORDER.index(stop.lane) else 0
