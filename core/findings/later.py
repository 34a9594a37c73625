"""Findings of which a store may have hundreds of thousands: only what sorts and groups them is held of each.

Their words, entries and claims are made whenever somebody looks at them, and kept only for the last few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

from core.columns import U64
from core.findings.catalogue import CATALOGUE
from core.model import Claim, Entry, Finding, LaneKind, Severity

if TYPE_CHECKING:
    _Seen: TypeAlias = Finding
else:
    # A finding to whoever looks at one, without the fields of one: a store may have a million.
    _Seen = object

#: Makes the finding of a number, whole.
Make: TypeAlias = Callable[[int], Finding]

#: So many findings that were looked at of one kind are kept whole.
_KEPT: Final = 256


@dataclass(frozen=True, slots=True, eq=False)
class _Family:
    """What findings of one detector have in common, and what sorts and groups each, by number; see `later`."""

    make: Make
    lane: LaneKind
    first: memoryview
    last: memoryview
    kinds: str | Sequence[str]
    severities: Sequence[Severity] | None
    shapes: Sequence[str] | None
    copies: Sequence[int] | None


class Later(_Seen):
    """A finding that is made whole, by number, when it is looked at.

    Of a detector's findings no two are of one kind, lane and start.
    """

    __slots__ = ("_family", "_number")

    _family: _Family
    _number: int

    def __init__(self, family: _Family, number: int) -> None:
        self._family = family
        self._number = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Later) and self.whole == other.whole

    def __hash__(self) -> int:
        return hash(self.whole)

    @property
    def whole(self) -> Finding:
        """All of it."""
        return self._family.make(self._number)

    @property
    def kind(self) -> str:
        """What is wrong, by its id in the catalogue."""
        kinds = self._family.kinds
        return kinds if isinstance(kinds, str) else kinds[self._number]

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        severities = self._family.severities
        return severities[self._number] if severities else CATALOGUE[self.kind].severity

    @property
    def lane(self) -> LaneKind:
        """Where it is."""
        return self._family.lane

    @property
    def first(self) -> int:
        """Where it begins."""
        first: int = self._family.first[self._number]
        return first

    @property
    def last(self) -> int:
        """Where it ends."""
        last: int = self._family.last[self._number]
        return last

    @property
    def shape(self) -> str | None:
        """What refines an overlap."""
        shapes = self._family.shapes
        return shapes[self._number] if shapes else None

    @property
    def copies(self) -> int:
        """How many entries one range of it has at most; 0 where only all of it tells."""
        copies = self._family.copies
        return copies[self._number] if copies else 0

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


def later(
    make: Make,
    numbers: Iterable[int],
    lane: LaneKind,
    first: U64,
    last: U64,
    kinds: str | Sequence[str],
    severities: Sequence[Severity] | None = None,
    shapes: Sequence[str] | None = None,
    copies: Sequence[int] | None = None,
) -> Iterator[Finding]:
    """The findings of `numbers`, each made by `make` once it is looked at, which has to agree with what is said here.

    The columns and sequences have a value for each number there can be; without `severities` it is that of the
    catalogue.
    """
    whole = lru_cache(_KEPT)(make)
    family = _Family(whole, lane, first.data, last.data, kinds, severities, shapes, copies)
    for number in numbers:
        yield Later(family, number)
