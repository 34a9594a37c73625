"""One small object in a bucket, changed only by who saw its last version (`lease.md`, "How each storage does it").

The storage itself compares: `If-None-Match: *` makes, `If-Match` replaces. A storage that ignores such conditions gives
a lease that everybody gets, so none is trusted before it has refused what it must refuse. Refusing once is no proof
that it compares and writes in one step.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec

from core.errors import AlreadyThere, OutcomeUnknown, Refused, StoreUnreachable, WriteFailed
from core.names import handle_problem
from core.storage.objects_client import Client
from core.storage.objects_faults import CLIENT_ERRORS, FaultKind, fault_of
from core.storage.writing import Tagged

if TYPE_CHECKING:
    from obstore import PutMode, UpdateVersion

#: Where a storage is tried, beside the lease. It stays there.
PROBE_HANDLE: Final = "compaction.probe"
_PROBE_BYTES: Final = 1_024
_PROBES: Final = 5
_PIECE: Final = 64 * 1024


class Versions:
    """Objects that are replaced version by version, on a storage of which it is known that it compares them."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def load(self, handle: str, limit: int) -> Tagged | None:
        """The object's first `limit` + 1 bytes and its tag; None if there is none. Raises `StoreUnreachable`."""
        problem = handle_problem(handle)
        if problem:
            raise StoreUnreachable(f"can't read {handle!r}: {problem}")
        try:
            result = self._client.get(handle)
            content = bytearray()
            for piece in result.stream(_PIECE):
                content += piece
                if len(content) > limit:
                    break
        except CLIENT_ERRORS as error:
            fault = fault_of(error)
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
        mode: PutMode = "create" if tag is None else _version(tag)
        try:
            result = self._client.put(handle, content, mode=mode, use_multipart=False)
        except CLIENT_ERRORS as error:
            fault = fault_of(error)
            if fault.kind in (FaultKind.TAKEN, FaultKind.CHANGED, FaultKind.MISSING):
                raise AlreadyThere(f"{undone}: somebody else changed it meanwhile", hint="try again") from error
            if fault.kind is FaultKind.REFUSED:
                raise WriteFailed(f"{undone}: {fault.why}", hint=fault.hint) from error
            raise OutcomeUnknown(f"{undone}, or not for certain: {fault.why}", hint=fault.hint) from error
        return _tag(result["e_tag"], result["version"])


class ObjectConditional:
    """A `ConditionalStore` in a bucket. `fresh_id` gives random digits; the first write tries the storage."""

    def __init__(self, client: Client, fresh_id: Callable[[], str]) -> None:
        self._versions = Versions(client)
        self._fresh_id = fresh_id
        self._probed = False
        self._probing = threading.Lock()

    def load(self, handle: str, limit: int) -> Tagged | None:
        """The object's first `limit` + 1 bytes and its tag; None if there is none. Raises `StoreUnreachable`."""
        return self._versions.load(handle, limit)

    def swap(self, handle: str, content: bytes, tag: str | None) -> str:
        """Replace the version with `tag` (None: make it new). Raises as `ConditionalStore` says.

        Raises `Refused` for a storage that ignores conditions.
        """
        with self._probing:
            if not self._probed:
                self._probe()
                self._probed = True
        return self._versions.swap(handle, content, tag)

    def _probe(self) -> None:
        """Make an object twice, and replace a version of it that is gone: the second and third must fail."""
        with suppress(AlreadyThere):
            self._versions.swap(PROBE_HANDLE, self._fresh(), None)
        self._must_fail(None, "made an object that was there already")
        old = self._replaced()
        self._must_fail(old, "replaced a version that was gone")

    def _replaced(self) -> str:
        """The tag of a version of the probe that has been replaced: by us, or by somebody who tries it meanwhile."""
        there = self._probe_object()
        for _ in range(_PROBES):
            with suppress(AlreadyThere):
                self._versions.swap(PROBE_HANDLE, self._fresh(), there.tag)
                return there.tag
            before, there = there, self._probe_object()
            if there.tag != before.tag:
                return before.tag
        raise _unconditional("replaces no version of an object, not even the one that stands there")

    def _probe_object(self) -> Tagged:
        there = self._versions.load(PROBE_HANDLE, _PROBE_BYTES)
        if there is None:
            raise _unconditional("lost an object that it had just made")
        return there

    def _must_fail(self, tag: str | None, otherwise: str) -> None:
        try:
            self._versions.swap(PROBE_HANDLE, self._fresh(), tag)
        except AlreadyThere:
            return
        raise _unconditional(otherwise)

    def _fresh(self) -> bytes:
        return f"Seamline tries here whether this storage keeps conditions: {self._fresh_id()}\n".encode()


def _unconditional(what: str) -> Refused:
    return Refused(
        "unconditional-storage",
        f"this storage {what}: it ignores the conditions of a write, so no lease on it can be trusted",
        hint="use a storage with conditional writes (If-None-Match and If-Match); nothing of the store was changed",
    )


def _tag(e_tag: str | None, version: str | None) -> str:
    return msgspec.json.encode([e_tag, version]).decode()


def _version(tag: str) -> UpdateVersion:
    e_tag, version = msgspec.json.decode(tag, type=tuple[str | None, str | None])
    given: UpdateVersion = {}
    if e_tag is not None:
        given["e_tag"] = e_tag
    if version is not None:
        given["version"] = version
    return given
