"""How a store is drawn, as cells: the ruler, the lanes, the problem row, the overview. Nothing here needs a widget.

A cell is one character and a style name. In a column conflict beats missing beats covered, at every zoom: the
smallest trouble stays in sight however many versions a cell stands for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final, TypeAlias

from core.columns import I64, Mask
from core.lod import FULL, NONE, PART, Bounds, Cover, LaneColumns, columns_of
from core.model import LaneKind
from core.picture import Picture
from tui.glyphs import Glyphs
from tui.numbers import ruler_label
from tui.state import View
from tui.widgets.painted import Row
from tui.widgets.scene import LANES

Cell: TypeAlias = tuple[str, str]
BLANK_CELL: Final[Cell] = (" ", "text")

#: Ticks stand at least so many cells apart.
_LEAST_TICK_CELLS: Final = 12


def row_of(cells: Iterable[Cell]) -> Row:
    """Cells as runs of equal style."""
    return tuple(("".join(cell[0] for cell in run), style) for style, run in groupby(cells, key=lambda cell: cell[1]))


def tick_step(view: View, width: int) -> int:
    """Versions between two ticks, on a 1-2-5 ladder, so that their labels stand clear of each other."""
    step = 1
    ladder = 0
    while True:
        label = len(ruler_label(view.end - 1, step))
        if step * width >= max(_LEAST_TICK_CELLS, label + 3) * view.length:
            return step
        step = step * 5 // 2 if ladder % 3 == 1 else step * 2
        ladder += 1


def ruler(view: View, width: int, glyphs: Glyphs, *, halves: bool = False) -> tuple[Row, list[Cell]]:
    """The labels and the ticks above the lanes; with `halves` a small tick between two."""
    step = tick_step(view, width)
    labels = [" "] * width
    ticks: list[Cell] = [BLANK_CELL] * width
    position = -(-view.start // step) * step
    if halves and step > 1:
        for half in range(position - step // 2, view.end, step):
            if half >= view.start:
                ticks[view.column(half, width)] = (glyphs.half_tick, "rule")
    while position < view.end:
        column = view.column(position, width)
        ticks[column] = (glyphs.tick, "rule")
        label = ruler_label(position, step)
        if column + len(label) <= width:
            labels[column : column + len(label)] = label
        position += step
    return (("".join(labels), "dim"),), ticks


def lane_cells(kind: LaneKind, columns: LaneColumns, bounds: Bounds, glyphs: Glyphs) -> list[Cell]:
    """The main row of a lane."""
    if kind is LaneKind.STATE_SNAPSHOTS:
        return [
            (glyphs.conflict, "conflict") if conflict else (glyphs.snapshot, "snapshot") if count else _missing(glyphs)
            for conflict, count in zip(columns.conflict.tolist(), columns.begins.tolist(), strict=True)
        ]
    in_main = (columns.main != NONE).tolist()
    begins = _clear_beginnings(columns.begins, bounds)
    cells = status_cells(columns.conflict, columns.cover, columns.beyond, glyphs)
    for index, (glyph, _) in enumerate(cells):
        if glyph == glyphs.covered:
            cells[index] = (glyphs.begins if begins[index] else glyph, "covered") if in_main[index] else BLANK_CELL
    return cells


def second_row_cells(columns: LaneColumns, bounds: Bounds, glyphs: Glyphs) -> list[Cell]:
    """The `+1` row of a lane: what overlaps the main row."""
    if columns.second is None or columns.second_begins is None:
        return [BLANK_CELL] * len(bounds)
    here = (columns.second != NONE).tolist()
    begins = _clear_beginnings(columns.second_begins, bounds)
    cells = status_cells(columns.conflict, columns.cover, columns.beyond, glyphs)
    for index, (glyph, _) in enumerate(cells):
        if not here[index]:
            cells[index] = BLANK_CELL
        elif glyph == glyphs.covered and begins[index]:
            cells[index] = glyphs.begins, "covered"
    return cells


def stacked(cells: Sequence[Cell], height: int, glyphs: Glyphs) -> list[list[Cell]]:
    """A row of a lane drawn `height` rows high: the half block for a column that misses something stays half of it."""
    rows = []
    for above in range(height, 0, -1):
        # What the lower half takes of this row, which has `above - 1` rows under it.
        lower = glyphs.covered if 2 * above <= height else glyphs.part if 2 * above == height + 1 else glyphs.missing
        style = "missing" if lower == glyphs.missing else None
        rows.append([(lower, style or name) if glyph == glyphs.part else (glyph, name) for glyph, name in cells])
    return rows


def lane_rows(name: str, cells: Sequence[Cell], height: int, glyphs: Glyphs, style: str = "dim") -> list[Row]:
    """A lane drawn `height` rows high, its name beside the middle of it."""
    middle = (height - 1) // 2
    blank = " " * len(name)
    return [
        ((name if place == middle else blank, style), *row_of(row))
        for place, row in enumerate(stacked(cells, height, glyphs))
    ]


def status_cells(conflict: Mask, cover: Cover, beyond: Mask | None, glyphs: Glyphs) -> list[Cell]:
    """Conflict beats missing beats covered; nothing is drawn where `beyond` is set."""
    after = [False] * len(cover) if beyond is None else beyond.tolist()
    by_cover = {NONE: _missing(glyphs), PART: (glyphs.part, "covered"), FULL: (glyphs.covered, "covered")}
    return [
        (glyphs.conflict, "conflict") if double else BLANK_CELL if late else by_cover[held]
        for double, late, held in zip(conflict.tolist(), after, cover.tolist(), strict=True)
    ]


def _missing(glyphs: Glyphs) -> Cell:
    return glyphs.missing, "missing"


def _clear_beginnings(counts: I64, bounds: Bounds) -> list[bool]:
    """The columns whose beginning can be told from its neighbours': elsewhere every column would be a border."""
    begins = (counts > 0).tolist()
    lower = bounds.lower.tolist()
    first_of_version = [index == 0 or lower[index] != lower[index - 1] for index in range(len(lower))]
    begins = [begin and first for begin, first in zip(begins, first_of_version, strict=True)]
    return [
        begin and not (index and begins[index - 1]) and not (index + 1 < len(begins) and begins[index + 1])
        for index, begin in enumerate(begins)
    ]


