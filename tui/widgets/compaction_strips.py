"""The strips of the compaction preview: one lane before and after, on the axis of versions of the whole store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.columns import U64, Mask
from core.compaction import CompactionPreview, GroupStatus, PreviewLane
from core.lod import Bounds, Coverage, LaneIndex, build_coverage, columns_of
from core.model import LaneKind
from core.picture import Picture
from tui.glyphs import Glyphs
from tui.numbers import ruler_label, whole
from tui.state import View
from tui.widgets.lanes import BLANK_CELL, Cell, lane_cells, lane_rows, row_of
from tui.widgets.layers import Layer, layered_cells
from tui.widgets.painted import EMPTY_ROW, Row
from tui.widgets.scene import lane_height

_GUTTER = 16


@dataclass(frozen=True, slots=True, eq=False)
class AfterLane:
    """A lane after the run: what is not written, where the run stops or loses lines, and the files that are there."""

    layers: tuple[Layer, ...]
    files: Coverage
    stops_at: int | None


def after_lane(preview: CompactionPreview, index: LaneIndex, lane: PreviewLane) -> AfterLane:
    """A few array operations over all groups: meant for a worker thread."""
    first, last = _group_spans(index, lane)
    status = np.array(list(GroupStatus))[lane.codes]
    lost = np.isin(status, (GroupStatus.EXISTS_OTHER, GroupStatus.COLLIDES))
    waiting = np.isin(status, (GroupStatus.NOT_REACHED, GroupStatus.STOPS))
    done = _coverage(first, last, ~lost & ~waiting)
    layers = [
        Layer(_coverage(first, last, lost), "conflict", "conflict"),
        Layer(_coverage(first, last, waiting), "skipped", "skipped"),
        Layer(done, "covered", "covered"),
    ]
    stop = preview.stop
    stops_at = None
    if stop is not None and stop.lane is lane.kind and stop.row is not None:
        row = np.zeros(len(lane.groups.lane), dtype=np.bool_)
        row[stop.row] = True
        here = row[index.rows]
        stops_at = int(lane.groups.lane.first_version[stop.row])
        layers.insert(0, Layer(build_coverage(index.first[here], index.last[here]), "conflict", "conflict"))
    return AfterLane(tuple(layers), done, stops_at)


def _group_spans(index: LaneIndex, lane: PreviewLane) -> tuple[U64, U64]:
    """The least and the greatest version of each group, uint64, shape (groups,)."""
    entries = lane.groups.lane
    first, last = entries.first_version.copy(), entries.last_version.copy()
    first[index.rows], last[index.rows] = index.first, index.last
    first, last = np.minimum(first, last), np.maximum(first, last)
    if not len(lane):
        return first[:0], last[:0]
    starts = np.arange(len(lane)) * lane.groups.factor
    return np.minimum.reduceat(first, starts), np.maximum.reduceat(last, starts)


def _coverage(first: U64, last: U64, keep: Mask) -> Coverage:
    first, last = first[keep], last[keep]
    order = np.argsort(first, kind="stable")
    return build_coverage(first[order], last[order])


@dataclass(frozen=True, slots=True, eq=False)
class Strips:
    """Everything that the strips show for one lane; `files` before and after the run.

    The lane is as high as it can be for all to take no more than `room` rows. Snapshots are points in the middle of as
    much, so that nothing moves where the next group is one of them.
    """

    picture: Picture
    kind: LaneKind
    after: AfterLane
    files: tuple[int, int]
    labelled: bool
    room: int

    @property
    def height(self) -> int:
        """How many rows."""
        return self._height_at(self._lane_height)

    def _height_at(self, lane_height: int) -> int:
        return 2 * lane_height + self.labelled

    @property
    def _lane_height(self) -> int:
        return lane_height(self._height_at, self.room)

    def rows(self, width: int, glyphs: Glyphs) -> Sequence[Row]:
        """The rows at a width."""
        columns = max(1, width - _GUTTER - 1)
        bounds = columns_of(0, max(1, self.picture.end), columns)
        index = self.picture.lanes[self.kind]
        before = lane_cells(self.kind, index.columns(bounds), bounds, glyphs)
        after = layered_cells(index.whole, self.after.layers, bounds, glyphs)
        for column in _clear_beginnings(self.after.files, bounds):
            if after[column][0] == glyphs.covered:
                after[column] = (glyphs.begins, "covered")
        rows: list[Row] = []
        for name, count, cells in zip(("before", "after"), self.files, (before, after), strict=True):
            shown = lane_rows(f" {name:<7}{whole(count):>6}  ", cells, self._lane_height, glyphs)
            points = self.kind is LaneKind.STATE_SNAPSHOTS
            middle = (self._lane_height - 1) // 2
            rows += [EMPTY_ROW if points and place != middle else row for place, row in enumerate(shown)]
        return [*rows, self._labels(columns, glyphs)][: self.height]

    def _labels(self, columns: int, glyphs: Glyphs) -> Row:
        """Where the axis begins and ends, and where the run stops."""
        cells: list[Cell] = [BLANK_CELL] * columns
        end = self.picture.end
        view = View.of_all(max(1, end))
        _write(cells, 0, "0", "dim")
        last = ruler_label(end - 1, max(1, end // columns)) if end else ""
        _write(cells, columns - len(last), last, "dim")
        if self.after.stops_at is not None:
            label = f"{glyphs.pointer} {whole(self.after.stops_at)}"
            _write(cells, min(view.column(self.after.stops_at, columns), columns - len(label)), label, "conflict")
        return ((" " * _GUTTER, "text"), *row_of(cells))


def _write(cells: list[Cell], at: int, label: str, style: str) -> None:
    for offset, character in enumerate(label):
        if 0 <= at + offset < len(cells):
            cells[at + offset] = (character, style)


def _clear_beginnings(files: Coverage, bounds: Bounds) -> list[int]:
    """The columns in which a file begins, where that can be told from its neighbours."""
    begins = (files.begins(bounds) > 0).tolist()
    return [
        column
        for column, here in enumerate(begins)
        if here and not (column and begins[column - 1]) and not (column + 1 < len(begins) and begins[column + 1])
    ]
