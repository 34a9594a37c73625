"""One look at a store: list, read, decode. A snapshot never changes; a new look makes a new one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from core.errors import StoreUnreachable
from core.gather import LIMITS, Gatherer, Limits
from core.host import Host
from core.index import Index
from core.storage.protocol import HandleUnreadable, Listed, ListedKind, ReadFault, StoreReader

_NO_FILE: Final = {
    ListedKind.FOLDER: "a folder",
    ListedKind.LINK: "a link, and links are not followed",
    ListedKind.OTHER: "a fifo, a socket or a device",
}


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
        """Told after each block of files."""

    def stopped(self) -> bool:
        """Whether to stop reading; the snapshot then is marked incomplete."""


class Unwatched:
    """Nobody watches, nobody stops."""

    def progress(self, progress: Progress) -> None:
        """Ignored."""

    def stopped(self) -> bool:
        """Never."""
        return False


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """One look at a store. `taken_at` in unix seconds; `root` lists the store's top level."""

    location: str
    taken_at: float
    index: Index
    retired: Index
    root: tuple[Listed, ...]
    one_device: bool

    @property
    def complete(self) -> bool:
        """Whether every listed file, the retired ones too, was read, or at least tried."""
        return self.index.complete and self.retired.complete


def take_snapshot(reader: StoreReader, host: Host, watch: Watch | None = None, limits: Limits = LIMITS) -> Snapshot:
    """Look at a store: `metadata/`, then `metadata_backup/` as evidence, and the names at its top.

    Raises `StoreUnreachable` when a listing can't be had. `metadata_backup/` that can't be had is no reason to show
    nothing: it then stands for itself in `retired`, as one file that can't be read.
    """
    watch = watch or Unwatched()
    taken_at, root, one_device = host.now(), tuple(reader.list_folder("")), reader.on_one_device()

    def snapshot(index: Index, retired: Index) -> Snapshot:
        return Snapshot(reader.location, taken_at, index, retired, root, one_device)

    unread = Gatherer("metadata_backup", 0, 0).index()
    index = _read_folder(reader, "metadata", watch, limits, lambda index: snapshot(index, unread))
    try:
        retired = _read_folder(reader, "metadata_backup", watch, limits, lambda retired: snapshot(index, retired))
    except StoreUnreachable as unreachable:
        retired = _unread_folder("metadata_backup", unreachable.message)
    return snapshot(index, retired)


def _unread_folder(folder: str, why: str) -> Index:
    gatherer = Gatherer(folder, 1, 0)
    itself = Listed(folder, ListedKind.OTHER, 0, 0.0)
    list(gatherer.gather([(itself, HandleUnreadable(ReadFault.FAILED, why))]))
    return gatherer.index()


def _read_folder(
    reader: StoreReader, folder: str, watch: Watch, limits: Limits, partial: Callable[[Index], Snapshot]
) -> Index:
    listing = reader.list_folder(folder)
    gatherer = Gatherer(folder, len(listing), sum(min(each.size, limits.file_bytes) for each in listing), limits)
    steps = gatherer.gather(_contents(reader, folder, listing, limits.file_bytes))
    while not watch.stopped() and (decoded := next(steps, None)) is not None:
        if decoded:
            watch.progress(Progress(folder, gatherer.done, len(listing), lambda: partial(gatherer.index())))
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
