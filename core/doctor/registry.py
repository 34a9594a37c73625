"""The registry of checks: one decorated function a check, which says what it found in one or more results.

To add a check: a function with `@check("its-id", "what it is called", kinds)`; they run in the order of registration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

from core.doctor.model import Bars, CheckState, Result
from core.doctor.patient import ANY, Patient, StoreKind


@dataclass(frozen=True, slots=True)
class Topic:
    """What a check is about: its id and title, and how its results are made."""

    id: str
    title: str

    def ok(self, seen: str, why: str = "") -> Result:
        """All is well."""
        return Result(self.id, self.title, CheckState.OK, seen, why)

    def note(self, seen: str, why: str, next_step: str = "", bars: Bars = Bars.NOTHING) -> Result:
        """Something to be known."""
        return Result(self.id, self.title, CheckState.NOTE, seen, why, next_step, bars)

    def problem(self, seen: str, why: str, next_step: str = "", bars: Bars = Bars.NOTHING) -> Result:
        """Something that is wrong."""
        return Result(self.id, self.title, CheckState.PROBLEM, seen, why, next_step, bars)

    def untried(self, seen: str, why: str = "", next_step: str = "", bars: Bars = Bars.NOTHING) -> Result:
        """What could not be found out."""
        return Result(self.id, self.title, CheckState.UNTRIED, seen, why, next_step, bars)


Examine: TypeAlias = Callable[[Patient, Topic], Iterator[Result]]


@dataclass(frozen=True, slots=True)
class Check:
    """A registered check; one that `needs_listing` is left out where `metadata/` can't be listed, or is empty."""

    topic: Topic
    kinds: StoreKind
    needs_listing: bool
    examine: Examine


_registry: dict[str, Check] = {}
CHECKS: Final[Mapping[str, Check]] = MappingProxyType(_registry)
"""All checks by id, in the order in which they run."""


def check(id_: str, title: str, kinds: StoreKind = ANY, *, needs_listing: bool = True) -> Callable[[Examine], Examine]:
    """Register the decorated function."""

    def register(examine: Examine) -> Examine:
        _registry[id_] = Check(Topic(id_, title), kinds, needs_listing, examine)
        return examine

    return register
