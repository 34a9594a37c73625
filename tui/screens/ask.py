"""A question in one line at the foot of the screen; Escape leaves it unanswered.

An answer that can't be taken stays as it was typed, under a line that says why, until it is changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from tui.faults import KeepsGoing
from tui.widgets.line import Line, piece
from tui.widgets.painted import STYLE_CLASSES


class AskScreen(KeepsGoing, ModalScreen[str | None]):
    """Asks `question`; the result is what was typed, or None.

    `check` says of an answer why it can't be taken, or nothing.
    """

    CSS_PATH = "ask.tcss"
    COMPONENT_CLASSES: ClassVar[set[str]] = {*STYLE_CLASSES}
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Never mind", show=False)]

    def __init__(
        self, question: str, example: str = "", value: str = "", check: Callable[[str], str] | None = None
    ) -> None:
        super().__init__()
        self._check = check
        self._question = question
        self._example = example
        self._value = value

    def compose(self) -> ComposeResult:
        """The question, the input, and how to leave."""
        with Vertical(id="asking"):
            yield Line(id="refused")
            if self._value and self._example:
                # Behind a value there is no room for what else could be typed.
                yield Line(id="example")
            with Horizontal(id="ask"):
                yield Line(id="question")
                answer = Input(self._value, placeholder=self._example, id="answer")
                answer.cursor_blink = False
                yield answer

    def on_mount(self) -> None:
        """Ready to type."""
        for example in self.query("#example").results(Line):
            example.show((piece(self._example, "dim"),))
        question = self.query_one("#question", Line)
        question.show((piece(self._question, "title"),))
        question.styles.width = len(self._question) + 2
        self.query_one("#answer", Input).focus()

    @on(Input.Submitted)
    def _answered(self, event: Input.Submitted) -> None:
        why = self._check(event.value) if self._check else ""
        if not why:
            self.dismiss(event.value)
            return
        self.query_one("#refused", Line).show((piece(f"{why}: change it, or Esc", "conflict", 0, why),))
        self.add_class("-refused")

    @on(Input.Changed)
    def _changed(self) -> None:
        self.remove_class("-refused")
