"""The overview bar: the whole axis with the viewport on it, always in sight. Click or drag moves the viewport."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from tui.state import View
from tui.widgets.painted import Painted, Row
from tui.widgets.scene import GUTTER, LANES, WIDE_GUTTER

if TYPE_CHECKING:
    from core.picture import Picture


class Overview(Painted):
    """One row for all lanes, or with `tall` one for each and a rule that shows the viewport."""

    DEFAULT_CSS = "Overview { height: auto; width: 1fr; }"

    @dataclass
    class Pointed(Message):
        """The operator wants this version in the middle of the view."""

        version: int

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._picture: Picture | None = None
        self._view = View.of_all(1)
        self._tall = False
        self._rows: list[tuple[str, Row]] | None = None
        self._dragging = False

    def show(self, picture: Picture, view: View, *, tall: bool) -> None:
        """Show another picture or viewport."""
        same_place = (view.start, view.end, view.whole) == (self._view.start, self._view.end, self._view.whole)
        if picture is self._picture and same_place and tall == self._tall:
            return
        layout = tall != self._tall or self._picture is None
        self._picture, self._view, self._tall, self._rows = picture, view, tall, None
        self.refresh(layout=layout)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """One row, or one for each lane and the rule."""
        return 1 + len(LANES) if self._tall else 1

    def on_resize(self) -> None:
        """Other columns."""
        self._rows = None

    @property
    def _gutter(self) -> int:
        return WIDE_GUTTER if self._tall else GUTTER

    def render_line(self, y: int) -> Strip:
        """One row."""
        if self._rows is None:
            self._rows = self._draw(max(1, self.size.width - self._gutter))
        if y >= len(self._rows):
            return self.paint((), self.size.width)
        name, cells = self._rows[y]
        return self.paint(((name.ljust(self._gutter), "dim"), *cells), self.size.width)

    def _draw(self, width: int) -> list[tuple[str, Row]]:
        if self._picture is None or not self._picture.end:
            return [("all", ())]
        from tui.widgets.lanes import overview_rows

        rows = overview_rows(self._picture, self._view, width, self.glyphs, tall=self._tall)
        if not self._tall:
            return [("all", rows[0])]
        names = [("all " if lane is LANES[0] else "    ") + lane.short for lane in LANES]
        return list(zip([*names, ""], rows, strict=True))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Jump there, and follow the mouse."""
        self._dragging = True
        self.capture_mouse()
        self._point(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """The viewport follows the mouse."""
        if self._dragging:
            self._point(event.x)

    def on_mouse_up(self) -> None:
        """The mouse lets go."""
        self._dragging = False
        self.release_mouse()

    def _point(self, x: int) -> None:
        if self._picture is None or not self._picture.end or x < self._gutter:
            return
        width, column = max(1, self.size.width - self._gutter), x - self._gutter
        if not self._tall:
            from tui.widgets.lanes import column_in_brackets

            width = max(1, width - 2)
            column = column_in_brackets(column, self._view, width)
        self.post_message(self.Pointed(View.of_all(self._picture.end).version(column, width)))
