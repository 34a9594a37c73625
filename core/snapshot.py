"""One look at a store: list, read, decode. A snapshot never changes; a new look makes a new one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Final, Protocol, TypeAlias

from core.errors import StoreUnreachable
from core.gather import LIMITS, Gatherer, Limits, index_of
from core.host import Host
from core.index import Index, MetaFile
from core.names import JOURNAL_FOLDER, LOCK_HANDLE, OWN_FOLDER, parse_backup_folder
from core.phrases import count
from core.storage.protocol import FolderUnseen, HandleUnreadable, Listed, ListedKind, ReadFault, StoreReader

_NO_FILE: Final = {
    ListedKind.FOLDER: "a folder",
    ListedKind.LINK: "a link, and links are not followed",
    ListedKind.OTHER: "a fifo, a socket or a device",
}

#: A file younger than this (seconds) that looks cut off is still being written (`recovery.md`, "Findings").
IN_FLIGHT_SECONDS: Final = 60
#: What lies at the top of a store besides backups.
_OWN_NAMES: Final = frozenset(name.encode() for name in ("metadata", "metadata_backup", OWN_FOLDER, LOCK_HANDLE))

#: How often a folder is read at most while somebody else moves files out of it.
_LOOKS: Final = 10
_Follow: TypeAlias = Callable[[Gatherer, int], bool]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a look has come: `done` of `total` names of `folder`.

    `partial` makes a snapshot of what is there by now. It is called, if at all, by who is told, before that returns;
    what it made never changes.
    """

    folder: str
    done: int
    total: int
    partial: Callable[[], Snapshot]


class Watch(Protocol):
    """Who follows a look: told of progress, asked whether to stop. Called from the thread that looks."""

    def progress(self, progress: Progress) -> None:
        """Told after each file, and after each block of lines that was decoded."""

    def stopped(self) -> bool:
        """Whether to stop reading; the snapshot then is marked incomplete."""


class Unwatched:
    """Nobody watches, nobody stops."""

    def progress(self, progress: Progress) -> None:
        """Ignored."""

    def stopped(self) -> bool:
        """Never."""
        return False


@dataclass(frozen=True, slots=True)
class OtherStore:
    """Another store than the last look saw at the same path: its identities `now`, and those `before`, sorted.

    `at` is when that look was, in unix seconds; `files_stay` says that all names of then are there still.
    """

    now: tuple[str, ...]
    before: tuple[str, ...]
    at: float
    files_stay: bool


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """One look at a store. `taken_at` in unix seconds; `root` lists the store's top level.

    `journal` lists this tool's own journal in the store; `journal_fault` says why that could not be had. `gone` are the
    handles that the last look saw in `metadata/` and that now are nowhere (`core.last_look`), `other` is set where that
    look saw another store, whose names are not missed. `settled` are those of
    young files that hold to the last byte what an undo has brought back, so that nobody is at them any more.
    """

    location: str
    taken_at: float
    index: Index
    retired: Index
    root: tuple[Listed, ...]
    one_device: bool
    journal: tuple[Listed, ...]
    journal_fault: str | None
    gone: tuple[str, ...] = ()
    other: OtherStore | None = None
    settled: frozenset[str] = frozenset()

    def in_flight(self, file: MetaFile, now: float) -> bool:
        """Whether a file is so young that a writer may still be at it; clocks of hosts differ by seconds."""
        return abs(now - file.listed.modified) < IN_FLIGHT_SECONDS and file.handle not in self.settled

    @property
    def identities(self) -> frozenset[str]:
        """Those that the store has, and that a compaction has moved away: they tell it from another in its place."""
        return frozenset(record.id for record, _ in (*self.index.identities, *self.retired.identities))

    @property
    def retired_unseen(self) -> str | None:
        """Why nothing can be known of `metadata_backup/`, where the storage has no way to list it; else None."""
        itself = next((file for file in self.retired.files if file.handle == "metadata_backup"), None)
        fault = itself.fault if itself else None
        return fault.message if fault and fault.fault is ReadFault.UNSEEN else None

    @property
    def complete(self) -> bool:
        """Whether every listed file, the retired ones too, was read, or at least tried."""
        return self.index.complete and self.retired.complete


def metadata_only(snapshot: Snapshot) -> bool:
    """Whether entries are visible, and nothing at the top of the store is a backup: neither one that a line names, nor
    any other. False where the storage can't list its top.
    """
    lanes = snapshot.index.lanes.values()
    if snapshot.retired_unseen is not None or not any(map(len, lanes)):
        return False
    folders = (parse_backup_folder(each.handle) for each in snapshot.root)
    if any(folder is not None and not folder.derived for folder in folders):
        return False
    top = {os.fsencode(each.handle) for each in snapshot.root} - _OWN_NAMES
    rows = ((lane, row) for lane in lanes for row in range(len(lane))) if top else ()
    return not any(lane.manifests.raw(row).partition(b"/")[0] in top for lane, row in rows)


