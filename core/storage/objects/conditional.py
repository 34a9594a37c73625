"""One small object in a bucket, changed only by who saw its last version (`lease.md`, "How each storage does it").

The storage itself compares: `If-None-Match: *` makes, `If-Match` replaces. A storage that ignores such conditions gives
a lease that everybody gets, so none is trusted before it has refused what it must refuse. Refusing once is no proof
that it compares and writes in one step.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec
from obstore.exceptions import PreconditionError

from core.errors import AlreadyThere, NotAllowed, OutcomeUnknown, StoreUnreachable, WriteFailed
from core.names import handle_problem
from core.storage.conditions import require_conditions
from core.storage.objects.client import Connection
from core.storage.objects.faults import CLIENT_ERRORS, FaultKind
from core.storage.writing import Tagged

if TYPE_CHECKING:
    from obstore import PutMode, UpdateVersion

_PIECE: Final = 64 * 1024


class Versions:
    """Objects that are replaced version by version, on a storage of which it is known that it compares them.

    Some storages (Ceph) answer with a quoted tag and compare it without the quotes: which form they take is found out
    when one is refused that stands there all the same, and remembered.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._bare: bool | None = None

    @property
    def peculiarity(self) -> str:
        """Whether the storage compares tags without their quotes, as Ceph does; known once something was replaced."""
        return "it compares tags without their quotes" if self._bare else ""

    def load(self, handle: str, limit: int) -> Tagged | None:
        """The object's first `limit` + 1 bytes and its tag; None if there is none. Raises `StoreUnreachable`."""
        problem = handle_problem(handle)
        if problem:
            raise StoreUnreachable(f"can't read {handle!r}: {problem}")
        try:
            result = self._connection.client.get(handle)
            content = bytearray()
            for piece in result.stream(_PIECE):
                content += piece
                if len(content) > limit:
                    break
        except CLIENT_ERRORS as error:
            fault = self._connection.fault_of(error)
            if fault.kind is FaultKind.MISSING:
                return None
            raise StoreUnreachable(f"can't read {handle}: {fault.why}", hint=fault.hint) from error
        return Tagged(bytes(content[: limit + 1]), _tag(result.meta["e_tag"], result.meta["version"]))

    def swap(self, handle: str, content: bytes, tag: str | None) -> str:
        """Replace the version with `tag` (None: make it new). Raises as `ConditionalStore` says."""
        undone = f"{handle} was not written"
        problem = handle_problem(handle)
        if problem:
            raise WriteFailed(f"{handle!r} was not written: {problem}", hint="nothing of that name is stored")
        try:
            return self._put(handle, content, tag)
        except CLIENT_ERRORS as error:
            fault = self._connection.fault_of(error)
            if fault.kind in (FaultKind.TAKEN, FaultKind.CHANGED, FaultKind.MISSING):
                raise AlreadyThere(f"{undone}: somebody else changed it meanwhile", hint="try again") from error
            if fault.kind is FaultKind.REFUSED:
                raise NotAllowed(f"{undone}: {fault.why}", hint=fault.hint) from error
            raise OutcomeUnknown(f"{undone}, or not for certain: {fault.why}", hint=fault.hint) from error

    def _put(self, handle: str, content: bytes, tag: str | None) -> str:
        """One put. Raises one of `CLIENT_ERRORS`."""
        if tag is None:
            return self._put_as(handle, content, "create")
        try:
            done = self._put_as(handle, content, _version(tag, bare=bool(self._bare)))
        except PreconditionError:
            if self._bare is not None or not self._stands(handle, tag):
                raise
            done = self._put_as(handle, content, _version(tag, bare=True))
            self._bare = True
        if self._bare is None:
            self._bare = False
        return done

    def _put_as(self, handle: str, content: bytes, mode: PutMode) -> str:
        result = self._connection.client.put(handle, content, mode=mode, use_multipart=False)
        return _tag(result["e_tag"], result["version"])

    def _stands(self, handle: str, tag: str) -> bool:
        """Whether that very version is there, as far as can be told."""
        try:
            there = self.load(handle, 0)
        except StoreUnreachable:
            return False
        return there is not None and there.tag == tag


class ObjectConditional:
    """A `ConditionalStore` in a bucket. `fresh_id` gives random digits; the first write tries the storage."""

    def __init__(self, connection: Connection, fresh_id: Callable[[], str]) -> None:
        self._versions = Versions(connection)
        self._fresh_id = fresh_id
        self._probed = False
        self._probing = threading.Lock()

    @property
    def peculiarity(self) -> str:
        """Whether the storage compares tags without their quotes."""
        return self._versions.peculiarity

    def load(self, handle: str, limit: int) -> Tagged | None:
        """The object's first `limit` + 1 bytes and its tag; None if there is none. Raises `StoreUnreachable`."""
        return self._versions.load(handle, limit)

    def swap(self, handle: str, content: bytes, tag: str | None) -> str:
        """Replace the version with `tag` (None: make it new). Raises as `ConditionalStore` says.

        Raises `Refused` for a storage that ignores conditions.
        """
        with self._probing:
            if not self._probed:
                require_conditions(self._versions, self._fresh_id)
                self._probed = True
        return self._versions.swap(handle, content, tag)


def _tag(e_tag: str | None, version: str | None) -> str:
    return msgspec.json.encode([e_tag, version]).decode()


def _version(tag: str, *, bare: bool) -> UpdateVersion:
    e_tag, version = msgspec.json.decode(tag, type=tuple[str | None, str | None])
    given: UpdateVersion = {}
    if e_tag is not None:
        given["e_tag"] = e_tag.strip('"') if bare else e_tag
    if version is not None:
        given["version"] = version
    return given
