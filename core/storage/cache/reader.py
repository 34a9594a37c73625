"""A reader of a bucket that reads only those metadata files whose very version it has not read before.

What a listing tells of a file (size, time and tag) says which version it is. Contents are kept on this machine
(`core.storage.cache.contents`), under the tag that came with them. Files without a tag are read every time. Whoever
writes reads through no cache.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import tee
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, TypeAlias

from core.storage import identity_of
from core.storage.protocol import HandleUnreadable, Listed, ListedKind, StoreReader, TaggedReader

if TYPE_CHECKING:
    from core.storage.cache.contents import KeptContents

#: What came of reading a file.
Content: TypeAlias = bytes | HandleUnreadable
_FOLDERS: Final = frozenset({"metadata", "metadata_backup"})
#: So much is taken out, or put in, at once.
_BATCH_FILES: Final = 1_000
_BATCH_BYTES: Final = 4 << 20


def cached(
    reader: StoreReader, location: str, folder: Path | None, environment: Mapping[str, str] = os.environ
) -> StoreReader:
    """`reader`, which is at `location`; if that is a bucket, what it reads is kept in `folder`, if there is one."""
    if folder is None or not isinstance(reader, TaggedReader):
        return reader
    # Only such a store needs a database and the client of object stores.
    from core.storage.cache.contents import KeptContents, tidy
    from core.storage.objects.providers import ENDPOINTS

    tidy(folder)
    servers = [environment.get(name, "") for name in ENDPOINTS]
    return CachedReader(reader, KeptContents(folder, repr((identity_of(location), *servers))))


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Where contents are kept, below `XDG_CACHE_HOME`; None for somebody who has no home."""
    given = environment.get("XDG_CACHE_HOME", "")
    try:
        base = Path(given) if Path(given).is_absolute() else Path.home() / ".cache"
    except RuntimeError:
        return None
    return base / "seamline" / "contents"


class CachedReader:
    """A `StoreReader` over another. Of two listings of a folder the later one says what is new."""

    def __init__(self, reader: TaggedReader, kept: KeptContents) -> None:
        self._reader = reader
        self._kept = kept
        self._listed: dict[str, Mapping[str, Listed]] = {}

    @property
    def location(self) -> str:
        """The location as it was given."""
        return self._reader.location

    def list_folder(self, folder: str) -> list[Listed]:
        """The folder as it is now."""
        listing = self._reader.list_folder(folder)
        if folder in _FOLDERS:
            self._listed[folder] = {each.name: each for each in listing if each.tag and each.kind is ListedKind.FILE}
        return listing

    def read_many(self, folder: str, names: Iterable[str], limit: int) -> Iterator[Content]:
        """The content of each file as it was last listed, or, where it is new, as it is now."""
        listed = self._listed.get(folder)
        if listed is None:
            yield from self._reader.read_many(folder, names, limit)
            return
        asked = list(names)
        known = self._kept.known(folder, listed.values())
        kept = [name for name in asked if f"{folder}/{name}" in known and listed[name].size <= limit]
        at_hand, new = frozenset(kept), _New(self._reader, self._kept, folder, listed, limit)
        old = self._old([listed[name] for name in kept], new)
        fresh = new.read(name for name in asked if name not in at_hand)
        try:
            for name in asked:
                yield next(old if name in at_hand else fresh)
        finally:
            fresh.close()
            new.save()

    def stat(self, handle: str) -> Listed:
        """What one handle is now."""
        return self._reader.stat(handle)

    def open(self, handle: str) -> BinaryIO:
        """One handle as it is now."""
        return self._reader.open(handle)

    async def read(self, handle: str, limit: int) -> bytes:
        """One handle as it is now."""
        return await self._reader.read(handle, limit)

    def on_one_device(self) -> bool:
        """As the storage says."""
        return self._reader.on_one_device()

    def may_change(self, folder: str) -> bool:
        """As the storage says."""
        return self._reader.may_change(folder)

    def _old(self, listed: Sequence[Listed], new: _New) -> Iterator[Content]:
        """What is kept of these, in turn; what turns out to be damaged is read again."""
        for batch in _batches(listed):
            found = self._kept.contents(batch)
            again = new.read(each.name for each, content in zip(batch, found, strict=True) if content is None)
            for content in found:
                yield next(again) if content is None else content


class _New:
    """Reads files of one folder, and keeps those that are of the version listed."""

    def __init__(
        self, reader: TaggedReader, kept: KeptContents, folder: str, listed: Mapping[str, Listed], limit: int
    ) -> None:
        self._reader = reader
        self._kept = kept
        self._folder = folder
        self._listed = listed
        self._limit = limit
        self._unsaved: list[tuple[Listed, bytes]] = []
        self._bytes = 0

    def read(self, names: Iterable[str]) -> Generator[Content, None, None]:
        """The content of each."""
        names, asked = tee(names)
        with closing(self._reader.read_tagged(self._folder, asked, self._limit)) as contents:
            for name, (content, tag) in zip(names, contents, strict=True):
                listed = self._listed.get(name)
                if listed is not None and listed.tag == tag and isinstance(content, bytes):
                    self._unsaved.append((listed, content))
                    self._bytes += len(content)
                if self._bytes > _BATCH_BYTES or len(self._unsaved) > _BATCH_FILES:
                    self.save()
                yield content

    def save(self) -> None:
        """Keep what is new."""
        self._kept.keep(self._unsaved)
        self._unsaved, self._bytes = [], 0


def _batches(listed: Sequence[Listed]) -> Iterator[Sequence[Listed]]:
    """In pieces of `_BATCH_FILES`, or of `_BATCH_BYTES` and a file, at most."""
    start = size = 0
    for stop, each in enumerate(listed, 1):
        size += each.size
        if size >= _BATCH_BYTES or stop - start >= _BATCH_FILES:
            yield listed[start:stop]
            start, size = stop, 0
    if start < len(listed):
        yield listed[start:]
