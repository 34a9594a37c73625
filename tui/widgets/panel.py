"""A panel: a titled rule above its content, or a whole frame where there is room for one."""

from __future__ import annotations

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget

from tui.faults import KeepsGoing
from tui.safe_text import in_ascii, safe, shorten


class Panel(KeepsGoing, Vertical):
    """Holds one widget. The title stands on the left of its top rule, the hint (keys that work here) on the right."""

    DEFAULT_CSS = """
    Panel { height: 1fr; width: 1fr; }
    """

    def __init__(self, content: Widget, *, title: str = "", hint: str = "", id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._content = content
        self._title = title
        self._hint = hint

    def compose(self) -> ComposeResult:
        """The one widget."""
        yield self._content

    def label(self, title: str, hint: str = "") -> None:
        """Another title and hint; text from a store is shown harmlessly."""
        if (title, hint) != (self._title, self._hint):
            self._title, self._hint = title, hint
            self._draw()

    def on_mount(self) -> None:
        """Draw the title."""
        self._draw()

    def on_resize(self) -> None:
        """The rule between title and hint is as long as there is room."""
        self._draw()

    def _draw(self) -> None:
        framed = bool(self.styles.border_left[0])
        rule = "-" if self.app.has_class("-ascii") else "─"
        width = self.outer_size.width - (6 if framed else 4)
        self.border_title = _label(self._title, self._hint, width, rule, "" if framed else " ")


def _label(title: str, hint: str, width: int, rule: str, room: str) -> Content:
    """`Title ───── hint` in `width` cells, without markup; the hint goes when there is no room for it."""
    title, hint = shorten(title, width, "~" if rule == "-" else "…"), safe(hint)
    if rule == "-":
        title, hint = in_ascii(title), in_ascii(hint)
    filler = width - cell_len(title) - cell_len(hint) - 2
    if not hint or filler < 3:
        return Content.assemble(room, (title, "bold"), room)
    return Content.assemble(room, (title, "bold"), (f" {rule * filler} ", "$seam-rule"), (hint, "$seam-dim"), room)