def require_whole(snapshot: Snapshot) -> None:
    """Raises `StoreUnreachable` for a snapshot on which no change may be planned: something could not be looked at.

    A `metadata_backup/` that can never be looked at is no reason: plans then use no name that it may hold.
    """
    if not snapshot.complete:
        read, listed = len(snapshot.index.files), snapshot.index.listed_count
        raise StoreUnreachable(f"only {read:,} of {listed:,} files were read", hint="look at the store again")
    unlisted = next((file for file in snapshot.retired.files if file.handle == "metadata_backup"), None)
    if unlisted is not None and unlisted.fault is not None and snapshot.retired_unseen is None:
        raise StoreUnreachable(f"metadata_backup/ can't be listed: {unlisted.fault.message}")


def judged_from(modified: Iterable[float], now: int) -> str:
    """When files that look cut off at `now` are old enough to be judged, such as `in 52 seconds, at 04:09:12 UTC`."""
    at = max(ceil(each) for each in modified) + IN_FLIGHT_SECONDS
    return f"in {count(max(1, at - now), 'second')}, at {datetime.fromtimestamp(at, UTC):%H:%M:%S} UTC"


def take_snapshot(reader: StoreReader, host: Host, watch: Watch | None = None, limits: Limits = LIMITS) -> Snapshot:
    """Look at a store: `metadata/`, then `metadata_backup/` as evidence, and the names at its top.

    Raises `StoreUnreachable` when a listing can't be had. `metadata_backup/` that can't be had is no reason to show
    nothing: it then stands for itself in `retired`, as one file that can't be read.
    """
    watch = watch or Unwatched()
    taken_at, root, one_device = host.now(), tuple(reader.list_folder("")), reader.on_one_device()
    journal, journal_fault = _list_journal(reader)

    def snapshot(index: Index, retired: Index) -> Snapshot:
        return Snapshot(reader.location, taken_at, index, retired, root, one_device, journal, journal_fault)

    unread = Gatherer("metadata_backup", 0, 0).index()
    follow = _followed(watch, "metadata", lambda index: snapshot(index, unread))
    index = read_index(reader, "metadata", limits, follow)
    follow = _followed(watch, "metadata_backup", lambda retired: snapshot(index, retired))
    try:
        retired = read_index(reader, "metadata_backup", limits, follow)
    except StoreUnreachable as unreachable:
        retired = _unread_folder("metadata_backup", unreachable)
    return snapshot(index, retired)


def _list_journal(reader: StoreReader) -> tuple[tuple[Listed, ...], str | None]:
    """The names in the journal; that it can't be listed hides nothing of the store, so it is no reason to stop."""
    try:
        return tuple(reader.list_folder(JOURNAL_FOLDER)), None
    except StoreUnreachable as unreachable:
        return (), unreachable.message


def _unread_folder(folder: str, why: StoreUnreachable) -> Index:
    itself = Listed(folder, ListedKind.OTHER, 0, 0.0)
    fault = ReadFault.UNSEEN if isinstance(why, FolderUnseen) else ReadFault.FAILED
    return index_of(folder, [(itself, HandleUnreadable(fault, why.message))])


def _followed(watch: Watch, folder: str, partial: Callable[[Index], Snapshot]) -> _Follow:
    def follow(gatherer: Gatherer, listed: int) -> bool:
        if gatherer.has_begun:
            watch.progress(Progress(folder, gatherer.done, listed, lambda: partial(gatherer.index())))
        return not watch.stopped()

    return follow


def read_index(
    reader: StoreReader,
    folder: str,
    limits: Limits = LIMITS,
    follow: _Follow = lambda _gatherer, _listed: True,
) -> Index:
    """List, read and decode one metadata folder. Raises `StoreUnreachable` when its listing can't be had.

    Where somebody else moves files away on the way the folder is listed and read again, so that what has only moved is
    not told as lost.

    `follow` is asked before each file whether to go on; it is given how many names are listed.
    """
    listing = reader.list_folder(folder)
    for _ in range(_LOOKS):
        index = _read_listed(reader, folder, listing, limits, follow)
        if not any(map(_went, index.files)):
            break
        before, listing = listing, reader.list_folder(folder)
        if listing == before:
            break
    return index


def _went(file: MetaFile) -> bool:
    """Whether a listed file could not be opened since it is there no more."""
    return file.listed.kind is ListedKind.FILE and file.fault is not None and file.fault.fault is ReadFault.MISSING


def _read_listed(reader: StoreReader, folder: str, listing: list[Listed], limits: Limits, follow: _Follow) -> Index:
    gatherer = Gatherer(folder, len(listing), sum(min(each.size, limits.file_bytes) for each in listing), limits)
    steps = gatherer.gather(_contents(reader, folder, listing, limits.file_bytes))
    while follow(gatherer, len(listing)) and next(steps, None) is not None:
        pass
    return gatherer.index()


def _contents(
    reader: StoreReader, folder: str, listing: list[Listed], limit: int
) -> Iterator[tuple[Listed, bytes | HandleUnreadable]]:
    """Each listed name with its content; only plain files are opened."""
    contents = reader.read_many(folder, (each.name for each in listing if each.kind is ListedKind.FILE), limit)
    for listed in listing:
        if listed.kind is ListedKind.FILE:
            yield listed, next(contents)
        else:
            yield listed, HandleUnreadable(ReadFault.REFUSED, f"not opened: it is {_NO_FILE[listed.kind]}")
