"""One conditional write of the lock file, and who wrote what stands there, whatever answer was lost on the way."""

from __future__ import annotations

from core.errors import OutcomeUnknown, SeamlineError
from core.lease.record import MAX_BYTES, LeaseRecord, LeaseUnreadable, parse
from core.names import LOCK_HANDLE
from core.storage.writing import ConditionalStore, Tagged


class NotWritten(Exception):
    """A write has not happened: the storage's `error`, and what stands `there` instead."""

    def __init__(self, error: Exception, there: Tagged | None) -> None:
        super().__init__(str(error))
        self.error = error
        self.there = there


def load(store: ConditionalStore) -> Tagged | None:
    """The lock file as it is; None if there is none. Raises `StoreUnreachable`."""
    return store.load(LOCK_HANDLE, MAX_BYTES)


def put(store: ConditionalStore, record: LeaseRecord, tag: str | None) -> str:
    """Replace version `tag` (None: there is none) by `record`, and return the new tag.

    No error of a conditional write says whose the object is: after any of them what stands there is read, and it is
    ours exactly if its nonce is (`lease.md`, "Operations"). Raises `NotWritten`, and `OutcomeUnknown` if it can't be
    read either.
    """
    try:
        return store.swap(LOCK_HANDLE, record.to_bytes(), tag)
    except Exception as error:
        try:
            there = load(store)
        except SeamlineError as unread:
            message = f"whether the lease was written is not known: {error}; {unread}"
            raise OutcomeUnknown(message, hint=unread.hint) from error
        if there is not None and _nonce(there) == record.nonce:
            return there.tag
        raise NotWritten(error, there) from error


def _nonce(there: Tagged) -> str | None:
    try:
        return parse(there.content).nonce
    except LeaseUnreadable:
        return None
