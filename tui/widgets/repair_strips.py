"""The strips of the repair preview: what stock sees of the lanes now and afterwards, on the axis of the whole store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.lod import NONE, Bounds, Coverage, LaneIndex, columns_of
from core.model import LaneKind
from tui.glyphs import Glyphs
from tui.numbers import ruler_label, whole
from tui.repairing import LaneChange, RepairAnswer
from tui.state import View
from tui.widgets.lanes import BLANK_CELL, Cell, lane_cells, lane_rows, row_of
from tui.widgets.painted import Row
from tui.widgets.scene import lane_height

_GUTTER = 22


@dataclass(frozen=True, slots=True, eq=False)
class RepairStrips:
    """The lanes of an answer; with `tall` all of them, else the transactions and one more that changes.

    Lanes of ranges are as high as they can be for all to take no more than `room` rows.
    """

    answer: RepairAnswer
    tall: bool
    room: int

    @property
    def lanes(self) -> Sequence[LaneChange]:
        """The lanes that are drawn, from top to bottom."""
        if self.tall:
            return self.answer.lanes
        changed = [lane for lane in self.answer.lanes if lane.changes and lane.kind is not LaneKind.TRANSACTIONS]
        return [*changed[-1:], *(lane for lane in self.answer.lanes if lane.kind is LaneKind.TRANSACTIONS)]

    @property
    def height(self) -> int:
        """How many rows."""
        return self._height_at(self._lane_height)

    def _height_at(self, lane_height: int) -> int:
        rows = (_height_of(lane, lane_height) * (1 if lane.after is None else 2) for lane in self.lanes)
        return sum(rows) + 1

    @property
    def _lane_height(self) -> int:
        return lane_height(self._height_at, self.room)

    def rows(self, width: int, glyphs: Glyphs) -> Sequence[Row]:
        """The rows at a width."""
        columns = max(1, width - _GUTTER - 1)
        bounds = columns_of(0, max(1, self.answer.end), columns)
        rows: list[Row] = []
        for lane in self.lanes:
            name = "now" if lane.after is None else "before"
            height = _height_of(lane, self._lane_height)
            cells = _cells(lane.kind, lane.before, bounds, glyphs)
            rows += lane_rows(_name(lane.kind.short, name, lane.before), cells, height, glyphs)
            if lane.after is not None:
                cells = _after_cells(lane, lane.after, bounds, glyphs)
                rows += lane_rows(_name("", "after", lane.after), cells, height, glyphs)
        return [*rows, self._labels(columns, glyphs)]

    def _labels(self, columns: int, glyphs: Glyphs) -> Row:
        """Where the axis begins and ends, and where stock stops now and afterwards."""
        cells: list[Cell] = [BLANK_CELL] * columns
        end = self.answer.end
        view = View.of_all(max(1, end))
        last = ruler_label(end - 1, max(1, end // columns)) if end else ""
        stops = ((self.answer.stops_at, "stock stops at"), (self.answer.fails_from, "then stock stops at"))
        for version, words in stops:
            if version is not None and version < end:
                label = f"{glyphs.pointer} {words} {whole(version)}"
                _write(cells, min(view.column(version, columns), columns - len(label)), label, "conflict")
        _write(cells, 0, "0", "dim")
        _write(cells, columns - len(last), last, "dim")
        return ((" " * _GUTTER, "text"), *row_of(cells))


def _height_of(lane: LaneChange, lane_height: int) -> int:
    """Snapshots are points, and stay one row."""
    return 1 if lane.kind is LaneKind.STATE_SNAPSHOTS else lane_height


def _name(lane: str, when: str, index: LaneIndex) -> str:
    return f" {lane:<6}{when:<7}{whole(len(index.lane)):>6}  "


def _cells(kind: LaneKind, index: LaneIndex, bounds: Bounds, glyphs: Glyphs) -> list[Cell]:
    return lane_cells(kind, index.columns(bounds), bounds, glyphs)


def _after_cells(lane: LaneChange, after: LaneIndex, bounds: Bounds, glyphs: Glyphs) -> list[Cell]:
    """What is visible afterwards; what comes anew is told from the rest, and a conflict beats it all the same."""
    cells = _cells(lane.kind, after, bounds, glyphs)
    for coverage, glyph in ((lane.recovered, glyphs.recovered), (lane.spliced, glyphs.spliced)):
        _mark(cells, coverage, bounds, (glyph, "snapshot"), glyphs)
    return cells


def _mark(cells: list[Cell], coverage: Coverage, bounds: Bounds, cell: Cell, glyphs: Glyphs) -> None:
    for column, cover in enumerate(coverage.cover(bounds).tolist()):
        if cover != NONE and cells[column][0] not in {glyphs.conflict, glyphs.missing, glyphs.part}:
            cells[column] = cell


def _write(cells: list[Cell], at: int, label: str, style: str) -> None:
    """Write a label where nothing stands yet."""
    if at < 0 or any(cell != BLANK_CELL for cell in cells[max(0, at - 1) : at + len(label) + 1]):
        return
    for offset, character in enumerate(label):
        if at + offset < len(cells):
            cells[at + offset] = (character, style)
