"""Several acts at the same time, where a storage gains by it: each request to a bucket waits for the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from core.errors import OutcomeUnknown, SeamlineError

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
    """The results among what came of some acts. Raises an error instead, if there is one.

    Of several the first, but an unknown outcome before all others: what may have been done has to be said.
    """
    errors = [outcome for outcome in outcomes if isinstance(outcome, SeamlineError)]
    if errors:
        raise next((error for error in errors if isinstance(error, OutcomeUnknown)), errors[0])
    return [outcome for outcome in outcomes if not isinstance(outcome, SeamlineError)]


def results(acts: Sequence[Callable[[], _T]]) -> list[_T]:
    """The results of all acts; the first error is raised once all have ended."""
    return raised(together(acts))


def _caught(act: Callable[[], _T]) -> _T | SeamlineError:
    try:
        return act()
    except SeamlineError as error:
        return error
