"""Where the bytes of a store live: one protocol for reading, and what can go wrong with a single handle.

`reader_for` turns what the operator typed into a reader. Nothing in here creates, changes or removes anything.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote

from core.errors import UsageError
from core.lease_choice import AS_USUAL, LeaseChoice
from core.phrases import shown
from core.storage.local.reader import LocalReader
from core.storage.objects.location import is_object_location, parse_location
from core.storage.protocol import (
    HandleUnreadable,
    Listed,
    ListedKind,
    ReadFault,
    StoreReader,
)
from core.storage.side import with_host_lease

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


def reader_for(location: str, lease: LeaseChoice = AS_USUAL) -> StoreReader:
    """A reader for a folder, a `file://` URL, a stock command adapter YAML or the URL of a bucket.

    What is ours of the store is read where `lease` says. Raises `UsageError`, also for a choice that there is not, or
    `StoreUnreachable`, creates nothing, runs no command and sends nothing yet.
    """
    if not is_command_adapter(location):
        _require_choice(location, lease)
    if is_object_location(location):
        # Only such a store needs the client of object stores.
        from core.storage.objects.client import open_client
        from core.storage.objects.reader import ObjectReader

        place = parse_location(location)
        reader = ObjectReader(place, open_client(place, os.environ))
        return with_host_lease(reader, identity_of(location)) if lease.on_host else reader
    path = folder_of(location)
    if is_command_adapter(location):
        # Only such a store needs a reader of YAML and threads to start.
        from core.storage.command.side import adapter_reader

        return adapter_reader(path, lease, reader_for, identity_of)
    return LocalReader(path)


def _require_choice(location: str, lease: LeaseChoice) -> None:
    """Raises `UsageError` for a lease elsewhere than in a store that holds its own."""
    if lease.store is not None:
        raise UsageError("--lease-store goes with a command adapter", hint="leave it out: this store holds its lease")
    if lease.on_host and not is_object_location(location):
        raise UsageError("a folder holds its lease, and needs none of this machine", hint="leave --lease out")


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
        f"{shown(scheme)}:// names no store: a folder, a command adapter or a bucket does",
        hint="write s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PREFIX",
    )
