"""The preview of a compaction: what stock would write, where it would stop, what would be lost. Nothing is written.

Pure: the same index, options and time always give the same preview. Groups are columns; objects are made only for
what is looked at, so a million entries cost what a few array operations cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, overload

import numpy as np
from numpy.typing import NDArray

from core.columns import I64
from core.compaction.hazards import CompactionHazard, Surroundings, hazards_of
from core.model import LaneKind, end_of
from core.snapshot import Snapshot
from core.stock.compaction import (
    LANE_ORDER,
    CompactionOptions,
    CompactionRun,
    newest_timestamps,
    simulate_compaction,
)
from core.stock.groups import CompactedGroup, LaneGroups
from core.stock.stops import CompactionStop
from core.stock.taken import TakenNames, compare_taken

#: Lines shown before and after the one at which a run stops.
LINES_BEFORE: Final = 3
LINES_AFTER: Final = 2


class GroupStatus(StrEnum):
    """What becomes of a group."""

    OK = "ok"
    STOPS = "stops"
    NOT_REACHED = "not reached"
    EXISTS_EQUAL = "exists, equal"
    EXISTS_OTHER = "exists, other content"
    COLLIDES = "same name as another"


_STATUSES: Final = tuple(GroupStatus)


class LineState(StrEnum):
    """What the run does with a line of the group in which it stops."""

    OK = "ok"
    STOPS = "stops"
    NOT_LOOKED_AT = "not looked at"


@dataclass(frozen=True, slots=True)
class PreviewGroup:
    """One group with its fate.

    `lines` counts its entries, `good_lines` those before the stop (all, in a group that does not stop). `lost_lines`
    counts the entries that the file which keeps the name does not hold: gone once the originals are set aside.
    """

    group: CompactedGroup
    status: GroupStatus
    lines: int
    good_lines: int
    lost_lines: int


@dataclass(frozen=True, slots=True, eq=False)
class PreviewLane(Sequence[PreviewGroup]):
    """All groups of one lane with their fates; `codes` (uint8) and `lost` (int64), shape (groups,)."""

    groups: LaneGroups
    codes: NDArray[np.uint8]
    lost: I64
    stop: CompactionStop | None

    @property
    def kind(self) -> LaneKind:
        """The lane's kind."""
        return self.groups.kind

    def __len__(self) -> int:
        return len(self.groups)

    @overload
    def __getitem__(self, number: int) -> PreviewGroup: ...
    @overload
    def __getitem__(self, number: slice) -> list[PreviewGroup]: ...
    def __getitem__(self, number: int | slice) -> PreviewGroup | list[PreviewGroup]:
        if isinstance(number, slice):
            return [self[each] for each in range(*number.indices(len(self)))]
        group = self.groups[number]
        status = _STATUSES[int(self.codes[number])]
        lines = len(group.rows)
        stops_at = self.stop.row if self.stop is not None and status is GroupStatus.STOPS else None
        good_lines = lines if stops_at is None else group.rows.index(stops_at)
        return PreviewGroup(group, status, lines, good_lines, int(self.lost[number]))

    def tally(self, status: GroupStatus) -> int:
        """How many groups have `status`."""
        return int(np.count_nonzero(self.codes == _STATUSES.index(status)))


@dataclass(frozen=True, slots=True)
class StopLine:
    """A line around the stop: its row in the lane, its number in the new file from 1, and what was expected.

    `expected` is the start that follows from the line before, None for the first line of a group. `offset` is the
    line's own start minus that: below 0 it begins inside the line before, above 0 that many are missing.
    """

    row: int
    line: int
    state: LineState
    expected: int | None
    offset: int


@dataclass(frozen=True, slots=True)
class RetiredFile:
    """A file that this run sets aside: when it was compacted, and by how many seconds its grace is over."""

    handle: str
    compacted_at: int
    overdue: int


