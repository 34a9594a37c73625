"""What the loading thread tells the app. Each carries something immutable; none is told of a widget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from core.engine import Report
    from core.picture import Picture
    from core.snapshot import Snapshot
    from tui.state import Tally


@dataclass
class ReadSome(Message):
    """`done` of `total` files are read; with a picture of what is there, now and then."""

    done: int
    total: int
    picture: Picture | None = None

    def can_replace(self, message: Message) -> bool:
        """Whether `message`, which is newer, makes this one needless: never a mere count a picture."""
        return isinstance(message, ReadSome) and (self.picture is None or message.picture is not None)


@dataclass
class ReadAll(Message):
    """Reading is over; the snapshot says whether it is complete. So many files of `metadata/` are `unreadable`."""

    snapshot: Snapshot
    picture: Picture
    unreadable: int


@dataclass
class Checked(Message):
    """The check is done; the picture now has the problems."""

    report: Report
    picture: Picture
    tally: Tally


@dataclass
class LookFailed(Message):
    """The store could not be looked at."""

    error: str
    hint: str
