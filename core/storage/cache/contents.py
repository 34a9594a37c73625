"""What this machine keeps of the contents of files in a bucket, so that only what is new is read again.

One SQLite file for each store, private, bounded, outside the store. It is a help and never believed: a content counts
only with a digest over itself, its store and the very version it is of; whatever is damaged, foreign, too large or
can't be had is as if it were not there. Several processes may use it at once.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final, TypeVar

from core.storage.protocol import Listed

#: Bytes kept of one store, and of all together; then the stores that were looked at the longest ago go first.
MAX_STORE_BYTES: Final = 1 << 30
MAX_BYTES: Final = 2 << 30
#: A larger file is not kept.
MAX_FILE_BYTES: Final = 16 << 20
_VERSION: Final = 1
_PAGE_BYTES: Final = 4_096
#: Seconds to wait while another process writes.
_PATIENCE: Final = 1.0
_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS kept "
    "(handle BLOB PRIMARY KEY, tag TEXT, size INTEGER, modified REAL, digest BLOB, content BLOB)"
)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class KeptContents:
    """The contents of `store` (whatever tells stores apart), in a file in `folder`."""

    folder: Path
    store: str
    most: int = MAX_STORE_BYTES

    def known(self, folder: str, listed: Iterable[Listed]) -> frozenset[str]:
        """The handles of those that are kept in the version listed. What `folder` no longer has is forgotten."""
        versions = {os.fsencode(each.handle): each for each in listed}

        def look(kept: sqlite3.Connection) -> frozenset[str]:
            below = os.fsencode(f"{folder}/")
            rows = kept.execute(
                "SELECT handle, tag, size, modified FROM kept WHERE handle >= ? AND handle < ?",
                (below, below[:-1] + b"0"),
            ).fetchall()
            gone = [(handle,) for handle, *_ in rows if handle not in versions]
            # Where another process is at work on it, that can wait.
            with suppress(sqlite3.OperationalError), kept:
                kept.executemany("DELETE FROM kept WHERE handle = ?", gone)
            current = (versions[row[0]] for row in rows if row[0] in versions and _is_of(row[1:], versions[row[0]]))
            return frozenset(each.handle for each in current)

        return self._with(look, frozenset())

    def contents(self, listed: Sequence[Listed]) -> list[bytes | None]:
        """The content of each, all at once; None where it is not kept after all. At most 30,000 may be asked for."""
        largest = max((each.size for each in listed), default=0)
        handles = [os.fsencode(each.handle) for each in listed]
        query = f"SELECT handle, digest, content FROM kept WHERE handle IN ({', '.join('?' * len(listed))})"

        def take(kept: sqlite3.Connection) -> list[bytes | None]:
            rows = kept.execute(f"{query} AND length(content) <= {largest}", handles).fetchall()
            found = {handle: (digest, content) for handle, digest, content in rows}
            return [self._believed(each, found.get(handle)) for each, handle in zip(listed, handles, strict=True)]

        return self._with(take, [None] * len(listed))

    def keep(self, files: Sequence[tuple[Listed, bytes]]) -> None:
        """Keep these contents of these versions, as far as there is room."""
        rows = [
            (os.fsencode(each.handle), each.tag, each.size, each.modified, self._digest(each, content), content)
            for each, content in files
            if each.tag and len(content) == each.size <= MAX_FILE_BYTES
        ]

        def insert(kept: sqlite3.Connection) -> None:
            with kept:
                kept.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?, ?, ?)", rows)

        if rows:
            self._with(insert, None)

    def _believed(self, listed: Listed, row: tuple[object, object] | None) -> bytes | None:
        """The content of a row, if it is of this very version."""
        digest, content = row or (None, None)
        return content if isinstance(content, bytes) and digest == self._digest(listed, content) else None

    def _digest(self, listed: Listed, content: bytes) -> bytes:
        version = repr((self.store, listed.handle, listed.tag, listed.size, listed.modified))
        digest = blake2b(version.encode("utf-8", "surrogatepass") + b"\0", digest_size=16)
        digest.update(content)
        return digest.digest()

    def _with(self, use: Callable[[sqlite3.Connection], _T], otherwise: _T) -> _T:
        """What `use` makes of the open file; `otherwise` where there is none to be had."""
        try:
            path = self._path()
            if path is None:
                return otherwise
            with closing(sqlite3.connect(path, timeout=_PATIENCE)) as kept:
                kept.execute(f"PRAGMA max_page_count = {self.most // _PAGE_BYTES}")
                # What a power cut tears is seen by its digest, or by SQLite.
                kept.execute("PRAGMA synchronous = OFF")
                kept.execute(_SCHEMA)
                return use(kept)
        except sqlite3.OperationalError:
            # Full, or another process is at work on it.
            return otherwise
        except (sqlite3.Error, OSError, ValueError, OverflowError):
            self._forget()
            return otherwise

    def _path(self) -> Path | None:
        """The file, made if there is none; None if somebody else may have a hand in it."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_ours(self.folder.stat(), stat.S_ISDIR):
            return None
        path = self._place()
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        file = os.open(path, flags, 0o600)
        try:
            if not _is_ours(os.fstat(file), stat.S_ISREG):
                return None
            os.utime(file)
        finally:
            os.close(file)
        return path

    def _place(self) -> Path:
        name = blake2b(self.store.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
        return self.folder / f"{name}-{_VERSION}.sqlite"

    def _forget(self) -> None:
        with suppress(OSError):
            self._place().unlink(missing_ok=True)


def tidy(folder: Path, most: int = MAX_BYTES) -> None:
    """Remove what is kept of the stores that were looked at the longest ago, until there are at most `most` bytes."""
    with suppress(OSError):
        found = [(path.stat(), path) for path in folder.glob("*.sqlite")]
        total = sum(told.st_size for told, _ in found)
        for told, path in sorted(found, key=lambda each: each[0].st_mtime):
            if total <= most:
                return
            path.unlink(missing_ok=True)
            total -= told.st_size


def _is_ours(told: os.stat_result, is_kind: Callable[[int], bool]) -> bool:
    return is_kind(told.st_mode) and told.st_uid == os.geteuid() and not told.st_mode & 0o022


def _is_of(row: Sequence[object], listed: Listed) -> bool:
    return bool(listed.tag) and tuple(row) == (listed.tag, listed.size, listed.modified)
