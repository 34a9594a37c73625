"""What the journal tells of one operation: where it stands, who, when, what it did, and what of it can't be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from core.changes.model import OperationKind
from core.journal import Intent, Operation, OperationState
from core.lease import held_words, life_words
from core.phrases import moment
from tui.glyphs import Glyphs
from tui.numbers import counted, whole
from tui.safe_text import cut, padded, shorten
from tui.texts.common import named
from tui.widgets.painted import Row
from tui.widgets.prose import Paragraph, runs

_LABEL: Final = 9
#: Rows of so many cells have room for whole sentences.
_WIDE: Final = 110
_WHEN: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_STYLES: Final = {
    OperationState.INTERRUPTED: "conflict",
    OperationState.RUNNING: "chosen",
    OperationState.HELD: "snapshot",
    OperationState.DONE: "good",
    OperationState.CLOSED: "snapshot",
    OperationState.UNDONE: "dim",
}


def state_mark(operation: Operation, glyphs: Glyphs) -> tuple[str, str]:
    """The glyph and the style of where an operation stands."""
    signs = {
        OperationState.INTERRUPTED: glyphs.problem,
        OperationState.RUNNING: glyphs.begins,
        OperationState.HELD: glyphs.begins,
        OperationState.DONE: glyphs.snapshot,
        OperationState.CLOSED: glyphs.gap,
        OperationState.UNDONE: glyphs.snapshot_skipped,
    }
    return signs[operation.state], _STYLES[operation.state]


def operation_row(operation: Operation, width: int, glyphs: Glyphs) -> Row:
    """One row of the journal's list."""
    sign, style = state_mark(operation, glyphs)
    wide = width >= _WIDE
    who_cells, when_cells = (30, 22) if wide else (20, 19)
    room = max(0, width - 2 - 12 - 8 - when_cells - who_cells - 1)
    return (
        (f"{sign} ", style),
        (f"{operation.state.value:<12}", style),
        (f"{operation.kind.value:<8}", "text"),
        (f"{moment(began_at(operation), seconds=wide):<{when_cells}}", "dim"),
        (padded(shorten(who(operation), who_cells, glyphs.ellipsis), who_cells), "text"),
        (f" {cut(moved(operation, brief=not wide), room, glyphs.ellipsis)}", "dim"),
    )


def began_at(operation: Operation) -> float:
    """When it began, by its writer's clock, unix seconds."""
    if operation.intent is not None:
        return operation.intent.at
    match = _WHEN.match(operation.id)
    try:
        when = datetime.strptime(match[0] if match else "", "%Y%m%dT%H%M%SZ")
    except ValueError:
        return 0.0
    return when.replace(tzinfo=UTC).timestamp()


def who(operation: Operation) -> str:
    """Who began it."""
    intent = operation.intent
    return f"{intent.user or '?'}@{intent.host or '?'}" if intent else "not readable"


def moved(operation: Operation, *, brief: bool) -> str:
    """How many files it brings into `metadata/` and takes out: `4 in, 23 out`; else each kind by its name."""
    if operation.intent is None:
        return "damaged"
    intent, outcome = operation.intent, operation.outcome
    new, back, out = len(intent.all_writes), len(intent.restores), len(intent.retires)
    if outcome is not None and operation.kind is OperationKind.GUARD:
        new, out = len(outcome.came), len(outcome.gone)
    if brief:
        return f"{whole(new + back)} in, {whole(out)} out"
    told = [f"{whole(count)} {word}" for count, word in ((new, "new"), (back, "back"), (out, "retired")) if count]
    return ", ".join([*told, *([counted(len(outcome.notes), "note")] if outcome and outcome.notes else [])])


def operation_text(operation: Operation, done: int | None = None, most: int = 2) -> list[Paragraph]:
    """All that the journal tells of an operation; `done` of its steps are taken, where that is known.

    Of its files the first `most` of each kind are named.
    """
    return [
        _labelled("state", _state(operation, done), _STYLES[operation.state]),
        *([_labelled("damaged", operation.fault, "conflict")] if operation.fault else []),
        *(_of_intent(operation.intent, most) if operation.intent else ()),
        *_outcome(operation, most),
    ]


