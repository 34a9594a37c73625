"""A process of its own that takes leases, run by the tests: `python -m tests.support.lease_contender ROLE FOLDER …`.

`contend FOLDER SECONDS THREADS LOSS SEED`: take it again and again, while that part of all writes goes wrong; print
`start TOKEN NS` and `end TOKEN NS` (monotonic nanoseconds, one clock for all processes) for every time that it was had.
`hold FOLDER TTL`: hold it; print `TOKEN`, then `lost` or `good` for every line that comes in.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from random import Random

from core.errors import LeaseHeld, LeaseLost, SeamlineError
from core.lease import hold
from core.machine import ThisMachine
from core.storage.local.conditional import LocalConditional
from tests.support.lease_stores import Answer, LossyStore

_WRONG = (Answer.REFUSED, Answer.DROPPED, Answer.CONFLICT, Answer.LOST, Answer.LOST_THEN_EXISTS, Answer.LATE)


class UnluckyStore(LossyStore):
    """A part of all writes goes wrong; those that are late come there before the next one."""

    def __init__(self, folder: str, loss: float, chance: Random) -> None:
        super().__init__(LocalConditional(folder))
        self._loss = loss
        self._chance = chance

    def swap(self, handle: str, content: bytes, tag: str | None) -> str:
        """Write or not, and tell the truth about it or not."""
        self.deliver()
        if self._chance.random() < self._loss:
            self.answers = [self._chance.choice(_WRONG)]
        return super().swap(handle, content, tag)


def contend(folder: str, seconds: str, threads: str, loss: str, seed: str) -> None:
    """Several threads, each of which has the lease as often as it can until the time is up."""
    stop = time.monotonic() + float(seconds)
    contenders = [
        threading.Thread(target=_contend, args=(folder, stop, float(loss), Random(f"{seed} {number}")))
        for number in range(int(threads))
    ]
    for contender in contenders:
        contender.start()
    for contender in contenders:
        contender.join()


def _contend(folder: str, stop: float, loss: float, chance: Random) -> None:
    store, machine = UnluckyStore(folder, loss, chance), ThisMachine()
    while time.monotonic() < stop:
        try:
            with hold(store, machine, purpose="compact", wait=chance.choice((0.0, 0.0, 2.0)), ttl=2.0) as lease:
                _say("start", lease.token)
                machine.sleep(chance.random() / 200)
                if chance.random() < 0.2:
                    lease.renew()
                end = time.monotonic_ns()
                lease.check()
                _say("end", lease.token, end)
        except LeaseHeld:
            machine.sleep(chance.random() / 50)
        except SeamlineError as error:
            if not loss:
                raise
            sys.stderr.write(f"{type(error).__name__}: {error}\n")


def _say(what: str, token: int, moment: int | None = None) -> None:
    """One line in one write: a process that is killed leaves no half of it."""
    os.write(1, f"{what} {token} {moment or time.monotonic_ns()}\n".encode())


def hold_it(folder: str, ttl: str) -> None:
    """Hold the lease, and tell whoever asks whether it is still good."""
    with hold(LocalConditional(folder), ThisMachine(), purpose="compact", ttl=float(ttl)) as lease:
        os.write(1, f"{lease.token}\n".encode())
        for _ in sys.stdin:
            try:
                lease.check()
                os.write(1, b"good\n")
            except LeaseLost:
                os.write(1, b"lost\n")


ROLES: dict[str, Callable[..., None]] = {"contend": contend, "hold": hold_it}

if __name__ == "__main__":
    ROLES[sys.argv[1]](*sys.argv[2:])
