"""A process that fights for the lease of any storage: `python -m tests.support.lease_racer ROLE PLACE …`.

`race PLACE ROUNDS THREADS TTL SEED HOST FAULTS`: each thread takes the lease again and again until the counter says
ROUNDS; whoever has it adds one. Prints `start TOKEN NS`, `count TOKEN READ` and `end TOKEN NS` (monotonic nanoseconds,
one clock for all processes). With FAULTS (`0` or `1`) what the storage does wrong is written to stderr, and a
folder does some wrong by itself; without, it ends the process.
`hold PLACE TTL HOST`: hold it, print its token; for every line that comes in add one to the counter if the lease is
still good, and print the new count, or `lost`.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import TypeVar

from core.errors import LeaseHeld, LeaseLost, SeamlineError, Stopped
from core.lease import Lease, hold
from core.storage.local.conditional import LocalConditional
from core.storage.objects.faults import CLIENT_ERRORS
from tests.support.lease_contender import UnluckyStore
from tests.support.lease_places import MACHINES, Place, open_place

#: Seconds that a contender waits for the lease, now and then; else it comes again.
_WAIT = 3.0
#: What part of the writes to a folder goes wrong; before a bucket is a proxy.
_LOSS = 0.15
T = TypeVar("T")


class Race:
    """What the contenders of one process have in common."""

    def __init__(self, place: str, rounds: int, ttl: float, host: str, faults: bool) -> None:
        self.place = place
        self.rounds = rounds
        self.ttl = ttl
        self.machine = MACHINES[host]()
        self.faults = faults
        self.over = threading.Event()
        self.failed = False

    def contend(self, chance: Random) -> None:
        """Take the lease as often as it can be had until the race is over."""
        place = open_place(self.place, self.machine)
        if self.faults and isinstance(place.store, LocalConditional):
            place = replace(place, store=UnluckyStore(self.place, _LOSS, chance))
        while not self.over.is_set():
            try:
                self._turn(place, chance)
            except LeaseHeld:
                self.over.wait(chance.random() / 4)
            except Stopped:
                return
            except SeamlineError as error:
                self._goes_wrong(error)
                self.over.wait(chance.random() / 20)

    def _turn(self, place: Place, chance: Random) -> None:
        wait = chance.choice((0.0, _WAIT))
        with hold(
            place.store, self.machine, purpose="race", wait=wait, ttl=self.ttl, stopped=self.over.is_set
        ) as lease:
            _say("start", lease.token, time.monotonic_ns())
            count = self._add_one(place, lease, chance)
            end = time.monotonic_ns()
            lease.check()
            if count is None:
                self.over.set()
                return
            _say("count", lease.token, count)
            _say("end", lease.token, end)

    def _add_one(self, place: Place, lease: Lease, chance: Random) -> int | None:
        """What the counter said before, None if it needs no more."""
        count = self._asked(lease, place.read)
        if count >= self.rounds:
            return None
        self.machine.sleep(chance.random() / 100)
        if chance.random() < 0.2:
            lease.renew()
        self._asked(lease, lambda: place.write(count + 1))
        return count

    def _asked(self, lease: Lease, ask: Callable[[], T]) -> T:
        """Ask until there is an answer, for as long as the lease is good: what is asked for may be done twice."""
        while True:
            lease.check()
            try:
                return ask()
            except CLIENT_ERRORS:
                if not self.faults:
                    raise

    def _goes_wrong(self, error: SeamlineError) -> None:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        if not self.faults:
            self.failed = True
            self.over.set()


def race(place: str, rounds: str, threads: str, ttl: str, seed: str, host: str, faults: str) -> None:
    """Several contenders at once; the exit code says whether one met with what it should not."""
    this = Race(place, int(rounds), float(ttl), host, faults == "1")
    contenders = [
        threading.Thread(target=this.contend, args=(Random(f"{seed} {number}"),)) for number in range(int(threads))
    ]
    for contender in contenders:
        contender.start()
    for contender in contenders:
        contender.join()
    sys.exit(1 if this.failed else 0)


def hold_it(place: str, ttl: str, host: str) -> None:
    """Hold the lease, and add one whenever somebody asks for it and the lease is good."""
    machine = MACHINES[host]()
    opened = open_place(place, machine)
    with hold(opened.store, machine, purpose="race", ttl=float(ttl)) as lease:
        _say(lease.token)
        for _ in sys.stdin:
            try:
                lease.check()
            except LeaseLost:
                _say("lost")
            else:
                opened.write(opened.read() + 1)
                _say(opened.read())


def _say(*words: object) -> None:
    """One line in one write: a process that is killed leaves no half of it."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


ROLES: dict[str, Callable[..., None]] = {"race": race, "hold": hold_it}

if __name__ == "__main__":
    ROLES[sys.argv[1]](*sys.argv[2:])
