"""Several acts at the same time, where a storage gains by it: each request to a bucket waits for the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from core.errors import SeamlineError

_T = TypeVar("_T")


def waves(items: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    """The items in order, `size` at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def together(acts: Sequence[Callable[[], _T]]) -> list[_T | SeamlineError]:
    """What came of each act, once all of them have ended: its result, or the error that it raised.

    One act alone is carried out by the thread that asks.
    """
    if len(acts) < 2:
        return [_caught(act) for act in acts]
    with ThreadPoolExecutor(len(acts), "change") as pool:
        return list(pool.map(_caught, acts))


def raised(outcomes: Sequence[_T | SeamlineError]) -> list[_T]:
    """The results among what came of some acts. Raises the first error instead, if there is one."""
    told = []
    for outcome in outcomes:
        if isinstance(outcome, SeamlineError):
            raise outcome
        told.append(outcome)
    return told


def results(acts: Sequence[Callable[[], _T]]) -> list[_T]:
    """The results of all acts; the first error is raised once all have ended."""
    return raised(together(acts))


def _caught(act: Callable[[], _T]) -> _T | SeamlineError:
    try:
        return act()
    except SeamlineError as error:
        return error
