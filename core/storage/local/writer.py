"""The write half of a store in a folder. Nothing is ever overwritten, and no name appears that isn't whole already.

A new file is filled and flushed while it has no name at all, in the folder where it will get one; where the file system
has no such files, under a name in `seamline/tmp/`. So nothing foreign is ever seen in `metadata/` (`hazards.md`,
`own-nothing-in-metadata`), and a process that is killed leaves nothing there. Every handle is walked part by part
without following links. A writer holds nothing open between two calls and may be used from several threads.
"""

from __future__ import annotations

import errno
import os
import stat as stat_bits
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from core.names import OWN_FOLDER, STAGED_FOLDER, handle_problem
from core.storage.local.copies import copy_new, move_over
from core.storage.local.drafts import Fill, Way, drafted, make_whole, nameless, write_all
from core.storage.local.faults import after_the_change, one_step, refused, told
from core.storage.local.folders import METADATA, Place, opened_folder, opened_place, same_file, sync_folder
from core.storage.local.moves import CANT_LINK, drop_old_name, has_both_names, link_new, rename_new

_DRAFTS: Final = f"{OWN_FOLDER}/tmp"
_APPEND_FLAGS: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_APPEND_MODE: Final = 0o666
#: Characters of a name that stand in the name of its draft: a name is bytes, at most 255 of them.
_LONGEST_PREFIX: Final = 50


class LocalWriter:
    """A `StoreWriter` over a folder; making one touches nothing.

    Modes are the usual ones under the process's umask, as stock's files have them: whoever could read the store's files
    can read those that take their place.
    """

    def __init__(self, folder: str) -> None:
        self._root = folder

    @property
    def at_once(self) -> int:
        """One: a step on a disk is over before another thread would have begun."""
        return 1

    def create(self, handle: str, content: bytes) -> None:
        """Make a new file, its bytes on disk before it has its name."""
        undone = f"{handle} was not made"
        with self._changing(undone, handle), opened_place(self._root, handle, make=True) as place:
            make_whole(place, lambda descriptor: write_all(descriptor, content), self._ways(place))

    def link(self, source: str, handle: str) -> None:
        """A second name for a file of ours; a copy where the file system has no second names."""
        undone = f"{handle} was not made from {source}"
        with self._changing(undone, source, handle, below=OWN_FOLDER), opened_place(self._root, source) as origin:
            _require_plain(origin, undone)
            with opened_place(self._root, handle, make=True) as place:
                self._link(origin, place)

    def move(self, source: str, target: str) -> None:
        """Rename where that can't replace anything; else link and unlink; to another file system, copy and unlink."""
        undone = f"{source} was not moved to {target}"
        with self._changing(undone, source, target), opened_place(self._root, source) as origin:
            _require_plain(origin, undone)
            with opened_place(self._root, target, make=True) as place:
                self._move(origin, place)

    def append(self, handle: str, content: bytes) -> None:
        """Put `content` at the end of a file of ours; what can't be written as a whole is taken back."""
        undone = f"nothing was added to {handle}"
        with self._changing(undone, handle, below=OWN_FOLDER), opened_place(self._root, handle, make=True) as place:
            descriptor = os.open(place.name, _APPEND_FLAGS, _APPEND_MODE, dir_fd=place.folder)
            try:
                _require_sole(descriptor, undone)
                _append_all(descriptor, content)
            finally:
                os.close(descriptor)

    def flush(self, folder: str) -> None:
        """Flush a folder and those above it, up to the store's own ("" is that one); one that is missing is done."""
        undone = f"{folder or 'the folder'} was not flushed"
        with self._changing(undone, *([folder] if folder else [])), after_the_change():
            self._flush("")
            with suppress(FileNotFoundError):
                for each in _downwards(folder):
                    self._flush(each)

    def discard(self, handle: str) -> None:
        """Throw away a staged file, or an empty folder of such."""
        undone = f"{handle} was not thrown away"
        with (
            self._changing(undone, handle, below=STAGED_FOLDER),
            suppress(FileNotFoundError),
            opened_place(self._root, handle) as place,
        ):
            remove = os.rmdir if stat_bits.S_ISDIR(place.status().st_mode) else os.unlink
            remove(place.name, dir_fd=place.folder)

    def tidy(self) -> None:
        """Take away our empty folders: those for drafts and for what is staged, and then the one they are in."""
        for folder in (STAGED_FOLDER, _DRAFTS, OWN_FOLDER):
            with told(f"{folder} was not taken away"), suppress(FileNotFoundError):
                _remove_empty(self._root, folder)

    @contextmanager
    def _changing(self, undone: str, *handles: str, below: str = "") -> Iterator[None]:
        """Refuse odd handles, and a first one outside `below`; inside, every error of the system comes out in words."""
        for handle in handles:
            problem = handle_problem(handle)
            if problem:
                # As Python writes it, for it may hold anything.
                raise refused(repr(undone)[1:-1], f"as a handle, {problem}", "nothing of that name is stored")
        if below and not handles[0].startswith(f"{below}/"):
            raise refused(undone, f"it is none of Seamline's own files below {below}/", "it was not touched")
        with told(undone):
            yield

    def _flush(self, folder: str) -> None:
        with opened_folder(self._root, folder) as descriptor:
            sync_folder(descriptor)

    def _link(self, origin: Place, place: Place) -> None:
        try:
            link_new(origin, place)
        except OSError as error:
            if error.errno not in CANT_LINK | {errno.EXDEV}:
                raise
            copy_new(origin, place, self._ways(place))

    def _move(self, origin: Place, place: Place) -> None:
        if has_both_names(origin, place):
            drop_old_name(origin, place)
            return
        try:
            rename_new(origin, place, lasting=True)
        except OSError as error:
            if not _crosses(origin, place, error):
                raise
            move_over(origin, place, self._ways(place))

    def _ways(self, place: Place) -> Iterator[Way]:
        """How a whole file can come to `place`, the best way first."""
        yield nameless
        yield self._drafted
        if not self._is_in_metadata(place):
            yield _drafted_beside

    def _drafted(self, place: Place, fill: Fill) -> None:
        with opened_folder(self._root, _DRAFTS, make=True) as drafts:
            drafted(place, fill, drafts)

    def _is_in_metadata(self, place: Place) -> bool:
        """Whether a place is in the folder that stock lists, under whatever name it was reached."""
        try:
            with opened_folder(self._root, METADATA) as metadata:
                return same_file(os.fstat(metadata), os.fstat(place.folder))
        except FileNotFoundError:
            return False


