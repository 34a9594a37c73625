"""Running text broken into rows at spaces, with a hanging indent; and the list that shows it at any width."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from rich.cells import cell_len

from tui.safe_text import fit, safe
from tui.widgets.painted import Row, Run
from tui.widgets.rows import FixedRows, RowList


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Runs of text and how far the first and the other rows are indented. With `wrap` off it is cut, not broken."""

    runs: Row
    indent: int = 0
    hanging: int = 0
    wrap: bool = True


BLANK: Final = Paragraph(())
#: In fewer cells at the end of a row no word is begun that will be broken.
_LEAST_CELLS: Final = 12


def text(content: str, style: str = "text", indent: int = 0, hanging: int | None = None) -> Paragraph:
    """A paragraph of one style."""
    return Paragraph(((content, style),), indent, indent if hanging is None else hanging)


def runs(*parts: Run, indent: int = 0, hanging: int | None = None) -> Paragraph:
    """A paragraph of several styles."""
    return Paragraph(parts, indent, indent if hanging is None else hanging)


def line(*parts: Run, indent: int = 0) -> Paragraph:
    """A paragraph that stays one row."""
    return Paragraph(parts, indent, indent, wrap=False)


def wrapped(paragraphs: Iterable[Paragraph], width: int) -> list[Row]:
    """All paragraphs as rows of at most `width` cells; words longer than a row are broken, where they begin."""
    rows: list[Row] = []
    for paragraph in paragraphs:
        if paragraph.wrap:
            rows.extend(_Wrapping(paragraph, max(1, width)).rows())
        else:
            rows.append(((" " * paragraph.indent, "text"), *paragraph.runs))
    return rows


@dataclass(slots=True)
class _Wrapping:
    """One paragraph on its way into rows."""

    paragraph: Paragraph
    width: int
    done: list[Row] = field(default_factory=list)
    row: list[Run] = field(default_factory=list)
    left: int = 0
    empty: bool = True

    def rows(self) -> list[Row]:
        self._begin(self.paragraph.indent)
        for word, style in _words(self.paragraph.runs):
            self._add(word, style)
        self.done.append(tuple(self.row))
        return self.done

    def _begin(self, indent: int) -> None:
        indent = max(0, min(indent, self.width - 2))
        self.row, self.left, self.empty = [(" " * indent, "text")], self.width - indent, True

    def _break(self) -> None:
        self.done.append(tuple(self.row))
        self._begin(self.paragraph.hanging)

    def _add(self, word: str, style: str) -> None:
        fits_below = cell_len(word.lstrip(" ")) <= self.width - self.paragraph.hanging
        if cell_len(word) > self.left and not self.empty and (fits_below or self.left < _LEAST_CELLS):
            self._break()
        rest = word.lstrip(" ") if self.empty and self.done else word
        while cell_len(rest) > self.left:
            head = fit(rest, self.left) or rest[:1]
            self.row.append((head, style))
            self._break()
            rest = rest[len(head) :]
        self.row.append((rest, style))
        self.left -= cell_len(rest)
        self.empty = self.empty and not rest


def _words(parts: Sequence[Run]) -> Iterable[Run]:
    """Words, each with the spaces in front of it."""
    for content, style in parts:
        start, shown = 0, safe(content)
        for index in range(1, len(shown)):
            if shown[index] == " " and shown[index - 1] != " ":
                yield shown[start:index], style
                start = index
        if shown:
            yield shown[start:], style


class Prose(RowList):
    """Paragraphs that are wrapped anew when the width changes; it scrolls, nothing in it is selected."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(selectable=False, id=id, classes=classes)
        self._paragraphs: tuple[Paragraph, ...] = ()

    def show_text(self, paragraphs: Sequence[Paragraph]) -> None:
        """Show these paragraphs from their beginning, unless they are shown already."""
        if tuple(paragraphs) != self._paragraphs:
            self._paragraphs = tuple(paragraphs)
            self._wrap()
            self.scroll_to(y=0, animate=False)

    def on_resize(self) -> None:
        """Break the lines anew."""
        self._wrap()

    def _wrap(self) -> None:
        width, height = self.size.width, self.size.height
        if not width:
            return
        rows = wrapped(self._paragraphs, width)
        if len(rows) > height > 0:
            rows = wrapped(self._paragraphs, width - 1)
        self.show(FixedRows(rows))
