"""The lease of every storage between real processes: contenders, and holders that are killed or paused.

With `SEAMLINE_SOAK` set it is 4 processes of 12 threads and 100 rounds on each storage.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest

from core.lease import LOCK_HANDLE, hold, parse
from core.machine import ThisMachine
from core.storage.writing import ConditionalStore, Tagged
from tests.support.faults import EVERY, FaultProxy
from tests.support.lease_places import TRUSTED, Place, open_place
from tests.support.lease_races import PROCESSES, Bout, Turn, bout_of, contender, ends, racer, run_race, turns_of
from tests.support.servers.kinds import KINDS, Kind
from tests.support.servers.running import BUCKET, Bucket, running, send, variables
from tests.support.soaking import SOAKED

THREADS, ROUNDS = (12, 100) if SOAKED else (3, 12)
KILLED = 12 if SOAKED else 2
PLACES = ["folder", *KINDS]
CHANCE = 0.15
#: Seconds without a sign of life after which a lease of these tests is free, and the margin on top of that.
TTL, MARGIN = 1.0, 0.1


@pytest.fixture(params=PLACES)
def place(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    serving: Callable[[Kind], str],
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """Where the lease is: a folder, or a bucket that the environment leads to."""
    if request.param == "folder":
        (tmp_path / "store").mkdir()
        return str(tmp_path / "store")
    kind = KINDS[request.param]
    bucket = Bucket(serving(kind), BUCKET, f"races/{uuid4().hex}", kind)
    lead_to(bucket.environment, monkeypatch)
    return bucket.url


def lead_to(variables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def counted(place: str) -> int:
    return open_place(place, ThisMachine()).read()


@pytest.mark.parametrize("place", PLACES if SOAKED else ["s3"], indirect=True)
def test_of_many_contenders_in_four_processes_one_at_a_time_has_it(place: str, tmp_path: Path) -> None:
    bout = run_race(place, tmp_path / "said", ROUNDS, threads=THREADS, ttl=10, faults=False)
    print(bout.told)
    bout.check(ROUNDS, faults=False)
    assert counted(place) == ROUNDS


def test_behind_faults_one_at_a_time_has_it(bucket: Bucket, proxied: FaultProxy, tmp_path: Path) -> None:
    proxied.at_random(CHANCE, seed=1)
    bout = run_race(bucket.url, tmp_path / "said", ROUNDS, threads=THREADS, ttl=4, faults=True)
    happened = proxied.happened()
    proxied.clear()
    print(bout.told, happened.counts)
    bout.check(ROUNDS, faults=True)
    assert counted(bucket.url) == ROUNDS
    assert set(happened.counts) == {*EVERY, "none"}
    assert CHANCE / 2 < happened.faults / sum(happened.counts.values()) < CHANCE * 2


@pytest.mark.skipif(not SOAKED, reason="the lease of a folder has tests of its own for that; here only in a soak")
def test_in_a_folder_that_loses_answers_one_at_a_time_has_it(tmp_path: Path) -> None:
    place = tmp_path / "store"
    place.mkdir()
    bout = run_race(str(place), tmp_path / "said", ROUNDS, threads=THREADS, ttl=4, faults=True)
    print(bout.told)
    bout.check(ROUNDS, faults=True)
    assert counted(str(place)) == ROUNDS


@pytest.mark.parametrize("place", PLACES if SOAKED else ["s3"], indirect=True)
def test_contenders_that_are_killed_let_no_two_have_it(place: str, tmp_path: Path) -> None:
    chance, said, began = Random(5), tmp_path / "said", time.monotonic()
    going = [contender(place, said, number, ROUNDS, THREADS, TTL, True) for number in range(PROCESSES)]
    killed = []
    for number in range(PROCESSES, PROCESSES + KILLED):
        victim = going.pop(0)
        _has_had_it(victim, said / f"{number - PROCESSES}", chance)
        victim.kill()
        killed.append(victim)
        going.append(contender(place, said, number, ROUNDS, THREADS, TTL, True))
    assert ends(going) == [0] * PROCESSES
    assert set(ends(killed)) <= {0, -signal.SIGKILL}
    bout = bout_of(said, time.monotonic() - began)
    print(bout.told)
    bout.check(ROUNDS, faults=True)
    assert counted(place) == ROUNDS


def _has_had_it(process: subprocess.Popen[str], said: Path, chance: Random) -> None:
    """Wait until a contender has had the lease so many times, or has ended."""
    turns = chance.randint(1, 4)
    while process.poll() is None and len(turns_of([said])) < turns:
        os.sched_yield()


class Looked:
    """A conditional store that notes when, and at which version, it was looked at."""

    def __init__(self, store: ConditionalStore, machine: ThisMachine) -> None:
        self._store = store
        self._machine = machine
        self.looks: list[tuple[float, str]] = []

    @property
    def peculiarity(self) -> str:
        return self._store.peculiarity

    def load(self, handle: str, limit: int) -> Tagged | None:
        there = self._store.load(handle, limit)
        if there is not None and handle == LOCK_HANDLE:
            self.looks.append((self._machine.elapsed(), there.tag))
        return there

    def swap(self, handle: str, content: bytes, tag: str | None) -> str:
        return self._store.swap(handle, content, tag)

    def first_look_at(self, tag: str) -> float:
        """When that version was seen first."""
        return next(moment for moment, seen in self.looks if seen == tag)


class Holder:
    """A process that holds the lease as if on another machine."""

    def __init__(self, place: str) -> None:
        self.process = racer("hold", place, TTL, "elsewhere")
        assert self.process.stdout
        assert self.process.stdout.readline() == "1\n"

    def adds_one(self) -> str:
        """The new count, or `lost`."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def ends(self) -> int:
        """Its exit code once it is to hold no longer."""
        assert self.process.stdin
        self.process.stdin.close()
        return self.process.wait(60)


