"""Level 3: the chunk and proof files that a manifest names are there, are plain files and are not empty."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from core.errors import StoreUnreachable
from core.manifests.facts import ManifestProblem
from core.manifests.model import (
    MANIFEST_NAMES,
    Chunk,
    EpochEndingChunk,
    Manifest,
    NamedFile,
    StateManifest,
    TransactionChunk,
    chunks_of,
    named_files,
)
from core.model import LaneKind
from core.names import parse_backup_folder
from core.storage.protocol import HandleUnreadable, Listed, ListedKind, ReadFault, StoreReader

#: What stock says when it reads a folder as a file.
IS_A_FOLDER: Final = "Is a directory (os error 21)"
#: What stock says of a record, or a proof, of no bytes.
END_OF_INPUT: Final = "unexpected end of input"
_MISSING: Final = HandleUnreadable(ReadFault.MISSING, "No such file or directory (os error 2)")
_DATA_NAME_RE: Final = re.compile(r"([0-9]{1,20})-(?:\.chunk|[0-9]{1,20}\.proof)")


class BackupFiles:
    """The files of one backup folder, from one listing of it; files elsewhere are looked up one by one.

    Without `listing` the folder is not listed: each of its files is looked up as well, and none is told by name.
    """

    def __init__(self, reader: StoreReader, folder: str, *, listing: bool = True) -> None:
        self._reader = reader
        self.folder = folder
        self._listed: dict[str, Listed] | None = None
        # A folder that can't be listed may still let its files be opened: each is then looked up.
        with suppress(StoreUnreachable):
            self._listed = {each.handle: each for each in reader.list_folder(folder)} if listing else None

    def look_up(self, handle: str) -> Listed | HandleUnreadable:
        """One file as the listing shows it, or why it can't be had. Opens nothing but plain files."""
        if self._listed is not None and handle.rpartition("/")[0] == self.folder:
            return self._listed.get(handle, _MISSING)
        try:
            return self._reader.stat(handle)
        except HandleUnreadable as unreadable:
            return unreadable

    def data_files(self) -> Iterator[tuple[str, int]]:
        """The chunk and proof files of the folder by their names, each with its start."""
        for handle, listed in (self._listed or {}).items():
            match = _DATA_NAME_RE.fullmatch(listed.name)
            if match:
                yield handle, int(match[1])


def check_presence(manifest: Manifest, named: NamedFile, found: Listed | HandleUnreadable) -> ManifestProblem | None:
    """What is wrong with a file that a manifest names, as far as looking it up tells."""
    if isinstance(found, HandleUnreadable):
        return absent(found, describe(manifest, named), named)
    if found.kind is not ListedKind.FILE:
        return _no_file(found.kind, describe(manifest, named), named)
    if found.size:
        return None
    what = describe(manifest, named)
    return empty_proof(what, named) if named.is_proof else _empty_chunk(manifest, what, named)


def check_unnamed(files: BackupFiles, manifest: Manifest, lane: LaneKind, handle: str) -> Iterator[ManifestProblem]:
    """Files in a backup's own folder that its manifest does not list: another backup's, or no longer listed.

    Only the manifest that stock writes for a folder lists all of it; others may list a part on purpose.
    """
    if handle != f"{files.folder}/{MANIFEST_NAMES[lane]}" or not parse_backup_folder(files.folder):
        return
    named = {file.handle for file in named_files(manifest)}
    last = max((chunk.last for chunk in chunks_of(manifest)), default=-1)
    beyond: list[str] = []
    among: list[str] = []
    for file, start in files.data_files():
        if file not in named:
            (beyond if isinstance(manifest, StateManifest) and start > last else among).append(file)
    if beyond:
        message = f"the folder holds {_counted(beyond)} of items after {last:,}, where the manifest ends"
        yield ManifestProblem("snapshot-missing-tail", message, min(beyond))
    if among:
        message = f"the folder holds {_counted(among)} that the manifest does not list: of another backup?"
        yield ManifestProblem("suffix-collision", message, min(among))


def describe(manifest: Manifest, named: NamedFile) -> str:
    """What a file is to its manifest, to begin a sentence with."""
    if named.chunk is None:
        return "the proof of the snapshot"
    chunk = chunks_of(manifest)[named.chunk]
    what = f"the proof of chunk {named.chunk:,}" if named.is_proof else f"chunk {named.chunk:,}"
    return f"{what} ({chunk.first:,} to {chunk.last:,})"


def absent(unreadable: HandleUnreadable, what: str, named: NamedFile) -> ManifestProblem:
    """The problem of a file that can't be had."""
    message = f"{what} can't be read: {unreadable.message}"
    if unreadable.fault is ReadFault.MISSING:
        message = f"{what} is not in the store"
    stock = None if unreadable.fault is ReadFault.REFUSED else unreadable.message
    return ManifestProblem("dangling-manifest", message, named.handle, stock, named.chunk)


def empty_proof(what: str, named: NamedFile) -> ManifestProblem:
    """The problem of a proof of no bytes."""
    return ManifestProblem("chunk-truncated", f"{what} is empty", named.handle, END_OF_INPUT, named.chunk)


def count_complaint(chunk: Chunk, records: int) -> str | None:
    """Stock's words for a wrong number of records; it does not count those of state chunks."""
    if isinstance(chunk, TransactionChunk):
        unit = "version"
    elif isinstance(chunk, EpochEndingChunk):
        unit = "epoch"
    else:
        return None
    return (
        f"Number of items in chunks doesn't match that in manifest. first_{unit}: {chunk.first}, "
        f"last_{unit}: {chunk.last}, items in chunk: {records}"
    )


def _no_file(kind: ListedKind, what: str, named: NamedFile) -> ManifestProblem:
    if kind is ListedKind.LINK:
        message = f"{what} is a link: not looked into, since links are not followed"
        return ManifestProblem("symlink-entry", message, named.handle, chunk=named.chunk)
    stock = IS_A_FOLDER if kind is ListedKind.FOLDER else None
    message = f"{what} is no file but {'a folder' if kind is ListedKind.FOLDER else 'something that is never opened'}"
    return ManifestProblem("dangling-manifest", message, named.handle, stock, named.chunk)


def _empty_chunk(manifest: Manifest, what: str, named: NamedFile) -> ManifestProblem:
    stock = None if named.chunk is None else count_complaint(chunks_of(manifest)[named.chunk], 0)
    return ManifestProblem("chunk-count-mismatch", f"{what} is empty", named.handle, stock, named.chunk)


def _counted(handles: list[str]) -> str:
    return "1 file" if len(handles) == 1 else f"{len(handles):,} files"
