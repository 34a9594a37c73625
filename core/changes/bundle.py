"""The undo bundle: the raw bytes of every file that an operation retires, as a tar file that any `tar` can unpack."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final

from core.changes.marks import FileMark, mark_of_bytes
from core.gather import MAX_FILE_BYTES
from core.journal.names import Piece, piece_handle
from core.names import handle_problem
from core.storage.protocol import HandleUnreadable, Listed, StoreReader

_FOLDER: Final = "metadata/"


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
    except (HandleUnreadable, tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise BundleFault(f"{operation}.{Piece.BUNDLE} can't be read: {error}") from None


def marks_in_bundle(reader: StoreReader, operation: str) -> tuple[FileMark, ...]:
    """The marks of all files in an operation's bundle. Raises `BundleFault`."""
    try:
        with reader.open(piece_handle(operation, Piece.BUNDLE)) as stream:
            return tuple(mark for mark, _ in _members(stream, None))
    except (HandleUnreadable, tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise BundleFault(f"{operation}.{Piece.BUNDLE} can't be read: {error}") from None


def _members(stream: BinaryIO, handles: set[str] | None) -> Iterator[tuple[FileMark, bytes]]:
    with tarfile.open(fileobj=stream, mode="r:") as tar:
        for member in tar:
            if not member.isreg() or not 0 <= member.size <= MAX_FILE_BYTES:
                continue
            if handles is not None and member.name not in handles:
                continue
            if not member.name.startswith(_FOLDER) or handle_problem(member.name):
                continue
            file = tar.extractfile(member)
            content = file.read() if file else b""
            yield mark_of_bytes(member.name, content), content
