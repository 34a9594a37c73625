"""A store in a bucket, looked at natively. Listings are whole or an error, and every wait has an end.

Calls are synchronous and made from a pool of threads (`core.storage.objects_client`). A bucket has no folders: a folder
is what names have in common up to a slash, and an object whose name ends in one, as consoles make them, is shown as
the folder that it stands for. What an object is called never says whether it is compressed.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, BinaryIO, Final, NoReturn, cast

from core.errors import StoreUnreachable
from core.names import handle_problem
from core.phrases import shown
from core.storage.objects_client import Client
from core.storage.objects_content import Found, fetch, fetch_large, find, open_stream
from core.storage.objects_faults import CLIENT_ERRORS, FaultKind, fault_of
from core.storage.objects_location import Location
from core.storage.protocol import HandleUnreadable, Listed, ListedKind, ReadFault

if TYPE_CHECKING:
    from obstore import ObjectMeta

#: How many requests are under way at once.
WORKERS: Final = 64
#: Names in one folder beyond which it is not listed (`hazards.md`, `own-bounded-memory`).
MAX_NAMES: Final = 2_000_000
_METADATA: Final = "metadata"
_PAGE: Final = 1_000


class ObjectReader:
    """The read half of a store in a bucket. Nothing is sent before something is asked for."""

    def __init__(self, location: Location, client: Client, workers: int = WORKERS, max_names: int = MAX_NAMES) -> None:
        self._location = location
        self._client = client
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
            children = self._top() if folder == "" else self._children(folder)
        except CLIENT_ERRORS as error:
            self._cant_list(folder or "its top", error)
        if not children and folder == _METADATA:
            where = f"{self._location.bucket}/{self._location.prefix}".rstrip("/")
            hint = "name the prefix that holds metadata/, and look at bucket and region"
            raise self._unreachable(f"nothing lies below {shown(where)}/metadata/", hint)
        return sorted(children.values(), key=lambda each: os.fsencode(each.handle))

    def read_many(self, folder: str, names: Iterable[str], limit: int) -> Iterator[bytes | HandleUnreadable]:
        """The content of each file, many fetched at once, told in the order of `names`.

        At most two small files for each thread wait for their turn; a large one is fetched when it has come.
        """
        with ThreadPoolExecutor(self._workers, "read") as pool:
            waiting: deque[tuple[str, Future[bytes | Found | HandleUnreadable]]] = deque()
            remaining = iter(names)
            try:
                while True:
                    for name in remaining:
                        handle = f"{folder}/{name}"
                        waiting.append((handle, pool.submit(self._fetch_small, handle, limit)))
                        if len(waiting) >= 2 * self._workers:
                            break
                    if not waiting:
                        return
                    handle, fetched = waiting.popleft()
                    yield self._whole(handle, fetched.result())
            finally:
                pool.shutdown(cancel_futures=True)

    def stat(self, handle: str) -> Listed:
        """The size of an object and when it was last written, in whole seconds."""
        _refuse_odd(handle)
        found = find(self._client, handle)
        return Listed(handle, ListedKind.FILE, found.size, found.modified)

    def open(self, handle: str) -> BinaryIO:
        """A stream over one version of an object: a small one is here already, of a large one only what is read."""
        _refuse_odd(handle)
        return cast(BinaryIO, open_stream(self._client, handle))

    async def read(self, handle: str, limit: int) -> bytes:
        """The content of one handle, waited for in a thread."""
        _refuse_odd(handle)
        content = await asyncio.to_thread(lambda: self._whole(handle, self._fetch_small(handle, limit)))
        if isinstance(content, HandleUnreadable):
            raise content
        return content

    def on_one_device(self) -> bool:
        """A bucket has one: a move is a copy and a delete, wherever it leads."""
        return True

    def may_change(self, folder: str) -> bool:
        """What a key may do in a bucket can't be told by looking: the first write shows it."""
        return True

    def _fetch_small(self, handle: str, limit: int) -> bytes | Found | HandleUnreadable:
        try:
            _refuse_odd(handle)
            return fetch(self._client, handle, limit)
        except HandleUnreadable as unreadable:
            return unreadable

    def _whole(self, handle: str, fetched: bytes | Found | HandleUnreadable) -> bytes | HandleUnreadable:
        if not isinstance(fetched, Found):
            return fetched
        try:
            return fetch_large(self._client, handle, fetched, self._workers)
        except HandleUnreadable as unreadable:
            return unreadable

    def _top(self) -> dict[str, Listed]:
        """The top is asked for in one go: what lies below its folders is every file of every backup."""
        result = self._client.list_with_delimiter()
        listed = {f"{name}/": Listed(name, ListedKind.FOLDER, 0, 0.0) for name in result["common_prefixes"]}
        return listed | {meta["path"]: _file(meta) for meta in result["objects"] if meta["path"]}

    def _children(self, folder: str) -> dict[str, Listed]:
        prefix = f"{folder}/"
        children: dict[str, Listed] = {}
        for page in self._client.list(folder, chunk_size=_PAGE):
            for meta in page:
                child = _child(meta, prefix)
                children[child.handle] = child
            if len(children) > self._max_names:
                raise self._unreachable(f"{folder} holds more than {self._max_names:,} names", "look at the bucket")
        return self._told_apart(children)

    def _told_apart(self, children: dict[str, Listed]) -> dict[str, Listed]:
        """Among empty objects, those whose names end in a slash: the client takes it off, and so they are not there."""
        empty = [each for each in children.values() if each.kind is ListedKind.FILE and not each.size]
        for child, is_there in zip(empty, self._at_once(self._is_there, empty), strict=True):
            if not is_there:
                del children[child.handle]
                children[f"{child.handle}/"] = Listed(f"{child.handle}/", ListedKind.FOLDER, 0, 0.0)
        return children

    def _is_there(self, child: Listed) -> bool:
        try:
            self._client.head(child.handle)
        except CLIENT_ERRORS as error:
            # Where even that may not be asked, whoever reads it is told why.
            return fault_of(error).kind is not FaultKind.MISSING
        return True

    def _at_once(self, ask: Callable[[Listed], bool], about: Sequence[Listed]) -> list[bool]:
        if not about:
            return []
        with ThreadPoolExecutor(min(self._workers, len(about)), "look") as pool:
            return list(pool.map(ask, about))

    def _cant_list(self, what: str, error: Exception) -> NoReturn:
        fault = fault_of(error)
        raise self._unreachable(f"{what} can't be listed: {fault.why}", fault.hint) from error

    def _unreachable(self, why: str, hint: str) -> StoreUnreachable:
        return StoreUnreachable(f"can't read the store {shown(self._location.text)!r}: {why}", hint=hint)


def _child(meta: ObjectMeta, prefix: str) -> Listed:
    """What an object below a folder is in it: a file of its own, or a sign of a folder in between."""
    name, slash, _ = meta["path"].removeprefix(prefix).partition("/")
    if meta["path"] == prefix.removesuffix("/"):
        # The folder's own mark: stock lists it like a file of metadata.
        return Listed(prefix, ListedKind.FOLDER, 0, 0.0)
    return Listed(prefix + name, ListedKind.FOLDER, 0, 0.0) if slash else _file(meta)


def _file(meta: ObjectMeta) -> Listed:
    return Listed(meta["path"], ListedKind.FILE, meta["size"], float(int(meta["last_modified"].timestamp())))


def _refuse_odd(handle: str) -> None:
    problem = handle_problem(handle)
    if problem:
        raise HandleUnreadable(ReadFault.REFUSED, f"not opened: {problem}")
