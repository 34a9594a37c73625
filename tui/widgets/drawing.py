"""Draws a scene as rows of cells: a pure function, as fast for a million entries as for a thousand."""

from __future__ import annotations

from typing import Final

from core.model import LaneKind
from tui.glyphs import Glyphs
from tui.state import View
from tui.widgets.annotations import annotation
from tui.widgets.lanes import Cell, bounds_of, lane_cells, problem_cells, row_of, ruler, second_row_cells, stacked
from tui.widgets.scene import LANES, Drawn, Scene, height_of_lane

#: What stands in a lane without entries: what that means.
_NO_ENTRIES: Final = {
    LaneKind.EPOCH_ENDINGS: "no epoch endings: a restore can't verify what it reads",
    LaneKind.STATE_SNAPSHOTS: "no state snapshots: a restore has nothing to begin from",
    LaneKind.TRANSACTIONS: "no transactions",
}


def draw(scene: Scene, width: int, glyphs: Glyphs) -> list[Drawn]:
    """All rows of a scene, `width` cells wide without the names of the lanes."""
    bounds = bounds_of(scene.view, width)
    labels, ticks = ruler(scene.view, width, glyphs, halves=scene.annotated)
    if scene.area:
        ticks = _laid_over(ticks, scene.view, scene.area, (glyphs.view_line, "cursor"))
    rows = [Drawn("", None, labels), Drawn("", None, row_of(ticks))]
    for lane in LANES:
        if not len(scene.picture.lanes[lane].first):
            rows.extend(_empty_lane(lane, scene.annotated))
            continue
        columns = scene.picture.lanes[lane].columns(bounds)
        cells = lane_cells(lane, columns, bounds, glyphs)
        rows.extend(_lane_rows(lane.short, lane, cells, scene, glyphs, main=True))
        if scene.picture.lanes[lane].second is not None and lane is not LaneKind.STATE_SNAPSHOTS:
            more = second_row_cells(columns, bounds, glyphs)
            rows.extend(_lane_rows("  +1", lane, more, scene, glyphs, main=False))
        if scene.annotated:
            rows.append(Drawn("", lane, ((annotation(scene.picture, lane, scene.view, width), "dim"),)))
            if lane is not LaneKind.TRANSACTIONS:
                rows.append(Drawn("", None, ()))
    problems = problem_cells(scene.picture, bounds, glyphs)
    if scene.picked and scene.picked_lane is None:
        problems = _restyled(problems, scene.view, scene.picked, "selected")
    rows.append(Drawn("problem", None, row_of(problems)))
    return rows


def _lane_rows(
    name: str, lane: LaneKind, cells: list[Cell], scene: Scene, glyphs: Glyphs, *, main: bool
) -> list[Drawn]:
    """One row of a lane as high as lanes are, its name beside the middle of it."""
    height = height_of_lane(scene, lane)
    rows = stacked(_picked(cells, scene, lane), height, glyphs)
    middle = (height - 1) // 2
    return [Drawn(name if place == middle else "", lane, row_of(row), main) for place, row in enumerate(rows)]


def _empty_lane(lane: LaneKind, annotated: bool) -> list[Drawn]:
    """A sentence instead of an empty axis, in the rows that the lane takes."""
    rows = [Drawn(lane.short, lane, ((_NO_ENTRIES[lane], "dim"),))]
    blanks = (1 + (lane is not LaneKind.TRANSACTIONS)) if annotated else 0
    return [*rows, *[Drawn("", None, ())] * blanks]


def _picked(cells: list[Cell], scene: Scene, lane: LaneKind) -> list[Cell]:
    """The selected entry stands out in its lane."""
    if scene.picked is None or scene.picked_lane is not lane:
        return cells
    return _restyled(cells, scene.view, scene.picked, "strong")


def _columns_of(cells: list[Cell], view: View, span: tuple[int, int]) -> range:
    width = len(cells)
    if span[1] < view.start or span[0] >= view.end:
        return range(0)
    first = max(0, view.column(max(span[0], view.start), width))
    return range(first, min(width - 1, view.column(min(span[1], view.end - 1), width)) + 1)


def _laid_over(cells: list[Cell], view: View, span: tuple[int, int], cell: Cell) -> list[Cell]:
    shown = list(cells)
    for column in _columns_of(cells, view, span):
        shown[column] = cell
    return shown


def _restyled(cells: list[Cell], view: View, span: tuple[int, int], style: str) -> list[Cell]:
    shown = list(cells)
    for column in _columns_of(cells, view, span):
        glyph, before = shown[column]
        shown[column] = glyph, before if before in ("conflict", "text") and style == "strong" else style
    return shown
