"""A store in a folder. Links are never followed below the store's own folders, and nothing but a plain file is opened.

Every handle is walked part by part from the store's folder with O_NOFOLLOW (`hazards.md`, `own-handle-rule`), so what
is opened lies inside the store whatever the handle says. Opening creates nothing: a mistyped folder is an error.
"""

from __future__ import annotations

import errno
import os
import stat as stat_bits
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import aiofiles

from core.errors import StoreUnreachable
from core.names import handle_problem
from core.storage.protocol import HandleUnreadable, Listed, ListedKind, ReadFault

#: The folders that stock itself reads through links, so that mounting one elsewhere keeps working.
_OWN_FOLDERS = frozenset({"metadata", "metadata_backup"})
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class LocalReader:
    """The read half of a LocalFs store (`format.md`, "Layout of a store")."""

    def __init__(self, folder: str) -> None:
        self._root = Path(folder)
        self._location = folder
        _require_store(self._root, folder)

    @property
    def location(self) -> str:
        """The folder as it was given."""
        return self._location

    def list_folder(self, folder: str) -> list[Listed]:
        """The direct children of `folder`, sorted by the bytes of their handles."""
        prefix = f"{folder}/" if folder else ""
        try:
            with os.scandir(self._root / folder) as children:
                listed = [_listed(prefix + child.name, child.stat(follow_symlinks=False)) for child in children]
        except FileNotFoundError:
            if folder == "metadata":
                raise _unreachable(self._location, "it holds no metadata/ folder") from None
            return []
        except OSError as error:
            raise _unreachable(self._location, f"{folder or 'its folder'} can't be listed: {_reason(error)}") from error
        return sorted(listed, key=lambda each: os.fsencode(each.handle))

    def read_many(self, folder: str, names: Iterable[str], limit: int) -> Iterator[bytes | HandleUnreadable]:
        """The content of each file of one folder, which is opened once."""
        try:
            folder_fd = self._open_folder(folder)
        except HandleUnreadable as error:
            raise _unreachable(self._location, f"{folder} can't be opened: {error.message}") from error
        try:
            for name in names:
                try:
                    yield _read_fd(_open_file(folder_fd, name), limit)
                except HandleUnreadable as unreadable:
                    yield unreadable
        finally:
            os.close(folder_fd)

    def stat(self, handle: str) -> Listed:
        """Size and time of one handle, taken from the file itself."""
        descriptor = self._open(handle)
        try:
            return _listed(handle, os.fstat(descriptor))
        finally:
            os.close(descriptor)

    def open(self, handle: str) -> BinaryIO:
        """A seekable stream over one handle's bytes."""
        return os.fdopen(self._open(handle), "rb")

    async def read(self, handle: str, limit: int) -> bytes:
        """The content of one handle, read without holding up the event loop."""
        descriptor = self._open(handle)
        async with aiofiles.open(descriptor, "rb") as file:
            data: bytes = await file.read(limit + 1)
        return _within(data, limit)

    def on_one_device(self) -> bool:
        """Whether metadata/ and metadata_backup/ (its parent, when it does not exist yet) share a file system."""
        retired = self._root / "metadata_backup"
        return (self._root / "metadata").stat().st_dev == (retired if retired.exists() else self._root).stat().st_dev

    def _open_root(self) -> int:
        return os.open(self._root, _FOLDER_FLAGS)

    def _open(self, handle: str) -> int:
        problem = handle_problem(handle)
        if problem:
            raise HandleUnreadable(ReadFault.REFUSED, f"not opened: {problem}")
        parent, _, name = handle.rpartition("/")
        folder_fd = self._open_folder(parent)
        try:
            return _open_file(folder_fd, name)
        finally:
            os.close(folder_fd)

    def _open_folder(self, folder: str) -> int:
        """A descriptor of a folder of the store, reached without following a link. Raises `HandleUnreadable`."""
        current = self._open_root()
        for part in folder.split("/") if folder else ():
            flags = _FOLDER_FLAGS if folder in _OWN_FOLDERS else _FOLDER_FLAGS | os.O_NOFOLLOW
            try:
                following = os.open(part, flags, dir_fd=current)
            except OSError as error:
                raise _unreadable(error) from error
            finally:
                os.close(current)
            current = following
        return current


