"""A few rows drawn at the width that there is: bars, strips, anything that is made for a number of cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from textual.geometry import Size
from textual.strip import Strip

from tui.widgets.painted import EMPTY_ROW, Painted, Row

#: Makes the rows for a width in cells.
MakeRows: TypeAlias = Callable[[int], Sequence[Row]]


class Bands(Painted):
    """Shows the rows that a function makes; they are made once per width."""

    DEFAULT_CSS = "Bands { height: auto; width: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._make: MakeRows | None = None
        self._rows: Sequence[Row] | None = None
        self._height = 0

    def show(self, make: MakeRows, height: int) -> None:
        """Show the rows of `make`, always `height` of them."""
        self._make = make
        taller, self._height = height != self._height, height
        self._rows = None
        self.refresh(layout=taller)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Exactly the rows there are."""
        return self._height

    def on_resize(self) -> None:
        """Another width means other rows."""
        self._rows = None

    def render_line(self, y: int) -> Strip:
        """One row."""
        if self._rows is None:
            self._rows = self._make(self.size.width) if self._make else ()
        return self.paint(self._rows[y] if y < len(self._rows) else EMPTY_ROW, self.size.width)
