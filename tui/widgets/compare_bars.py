"""The bars of a comparison: what A and B cover, where they overlap, and how their chunks agree there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from core.lod import NONE, Coverage, build_coverage, columns_of
from core.manifests import ChunkComparison, Relation
from core.model import LaneKind
from tui.comparison import LETTERS, Comparison
from tui.glyphs import Glyphs
from tui.numbers import whole
from tui.state import View
from tui.texts.compare_chunks import sign
from tui.widgets.lanes import BLANK_CELL, Cell, lane_rows, row_of
from tui.widgets.painted import Row
from tui.widgets.scene import lane_height

_GUTTER: Final = 6
#: From the worst down: a column of many chunks shows the worst of them.
_WORST: Final = (
    Relation.OTHER_RECORDS,
    Relation.CROSSING,
    Relation.ALONE,
    Relation.OTHER_SIZE,
    Relation.UNKNOWN,
    Relation.SAME,
    Relation.EQUAL,
)
_STYLES: Final = {Relation.SAME: "good", Relation.EQUAL: "good", Relation.UNKNOWN: "dim"}


#: Where the chunks stand to each other in each way, the worst first.
Agreement: TypeAlias = tuple[tuple[Relation, Coverage], ...]


def agreement_of(chunks: ChunkComparison, lane: LaneKind) -> Agreement:
    """One pass over all chunks: meant for a worker thread. Items of snapshots lie on no axis of versions."""
    if lane is LaneKind.STATE_SNAPSHOTS:
        return ()
    spans: dict[Relation, list[tuple[int, int]]] = {relation: [] for relation in _WORST}
    for row in chunks.rows:
        sides = [side for side in (row.a, row.b) if side]
        first, last = max(side.first for side in sides), min(side.last for side in sides)
        if first <= last:
            spans[row.relation].append((first, last))
    return tuple((relation, _coverage(found)) for relation, found in spans.items() if found)


def _coverage(spans: list[tuple[int, int]]) -> Coverage:
    ordered = np.array(sorted(spans), dtype=np.uint64)
    return build_coverage(np.ascontiguousarray(ordered[:, 0]), np.ascontiguousarray(ordered[:, 1]))


@dataclass(frozen=True, slots=True, eq=False)
class CompareBars:
    """The picture of a comparison; `agreeing` adds the row that says how the chunks agree.

    Ranges are as high as they can be for all to take no more than `room` rows.
    """

    comparison: Comparison
    agreement: Agreement
    agreeing: bool
    room: int

    @property
    def height(self) -> int:
        """How many rows."""
        return self._height_at(self._bar_height)

    def _height_at(self, bar_height: int) -> int:
        return 2 * bar_height + self.agreeing + 1

    @property
    def _bar_height(self) -> int:
        points = self.comparison.lane is LaneKind.STATE_SNAPSHOTS
        return 1 if points else lane_height(self._height_at, self.room)

    def rows(self, width: int, glyphs: Glyphs) -> Sequence[Row]:
        """The rows at a width."""
        columns = max(1, width - _GUTTER - 1)
        view = self._view
        bars: list[Row] = []
        for letter, side in zip(LETTERS, self.comparison.sides, strict=True):
            cells = self._bar(side.entry.first, side.entry.last, view, columns, glyphs)
            bars += lane_rows(_name(letter), cells, self._bar_height, glyphs, "strong")
        agree = [_named("agree", self._agreement(view, columns, glyphs))] if self.agreeing else []
        return [*bars, *agree, _named("", self._labels(view, columns))]

    @property
    def _view(self) -> View:
        """Exactly what the two cover together."""
        a, b = self.comparison.pair
        first, last = min(a.first, b.first), max(a.last, b.last)
        return View(first, last + 1, first, last + 1)

    def _bar(self, first: int, last: int, view: View, columns: int, glyphs: Glyphs) -> list[Cell]:
        cells: list[Cell] = [BLANK_CELL] * columns
        snapshot = self.comparison.lane is LaneKind.STATE_SNAPSHOTS
        covered = (glyphs.snapshot, "snapshot") if snapshot else (glyphs.covered, "covered")
        _fill(cells, view, first, last, covered)
        overlap = self.comparison.overlap
        if overlap is not None:
            _fill(cells, view, *overlap, (glyphs.conflict, "conflict"))
        return cells

    def _agreement(self, view: View, columns: int, glyphs: Glyphs) -> list[Cell]:
        """For each column the worst that its chunks show."""
        cells: list[Cell] = [BLANK_CELL] * columns
        bounds = columns_of(view.start, view.end, columns)
        for relation, coverage in reversed(self.agreement):
            cell = (sign(relation, glyphs), _STYLES.get(relation, "conflict"))
            for column, cover in enumerate(coverage.cover(bounds).tolist()):
                if cover != NONE:
                    cells[column] = cell
        return cells

    def _labels(self, view: View, columns: int) -> list[Cell]:
        """The borders, each under its column; those that would run into another are left out."""
        overlap = self.comparison.overlap
        inner = (overlap[0], overlap[1] + 1) if overlap else ()
        cells: list[Cell] = [BLANK_CELL] * columns
        _label(cells, 0, whole(view.start))
        last = whole(view.end - 1)
        if view.end - 1 > view.start:
            _label(cells, columns - len(last), last)
        for version in inner:
            if view.start < version < view.end - 1:
                _label(cells, view.column(version, columns), whole(version))
        return cells


def _name(name: str) -> str:
    return f"{name:>{_GUTTER - 1}} "


def _named(name: str, cells: Sequence[Cell]) -> Row:
    return ((_name(name), "strong"), *row_of(cells))


def _fill(cells: list[Cell], view: View, first: int, last: int, cell: Cell) -> None:
    """Every column that the range touches."""
    if last < first:
        return
    begin = max(0, view.column(max(first, view.start), len(cells)))
    if view.length < len(cells) and last + 1 < view.end:
        end = view.column(last + 1, len(cells)) - 1
    elif last + 1 >= view.end:
        end = len(cells) - 1
    else:
        end = view.column(last, len(cells))
    for column in range(begin, min(end, len(cells) - 1) + 1):
        cells[column] = cell


def _label(cells: list[Cell], at: int, label: str) -> None:
    around = range(max(0, at - 2), min(len(cells), at + len(label) + 2))
    if at >= 0 and at + len(label) <= len(cells) and all(cells[place] == BLANK_CELL for place in around):
        for offset, character in enumerate(label):
            cells[at + offset] = (character, "dim")
