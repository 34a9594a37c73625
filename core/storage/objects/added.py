"""Files of ours in a bucket that grow. Objects can't be added to, so each addition replaces the object by a longer one.

It does so on the very version that was seen, and remembers it, so that one request is enough. Sending the whole anew
for every line of a long journal would take time and bytes with the square of its length: once there is something, an
addition waits until an eighth of that has come together, or until `send`. So all of it together sends a small multiple
of the file; what waits when a process dies is seen by nobody, and a journal's list of steps is no part of what resumes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from core.errors import AlreadyThere, OutcomeUnknown, StoreUnreachable, WriteFailed
from core.storage.objects.client import Connection
from core.storage.objects.conditional import Versions
from core.storage.writing import Tagged

#: Bytes of the largest file that is added to.
MAX_BYTES: Final = 256 << 20
_PART: Final = 8
_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class _Growing:
    """A file that is added to: the version that stands there (None: not looked at yet), and what is to come."""

    handle: str
    sent: Tagged | None
    waiting: bytes


class Added:
    """What is added to files of ours, one file at a time. Used from one thread."""

    def __init__(self, connection: Connection) -> None:
        self._versions = Versions(connection)
        self._growing: _Growing | None = None

    def add(self, handle: str, content: bytes) -> None:
        """Add now, or later. Raises as `StoreWriter.append` does."""
        if self._growing is not None and self._growing.handle != handle:
            self.send("")
        growing = self._growing if self._growing and self._growing.handle == handle else _Growing(handle, None, b"")
        self._growing = replace(growing, waiting=growing.waiting + content)
        there = len(growing.sent.content) if growing.sent else 0
        if len(self._growing.waiting) * _PART >= there:
            self._send(self._growing)

    def send(self, folder: str) -> None:
        """Add what waits for a file below `folder` ("" for any). Raises as `StoreWriter.append` does."""
        growing = self._growing
        if growing is not None and growing.waiting and (not folder or growing.handle.startswith(f"{folder}/")):
            self._send(growing)

    def _send(self, growing: _Growing) -> None:
        handle, undone = growing.handle, f"nothing was added to {growing.handle}"
        # Whatever goes wrong, it is not tried again with the next addition: it may have been done.
        self._growing = None
        before = growing.sent or self._loaded(undone, handle)
        for _ in range(_TRIES):
            whole = (before.content if before else b"") + growing.waiting
            try:
                tag = self._versions.swap(handle, whole, before.tag if before else None)
            except (AlreadyThere, OutcomeUnknown) as error:
                there = self._loaded(undone, handle)
                if there is None or there.content != whole:
                    if isinstance(error, OutcomeUnknown):
                        raise
                    before = there
                    continue
                tag = there.tag
            self._growing = _Growing(handle, Tagged(whole, tag), b"")
            return
        raise WriteFailed(f"{undone}: somebody else keeps changing it", hint="look who else writes to this store")

    def _loaded(self, undone: str, handle: str) -> Tagged | None:
        try:
            there = self._versions.load(handle, MAX_BYTES)
        except StoreUnreachable as unread:
            raise OutcomeUnknown(f"{undone}, or not for certain: {unread.message}", hint=unread.hint) from unread
        if there is not None and len(there.content) > MAX_BYTES:
            raise WriteFailed(f"{undone}: it is larger than {MAX_BYTES:,} bytes", hint="it was not touched")
        return there
