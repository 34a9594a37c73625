"""Who follows a look at manifests: what is told, and what is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class EvidenceProgress:
    """How far a look is: `done` of `total` manifests (folders without a line included), and `bytes_read` so far."""

    done: int
    total: int
    bytes_read: int


class EvidenceWatch(Protocol):
    """Who follows a look: told of progress, asked whether to stop. Called from the thread that looks."""

    def progress(self, progress: EvidenceProgress) -> None:
        """Told after each file that was read and each manifest that is done."""

    def stopped(self) -> bool:
        """Whether to stop; the evidence is then marked incomplete."""


class Unwatched:
    """Nobody watches, nobody stops, whatever it is."""

    def progress(self, progress: object) -> None:
        """Ignored."""

    def stopped(self) -> bool:
        """Never."""
        return False
