"""Which operations of a journal have no end yet: one may be the work of whoever holds the lease, the rest were cut off.

A journal alone can't tell the two apart. Lease and journal are two reads, between which an operation may begin or end:
what is told here holds for one moment (`read_unfinished`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from core.journal.names import OperationFiles, interrupted_in
from core.lease import LeaseView
from core.names import JOURNAL_FOLDER
from core.storage.protocol import Listed, StoreReader

#: How often lease and journal are read again while others write.
_MOST_READS: Final = 5
#: The purpose of whoever finishes what was cut off, under the name that it has in the journal.
_RESUME: Final = "resume"


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The operations without an end, oldest first: the one that is `held`, if any, and those that were `interrupted`.

    `lease` is the lease as it was then, None if there is none; `journal` the listing of the journal.
    """

    lease: LeaseView | None
    held: OperationFiles | None
    interrupted: tuple[OperationFiles, ...]
    journal: tuple[Listed, ...] = ()

    def holder_of(self, operation: OperationFiles) -> LeaseView | None:
        """The lease under which an operation is at work, or may be; None if it is not."""
        return self.lease if self.held is not None and operation.id == self.held.id else None


def unfinished_in(journal: Iterable[Listed], lease: LeaseView | None) -> Unfinished:
    """What of a journal has no end, seen at one moment with the lease."""
    listing = tuple(journal)
    waiting = interrupted_in(listing)
    held = _held(waiting, lease)
    return Unfinished(lease, held, tuple(files for files in waiting if files is not held), listing)


def read_unfinished(reader: StoreReader, lease: Callable[[], LeaseView | None]) -> Unfinished:
    """What of a store's journal has no end now; `lease` looks at the lease. Raises `StoreUnreachable`.

    Where the lease has not changed hands while the journal was listed, no operation began or ended meanwhile.
    """
    before = lease()
    for _ in range(_MOST_READS):
        listing = reader.list_folder(JOURNAL_FOLDER)
        after = lease()
        if _holding(before) == _holding(after):
            break
        before = after
    return unfinished_in(listing, after)


def _holding(lease: LeaseView | None) -> tuple[object, ...]:
    """What tells one holding from another."""
    record = lease.record if lease else None
    return (record.token, record.owner, record.state) if record else (lease is None,)


def _held(waiting: tuple[OperationFiles, ...], lease: LeaseView | None) -> OperationFiles | None:
    """The operation that the holder of the lease works on: the one of its token, or the one that it resumes."""
    holder = lease.holder if lease else None
    if holder is None or not waiting:
        return None
    own = next((files for files in waiting if files.token == holder.token), None)
    if own is not None or holder.purpose != _RESUME:
        return own
    # The newest comes first; which one it is stands in the lease from its next renewal on.
    return next((files for files in waiting if files.id == holder.operation), waiting[-1])
