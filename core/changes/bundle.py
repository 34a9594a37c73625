"""The undo bundle: the raw bytes of every file that an operation retires, as a tar file that any `tar` can unpack.

A bundle is read as if somebody else had made it: nothing is sized by a number in it, and only files that lie in
`metadata/` itself come out.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Iterator
from typing import IO, BinaryIO, Final, cast

from core.changes.marks import FileMark, mark_of_bytes
from core.gather import MAX_FILE_BYTES
from core.journal.names import Piece, piece_handle
from core.names import handle_problem
from core.storage.protocol import HandleUnreadable, Listed, StoreReader

_FOLDER: Final = "metadata/"
#: What comes of a stream that is no tar file, or one that was made to do harm.
_FAULTS: Final = (HandleUnreadable, tarfile.TarError, OSError, EOFError, ValueError, OverflowError, RecursionError)


class BundleFault(Exception):
    """A bundle can't be read; the message says why."""


def make_bundle(files: Iterable[tuple[Listed, bytes]]) -> bytes:
    """A tar file of the files under their handles, with their times."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for listed, content in files:
            member = tarfile.TarInfo(listed.handle)
            member.size, member.mtime, member.mode = len(content), int(listed.modified), 0o644
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def read_bundle(reader: StoreReader, operation: str, wanted: Iterable[FileMark]) -> dict[FileMark, bytes]:
    """The files `wanted` out of an operation's bundle, those that are in it unharmed. Raises `BundleFault`."""
    marks = set(wanted)
    try:
        with reader.open(piece_handle(operation, Piece.BUNDLE)) as stream:
            return {
                mark: content for mark, content in _members(stream, {mark.handle for mark in marks}) if mark in marks
            }
    except _FAULTS as error:
        raise BundleFault(f"{operation}.{Piece.BUNDLE} can't be read: {error}") from None


def marks_in_bundle(reader: StoreReader, operation: str) -> tuple[FileMark, ...]:
    """The marks of all files in an operation's bundle. Raises `BundleFault`."""
    try:
        with reader.open(piece_handle(operation, Piece.BUNDLE)) as stream:
            return tuple(mark for mark, _ in _members(stream, None))
    except _FAULTS as error:
        raise BundleFault(f"{operation}.{Piece.BUNDLE} can't be read: {error}") from None


class _Bounded:
    """A stream of which nobody reads more at once than a file of `metadata/` may hold."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.seek = stream.seek
        self.tell = stream.tell

    def read(self, size: int) -> bytes:
        """Up to `size` bytes. Raises `ReadError` for a size that nothing in a bundle has."""
        if not 0 <= size <= MAX_FILE_BYTES:
            raise tarfile.ReadError(f"a header claims {size:,} bytes")
        return self._stream.read(size)


def _members(stream: BinaryIO, handles: set[str] | None) -> Iterator[tuple[FileMark, bytes]]:
    with tarfile.open(fileobj=cast(IO[bytes], _Bounded(stream)), mode="r:") as tar:
        for member in tar:
            if member.size < 0:
                # What comes next would be sought before what was read, again and again.
                raise tarfile.ReadError("a file of less than no bytes")
            if not member.isreg() or member.size > MAX_FILE_BYTES:
                continue
            if handles is not None and member.name not in handles:
                continue
            if not _is_metadata_file(member.name):
                continue
            file = tar.extractfile(member)
            content = file.read() if file else b""
            yield mark_of_bytes(member.name, content), content


def _is_metadata_file(handle: str) -> bool:
    name = handle.removeprefix(_FOLDER)
    return name != handle and "/" not in name and handle_problem(handle) is None
