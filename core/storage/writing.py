"""The write half of a storage. Held by `core.changes` and `core.lease` alone: nothing else can change a store.

No method overwrites or deletes what belongs to a store; each of them either has happened as a whole or, as far as any
reader can see, not at all. Handles are relative to the store and keep the handle rule (`hazards.md`,
`own-handle-rule`); what breaks it is refused with `WriteFailed`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Tagged:
    """The content of a small object and the tag of this very version of it."""

    content: bytes
    tag: str


class StoreWriter(Protocol):
    """How a store is changed.

    Every method raises `WriteFailed` when nothing has changed (`AlreadyThere` when the name to make is taken), and
    `OutcomeUnknown` when that can't be told. Folders that are missing on the way are made.
    """

    @property
    def at_once(self) -> int:
        """How many files may be made, linked or moved at the same time, by as many threads; 1 for one alone."""

    def create(self, handle: str, content: bytes) -> None:
        """Make a new file whose bytes are on disk before its name can be seen. The name lasts once it is flushed."""

    def link(self, source: str, handle: str) -> None:
        """Give the content of `source`, a file made by `create`, a second name that is new, in one step."""

    def move(self, source: str, target: str) -> None:
        """Move a file to a name that is new, also to another file system; at no instant is it under neither name.

        Where an earlier try was cut off so that the very same file has both names, finish it. `WriteFailed` also when
        `source` is not there.
        """

    def append(self, handle: str, content: bytes) -> None:
        """Put `content` at the end of a file of ours, which is made when it is missing. Not flushed.

        Of what is added to a file that is there the end may wait, seen by nobody, until its folder is flushed.
        """

    def flush(self, folder: str) -> None:
        """Return only when every name made, moved or taken away in `folder` so far will outlast a loss of power."""

    def discard(self, handle: str) -> None:
        """Throw away a file below `STAGED_FOLDER`, or that folder's own subfolder once it is empty; missing is fine.

        Any other handle is refused with `WriteFailed`.
        """


@runtime_checkable
class Tidy(Protocol):
    """A storage that has folders, also empty ones."""

    def tidy(self) -> None:
        """Take away the folders of this tool that are empty. Raises as `StoreWriter` says."""


class ConditionalStore(Protocol):
    """One small object that several writers change only as they saw it: what a lease needs."""

    @property
    def peculiarity(self) -> str:
        """What is unusual about how the storage tells versions apart, as far as it has shown; "" for nothing."""

    def load(self, handle: str, limit: int) -> Tagged | None:
        """The object, up to `limit` + 1 bytes of it; None if there is none. Raises `StoreUnreachable`."""

    def swap(self, handle: str, content: bytes, tag: str | None) -> str:
        """Replace the version with `tag` (None: make it new) and return the new version's tag.

        Raises `AlreadyThere` when another version stands there, `WriteFailed` when nothing was written, and
        `OutcomeUnknown`.
        """
