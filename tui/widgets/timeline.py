"""The timeline: ruler, lanes and problem row over a viewport that it is given. It asks, by messages, for everything."""

from __future__ import annotations

from dataclasses import dataclass

from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from core.model import LaneKind
from tui.widgets.painted import Painted
from tui.widgets.scene import GUTTER, Drawn, Scene, gutter_of, height_of, without_cursor

_REVERSE = Style(reverse=True)


class Timeline(Painted, can_focus=True):
    """Draws a `Scene`. Keys are the screen's; the mouse is told as messages."""

    DEFAULT_CSS = "Timeline { height: auto; width: 1fr; }"

    @dataclass
    class Pointed(Message):
        """A click on a version; `lane` is None on the ruler and the problem row, `twice` for a double click."""

        version: int
        lane: LaneKind | None
        twice: bool
        on_problem: bool

    @dataclass
    class Dragged(Message):
        """A drag from one version to another, told on every move."""

        first: int
        last: int

    @dataclass
    class Wheeled(Message):
        """The wheel: up and left are -1. With `zoom` it zooms about `version`, else it pans."""

        step: int
        zoom: bool
        version: int

    @dataclass
    class Sized(Message):
        """The timeline has another number of columns."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._scene: Scene | None = None
        self._rows: list[Drawn] | None = None
        self._strips: dict[int, Strip] = {}
        self._drag_from: int | None = None
        self._dragged = False

    @property
    def gutter_width(self) -> int:
        """Cells for the names of the lanes."""
        return gutter_of(self._scene) if self._scene else GUTTER

    @property
    def columns(self) -> int:
        """Cells for the versions."""
        return max(1, self.size.width - self.gutter_width)

    def show(self, scene: Scene) -> None:
        """Show another scene; where only the cursor moved, only its two columns are painted again."""
        before, self._scene = self._scene, scene
        if before is None or without_cursor(before) != without_cursor(scene):
            self._forget()
            taller = before is None or height_of(before) != height_of(scene)
            self.refresh(layout=taller)
        elif before != scene:
            for each in (before, scene):
                column = self.gutter_width + each.view.column(each.view.cursor, self.columns)
                self.refresh(Region(column, 0, 1, self.size.height))
            if before.lane is not scene.lane:
                self.refresh(Region(0, 0, self.gutter_width, self.size.height))

    def notify_style_update(self) -> None:
        """Other colours: paint anew."""
        super().notify_style_update()
        self._strips = {}

    def _forget(self) -> None:
        self._rows, self._strips = None, {}

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Exactly the rows there are."""
        return height_of(self._scene) if self._scene else 0

    def on_resize(self) -> None:
        """Other columns."""
        self._forget()
        self.post_message(self.Sized())

    def render_line(self, y: int) -> Strip:
        """One row, with the cursor laid over it."""
        scene, rows = self._scene, self._drawn()
        if scene is None or y >= len(rows):
            return self.paint((), self.size.width)
        row = rows[y]
        strip = self._strips.get(y)
        if strip is None:
            named = ((row.name.ljust(self.gutter_width), "dim"), *row.cells)
            strip = self._strips[y] = self.paint(named, self.size.width)
        return self._with_cursor(strip, row, y, scene)

    def _with_cursor(self, strip: Strip, row: Drawn, y: int, scene: Scene) -> Strip:
        here = row.main and row.lane is scene.lane
        if here:
            name = self.paint(((row.name.ljust(self.gutter_width), "strong"),), self.gutter_width)
            strip = Strip.join([name, strip.crop(self.gutter_width)])
        column = self.gutter_width + scene.view.column(scene.view.cursor, self.columns)
        if y == 1:
            cell = self.paint(((self.glyphs.cursor, "cursor"),), 1)
        elif here:
            cell = strip.crop(column, column + 1).apply_style(_REVERSE)
        else:
            return strip
        return Strip.join([strip.crop(0, column), cell, strip.crop(column + 1)])

    def _drawn(self) -> list[Drawn]:
        if self._rows is None:
            from tui.widgets.drawing import draw

            self._rows = draw(self._scene, self.columns, self.glyphs) if self._scene else []
        return self._rows

    # --- the mouse ------------------------------------------------------------------------------------------------

    def _version(self, x: int) -> int | None:
        if self._scene is None or x < self.gutter_width:
            return None
        return self._scene.view.version(x - self.gutter_width, self.columns)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """A drag may begin."""
        self._dragged = False
        if event.button == 1 and not event.shift and self._version(event.x) is not None:
            self._drag_from = event.x
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Dragging selects an area."""
        if self._drag_from is None or (event.x == self._drag_from and not self._dragged):
            return
        self._dragged = True
        ends = [self._version(max(self.gutter_width, x)) for x in sorted((self._drag_from, event.x))]
        if self._scene and ends[0] is not None and ends[1] is not None:
            after = self._scene.view.version(max(self._drag_from, event.x) - self.gutter_width + 1, self.columns)
            self.post_message(self.Dragged(ends[0], max(ends[1], after - 1)))

    def on_mouse_up(self) -> None:
        """The drag ends."""
        self._drag_from = None
        self.release_mouse()

    def on_click(self, event: events.Click) -> None:
        """A click selects, a double click opens; the click that ends a drag is neither."""
        if self._dragged:
            self._dragged = False
            return
        version, rows = self._version(event.x), self._drawn()
        if version is not None and event.y < len(rows):
            row = rows[event.y]
            self.post_message(self.Pointed(version, row.lane, event.chain == 2, row.name == "problem"))

    def _wheel(self, event: events.MouseScrollDown | events.MouseScrollUp, step: int) -> None:
        event.stop()
        version = self._version(event.x)
        if version is not None:
            self.post_message(self.Wheeled(step, event.ctrl, version))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """To the right, or out."""
        self._wheel(event, 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """To the left, or in."""
        self._wheel(event, -1)