@dataclass(frozen=True, slots=True, eq=False)
class CompactionPreview:
    """What a run would do, as the operator sees it.

    `files_before` and `files_after` count `metadata/`, after a stop at a move as if none had been made; `written` is
    how many compacted files are really written (up to the stop), `written_if_whole` what a run without a stop would
    leave once all old ones are set aside: one a group and the timestamps file.
    """

    run: CompactionRun
    lanes: tuple[PreviewLane, ...]
    stop_lines: tuple[StopLine, ...]
    retired: tuple[RetiredFile, ...]
    hazards: tuple[CompactionHazard, ...]
    files_before: int
    files_after: int
    written: int
    written_if_whole: int

    @property
    def stop(self) -> CompactionStop | None:
        """Where and with which words the run ends early."""
        return self.run.stop

    @property
    def timestamps_name(self) -> str:
        """The name of the timestamps file; saved only by a run that does not stop."""
        return self.run.timestamps_name

    def lane(self, kind: LaneKind) -> PreviewLane:
        """The groups of one kind."""
        return self.lanes[LANE_ORDER.index(kind)]

    def handles_after(self) -> Iterator[str]:
        """The handles in `metadata/` after the run; after a stop at a move, as if nothing had been moved before it."""
        retired = set(self.run.retired)
        yield from (file.handle for file in self.run.index.files if file.handle not in retired)
        yield from self.run.new_handles()


def preview_compaction(snapshot: Snapshot, options: CompactionOptions, now: int) -> CompactionPreview:
    """Preview one run at `now` (unix seconds) on the store as the snapshot shows it."""
    index = snapshot.index
    run = simulate_compaction(index, options, now, one_device=snapshot.one_device)
    taken = {groups.kind: compare_taken(index, groups) for groups in run.lanes}
    lanes = tuple(_lane(groups, taken[groups.kind], run.stop) for groups in run.lanes)
    names = sum(int(np.count_nonzero(groups.twin < 0)) for groups in run.lanes)
    return CompactionPreview(
        run=run,
        lanes=lanes,
        stop_lines=_stop_lines(run),
        retired=_retired(run),
        hazards=hazards_of(Surroundings(run, taken, snapshot.retired)),
        files_before=len(index.files),
        files_after=len(index.files) - len(run.retired) + run.new_file_count,
        written=sum(len(groups.writes) for groups in run.lanes),
        written_if_whole=names + 1,
    )


def _lane(groups: LaneGroups, taken: TakenNames, stop: CompactionStop | None) -> PreviewLane:
    status = np.full(len(groups), _STATUSES.index(GroupStatus.NOT_REACHED), dtype=np.uint8)
    done = slice(groups.done)
    status[done] = _STATUSES.index(GroupStatus.OK)
    status[done][groups.twin[done] >= 0] = _STATUSES.index(GroupStatus.COLLIDES)
    status[done][groups.existing[done] >= 0] = _STATUSES.index(GroupStatus.EXISTS_OTHER)
    status[done][taken.equal[done]] = _STATUSES.index(GroupStatus.EXISTS_EQUAL)
    here = stop if stop is not None and stop.lane is groups.kind else None
    if here is not None and here.group is not None:
        status[here.group] = _STATUSES.index(GroupStatus.STOPS)
    lost = np.where(np.arange(len(groups)) < groups.done, taken.lost, 0)
    return PreviewLane(groups, status, lost, here)


def _stop_lines(run: CompactionRun) -> tuple[StopLine, ...]:
    """The last good lines, the line at which the run stops, and the next ones, all of the group that stops."""
    stop = run.stop
    if stop is None or stop.lane is None or stop.group is None or stop.row is None:
        return ()
    groups = run.lane(stop.lane)
    rows = groups.rows(stop.group)
    shown = range(max(rows.start, stop.row - LINES_BEFORE), min(rows.stop, stop.row + LINES_AFTER + 1))
    return tuple(_stop_line(groups, rows, row, stop.row) for row in shown)


def _stop_line(groups: LaneGroups, rows: range, row: int, stop_row: int) -> StopLine:
    lane = groups.lane
    expected = end_of(int(lane.last[row - 1])) if row > rows.start else None
    offset = 0 if expected is None else int(lane.first[row]) - expected
    state = LineState.OK if row < stop_row else LineState.STOPS if row == stop_row else LineState.NOT_LOOKED_AT
    return StopLine(row, row - rows.start + 1, state, expected, offset)


def _retired(run: CompactionRun) -> tuple[RetiredFile, ...]:
    newest = newest_timestamps(run.index)
    stamps = newest.compaction_timestamps if newest else {}
    retired = []
    for handle in run.retired:
        stamp = stamps[handle]
        if stamp is not None:
            retired.append(RetiredFile(handle, stamp, run.now - stamp - run.options.remove_compacted_after))
    return tuple(retired)
