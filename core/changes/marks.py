"""What tells one state of a store from another: a mark for each metadata file, and what differs between two looks."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from typing import Final

from core import phrases
from core.gather import MAX_FILE_BYTES
from core.gzips import GZIP_MAGIC, GzipFault, inflated
from core.index import Index
from core.storage.protocol import HandleUnreadable, Listed, ListedKind, StoreReader

_PLAIN: Final = b"plain"
_GZIP: Final = b"gzip"
_UNREADABLE: Final = "unreadable"


@dataclass(frozen=True, slots=True)
class FileMark:
    """A file as it stood: handle, size in bytes as listed, and a digest of what it says."""

    handle: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class Difference:
    """The handles that came, went and changed between two states."""

    added: tuple[str, ...]
    gone: tuple[str, ...]
    changed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.gone or self.changed)


def digest_of(content: bytes | memoryview[int], *, gzip: bool = False) -> str:
    """The digest of a file's (inflated) text as it is, 32 hex digits."""
    return blake2b(content, digest_size=16, person=_GZIP if gzip else _PLAIN).hexdigest()


def mark_of_bytes(handle: str, content: bytes) -> FileMark:
    """The mark that a file of these very bytes has, gzip or not."""
    if not content.startswith(GZIP_MAGIC):
        return FileMark(handle, len(content), digest_of(content))
    try:
        text = b"".join(inflated(io.BytesIO(content), MAX_FILE_BYTES))
    except GzipFault:
        return FileMark(handle, len(content), _UNREADABLE)
    return FileMark(handle, len(content), digest_of(text, gzip=True))


def read_marks(reader: StoreReader, folder: str) -> tuple[FileMark, ...]:
    """The marks of a folder as it is now, one file after another, nothing kept. Raises `StoreUnreachable`."""
    listing = reader.list_folder(folder)
    names = (each.name for each in listing if each.kind is ListedKind.FILE)
    contents = reader.read_many(folder, names, MAX_FILE_BYTES)
    return tuple(_mark_of_listed(each, contents) for each in listing)


def _mark_of_listed(listed: Listed, contents: Iterator[bytes | HandleUnreadable]) -> FileMark:
    content = next(contents) if listed.kind is ListedKind.FILE else None
    if isinstance(content, bytes):
        return mark_of_bytes(listed.handle, content)
    return FileMark(listed.handle, listed.size, _UNREADABLE)


def marks_of(index: Index) -> tuple[FileMark, ...]:
    """A mark of every file of a folder, in listing order; one that can't be read is marked by that."""
    return tuple(mark_of(index, number) for number in range(len(index.files)))


def mark_of(index: Index, number: int) -> FileMark:
    """The mark of file `number`."""
    file = index.files[number]
    if file.fault is not None:
        return FileMark(file.handle, file.listed.size, _UNREADABLE)
    start, stop = index.text_spans[number]
    text = index.text[start : stop if file.ends_with_newline else stop - 1]
    return FileMark(file.handle, file.listed.size, digest_of(text.data, gzip=file.gzip))


def difference(before: Iterable[FileMark], after: Iterable[FileMark]) -> Difference:
    """What happened between two states. Of a file that could not be read as a whole, name and size must tell."""
    old = {mark.handle: mark for mark in before}
    new = {mark.handle: mark for mark in after}
    return Difference(
        added=tuple(handle for handle in new if handle not in old),
        gone=tuple(handle for handle in old if handle not in new),
        changed=tuple(handle for handle, mark in new.items() if handle in old and not _alike(old[handle], mark)),
    )


def _alike(old: FileMark, new: FileMark) -> bool:
    return old == new or (old.size == new.size and _UNREADABLE in (old.digest, new.digest))


def told(different: Difference, most: int = 5) -> str:
    """What differs, with the names of the first files: `2 files changed: metadata/x came, metadata/y is gone`."""
    total = len(different.added) + len(different.gone) + len(different.changed)
    first = list(islice(_signed(different), most))
    return f"{phrases.count(total, 'file')} changed: {phrases.listed(first, total, most)}"


def _signed(different: Difference) -> Iterator[str]:
    yield from (f"{phrases.shown(handle)} came" for handle in different.added)
    yield from (f"{phrases.shown(handle)} is gone" for handle in different.gone)
    yield from (f"{phrases.shown(handle)} is another" for handle in different.changed)
