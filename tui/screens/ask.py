"""A question in one line at the foot of the screen; Escape leaves it unanswered.

An answer that can't be taken stays as it was typed, under a line that says why, until it is changed; so does one of
which that is known only later, when the same question is asked again with it.
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
from tui.widgets.bands import Bands
from tui.widgets.line import Line, piece
from tui.widgets.painted import STYLE_CLASSES
from tui.widgets.prose import text, wrapped


class AskScreen(KeepsGoing, ModalScreen[str | None]):
    """Asks `question`; the result is what was typed, or None.

    `check` says of an answer why it can't be taken, or nothing; `why` is that of the `value` to begin with.
    """

    CSS_PATH = "ask.tcss"
    COMPONENT_CLASSES: ClassVar[set[str]] = {*STYLE_CLASSES}
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Never mind", show=False)]

    def __init__(
        self,
        question: str,
        example: str = "",
        value: str = "",
        check: Callable[[str], str] | None = None,
        *,
        why: str = "",
    ) -> None:
        super().__init__()
        self._why = why
        self._check = check
        self._question = question
        self._example = example
        self._value = value

    def compose(self) -> ComposeResult:
        """The question, the input, and how to leave."""
        with Vertical(id="asking"):
            yield Bands(id="refused")
            if self._value and self._example:
                # Behind a value there is no room for what else could be typed.
                yield Line(id="example")
            with Horizontal(id="ask"):
                yield Line(id="question")
                # What is refused is to be changed, not typed anew.
                keeps = bool(self._why)
                answer = Input(self._value, placeholder=self._example, id="answer", select_on_focus=not keeps)
                answer.cursor_blink = False
                yield answer

    def on_mount(self) -> None:
        """Ready to type."""
        for example in self.query("#example").results(Line):
            example.show((piece(self._example, "dim"),))
        question = self.query_one("#question", Line)
        question.show((piece(self._question, "title"),))
        question.styles.width = len(self._question) + 2
        if self._why:
            self._refuse(self._why)

    @on(Input.Submitted)
    def _answered(self, event: Input.Submitted) -> None:
        why = self._check(event.value) if self._check else ""
        if why:
            self._value = event.value
            self._refuse(why)
        else:
            self.dismiss(event.value)

    def _refuse(self, why: str) -> None:
        words = [text(why, "conflict", indent=1)]
        height = len(wrapped(words, self.size.width))
        if height == 1 and len(ways := f"{why}: change it, or Esc") < self.size.width:
            words = [text(ways, "conflict", indent=1)]
        self.query_one("#refused", Bands).show(lambda width: wrapped(words, width), height)
        self.add_class("-refused")

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        self.set_class(self.has_class("-refused") and event.value == self._value, "-refused")


def for_word(word: str, purpose: str, otherwise: str) -> AskScreen:
    """Asks for a word which confirms that `purpose` is meant; without it, what `otherwise` says holds."""
    return AskScreen(
        f"Type {word} {purpose}",
        f"Esc: {otherwise}",
        check=lambda answer: "" if answer.strip() == word else f"{otherwise}: the word is {word}",
    )
