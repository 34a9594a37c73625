"""The bytes of one object, all of one version: in one request where it is small, piece by piece where it is large."""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from core.storage.objects_client import Client
from core.storage.objects_faults import CLIENT_ERRORS, FaultKind, fault_of
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


def find(client: Client, handle: str) -> Found:
    """The version that stands there now. Raises `HandleUnreadable`."""
    return _found(_asked(lambda: client.head(handle)))


def fetch(client: Client, handle: str, limit: int) -> bytes | Found:
    """The content of a small object, or what a large one is. Raises `HandleUnreadable`, also beyond `limit` bytes."""

    def ask() -> bytes | Found:
        result = client.get(handle)
        found = _found(result.meta)
        if found.size > limit:
            message = f"larger than the {limit:,} bytes that are read of such a file"
            raise HandleUnreadable(ReadFault.TOO_LARGE, message)
        return found if found.size > LARGE else bytes(result.bytes())

    return _asked(ask)


def fetch_large(client: Client, handle: str, found: Found, workers: int) -> bytes:
    """The content of a large object, some pieces at once. Raises `HandleUnreadable`, also where it has changed."""
    starts = range(0, found.size, _PIECE)
    content = bytearray(found.size)
    with ThreadPoolExecutor(min(workers, len(starts)), "piece") as pool:
        pieces = pool.map(lambda start: _piece(client, handle, found, start, start + _PIECE), starts)
        for start, piece in zip(starts, pieces, strict=True):
            content[start : start + _PIECE] = memoryview(piece)
    return bytes(content)


def open_stream(client: Client, handle: str) -> io.BufferedIOBase:
    """A seekable stream over the version that stands there now. Raises `HandleUnreadable`."""
    fetched = fetch(client, handle, 1 << 62)
    if isinstance(fetched, Found):
        return io.BufferedReader(_Pieces(client, handle, fetched), _PIECE)
    return io.BytesIO(fetched)


class _Pieces(io.RawIOBase):
    """An object read where it is asked for; `OSError` where it can't be read, or has changed meanwhile."""

    def __init__(self, client: Client, handle: str, found: Found) -> None:
        self._client = client
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

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        stop = min(self._at + len(buffer), self._found.size)
        if stop <= self._at:
            return 0
        try:
            piece = memoryview(_piece(self._client, self._handle, self._found, self._at, stop))
        except HandleUnreadable as unreadable:
            raise OSError(unreadable.message) from unreadable
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


def _piece(client: Client, handle: str, found: Found, start: int, stop: int) -> Bytes:
    stop = min(stop, found.size)
    options: GetOptions = {"range": (start, stop)}
    if found.tag is not None:
        options["if_match"] = found.tag
    piece = _asked(lambda: client.get(handle, options=options).bytes())
    if len(piece) != stop - start:
        raise HandleUnreadable(ReadFault.FAILED, "the storage sent less of it than it has")
    return piece


def _found(meta: ObjectMeta) -> Found:
    return Found(meta["size"], meta["e_tag"], float(int(meta["last_modified"].timestamp())))


def _asked(ask: Callable[[], _T]) -> _T:
    try:
        return ask()
    except CLIENT_ERRORS as error:
        fault = fault_of(error)
        if fault.kind is FaultKind.MISSING:
            raise HandleUnreadable(ReadFault.MISSING, "No such file or directory (os error 2)") from error
        why = "it was written anew while it was read" if fault.kind is FaultKind.CHANGED else fault.why
        raise HandleUnreadable(ReadFault.FAILED, why) from error
