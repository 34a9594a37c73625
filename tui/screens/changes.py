"""The journal: every operation on the store, newest first, what it did and how it ended; resume and undo."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Container

from core.invocation import Log
from core.journal import Operation, OperationState, Unfinished
from tui import proposal as proposals
from tui.commands import Context, Screens
from tui.export import journal_document
from tui.safe_text import safe
from tui.screens.change import ChangeScreen
from tui.screens.preview import PreviewScreen
from tui.state import Session
from tui.texts import operation as texts
from tui.widgets.line import Line, Piece, piece
from tui.widgets.panel import Panel
from tui.widgets.prose import Prose, text
from tui.widgets.rows import MadeRows, RowList

#: How many files of an operation are named where there is room.
_NAMED: Final = 40


@dataclass(frozen=True, slots=True, eq=False)
class Journal:
    """The operations of a store, newest first; `done` is how many steps of those that were cut off are taken.

    `unfinished` says who was at work when the journal was read.
    """

    operations: tuple[Operation, ...]
    done: Mapping[str, int]
    unfinished: Unfinished


class ChangesScreen(PreviewScreen[Journal]):
    """A list of operations, and one of them in full."""

    SCREEN = Screens.CHANGES
    CSS_PATH = "changes.tcss"
    AUTO_FOCUS = "#operation-list"
    NEEDS_ALL = False

    def __init__(self) -> None:
        super().__init__()
        self._looks = 0

    # --- asking ---------------------------------------------------------------------------------------------------

    def question(self) -> tuple[Hashable, Callable[[], Journal]] | None:
        """The journal as it is, read anew with every look, and by its own key."""
        engine, snapshot = self.seamline.engine, self.session.snapshot
        if engine is None or snapshot is None:
            return None

        def run() -> Journal:
            unfinished = engine.unfinished()
            operations = tuple(reversed(engine.log(unfinished)))
            waiting = (each for each in operations if each.state is OperationState.INTERRUPTED)
            done = {each.id: len(proposals.done_steps(each, snapshot)) for each in waiting}
            return Journal(operations, done, unfinished)

        return (snapshot, self._looks), run

    def session_changed(self, before: Session, now: Session) -> None:
        """Read the journal anew when the store was."""
        if now.snapshot is None:
            self.result = None
            self.say_instead(f"No journal yet: {now.why_incomplete or 'nothing is read'}.")
        super().session_changed(before, now)

    # --- what is shown --------------------------------------------------------------------------------------------

    def compose_preview(self) -> ComposeResult:
        """The list, and beside or below it what is selected in it."""
        with Container(id="parts"):
            yield Panel(RowList(id="operation-list"), id="operations")
            yield Panel(Prose(id="operation-text"), id="operation")
        yield Line(id="twin")

    @property
    def _list(self) -> RowList:
        return self.query_one("#operation-list", RowList)

    @property
    def selected(self) -> Operation | None:
        """The operation under the cursor."""
        return self._operations[self._list.cursor] if self._list.cursor < len(self._operations) else None

    @property
    def _operations(self) -> tuple[Operation, ...]:
        return self.result.operations if self.result else ()

    def show_result(self) -> None:
        """The journal, newest operation first."""
        operations, glyphs = self._operations, self.glyphs
        if self.result is not None:
            self.seamline.seen_again(self.result.unfinished)
        if not operations:
            self._say_empty()
            return
        rows = MadeRows(len(operations), lambda index, width: texts.operation_row(operations[index], width, glyphs))
        self._list.show(rows, min(self._list.cursor, len(operations) - 1))
        self.query_one("#operations", Panel).label(f"Operations, newest first  {len(operations):,}")
        self.show_twin(self.line(Log(json=True)))
        self._show_operation()

    def _say_empty(self) -> None:
        fault = self.session.snapshot.journal_fault if self.session.snapshot else None
        self._notice(
            [text(f"The journal can't be looked at: {fault}", "conflict")]
            if fault
            else [
                text("The journal is empty: nothing was ever changed here by this tool.", "strong"),
                text("What is carried out from a change set is listed here, with its undo.", "dim"),
            ]
        )

    def _show_operation(self) -> None:
        operation = self.selected
        if operation is None or self.result is None:
            return
        can_write = not self.session.read_only
        self.query_one("#operation", Panel).label(operation.id, "Enter files")
        done = self.result.done.get(operation.id)
        most = _NAMED if self.has_class("-wide") and self.has_class("-tall") else 2
        more = texts.next_text(operation) if can_write else []
        self.query_one("#operation-text", Prose).show_text([*texts.operation_text(operation, done, most), *more])

    def on_resize(self) -> None:
        """More files are named where there is room."""
        super().on_resize()
        self.call_after_refresh(self._show_operation)

    @on(RowList.Moved, "#operation-list")
    def _moved(self) -> None:
        self._show_operation()
        self.refresh_lines()

    @on(RowList.Opened, "#operation-list")
    def _opened(self) -> None:
        self.action_open()

    def header_pieces(self) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """How many operations there are."""
        damaged = sum(each.fault is not None for each in self._operations)
        right = [piece(f"{damaged:,} damaged", "conflict", 1)] if damaged else []
        return (piece("Changes", "title"), piece(safe(self.session.location), "strong", 2)), right

    def status_pieces(self) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """The selected operation."""
        operation = self.selected
        if operation is None:
            return (), ()
        place = f"operation {self._list.cursor + 1:,} of {len(self._operations):,}"
        return (piece(place, "strong"), piece(f"{operation.kind.value} by {safe(texts.who(operation))}", "text", 1)), ()

    # --- what can be done -----------------------------------------------------------------------------------------

    def context(self) -> Context:
        """What can be done with the selected operation."""
        operation = self.selected
        if operation is None:
            why = "there is no operation"
            return replace(super().context(), not_undone=why, not_resumed=why)
        waits = operation.state is OperationState.INTERRUPTED
        undone = operation.state is OperationState.UNDONE
        if operation.holder is not None:
            why = texts.why_wait(operation)
            return replace(super().context(), has_entry=True, not_undone=why, not_resumed=why)
        return replace(
            super().context(),
            has_entry=True,
            not_undone="it has been undone already" if undone else None,
            not_resumed=None if waits else "it was not interrupted",
        )

    def action_look_again(self) -> None:
        """Lease and journal alone: who is at work by now, and how far."""
        self._looks += 1
        self.ask()

    def action_open(self) -> None:
        """Every file of the selected operation."""
        operation = self.selected
        if operation is not None:
            self.app.push_screen(ChangeScreen(lambda _, session: proposals.recorded(session, operation)))

    def action_resume(self) -> None:
        """What was interrupted, to be finished: the newest first, as an undo comes before what it takes back."""
        self.app.push_screen(ChangeScreen(proposals.interrupted))

    def action_undo(self) -> None:
        """The change set that takes the selected operation back."""
        operation = self.selected
        if operation is not None:
            name = operation.id
            self.app.push_screen(ChangeScreen(lambda engine, session: proposals.undo(engine, session, name)))

    def copy_text(self) -> str:
        """The selected operation's name, as the commands take it."""
        return self.selected.id if self.selected else ""

    def export_document(self) -> dict[str, Any]:
        """The journal as JSON values."""
        assert self.result is not None
        return journal_document(self.result.operations, self.session.location)
