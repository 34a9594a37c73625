"""What `doctor` prints: whether the storage can be used, what is wrong and what to do, then all that was seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Group
from rich.text import Text

from core.doctor import CheckState, Examination, Result
from tui.headless.printers.layout import (
    BAD,
    DIM,
    GOOD,
    WARN,
    Lines,
    commands,
    headline,
    prose,
    table,
    verbatim,
)
from tui.numbers import counted
from tui.safe_text import safe

_HEADS: Final = {
    "well": ("WELL", GOOD, "this storage can be read and written"),
    "usable": ("USABLE", WARN, "this storage can be read and written; something is to be known"),
    "no-writing": ("NO WRITING", BAD, "this storage can be read; as it is, it can't or must not be written"),
    "unreachable": ("UNREACHABLE", BAD, "this store can't be read, or what it lists can't be believed"),
}
_WORDS: Final = {
    CheckState.OK: ("ok", GOOD),
    CheckState.NOTE: ("note", WARN),
    CheckState.PROBLEM: ("problem", BAD),
    CheckState.UNTRIED: ("not tried", DIM),
}


def doctor_answer(examination: Examination) -> Group:
    """The whole answer."""
    lines: Lines = [headline(*_HEADS[examination.word]), verbatim("store", examination.location)]
    lines += _chapter(examination, CheckState.PROBLEM, "problem")
    lines += _chapter(examination, CheckState.NOTE, "note")
    untried = [each for each in examination.results if each.state is CheckState.UNTRIED]
    lines += _rows(f"{counted(len(untried), 'thing')} could not be tried", untried)
    for each in untried:
        lines += commands("next", each.next_step) if each.next_step else []
    well = [each for each in examination.results if each.state is CheckState.OK]
    lines += _rows(f"{counted(len(well), 'check')} went well", well)
    return Group(*lines)


def _chapter(examination: Examination, state: CheckState, noun: str, plural: str = "") -> Lines:
    found = [each for each in examination.results if each.state is state]
    lines: Lines = [Text(), Text(counted(len(found), noun, plural), "bold")] if found else []
    for each in found:
        lines += [Text(), *_result_lines(each)]
    return lines


def _result_lines(result: Result) -> Lines:
    word, style = _WORDS[result.state]
    title = Text.assemble((word.upper(), style), "  ", (safe(result.title), "bold"))
    lines: Lines = [title, prose("seen", result.seen)]
    if result.why:
        lines.append(prose("why", result.why))
    return [*lines, *commands("next", result.next_step)] if result.next_step else lines


def _rows(title: str, results: Sequence[Result]) -> Lines:
    """A table of what was seen; below each what is to be known of it."""
    if not results:
        return []
    made = table(("", "left"), ("", "left"))
    made.show_header = False
    for each in results:
        made.add_row(Text(f"  {safe(each.title)}", DIM, no_wrap=True), Text(safe(each.seen)))
        if each.why:
            made.add_row(Text(), Text(safe(each.why), DIM))
    return [Text(), Text(title, "bold"), made]
