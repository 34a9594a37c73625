"""What tells that nothing has changed: a digest over names, sizes, times and tags of files, and lines that name them.

It is no proof of their bytes. A file that was written as late as the look itself proves nothing, since its time may not
show the next change; so a look only counts once it is `SETTLED_SECONDS` younger than every file of it. That does not
hold for a file whose storage names each of its versions: every change gives it another tag, however soon it comes.
Whoever makes a seal looks files up before they are read, so that a change in between is a change since the seal.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import astuple
from hashlib import blake2b
from typing import Final

from core.model import RangeRecord
from core.storage.protocol import HandleUnreadable, Listed

#: File systems and object stores tell times as coarse as this.
SETTLED_SECONDS: Final = 2.0


def is_dated(listed: Listed) -> bool:
    """Whether a change of a file shows: in its time or its tag.

    Some storages tell neither, and looking a file up there reads all of it.
    """
    return bool(listed.tag) or listed.modified > 0


class Seal:
    """Grows by what it is over; `newest` is the time (unix seconds) of the youngest file, infinity if one has none.

    Files with a tag do not count for it.
    """

    def __init__(self, records: Iterable[RangeRecord] = ()) -> None:
        self._hash = blake2b(digest_size=16)
        self.newest = -math.inf
        for record in records:
            self._add(*map(str, astuple(record)))

    def add(self, handle: str, found: Listed | HandleUnreadable) -> None:
        """Add a file, as it was looked up."""
        if isinstance(found, HandleUnreadable):
            self._add(handle, found.fault)
            return
        version = f"{found.modified!r} {found.tag}" if found.tag else repr(found.modified)
        self._add(handle, found.kind, str(found.size), version)
        if not found.tag:
            self.newest = max(self.newest, found.modified) if is_dated(found) else math.inf

    def add_name(self, handle: str) -> None:
        """Add that a file is there."""
        self._add(handle)

    @property
    def digest(self) -> str:
        """The seal as text."""
        return self._hash.hexdigest()

    def settled(self, looked_at: float) -> bool:
        """Whether a look at this moment (unix seconds) is young enough to be believed."""
        return looked_at >= self.newest + SETTLED_SECONDS

    def _add(self, *words: str) -> None:
        for word in words:
            data = word.encode("utf-8", "surrogatepass")
            self._hash.update(len(data).to_bytes(8, "big") + data)
