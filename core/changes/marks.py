"""What tells one state of a store from another: a mark for each metadata file, and what differs between two looks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from itertools import islice
from typing import Final, TypeAlias

from core import phrases
from core.errors import StoreUnreachable
from core.gather import MAX_FILE_BYTES
from core.gzips import GZIP_MAGIC, GzipFault, text_of
from core.index import Index
from core.storage.protocol import HandleUnreadable, Listed, ListedKind, ReadFault, StoreReader

#: What came of reading a listed name; None if it is no file.
Content: TypeAlias = bytes | HandleUnreadable | None
_PLAIN: Final = b"plain"
_GZIP: Final = b"gzip"
_UNREADABLE: Final = "unreadable"
_DIGEST_THREADS: Final = 2
#: Bytes of a file from which on a digest by another thread is worth the way there.
_LARGE: Final = 64 << 10
#: Bytes of files that were read and have no digest yet.
_AHEAD_BYTES: Final = 4 << 20


@dataclass(frozen=True, slots=True)
class FileMark:
    """A file as it stood: handle, size in bytes as listed, and a digest of what it says."""

    handle: str
    size: int
    digest: str

    @property
    def is_unreadable(self) -> bool:
        """Whether it is of a file that could not be read as a whole."""
        return self.digest == _UNREADABLE


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
        text = text_of(content, MAX_FILE_BYTES)
    except GzipFault:
        return FileMark(handle, len(content), _UNREADABLE)
    return FileMark(handle, len(content), digest_of(text, gzip=True))


def require_had(handle: str, why: Exception) -> None:
    """Raises `StoreUnreachable` if a file could not be had just now, which says nothing of what stands there."""
    if not isinstance(why, HandleUnreadable) or why.fault is ReadFault.FAILED:
        hint = "look at the storage, the network and the rights of this user"
        raise StoreUnreachable(f"{phrases.shown(handle)} can't be read: {phrases.shown(str(why))}", hint=hint) from why


def read_marks(reader: StoreReader, folder: str, unreadable: Container[str] | None = None) -> tuple[FileMark, ...]:
    """The marks of a folder as it is now, nothing else kept; `unreadable` as for `marked`."""
    return tuple(mark for _, _, mark in marked(reader, folder, unreadable))


def read_marks_of(reader: StoreReader, folder: str, names: Sequence[str]) -> dict[str, FileMark]:
    """The marks of those files of a folder that are there, by handle; it is not listed, and no other is read.

    Raises `StoreUnreachable` where a file can't be had just now.
    """
    contents = zip(names, reader.read_many(folder, names, MAX_FILE_BYTES), strict=True)
    marks = {}
    for handle, content in ((f"{folder}/{name}", content) for name, content in contents):
        if isinstance(content, bytes):
            marks[handle] = mark_of_bytes(handle, content)
        else:
            require_had(handle, content)
    return marks


def marked(
    reader: StoreReader, folder: str, unreadable: Container[str] | None = None
) -> Iterator[tuple[Listed, Content, FileMark]]:
    """Each name of a folder as it is now, its content (None: no file), and its mark. Raises `StoreUnreachable`.

    That is raised also where a file can't be had just now, unless its handle is one of the `unreadable`; with None no
    file is required. The thread that asks lists the folder and reads every file, in listing order. Digests of large
    files are made by others meanwhile; at most `_AHEAD_BYTES` and one file wait for theirs.
    """
    waiting: deque[tuple[Listed, Content, Callable[[], FileMark]]] = deque()
    ahead = 0
    with ThreadPoolExecutor(_DIGEST_THREADS, "digest") as pool:
        for listed, content in _contents(reader, folder):
            if unreadable is not None and isinstance(content, HandleUnreadable) and listed.handle not in unreadable:
                require_had(listed.handle, content)
            make = partial(_mark_of, listed, content)
            waiting.append((listed, content, pool.submit(make).result if _size(content) >= _LARGE else make))
            ahead += _size(content)
            while ahead > _AHEAD_BYTES:
                ahead -= _size(waiting[0][1])
                yield _made(waiting.popleft())
        yield from map(_made, waiting)


def _contents(reader: StoreReader, folder: str) -> Iterator[tuple[Listed, Content]]:
    listing = reader.list_folder(folder)
    names = (each.name for each in listing if each.kind is ListedKind.FILE)
    contents = reader.read_many(folder, names, MAX_FILE_BYTES)
    return ((each, next(contents) if each.kind is ListedKind.FILE else None) for each in listing)


def _made(waiting: tuple[Listed, Content, Callable[[], FileMark]]) -> tuple[Listed, Content, FileMark]:
    listed, content, mark = waiting
    return listed, content, mark()


def _size(content: Content) -> int:
    return len(content) if isinstance(content, bytes) else 0


def _mark_of(listed: Listed, content: Content) -> FileMark:
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
