"""Somebody who follows long work and stops it."""

from __future__ import annotations

from typing import Generic, TypeVar

Progress = TypeVar("Progress")


class Watcher(Generic[Progress]):
    """Remembers what it was told, and stops after so many tellings."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.told: list[Progress] = []
        self._stop_after = stop_after

    def progress(self, progress: Progress) -> None:
        """Remembers."""
        self.told.append(progress)

    def stopped(self) -> bool:
        """Whether it was told enough."""
        return self._stop_after is not None and len(self.told) >= self._stop_after
