"""A list of any number of rows, of which only those in sight are ever made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.reactive import var
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.widgets.painted import Painted, Row, cut_row

_REVERSE = Style(reverse=True)


class Rows(Protocol):
    """Where a list gets its rows from: how many there are, and one of them for a width in cells."""

    def __len__(self) -> int:
        """How many rows."""

    def row(self, index: int, width: int) -> Row:
        """Row `index`, made when it comes in sight."""


@dataclass(frozen=True, slots=True)
class FixedRows:
    """Rows that exist already."""

    rows: Sequence[Row] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def row(self, index: int, width: int) -> Row:
        """As given."""
        return self.rows[index]


@dataclass(frozen=True, slots=True)
class MadeRows:
    """Rows that `make(index, width)` makes."""

    count: int
    make: Callable[[int, int], Row]

    def __len__(self) -> int:
        return self.count

    def row(self, index: int, width: int) -> Row:
        """Made now."""
        return self.make(index, width)


class RowList(Painted, ScrollView, can_focus=True, inherit_bindings=False):
    """A scrolling list. With `selectable`, one row is under the cursor: a `>` in front, reversed while in focus.

    Keys come from the screens; the wheel scrolls and leaves the cursor where it is. `below` is how many rows are out of
    sight under the last one in sight.
    """

    # Textual inherits the style sheet of the first base only, so what ScrollView says of `overflow` stands here again:
    # without it nothing scrolls.
    DEFAULT_CSS = """
    RowList { height: 1fr; width: 1fr; scrollbar-size-vertical: 1; overflow: hidden auto; }
    """

    cursor: var[int] = var(0)
    below: var[int] = var(0)

    @dataclass
    class Moved(Message):
        """The cursor is on another row because the operator moved it."""

        rows: RowList
        index: int

        @property
        def control(self) -> RowList:
            """The list."""
            return self.rows

    @dataclass
    class Opened(Message):
        """A row was double-clicked."""

        rows: RowList
        index: int

        @property
        def control(self) -> RowList:
            """The list."""
            return self.rows

    def __init__(self, *, selectable: bool = True, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self.selectable = selectable
        self._rows: Rows = FixedRows()
        self._marked = True

    def show(self, rows: Rows, cursor: int | None = None) -> None:
        """Show other rows; the cursor stays unless given. No message is sent."""
        self._rows = rows
        self.virtual_size = Size(self.size.width, len(rows))
        with self.prevent(self.Moved):
            self.set_reactive(RowList.cursor, min(self.cursor if cursor is None else cursor, max(0, len(rows) - 1)))
        self._keep_in_sight()
        self._count_below()
        self.refresh()

    def point_at(self, index: int | None) -> None:
        """Put the cursor on a row; with None it stays where it is, and nothing is selected. No message is sent."""
        if (index is not None) is not self._marked:
            self._marked = index is not None
            self.refresh_line(self.cursor - self.scroll_offset.y)
        if index is not None:
            with self.prevent(self.Moved):
                self.cursor = index

    def end_at_cursor(self) -> None:
        """Let the cursor be on the last row in sight, or as near to it as there are rows before."""
        self.scroll_to(y=max(0, self.cursor + 1 - self.page), animate=False)

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    def move(self, by: int) -> bool:
        """Move the cursor, or scroll where nothing can be selected. False at the end."""
        if not self.selectable:
            before = self.scroll_offset.y
            self.scroll_to(y=before + by, animate=False)
            return self.scroll_offset.y != before
        return self.move_to(self.cursor + by if self._marked else self.cursor)

    def move_to(self, index: int) -> bool:
        """Put the cursor on a row (clamped) and say so. False when it was there already."""
        index = min(max(0, index), max(0, len(self._rows) - 1))
        if not self.selectable:
            self.scroll_to(y=index, animate=False)
            return True
        if index == self.cursor and self._marked:
            return False
        self.point_at(index)
        self.post_message(self.Moved(self, index))
        return True

    @property
    def row_width(self) -> int:
        """The width that rows are made for."""
        return max(0, self.scrollable_content_region.width - (2 if self.selectable else 0))

    @property
    def page(self) -> int:
        """Rows in sight."""
        return max(1, self.scrollable_content_region.height)

    def watch_scroll_y(self, before: float, now: float) -> None:
        """Other rows are in sight."""
        super().watch_scroll_y(before, now)
        self._count_below()

    def _count_below(self) -> None:
        self.below = max(0, len(self._rows) - self.scroll_offset.y - self.page) if self.size.height else 0

    def watch_cursor(self, before: int, now: int) -> None:
        """Repaint the two rows that changed."""
        self._keep_in_sight()
        self.refresh_line(before)
        self.refresh_line(now)

    def _keep_in_sight(self) -> None:
        if not self.selectable or not self.size.height:
            return
        top, page = self.scroll_offset.y, self.page
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False)
        elif self.cursor >= top + page:
            self.scroll_to(y=self.cursor - page + 1, animate=False)

    def render_line(self, y: int) -> Strip:
        """One row in sight."""
        index, width = y + self.scroll_offset.y, self.scrollable_content_region.width
        if index >= len(self._rows):
            return self.paint((), width)
        if not self.selectable:
            return self.paint(cut_row(self._rows.row(index, width), width, self.glyphs.ellipsis), width)
        here, row_width = index == self.cursor and self._marked, self.row_width
        row = cut_row(self._rows.row(index, row_width), row_width, self.glyphs.ellipsis)
        marked = ((f"{self.glyphs.mark} " if here else "  ", "strong"), *row)
        return self.paint(marked, width, _REVERSE if here and self.has_focus else None)

    def on_resize(self) -> None:
        """Another width means other rows."""
        self.virtual_size = Size(self.size.width, len(self._rows))
        self._keep_in_sight()
        self._count_below()

    def on_focus(self) -> None:
        """The cursor row looks different in focus."""
        self.refresh_line(self.cursor)

    def on_blur(self) -> None:
        """The cursor row looks different out of focus."""
        self.refresh_line(self.cursor)

    def on_click(self, event: events.Click) -> None:
        """A click selects, a second one opens."""
        index = event.y + self.scroll_offset.y
        if self.selectable and index < len(self._rows):
            self.move_to(index)
            if event.chain == 2:
                self.post_message(self.Opened(self, index))