def _labelled(label: str, content: str, style: str = "text") -> Paragraph:
    return runs((f"{label:<{_LABEL}}", "dim"), (content, style), hanging=_LABEL)


def _state(operation: Operation, done: int | None) -> str:
    intent = operation.intent
    if operation.lease is not None and operation.holder is not None:
        return f"held by {held_words(operation.holder)}; {life_words(operation.holder, alive=operation.lease.is_alive)}"
    if operation.state is OperationState.INTERRUPTED:
        if intent is None or done is None:
            return "interrupted: it neither ended nor was undone"
        return f"interrupted: {whole(done)} of {counted(intent.steps, 'step is', 'steps are')} done"
    if operation.state is OperationState.UNDONE:
        by = operation.undone
        return f"undone by {by.by}, {moment(by.at)}" if by else "undone"
    if operation.outcome is None:
        return "over"
    ended = f"{moment(operation.outcome.at)}"
    if operation.state is OperationState.CLOSED:
        return f"closed without being carried out, {ended}"
    return f"done, {ended}"


def _of_intent(intent: Intent, most: int) -> Iterator[Paragraph]:
    writer = f"{intent.user or '?'}@{intent.host or '?'}"
    yield _labelled("by", f"{writer}, process {intent.pid}, {intent.app}, lease {whole(intent.token)}")
    yield _labelled("began", moment(intent.at))
    if intent.command:
        yield _labelled("ran", " ".join(intent.command))
    if intent.undoes:
        yield _labelled("undoes", intent.undoes)
    yield from _handles("new", [write.mark.handle for write in intent.all_writes], most)
    yield from _handles("back", [move.target for move in intent.restores], most)
    yield from _handles("retired", [move.source for move in intent.retires], most)


def _handles(label: str, handles: list[str], most: int) -> Iterator[Paragraph]:
    if handles:
        yield _labelled(label, f"{counted(len(handles), 'file')}: {named(handles, len(handles), most)}")


def _outcome(operation: Operation, most: int) -> Iterator[Paragraph]:
    outcome = operation.outcome
    if outcome is None:
        return
    for note in outcome.notes:
        yield _labelled("note", note, "snapshot")
    came, gone, changed = ([mark.handle for mark in marks] for marks in (outcome.came, outcome.gone, outcome.changed))
    yield from _handles("came", came, most)
    yield from _handles("gone", gone, most)
    yield from _handles("changed", changed, most)
    if outcome.exit_code is not None:
        yield _labelled("exit", str(outcome.exit_code))


def why_wait(operation: Operation) -> str:
    """Why an operation that somebody is at work on, or may be, is neither finished nor taken back."""
    at_it = "is at work on it" if operation.lease is not None and operation.lease.is_alive else "holds the lease for it"
    return f"{who(operation)} {at_it}: wait, and look again (l on Changes)"


def next_text(operation: Operation) -> list[Paragraph]:
    """What can be done about it."""
    label = (f"{'next':<{_LABEL}}", "dim")
    takes_back = (("u", "key"), (" takes it back", "text"))
    if operation.holder is not None:
        waits = (
            ("wait: nothing else is written meanwhile; ", "text"),
            ("l", "key"),
            (" looks again how far it is", "text"),
        )
        return [runs(label, *waits, hanging=_LABEL)]
    if operation.state is OperationState.INTERRUPTED:
        finishes = (("r", "key"), (" finishes it", "text"))
        return [runs(label, *finishes, *((("; ", "text"), *takes_back) if operation.intent else ()), hanging=_LABEL)]
    if operation.state is OperationState.UNDONE or operation.intent is None:
        return []
    return [runs(label, *takes_back, hanging=_LABEL)]
