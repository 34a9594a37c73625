"""Where the bytes of a store live: one protocol for reading, and what can go wrong with a single handle.

`reader_for` turns what the operator typed into a reader. Nothing in here creates, changes or removes anything.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote

from core.errors import UsageError
from core.storage.local import LocalReader
from core.storage.objects_location import is_object_location, parse_location
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
    "identity_of",
    "is_command_adapter",
    "is_object_location",
    "reader_for",
]


def reader_for(location: str) -> StoreReader:
    """A reader for a folder, a `file://` URL, a stock command adapter YAML or an `s3://` URL.

    Raises `UsageError` or `StoreUnreachable`, creates nothing, runs no command and sends nothing yet.
    """
    if is_object_location(location):
        # Only such a store needs the client of object stores.
        from core.storage.objects_client import open_client
        from core.storage.objects_reader import ObjectReader

        place = parse_location(location)
        return ObjectReader(place, open_client(place, os.environ))
    path = folder_of(location)
    if is_command_adapter(location):
        # Only such a store needs a reader of YAML and threads to start.
        from core.storage.command_reader import CommandReader

        return CommandReader(path)
    return LocalReader(path)


def is_command_adapter(location: str) -> bool:
    """Whether a location is a stock command adapter configuration: named .yaml or .yml, and no folder."""
    if is_object_location(location):
        return False
    path = folder_of(location)
    return path.lower().endswith((".yaml", ".yml")) and not _is_folder(path)


def identity_of(location: str) -> str:
    """What tells stores apart: a folder's or a configuration's real path, a bucket's URL without what is optional."""
    if not is_object_location(location):
        return os.path.realpath(folder_of(location))
    place = parse_location(location)
    return f"{place.provider}://{place.account}/{place.bucket}/{place.prefix}"


def _is_folder(path: str) -> bool:
    try:
        return Path(path).is_dir()
    except ValueError:
        return False


def folder_of(location: str) -> str:
    """The path that a location names: a folder, or a configuration. Raises `UsageError` for anything else."""
    scheme, separator, rest = location.partition("://")
    if not separator:
        return location
    if scheme == "file":
        host, slash, path = rest.partition("/")
        if host not in ("", "localhost"):
            raise UsageError(f"{location!r} names another machine", hint="write file:/// and the whole path")
        return unquote(slash + path)
    raise UsageError(
        f"this version reads folders, command adapters and s3:// buckets, not {scheme!r} stores",
        hint="copy or mount the store's metadata/ folder and name that folder",
    )
