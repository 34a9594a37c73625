"""What is needed to write to a store, put together: its writing half, its lease, and where both lie.

Nothing is written, and no lease taken, before `prepare` has found that this may be done at all.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.errors import Refused, WriteFailed
from core.host import Machine
from core.lease import LOCK_HANDLE, MAX_BYTES, lease_held, view_of
from core.lease_choice import AS_USUAL, LeaseChoice, NoLease
from core.phrases import command, count, listed, shown
from core.storage import (
    HandleUnreadable,
    StoreReader,
    folder_of,
    identity_of,
    is_command_adapter,
    is_object_location,
    reader_for,
)
from core.storage.host_folders import ADAPTERS, LEASES, host_folder, make_host_folder
from core.storage.local.conditional import LocalConditional
from core.storage.local.writer import LocalWriter
from core.storage.protocol import ListedKind
from core.storage.side import no_home
from core.storage.writing import ConditionalStore, StoreWriter

#: Says of a folder of this machine for which place it is.
_PLACE = "place"
#: Seconds that an operation takes at most, as far as anybody has seen.
_LONGEST_WORK = 3_600
_HOST_WORDS = "the lease was one of this machine and this user alone: nobody else was kept from writing"


@dataclass(frozen=True, slots=True)
class WriteAccess:
    """A store with both halves and its lease. `remarks` are what the journal has to say of how it was written to.

    `prepare` raises a `SeamlineError` where nothing may be written; it is called before the first lease.
    """

    reader: StoreReader
    writer: StoreWriter
    lease_store: ConditionalStore
    prepare: Callable[[], None]
    remarks: tuple[str, ...] = ()


def write_access(location: str, machine: Machine, lease: LeaseChoice = AS_USUAL) -> WriteAccess:
    """The access to a store. Raises `UsageError` and `StoreUnreachable`; nothing is written yet."""
    if is_command_adapter(location):
        return _through_commands(location, machine, lease)
    # It refuses a choice that there is not.
    reader = reader_for(location, lease)
    if is_object_location(location):
        return _in_bucket(location, machine, lease, reader)
    folder = folder_of(location)
    return WriteAccess(reader, LocalWriter(folder), LocalConditional(folder), _ready)


def _in_bucket(location: str, machine: Machine, lease: LeaseChoice, reader: StoreReader) -> WriteAccess:
    # Only such a store needs the client of object stores.
    from core.storage.objects.client import PROMPT, open_client
    from core.storage.objects.conditional import ObjectConditional
    from core.storage.objects.location import parse_location
    from core.storage.objects.writer import ObjectWriter

    place = parse_location(location)
    writer = ObjectWriter(open_client(place, os.environ), machine, keeps_conditions=not lease.on_host)
    if not lease.on_host:
        conditional = ObjectConditional(open_client(place, os.environ, PROMPT), machine.fresh_id)
        return WriteAccess(reader, writer, conditional, _ready)
    folder = _host_folder(LEASES, location)

    def prepare() -> None:
        _refuse_beside(reader_for(location), machine)
        _make(folder)

    return WriteAccess(reader, writer, LocalConditional(str(folder)), prepare, (_HOST_WORDS,))


def _through_commands(location: str, machine: Machine, lease: LeaseChoice) -> WriteAccess:
    # Only such a store needs a reader of YAML.
    from core.storage.command.side import AdapterReader
    from core.storage.command.writer import CommandWriter

    reader = reader_for(location, lease)
    if not isinstance(reader, AdapterReader):
        raise no_home()
    if reader.native:
        native = write_access(reader.side.location, machine)
        return WriteAccess(
            reader,
            CommandWriter(reader, native.writer),
            native.lease_store,
            lambda: _require_same_place(reader, reader.side),
        )
    folder = _host_folder(ADAPTERS, location)

    def prepare() -> None:
        if not lease.on_host:
            raise NoLease
        _make(folder)
        _require_known_place(folder, reader.calls.config.place())

    remarks = (_HOST_WORDS, f"journal and undo bundle lie on this machine alone, in {folder}") if lease.on_host else ()
    writer = CommandWriter(reader, LocalWriter(str(folder)))
    return WriteAccess(reader, writer, LocalConditional(str(folder)), prepare, remarks)


def _ready() -> None:
    """A store that holds its own lease needs nothing before."""


def _host_folder(kind: str, location: str) -> Path:
    folder = host_folder(kind, identity_of(location))
    if folder is None:
        raise no_home()
    return folder


def _make(folder: Path) -> None:
    try:
        make_host_folder(folder)
    except OSError as error:
        raise WriteFailed(
            f"the lease of this machine can't be put into {shown(str(folder))}: {error.strerror}",
            hint="name another place: XDG_STATE_HOME=/path",
        ) from error


def _require_known_place(folder: Path, place: str) -> None:
    """What this machine keeps for a configuration belongs to one place: it must not be carried out on another.

    Raises `Refused` where the configuration leads elsewhere than when it was first written through.
    """
    known = folder / _PLACE
    try:
        if not known.exists():
            known.write_text(place, encoding="ascii")
        same = known.read_text(encoding="ascii") == place
    except (OSError, ValueError) as error:
        raise WriteFailed(f"{shown(str(known))} can't be read: {error}", hint="look at its owner and mode") from error
    if not same:
        raise Refused(
            "lease-store-elsewhere",
            "the listing or the variables have changed since this machine began its journal for this configuration, "
            "and may lead to another place; nothing was changed",
            hint=f"if it is the same place, {command('rm', str(known))} says so; if it is another, give it a file of "
            "another name",
        )


def _refuse_beside(reader: StoreReader, machine: Machine) -> None:
    """A lease that the store itself holds is heeded, whatever a lease of this machine says."""
    try:
        with reader.open(LOCK_HANDLE) as stream:
            view = view_of(stream.read(MAX_BYTES + 1), machine)
    except HandleUnreadable:
        return
    holder = view.holder
    # One that began longer ago has more likely died where nobody here can see it, and no command here frees it.
    if holder is not None and abs(machine.now() - holder.timestamp) < _LONGEST_WORK:
        raise lease_held(holder)


def _require_same_place(commands: StoreReader, native: StoreReader) -> None:
    """Raises `Refused` where the lease store is another place than that which the commands lead to."""
    there = {each.handle for each in commands.list_folder("metadata")}
    beside = {each.handle for each in native.list_folder("metadata") if each.kind is ListedKind.FILE}
    different = sorted(there ^ beside)
    if different:
        names = listed([shown(handle) for handle in different])
        raise Refused(
            "lease-store-elsewhere",
            f"{shown(native.location)} does not hold what the commands list: {count(len(different), 'name')} differ, "
            f"{names}; nothing was changed",
            hint="name the place that the commands lead to as the lease store, bucket and prefix",
        )
