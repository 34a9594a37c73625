"""Waiting for an object store so that whoever no longer wants the answer is not kept waiting.

A call of the client hears nothing until it has its answer, be it Ctrl-C or that the app is left. So it is always made
in a thread of a pool of its own, which can be left behind: it ends with the request it is in.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, TypeVar

_NAME: Final = "object store"
_T = TypeVar("_T")


def waited(ask: Callable[[], _T]) -> _T:
    """What `ask` gives, asked in a thread that can be left behind."""
    if _can_be_left(threading.current_thread()):
        return ask()
    with threads(1) as pool:
        return pool.submit(ask).result()


@contextmanager
def threads(workers: int) -> Iterator[ThreadPoolExecutor]:
    """A pool whose end waits for nothing: what was not begun is dropped, what is under way is left alone.

    Only what reads may be done in it.
    """
    pool = ThreadPoolExecutor(workers, _NAME)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def some_left_behind() -> bool:
    """Whether threads still wait for answers; Python would wait for them at its end."""
    return any(map(_can_be_left, threading.enumerate()))


def _can_be_left(thread: threading.Thread) -> bool:
    return thread.name.startswith(_NAME)
