"""A store in a bucket, looked at natively. Listings are whole or an error, and every wait has an end.

Calls are synchronous and made from a pool of threads (`core.storage.objects.client`). What an object is called never
says whether it is compressed.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future
from contextlib import closing
from itertools import islice
from typing import BinaryIO, Final, NoReturn, cast

from core.errors import StoreUnreachable
from core.names import handle_problem
from core.phrases import shown
from core.storage.objects.client import Connection
from core.storage.objects.content import Fetched, Found, fetch, fetch_large, find, open_stream, plain_tag
from core.storage.objects.faults import CLIENT_ERRORS, FaultKind
from core.storage.objects.listing import TooManyNames, children_of, key_in, top_of
from core.storage.objects.location import Location
from core.storage.objects.waiting import threads
from core.storage.protocol import HandleUnreadable, Listed, ListedKind, ReadFault

#: How many requests are under way at once.
WORKERS: Final = 64
#: Names in one folder beyond which it is not listed (`hazards.md`, `own-bounded-memory`).
MAX_NAMES: Final = 2_000_000
_METADATA: Final = "metadata"


class ObjectReader:
    """The read half of a store in a bucket. Nothing is sent before something is asked for."""

    def __init__(
        self, location: Location, connection: Connection, workers: int = WORKERS, max_names: int = MAX_NAMES
    ) -> None:
        self._location = location
        self._connection = connection
        self._workers = workers
        self._max_names = max_names

    @property
    def location(self) -> str:
        """The location as it was given."""
        return self._location.text

    def list_folder(self, folder: str) -> list[Listed]:
        """The direct children of `folder`, sorted by the bytes of their handles; times are whole seconds.

        What lies deeper stands for the folder that it is in. A `metadata/` of which there is no trace is an error: a
        bucket has no empty folders, so it is a mistyped prefix (`own-empty-is-error`).
        """
        problem = handle_problem(folder) if folder else None
        if problem:
            raise self._unreachable(f"{shown(folder)!r} is not listed: {problem}", "look at the store again")
        try:
            children = self._children_at_last(folder)
            missing = not children and folder == _METADATA and not self._is_marked(folder)
        except CLIENT_ERRORS as error:
            self._cant_list(folder or "its top", error)
        if missing:
            where = f"{self._location.bucket}/{self._location.prefix}".rstrip("/")
            hint = "name the prefix that holds metadata/, and look at bucket and region"
            raise self._unreachable(f"nothing lies below {shown(where)}/metadata/", hint)
        return sorted(children, key=lambda each: os.fsencode(each.handle))

    def read_many(self, folder: str, names: Iterable[str], limit: int) -> Iterator[bytes | HandleUnreadable]:
        """The content of each file, many fetched at once, told in the order of `names`."""
        with closing(self.read_tagged(folder, names, limit)) as contents:
            yield from (content for content, _ in contents)

    def read_tagged(
        self, folder: str, names: Iterable[str], limit: int
    ) -> Generator[tuple[bytes | HandleUnreadable, str], None, None]:
        """As `read_many`, each with the tag of the version that was read.

        At most two small files for each thread wait for their turn; a large one is fetched when it has come. Whoever
        stops asking is not kept by what is under way.
        """
        with threads(self._workers) as pool:
            waiting: deque[tuple[str, Future[Fetched | Found | HandleUnreadable]]] = deque()
            remaining = iter(names)
            while True:
                for name in islice(remaining, 2 * self._workers - len(waiting)):
                    handle = f"{folder}/{name}"
                    waiting.append((handle, pool.submit(self._fetch_small, handle, limit)))
                if not waiting:
                    return
                handle, future = waiting.popleft()
                fetched = self._whole(handle, future.result())
                if isinstance(fetched, Fetched):
                    yield fetched.content, plain_tag(fetched.tag)
                else:
                    yield fetched, ""

    def stat(self, handle: str) -> Listed:
        """The size of an object and when it was last written, in whole seconds."""
        _refuse_odd(handle)
        found = find(self._connection, handle)
        return Listed(handle, ListedKind.FILE, found.size, found.modified, plain_tag(found.tag))

    def open(self, handle: str) -> BinaryIO:
        """A stream over one version of an object: a small one is here already, of a large one only what is read."""
        _refuse_odd(handle)
        return cast(BinaryIO, open_stream(self._connection, handle))

    async def read(self, handle: str, limit: int) -> bytes:
        """The content of one handle, waited for in a thread."""
        _refuse_odd(handle)
        fetched = await asyncio.to_thread(lambda: self._whole(handle, self._fetch_small(handle, limit)))
        if isinstance(fetched, HandleUnreadable):
            raise fetched
        return fetched.content

    def on_one_device(self) -> bool:
        """A bucket has one: a move is a copy and a delete, wherever it leads."""
        return True

    def may_change(self, folder: str) -> bool:
        """What a key may do in a bucket can't be told by looking: the first write shows it."""
        return True

    def _fetch_small(self, handle: str, limit: int) -> Fetched | Found | HandleUnreadable:
        try:
            _refuse_odd(handle)
            return fetch(self._connection, handle, limit)
        except HandleUnreadable as unreadable:
            return unreadable

    def _whole(self, handle: str, fetched: Fetched | Found | HandleUnreadable) -> Fetched | HandleUnreadable:
        if not isinstance(fetched, Found):
            return fetched
        try:
            return fetch_large(self._connection, handle, fetched, self._workers)
        except HandleUnreadable as unreadable:
            return unreadable

    def _is_marked(self, folder: str) -> bool:
        """Whether an empty folder has a mark of its own: Azure tells the client so in a listing of the top alone."""
        top = self._children("")
        return any(each.handle.rstrip("/") == folder for each in top if each.kind is ListedKind.FOLDER)

    def _children_at_last(self, folder: str) -> list[Listed]:
        """The children, asked for once more where an answer broke off: of a listing the client takes that for the end.

        Raises one of `CLIENT_ERRORS`.
        """
        try:
            return self._children(folder)
        except CLIENT_ERRORS as error:
            if self._connection.fault_of(error).kind is not FaultKind.UNKNOWN:
                raise
        return self._children(folder)

    def _children(self, folder: str) -> list[Listed]:
        if folder == "":
            return top_of(self._connection)
        try:
            return children_of(self._connection, folder, self._max_names, self._workers)
        except TooManyNames:
            raise self._unreachable(
                f"{folder} holds more than {self._max_names:,} names", "look at the bucket"
            ) from None

    def _cant_list(self, what: str, error: Exception) -> NoReturn:
        fault, key = self._connection.fault_of(error), key_in(error)
        which = f": {shown(key)!r}" if key else ""
        raise self._unreachable(f"{what} can't be listed: {fault.why}{which}", fault.hint) from error

    def _unreachable(self, why: str, hint: str) -> StoreUnreachable:
        return StoreUnreachable(f"can't read the store {shown(self._location.text)!r}: {why}", hint=hint)


def _refuse_odd(handle: str) -> None:
    problem = handle_problem(handle)
    if problem:
        raise HandleUnreadable(ReadFault.REFUSED, f"not opened: {problem}")