@pytest.fixture
def holder(place: str) -> Iterator[Holder]:
    """A holder that has added one."""
    holder = Holder(place)
    with holder.process:
        assert holder.adds_one() == "1"
        yield holder
        holder.process.kill()


def take_over(opened: Place, place: str, holder: Holder, *, wakes: bool) -> None:
    """Wait for the lease of a holder that gives no sign of life; where it `wakes`, it finds that it has lost it."""
    machine = ThisMachine()
    looked = Looked(opened.store, machine)
    with hold(looked, machine, purpose="race", wait=60, ttl=60) as lease:
        moment = machine.elapsed()
        assert (lease.token, lease.waited) == (2, True)
        last = looked.looks[-1][1]
        assert moment - looked.first_look_at(last) >= TTL * (1 + MARGIN)
        assert counted(place) == 1
        opened.write(10)
        if wakes:
            holder.process.send_signal(signal.SIGCONT)
            assert holder.adds_one() == "lost"
            assert holder.ends() == 0
        lease.renew()
        there = opened.store.load(LOCK_HANDLE, 1_024)
        assert there is not None
        record = parse(there.content)
        assert (record.owner, record.token, record.is_held) == (lease.owner, 2, True)
    assert counted(place) == 10


def test_from_a_holder_killed_on_another_machine_it_is_taken_over_only_after_ttl_and_margin(
    place: str, holder: Holder
) -> None:
    holder.process.kill()
    assert holder.process.wait() == -signal.SIGKILL
    take_over(open_place(place, ThisMachine()), place, holder, wakes=False)


def test_a_holder_that_is_paused_writes_nothing_when_it_wakes(place: str, holder: Holder) -> None:
    holder.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, holder.process.pid, os.WSTOPPED | os.WNOWAIT)
    take_over(open_place(place, ThisMachine()), place, holder, wakes=True)


def test_on_a_storage_without_conditions_several_have_it_and_that_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the other tests find nothing of can be found."""
    with running("careless_s3") as address:
        send("PUT", f"{address}/{BUCKET}", b"")
        lead_to(variables(address), monkeypatch)
        place = f"{TRUSTED}s3://{BUCKET}/store"
        with pytest.raises(AssertionError, match=r"overlaps|tokens go back|an update was lost|was given out twice"):
            run_race(place, tmp_path / "said", 20, threads=5, ttl=TTL, faults=True).check(20, faults=True)


@pytest.mark.parametrize(
    ("turns", "wrong"),
    [
        ([Turn(1, 10, 0, 20), Turn(2, 21, 1, 30)], ""),
        ([Turn(1, 10, 0, 20), Turn(2, 15, 1, 30)], "overlaps"),
        ([Turn(1, 10, 0, 50), Turn(2, 15, 1, 16), Turn(3, 40, 2, 60)], "overlaps"),
        ([Turn(2, 10, 0, 20), Turn(1, 21, 1, 30)], "tokens"),
        ([Turn(1, 10, 0, 20), Turn(2, 21, 0, 30)], "lost"),
        ([Turn(1, 10, 0, 20), Turn(2, 15, None, None)], "overlaps"),
    ],
)
def test_the_judge_of_a_race_sees_what_is_wrong(turns: list[Turn], wrong: str) -> None:
    bout = Bout(tuple(turns), 2, 1.0)
    if not wrong:
        bout.check(2, faults=False)
        return
    with pytest.raises(AssertionError, match=wrong):
        bout.check(2, faults=True)
