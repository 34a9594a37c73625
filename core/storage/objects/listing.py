"""What lies directly in a folder of a bucket, out of a listing that comes page by page and is cut off at a bound.

A bucket has no folders: a folder is what names have in common up to a slash. A listing told page by page goes through
everything below, too; where a whole page of it lies in one folder, it goes on behind that folder.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from obstore.exceptions import InvalidPathError

from core.storage.objects.client import Connection
from core.storage.objects.content import plain_tag
from core.storage.objects.faults import CLIENT_ERRORS, FaultKind
from core.storage.objects.waiting import threads, waited
from core.storage.protocol import Listed, ListedKind

if TYPE_CHECKING:
    from obstore import ObjectMeta

_PAGE: Final = 1_000
#: Behind every name that somebody would give: the last character that may stand in a name.
_LAST: Final = "\U0010fffd"


#: How the client quotes a key that is no path of its; what follows tells where the key ends.
_KEY_RE: Final = re.compile(r'Path "(.*?)"(?: contained |: Encountered )', re.DOTALL)


class TooManyNames(Exception):
    """A folder holds more names than are listed."""


def top_of(connection: Connection) -> list[Listed]:
    """The top, asked for in one go: what lies below its folders is every file of every backup."""
    result = waited(connection.client.list_with_delimiter)
    files = {meta["path"]: _file(meta) for meta in result["objects"] if meta["path"]}
    return [*files.values(), *_folders(result["common_prefixes"], files)]


def children_of(connection: Connection, folder: str, most: int, workers: int) -> list[Listed]:
    """The direct children of `folder`. Raises one of `CLIENT_ERRORS`, and `TooManyNames` where there are over `most`.

    What lies deeper stands for the folder that it is in; so does an object whose name ends in a slash, as consoles make
    them, which for the folder itself has the folder's own name and a slash.
    """
    prefix = f"{folder}/"
    files: dict[str, Listed] = {}
    below: set[str] = set()
    for page in _pages(connection, folder):
        for meta in page:
            name, slash, _ = meta["path"].removeprefix(prefix).partition("/")
            if slash:
                below.add(prefix + name)
            else:
                files[meta["path"]] = _file(meta)
        if len(files) + len(below) > most:
            raise TooManyNames
    own = files.pop(folder, None)
    marks = _marks(connection, [each.handle for each in files.values() if not each.size], workers)
    for handle in marks:
        del files[handle]
    marked = [_folder(f"{handle}/") for handle in (marks - below) | ({folder} if own else set())]
    return [*files.values(), *_folders(below, files), *marked]


def key_in(error: Exception) -> str:
    """The key, from the top of the bucket, for which a listing can't be told; "" where that is not why."""
    found = _KEY_RE.search(str(error)) if isinstance(error, InvalidPathError) else None
    return found[1] if found else ""


def _pages(connection: Connection, folder: str) -> Iterator[Sequence[ObjectMeta]]:
    prefix, left = f"{folder}/", set[str]()
    pages = connection.client.list(folder, chunk_size=_PAGE)
    while (page := waited(partial(next, pages, None))) is not None:
        yield page
        name, slash, _ = page[-1]["path"].removeprefix(prefix).partition("/")
        inner = f"{prefix}{name}/"
        # Once for each folder: not every server goes on where it is told to.
        if slash and len(page) >= _PAGE and inner not in left and all(each["path"].startswith(inner) for each in page):
            left.add(inner)
            pages = connection.client.list(folder, offset=inner + _LAST, chunk_size=_PAGE)


def _marks(connection: Connection, empty: Sequence[str], workers: int) -> set[str]:
    """Those empty objects whose names end in a slash: the client takes it off, and so they are not there."""

    def is_mark(handle: str) -> bool:
        try:
            connection.client.head(handle)
        except CLIENT_ERRORS as error:
            # Where even that may not be asked, whoever reads it is told why.
            return connection.fault_of(error).kind is FaultKind.MISSING
        return False

    if not empty:
        return set()
    with threads(min(workers, len(empty))) as pool:
        return {handle for handle, found in zip(empty, pool.map(is_mark, empty), strict=True) if found}


def _folders(handles: Iterable[str], files: Container[str]) -> Iterator[Listed]:
    """Folders; one that has the name of a file is told from it by a slash."""
    return (_folder(f"{handle}/" if handle in files else handle) for handle in handles)


def _folder(handle: str) -> Listed:
    return Listed(handle, ListedKind.FOLDER, 0, 0.0)


def _file(meta: ObjectMeta) -> Listed:
    modified = float(int(meta["last_modified"].timestamp()))
    return Listed(meta["path"], ListedKind.FILE, meta["size"], modified, plain_tag(meta["e_tag"]))
