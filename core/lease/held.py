"""A lease that is held: renewed in the background for as long as the `with` block lasts, and known to be lost in time.

It is valid until its ttl, less a margin, has gone by since before its last successful write was sent, on a clock that
goes on while the machine sleeps (`lease.md`, "Valid until"). After that it is lost for good, whoever may hold it then.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from core.errors import LeaseLost, OutcomeUnknown, UsageError
from core.host import Machine
from core.invocation import Advice, Log
from core.lease.putting import NotWritten, put
from core.lease.record import MARGIN, TTL_BOUNDS, LeaseRecord, LeaseUnreadable, parse
from core.lease.taking import Patience, Taken, Taker
from core.lease.words import who
from core.storage.writing import ConditionalStore, Tagged

#: Seconds without a sign of life after which somebody else may take over, but for the margin.
TTL: Final = 60.0
#: Writes per renewal and per release: versions of our own whose answer was lost may come between.
_TRIES: Final = 3
#: Seconds at most until it is noticed that the lease has run out, when nobody asks.
_NOTICED: Final = 1.0


class Lease:
    """A held lease: `token` is the fence, `waited` says whether others had it meanwhile, `lost` is set when it is lost.

    Every method may be called from any thread. After the `with` block of `hold` has ended, `check` refuses.
    """

    def __init__(self, store: ConditionalStore, machine: Machine, taken: Taken) -> None:
        self.token: Final = taken.record.token
        self.owner: Final = taken.record.owner
        self.waited: Final = taken.waited
        self.lost: Final = threading.Event()
        self._store = store
        self._machine = machine
        self._ttl = taken.record.ttl
        self._written(taken.record, taken.tag, taken.sent)
        self._progress = taken.record.progress
        self._operation = taken.record.operation
        self._why_lost = ""
        self._ended = threading.Event()
        self._writing = threading.Lock()

    def check(self) -> None:
        """Return only if a change may be started now. Raises `LeaseLost`; reads and writes nothing."""
        if self._ended.is_set():
            raise LeaseLost("the lease was given back")
        if self._machine.elapsed() >= self._deadline:
            self._lose("it was not renewed in time; was this machine or process paused, or the storage out of reach?")
        if self.lost.is_set():
            raise LeaseLost(
                f"the lease was lost: {self._why_lost}",
                hint=Advice("nothing more was started; ", Log(), " shows what was done, to be resumed or undone"),
            )

    def renew(self) -> None:
        """Return only once a renewal that began now has been written. Raises `LeaseLost`."""
        give_up = self._machine.elapsed() + self._ttl / 4
        while True:
            error = self._renewed()
            if error is None:
                return
            if self._machine.elapsed() >= give_up:
                self._lose(f"it could not be renewed: {error}")
            self.check()
            self._machine.sleep(self._ttl / 60)

    def tell(self, progress: str, operation: str | None = None) -> None:
        """What the next renewal shows to others; nothing is written now."""
        self._progress = progress
        if operation is not None:
            self._operation = operation

    def _renewed(self) -> Exception | None:
        """Renew once; the error if it was not written and may be tried again. Raises `LeaseLost`."""
        self.check()
        if not self._writing.acquire(timeout=max(0.0, self._deadline - self._machine.elapsed())):
            return TimeoutError("an earlier renewal has no answer yet")
        try:
            return self._write("held")
        finally:
            self._writing.release()

    def _write(self, state: str) -> Exception | None:
        """Replace our own version; a version of ours that is newer than we knew is gone on from."""
        last: Exception | None = None
        for _ in range(_TRIES):
            if state == "held":
                self.check()
            sent = self._machine.elapsed()
            record = self._next(state)
            try:
                self._written(record, put(self._store, record, self._tag), sent)
            except OutcomeUnknown as unknown:
                return unknown
            except NotWritten as refused:
                last = refused.error
                if not self._adopts(refused.there):
                    return last
            else:
                return None
        return last

    def _next(self, state: str) -> LeaseRecord:
        return replace(
            self._record,
            state=state,
            seq=self._record.seq + 1,
            nonce=self._machine.fresh_id(),
            progress=self._progress,
            operation=self._operation,
        )

    def _written(self, record: LeaseRecord, tag: str, sent: float) -> None:
        self._record = record
        self._tag = tag
        self._deadline = sent + self._ttl * (1 - MARGIN)

    def _adopts(self, there: Tagged | None) -> bool:
        """Whether what stands there is ours and newer than we knew: then it is the version to replace.

        That proves no later life sign than we know of, so the deadline stays. Raises `LeaseLost` if it is not ours.
        """
        if there is not None and there.tag == self._tag:
            return False
        record, why = _understood(there)
        if record is None or not self._is_ours(record):
            self._lose(why)
            self.check()
            return False
        self._tag = there.tag if there else self._tag
        self._record = record
        return True

    def _is_ours(self, record: LeaseRecord) -> bool:
        return record.is_held and record.owner == self.owner and record.token == self.token

    def _lose(self, why: str) -> None:
        if not self.lost.is_set():
            self._why_lost = why
            self.lost.set()

    def _keep(self) -> None:
        """Renew every quarter of the ttl, sooner after a failure, until the block ends or the lease is lost."""
        pause = self._ttl / 4
        while not self._ended.wait(pause):
            try:
                failed = self._renewed() is not None
            except LeaseLost:
                return
            pause = self._ttl / (16 if failed else 4)

    def _watch(self) -> None:
        """Set `lost` when the lease runs out, also while a renewal hangs in the storage."""
        while not self._ended.wait(min(_NOTICED, self._ttl / 20)):
            try:
                self.check()
            except LeaseLost:
                return

    @contextmanager
    def _kept(self) -> Iterator[None]:
        try:
            for work in (self._keep, self._watch):
                threading.Thread(target=work, name=f"lease {work.__name__}", daemon=True).start()
            yield
        finally:
            self._ended.set()
            self._release()

    def _release(self) -> None:
        """Say that nobody holds it, if it still is ours; never by deleting.

        A release that fails harms nobody: the next one finds that this process has ended, or waits for the ttl.
        """
        if not self._writing.acquire(timeout=self._ttl / 4):
            return
        try:
            for _ in range(_TRIES):
                if self._write("free") is None:
                    return
        except LeaseLost:
            return
        finally:
            self._writing.release()


def _understood(there: Tagged | None) -> tuple[LeaseRecord | None, str]:
    """The record that stands in our place, and how we lost to it in words."""
    if there is None:
        return None, "compaction.lock was taken away"
    try:
        record = parse(there.content)
    except LeaseUnreadable as unreadable:
        return None, f"compaction.lock was overwritten and now {unreadable.why}"
    if record.is_held:
        return record, f"{who(record)} took over"
    return record, f"{record.broken_by} broke it" if record.broken_by else f"{who(record)} freed it"


@contextmanager
def hold(
    store: ConditionalStore,
    machine: Machine,
    *,
    purpose: str,
    operation: str = "",
    wait: float = 0.0,
    ttl: float = TTL,
    least_token: int = 1,
    stopped: Callable[[], bool] = lambda: False,
    waiting: Callable[[LeaseRecord], None] = lambda _: None,
) -> Iterator[Lease]:
    """Hold the lease of a store for as long as the block lasts.

    `wait` and `ttl` in seconds; `least_token` is the journal's greatest token + 1, so that a lock file that is gone
    never makes the token go back. While it waits for others, `waiting` is told at every look who is in the way, and
    `stopped` may end the wait. Raises `LeaseHeld`, `LeaseUnreadable`, `Stopped`, `UsageError` for a ttl out of
    bounds, and what the storage raises.
    """
    low, high = TTL_BOUNDS
    if not low <= ttl <= high:
        raise UsageError(f"a lease lasts {low:g} to {high:g} seconds, not {ttl:g}")
    wanted = _wanted(machine, purpose, operation, ttl, least_token)
    lease = Lease(store, machine, Taker(store, machine, wanted).take(Patience(wait, stopped, waiting)))
    with lease._kept():
        yield lease


def _wanted(machine: Machine, purpose: str, operation: str, ttl: float, least_token: int) -> LeaseRecord:
    process = machine.process()
    return LeaseRecord(
        state="held",
        token=max(1, least_token),
        seq=0,
        ttl=ttl,
        owner=machine.fresh_id(),
        nonce=machine.fresh_id(),
        purpose=purpose,
        operation=operation,
        timestamp=int(machine.now()),
        pid=process.pid,
        pid_started=process.started,
        boot_id=process.boot_id,
        user=process.user,
        host=process.host,
        app=_app(),
        progress="",
    )


@cache
def _app() -> str:
    try:
        return f"seamline {version('seamline')}"
    except PackageNotFoundError:
        return "seamline"
