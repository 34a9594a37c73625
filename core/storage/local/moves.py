"""New names for files of one file system: in one step where the kernel can, and never over what has the name already.

Everything here raises plain `OSError`, or `Unsure` once something may have happened.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable
from functools import cache
from typing import Final

from core.storage.local.faults import after_the_change, one_step
from core.storage.local.folders import Place, same_file, sync_folder

_NO_REPLACE: Final = 1
#: What the kernel says when it or the file system can't rename without replacing.
_CANT_RENAME: Final = frozenset({errno.ENOSYS, errno.EINVAL, errno.ENOTSUP})
#: What a file system says that knows no second names; EPERM also where a file is another user's.
CANT_LINK: Final = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK})


def rename_new(source: Place, target: Place, *, lasting: bool) -> None:
    """Rename to a name that is new: `FileExistsError` when it is taken by anything.

    Where renaming can't be kept from replacing, the file has both names for a moment; with `lasting`, the new one is on
    disk before the old one goes.
    """
    try:
        with one_step():
            _rename_no_replace(source, target)
    except OSError as error:
        if error.errno not in _CANT_RENAME:
            raise
        _link_and_unlink(source, target, lasting=lasting)


def link_new(source: Place, target: Place) -> None:
    """Give a file a second name: `FileExistsError` when it is taken by anything."""
    with one_step():
        os.link(source.name, target.name, src_dir_fd=source.folder, dst_dir_fd=target.folder, follow_symlinks=False)


def _link_and_unlink(source: Place, target: Place, *, lasting: bool) -> None:
    try:
        link_new(source, target)
    except OSError as error:
        if error.errno in CANT_LINK:
            raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP)) from error
        raise
    drop_old_name(source, target, lasting=lasting)


def drop_old_name(source: Place, target: Place, *, lasting: bool = True) -> None:
    """Take away the name of a file that has another one, which is on disk by then if `lasting`."""
    with after_the_change():
        if lasting:
            sync_folder(target.folder)
        os.unlink(source.name, dir_fd=source.folder)


def is_one_name(source: Place, target: Place) -> bool:
    """Whether two places with one file may be one name seen twice: taking away one would take away both.

    A folder may be mounted or linked onto the other, and a file system may not tell upper from lower case.
    """
    one, other = source.status(), target.status()
    if not same_file(one, other):
        return False
    return one.st_nlink < 2 or same_file(os.fstat(source.folder), os.fstat(target.folder))


def has_both_names(source: Place, target: Place) -> bool:
    """Whether the very same file has both names, as it has when a move by link and unlink was cut off."""
    try:
        same = same_file(source.status(), target.status())
    except FileNotFoundError:
        return False
    return same and not is_one_name(source, target)


def _rename_no_replace(source: Place, target: Place) -> None:
    rename = _renameat2()
    if rename is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    names = os.fsencode(source.name), os.fsencode(target.name)
    if rename(source.folder, names[0], target.folder, names[1], _NO_REPLACE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@cache
def _renameat2() -> Callable[[int, bytes, int, bytes, int], int] | None:
    """The system's call of that name, which Python has no function for; None where there is none."""
    found = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if found is None:
        return None
    found.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    found.restype = ctypes.c_int
    call: Callable[[int, bytes, int, bytes, int], int] = found
    return call