def _remove_empty(root: str, folder: str) -> None:
    with opened_place(root, folder) as place:
        try:
            os.rmdir(place.name, dir_fd=place.folder)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise


def _downwards(folder: str) -> Iterator[str]:
    """`a`, `a/b`, `a/b/c` of the last of them; nothing of the store's own folder."""
    parts = folder.split("/") if folder else []
    return ("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))


def _drafted_beside(place: Place, fill: Fill) -> None:
    drafted(place, fill, place.folder, f".{place.name[:_LONGEST_PREFIX]}.seamline-")


def _crosses(source: Place, target: Place, error: OSError) -> bool:
    """Whether a rename failed, or may have, since the target is on another file system."""
    if error.errno == errno.EEXIST:
        return os.fstat(source.folder).st_dev != os.fstat(target.folder).st_dev
    return error.errno == errno.EXDEV


def _require_plain(place: Place, undone: str) -> None:
    if not place.is_plain_file():
        raise refused(undone, "it is not a plain file")


def _require_sole(descriptor: int, undone: str) -> None:
    """What is appended to a file that has another name would come to that one too."""
    status = os.fstat(descriptor)
    if not stat_bits.S_ISREG(status.st_mode) or status.st_nlink != 1:
        raise refused(undone, "it is not a plain file with one name")


def _append_all(descriptor: int, content: bytes) -> None:
    """Write all of it, or nothing, or raise `Unsure`."""
    before = os.fstat(descriptor).st_size
    written = 0
    try:
        while written < len(content):
            with one_step():
                written += os.write(descriptor, content[written:])
    except OSError as error:
        if not written:
            raise
        with after_the_change():
            if os.fstat(descriptor).st_size != before + written:
                # Somebody else has added to it: cutting it would take that away.
                raise
            os.ftruncate(descriptor, before)
        raise error
