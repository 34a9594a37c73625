"""Looking at a lease, and taking one away that nobody will give back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from core.errors import UsageError
from core.host import Machine, runs_here
from core.invocation import Advice, Lock
from core.lease.putting import NotWritten, load, put
from core.lease.record import MAX_TOKEN, UNREADABLE, LeaseRecord, LeaseUnreadable, parse, salvaged_token
from core.lease.words import lease_held, who
from core.storage.writing import ConditionalStore

#: How often a holder that renews meanwhile may make us look again.
_TRIES: Final = 5


class LeaseState(StrEnum):
    """What a look at the lock file says."""

    HELD = "held"
    FREE = "free"
    ENDED = "its holder has ended on this machine"
    UNREADABLE = "unreadable"


class Life(StrEnum):
    """Whether the holder of a lease is at work, as far as looking can tell.

    ALIVE: a process of this machine that runs, or one that has renewed the lease between two looks. UNKNOWN: one look
    at the lease of another machine tells nothing. SILENT: it was not renewed for longer than it may be, on our own
    clock; whoever writes next takes it over.
    """

    ALIVE = "alive"
    UNKNOWN = "unknown"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class LeaseView:
    """A lock file as it was seen: the record, or why there is none; `life` is its holder's, while it is HELD."""

    state: LeaseState
    record: LeaseRecord | None
    why: str = ""
    life: Life = Life.UNKNOWN

    @property
    def holder(self) -> LeaseRecord | None:
        """The record of whoever is at work, or may be; None where nobody is."""
        return self.record if self.state is LeaseState.HELD and self.life is not Life.SILENT else None

    @property
    def is_alive(self) -> bool:
        """Whether its holder is known to be at work."""
        return self.holder is not None and self.life is Life.ALIVE

    @property
    def break_word(self) -> str:
        """What the operator types to break it."""
        return self.record.owner if self.record else UNREADABLE


def look_at_lease(store: ConditionalStore, machine: Machine) -> LeaseView | None:
    """The lease of a store, nothing written; None if there never was one. Raises `StoreUnreachable`."""
    there = load(store)
    return None if there is None else view_of(there.content, machine)


def view_of(content: bytes, machine: Machine) -> LeaseView:
    """The lease that the bytes of a lock file tell of."""
    try:
        record = parse(content)
    except LeaseUnreadable as unreadable:
        return LeaseView(LeaseState.UNREADABLE, None, unreadable.why)
    if not record.is_held:
        return LeaseView(LeaseState.FREE, record)
    if machine.has_ended(record.holder):
        return LeaseView(LeaseState.ENDED, record)
    life = Life.ALIVE if runs_here(record.holder, machine) else Life.UNKNOWN
    return LeaseView(LeaseState.HELD, record, life=life)


class LeaseSight:
    """Several looks at one lease: a holder that renews it between two of them lives, wherever it runs.

    Time is measured on our own clock alone, from the look that first saw a version of the lock file (`lease.md`).
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._seen: LeaseRecord | None = None
        self._seen_at = 0.0
        self._renewed = False

    def judged(self, view: LeaseView) -> LeaseView:
        """What was just seen, with what earlier looks make of it."""
        record, before, moment = view.record, self._seen, self._machine.elapsed()
        if view.state is not LeaseState.HELD or record is None:
            self._seen = None
            return view
        if before is None or before.nonce != record.nonce:
            self._renewed = before is not None and before.owner == record.owner
            self._seen, self._seen_at = record, moment
        if moment - self._seen_at >= record.silence:
            return replace(view, life=Life.SILENT)
        return replace(view, life=Life.ALIVE) if self._renewed else view


def break_lease(store: ConditionalStore, machine: Machine, owner: str) -> LeaseRecord:
    """Take the lease away from `owner`, as typed by the operator, alive or not; the free lease as it then stands.

    `owner` is the word `unreadable` for a lock file that can't be understood. Raises `UsageError` if another one holds
    it or nobody does, and what the storage raises.
    """

    def broken(content: bytes) -> LeaseRecord:
        try:
            record, token = parse(content), None
        except LeaseUnreadable:
            record, token = _nobodys(machine), salvaged_token(content)
        _require_owner(record if token is None else None, owner)
        before = record.token if token is None else token
        process = machine.process()
        return replace(
            record,
            token=before + 1 if before < MAX_TOKEN else 0,
            seq=0,
            broken_by=f"{process.user}@{process.host}",
        )

    return _freed(store, machine, broken)


def release_dead(store: ConditionalStore, machine: Machine) -> LeaseRecord:
    """Free a lease whose holder is known to have ended on this machine; the free lease as it then stands.

    Raises `LeaseHeld` if that is not known, `UsageError` if nobody holds the lease, `LeaseUnreadable`, and what the
    storage raises.
    """

    def freed(content: bytes) -> LeaseRecord:
        record = parse(content)
        if not record.is_held:
            raise _nobody()
        if not machine.has_ended(record.holder):
            raise lease_held(record)
        return replace(record, seq=min(record.seq + 1, MAX_TOKEN))

    return _freed(store, machine, freed)


def _freed(store: ConditionalStore, machine: Machine, make: Callable[[bytes], LeaseRecord]) -> LeaseRecord:
    """Replace the lease by what `make` makes of its content, looking again where it changed meanwhile."""
    for tries_left in reversed(range(_TRIES)):
        there = load(store)
        if there is None:
            raise _nobody()
        record = replace(make(there.content), state="free", nonce=machine.fresh_id())
        try:
            put(store, record, there.tag)
        except NotWritten as refused:
            if not tries_left:
                raise refused.error from refused
        else:
            return record
    raise AssertionError("the last try returns or raises")


def _require_owner(record: LeaseRecord | None, owner: str) -> None:
    if record is None and owner != UNREADABLE:
        raise UsageError(
            f"the lease can't be read, so it has no owner {owner!r}",
            hint=Advice("to break it all the same: ", Lock(action="break", owner=UNREADABLE)),
        )
    if record is not None and not record.is_held:
        raise _nobody()
    if record is not None and record.owner != owner:
        raise UsageError(
            f"the lease is not {owner!r}'s but {record.owner}'s: {who(record)}",
            hint=Advice("look again, and type the owner as shown: ", Lock(action="show")),
        )


def _nobody() -> UsageError:
    return UsageError("nobody holds the lease", hint="nothing needs to be done")


def _nobodys(machine: Machine) -> LeaseRecord:
    """A record for a lock file that names no holder."""
    process = machine.process()
    return LeaseRecord(
        state="free",
        token=0,
        seq=0,
        ttl=1.0,
        owner=machine.fresh_id(),
        nonce="",
        purpose="",
        operation="",
        timestamp=int(machine.now()),
        pid=process.pid,
        pid_started=process.started,
        boot_id=process.boot_id,
        user=process.user,
        host=process.host,
        app="",
        progress="",
    )
