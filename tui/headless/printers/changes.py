"""How a change set is printed: the new files, what comes back, what is set aside, what stays and why."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Final

from rich.text import Text

from core.changes.apply import Applied
from core.changes.model import ChangeSet
from core.changes.window import window_of
from core.compaction.refusals import Refusal
from core.findings.titles import title_of
from core.restore import StoreVerdict
from tui.headless.printers.layout import (
    DIM,
    GOOD,
    Line,
    Lines,
    aligned,
    commands,
    headline,
    lane_name,
    place,
    prose,
    said,
    verbatim,
)
from tui.numbers import counted, whole

ROWS_SHOWN: Final = 12
_NUMBERS: Final = ("lines", "bytes", "chunks", "range")


def change_lines(change: ChangeSet, location: str) -> Lines:
    """All of a change on the store at `location`, long lists cut short."""
    window = window_of(change, location)
    return [
        *([prose("readers", window.words)] if window else []),
        *cut_rows(
            "New files",
            ("lines", "bytes", "file"),
            [(whole(each.lines), whole(len(each.content)), each.handle) for each in change.all_writes],
        ),
        *cut_rows("Come back", ("file", "from"), [(each.target, each.source) for each in change.restores]),
        *cut_rows("Set aside", ("file", "because"), [(each.source, each.because) for each in change.retires]),
        *cut_rows("Stay all the same", ("file", "because"), list(change.kept)),
    ]


def change_words(change: ChangeSet) -> str:
    """A change in one line: `3 new files, 12 set aside`."""
    parts = (
        (len(change.derived), counted(len(change.derived), "derived manifest")),
        (len(change.all_writes), counted(len(change.all_writes), "new file")),
        (len(change.restores), f"{whole(len(change.restores))} come back"),
        (len(change.retires), f"{whole(len(change.retires))} set aside"),
    )
    return ", ".join(text for number, text in parts if number) or "nothing to write or to move"


def applied_lines(change: ChangeSet, applied: Applied, undo: str) -> Lines:
    """What came of it, what was otherwise than planned, and the command that takes it back."""
    done = f"{change_words(change)}, in {applied.seconds:.1f} s; {counted(change.files_after, 'file')} now"
    lines: Lines = [headline("DONE", GOOD, done)]
    lines += [prose("note", note) for note in applied.outcome.notes]
    return [*lines, verbatim("journal", applied.operation), verbatim("undo", undo)]


def refused_lines(refused: Refusal) -> Lines:
    """Why nothing is done: stock's own words, the problem, the hazard, and the way on."""
    lines: Lines = []
    if refused.stock_says:
        lines.append(verbatim("stock", said(refused.stock_says)))
    if refused.zone is not None:
        where = place(refused.zone.lane, refused.zone.first, refused.zone.last)
        lines.append(prose("problem", f"{refused.zone.title}, {lane_name(refused.zone.lane)} {where}".rstrip()))
    return [
        *lines,
        prose("why", f"{title_of(refused.kind)}: {refused.explanation}"),
        *commands("now", refused.next_step),
        *([prose("then", refused.then)] if refused.then else []),
    ]


def files_line(change: ChangeSet) -> str:
    """How many files there are before and after."""
    return f"{whole(change.files_before)} before, {whole(change.files_after)} after"


def reach_line(before: StoreVerdict, after: StoreVerdict) -> str:
    """How far stock restores before and after, once where that is the same."""
    now, then = _reach(before), _reach(after)
    return now if now == then else f"{now}; after it {then}"


def _reach(verdict: StoreVerdict) -> str:
    if verdict.stock_restorable_to is None:
        return "stock restores nothing"
    by_target = " if it is given that target" if verdict.works_with_target is not None else ""
    return f"stock restores to {whole(verdict.stock_restorable_to)}{by_target}"


def cut_rows(title: str, header: tuple[str, ...], rows: Iterable[tuple[str, ...]], count: int | None = None) -> Lines:
    """A table of handles under a title, cut short; none where there are no rows.

    With a `count` of them the `rows` may be an iterator, of which only those are made that are shown.
    """
    if count is None:
        rows = list(rows)
        count = len(rows)
    if not count:
        return []
    right = frozenset(column for column, name in enumerate(header) if name in _NUMBERS)
    shown = aligned(header, [Line(row) for row in islice(rows, ROWS_SHOWN)], right)
    lines: Lines = [Text(), Text(f"{title}: {whole(count)}", "bold"), *shown]
    if count > ROWS_SHOWN:
        lines.append(Text(f"and {whole(count - ROWS_SHOWN)} more: --json lists them all", DIM))
    return lines
