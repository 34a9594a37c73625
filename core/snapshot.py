"""One look at a store: list, read, decode. A snapshot never changes; a new look makes a new one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from core.gather import MAX_FILE_BYTES, Gatherer
from core.host import Host
from core.index import Index
from core.storage.protocol import HandleUnreadable, Listed, ListedKind, ReadFault, StoreReader


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a look has come: `done` of `total` files of `folder`; `partial` makes a snapshot of what is there."""

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
        """Whether every listed metadata file was read, or at least tried."""
        return self.index.complete


def take_snapshot(reader: StoreReader, host: Host, watch: Watch | None = None) -> Snapshot:
    """Look at a store: `metadata/`, then `metadata_backup/` as evidence, and the names at its top.

    Raises `StoreUnreachable` when a listing can't be had.
    """
    watch = watch or Unwatched()
    taken_at, root, one_device = host.now(), tuple(reader.list_folder("")), reader.on_one_device()

    def snapshot(index: Index, retired: Index) -> Snapshot:
        return Snapshot(reader.location, taken_at, index, retired, root, one_device)

    nothing = Gatherer("metadata_backup", 0, 0).index()
    index = _read_folder(reader, "metadata", watch, lambda index: snapshot(index, nothing))
    retired = _read_folder(reader, "metadata_backup", watch, lambda retired: snapshot(index, retired))
    return snapshot(index, retired)


def _read_folder(reader: StoreReader, folder: str, watch: Watch, partial: Callable[[Index], Snapshot]) -> Index:
    listing = reader.list_folder(folder)
    gatherer = Gatherer(folder, len(listing), sum(min(each.size, MAX_FILE_BYTES) for each in listing))
    for listed, data in _contents(reader, folder, listing):
        if watch.stopped():
            break
        if gatherer.add(listed, data):
            watch.progress(Progress(folder, gatherer.done, len(listing), lambda: partial(gatherer.index())))
    return gatherer.index()


def _contents(
    reader: StoreReader, folder: str, listing: list[Listed]
) -> Iterator[tuple[Listed, bytes | HandleUnreadable]]:
    """Each listed name with its content; only plain files are opened."""
    contents = reader.read_many(folder, (each.name for each in listing if each.kind is ListedKind.FILE), MAX_FILE_BYTES)
    for listed in listing:
        if listed.kind is ListedKind.FILE:
            yield listed, next(contents)
        else:
            yield listed, HandleUnreadable(ReadFault.REFUSED, f"not opened: it is a {listed.kind.value}, not a file")
