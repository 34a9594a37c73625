"""The registry of detectors: a hazard is found by one decorated function, and `core.findings.find` runs them all.

To add a hazard: a row in the catalogue, a function decorated with `@detector("its-id")`, a store that shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

from core.findings.case import Case
from core.findings.catalogue import CATALOGUE
from core.model import Finding

Detect: TypeAlias = Callable[[Case], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Detector:
    """A function that finds hazards: `kinds` are the ids it may report, `level` is the least at which it is run."""

    kinds: frozenset[str]
    level: int
    detect: Detect


_registry: dict[str, Detector] = {}
DETECTORS: Final[Mapping[str, Detector]] = MappingProxyType(_registry)
"""All detectors by the qualified name of their function, in the order in which they were registered."""


def detector(*kinds: str, level: int | None = None) -> Callable[[Detect], Detect]:
    """Register the decorated function for the hazards `kinds`; it runs from `level` on (default: the least of theirs).

    Raises ValueError for an id that is not in the catalogue, or when no level can be told.
    """
    unknown = [kind for kind in kinds if kind not in CATALOGUE]
    levels = [known for kind in kinds if kind not in unknown and (known := CATALOGUE[kind].level) is not None]
    if unknown or (level is None and not levels):
        raise ValueError(f"no hazards to look for in one look: {', '.join(unknown or kinds)}")
    runs_from = min(levels) if level is None else level

    def register(detect: Detect) -> Detect:
        _registry[f"{detect.__module__}.{detect.__qualname__}"] = Detector(frozenset(kinds), runs_from, detect)
        return detect

    return register
