"""A writer in which something happens at the k-th change: the process dies, or everybody is told of it."""

from __future__ import annotations

from collections.abc import Callable

from core.storage.writing import StoreWriter


class TrappedWriter:
    """Passes every change on; the `at`-th (from 1; 0 for none) springs the `trap` before or `after` it is made.

    `done` are those asked for, as (method, handles …).
    """

    def __init__(self, writer: StoreWriter, at: int, trap: Callable[[], None], *, after: bool) -> None:
        self._writer = writer
        self._at = at
        self._trap = trap
        self._after = after
        self.done: list[tuple[str, ...]] = []

    @property
    def at_once(self) -> int:
        return self._writer.at_once

    @property
    def changes(self) -> int:
        """How many changes were asked for."""
        return len(self.done)

    def create(self, handle: str, content: bytes) -> None:
        self._change(("create", handle), lambda: self._writer.create(handle, content))

    def link(self, source: str, handle: str) -> None:
        self._change(("link", source, handle), lambda: self._writer.link(source, handle))

    def move(self, source: str, target: str) -> None:
        self._change(("move", source, target), lambda: self._writer.move(source, target))

    def append(self, handle: str, content: bytes) -> None:
        self._change(("append", handle), lambda: self._writer.append(handle, content))

    def flush(self, folder: str) -> None:
        self._change(("flush", folder), lambda: self._writer.flush(folder))

    def discard(self, handle: str) -> None:
        self._change(("discard", handle), lambda: self._writer.discard(handle))

    def _change(self, what: tuple[str, ...], do: Callable[[], None]) -> None:
        self.done.append(what)
        hit = self.changes == self._at
        if hit and not self._after:
            self._trap()
        do()
        if hit and self._after:
            self._trap()
