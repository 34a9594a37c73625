"""How a lease comes to be ours: at once, by waiting, or from a holder that is dead or gives no sign of life.

Wall clocks are never compared. A version of the lock file ages on our own clock, from the moment that we saw it
(`lease.md`, "Acquire").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from core.errors import AlreadyThere, OutcomeUnknown, Stopped
from core.host import Machine
from core.lease.putting import NotWritten, load, put
from core.lease.record import MAX_TOKEN, LeaseRecord, LeaseUnreadable, parse
from core.lease.words import lease_held
from core.storage.writing import ConditionalStore, Tagged

#: How often the same version may refuse to be replaced without having changed, before that counts as an error.
_MOST_REFUSALS: Final = 5


@dataclass(frozen=True, slots=True)
class Taken:
    """A lease that is ours: the record and tag as written, when (elapsed seconds) before, and whether we waited."""

    record: LeaseRecord
    tag: str
    sent: float
    waited: bool


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds; whether to stop; and whom to tell, at every look, who is in the way."""

    wait: float
    stopped: Callable[[], bool]
    waiting: Callable[[LeaseRecord], None]


class Taker:
    """Takes the lease of one store for `wanted`, whose token is the least that it may get."""

    def __init__(self, store: ConditionalStore, machine: Machine, wanted: LeaseRecord) -> None:
        self._store = store
        self._machine = machine
        self._wanted = wanted
        self._seen: str | None = None
        self._seen_at = 0.0
        self._refused: str | None = None
        self._refusals = 0

    def take(self, patience: Patience) -> Taken:
        """The lease. Raises `LeaseHeld`, `LeaseUnreadable`, `Stopped`, and what the storage raises."""
        give_up = self._machine.elapsed() + patience.wait
        waited = False
        while True:
            there = load(self._store)
            record = parse(there.content) if there else None
            self._see(there)
            if record is None or self._is_free(record):
                taken = self._try(record, there.tag if there else None, waited)
                if taken is not None:
                    return taken
                waited = True
                continue
            left = give_up - self._machine.elapsed()
            if left <= 0:
                raise lease_held(record)
            if patience.stopped():
                raise Stopped("stopped while waiting for the lease; nothing was changed")
            patience.waiting(record)
            waited = True
            self._machine.sleep(min(self._pause(), left))

    def _see(self, there: Tagged | None) -> None:
        """Remember since when, on our clock, the very same version stands there."""
        tag = there.tag if there else None
        if tag != self._seen:
            self._seen, self._seen_at = tag, self._machine.elapsed()

    def _is_free(self, record: LeaseRecord) -> bool:
        """Whether nobody holds it; a lease of our own is one that an earlier write of ours left without an answer."""
        if not record.is_held or record.owner == self._wanted.owner or self._machine.has_ended(record.holder):
            return True
        return self._machine.elapsed() - self._seen_at >= record.silence

    def _try(self, there: LeaseRecord | None, tag: str | None, waited: bool) -> Taken | None:
        """Write the lease in place of `tag`; None if somebody else was faster, or it may work at the next try."""
        sent = self._machine.elapsed()
        record = replace(
            self._wanted,
            token=self._token(there),
            seq=there.seq + 1 if there and self._is_ours(there) else 0,
            nonce=self._machine.fresh_id(),
            timestamp=int(self._machine.now()),
        )
        try:
            return Taken(record, put(self._store, record, tag), sent, waited)
        except NotWritten as refused:
            if not isinstance(refused.error, AlreadyThere | OutcomeUnknown):
                raise refused.error from refused
            self._count_refusal(tag, refused.error)
            return None

    def _token(self, there: LeaseRecord | None) -> int:
        token = self._wanted.token
        if there is not None:
            token = there.token if self._is_ours(there) else max(token, there.token + 1)
        if token > MAX_TOKEN:
            raise LeaseUnreadable(f"or the journal says a token of {token - 1:,}, beyond which none is given out")
        return token

    def _is_ours(self, there: LeaseRecord) -> bool:
        return there.is_held and there.owner == self._wanted.owner

    def _count_refusal(self, tag: str | None, error: Exception) -> None:
        """A version that is replaced by others only shows that they are faster; one that stays can't be replaced."""
        self._refusals = self._refusals + 1 if tag == self._refused else 1
        self._refused = tag
        if self._refusals >= _MOST_REFUSALS:
            raise error
        if self._refusals > 1:
            self._machine.sleep(self._pause())

    def _pause(self) -> float:
        """A second, give or take a half, so that those who wait don't all come at once."""
        return 0.5 + int(self._machine.fresh_id()[-8:], 16) / 2**32
