"""How a file comes into being whole: filled and flushed while it has no name that anybody reads, then named at once.

Everything here raises plain `OSError`, or `Unsure` once something may have happened.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from core.storage.local.faults import one_step
from core.storage.local.folders import Place
from core.storage.local.moves import rename_new

#: Writes all of a file to a descriptor (read and write) and flushes it.
Fill = Callable[[int], None]
#: One way to make a file at a place.
Way = Callable[[Place, Fill], None]

_MODE: Final = 0o666
_NEW: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
#: What is said where files without a name can't be made, or can't be given one: by the file system, by a kernel or a
#: Python without them, where /proc is not there; and where a draft lies on another file system.
_NOT_THIS_WAY: Final = frozenset(
    {errno.ENOTSUP, errno.EISDIR, errno.EINVAL, errno.ENOSYS, errno.ENOENT, errno.EPERM, errno.EXDEV}
)


def make_whole(target: Place, fill: Fill, ways: Iterable[Way]) -> None:
    """Make a new file in the first of the `ways` that works here. `FileExistsError` when the name is taken."""
    failed: OSError = OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
    for way in ways:
        try:
            return way(target, fill)
        except OSError as error:
            if error.errno not in _NOT_THIS_WAY:
                raise
            failed = error
    raise failed


def nameless(target: Place, fill: Fill) -> None:
    """By a file that has no name at all until it is whole: nothing is left over, wherever this is cut off."""
    flags = getattr(os, "O_TMPFILE", None)
    if flags is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    descriptor = os.open(".", flags | os.O_RDWR | os.O_CLOEXEC, _MODE, dir_fd=target.folder)
    try:
        fill(descriptor)
        with one_step():
            os.link(f"/proc/self/fd/{descriptor}", target.name, dst_dir_fd=target.folder, follow_symlinks=True)
    finally:
        os.close(descriptor)


def drafted(target: Place, fill: Fill, folder: int, prefix: str = "") -> None:
    """By a file that has another name in `folder` until it is whole; cut off, that one stays there."""
    draft, descriptor = _new_file(folder, prefix)
    try:
        fill(descriptor)
        rename_new(draft, target, lasting=False)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft.name, dir_fd=folder)
        raise
    finally:
        os.close(descriptor)


def _new_file(folder: int, prefix: str) -> tuple[Place, int]:
    number = 0
    while True:
        draft = Place(folder, f"{prefix}{number}")
        with suppress(FileExistsError):
            return draft, os.open(draft.name, _NEW, _MODE, dir_fd=folder)
        number += 1


def write_all(descriptor: int, content: bytes) -> None:
    """Write all of `content` and flush it."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    os.fsync(descriptor)
