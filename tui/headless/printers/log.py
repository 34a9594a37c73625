"""What `log` prints: a line for each operation, newest first, with what is to be known of it below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from rich.console import Group
from rich.text import Text

from core.changes.model import OperationKind
from core.invocation import Resume
from core.journal import Operation, OperationState
from core.lease import held_words, life_words
from tui.headless.printers.layout import BAD, DIM, GOOD, WARN, Lines, headline, prose, verbatim
from tui.numbers import counted, whole
from tui.safe_text import safe

OPERATIONS_SHOWN: Final = 40
_STYLES: Final = {
    OperationState.DONE: GOOD,
    OperationState.CLOSED: WARN,
    OperationState.UNDONE: DIM,
    OperationState.INTERRUPTED: BAD,
    OperationState.RUNNING: GOOD,
    OperationState.HELD: WARN,
}


def log_answer(location: str, operations: Sequence[Operation]) -> Group:
    """The whole log; `operations` newest first."""
    if not operations:
        return Group(headline("NOTHING", GOOD, "this store was not changed by seamline"), verbatim("store", location))
    waiting = sum(each.state is OperationState.INTERRUPTED for each in operations)
    held = next((each for each in operations if each.holder is not None), None)
    lines: Lines = [Text(counted(len(operations), "operation"), "bold"), verbatim("store", location)]
    if held is not None:
        lines += [prose("now", "wait: nothing else is written meanwhile")]
        lines += [verbatim("wait", str(Resume(location, "5m")))]
    elif waiting:
        lines.append(verbatim("now", str(Resume(location))))
    for each in operations[:OPERATIONS_SHOWN]:
        lines += [Text(), *_operation_lines(each)]
    if len(operations) > OPERATIONS_SHOWN:
        rest = counted(len(operations) - OPERATIONS_SHOWN, "older operation")
        lines += [Text(), Text(f"and {rest}: --json lists them all", DIM)]
    return Group(*lines)


def _operation_lines(operation: Operation) -> Lines:
    title = Text(no_wrap=True, overflow="ignore")
    title.append(operation.id, "bold").append("  ").append(operation.state.value, _STYLES[operation.state])
    return [title, *(prose(label, text) for label, text in _told(operation))]


def _told(operation: Operation) -> Iterator[tuple[str, str]]:
    """What is to be known of an operation, label by label."""
    intent, outcome, undone = operation.intent, operation.outcome, operation.undone
    if intent is not None:
        yield "when", f"{_moment(intent.at)}, by {intent.user}@{intent.host} (pid {intent.pid})"
        what = " ".join(intent.command) or intent.label
        yield "what", what if what.startswith(f"{operation.kind.value} ") else f"{operation.kind.value}: {what}"
        if operation.kind is not OperationKind.GUARD or not operation.files.interrupted:
            yield "planned" if operation.files.interrupted else "did", _did(operation)
    if operation.lease is not None and operation.holder is not None:
        life = life_words(operation.holder, alive=operation.lease.is_alive)
        yield "held", f"by {held_words(operation.holder)}; {life}"
    if outcome is not None and outcome.exit_code is not None:
        yield "command", f"ended with exit code {outcome.exit_code}"
    if undone is not None:
        yield "undone", f"by {undone.by}, {_moment(undone.at)}"
    for note in outcome.notes if outcome else ():
        yield "note", note
    if operation.fault is not None:
        yield "damaged", operation.fault


def _did(operation: Operation) -> str:
    intent, outcome = operation.intent, operation.outcome
    counts = [
        (len(intent.derived) if intent else 0, "derived"),
        (len(intent.all_writes) if intent else 0, "written"),
        (len(intent.restores) if intent else 0, "put back"),
        (len(intent.retires) if intent else 0, "set aside"),
        (len(outcome.came) if outcome else 0, "came"),
        (len(outcome.gone) if outcome else 0, "gone"),
        (len(outcome.changed) if outcome else 0, "changed"),
    ]
    return ", ".join(f"{whole(number)} {word}" for number, word in counts if number) or "no file was touched"


def _moment(seconds: float) -> str:
    """A moment that a journal names, which may be any number."""
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return safe(f"{seconds} s after 1970")
