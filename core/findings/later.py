"""Findings of which a store may have hundreds of thousands: only what sorts and groups them is held of each.

Their words, entries and claims are made whenever somebody looks at them, and kept only for the last few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final, TypeAlias

from core.findings.catalogue import CATALOGUE
from core.model import Claim, Entry, Finding, LaneKind, Severity

#: Makes the finding of a number, whole.
Make: TypeAlias = Callable[[int], Finding]

#: So many findings that were looked at of one kind are kept whole.
_KEPT: Final = 256


class Later(Finding):
    """A finding that is made whole, by number, when it is looked at.

    Of a detector's findings no two are of one kind, lane and start. `copies` is how many entries one range of it has
    at most.
    """

    __slots__ = ("_make", "_number", "copies")

    _make: Make
    _number: int
    copies: int

    def __init__(
        self,
        make: Make,
        number: int,
        kind: str,
        lane: LaneKind,
        range_: tuple[int, int],
        severity: Severity,
        shape: str | None = None,
        copies: int = 0,
    ) -> None:
        values = (make, number, kind, lane, *range_, severity, shape, copies)
        for name, value in zip(_HELD, values, strict=True):
            object.__setattr__(self, name, value)

    @property
    def whole(self) -> Finding:
        """All of it."""
        return self._make(self._number)

    @property
    def id(self) -> str:
        """Equal from run to run."""
        return self.whole.id

    @property
    def explanation(self) -> str:
        """What is wrong."""
        return self.whole.explanation

    @property
    def cause(self) -> str:
        """How it likely came about."""
        return self.whole.cause

    @property
    def next_step(self) -> str:
        """What to do."""
        return self.whole.next_step

    @property
    def then(self) -> str:
        """What follows from that."""
        return self.whole.then

    @property
    def stock_says(self) -> str | None:
        """Stock's own message."""
        return self.whole.stock_says

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries concerned."""
        return self.whole.entries

    @property
    def claims(self) -> tuple[Claim, ...]:
        """The files and lines that show it."""
        return self.whole.claims

    @property
    def manifests(self) -> tuple[str, ...]:
        """Handles that are no entries of their own."""
        return self.whole.manifests


_HELD: Final = ("_make", "_number", "kind", "lane", "first", "last", "severity", "shape", "copies")


def later(
    make: Make,
    numbers: Iterable[int],
    lane: LaneKind,
    range_of: Callable[[int], tuple[int, int]],
    kinds: str | Sequence[str],
    severities: Sequence[Severity] | None = None,
    shapes: Sequence[str] | None = None,
    copies: Sequence[int] | None = None,
) -> Iterator[Finding]:
    """The findings of `numbers`, each made by `make` once it is looked at, which has to agree with what is said here.

    The sequences have a value for each number there can be; without `severities` it is that of the catalogue.
    """
    whole = lru_cache(_KEPT)(make)
    for number in numbers:
        kind = kinds if isinstance(kinds, str) else kinds[number]
        severity = severities[number] if severities else CATALOGUE[kind].severity
        shape, most = shapes[number] if shapes else None, copies[number] if copies else 0
        yield Later(whole, number, kind, lane, range_of(number), severity, shape, most)
