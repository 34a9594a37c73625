"""Folders and files of a store in a folder, opened part by part: whatever a handle says, it stays inside the store.

No link is followed below the store's own folder, except where `metadata` and `metadata_backup` themselves are links,
as stock allows (`hazards.md`, `own-handle-rule`). Everything here raises plain `OSError`.
"""

from __future__ import annotations

import errno
import os
import stat as stat_bits
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

METADATA: Final = "metadata"
#: The folders that stock itself reads through links, so that mounting one elsewhere keeps working.
_OWN_FOLDERS: Final = frozenset({METADATA, "metadata_backup"})
_FOLDER_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
FILE_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER_MODE: Final = 0o777
_NO_FOLDER_SYNC: Final = frozenset({errno.EINVAL, errno.ENOTSUP})


class Place(NamedTuple):
    """A name in an open folder, whether something has it or not: the folder's descriptor, and the name."""

    folder: int
    name: str

    def status(self) -> os.stat_result:
        """What stands there; of a link, the link itself."""
        return os.stat(self.name, dir_fd=self.folder, follow_symlinks=False)

    def is_plain_file(self) -> bool:
        """Whether a plain file stands there."""
        return stat_bits.S_ISREG(self.status().st_mode)


def open_folder(root: Path | str, folder: str, *, make: bool = False) -> int:
    """A descriptor of a folder of the store ("" for the store's own).

    With `make`, what is missing on the way is made, each name flushed before it is used; but never the store's folder
    nor its `metadata`: where those are missing there is no store.
    """
    current = os.open(root, _FOLDER_FLAGS)
    for part in folder.split("/") if folder else ():
        flags = _FOLDER_FLAGS if folder in _OWN_FOLDERS else _FOLDER_FLAGS | os.O_NOFOLLOW
        try:
            following = _open_part(current, part, flags, make=make and folder.partition("/")[0] != METADATA)
        finally:
            os.close(current)
        current = following
    return current


def _open_part(above: int, part: str, flags: int, *, make: bool) -> int:
    try:
        return os.open(part, flags, dir_fd=above)
    except FileNotFoundError:
        if not make:
            raise
    with suppress(FileExistsError):
        os.mkdir(part, _FOLDER_MODE, dir_fd=above)
        sync_folder(above)
    return os.open(part, flags, dir_fd=above)


@contextmanager
def opened_folder(root: Path | str, folder: str, *, make: bool = False) -> Iterator[int]:
    """The descriptor of `open_folder` for as long as it is needed."""
    descriptor = open_folder(root, folder, make=make)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def opened_place(root: Path | str, handle: str, *, make: bool = False) -> Iterator[Place]:
    """Where a handle lies, its folder open for as long as it is needed."""
    parent, _, name = handle.rpartition("/")
    with opened_folder(root, parent, make=make) as folder:
        yield Place(folder, name)


def sync_folder(folder: int) -> None:
    """Return when the names in an open folder are on disk."""
    try:
        os.fsync(folder)
    except OSError as error:
        # A file system that flushes no folders has nothing to wait for.
        if error.errno not in _NO_FOLDER_SYNC:
            raise


def same_file(one: os.stat_result, other: os.stat_result) -> bool:
    """Whether two statuses are those of one and the same file or folder."""
    return (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
