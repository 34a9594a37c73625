"""Stores as a command adapter writes them: gzip without a name that says so, the same bytes at every moment."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from core.changes.model import ChangeSet, Move, Write
from core.form import Form
from core.gather import MAX_FILE_BYTES
from core.gzips import GZIP_MAGIC, text_of


def gzipped(data: bytes, level: int = 9) -> bytes:
    """`data` as one gzip member without a time."""
    return gzip.compress(data, level, mtime=0)


def zipped(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The same files, each in gzip."""
    return {name: gzipped(content) for name, content in files.items()}


def said(content: bytes) -> bytes:
    """What a file says, plain or gzip."""
    return text_of(content, MAX_FILE_BYTES)


def unzipped(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The same files, each as what it says."""
    return {name: said(content) for name, content in files.items()}


def is_zipped(files: Iterable[bytes]) -> bool:
    """Whether any content is gzip."""
    return any(content.startswith(GZIP_MAGIC) for content in files)


def assert_twins(plain: ChangeSet, twin: ChangeSet) -> None:
    """Asserts that a change of a gzip store is that of the same store in plain files, compressed."""
    for ours, theirs in zip(plain.all_new, twin.all_new, strict=True):
        _assert_same_file(ours, theirs)
    for moves, others in ((plain.retires, twin.retires), (plain.restores, twin.restores)):
        assert list(map(_told, moves)) == list(map(_told, others))
    for field in ("kind", "label", "lanes", "rejected", "parked", "expires", "kept", "added", "unreadable"):
        assert getattr(plain, field) == getattr(twin, field), field
    assert (plain.is_empty, plain.files_after) == (twin.is_empty, twin.files_after)


def _assert_same_file(plain: Write, twin: Write) -> None:
    assert (plain.handle, plain.lines, plain.form) == (twin.handle, twin.lines, Form.PLAIN)
    assert twin.form is Form.GZIP and gzip.decompress(twin.content) == plain.content
    assert twin.mark.size == len(twin.content) and twin.mark.digest == twin.saying.digest != plain.mark.digest


def _told(move: Move) -> tuple[str, str, str]:
    return move.source, move.target, move.because


def zip_up(folder: Path) -> Path:
    """Put every file below a folder into gzip, its time kept; the folder."""
    for path in folder.rglob("*"):
        if path.is_file():
            times = path.stat()
            path.write_bytes(gzipped(path.read_bytes()))
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    return folder
