"""What `undo` and `resume` print."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group
from rich.text import Text

from core.changes.apply import Applied
from core.changes.model import ChangeSet
from core.journal import Operation
from core.restore import StoreVerdict
from tui.headless.printers.changes import applied_lines, change_lines, change_words, files_line, reach_line
from tui.headless.printers.layout import GOOD, WARN, Lines, commands, headline, prose, verbatim
from tui.numbers import counted


def undo_answer(
    location: str,
    operation: Operation,
    change: ChangeSet,
    verdicts: tuple[StoreVerdict, StoreVerdict],
    applied: Applied | None,
    go: str,
) -> Group:
    """The whole answer of an undo; `verdicts` are those before and after it, `go` the command that may follow."""
    before, after = verdicts
    lines: Lines
    if applied is not None:
        lines = applied_lines(change, applied, go)
    else:
        lines = [headline("READY", GOOD, f"{change_words(change)}; nothing was written"), *commands("now", go)]
    return Group(
        *lines,
        Text(),
        verbatim("store", location),
        verbatim("undoes", f"{operation.id}, {operation.state.value}"),
        prose("files", files_line(change)),
        prose("stock", reach_line(before, after)),
        *change_lines(change, location),
    )


def resumed_answer(location: str, resumed: Sequence[Applied]) -> Group:
    """What became of operations that were interrupted."""
    if not resumed:
        return Group(headline("NOTHING", GOOD, "no operation was interrupted"), Text(), verbatim("store", location))
    finished = all(each.outcome.finished for each in resumed)
    word, style = ("DONE", GOOD) if finished else ("CLOSED", WARN)
    lines: Lines = [headline(word, style, f"{counted(len(resumed), 'operation')} brought to an end")]
    for each in resumed:
        how = "finished" if each.outcome.finished else "closed without being finished"
        lines += [Text(), verbatim("journal", each.operation), prose("", f"{how}, in {each.seconds:.1f} s")]
        lines += [prose("note", note) for note in each.outcome.notes]
    return Group(*lines, Text(), verbatim("store", location))
