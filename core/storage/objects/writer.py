"""The write half of a store in a bucket. Nothing is ever overwritten but the end of the journal's own list of steps.

Every object is made with one create-only put, which has happened as a whole or not at all, and carries random digits of
its write. No answer to a put says whose object stands there: the client may have sent it twice, and a conflict may mean
that nothing was written. So after any failure the object is read back, and it is ours exactly if it has our digits.

A bucket has neither links nor renames that could be trusted: both are a put of the same bytes, and a move then deletes
the old name, once it is sure that it is still the version that was copied. The storage can't delete on a condition, so
what is written under that name in the same instant is deleted too; and a delete whose answer was lost is told as such.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.errors import AlreadyThere, OutcomeUnknown, WriteFailed
from core.host import Machine
from core.names import OWN_FOLDER, STAGED_FOLDER, handle_problem
from core.storage.objects.added import Added
from core.storage.objects.client import Connection
from core.storage.objects.faults import CLIENT_ERRORS, FaultKind, ObjectFault

#: Bytes of the largest object that is copied; metadata files are read up to a quarter of that.
MAX_BYTES: Final = 256 << 20
_MARK: Final = "seamlinewrite"
_AT_ONCE: Final = 16
_TRIES: Final = 5
_PAUSE: Final = 0.2


@dataclass(frozen=True, slots=True)
class _There:
    """What stands under a name: its bytes, and the digits of the write that made it."""

    content: bytes
    mark: str | None


class ObjectWriter:
    """A `StoreWriter` over a bucket; making one sends nothing.

    Made, linked and moved from several threads, all else from one. With `keeps_conditions` false the storage is one
    that ignores the conditions of a write: then a name is looked up before it is made, for what that is worth.
    """

    def __init__(self, connection: Connection, machine: Machine, *, keeps_conditions: bool = True) -> None:
        self._connection = connection
        self._machine = machine
        self._keeps_conditions = keeps_conditions
        self._added = Added(connection)

    @property
    def at_once(self) -> int:
        """As many as leave room for other requests under way: each waits for the storage, none for this machine."""
        return _AT_ONCE

    def create(self, handle: str, content: bytes) -> None:
        """Make a new object."""
        undone = f"{handle} was not made"
        _check(undone, handle)
        self._put_new(undone, handle, content)

    def link(self, source: str, handle: str) -> None:
        """A copy of a file of ours under a name that is new."""
        undone = f"{handle} was not made from {source}"
        _check(undone, source, handle, below=OWN_FOLDER)
        self._put_new(undone, handle, self._require(undone, source).content)

    def move(self, source: str, target: str) -> None:
        """Copy, then delete. Where the very same bytes have both names, an earlier try was cut off: it is finished."""
        undone = f"{source} was not moved to {target}"
        _check(undone, source, target)
        if source == target:
            raise AlreadyThere(f"{undone}: the name is taken", hint="it is the same name")
        there = self._require(undone, source)
        try:
            self._put_new(undone, target, there.content)
        except AlreadyThere:
            taken = self._look(undone, target)
            if taken is None or taken.content != there.content:
                raise
        self._drop(undone, source, there)

    def append(self, handle: str, content: bytes) -> None:
        """Add to a file of ours; see `core.storage.objects.added`."""
        _check(f"nothing was added to {handle}", handle, below=OWN_FOLDER)
        self._added.add(handle, content)

    def flush(self, folder: str) -> None:
        """Send what waits to be added to files below `folder`. What a storage has answered for lasts."""
        if folder:
            _check(f"{folder} was not flushed", folder)
        self._added.send(folder)

    def discard(self, handle: str) -> None:
        """Delete a staged object. A folder of such has no being of its own: nothing to do once nothing is in it."""
        undone = f"{handle} was not thrown away"
        _check(undone, handle, below=STAGED_FOLDER)
        try:
            if any(page for page in self._connection.client.list(handle, chunk_size=1)):
                raise WriteFailed(f"{undone}: the folder is not empty", hint="look at what it still holds")
            self._connection.client.delete(handle)
        except CLIENT_ERRORS as error:
            fault = self._connection.fault_of(error)
            if fault.kind is not FaultKind.MISSING:
                raise _failed(undone, fault) from error

    def _put_new(self, undone: str, handle: str, content: bytes) -> None:
        """One create-only put, tried again with the same digits while nothing stands there."""
        mark = self._machine.fresh_id()
        if not self._keeps_conditions and self._look(undone, handle) is not None:
            raise _taken(undone)
        for tried in range(_TRIES):
            try:
                self._connection.client.put(
                    handle, content, mode="create", use_multipart=False, attributes={_MARK: mark}
                )
                return
            except CLIENT_ERRORS as error:
                fault = self._connection.fault_of(error)
                if fault.kind not in (FaultKind.TAKEN, FaultKind.CHANGED, FaultKind.UNKNOWN):
                    raise _failed(undone, fault) from error
                there = self._look(undone, handle)
            if there is not None and there.mark == mark:
                return
            if there is not None:
                raise _taken(undone)
            self._machine.sleep(_PAUSE * 2**tried)
        raise _failed(undone, fault)

    def _drop(self, undone: str, source: str, copied: _There) -> None:
        """Delete the old name of what now has a new one."""
        for tried in range(_TRIES):
            there = self._look(undone, source)
            if there is None:
                return
            if there.content != copied.content:
                hint = "look at the store again; the old version has its new name, the new one is where it was"
                raise OutcomeUnknown(f"{undone} as a whole: somebody else wrote {source} anew meanwhile", hint=hint)
            try:
                self._connection.client.delete(source)
                return
            except CLIENT_ERRORS as error:
                fault = self._connection.fault_of(error)
            if fault.kind is FaultKind.REFUSED:
                break
            self._machine.sleep(_PAUSE * 2**tried)
        raise OutcomeUnknown(f"{undone} as a whole, it has both names: {fault.why}", hint=fault.hint)

    def _look(self, undone: str, handle: str) -> _There | None:
        """What stands under a name now; None for nothing. Raises `OutcomeUnknown` when that can't be told."""
        try:
            return self._read(undone, handle)
        except CLIENT_ERRORS as error:
            fault = self._connection.fault_of(error)
            if fault.kind is FaultKind.MISSING:
                return None
            raise OutcomeUnknown(f"{undone}, or not for certain: {fault.why}", hint=fault.hint) from error

    def _require(self, undone: str, source: str) -> _There:
        """What is to be copied. Nothing but a question is sent, so that every failure is a `WriteFailed`."""
        try:
            return self._read(undone, source)
        except CLIENT_ERRORS as error:
            fault = self._connection.fault_of(error)
            raise WriteFailed(f"{undone}: {fault.why}", hint=fault.hint) from error

    def _read(self, undone: str, handle: str) -> _There:
        result = self._connection.client.get(handle)
        if result.meta["size"] > MAX_BYTES:
            raise WriteFailed(f"{undone}: {handle} is larger than {MAX_BYTES:,} bytes", hint="it was not touched")
        return _There(bytes(result.bytes()), result.attributes.get(_MARK))


def _check(undone: str, *handles: str, below: str = "") -> None:
    """Refuse odd handles, and a first one outside `below`."""
    for handle in handles:
        problem = handle_problem(handle)
        if problem:
            # As Python writes it, for it may hold anything.
            raise WriteFailed(f"{repr(undone)[1:-1]}: as a handle, {problem}", hint="nothing of that name is stored")
    if below and not handles[0].startswith(f"{below}/"):
        why = f"it is none of Seamline's own files below {below}/"
        raise WriteFailed(f"{undone}: {why}", hint="it was not touched")


def _taken(undone: str) -> AlreadyThere:
    return AlreadyThere(f"{undone}: the name is taken", hint="look at what stands there; it was not touched")


def _failed(undone: str, fault: ObjectFault) -> WriteFailed | OutcomeUnknown:
    if fault.kind is FaultKind.UNKNOWN:
        return OutcomeUnknown(f"{undone}, or not for certain: {fault.why}", hint=fault.hint)
    return WriteFailed(f"{undone}: {fault.why}", hint=fault.hint)
