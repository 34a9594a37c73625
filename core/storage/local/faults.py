"""What the system's errors mean to an operator: which write was not done, why, and what to do about it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from core.errors import AlreadyThere, OutcomeUnknown, SeamlineError, WriteFailed

_PERMISSION: Final = ("no permission to write there", "run as the user who owns the store's folders")
_SPACE: Final = ("the disk is full", "make room there, then try again")
_PATH: Final = ("a part of its path is a link or no folder", "look at what stands in the way; links are not followed")
_MEANINGS: Final[Mapping[int, tuple[str, str]]] = {
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: ("the disk quota is used up", _SPACE[1]),
    errno.EFBIG: ("a file may not grow that large here", "raise the limit of file size (ulimit -f), then try again"),
    errno.EROFS: ("the file system is mounted read-only", "mount it for writing, then try again"),
    errno.EACCES: _PERMISSION,
    errno.EPERM: _PERMISSION,
    errno.ENAMETOOLONG: ("the name is too long for this file system", "nothing of that name can be stored here"),
    errno.ENOENT: ("there is no such file or folder", "look at the store again"),
    errno.ENOTDIR: _PATH,
    errno.ELOOP: _PATH,
    errno.EISDIR: ("a folder stands there", "look at what stands in the way"),
    errno.ENOTEMPTY: ("the folder is not empty", "look at what it still holds"),
    errno.EXDEV: (
        "it lies on another file system, and this one can take no file that has no name yet",
        "keep metadata/ and seamline/ on the same file system",
    ),
    errno.ENOTSUP: (
        "the file system can neither link a file nor rename it without replacing another",
        "move the store to a file system that can, such as ext4, XFS or NFS",
    ),
    errno.EMLINK: ("the file has too many names", "look at the store again"),
    errno.EIO: ("the disk or the mount fails", "check the disk and the mount, then try again"),
}
_ELSE: Final = "check the disk and the mount, then try again"
#: Errors after which a step may have been carried out all the same: the answer got lost on the way.
_LOST_ANSWER: Final = frozenset({errno.EIO, errno.ETIMEDOUT, errno.ESTALE, errno.EREMOTEIO, errno.ECONNRESET})


class Unsure(Exception):
    """A step failed of which something may have happened; `error` is what the system said."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


@contextmanager
def one_step() -> Iterator[None]:
    """A single change of names: done or not, unless the answer got lost, which is `Unsure`."""
    try:
        yield
    except OSError as error:
        if error.errno in _LOST_ANSWER:
            raise Unsure(error) from error
        raise


@contextmanager
def after_the_change() -> Iterator[None]:
    """What follows once something has happened: any failure is `Unsure`."""
    try:
        yield
    except OSError as error:
        raise Unsure(error) from error


@contextmanager
def told(undone: str) -> Iterator[None]:
    """Nothing of the system's errors gets out but as `WriteFailed`, `AlreadyThere` or `OutcomeUnknown`.

    `undone` is a sentence without its end: what has not happened.
    """
    try:
        yield
    except Unsure as unsure:
        why, hint = _meaning(unsure.error)
        raise OutcomeUnknown(f"{undone}, or not for certain: {why}", hint=hint) from unsure
    except (OSError, ValueError) as error:
        raise _failed(undone, error) from error


def refused(undone: str, why: str, hint: str = "look at the store again") -> WriteFailed:
    """The error of a write that is not even tried."""
    return WriteFailed(f"{undone}: {why}", hint=hint)


def _failed(undone: str, error: OSError | ValueError) -> SeamlineError:
    if not isinstance(error, OSError):
        return refused(undone, "no file can have its name")
    if error.errno == errno.EEXIST:
        hint = "look at what stands there; it was not touched"
        return AlreadyThere(f"{undone}: the name is taken", hint=hint)
    why, hint = _meaning(error)
    return WriteFailed(f"{undone}: {why}", hint=hint)


def _meaning(error: OSError) -> tuple[str, str]:
    """Why, with the system's own words, and what to do."""
    number = error.errno or 0
    why, hint = _MEANINGS.get(number, ("", _ELSE))
    system = f"{os.strerror(number)} (os error {number})"
    return (f"{why} ({system})" if why else system), hint
