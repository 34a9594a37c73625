"""A store behind stock's command adapter, looked at through the same commands (`format.md`).

Stock has a command that lists `metadata/` and one that prints a file, and no more. So what they can't tell is not told:
`metadata_backup/` and the folders of backups can't be listed, and a listed file has neither size nor time. What a
command prints counts only once it has ended well; until then it lies in an unnamed temporary file.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from threading import Event, Lock
from typing import IO, BinaryIO, Final, cast

from core.errors import StoreUnreachable
from core.names import LOCK_HANDLE, OWN_FOLDER, handle_problem
from core.phrases import shown
from core.storage.command.calls import CommandCalls
from core.storage.command.config import CommandConfig, load_config
from core.storage.command.process import IDLE_SECONDS, CommandFailed, OutputTooLarge
from core.storage.protocol import FolderUnseen, HandleUnreadable, Listed, ListedKind, ReadFault

#: How many commands run at once.
WORKERS: Final = 8
MAX_NAMES: Final = 2_000_000
MAX_LISTING_BYTES: Final = 256 << 20
#: Stock holds a whole chunk in memory and cuts chunks at 128 MiB; this much is far beyond what it would ever write.
MAX_OBJECT_BYTES: Final = 4 << 30
_IN_MEMORY: Final = 1 << 20
_METADATA: Final = "metadata"
_BACKUP: Final = "metadata_backup"
#: What this tool may have put beside a store: where a command can't print it, it is not there.
_OWN_HANDLES: Final = (LOCK_HANDLE, f"{OWN_FOLDER}/")


class CommandReader:
    """The read half of a command adapter store; `location` is the path of its YAML file.

    Raises `UsageError` for a file that is no such configuration. No command is run before something is asked for.
    """

    def __init__(self, location: str, idle_seconds: float = IDLE_SECONDS) -> None:
        self._location = location
        self._calls = CommandCalls(load_config(location), idle_seconds)
        self._odd: Mapping[str, str] = {}
        self._kept: tuple[str, IO[bytes]] | None = None
        self._lock = Lock()

    @property
    def location(self) -> str:
        """The path of the configuration as it was given."""
        return self._location

    @property
    def config(self) -> CommandConfig:
        """The commands and their variables."""
        return self._calls.config

    @property
    def calls(self) -> CommandCalls:
        """The commands, to be called."""
        return self._calls

    def list_folder(self, folder: str) -> list[Listed]:
        """The handles that `list_metadata_files` prints, one a line; sizes and times are not known, and 0.

        Of the store's top only `metadata` is known. This tool's own folder counts as empty, since commands can't write
        there. Any other folder can't be listed. An empty listing is an error: the sample configurations turn
        a listing that failed into an empty one (`empty-listing-new-identity`).
        """
        if folder == "":
            return [Listed(_METADATA, ListedKind.FOLDER, 0, 0.0)]
        if folder == OWN_FOLDER or folder.startswith(f"{OWN_FOLDER}/"):
            return []
        if folder != _METADATA:
            raise FolderUnseen(
                f"can't read the store {self._location!r}: {shown(folder)} can't be listed: a command adapter has a "
                "command for metadata/ only",
                hint="look at the storage with its own tools",
            )
        listing = self._list_metadata()
        self._odd = {each.name: why for each in listing if (why := _oddness(each.handle))}
        return listing

    def read_many(self, folder: str, names: Iterable[str], limit: int) -> Iterator[bytes | HandleUnreadable]:
        """The content of each file, fetched by some commands at once, told in the order of `names`."""
        stop, waiting = Event(), deque[tuple[str, Future[IO[bytes]]]]()
        listed: frozenset[str] | None = None
        remaining = iter(names)
        pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="open_for_read")
        try:
            while True:
                for name in remaining:
                    waiting.append((name, pool.submit(self._fetch_listed, folder, name, limit, stop)))
                    if len(waiting) >= 2 * WORKERS:
                        break
                if not waiting:
                    return
                name, fetched = waiting.popleft()
                try:
                    with fetched.result() as content:
                        data: bytes | HandleUnreadable = content.read()
                except HandleUnreadable as unreadable:
                    if listed is None and folder == _METADATA and unreadable.fault is ReadFault.FAILED:
                        listed = self._names_now()
                    data = _moved_or(unreadable, name, listed)
                yield data
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)

    def stat(self, handle: str) -> Listed:
        """The size of what a handle leads to, which only reading all of it tells; its time is not known, and 0.

        What was read is what the next `open` of the same handle gives.
        """
        content = self._fetch(handle, MAX_OBJECT_BYTES, Event())
        size = content.seek(0, os.SEEK_END)
        self._keep(handle, content)
        return Listed(handle, ListedKind.FILE, size, 0.0)

    def open(self, handle: str) -> BinaryIO:
        """The whole content of a handle, whose command has ended well."""
        content = self._take_kept(handle) or self._fetch(handle, MAX_OBJECT_BYTES, Event())
        content.seek(0)
        return cast(BinaryIO, content)

    async def read(self, handle: str, limit: int) -> bytes:
        """The content of one handle, its command waited for in a thread; where nobody waits any more it is ended."""
        stop = Event()
        try:
            return await asyncio.to_thread(self._read, handle, limit, stop)
        finally:
            stop.set()

    def on_one_device(self) -> bool:
        """How a command moves a file is its own affair."""
        return True

    def may_change(self, folder: str) -> bool:
        """Whether there is a command for it: the one that moves files away is optional."""
        return folder != _BACKUP or self.config.backup_metadata_file is not None

    def _read(self, handle: str, limit: int, stop: Event) -> bytes:
        with self._fetch(handle, limit, stop) as content:
            return content.read()

    def _list_metadata(self) -> list[Listed]:
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as printed:
            try:
                self._calls.run("list_metadata_files", {}, printed, MAX_LISTING_BYTES, Event())
            except (CommandFailed, OSError) as failed:
                words = self._calls.words("list_metadata_files", failed)
                raise self._unreachable(f"metadata can't be listed: {words}") from None
            printed.seek(0)
            handles = {_decoded(line) for line in printed}
        if len(handles) > MAX_NAMES:
            raise self._unreachable(f"metadata holds more than {MAX_NAMES:,} names")
        if not handles:
            raise self._unreachable(
                "list_metadata_files printed nothing, as it does where a listing fails without a word",
                hint="run the listing command by hand without its `||:`; look at authentication, bucket and prefix",
            )
        return [_listed(handle) for handle in sorted(handles, key=os.fsencode)]

    def _names_now(self) -> frozenset[str] | None:
        """The names in a fresh listing; None if it can't be had."""
        try:
            return frozenset(each.name for each in self._list_metadata())
        except StoreUnreachable:
            return None

    def _fetch_listed(self, folder: str, name: str, limit: int, stop: Event) -> IO[bytes]:
        if folder == _METADATA and name in self._odd:
            raise HandleUnreadable(ReadFault.REFUSED, f"not opened: {self._odd[name]}")
        return self._fetch(f"{folder}/{name}", limit, stop)

    def _fetch(self, handle: str, limit: int, stop: Event) -> IO[bytes]:
        """All that `open_for_read` prints, to be read from its start. Raises `HandleUnreadable`."""
        problem = handle_problem(handle)
        if problem:
            raise HandleUnreadable(ReadFault.REFUSED, f"not opened: {problem}")
        with ExitStack() as opened:
            content = opened.enter_context(tempfile.SpooledTemporaryFile(_IN_MEMORY))
            try:
                self._calls.run("open_for_read", {"FILE_HANDLE": handle}, content, limit, stop)
                content.seek(0)
            except OutputTooLarge:
                message = f"larger than the {limit:,} bytes that are read of such a file"
                raise HandleUnreadable(ReadFault.TOO_LARGE, message) from None
            except (CommandFailed, OSError) as failed:
                fault = ReadFault.MISSING if handle.startswith(_OWN_HANDLES) else ReadFault.FAILED
                raise HandleUnreadable(fault, self._calls.words("open_for_read", failed)) from None
            opened.pop_all()
        return content

    def _unreachable(self, why: str, hint: str = "") -> StoreUnreachable:
        hint = hint or "run the command by hand; look at its tool, the network and the credentials"
        return StoreUnreachable(f"can't read the store {self._location!r}: {why}", hint=hint)

    def _keep(self, handle: str, content: IO[bytes]) -> None:
        with self._lock:
            old, self._kept = self._kept, (handle, content)
        if old:
            old[1].close()

    def _take_kept(self, handle: str) -> IO[bytes] | None:
        with self._lock:
            if self._kept is None or self._kept[0] != handle:
                return None
            content, self._kept = self._kept[1], None
        return content


def _decoded(line: bytes) -> str:
    """A printed line as a handle, its end taken off as stock does; bytes that are not UTF-8 as lone surrogates."""
    return line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "surrogateescape")


def _listed(handle: str) -> Listed:
    return Listed(handle, ListedKind.FOLDER if handle.endswith("/") else ListedKind.FILE, 0, 0.0)


def _oddness(handle: str) -> str | None:
    """Why what a listing calls a metadata file is not opened, if so."""
    if handle.rpartition("/")[0] != _METADATA:
        return handle_problem(handle) or "it is listed as a metadata file, but is no file of metadata/"
    return handle_problem(handle)


def _moved_or(unreadable: HandleUnreadable, name: str, listed: frozenset[str] | None) -> HandleUnreadable:
    """The same fault, or that a file could not be read since it is listed no more."""
    if listed is None or unreadable.fault is not ReadFault.FAILED or name in listed:
        return unreadable
    return HandleUnreadable(ReadFault.MISSING, unreadable.message)
