"""One small file in a folder, changed only by who saw its last version (`lease.md`, "How each storage does it").

A reader never sees half a file: new content is on disk under another name first. A writer compares and replaces while
it holds the kernel's own lock on a sibling file, which the kernel frees at once when the writer dies. Nothing but a
plain file is opened, links are not followed, nothing here waits on a fifo.
"""

from __future__ import annotations

import errno
import os
import stat as stat_bits
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import Final

from filelock import Timeout, UnixFileLock

from core.errors import AlreadyThere, StoreUnreachable
from core.names import handle_problem
from core.storage.local.drafts import write_all
from core.storage.local.faults import after_the_change, one_step, refused, told
from core.storage.local.folders import FILE_FLAGS, Place, opened_place, sync_folder
from core.storage.local.moves import rename_new
from core.storage.writing import Tagged

#: Bytes that a tag looks at; the size tells longer files apart.
_TAGGED: Final = 64 * 1024
#: Seconds to wait for a writer that is between compare and rename, which takes it some milliseconds.
_PATIENCE: Final = 5.0
_POLL: Final = 0.01
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP})
_MOVE_AWAY: Final = "look at what it is, and move it away"


class _NotPlain(Exception):
    """Something stands there that is no file to read; the text says what."""


class LocalConditional:
    """A `ConditionalStore` in a folder, which need not be a store. Handles are single names; `patience` in seconds."""

    def __init__(self, folder: str, patience: float = _PATIENCE) -> None:
        self._folder = folder
        self._patience = patience

    @property
    def peculiarity(self) -> str:
        """None: this machine's own lock guards what is compared."""
        return ""

    def load(self, handle: str, limit: int) -> Tagged | None:
        """The file's first `limit` + 1 bytes and its tag; None if there is none. Raises `StoreUnreachable`."""
        unread = f"can't read {handle!r} in {self._folder!r}"
        problem = _problem(handle)
        if problem:
            raise StoreUnreachable(f"{unread}: {problem}")
        try:
            with opened_place(self._folder, handle) as place:
                return _read(place, limit)
        except _NotPlain as odd:
            raise StoreUnreachable(f"{unread}: {odd}", hint=_MOVE_AWAY) from odd
        except OSError as error:
            why = f"{os.strerror(error.errno or 0)} (os error {error.errno})"
            raise StoreUnreachable(f"{unread}: {why}", hint="check the path, the mount and the permissions") from error

    def swap(self, handle: str, content: bytes, tag: str | None) -> str:
        """Replace the version with `tag` (None: make it new). Raises as `ConditionalStore` says."""
        undone = f"can't write {handle!r} in {self._folder!r}"
        problem = _problem(handle)
        if problem:
            raise refused(undone, problem)
        with told(undone), opened_place(self._folder, handle) as place, self._alone(place, undone):
            if _tag_at(place, undone) != tag:
                raise AlreadyThere(f"{undone}: somebody else changed it meanwhile", hint="try again")
            _publish(place, content, is_new=tag is None)
        return _tag_of(content, len(content))

    @contextmanager
    def _alone(self, place: Place, undone: str) -> Iterator[None]:
        """No other process of this machine is in here for the same file.

        Whoever may change the folder may lock: else a lock file made by root would keep out everybody else for good.
        """
        guard = f"{place.name}.flock"
        path = Path(self._folder, guard)
        lock = UnixFileLock(path, mode=_mode_of(place), poll_interval=_POLL, fallback_to_soft=False)
        try:
            lock.acquire(timeout=self._patience)
        except Timeout as error:
            hint = f"look for a stopped process that has {guard} open, for instance with `fuser`"
            raise refused(undone, f"another process has held {guard} for {self._patience:g} s", hint) from error
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            hint = "a network file system may need to be mounted with locks; a lease can't be had without"
            raise refused(undone, "this file system has no file locks", hint) from error
        try:
            yield
        finally:
            lock.release()


def _problem(handle: str) -> str | None:
    return "it is not a single name" if "/" in handle else handle_problem(handle)


def _read(place: Place, limit: int) -> Tagged | None:
    try:
        # Opening what is not a plain file could wait or do something: it is looked at first.
        _require_plain(place.status())
        descriptor = os.open(place.name, FILE_FLAGS, dir_fd=place.folder)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        _require_plain(status)
        content = file.read(max(_TAGGED, limit + 1))
    return Tagged(content[: limit + 1], _tag_of(content, max(status.st_size, len(content))))


def _tag_at(place: Place, undone: str) -> str | None:
    try:
        there = _read(place, 0)
    except _NotPlain as odd:
        raise refused(undone, str(odd), _MOVE_AWAY) from odd
    return there.tag if there else None


def _require_plain(status: os.stat_result) -> None:
    if not stat_bits.S_ISREG(status.st_mode):
        raise _NotPlain("a link stands there" if stat_bits.S_ISLNK(status.st_mode) else "no plain file stands there")


def _tag_of(content: bytes, size: int) -> str:
    """Equal for equal content alone: who needs versions told apart puts something unique into them."""
    return f"{blake2b(content[:_TAGGED], digest_size=16).hexdigest()}-{size}"


def _publish(place: Place, content: bytes, *, is_new: bool) -> None:
    """The content under its name in one step, and lasting. `OSError`: nothing of it can be seen."""
    draft = _drafted(place, content)
    try:
        if is_new:
            rename_new(draft, place, lasting=False)
        else:
            with one_step():
                os.rename(draft.name, place.name, src_dir_fd=place.folder, dst_dir_fd=place.folder)
    except OSError:
        _unlink(draft)
        raise
    with after_the_change():
        sync_folder(place.folder)


def _drafted(place: Place, content: bytes) -> Place:
    """The content on disk under a name beside. What a killed writer of this machine left there is thrown away."""
    here = blake2b(os.uname().nodename.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
    draft = Place(place.folder, f".{place.name}.{here}")
    _unlink(draft)
    descriptor = os.open(draft.name, _NEW, 0o600, dir_fd=draft.folder)
    try:
        # Whoever may read the folder may see who holds the lease, whatever the writer's umask.
        os.fchmod(descriptor, _mode_of(place))
        write_all(descriptor, content)
    except OSError:
        _unlink(draft)
        raise
    finally:
        os.close(descriptor)
    return draft


def _mode_of(place: Place) -> int:
    # Its owner can always use it, also in a folder that nobody may change.
    return os.fstat(place.folder).st_mode & 0o666 | 0o600


def _unlink(place: Place) -> None:
    with suppress(FileNotFoundError):
        os.unlink(place.name, dir_fd=place.folder)
