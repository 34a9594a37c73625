"""The one small object through which the clock comes into the engine, so that tests own time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Host(Protocol):
    """What the engine may ask of the machine that it runs on."""

    def now(self) -> float:
        """Wall clock, unix seconds."""


@dataclass(frozen=True, slots=True)
class FixedHost:
    """A host on which it is always the same moment: for goldens, screenshots and tests."""

    moment: float

    def now(self) -> float:
        """The fixed moment, unix seconds."""
        return self.moment
