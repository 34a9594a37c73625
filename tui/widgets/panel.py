"""A panel: a titled rule above its content, or a whole frame where there is room for one."""

from __future__ import annotations

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget

from tui.faults import KeepsGoing
from tui.numbers import whole
from tui.safe_text import in_ascii, safe, shorten
from tui.widgets.rows import RowList

#: Cells that a rule between title and hint takes at least, with a blank on either side.
_LEAST_RULE = 5


class Panel(KeepsGoing, Vertical):
    """Holds one widget. The title stands on the left of its top rule, the hint (keys that work here) on the right.

    Where the list or text in it has rows out of sight below, it says how many: in the bottom rule of a frame, else on
    the right of the top rule, where the hint gives way to it.
    """

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
        """Draw the title, and follow what is in sight."""
        for rows in self.query(RowList):
            self.watch(rows, "below", self._draw, init=False)
        self._draw()

    def on_resize(self) -> None:
        """The rule between title and hint is as long as there is room."""
        self._draw()

    def _draw(self) -> None:
        framed = bool(self.styles.border_left[0])
        rule = "-" if self.app.has_class("-ascii") else "─"
        width = self.outer_size.width - (6 if framed else 4)
        below = sum(rows.below for rows in self.query(RowList))
        more = f"{whole(below)} more below" if below else ""
        if framed:
            label = _label(self._title, ("", self._hint), width, rule, "")
            # The rule below has room for a hint that has none above.
            hint = "" if label.plain.endswith(self._hint) else self._hint
            self.border_title = label
            self.border_subtitle = Content.styled("   ".join(filter(None, (more, hint))), "$seam-dim")
        else:
            if cell_len(safe(self._title)) + cell_len(more) + _LEAST_RULE > width:
                more = more.replace(" more", "")
            self.border_title = _label(self._title, (more, self._hint), width, rule, " ")
            self.border_subtitle = ""


def _label(title: str, hints: tuple[str, str], width: int, rule: str, room: str) -> Content:
    """`Title ───── hint   hint` in `width` cells, without markup.

    The second hint goes when there is no room for it; for the first one the title is cut, as far as there is a title.
    """
    first, second = (in_ascii(safe(hint)) if rule == "-" else safe(hint) for hint in hints)
    kept = width - cell_len(first) - _LEAST_RULE if first else width
    title = shorten(title, kept if kept > 0 else width, "~" if rule == "-" else "…")
    title = in_ascii(title) if rule == "-" else title
    for hint in ("   ".join(filter(None, (first, second))), first):
        filler = width - cell_len(title) - cell_len(hint) - 2
        if hint and filler >= 3:
            rules = (f" {rule * filler} ", "$seam-rule")
            return Content.assemble(room, (title, "bold"), rules, (hint, "$seam-dim"), room)
    return Content.assemble(room, (title, "bold"), room) if title else Content("")
