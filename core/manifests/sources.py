"""The content of a chunk file by offset, be the file plain or gzip: one block is held at a time, whatever is in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from struct import Struct
from typing import BinaryIO, Final, Protocol

from core.gzips import inflated, is_gzip

#: Stock holds a whole chunk in memory and cuts chunks at 128 MiB; this much is far beyond what it would ever write.
MAX_INFLATED_BYTES: Final = 4 << 30
#: Each record stands behind its length, a big-endian u32 (`format.md`, "Manifests").
LENGTH: Final = Struct(">I")
_BLOCK: Final = 128 << 10


class Source(Protocol):
    """Content by offset, asked for in rising order."""

    def block(self, offset: int) -> bytes:
        """Some bytes from `offset` on, at least 4 unless the content ends; none when it ends at or before `offset`."""

    def end(self) -> int:
        """Where the content ends, once `block` has come to its end."""

    def size(self) -> int | None:
        """Where the content ends, None where only reading it all would tell."""


def source_of(stream: BinaryIO) -> Source:
    """The content of a file; the first bytes tell whether it is gzip. Its blocks raise `GzipFault` and OSError."""
    return InflatedSource(stream) if is_gzip(stream) else PlainSource(stream)


class PlainSource:
    """A file as it is: what lies between two asked-for offsets is seeked over."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def block(self, offset: int) -> bytes:
        """What stands at `offset`."""
        self._stream.seek(offset)
        return self._stream.read(_BLOCK)

    def end(self) -> int:
        """The size of the file."""
        return self._stream.seek(0, os.SEEK_END)

    def size(self) -> int | None:
        """The size of the file."""
        return self.end()


class InflatedSource:
    """The content of a gzip file: what lies between two asked-for offsets is inflated and dropped."""

    def __init__(self, stream: BinaryIO) -> None:
        self._pieces: Iterator[bytes] = inflated(stream, MAX_INFLATED_BYTES)
        self._kept = b""
        self._start = 0

    def block(self, offset: int) -> bytes:
        """What inflates to the content at `offset`. Raises `GzipFault` for what is damaged, or too much."""
        while self._start + len(self._kept) < offset + LENGTH.size:
            piece = next(self._pieces, b"")
            if not piece:
                break
            dropped = min(len(self._kept), offset - self._start)
            if dropped == len(self._kept):
                self._start, self._kept = self._start + dropped, piece
            else:
                self._start, self._kept = self._start + dropped, self._kept[dropped:] + piece
        return self._kept[max(0, offset - self._start) :]

    def end(self) -> int:
        """How far the content was inflated."""
        return self._start + len(self._kept)

    def size(self) -> int | None:
        """Not known."""
        return None
