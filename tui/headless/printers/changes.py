"""How a change set is printed: the new files, what comes back, what is set aside, what stays and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.text import Text

from core.changes.apply import Applied
from core.changes.model import ChangeSet
from core.phrases import command
from tui.headless.printers.layout import DIM, GOOD, Line, Lines, aligned, headline, prose, verbatim
from tui.numbers import counted, whole

ROWS_SHOWN: Final = 12


def change_lines(change: ChangeSet) -> Lines:
    """All of a change, long lists cut short."""
    return [
        *_rows(
            "New files",
            ("lines", "bytes", "file"),
            [(whole(each.lines), whole(len(each.content)), each.handle) for each in change.all_writes],
        ),
        *_rows("Come back", ("file", "from"), [(each.target, each.source) for each in change.restores]),
        *_rows("Set aside", ("file", "because"), [(each.source, each.because) for each in change.retires]),
        *_rows("Stay all the same", ("file", "because"), list(change.kept)),
    ]


def change_words(change: ChangeSet) -> str:
    """A change in one line: `3 new files, 12 set aside`."""
    parts = (
        (len(change.all_writes), counted(len(change.all_writes), "new file")),
        (len(change.restores), f"{whole(len(change.restores))} come back"),
        (len(change.retires), f"{whole(len(change.retires))} set aside"),
    )
    return ", ".join(text for number, text in parts if number) or "nothing to write or to move"


def applied_lines(change: ChangeSet, applied: Applied, location: str) -> Lines:
    """What came of it, what was otherwise than planned, and how it is taken back."""
    done = f"{change_words(change)}, in {applied.seconds:.1f} s; {counted(change.files_after, 'file')} now"
    lines: Lines = [headline("DONE", GOOD, done)]
    lines += [prose("note", note) for note in applied.outcome.notes]
    undo = command("seamline", "undo", location, applied.operation)
    return [*lines, verbatim("journal", applied.operation), verbatim("undo", undo)]


def _rows(title: str, header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Lines:
    if not rows:
        return []
    right = frozenset(column for column, name in enumerate(header) if name in ("lines", "bytes"))
    shown = aligned(header, [Line(row) for row in rows[:ROWS_SHOWN]], right)
    lines: Lines = [Text(), Text(f"{title}: {whole(len(rows))}", "bold"), *shown]
    if len(rows) > ROWS_SHOWN:
        lines.append(Text(f"and {whole(len(rows) - ROWS_SHOWN)} more: --json lists them all", DIM))
    return lines
