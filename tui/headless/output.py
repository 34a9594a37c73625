"""Where answers go: one write to stdout for a whole answer that is not long, everything said around it to stderr.

Nothing from a store is read as markup, and a reader that goes away (`| head`) ends a command quietly.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING, Final, TextIO

from tui.headless.capabilities import is_dumb, shown_on
from tui.headless.json_text import Document, json_text

if TYPE_CHECKING:
    from rich.console import RenderableType

WIDTH_WHEN_PIPED: Final = 80
NARROWEST: Final = 40
WIDEST: Final = 400


#: A stream is written in pieces of so many characters.
_PIECE_CHARS: Final = 1 << 16
#: An answer for people is written so many lines, or paragraphs, at a time.
_LINES_AT_ONCE: Final = 1_000


class AnswerLost(OSError):
    """The answer could not be written down; what it tells of may be done all the same."""


class ReaderGone(Exception):
    """Nobody reads the stream any more, so there is nothing left to do and nobody to complain to."""


def put_record(record: Document) -> None:
    """One JSON record of a stream, as a line of its own. Raises `ReaderGone` and `OSError`."""
    _put(json_text(record) + "\n")


def put_document(document: Document) -> None:
    """The one JSON document of a command. Raises `OSError`."""
    put_text(json_text(document) + "\n")


def put_streamed(document: Document) -> None:
    """A JSON document on a line, lists of which may be iterators: each of their items is made, written and forgotten.

    Raises `OSError`.
    """
    with contextlib.suppress(ReaderGone):
        waiting: list[str] = []
        size = 0
        for piece in _pieces(document):
            waiting.append(piece)
            size += len(piece)
            if size > _PIECE_CHARS:
                _put("".join(waiting))
                waiting, size = [], 0
        _put("".join([*waiting, "\n"]))


def _pieces(document: Document) -> Iterator[str]:
    yield "{"
    for number, (name, value) in enumerate(document.items()):
        yield f"{',' if number else ''}{json_text(name)}:"
        if isinstance(value, dict):
            yield from _pieces(value)
        elif isinstance(value, Iterator):
            yield "["
            for place, item in enumerate(value):
                yield f",{json_text(item)}" if place else json_text(item)
            yield "]"
        else:
            yield json_text(value)
    yield "}"


def put_text(text: str) -> None:
    """A whole answer as text that is harmless already. Raises `OSError`, but not for a reader who has seen enough."""
    with contextlib.suppress(ReaderGone):
        _put(text)


def put_answer(answer: RenderableType, *, pager: bool = False) -> None:
    """An answer for people: coloured and as wide as the terminal, plain and 80 columns wide (`COLUMNS`) when piped.

    With `pager` one that is longer than the terminal goes through the operator's. Raises `OSError`.
    """
    put_lines([answer], pager=pager)


def put_lines(lines: Iterable[RenderableType], *, pager: bool = False) -> None:
    """The same for an answer in lines, which are made, written and forgotten some at a time. Raises `OSError`."""
    pieces = _rendered_pieces(iter(lines))
    head = ""
    if pager and _has_pager():
        for piece in pieces:
            head += piece
            if _exceeds_screen(head):
                import click

                click.echo_via_pager(_without_last_newline(chain((head,), pieces)))
                return
    with contextlib.suppress(ReaderGone):
        for piece in chain((head,), pieces):
            _put(piece)


def _rendered_pieces(lines: Iterator[RenderableType]) -> Iterator[str]:
    from rich.console import Group

    while some := tuple(islice(lines, _LINES_AT_ONCE)):
        yield rendered(Group(*some), sys.stdout)


def _without_last_newline(pieces: Iterable[str]) -> Iterator[str]:
    before = ""
    for piece in pieces:
        yield before
        before = piece
    yield before.removesuffix("\n")


def _has_pager() -> bool:
    """Whether somebody sits at a terminal in which a pager works, and has not ruled it out with an empty `PAGER`."""
    streams = (sys.stdin, sys.stdout)
    at_terminal = all(stream is not None and stream.isatty() for stream in streams)
    return at_terminal and bool(os.environ.get("TERM")) and not is_dumb() and os.environ.get("PAGER") != ""


def _exceeds_screen(text: str) -> bool:
    """Whether a text leaves no room for the prompt; lines that the terminal wraps count as several."""
    from rich.text import Text

    size = shutil.get_terminal_size()
    rows = 0
    for line in text.splitlines():
        rows += max(1, -(-Text.from_ansi(line).cell_len // size.columns))
        if rows >= size.lines:
            return True
    return False


def rendered(answer: RenderableType, stream: TextIO | None) -> str:
    """`answer` as text for `stream`; colours obey `FORCE_COLOR` and `TERM`. `NO_COLOR` takes bold and dim as well."""
    from rich.console import Console

    on_terminal = stream is not None and stream.isatty()
    size = shutil.get_terminal_size((WIDTH_WHEN_PIPED, 24))
    console = Console(
        file=stream if on_terminal else io.StringIO(),
        width=min(max(size.columns, NARROWEST), WIDEST),
        height=size.lines,
        color_system=None if os.environ.get("NO_COLOR") else "auto",
        highlight=False,
        markup=False,
        emoji=False,
    )
    with console.capture() as capture:
        console.print(answer, crop=False)
    text = capture.get()
    return text if on_terminal else "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def complain(message: str, hint: str = "", usage: str = "") -> None:
    """Why a command did not answer, for people, on stderr; with what to do about it."""
    from tui.safe_text import safe

    lines = [f"{usage}\n" if usage else "", f"seamline: {safe(message)}\n", f"  hint: {safe(hint)}\n" if hint else ""]
    if sys.stderr is not None:
        sys.stderr.write(shown_on(sys.stderr, "".join(lines)))
        sys.stderr.flush()


def note(message: str) -> None:
    """Something that an operator should know beside the answer: one line on stderr, if that takes it."""
    from tui.safe_text import safe

    draw(f"seamline: {safe(message)}\n")


def draw(text: str) -> None:
    """Put harmless text on stderr. One that is full or hung up stops no work."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            sys.stderr.write(shown_on(sys.stderr, text))
            sys.stderr.flush()


def _put(text: str) -> None:
    stream = sys.stdout
    if stream is None:
        raise AnswerLost(9, os.strerror(9))
    try:
        stream.write(shown_on(stream, text))
        stream.flush()
    except BrokenPipeError as error:
        _let_go(stream)
        raise ReaderGone from error
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        _put(text.encode(encoding, "backslashreplace").decode(encoding))
    except OSError as error:
        raise AnswerLost(error.errno, error.strerror or str(error)) from error


def _let_go(stream: TextIO) -> None:
    """Point stdout at nothing, so that the interpreter's own last flush has nowhere to fail."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (OSError, ValueError):
        sys.stdout = io.StringIO()
