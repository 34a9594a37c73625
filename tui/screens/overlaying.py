"""Writing an overlay: the folder is asked for, a thread writes it, and stock's command through it is shown."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from textual import work
from textual.message import Message

from core.errors import SeamlineError, UsageError
from core.overlay import WrittenOverlay, describe, restore_size, write_overlay
from core.recovery import Recovery
from tui.commands import Context
from tui.headless.wishes import WITHOUT_CHOICES
from tui.screens.ask import AskScreen, for_word
from tui.screens.recovering import RecoveryScreen
from tui.texts.restore import overlay_text
from tui.widgets.prose import Paragraph, text

if TYPE_CHECKING:
    from core.engine import Engine

Result = TypeVar("Result")
_EXAMPLE: Final = "a new or empty folder, outside of the store"
_NOT_WRITTEN: Final = "no overlay was written"


@dataclass
class OverlayDone(Message):
    """The overlay of a recovery was written, or why it was not; `told` is what is to be known of it.

    `unfit` is a folder that was typed and will not do.
    """

    recovery: Recovery
    written: WrittenOverlay | None
    told: tuple[str, ...]
    unfit: str = ""


class OverlayScreen(RecoveryScreen[Result]):
    """A preview of a recovery from which an overlay can be written. Its `overlay` is what was written of the answer."""

    def __init__(self) -> None:
        super().__init__()
        self.overlay: WrittenOverlay | None = None

    @property
    @abstractmethod
    def recovery(self) -> Recovery | None:
        """What is shown."""

    @abstractmethod
    def tell(self, title: str, story: Sequence[Paragraph]) -> None:
        """Show what came of it in place of the verdict."""

    def no_overlay(self) -> str | None:
        """Why no overlay can be written."""
        if self.recovery is None:
            return "there is no preview"
        return "nothing can be restored from what is here" if self.recovery.preview.best is None else None

    def context(self) -> Context:
        """Whether there is something for an overlay to show."""
        return replace(super().context(), obstacle=self.no_overlay())

    def action_overlay(self) -> None:
        """Ask for the folder of the overlay; before that for a word where it can't follow what was chosen."""
        if self.recovery is not None and self.recovery.has_unused_choices:
            question = for_word(WITHOUT_CHOICES, "for an overlay without what you chose", _NOT_WRITTEN)
            self.app.push_screen(question, self._take_word)
        else:
            self._ask_for_folder()

    def _take_word(self, answer: str | None) -> None:
        if answer is None:
            self.say(_NOT_WRITTEN)
        else:
            self._ask_for_folder()

    def _ask_for_folder(self, folder: str = "", why: str = "") -> None:
        question = AskScreen("Folder for the overlay", _EXAMPLE, folder, _why_no_folder, why=why)
        self.app.push_screen(question, self._take_folder)

    def _take_folder(self, answer: str | None) -> None:
        engine, recovery, folder = self.seamline.engine, self.recovery, (answer or "").strip()
        if recovery is None or engine is None or not folder:
            self.say(_NOT_WRITTEN)
            return
        self.say("writing the overlay")
        self._write_overlay(engine, recovery, folder)

    @work(thread=True, exclusive=True, group="overlay", exit_on_error=False, description="overlay")
    def _write_overlay(self, engine: Engine, recovery: Recovery, folder: str) -> None:
        try:
            overlay = engine.plan_overlay(recovery)
            written = write_overlay(overlay, _at_home(folder))
        except SeamlineError as error:
            unfit = folder if isinstance(error, UsageError) else ""
            self.post_message(OverlayDone(recovery, None, (error.message, error.hint), unfit))
        else:
            told = describe(overlay, restore_size(recovery, recovery.evidence))
            self.post_message(OverlayDone(recovery, written, told))

    def on_overlay_done(self, message: OverlayDone) -> None:
        """The command to paste, or why there is none."""
        written = message.written
        if message.recovery is not self.recovery:
            self.say(f"the overlay is in {written.folder}" if written else f"no overlay: {message.told[0]}")
            return
        self.say("")
        if written is None:
            reason, hint = message.told
            if message.unfit and self.is_current:
                self._ask_for_folder(message.unfit, reason)
                return
            self.tell("No overlay was written", [text(f"{reason}.", "conflict"), text(hint, "dim")])
            return
        self.overlay = written
        self.tell("The overlay is written", overlay_text(written, message.told))


def _why_no_folder(answer: str) -> str:
    """Why an answer names no folder; of one that it names the disk says later whether it will do."""
    return "" if answer.strip() else "name a folder"


def _at_home(folder: str) -> str:
    """A folder whose `~` is spelled out, unless that is of a user whom nobody knows."""
    with suppress(RuntimeError):
        return str(Path(folder).expanduser())
    return folder
