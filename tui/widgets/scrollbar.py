"""Scrollbars of whole cells: parts of blocks are no ASCII, and they fall apart in some fonts."""

from __future__ import annotations

from typing import ClassVar

from textual.scrollbar import ScrollBar, ScrollBarRender


class WholeCells(ScrollBarRender):
    """Draws with blanks and colours only."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "]
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "]


def use_whole_cells() -> None:
    """Draw every scrollbar of the program so."""
    ScrollBar.renderer = WholeCells
