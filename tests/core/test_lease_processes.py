"""The lease between real processes on one folder: contenders, a holder that is killed, one that is paused.

`SEAMLINE_SOAK=SECONDS` makes the contention last that long.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from core.errors import LeaseHeld
from core.lease import LOCK_HANDLE, LeaseState, hold, look_at_lease, parse, release_dead
from core.machine import ThisMachine
from core.storage.local.conditional import LocalConditional
from tests.support.soaking import soak_seconds

ROOT = Path(__file__).parents[2]
MODULE = (sys.executable, "-m", "tests.support.lease_contender")
SOAK = soak_seconds(3)
#: Threads in each of four processes.
CONTENDERS = (3, 3, 2, 2)


def started(*words: str) -> subprocess.Popen[str]:
    """A contender's process, its input and output at hand."""
    return subprocess.Popen([*MODULE, *words], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lease of `tmp_path`, with a ttl of two seconds."""
    process = started("hold", str(tmp_path), "2")
    assert process.stdout
    assert process.stdout.readline() == "1\n"
    yield process
    process.kill()
    with process:
        process.wait()


def pause(process: subprocess.Popen[str], folder: Path) -> None:
    """Stop a process at a moment at which it is not between comparing and renaming: there nobody could take over."""
    with (folder / f"{LOCK_HANDLE}.flock").open("rb+") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)


def answer(process: subprocess.Popen[str]) -> str:
    """Whether the process finds its lease good or lost."""
    assert process.stdin
    assert process.stdout
    process.stdin.write("?\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def contender(store: Path, said: Path, number: int, loss: float, seconds: float = SOAK) -> subprocess.Popen[str]:
    """A process of two or three contenders, whose words go to a file."""
    words = ["contend", str(store), str(seconds), str(CONTENDERS[number % len(CONTENDERS)]), str(loss), str(number)]
    with (said / f"{number}").open("w") as out, (said / f"{number}.errors").open("w") as errors:
        return subprocess.Popen([*MODULE, *words], cwd=ROOT, stdout=out, stderr=errors, text=True)


def ends(processes: Iterable[subprocess.Popen[str]]) -> list[int]:
    """The exit codes of processes that come to their end."""
    return [process.wait(SOAK + 60) for process in processes]


def spans(said: Path) -> list[tuple[int, int, int | None]]:
    """Token, start and end (None if it was cut off or lost) of every time that the lease was had, by token."""
    starts: list[tuple[int, int]] = []
    stops: dict[int, int] = {}
    for path in said.glob("*[0-9]"):
        for line in path.read_text().splitlines():
            what, token, moment = line.split()
            if what == "start":
                starts.append((int(token), int(moment)))
            else:
                stops[int(token)] = int(moment)
    return [(token, start, stops.get(token)) for token, start in sorted(starts)]


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """The store, and where the contenders' words go."""
    store, said = tmp_path / "store", tmp_path / "said"
    store.mkdir()
    said.mkdir()
    return store, said


def test_of_ten_contenders_in_four_processes_one_at_a_time_has_it_and_each_token_is_given_once(
    folders: tuple[Path, Path],
) -> None:
    store, said = folders
    assert ends([contender(store, said, number, 0.0) for number in range(4)]) == [0] * 4
    had = spans(said)
    assert [token for token, _, _ in had] == list(range(1, len(had) + 1))
    assert all(end is not None and end < start for (_, _, end), (_, start, _) in pairwise(had))
    assert len(had) >= 20
    assert sum(path.stat().st_size > 0 for path in said.glob("*[0-9]")) > 1
    assert not parse((store / LOCK_HANDLE).read_bytes()).is_held
    assert sorted(path.name for path in store.iterdir()) == [LOCK_HANDLE, f"{LOCK_HANDLE}.flock"]


def test_holders_that_are_killed_and_answers_that_are_lost_let_no_two_have_it(folders: tuple[Path, Path]) -> None:
    store, said = folders
    chance = Random(17)
    stop = time.monotonic() + SOAK
    running = {number: contender(store, said, number, 0.15) for number in range(4)}
    killed: dict[int, subprocess.Popen[str]] = {}
    while time.monotonic() < stop:
        number = chance.choice(list(running))
        with suppress(subprocess.TimeoutExpired):
            running[number].wait(chance.random() / 2)
        killed[number] = running.pop(number)
        killed[number].kill()
        following = len(running) + len(killed)
        running[following] = contender(store, said, following, 0.15, seconds=max(1.0, stop - time.monotonic()))
    assert ends(running.values()) == [0] * 4
    assert set(ends(killed.values())) <= {0, -signal.SIGKILL}
    had = spans(said)
    tokens = [token for token, _, _ in had]
    assert len(set(tokens)) == len(tokens) > 5
    assert all((end or earlier) < start for (_, earlier, end), (_, start, _) in pairwise(had))


def test_a_holder_that_is_killed_is_taken_over_from_at_once(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    store, machine = LocalConditional(str(tmp_path)), ThisMachine()
    with pytest.raises(LeaseHeld, match=f"pid {holder.pid}"), hold(store, machine, purpose="compact"):
        raise AssertionError("a live holder was taken over from")
    holder.kill()
    # Not reaped on purpose: what is left of a killed process does not hold anything.
    os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)
    view = look_at_lease(store, machine)
    assert view is not None
    assert view.state is LeaseState.ENDED
    with hold(store, machine, purpose="compact") as lease:
        assert (lease.token, lease.waited) == (2, False)


def test_the_lease_of_a_killed_holder_can_be_released(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    store, machine = LocalConditional(str(tmp_path)), ThisMachine()
    with pytest.raises(LeaseHeld):
        release_dead(store, machine)
    holder.kill()
    holder.wait()
    assert release_dead(store, machine).pid == holder.pid
    with hold(store, machine, purpose="compact") as lease:
        assert lease.token == 2


def test_a_live_holder_renews_beyond_its_ttl(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    deadline = time.monotonic() + 30
    while parse((tmp_path / LOCK_HANDLE).read_bytes()).seq < 6:
        assert time.monotonic() < deadline
    assert answer(holder) == "good"
    assert parse((tmp_path / LOCK_HANDLE).read_bytes()).token == 1


def test_a_holder_that_is_paused_beyond_its_ttl_knows_on_waking_that_another_took_over(
    holder: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert answer(holder) == "good"
    pause(holder, tmp_path)
    with hold(LocalConditional(str(tmp_path)), ThisMachine(), purpose="compact", wait=20.0) as lease:
        assert (lease.token, lease.waited) == (2, True)
        holder.send_signal(signal.SIGCONT)
        assert answer(holder) == "lost"
        lease.renew()
    assert holder.stdin
    holder.stdin.close()
    assert holder.wait(20) == 0
    record = parse((tmp_path / LOCK_HANDLE).read_bytes())
    assert (record.token, record.owner, record.is_held) == (2, lease.owner, False)
