"""How long stock's readers may stumble over a change: they list `metadata/` first, and open each file afterwards.

Nothing of ours can help a reader that has listed a file which then moves away: it ends with an error once, and reads
well when it is started again. All moves come last, one right after the other, and take about as long as told here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.changes.model import ChangeSet
from core.phrases import count
from core.storage import is_command_adapter, is_object_location

#: What a reader that opens what has moved ends with.
STOCK_SAYS: Final = "No such file or directory (os error 2)"
#: Usual seconds of a move, guards and all: in a folder, in a bucket (64 at the same time), by commands (4 of them).
_IN_FOLDER: Final = 0.001
_IN_BUCKET: Final = 0.3 / 64
_BY_COMMANDS: Final = 2.0 / 4
#: Files that a storage which is no folder moves at least in the time of one.
_SLOW_START: Final = {_IN_BUCKET: 0.3, _BY_COMMANDS: 2.0}


@dataclass(frozen=True, slots=True)
class Window:
    """The moves of a change that take files away from readers: how many, and about how many seconds they take."""

    moves: int
    seconds: float

    @property
    def words(self) -> str:
        """What an operator should know of it, in one sentence."""
        when = "less than a second" if self.seconds < 1 else f"about {count(round(self.seconds), 'second')}"
        files = count(self.moves, "file moves", "files move")
        return (
            f"{files} out of metadata/ at the end, together, in {when}: a stock reader (restore, backup, verify) that "
            f'has listed before and opens meanwhile can fail once with "{STOCK_SAYS}"; start it again.'
        )


def window_of(change: ChangeSet, location: str) -> Window | None:
    """For how long a change on the store at `location` disturbs readers; None where nothing moves away."""
    moves = len(change.retires)
    if not moves:
        return None
    each = _IN_FOLDER
    if is_command_adapter(location):
        each = _BY_COMMANDS
    elif is_object_location(location):
        each = _IN_BUCKET
    return Window(moves, max(_SLOW_START.get(each, 0.0), moves * each))
