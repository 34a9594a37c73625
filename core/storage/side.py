"""A store of which some handles lie elsewhere: what it can't hold itself lies beside it, in a side store.

Which handles those are is all that the two halves, reading and writing, have to agree on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from core.errors import UsageError
from core.names import LOCK_HANDLE, OWN_FOLDER, PROBE_HANDLE
from core.storage.host_folders import LEASES, host_folder
from core.storage.local.reader import LocalReader
from core.storage.protocol import HandleUnreadable, Listed, StoreReader


def is_lease(handle: str) -> bool:
    """Whether a handle is that of the lease."""
    return handle == LOCK_HANDLE


def is_own(handle: str) -> bool:
    """Whether a handle or folder is none of the store's but this tool's own."""
    return handle in (LOCK_HANDLE, PROBE_HANDLE, OWN_FOLDER) or handle.startswith(f"{OWN_FOLDER}/")


def with_host_lease(reader: StoreReader, identity: str) -> SideReader:
    """A store whose lease lies in a folder of this machine. Raises `UsageError` for somebody who has no home."""
    folder = host_folder(LEASES, identity)
    if folder is None:
        raise no_home()
    return SideReader(reader, LocalReader(str(folder), is_store=False), is_lease)


def own_location(reader: StoreReader) -> str:
    """Where this tool's own files of a store lie, the lease perhaps apart."""
    return reader.place_of(OWN_FOLDER) if isinstance(reader, SideReader) else reader.location


def no_home() -> UsageError:
    """The refusal of a lease of this machine where there is nowhere to put it."""
    return UsageError("this user has no folder for a lease of this machine", hint="name one: XDG_STATE_HOME=/path")


class SideReader:
    """A `StoreReader` over `main` that goes to `side` for every handle of which `is_aside` is true."""

    def __init__(self, main: StoreReader, side: StoreReader, is_aside: Callable[[str], bool]) -> None:
        self._main = main
        self._side = side
        self._is_aside = is_aside

    @property
    def location(self) -> str:
        """The store as the operator named it."""
        return self._main.location

    def list_folder(self, folder: str) -> list[Listed]:
        """The direct children of a folder. Raises `StoreUnreachable`."""
        return self._of(folder).list_folder(folder)

    def read_many(self, folder: str, names: Iterable[str], limit: int) -> Iterator[bytes | HandleUnreadable]:
        """The content of each file of a folder."""
        return self._of(folder).read_many(folder, names, limit)

    def stat(self, handle: str) -> Listed:
        """What one handle is. Raises `HandleUnreadable`."""
        return self._of(handle).stat(handle)

    def open(self, handle: str) -> BinaryIO:
        """A stream over one handle's bytes. Raises `HandleUnreadable`."""
        return self._of(handle).open(handle)

    async def read(self, handle: str, limit: int) -> bytes:
        """The content of one handle. Raises `HandleUnreadable`."""
        return await self._of(handle).read(handle, limit)

    def on_one_device(self) -> bool:
        """As the store itself says."""
        return self._main.on_one_device()

    def may_change(self, folder: str) -> bool:
        """As the one of the two says that holds the folder."""
        return self._of(folder).may_change(folder)

    def place_of(self, handle: str) -> str:
        """The location of the one of the two that holds a handle."""
        return self._of(handle).location

    def _of(self, handle: str) -> StoreReader:
        return self._side if self._is_aside(handle) else self._main
