"""The bytes of one object, all of one version: in one request where it is small, piece by piece where it is large."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from core.storage.objects.client import Connection
from core.storage.objects.faults import CLIENT_ERRORS, FaultKind
from core.storage.objects.waiting import threads, waited
from core.storage.protocol import HandleUnreadable, ReadFault

if TYPE_CHECKING:
    from obstore import Bytes, GetOptions, ObjectMeta

#: Bytes beyond which an object is read in pieces, and how large these are.
LARGE: Final = 1 << 20
_PIECE: Final = 4 << 20
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Found:
    """One version of an object: its size in bytes, its tag, when it was written (unix seconds, whole)."""

    size: int
    tag: str | None
    modified: float


def plain_tag(e_tag: str | None) -> str:
    """The name of a version, however it is written: S3 lists it quoted, Azure does not but answers quoted."""
    return (e_tag or "").removeprefix("W/").strip('"')


@dataclass(frozen=True, slots=True)
class Fetched:
    """All of one version of an object, and its tag."""

    content: bytes
    tag: str | None


def find(connection: Connection, handle: str) -> Found:
    """The version that stands there now. Raises `HandleUnreadable`."""
    return _found(_asked(connection, lambda: connection.client.head(handle)))


def fetch(connection: Connection, handle: str, limit: int) -> Fetched | Found:
    """The content of a small object, or what a large one is. Raises `HandleUnreadable`, also beyond `limit` bytes."""

    def ask() -> Fetched | Found:
        result = connection.client.get(handle)
        found = _found(result.meta)
        if found.size > limit:
            message = f"larger than the {limit:,} bytes that are read of such a file"
            raise HandleUnreadable(ReadFault.TOO_LARGE, message)
        return found if found.size > LARGE else Fetched(bytes(result.bytes()), found.tag)

    return _asked(connection, ask)


def fetch_large(connection: Connection, handle: str, found: Found, workers: int) -> Fetched:
    """The content of a large object, some pieces at once. Raises `HandleUnreadable`, also where it has changed."""
    starts = range(0, found.size, _PIECE)
    content = bytearray(found.size)
    with threads(min(workers, len(starts))) as pool:
        pieces = pool.map(lambda start: _piece(connection, handle, found, start, start + _PIECE), starts)
        for start, piece in zip(starts, pieces, strict=True):
            content[start : start + _PIECE] = memoryview(piece)
    return Fetched(bytes(content), found.tag)


def open_stream(connection: Connection, handle: str) -> io.BufferedIOBase:
    """A seekable stream over the version that stands there now. Raises `HandleUnreadable`."""
    fetched = fetch(connection, handle, 1 << 62)
    if isinstance(fetched, Found):
        return io.BufferedReader(_Pieces(connection, handle, fetched), _PIECE)
    return io.BytesIO(fetched.content)


class _Pieces(io.RawIOBase):
    """An object read where it is asked for; `OSError` where it can't be read, or has changed meanwhile."""

    def __init__(self, connection: Connection, handle: str, found: Found) -> None:
        self._connection = connection
        self._handle = handle
        self._found = found
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._found.size}[whence]
        if base + offset < 0:
            raise ValueError("a stream has nothing before its start")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readall(self) -> bytes:
        """The rest. Python's own way asks for a few thousand bytes at a time."""
        return b"".join(iter(lambda: self.read(_PIECE) or b"", b""))

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        stop = min(self._at + len(buffer), self._found.size)
        if stop <= self._at:
            return 0
        try:
            piece = memoryview(_piece(self._connection, self._handle, self._found, self._at, stop))
        except HandleUnreadable as unreadable:
            raise OSError(unreadable.message) from unreadable
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


def _piece(connection: Connection, handle: str, found: Found, start: int, stop: int) -> Bytes:
    stop = min(stop, found.size)
    options: GetOptions = {"range": (start, stop)}
    if found.tag is not None:
        options["if_match"] = found.tag
    piece = _asked(connection, lambda: connection.client.get(handle, options=options).bytes())
    if len(piece) != stop - start:
        raise HandleUnreadable(ReadFault.FAILED, "the storage sent less of it than it has")
    return piece


def _found(meta: ObjectMeta) -> Found:
    return Found(meta["size"], meta["e_tag"], float(int(meta["last_modified"].timestamp())))


def _asked(connection: Connection, ask: Callable[[], _T]) -> _T:
    try:
        return waited(ask)
    except CLIENT_ERRORS as error:
        fault = connection.fault_of(error)
        if fault.kind is FaultKind.MISSING:
            raise HandleUnreadable(ReadFault.MISSING, "No such file or directory (os error 2)") from error
        why = "it was written anew while it was read" if fault.kind is FaultKind.CHANGED else fault.why
        raise HandleUnreadable(ReadFault.FAILED, why) from error
