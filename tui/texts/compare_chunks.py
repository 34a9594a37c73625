"""The table of chunks of a comparison: both sides aligned, with how they stand to each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from core.manifests import ChunkComparison, ChunkRow, ChunkSide, Relation
from core.model import LaneKind
from tui.glyphs import Glyphs
from tui.numbers import span, whole
from tui.widgets.painted import Row

#: The units of the table, each from a size on at which two decimals of it still tell sizes apart.
_UNITS: Final = (("GiB", 1 << 30, 10 << 30), ("MiB", 1 << 20, 10 << 20), ("KiB", 1 << 10, 100 << 10))
_SIGN_STYLES: Final = {
    Relation.SAME: "good",
    Relation.OTHER_SIZE: "conflict",
    Relation.UNKNOWN: "dim",
    Relation.CROSSING: "conflict",
    Relation.ALONE: "conflict",
    Relation.EQUAL: "good",
    Relation.OTHER_RECORDS: "conflict",
}
#: Rows in which nothing speaks against equal content.
_ALIKE: Final = frozenset({Relation.SAME, Relation.EQUAL})


def sign(relation: Relation, glyphs: Glyphs) -> str:
    """How two chunks stand to each other, in one cell."""
    signs = {
        Relation.SAME: glyphs.same,
        Relation.OTHER_SIZE: glyphs.differs,
        Relation.UNKNOWN: "?",
        Relation.CROSSING: "x",
        Relation.ALONE: " ",
        Relation.EQUAL: glyphs.same,
        Relation.OTHER_RECORDS: glyphs.differs,
    }
    return signs[relation]


@dataclass(frozen=True)
class ChunkTable:
    """The rows of a comparison (`only_differing`: without those that seem equal, or are), of a lane of `kind`."""

    comparison: ChunkComparison
    kind: LaneKind
    glyphs: Glyphs
    only_differing: bool = False

    @cached_property
    def shown(self) -> Sequence[ChunkRow]:
        """The rows in the order of their ranges."""
        rows = self.comparison.rows
        return [row for row in rows if row.relation not in _ALIKE] if self.only_differing else rows

    @cached_property
    def differing(self) -> list[int]:
        """The places of the rows that neither seem equal nor are."""
        return [place for place, row in enumerate(self.shown) if row.relation not in _ALIKE]

    @property
    def first_difference(self) -> int:
        """The first row whose records are known to differ, else the first that does not seem equal, else the first."""
        known = (place for place in self.differing if self.shown[place].relation is Relation.OTHER_RECORDS)
        return next(known, next(iter(self.differing), 0))

    @cached_property
    def _unit(self) -> tuple[str, int]:
        """In what sizes are given: one unit for the whole table, so that they can be compared at a glance."""
        largest = max((side.size or 0 for row in self.comparison.rows for side in (row.a, row.b) if side), default=0)
        return next(((name, length) for name, length, least in _UNITS if largest >= least), ("bytes", 1))

    @cached_property
    def _least_cells(self) -> int:
        """Cells of the longest version."""
        last = max((side.last for row in self.comparison.rows for side in (row.a, row.b) if side), default=0)
        return max(5, len(whole(last)))

    def _cells(self, width: int) -> int:
        """Cells of a version: with room for its heading, where both sides have room then."""
        roomy = max(13, self._least_cells)
        return roomy if width >= 2 * (4 + 1 + roomy + 10) + 5 + 11 else self._least_cells

    def heading(self, width: int) -> Row:
        """The names of the columns, behind the two cells for the mark."""
        return ((f"  {self._side_heading('A', width)}     {self._side_heading('B', width)}", "dim"),)

    def _side_heading(self, letter: str, width: int) -> str:
        cells = self._cells(width)
        unit = {LaneKind.EPOCH_ENDINGS: "epoch", LaneKind.STATE_SNAPSHOTS: "item"}.get(self.kind, "version")
        first = f"first {unit}" if cells >= len(f"first {unit}") else "first"
        last = f" {'last ' + unit:>{cells}}" if self._roomy(width) else ""
        return f"{letter:>4} {first:>{cells}}{last} {self._unit[0]:>9}"

    def _roomy(self, width: int) -> bool:
        return width >= 2 * (4 + 2 * (max(13, self._least_cells) + 1) + 10) + 5 + 11

    def row(self, index: int, width: int) -> Row:
        """One row: A, how they stand to each other, B, and by how much they differ."""
        row = self.shown[index]
        return (
            (f"{self._side(row.a, width)}  ", "text"),
            (sign(row.relation, self.glyphs), _SIGN_STYLES[row.relation]),
            (f"  {self._side(row.b, width)} ", "text"),
            (f"{self._difference(row):>10}", "text"),
        )

    def _side(self, side: ChunkSide | None, width: int) -> str:
        cells, roomy = self._cells(width), self._roomy(width)
        if side is None:
            return " " * (4 + 1 + cells + (cells + 1 if roomy else 0) + 10)
        last = f" {whole(side.last):>{cells}}" if roomy else ""
        return f"{whole(side.number):>4} {whole(side.first):>{cells}}{last} {self._size(side.size):>9}"

    def _size(self, size: int | None) -> str:
        length = self._unit[1]
        if size is None:
            return "no size"
        return whole(size) if length == 1 else f"{size / length:,.2f}"

    def _difference(self, row: ChunkRow) -> str:
        if row.a is None or row.b is None or row.a.size is None or row.b.size is None:
            return ""
        by = row.b.size - row.a.size
        if not by or row.relation is Relation.CROSSING:
            return ""
        length = self._unit[1]
        number = whole(abs(by)) if length == 1 else f"{abs(by) / length:,.2f}"
        return ("+" if by > 0 else "-") + (number if number.strip("0.,") else f"{whole(abs(by))} B")

    def status(self, index: int) -> list[str]:
        """One row in words."""
        row = self.shown[index]
        some = row.a or row.b
        assert some is not None
        numbers = " / ".join(whole(side.number) if side else "-" for side in (row.a, row.b))
        sizes = [f"{letter} {self._words(side)}" for letter, side in zip("AB", (row.a, row.b), strict=True) if side]
        return [f"chunk {numbers}", span(some.first, some.last), *sizes, _RELATION_WORDS[row.relation]]

    def _words(self, side: ChunkSide) -> str:
        size = self._size(side.size)
        return size if side.size is None else f"{size} {self._unit[0]}"

    def counts(self) -> str:
        """`38 =   12 ≠   0 crossing`."""
        count = self.comparison.count
        parts = [f"{whole(count(Relation.SAME) + count(Relation.EQUAL))} {self.glyphs.same}"]
        parts.append(f"{whole(count(Relation.OTHER_SIZE) + count(Relation.OTHER_RECORDS))} {self.glyphs.differs}")
        parts.append(f"{whole(count(Relation.CROSSING))} crossing")
        if count(Relation.ALONE):
            parts.append(f"{whole(count(Relation.ALONE))} alone")
        if count(Relation.UNKNOWN):
            parts.append(f"{whole(count(Relation.UNKNOWN))} ?")
        return "   ".join(parts)


_RELATION_WORDS: Final = {
    Relation.SAME: "same range and size",
    Relation.OTHER_SIZE: "same range, other size",
    Relation.UNKNOWN: "same range, a size is not known",
    Relation.CROSSING: "the borders cross",
    Relation.ALONE: "only one side has a chunk here",
    Relation.EQUAL: "equal records",
    Relation.OTHER_RECORDS: "other records",
}
