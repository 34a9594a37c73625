"""Whoever waits for an answer that is thought out, not read, may stop it: what thinks asks between its steps.

The wish belongs to the thread that thinks, not to the question: an answer is the same whoever waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from core.errors import Stopped

_stopped: Final[ContextVar[Callable[[], bool] | None]] = ContextVar("stopped", default=None)


@contextmanager
def stoppable(stopped: Callable[[], bool]) -> Iterator[None]:
    """Inside, `require_wanted` raises `Stopped` as soon as `stopped` says so."""
    before = _stopped.set(stopped)
    try:
        yield
    finally:
        _stopped.reset(before)


def require_wanted() -> None:
    """Raises `Stopped` where nobody waits for the answer any more."""
    stopped = _stopped.get()
    if stopped is not None and stopped():
        raise Stopped("stopped while a chain was looked for")
