"""Files that go to another file system: copied, flushed, read back, named, and only then taken away where they were.

Everything here raises plain `OSError`, or `Unsure` once something may have happened.
"""

from __future__ import annotations

import errno
import os
import stat as stat_bits
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from core.storage.local.drafts import Fill, Way, make_whole
from core.storage.local.folders import FILE_FLAGS, Place
from core.storage.local.moves import drop_old_name, is_one_name

_PIECE: Final = 1 << 20
_MODE_BITS: Final = 0o777
#: What a file system says that keeps no modes or owners.
_NO_MODES: Final = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS})


def copy_new(source: Place, target: Place, ways: Iterable[Way]) -> None:
    """A new file at `target` with the bytes of `source`. `FileExistsError` when the name is taken."""
    with _opened(source) as original:
        make_whole(target, _copied_from(original), ways)


def move_over(source: Place, target: Place, ways: Iterable[Way]) -> None:
    """Move a file by a copy that keeps its mode and time.

    A target of the very same bytes is taken for the copy of an earlier try that was cut off: it is flushed, and the
    source goes. Any other is `FileExistsError`.
    """
    with _opened(source) as original:
        try:
            make_whole(target, _copied_from(original), ways)
        except FileExistsError:
            if not target.is_plain_file() or is_one_name(source, target):
                raise
            with _opened(target) as copied:
                if not _same_bytes(original, copied):
                    raise
                os.fsync(copied)
        drop_old_name(source, target)


def _copied_from(original: int) -> Fill:
    """Fills a file with the bytes of an open one, its mode and its time, flushes it and reads both again."""

    def fill(descriptor: int) -> None:
        for start, piece in _pieces(original):
            _write_at(descriptor, piece, start)
        status = os.fstat(original)
        try:
            os.fchmod(descriptor, stat_bits.S_IMODE(status.st_mode) & _MODE_BITS)
            os.utime(descriptor, ns=(status.st_atime_ns, status.st_mtime_ns))
        except OSError as error:
            if error.errno not in _NO_MODES:
                raise
        os.fsync(descriptor)
        if not _same_bytes(original, descriptor):
            raise OSError(errno.EIO, "the copy differs")

    return fill


@contextmanager
def _opened(place: Place) -> Iterator[int]:
    descriptor = os.open(place.name, FILE_FLAGS, dir_fd=place.folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _pieces(descriptor: int) -> Iterator[tuple[int, bytes]]:
    """What an open file holds, piece by piece, each with where it starts."""
    start = 0
    while piece := os.pread(descriptor, _PIECE, start):
        yield start, piece
        start += len(piece)


def _write_at(descriptor: int, piece: bytes, start: int) -> None:
    written = 0
    while written < len(piece):
        written += os.pwrite(descriptor, piece[written:], start + written)


def _same_bytes(one: int, other: int) -> bool:
    """Whether two open files hold the same, both read to their ends."""
    if os.fstat(one).st_size != os.fstat(other).st_size:
        return False
    pieces = zip(_pieces(one), _pieces(other), strict=False)
    return all(mine == theirs for mine, theirs in pieces) and os.fstat(one).st_size == os.fstat(other).st_size
