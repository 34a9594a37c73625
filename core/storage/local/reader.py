"""A store in a folder. Links are never followed below the store's own folders, and nothing but a plain file is opened.

Every handle is walked part by part from the store's folder with O_NOFOLLOW (`hazards.md`, `own-handle-rule`), so what
is opened lies inside the store whatever the handle says. Opening creates nothing: a mistyped folder is an error.
"""

from __future__ import annotations

import errno
import os
import stat as stat_bits
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

import aiofiles

from core.errors import StoreUnreachable
from core.names import handle_problem
from core.storage.local.folders import FILE_FLAGS, open_folder
from core.storage.protocol import HandleUnreadable, Listed, ListedKind, ReadFault

#: Names in one folder beyond which it is not listed (`hazards.md`, `own-bounded-memory`).
MAX_NAMES: Final = 2_000_000
_NO_METADATA: Final = "it holds no metadata/ folder"


class LocalReader:
    """The read half of a LocalFs store (`format.md`, "Layout of a store").

    Raises `StoreUnreachable` for a folder that is not there or is no store, unless it need not be one.
    """

    def __init__(self, folder: str, max_names: int = MAX_NAMES, *, is_store: bool = True) -> None:
        self._root = Path(folder)
        self._location = folder
        self._max_names = max_names
        if is_store:
            _require_store(self._root, folder)

    @property
    def location(self) -> str:
        """The folder as it was given."""
        return self._location

    def list_folder(self, folder: str) -> list[Listed]:
        """The direct children of `folder`, sorted by the bytes of their handles."""
        what = folder or "its folder"
        problem = handle_problem(folder) if folder else None
        if problem:
            raise _unreachable(self._location, f"{folder!r} is not listed: {problem}")
        try:
            folder_fd = self._open_folder(folder)
        except HandleUnreadable as unreadable:
            if unreadable.fault is ReadFault.MISSING and folder not in ("", "metadata"):
                return []
            why = _NO_METADATA if unreadable.fault is ReadFault.MISSING and folder else unreadable.message
            raise _unreachable(self._location, f"{what} can't be listed: {why}") from unreadable
        try:
            listed = _children(folder_fd, f"{folder}/" if folder else "", self._max_names + 1)
        except OSError as error:
            raise _unreachable(self._location, f"{what} can't be listed: {_reason(error)}") from error
        finally:
            os.close(folder_fd)
        if len(listed) > self._max_names:
            raise _unreachable(self._location, f"{what} holds more than {self._max_names:,} names")
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
                    yield _read_file(folder_fd, name, limit)
                except HandleUnreadable as unreadable:
                    yield unreadable
        finally:
            os.close(folder_fd)

    def stat(self, handle: str) -> Listed:
        """What one handle is, its size and time; nothing is opened."""
        folder_fd, name = self._open_parent(handle)
        try:
            return _listed(handle, os.stat(name, dir_fd=folder_fd, follow_symlinks=False))
        except OSError as error:
            raise _unreadable(error) from error
        finally:
            os.close(folder_fd)

    def open(self, handle: str) -> BinaryIO:
        """A seekable stream over one handle's bytes."""
        return os.fdopen(self._open(handle), "rb")

    async def read(self, handle: str, limit: int) -> bytes:
        """The content of one handle, opened and read without holding up the event loop."""
        _refuse_odd(handle)
        try:
            async with aiofiles.open(handle, "rb", opener=lambda *_: self._open(handle)) as file:
                if os.fstat(file.fileno()).st_size > limit:
                    raise _too_large(limit)
                data: bytes = await file.read(limit + 1)
        except OSError as error:
            raise _unreadable(error) from error
        return _within(data, limit)

    def on_one_device(self) -> bool:
        """Whether metadata/ and metadata_backup/ (its parent, when it does not exist yet) share a file system."""
        try:
            device = (self._root / "metadata").stat().st_dev
            try:
                return device == (self._root / "metadata_backup").stat().st_dev
            except FileNotFoundError:
                return device == self._root.stat().st_dev
        except OSError as error:
            raise _unreachable(self._location, f"metadata can't be looked at: {_reason(error)}") from error

    def may_change(self, folder: str) -> bool:
        """Whether a folder, or the store's own where it does not exist yet, lets this user change its names."""
        path = self._root / folder
        # A link into a folder that may not be searched leads nowhere as far as this user is concerned.
        existing = path if os.path.lexists(path) else self._root
        return os.access(existing, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids)

    def _open(self, handle: str) -> int:
        """A descriptor of the plain file at `handle`. Opening anything else could wait or do something: not tried."""
        folder_fd, name = self._open_parent(handle)
        try:
            if not stat_bits.S_ISREG(os.stat(name, dir_fd=folder_fd, follow_symlinks=False).st_mode):
                raise _not_plain()
            return _open_file(folder_fd, name)
        except OSError as error:
            raise _unreadable(error) from error
        finally:
            os.close(folder_fd)

    def _open_parent(self, handle: str) -> tuple[int, str]:
        """A descriptor of the folder that a handle lies in, and its name there. Raises `HandleUnreadable`."""
        _refuse_odd(handle)
        parent, _, name = handle.rpartition("/")
        return self._open_folder(parent), name

    def _open_folder(self, folder: str) -> int:
        """A descriptor of a folder of the store, reached without following a link. Raises `HandleUnreadable`."""
        try:
            return open_folder(self._root, folder)
        except OSError as error:
            raise _unreadable(error) from error