def _require_store(root: Path, folder: str) -> None:
    try:
        mode = root.stat().st_mode
    except (OSError, ValueError) as error:
        reason = _reason(error) if isinstance(error, OSError) else "not a folder name"
        raise _unreachable(folder, f"the folder can't be opened: {reason}") from error
    if not stat_bits.S_ISDIR(mode):
        raise _unreachable(folder, "it is not a folder")
    if not (root / "metadata").is_dir():
        hint = "name the folder that holds metadata/"
        if root.name == "metadata":
            hint = "name the folder above metadata/"
        raise StoreUnreachable(f"{folder!r} is no backup store: it holds no metadata/ folder", hint=hint)


def _unreachable(folder: str, why: str) -> StoreUnreachable:
    return StoreUnreachable(
        f"can't read the store {folder!r}: {why}", hint="check the path, the mount and the permissions"
    )


def _listed(handle: str, status: os.stat_result) -> Listed:
    return Listed(handle, _kind(status.st_mode), status.st_size, status.st_mtime)


def _kind(mode: int) -> ListedKind:
    if stat_bits.S_ISREG(mode):
        return ListedKind.FILE
    if stat_bits.S_ISDIR(mode):
        return ListedKind.FOLDER
    return ListedKind.LINK if stat_bits.S_ISLNK(mode) else ListedKind.OTHER


def _open_file(folder_fd: int, name: str) -> int:
    """A descriptor of a plain file in an open folder; never blocks on a fifo, never follows a link."""
    try:
        descriptor = os.open(name, _FILE_FLAGS, dir_fd=folder_fd)
    except (OSError, ValueError) as error:
        raise _unreadable(error) from error
    if not stat_bits.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise HandleUnreadable(ReadFault.REFUSED, "not opened: it is not a plain file")
    return descriptor


def _read_fd(descriptor: int, limit: int) -> bytes:
    """All bytes of an open file, which is closed. Raises `HandleUnreadable` beyond `limit` bytes."""
    try:
        expected = os.fstat(descriptor).st_size
        if expected > limit:
            raise _too_large(limit)
        data = os.read(descriptor, expected + 1)
        if len(data) == expected:
            return data
        # The file is growing or shrinking under the reader: what comes until its end counts, up to the limit.
        with os.fdopen(os.dup(descriptor), "rb") as rest:
            return _within(data + rest.read(limit + 1), limit)
    except OSError as error:
        raise _unreadable(error) from error
    finally:
        os.close(descriptor)


def _within(data: bytes, limit: int) -> bytes:
    if len(data) > limit:
        raise _too_large(limit)
    return data


def _too_large(limit: int) -> HandleUnreadable:
    return HandleUnreadable(ReadFault.TOO_LARGE, f"larger than the {limit:,} bytes that are read of such a file")


def _unreadable(error: OSError | ValueError) -> HandleUnreadable:
    if not isinstance(error, OSError):
        return HandleUnreadable(ReadFault.REFUSED, "not opened: its name holds a NUL")
    if error.errno == errno.ENOENT:
        return HandleUnreadable(ReadFault.MISSING, _reason(error))
    if error.errno == errno.ELOOP:
        return HandleUnreadable(ReadFault.REFUSED, "not opened: it is a link, and links are not followed")
    if error.errno == errno.ENOTDIR:
        return HandleUnreadable(ReadFault.REFUSED, "not opened: a part of its path is a link or no folder")
    return HandleUnreadable(ReadFault.FAILED, _reason(error))


def _reason(error: OSError) -> str:
    """The system's words as Rust prints them, which is how stock shows them."""
    return f"{os.strerror(error.errno or 0)} (os error {error.errno})"
