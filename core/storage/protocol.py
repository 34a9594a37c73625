"""The read half of a storage: list, read, stat.

Listings are honest or an error; a handle that can't be read says why.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO, Protocol, runtime_checkable

from core.errors import StoreUnreachable


class ListedKind(StrEnum):
    """What a listed name is. Only a FILE is ever opened."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Listed:
    """One name in a folder of the store, as the listing told it, nothing opened.

    `handle` is what stock would call it (`metadata/x.meta`); bytes that are not UTF-8 stand in it as lone surrogates.
    `size` in bytes, `modified` in unix seconds. `tag` names the version where the storage has such a name, and is the
    very same from a listing and from `stat`; "" where it has none, as a folder of files.
    """

    handle: str
    kind: ListedKind
    size: int
    modified: float
    tag: str = ""

    @property
    def name(self) -> str:
        """The last part of the handle."""
        return self.handle.rpartition("/")[2]

    @property
    def tells_version(self) -> bool:
        """Whether another version under the same handle would be listed otherwise; else only its content tells."""
        return bool(self.tag or self.modified)


class ReadFault(StrEnum):
    """Why the content of a handle could not be had. FAILED may be over the next time; UNSEEN never is."""

    MISSING = "missing"
    REFUSED = "refused"
    TOO_LARGE = "too-large"
    BAD_GZIP = "bad-gzip"
    FAILED = "failed"
    UNSEEN = "unseen"


class FolderUnseen(StoreUnreachable):
    """A storage has no way at all to list a folder: nothing is wrong with it, and nothing is known of it."""


class HandleUnreadable(Exception):
    """One handle can't be read. `message` is for people; for a missing file it is also what stock says."""

    def __init__(self, fault: ReadFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault
        self.message = message


class StoreReader(Protocol):
    """Everything that looking at a store needs. All sizes in bytes; `limit` bounds what is held in memory."""

    @property
    def location(self) -> str:
        """The store as the operator would name it."""

    def list_folder(self, folder: str) -> list[Listed]:
        """The direct children of `metadata`, `metadata_backup` or another folder ("" for the root), sorted by handle.

        A folder that does not exist lists as empty, except `metadata`. Raises `StoreUnreachable` when the listing
        can't be had or can't be trusted.
        """

    def read_many(self, folder: str, names: Iterable[str], limit: int) -> Iterator[bytes | HandleUnreadable]:
        """The content of each file of `folder` in turn, or why it can't be read; gzip is left as it is."""

    def stat(self, handle: str) -> Listed:
        """What one handle is, its size and time, nothing opened; a link is told as such. Raises `HandleUnreadable`."""

    def open(self, handle: str) -> BinaryIO:
        """A seekable stream over one handle's bytes; the caller closes it. Raises `HandleUnreadable`."""

    async def read(self, handle: str, limit: int) -> bytes:
        """The content of one handle, for the event loop. Raises `HandleUnreadable`."""

    def on_one_device(self) -> bool:
        """Whether a file can be moved from `metadata/` to `metadata_backup/` by a rename."""

    def may_change(self, folder: str) -> bool:
        """Whether names in `metadata` or `metadata_backup` may be made and taken away, as far as looking can tell."""


@runtime_checkable
class TaggedReader(StoreReader, Protocol):
    """A `StoreReader` over a storage whose listings tell versions by a tag."""

    def read_tagged(
        self, folder: str, names: Iterable[str], limit: int
    ) -> Generator[tuple[bytes | HandleUnreadable, str], None, None]:
        """As `read_many`, each with the tag of the version that was read ("" if it was not)."""