def _require_store(root: Path, folder: str) -> None:
    if not folder:
        raise _unreachable(folder, "no folder is named")
    try:
        mode = root.stat().st_mode
    except (OSError, ValueError) as error:
        reason = _reason(error) if isinstance(error, OSError) else "not a folder name"
        raise _unreachable(folder, f"the folder can't be opened: {reason}") from error
    if not stat_bits.S_ISDIR(mode):
        raise _unreachable(folder, "it is not a folder")
    try:
        mode = (root / "metadata").stat().st_mode
    except FileNotFoundError as error:
        hint = "name the folder that holds metadata/"
        if root.absolute().name == "metadata":
            hint = "name the folder above metadata/"
        raise StoreUnreachable(f"{folder!r} is no backup store: {_NO_METADATA}", hint=hint) from error
    except OSError as error:
        raise _unreachable(folder, f"its metadata/ can't be opened: {_reason(error)}") from error
    if not stat_bits.S_ISDIR(mode):
        raise _unreachable(folder, "its metadata is not a folder")


def _refuse_odd(handle: str) -> None:
    problem = handle_problem(handle)
    if problem:
        raise HandleUnreadable(ReadFault.REFUSED, f"not opened: {problem}")


def _children(folder_fd: int, prefix: str, most: int) -> list[Listed]:
    """What stands in an open folder, at most so many names; a name that goes away meanwhile is not among them."""
    listed: list[Listed] = []
    with os.scandir(folder_fd) as children:
        for child in islice(children, most):
            with suppress(FileNotFoundError):
                listed.append(_listed(prefix + child.name, child.stat(follow_symlinks=False)))
    return listed


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


def _opened(folder_fd: int, name: str) -> int:
    """A descriptor of what stands in an open folder; never blocks on a fifo, never follows a link."""
    try:
        return os.open(name, FILE_FLAGS, dir_fd=folder_fd)
    except (OSError, ValueError) as error:
        raise _unreadable(error) from error


def _open_file(folder_fd: int, name: str) -> int:
    """A descriptor of a plain file in an open folder. Raises `HandleUnreadable`."""
    descriptor = _opened(folder_fd, name)
    if not stat_bits.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _not_plain()
    return descriptor


def _read_file(folder_fd: int, name: str, limit: int) -> bytes:
    """All bytes of a plain file in an open folder. Raises `HandleUnreadable`, also beyond `limit` bytes."""
    descriptor = _opened(folder_fd, name)
    try:
        status = os.fstat(descriptor)
        if not stat_bits.S_ISREG(status.st_mode):
            raise _not_plain()
        if status.st_size > limit:
            raise _too_large(limit)
        data = os.read(descriptor, status.st_size + 1)
        if len(data) == status.st_size:
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


def _not_plain() -> HandleUnreadable:
    return HandleUnreadable(ReadFault.REFUSED, "not opened: it is not a plain file")


def _too_large(limit: int) -> HandleUnreadable:
    return HandleUnreadable(ReadFault.TOO_LARGE, f"larger than the {limit:,} bytes that are read of such a file")


def _unreadable(error: OSError | ValueError) -> HandleUnreadable:
    if not isinstance(error, OSError):
        return HandleUnreadable(ReadFault.REFUSED, "not opened: no file can have its name")
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
