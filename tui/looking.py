"""Looking at a store, in a thread: read, then check, each result posted as one immutable message.

numpy and the engine are imported here, when the first frame is already up.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from textual.message import Message

from core.errors import SeamlineError
from tui.messages import Checked, LookFailed, ReadAll, ReadSome

if TYPE_CHECKING:
    from core.engine import Engine
    from core.snapshot import Progress
    from tui.triaging import Notes

#: A picture of what is there so far is made no more often than this, nor so often that it would slow reading down.
PARTIAL_PICTURE_SECONDS: Final = 0.3
#: So long after the operator has had enough, a storage that still gives no answer is waited for no more.
PATIENCE_SECONDS: Final = 1.0
#: Counts are shown no more often than this, unless they are more by a hundredth.
COUNT_SECONDS: Final = 0.05
PICTURE_SHARE: Final = 5


def look_at_store(
    connect: Callable[[], Engine],
    post: Callable[[Message], object],
    stopped: Callable[[], bool],
    notes: Notes | None = None,
) -> None:
    """Read and check the store, telling `post` what is found. A store that was not read to its end is not checked.

    With `notes` the operator's are loaded as well.
    """
    from core.picture import build_picture
    from tui.texts.summary import tally, unreadable_files
    from tui.triaging import chosen_before

    try:
        engine = connect()
        snapshot = engine.look(_Follower(post, stopped))
        picture = build_picture(snapshot.index)
        post(ReadAll(snapshot, picture, unreadable_files(snapshot.index), engine.unfinished(snapshot)))
        if snapshot.complete:
            report = engine.check(snapshot)
            picture = picture.with_zones(report.zones)
            triage = notes.load(engine.location, snapshot) if notes else None
            chosen = chosen_before(snapshot, report.zones, triage) if triage else ()
            post(Checked(report, picture, tally(report.zones, picture), triage, chosen))
    except SeamlineError as error:
        post(LookFailed(error.message, error.hint))


def given_up(last: ReadSome | None) -> Message:
    """What is told of a look whose storage gives no answer any more: what was there the last time, if anything."""
    if last is None or last.snapshot is None or last.picture is None:
        return LookFailed("reading was stopped while the storage gave no answer", "")
    from core.journal import unfinished_in
    from tui.texts.summary import unreadable_files

    return ReadAll(last.snapshot, last.picture, unreadable_files(last.snapshot.index), unfinished_in((), None))


class _Follower:
    """Follows a look: counts always, a picture when it is worth its time."""

    def __init__(self, post: Callable[[Message], object], stopped: Callable[[], bool]) -> None:
        self._post = post
        self.stopped = stopped
        self._next_picture = time.monotonic() + PARTIAL_PICTURE_SECONDS
        self._next_count = 0.0
        self._percent = -1

    def progress(self, progress: Progress) -> None:
        """Tell how far it is, if that is news."""
        began = time.monotonic()
        percent = 100 * progress.done // max(1, progress.total)
        if progress.folder != "metadata" or (began < self._next_count and percent == self._percent):
            return
        self._next_count, self._percent = began + COUNT_SECONDS, percent
        picture = partial = None
        if began >= self._next_picture and progress.done < progress.total:
            from core.picture import build_picture

            partial = progress.partial()
            picture = build_picture(partial.index)
            now = time.monotonic()
            self._next_picture = now + max(PARTIAL_PICTURE_SECONDS, PICTURE_SHARE * (now - began))
        self._post(ReadSome(progress.done, progress.total, picture, partial))
