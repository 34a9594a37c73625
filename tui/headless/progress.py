"""Who follows a look from the command line: a line on stderr if that is a terminal, records if they are streamed."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from core.manifests import EvidenceProgress, plan_evidence
from core.snapshot import Progress, Snapshot
from core.storage import StoreReader
from tui.headless.capabilities import is_dumb, on_terminal, percent, status_line
from tui.headless.json_text import SCHEMA
from tui.headless.output import draw, put_record
from tui.headless.stopping import Stop
from tui.numbers import size


class Follower(Protocol):
    """Follows the reading of metadata and of manifests; Ctrl-C stops either, not the follower."""

    def progress(self, progress: Progress | EvidenceProgress) -> None:
        """Told after each piece of work."""

    def stopped(self) -> bool:
        """Whether to stop."""


def follower(json_lines: bool = False) -> Follower:
    """Whoever should follow this command."""
    if json_lines:
        return InPercent(stream_progress)
    return InPercent(draw_line) if on_terminal() else Unseen()


#: Work that says nothing of how far it is says at least so often, in seconds, that it goes on; less often where every
#: line stays.
_EVERY: Final = 1.0
_SELDOM: Final = 10.0


class _Line:
    """The line of progress on this terminal: when it was last drawn, by the clock of `time.monotonic`."""

    drawn = 0.0

    @classmethod
    def draw(cls, text: str) -> None:
        """Put the line in place of what it was."""
        cls.drawn = time.monotonic()
        draw(status_line(text))


@contextmanager
def at_work(what: str) -> Iterator[None]:
    """Inside, a terminal is told every second what is being done and for how long, unless it was told how far that is.

    Ctrl-C ends it as ever: nothing is written inside.
    """
    if not on_terminal():
        yield
        return
    done = threading.Event()
    teller = threading.Thread(target=_tell, args=(what, done), daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()
        draw(status_line(""))


def _tell(what: str, done: threading.Event) -> None:
    began, every = time.monotonic(), _SELDOM if is_dumb() else _EVERY
    while not done.wait(_EVERY / 4):
        now = time.monotonic()
        if now - _Line.drawn >= every and now - began >= every:
            _Line.draw(f"{what}: {int(now - began):,} s so far, Ctrl-C stops")


def announce(
    reader: StoreReader, snapshot: Snapshot, level: int, json_lines: bool, manifests: Collection[str] | None = None
) -> None:
    """Say what a deep look (at `manifests` alone, if given) will read before it starts, where somebody follows it."""
    if not json_lines and not on_terminal():
        return
    plan = plan_evidence(reader, snapshot, level, manifests=manifests)
    if json_lines:
        will_read = {"manifests": plan.manifests, "files": plan.files, "bytes": plan.bytes}
        put_record({"schema": SCHEMA, "message_type": "progress", "level": level, "will_read": will_read})
    else:
        sys.stderr.write(f"level {level} looks at {plan.files:,} files and reads {size(plan.bytes)}\n")


class Unseen:
    """Nobody looks."""

    def progress(self, progress: Progress | EvidenceProgress) -> None:
        """Ignored."""

    def stopped(self) -> bool:
        """Never."""
        return False


class StoppedBy:
    """A follower that also stops when Ctrl-C was pressed while nothing may be cut short."""

    def __init__(self, follower: Follower, stop: Stop) -> None:
        self._follower = follower
        self._stop = stop

    def progress(self, progress: Progress | EvidenceProgress) -> None:
        """Passed on."""
        self._follower.progress(progress)

    def stopped(self) -> bool:
        """Whether to stop."""
        return self._stop.requested or self._follower.stopped()


class InPercent(Unseen):
    """Tells `tell` what is read, how much of it and of how much, whenever that changes a percentage."""

    def __init__(self, tell: Callable[[str, int, int], None]) -> None:
        self._tell = tell
        self._told = ("", -1)

    def progress(self, progress: Progress | EvidenceProgress) -> None:
        """Tell it, if it is news."""
        news = (_what(progress), percent(progress.done, progress.total))
        if news != self._told:
            self._told = news
            self._tell(news[0], progress.done, progress.total)


def draw_line(what: str, done: int, total: int) -> None:
    """One line on the terminal that says how far reading has come, and that is gone when it is over."""
    _Line.draw("" if done >= total else f"reading {what}: {done:,} of {total:,}")


def stream_progress(what: str, done: int, total: int) -> None:
    """A `progress` record."""
    put_record({"schema": SCHEMA, "message_type": "progress", "reading": what, "done": done, "total": total})


def _what(progress: Progress | EvidenceProgress) -> str:
    return progress.folder if isinstance(progress, Progress) else "manifests"
