"""What the loading thread tells the app. Each carries something immutable; none is told of a widget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from core.changes.apply import Applied
    from core.changes.ground import ApplyProgress
    from core.engine import Report
    from core.journal import Unfinished
    from core.model import Entry
    from core.picture import Picture
    from core.snapshot import Snapshot
    from core.triage import Triage
    from tui.recovering import Outlook
    from tui.state import Tally


@dataclass
class ReadSome(Message):
    """`done` of `total` files are read; with a picture and the snapshot of what is there, now and then."""

    done: int
    total: int
    picture: Picture | None = None
    snapshot: Snapshot | None = None

    def can_replace(self, message: Message) -> bool:
        """Whether `message`, which is newer, makes this one needless: never a mere count a picture."""
        return isinstance(message, ReadSome) and (self.picture is None or message.picture is not None)


@dataclass
class ReadAll(Message):
    """Reading is over; the snapshot says whether it is complete. So many files of `metadata/` are `unreadable`.

    `unfinished` are the operations that did not end, with the lease as it was then.
    """

    snapshot: Snapshot
    picture: Picture
    unreadable: int
    unfinished: Unfinished


@dataclass
class Checked(Message):
    """The check is done; the picture now has the problems.

    `triage` are the notes on the store if they were loaded, and `chosen` the entries that these choose.
    """

    report: Report
    picture: Picture
    tally: Tally
    triage: Triage | None = None
    chosen: tuple[Entry, ...] = ()


@dataclass
class LookFailed(Message):
    """The store could not be looked at."""

    error: str
    hint: str


@dataclass
class LookingAhead(Message):
    """Looking ahead takes long: `done` of `total` manifests are read."""

    done: int
    total: int

    def can_replace(self, message: Message) -> bool:
        """Whether `message`, which is newer, makes this one needless."""
        return isinstance(message, LookingAhead)


@dataclass
class LookedAhead(Message):
    """How far overlay and repair would bring the store."""

    outlook: Outlook


@dataclass
class NotLookedAhead(Message):
    """Why nobody can tell how far overlay and repair would bring the store."""

    reason: str


@dataclass
class JobProgress(Message):
    """The operation that was confirmed is about to take a step."""

    progress: ApplyProgress

    def can_replace(self, message: Message) -> bool:
        """Whether `message`, which is newer, makes this one needless."""
        return isinstance(message, JobProgress)


@dataclass
class JobDone(Message):
    """The operation, or all those that were resumed, came to their end."""

    applied: tuple[Applied, ...]


@dataclass
class JobFailed(Message):
    """The operation was refused, was stopped, or failed; `kind` is the error's kind."""

    kind: str
    error: str
    hint: str


@dataclass
class JobWaits(Message):
    """The operation waits for a lease that somebody holds: `holder` says who, since when, doing what."""

    holder: str

    def can_replace(self, message: Message) -> bool:
        """Whether `message`, which is newer, makes this one needless."""
        return isinstance(message, JobWaits)
