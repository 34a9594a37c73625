"""Painting lines: rows of styled text runs become strips, with one segment for each run of equal style.

A `Row` is a tuple of `(text, style)` runs; styles are the names of `STYLES`. Text may come from a store: characters
that a terminal would act on are made visible here, the last place before the screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from tui.faults import KeepsGoing
from tui.glyphs import UNICODE, Glyphs
from tui.safe_text import cut, fit, in_ascii, safe

if TYPE_CHECKING:
    from tui.app import SeamlineApp

Run: TypeAlias = tuple[str, str]
Row: TypeAlias = tuple[Run, ...]

#: What a run may be; each is a component class `seam--NAME` of the screen that `app.tcss` colours.
STYLES: Final = (
    "text",
    "strong",
    "dim",
    "rule",
    "title",
    "key",
    "covered",
    "conflict",
    "missing",
    "snapshot",
    "chosen",
    "skipped",
    "good",
    "cursor",
    "view",
    "selected",
)
#: Screens have them, and not each widget: Textual matches its whole style sheet against every single one.
STYLE_CLASSES: Final = frozenset(f"seam--{name}" for name in STYLES)
EMPTY_ROW: Final[Row] = ()


def row_width(row: Sequence[Run]) -> int:
    """Cells that a row takes, once it is safe."""
    return sum(cell_len(safe(text)) for text, _ in row)


def row_text(row: Sequence[Run]) -> str:
    """The text of a row without its styles."""
    return "".join(text for text, _ in row)


def cut_row(row: Row, width: int, ellipsis: str) -> Row:
    """`row` in at most `width` cells, its words cut as `cut` does; blanks at the end count for nothing."""
    words = safe(row_text(row)).rstrip(" ")
    if cell_len(words) <= width:
        return row
    kept = cut(words, width, ellipsis)
    left = max(0, len(kept) - len(ellipsis))
    runs: list[Run] = []
    for text, style in row:
        shown = safe(text)[:left]
        left -= len(shown)
        runs.append((shown, style))
        if not left:
            break
    return (*runs, (ellipsis, runs[-1][1] if runs else "text"))


class Painted(KeepsGoing, Widget):
    """A widget that paints rows itself. Nothing in it can be selected as text by dragging."""

    ALLOW_SELECT = False

    _styles_by_name: dict[str, Style] | None = None

    @property
    def seamline(self) -> SeamlineApp:
        """The app, by its own type."""
        from tui.app import SeamlineApp

        assert isinstance(self.app, SeamlineApp)
        return self.app

    @property
    def glyphs(self) -> Glyphs:
        """The characters to draw with."""
        return getattr(self.app, "glyphs", UNICODE)

    def style(self, name: str) -> Style:
        """The style of a run on the background of this widget, looked up once per theme."""
        if self._styles_by_name is None:
            ground, plain = Style(bgcolor=self.rich_style.bgcolor), Style.null()
            find = self.screen.get_component_rich_style
            self._styles_by_name = {
                name: ground + find(f"seam--{name}", partial=True, default=plain) for name in STYLES
            }
        return self._styles_by_name[name]

    def notify_style_update(self) -> None:
        """The theme or the style sheet has changed."""
        super().notify_style_update()
        self._styles_by_name = None

    def paint(self, row: Sequence[Run], width: int, over: Style | None = None) -> Strip:
        """`row` as a strip of exactly `width` cells, cut or filled; `over` is laid over every run."""
        segments: list[Segment] = []
        left, ascii_only = width, self.glyphs.is_ascii
        for text, name in _merged(row):
            if left <= 0:
                break
            shown = fit(safe(text), left)
            shown = in_ascii(shown) if ascii_only else shown
            left -= cell_len(shown)
            style = self.style(name)
            segments.append(Segment(shown, style + over if over else style))
        if left > 0:
            style = self.style("text")
            segments.append(Segment(" " * left, style + over if over else style))
        return Strip(segments, width)


def _merged(row: Sequence[Run]) -> list[Run]:
    """Neighbouring runs of one style joined."""
    merged: list[Run] = []
    for text, name in row:
        if merged and merged[-1][1] == name:
            merged[-1] = (merged[-1][0] + text, name)
        elif text:
            merged.append((text, name))
    return merged
