"""The list of groups of the compaction preview, in stock's order, and what becomes of each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from core.compaction import CompactionPreview, GroupStatus, PreviewGroup, PreviewLane
from core.model import LaneKind
from core.stock import CompactionOptions
from tui.glyphs import Glyphs
from tui.numbers import counted, whole
from tui.safe_text import padded, shorten
from tui.texts.common import MEASURED, widest
from tui.widgets.painted import Row

#: The tool's order, by the words used where space is short.
FACTOR_ORDER: Final = (LaneKind.EPOCH_ENDINGS, LaneKind.TRANSACTIONS, LaneKind.STATE_SNAPSHOTS)
_MARKS: Final = {
    GroupStatus.OK: ("ok", "good"),
    GroupStatus.STOPS: ("!!", "conflict"),
    GroupStatus.NOT_REACHED: ("--", "skipped"),
    GroupStatus.EXISTS_EQUAL: ("==", "dim"),
    GroupStatus.EXISTS_OTHER: ("!!", "conflict"),
    GroupStatus.COLLIDES: ("!!", "conflict"),
}
_WORDS: Final = {
    GroupStatus.OK: "ok",
    GroupStatus.NOT_REACHED: "not reached",
    GroupStatus.EXISTS_EQUAL: "exists, equal",
    GroupStatus.EXISTS_OTHER: "exists, other",
    GroupStatus.COLLIDES: "name taken twice",
}


@dataclass(frozen=True, slots=True)
class GroupItem:
    """A row of the list: one group; with `more`, that many groups from `number` on which are not reached."""

    lane: PreviewLane
    number: int
    more: int = 0


@dataclass(frozen=True)
class GroupItems:
    """The rows of the list of groups in stock's order; each is made when it comes in sight."""

    preview: CompactionPreview

    @cached_property
    def _lanes(self) -> list[tuple[PreviewLane, int, int]]:
        """Each lane with groups, how many of them have a row of their own, and the number of its first row."""
        found = []
        begin = 0
        for lane in self.preview.lanes:
            own = len(lane) - lane.tally(GroupStatus.NOT_REACHED)
            if len(lane):
                found.append((lane, own, begin))
                begin += own + (own < len(lane))
        return found

    def __len__(self) -> int:
        if not self._lanes:
            return 0
        lane, own, begin = self._lanes[-1]
        return begin + own + (own < len(lane))

    @cached_property
    def columns(self) -> tuple[int, ...]:
        """Cells of name, lines and word, as the first rows need them."""
        first = [_cells(self.item(index)) for index in range(min(len(self), MEASURED))]
        return tuple(widest(column) for column in zip(*first, strict=True))

    def item(self, index: int) -> GroupItem:
        """One row."""
        lane, own, begin = next(each for each in reversed(self._lanes) if each[2] <= index)
        number = index - begin
        return GroupItem(lane, number, len(lane) - own if number == own else 0)

    def place(self, kind: LaneKind, number: int) -> int | None:
        """The row of a group."""
        return next((begin + min(number, own) for lane, own, begin in self._lanes if lane.kind is kind), None)

    def place_of_range(self, kind: LaneKind, first: int) -> int | None:
        """The row of the group with the first entry that begins at `first` or behind, in the lane's unit."""
        lane = next((lane for lane, _, _ in self._lanes if lane.kind is kind), None)
        if lane is None:
            return None
        behind = np.flatnonzero(lane.groups.lane.first >= np.uint64(first))
        row = int(behind[0]) if len(behind) else len(lane.groups.lane) - 1
        return self.place(kind, row // lane.groups.factor)

    @property
    def first_trouble(self) -> int:
        """The row of the group that stops the run, else of the first that loses lines, else 0."""
        stop = self.preview.stop
        if stop is not None and stop.lane is not None and stop.group is not None:
            return self.place(stop.lane, stop.group) or 0
        for lane, _, begin in self._lanes:
            losing = np.flatnonzero(lane.lost > 0)
            if len(losing):
                return begin + int(losing[0])
        return 0


def factors_of(options: CompactionOptions) -> tuple[int, ...]:
    """The three factors in stock's order."""
    return tuple(options.factor(kind) for kind in FACTOR_ORDER)


def _cells(item: GroupItem) -> tuple[str, str, str]:
    """The name of a group, how many lines of it are good, and what becomes of it."""
    if item.more:
        lines = len(item.lane.groups.lane) - item.lane.groups.rows(item.number).start
        name = counted(item.more, "more group" if item.number else "group")
        return name, whole(lines), _WORDS[GroupStatus.NOT_REACHED]
    group = item.lane[item.number]
    return group.group.name, whole(group.good_lines), group_word(item.lane, group)


def group_row(items: GroupItems, index: int, width: int, glyphs: Glyphs) -> Row:
    """One row of the list of groups; a name is cut only where the other columns leave too little."""
    item, columns = items.item(index), items.columns
    name, lines, word = _cells(item)
    mark, style = _MARKS[GroupStatus.NOT_REACHED if item.more else item.lane[item.number].status]
    room = max(12, min(columns[0], width - 3 - 7 - columns[1] - columns[2] - 4))
    return (
        (f"{mark} ", style),
        (f"{item.lane.kind.short:<6} ", "text"),
        (padded(shorten(name, room, glyphs.ellipsis), room), "skipped" if item.more else "text"),
        (f"  {lines:>{columns[1]}}  ", "text"),
        (word, style if style != "good" else "text"),
    )


def group_word(lane: PreviewLane, group: PreviewGroup) -> str:
    if group.status is GroupStatus.STOPS:
        return f"stops at line {whole(group.good_lines + 1)}"
    word = _WORDS[group.status]
    if group.lost_lines:
        return f"{word}: {whole(group.lost_lines)} lost"
    return word


def tally_text(preview: CompactionPreview) -> str:
    """How many groups go which way: `3 ok   1 stops   6 not reached`."""
    counts = {status: sum(lane.tally(status) for lane in preview.lanes) for status in GroupStatus}
    words = {**_WORDS, GroupStatus.STOPS: "stops"}
    return "   ".join(f"{whole(count)} {words[status]}" for status, count in counts.items() if count) or "no groups"
