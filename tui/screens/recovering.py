"""What the previews of a restore and of a repair have in common: they look into manifests, and may be told how to."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeVar

from textual.message import Message

from core.chain import Policy
from core.stopping import stoppable
from tui.recovering import Patience
from tui.screens.ask import AskScreen
from tui.screens.preview import Answered, PreviewScreen
from tui.widgets.prose import text

if TYPE_CHECKING:
    from core.manifests import EvidenceProgress

Result = TypeVar("Result")
_POLICIES: Final = "  ".join(Policy)


@dataclass
class LookingInto(Message):
    """The answer to the question `key` takes long: `done` of `total` manifests are read."""

    key: Hashable
    done: int
    total: int

    def can_replace(self, message: Message) -> bool:
        """Whether `message`, which is newer, makes this one needless."""
        return isinstance(message, LookingInto)


class RecoveryScreen(PreviewScreen[Result]):
    """A preview whose answer may take manifests to be read; leaving the screen, or another question, stops that."""

    def __init__(self) -> None:
        super().__init__()
        self._tells = False

    @abstractmethod
    def recovery_question(self) -> tuple[Hashable, Callable[[Patience], Result]] | None:
        """As `question`, with a function that follows the reading of manifests."""

    def question(self) -> tuple[Hashable, Callable[[], Result]] | None:
        """What to ask, with a watch that gives up as soon as something else is wanted."""
        asked = self.recovery_question()
        if asked is None:
            return None
        key, run = asked

        def tell(progress: EvidenceProgress) -> None:
            self.post_message(LookingInto(key, progress.done, progress.total))

        def answer() -> Result:
            watch = Patience(tell, lambda: self._asked != key)
            with stoppable(watch.stopped):
                return run(watch)

        return key, answer

    def on_looking_into(self, message: LookingInto) -> None:
        """Say how far it is."""
        if message.key != self._asked:
            return
        self._tells = True
        far = f"looking into manifests, {message.done:,} of {message.total:,}"
        self.say(f"{far}: Esc stops it and goes back")
        if self.result is None:
            self._notice([text(f"{far}.", "dim")])

    def on_answered(self, message: Answered) -> None:
        """It is there."""
        if self._tells:
            self._tells = False
            self.say("")
        super().on_answered(message)

    def on_unmount(self) -> None:
        """Nobody waits any more."""
        self._asked = None

    def action_policy(self) -> None:
        """Ask what is preferred where manifests compete."""
        now = self.seamline.wishes.policy
        self.app.push_screen(AskScreen("Policy", _POLICIES, now, _why_no_policy), self._take_policy)

    def _take_policy(self, answer: str | None) -> None:
        if answer is not None:
            self.seamline.wishes = replace(self.seamline.wishes, policy=_policies(answer)[0])
            self.ask()


def _why_no_policy(answer: str) -> str:
    """Why an answer names no policy; empty if it names one."""
    return "" if len(_policies(answer)) == 1 else "type one of these names, or how one begins"


def _policies(answer: str) -> list[str]:
    """The policies whose names begin as was typed."""
    return [policy.value for policy in Policy if policy.value.startswith(answer.strip().lower())]
