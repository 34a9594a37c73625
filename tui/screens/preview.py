"""What the previews have in common: a thread asks the engine, the answer is shown if it is still the one wanted.

Keys never wait. A preview of a store that was not read to its end is refused with that reason; so is one that the
engine refuses.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from textual import work
from textual.app import ComposeResult
from textual.containers import Container
from textual.message import Message
from textual.worker import Worker, WorkerState, get_current_worker

from core.errors import SeamlineError
from tui.faults import named
from tui.safe_text import shorten
from tui.screens.base import SeamlineScreen
from tui.state import Session
from tui.widgets.line import Line, Piece
from tui.widgets.panel import Panel
from tui.widgets.prose import Paragraph, Prose, text

Result = TypeVar("Result")


@dataclass
class Answered(Message):
    """The engine's answer to a question that was asked with `key`."""

    key: Hashable
    answer: Any


@dataclass
class Refused(Message):
    """The engine has no answer to the question that was asked with `key`, or a fault of the program hides it."""

    key: Hashable
    reason: str
    hint: str


class PreviewScreen(SeamlineScreen, Generic[Result]):
    """A screen around one answer of the engine. `result` is None until it is there."""

    DEFAULT_CSS = """
    PreviewScreen {
        #preview { height: 1fr; layout: vertical; }
        #twin { background: $surface; }
        &.-nothing #preview { display: none; }
    }
    """
    #: Whether a store that was read in part only may be asked.
    NEEDS_ALL = True

    def __init__(self) -> None:
        super().__init__()
        self.result: Result | None = None
        self._asked: Hashable = None

    @abstractmethod
    def question(self) -> tuple[Hashable, Callable[[], Result]] | None:
        """What to ask, as a key that says whether it is still wanted, and a function for a thread; or nothing."""

    @abstractmethod
    def compose_preview(self) -> ComposeResult:
        """The widgets of an answer."""

    @abstractmethod
    def show_result(self) -> None:
        """Show `result`, which is not None."""

    def compose_body(self) -> ComposeResult:
        """A notice where there is no answer, else the answer."""
        yield Panel(Prose(id="refusal"), id="instead")
        with Container(id="preview"):
            yield from self.compose_preview()

    def session_changed(self, before: Session, now: Session) -> None:
        """Ask anew when the store was read anew."""
        self.ask()

    def ask(self) -> None:
        """Ask the engine what is wanted now, or say why not."""
        refusal = self.session.why_incomplete if self.NEEDS_ALL else None
        if refusal is not None:
            self._asked = self.result = None
            self._notice([text(f"No preview: {refusal}.", "strong")])
            return
        question = self.question()
        if question is None or question[0] == self._asked:
            return
        self._asked, run = question
        if self.result is None:
            self._notice([text("Working it out.", "dim")])
        self._run(self._asked, run)

    @work(thread=True, exclusive=True, group="preview", exit_on_error=False, description="preview")
    def _run(self, key: Hashable, run: Callable[[], Result]) -> None:
        worker = get_current_worker()
        try:
            answer = run()
        except SeamlineError as error:
            self.post_message(Refused(key, error.message, error.hint))
            return
        if not worker.is_cancelled:
            self.post_message(Answered(key, answer))

    def on_answered(self, message: Answered) -> None:
        """Show it, unless something else is wanted by now."""
        if message.key == self._asked:
            self.result = message.answer
            self.remove_class("-nothing")
            self.show_result()
            self.refresh_lines()

    def on_refused(self, message: Refused) -> None:
        """Say why there is nothing to show."""
        if message.key == self._asked:
            self.result = None
            self._notice([text(f"No preview: {message.reason}", "strong"), text(message.hint, "dim")])
            self.refresh_lines()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A fault in the program itself is said, not hidden, and does not end the app."""
        fault = event.worker.error
        if event.state is not WorkerState.ERROR or fault is None:
            return
        reason, hint = named(fault), f"this is a fault in seamline; {self.seamline.keep_fault(fault)}"
        if event.worker.group == "preview":
            self.post_message(Refused(self._asked, reason, hint))
        else:
            self.say(f"{reason} ({hint})")

    def show_twin(self, command: str, *, copied: bool = True) -> None:
        """The line with the command that gives the same answer without the app; `copied`: it is what `y` copies."""
        room = max(20, self.size.width - 14)
        shown = shorten(command, room, self.glyphs.ellipsis)
        lead = "y copies  " if copied else "command   "
        self.query_one("#twin", Line).show((Piece(((lead, "dim"), (shown, "key"))),))

    def action_export(self) -> None:
        """Write the document of the answer; made in a thread, for it may be long."""
        if self.result is None:
            self.say("nothing to export yet")
        else:
            self._export()

    @work(thread=True, exclusive=True, group="export", exit_on_error=False, description="export")
    def _export(self) -> None:
        try:
            said = self.seamline.export(self.SCREEN.value.replace(" ", "-"), self.export_document())
        except SeamlineError as error:
            said = f"not exported: {error.message}"
        self.app.call_from_thread(self.say, said)

    def say_instead(self, sentence: str) -> None:
        """A sentence where the answer would be."""
        self._asked = None
        self._notice([text(sentence, "strong")])

    def _notice(self, sentence: list[Paragraph]) -> None:
        self.add_class("-nothing")
        self.query_one("#refusal", Prose).show_text(sentence)
