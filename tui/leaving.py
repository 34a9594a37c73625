"""Being asked to end by a signal: one road out of the app, whichever signal it is, and a last word that is true.

The first one stops what is read and, between two steps, what is written, and waits for that; the second, or waiting too
long, ends the process at once. Either way the terminal is as it was before, and what was done is said.
"""

from __future__ import annotations

import os
import signal
import threading
from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Final

from core.errors import SeamlineError, Stopped
from core.invocation import Log
from tui.job import Job, JobPhase
from tui.safe_text import safe
from tui.terminal import Terminal

if TYPE_CHECKING:
    from tui.app import SeamlineApp

#: Seconds that a step has to end in. What runs programs waits for some 30 before it kills them.
PATIENCE: Final = 20.0
_ASKS_TO_END: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class EndedByFault(SeamlineError):
    """A fault of the program took the app along; the message says what is true of the store."""

    kind = "internal"


def last_word(
    cause: str, job: Job | None, was_running: bool, location: str, *, by_fault: bool = False
) -> SeamlineError:
    """What is true of the store when the app ends for a cause that is not the operator's key.

    `job` is the last operation, which `was_running` when the end was asked for. Raised by who ran the app, it is told
    as any error is.
    """
    kind = EndedByFault if by_fault else Stopped
    log = Log(location)
    if job is None:
        return kind(f"{cause}; nothing was written")
    if not was_running:
        return kind(f"{cause}; nothing was under way", hint=f"{log} shows what was done before")
    if job.phase is JobPhase.DONE:
        operations = "".join(f", operation {applied.operation}," for applied in job.applied)
        return kind(f"{cause}; {job.word}{operations} was carried out", hint=f"{log} shows it")
    if job.phase is JobPhase.FAILED:
        return kind(f"{cause}; {job.word}: {job.error}", hint=job.hint)
    at = f" at step {job.progress.done + 1:,} of {job.progress.total:,}" if job.progress else " at its beginning"
    return kind(
        f"{cause}; {job.word} was cut off{at}, which may have been carried out all the same",
        hint=f"{log} tells how far it came, and how it goes on",
    )


@contextmanager
def hearing(app: SeamlineApp, loop: AbstractEventLoop, end_children: Callable[[], None]) -> Iterator[None]:
    """Inside, a signal that asks to end ends the app; `end_children` ends the commands that it runs.

    Also one that is ignored: an app whose terminal has gone is of no use to anybody.
    """
    way_out = _WayOut(app, loop, end_children)
    before = {number: signal.signal(number, way_out.hear) for number in _ASKS_TO_END}
    try:
        yield
    finally:
        way_out.close()
        for number, handler in before.items():
            signal.signal(number, handler)


class _WayOut:
    """Hears signals for an app in its event loop."""

    def __init__(self, app: SeamlineApp, loop: AbstractEventLoop, end_children: Callable[[], None]) -> None:
        self._app = app
        self._loop = loop
        self._end_children = end_children
        self._cause = ""
        self._timer: threading.Timer | None = None

    def hear(self, number: int, _frame: FrameType | None) -> None:
        """The handler of a signal: the first one asks, the second one no more."""
        if self._cause:
            self._end_now()
        self._cause = f"asked to end ({signal.Signals(number).name})"
        self._timer = threading.Timer(PATIENCE, self._end_now)
        self._timer.daemon = True
        self._timer.start()
        driver = self._app._driver
        if number == signal.SIGHUP and isinstance(driver, Terminal):
            driver.hung_up()
        self._loop.call_soon_threadsafe(self._app.call_later, self._app.end, self._cause)

    def close(self) -> None:
        """The app has ended by itself."""
        if self._timer is not None:
            self._timer.cancel()

    def _end_now(self) -> None:
        # From a handler, or from the timer's thread: nothing here waits for the event loop, which may be stuck.
        app = self._app
        error = app.last_word or last_word(self._cause, app.job, app.is_changing, app.session.location)
        words = f"seamline: {safe(error.message)}\n" + (f"  hint: {safe(error.hint)}\n" if error.hint else "")
        driver = app._driver
        if isinstance(driver, Terminal):
            driver.give_back(words)
        self._end_children()
        os._exit(error.exit_code)
