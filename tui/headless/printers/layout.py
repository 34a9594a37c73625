"""The few shapes that the printers are made of: a headline, labelled lines, prose, lines that must not break."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from core.model import Claim, LaneKind, Severity
from tui.numbers import whole
from tui.safe_text import safe

Lines: TypeAlias = list[RenderableType]

LABEL_WIDTH: Final = 9
GOOD: Final = "bold green"
BAD: Final = "bold red"
WARN: Final = "bold yellow"
DIM: Final = "dim"

SEVERITY_STYLES: Final = {
    Severity.CRITICAL: BAD,
    Severity.ERROR: BAD,
    Severity.WARNING: WARN,
    Severity.INFO: DIM,
}


def headline(word: str, style: str, text: str) -> Text:
    """The first line of an answer."""
    return Text.assemble((word, style), "  ", (safe(text), "bold"))


def verbatim(label: str, text: str, style: str = "", indent: int = 2) -> RenderableType:
    """A labelled line that is never broken: a command, a handle, stock's own words."""
    return _Labelled(label, safe(text), indent, style, verbatim=True)


def prose(label: str, text: str, indent: int = 2) -> RenderableType:
    """A labelled paragraph, wrapped under itself."""
    return _Labelled(label, safe(text), indent)


@dataclass(frozen=True, slots=True)
class _Labelled:
    """A label and text beside it, which is wrapped under itself or, `verbatim`, never broken.

    Neither a table nor a `Text`, which take ten times as long: an answer may have a million of them.
    """

    label: str
    text: str
    indent: int
    style: str = ""
    verbatim: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = max(1, options.max_width - self.indent - LABEL_WIDTH)
        dim, style = console.get_style(DIM), console.get_style(self.style) if self.style else None
        label = self.label
        for line in [self.text] if self.verbatim else _wrapped(self.text, width, console):
            yield Segment(f"{'':{self.indent}}{label:<{LABEL_WIDTH}}", dim)
            yield Segment(line, style)
            yield Segment.line()
            label = ""


def _wrapped(text: str, width: int, console: Console) -> list[str]:
    return [line.plain.rstrip() for line in Text(text).wrap(console, width, overflow="fold")]


def commands(label: str, text: str, indent: int = 2) -> Lines:
    """What to do now, one line each, ready to paste."""
    lines = text.splitlines() or [""]
    return [verbatim(label if not number else "", line, indent=indent) for number, line in enumerate(lines)]


def said(words: str) -> str:
    """Stock's own words, in quotes."""
    return f'"{words}"'


def claim_lines(claims: Sequence[Claim], most: int, label: str = "seen in", indent: int = 2) -> Lines:
    """Files and lines, the first `most` of them."""
    shown: Lines = [
        verbatim(label if not number else "", str(claim), indent=indent) for number, claim in enumerate(claims[:most])
    ]
    if len(claims) > most:
        shown.append(verbatim("", f"and {whole(len(claims) - most)} more", DIM, indent=indent))
    return shown


def table(*columns: tuple[str, str]) -> Table:
    """A plain table: a name and `left` or `right` for each column; cells fold rather than lose a character."""
    made = Table(box=None, padding=(0, 2, 0, 0), header_style=DIM, show_edge=False)
    for name, side in columns:
        made.add_column(name, justify="right" if side == "right" else "left", overflow="fold")
    return made


def row(made: Table, cells: Iterable[str], style: str = "") -> None:
    """A row of text as it is, made harmless."""
    made.add_row(*(Text(safe(cell)) for cell in cells), style=style)


@dataclass(frozen=True, slots=True)
class Line:
    """A row of aligned columns; the last cell may be as long as it likes and is never broken.

    `end` makes a last cell that takes long, when the row is written.
    """

    cells: tuple[str, ...]
    style: str = ""
    end: Callable[[], str] | None = None


def aligned(header: tuple[str, ...], rows: Iterable[Line], right: frozenset[int] = frozenset()) -> Iterator[Text]:
    """Rows under a header, each column as wide as its widest cell; `right` are the columns aligned to the right.

    Of `rows` two rounds are made, and none of them is kept.
    """
    widths = [cell_len(name) for name in header[:-1]]
    for line in rows:
        for column in range(len(widths)):
            widths[column] = max(widths[column], cell_len(safe(line.cells[column])))
    yield _aligned_line(Line(header, DIM), widths, right)
    yield from (_aligned_line(line, widths, right) for line in rows)


def _aligned_line(line: Line, widths: Sequence[int], right: frozenset[int]) -> Text:
    text = Text(style=line.style, no_wrap=True, overflow="ignore")
    for column, width in enumerate(widths):
        cell = safe(line.cells[column])
        room = " " * (width - cell_len(cell))
        text.append(f"{room}{cell}  " if column in right else f"{cell}{room}  ")
    return text.append(safe(line.end() if line.end else line.cells[-1]))


_LANE_NAMES: Final = {
    LaneKind.TRANSACTIONS: "transactions",
    LaneKind.EPOCH_ENDINGS: "epoch endings",
    LaneKind.STATE_SNAPSHOTS: "state snapshots",
    LaneKind.FILES: "files",
}


def lane_name(kind: LaneKind) -> str:
    """The lane in words."""
    return _LANE_NAMES[kind]


def place(kind: LaneKind, first: int | None, last: int | None) -> str:
    """Where in a lane: `versions 0 - 999`, `epoch 7`; empty where no range is concerned."""
    if first is None or last is None:
        return ""
    return f"{kind.unit} {whole(first)}" if first == last else f"{kind.unit}s {whole(first)} - {whole(last)}"
