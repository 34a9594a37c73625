"""Where the bytes of a store live: one protocol for reading, and what can go wrong with a single handle.

`reader_for` turns what the operator typed into a reader. Nothing in here creates, changes or removes anything.
"""

from __future__ import annotations

from urllib.parse import unquote

from core.errors import UsageError
from core.storage.local import LocalReader
from core.storage.protocol import (
    HandleUnreadable,
    Listed,
    ListedKind,
    ReadFault,
    StoreReader,
)

__all__ = [
    "HandleUnreadable",
    "Listed",
    "ListedKind",
    "LocalReader",
    "ReadFault",
    "StoreReader",
    "folder_of",
    "reader_for",
]


def reader_for(location: str) -> StoreReader:
    """A reader for a folder or a `file://` URL. Raises `UsageError` or `StoreUnreachable`, and creates nothing."""
    return LocalReader(folder_of(location))


def folder_of(location: str) -> str:
    """The folder that a location names. Raises `UsageError` for anything that is none."""
    scheme, separator, rest = location.partition("://")
    if not separator:
        return location
    if scheme == "file":
        host, slash, path = rest.partition("/")
        if host not in ("", "localhost"):
            raise UsageError(f"{location!r} names another machine", hint="write file:/// and the whole path")
        return unquote(slash + path)
    raise UsageError(
        f"this version reads folders only, not {scheme!r} stores",
        hint="copy or mount the store's metadata/ folder and name that folder",
    )
