"""Lines of exactly one row: header, verdict, status and footer. What does not fit is dropped whole, least first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from textual.strip import Strip

from tui.widgets.painted import EMPTY_ROW, Painted, Row, Run, cut_row, row_width

GAP: Final = 3


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a line; the pieces with the highest `drop` go first when there is no room, those with 0 never.

    `shorter` is shown instead before the piece is dropped.
    """

    row: Row
    drop: int = 0
    shorter: Row | None = None


def piece(text: str, style: str = "text", drop: int = 0, shorter: str | None = None) -> Piece:
    """A piece of one style."""
    return Piece(((text, style),), drop, None if shorter is None else ((shorter, style),))


def fitted(pieces: Sequence[Piece], width: int, gap: int = GAP) -> list[Row | None]:
    """For each piece the row to show, or None where it was dropped, so that all fit into `width` with `gap` between."""
    shown: list[Row | None] = [each.row for each in pieces]

    def taken() -> int:
        rows = [row for row in shown if row is not None]
        return sum(map(row_width, rows)) + gap * max(0, len(rows) - 1)

    while taken() > width:
        droppable = [index for index, row in enumerate(shown) if row is not None and _can_give_way(pieces[index], row)]
        if not droppable:
            break
        index = max(droppable, key=lambda index: (pieces[index].drop, index))
        shorter = pieces[index].shorter
        shown[index] = shorter if shown[index] is not shorter else None
    return shown


def _can_give_way(piece: Piece, row: Row) -> bool:
    return piece.drop > 0 or (piece.shorter is not None and row is not piece.shorter)


class Line(Painted):
    """One row with pieces on the left and on the right."""

    DEFAULT_CSS = "Line { height: 1; width: 1fr; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._left: tuple[Piece, ...] = ()
        self._right: tuple[Piece, ...] = ()

    def show(self, left: Sequence[Piece], right: Sequence[Piece] = ()) -> None:
        """Show these pieces; repaints only when they differ from what is shown."""
        if (tuple(left), tuple(right)) != (self._left, self._right):
            self._left, self._right = tuple(left), tuple(right)
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The one row, one cell of room on either side."""
        if y:
            return self.paint(EMPTY_ROW, self.size.width)
        width = self.size.width
        return self.paint(cut_row(self._row(width), width, self.glyphs.ellipsis), width)

    def _row(self, width: int) -> Row:
        room = max(0, width - 2)
        rows = fitted((*self._left, *self._right), room)
        left, right = _joined(rows[: len(self._left)]), _joined(rows[len(self._left) :])
        filler = max(0, room - row_width(left) - row_width(right))
        return ((" ", "text"), *left, (" " * filler, "text"), *right)


def _joined(rows: Sequence[Row | None]) -> Row:
    runs: list[Run] = []
    for row in rows:
        if row is not None:
            if runs:
                runs.append((" " * GAP, "text"))
            runs.extend(row)
    return tuple(runs)