def problem_cells(picture: Picture, bounds: Bounds, glyphs: Glyphs) -> list[Cell]:
    """Where problems lie; one with entries hides a gap."""
    if picture.marks is None:
        return [BLANK_CELL] * len(bounds)
    problems, gaps = picture.marks.problems.cover(bounds).tolist(), picture.marks.gaps.cover(bounds).tolist()
    return [
        (glyphs.problem, "conflict") if problem else (glyphs.gap, "strong") if gap else BLANK_CELL
        for problem, gap in zip(problems, gaps, strict=True)
    ]


def worst_cells(picture: Picture, bounds: Bounds, glyphs: Glyphs) -> list[Cell]:
    """One row for all lanes: the worst status of each column."""
    cover, conflict = picture.worst(bounds)
    return status_cells(conflict, cover, None, glyphs)


def overview_lane_cells(kind: LaneKind, picture: Picture, bounds: Bounds, glyphs: Glyphs) -> list[Cell]:
    """One lane over the whole axis, without its borders."""
    columns = picture.lanes[kind].columns(bounds)
    if kind is LaneKind.STATE_SNAPSHOTS:
        cells = lane_cells(kind, columns, bounds, glyphs)
        return [(glyphs.part, style) if glyph == glyphs.snapshot else (glyph, style) for glyph, style in cells]
    return status_cells(columns.conflict, columns.cover, columns.beyond, glyphs)


def overview_rows(picture: Picture, view: View, width: int, glyphs: Glyphs, *, tall: bool) -> list[Row]:
    """The whole axis: one row for all lanes with brackets in it, or one for each and a rule that shows the viewport."""
    if not tall:
        bounds = columns_of(0, picture.end, max(1, width - 2))
        return [row_of(bracketed(worst_cells(picture, bounds, glyphs), view))]
    bounds = columns_of(0, picture.end, width)
    rows = [row_of(overview_lane_cells(lane, picture, bounds, glyphs)) for lane in LANES]
    return [*rows, row_of(view_line(view, width, glyphs))]


def view_columns(view: View, width: int) -> tuple[int, int]:
    """The first and the last column of an overview of the whole axis that the viewport touches."""
    whole = View.of_all(view.whole)
    return whole.column(view.start, width), whole.column(view.end - 1, width)


def bracketed(cells: Sequence[Cell], view: View) -> list[Cell]:
    """An overview row with brackets put in around the viewport: two cells longer, and no column is hidden."""
    first, last = view_columns(view, len(cells))
    return [*cells[:first], ("[", "cursor"), *cells[first : last + 1], ("]", "cursor"), *cells[last + 1 :]]


def column_in_brackets(x: int, view: View, width: int) -> int:
    """Which of `width` columns stands at cell `x` of a row made by `bracketed`."""
    first, last = view_columns(view, width)
    return x - (x > first) - (x > last + 1)


def view_line(view: View, width: int, glyphs: Glyphs) -> list[Cell]:
    """A rule under a tall overview that shows where the viewport is."""
    first, last = view_columns(view, width)
    cells: list[Cell] = [(glyphs.rule, "rule")] * width
    cells[first : last + 1] = [(glyphs.view_line, "cursor")] * (last - first + 1)
    if first > 0:
        cells[first - 1] = (glyphs.view_left, "cursor")
    if last + 1 < width:
        cells[last + 1] = (glyphs.view_right, "cursor")
    return cells


def bounds_of(view: View, width: int) -> Bounds:
    """The columns of a viewport."""
    return columns_of(view.start, view.end, width)
