"""What tells one state of a store from another: a mark for each metadata file, and what differs between two looks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from core.index import Index

_PLAIN: Final = b"plain"
_GZIP: Final = b"gzip"


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


def marks_of(index: Index) -> tuple[FileMark, ...]:
    """A mark of every file of a folder, in listing order; one that can't be read is marked by that."""
    return tuple(mark_of(index, number) for number in range(len(index.files)))


def mark_of(index: Index, number: int) -> FileMark:
    """The mark of file `number`."""
    file = index.files[number]
    if file.fault is not None:
        return FileMark(file.handle, file.listed.size, f"unreadable: {file.fault.fault}")
    start, stop = index.text_spans[number]
    text = index.text[start : stop if file.ends_with_newline else stop - 1]
    return FileMark(file.handle, file.listed.size, digest_of(text.data, gzip=file.gzip))


def difference(before: Iterable[FileMark], after: Iterable[FileMark]) -> Difference:
    """What happened between two states."""
    old = {mark.handle: mark for mark in before}
    new = {mark.handle: mark for mark in after}
    return Difference(
        added=tuple(handle for handle in new if handle not in old),
        gone=tuple(handle for handle in old if handle not in new),
        changed=tuple(handle for handle, mark in new.items() if handle in old and old[handle] != mark),
    )


def told(different: Difference, most: int = 5) -> str:
    """What differs, in words with the names of the first files: `2 files changed since: +metadata/x, ~metadata/y`."""
    handles = list(_signed(different))
    more = f" and {len(handles) - most:,} more" if len(handles) > most else ""
    count = f"{len(handles):,} file{'s' if len(handles) != 1 else ''}"
    return f"{count} changed: {', '.join(handles[:most])}{more}"


def _signed(different: Difference) -> Iterator[str]:
    yield from (f"{handle} came" for handle in different.added)
    yield from (f"{handle} is gone" for handle in different.gone)
    yield from (f"{handle} is another" for handle in different.changed)
