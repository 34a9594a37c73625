"""Starts the processes of a race for a lease, and judges by what they printed whether one at a time had it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.commands import ROOT, environment

_MODULE: Final = (sys.executable, "-m", "tests.support.lease_racer")
PROCESSES: Final = 4
#: Seconds after which something hangs.
_PATIENCE: Final = 240


def racer(*words: object) -> subprocess.Popen[str]:
    """A process of `lease_racer`, its input and output at hand."""
    return subprocess.Popen(
        [*_MODULE, *map(str, words)],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@dataclass(frozen=True, slots=True)
class Turn:
    """One time that the lease was had: from when, what the counter said, until when (None: lost or cut off)."""

    token: int
    start: int
    count: int | None
    end: int | None


@dataclass(frozen=True, slots=True)
class Bout:
    """What came of a race: every turn by token, how many processes had one, seconds."""

    turns: tuple[Turn, ...]
    processes: int
    seconds: float

    @property
    def counted(self) -> list[Turn]:
        """Those in which one was added."""
        return [turn for turn in self.turns if turn.count is not None]

    @property
    def overlaps(self) -> list[Turn]:
        """The turns that began before an earlier one had ended; one that was lost or cut off ends as it begins."""
        found, latest = [], -1
        for turn in sorted(self.turns, key=lambda turn: turn.start):
            if turn.start <= latest:
                found.append(turn)
            latest = max(latest, turn.end or turn.start)
        return found

    @property
    def told(self) -> str:
        """The numbers in one line."""
        return (
            f"{len(self.counted)} rounds, {len(self.turns)} holdings, {len(self.overlaps)} overlaps, tokens "
            f"{self.turns[0].token}..{self.turns[-1].token}, {self.processes} processes, {self.seconds:.1f} s"
        )

    def check(self, rounds: int, *, faults: bool) -> None:
        """One at a time, tokens strictly rising, no update lost.

        With `faults` a holder may lose the lease when its addition is done, and then does not tell of it.
        """
        assert not self.overlaps, f"overlaps: {self.overlaps}"
        tokens = [turn.token for turn in sorted(self.turns, key=lambda turn: turn.start)]
        assert tokens == sorted(set(tokens)), f"tokens go back: {tokens}"
        counts = [turn.count for turn in self.turns if turn.count is not None]
        assert counts == sorted(set(counts)), f"an update was lost: {counts}"
        assert counts == list(range(rounds)) or faults, counts
        assert len(counts) > rounds / 2 and self.processes > 1, self.told


def run_race(
    place: str,
    said: Path,
    rounds: int,
    *,
    threads: int,
    ttl: float,
    faults: bool,
) -> Bout:
    """Four processes with so many threads each, until the counter says `rounds`."""
    began = time.monotonic()
    contenders = [contender(place, said, number, rounds, threads, ttl, faults) for number in range(PROCESSES)]
    assert ends(contenders) == [0] * PROCESSES
    return bout_of(said, time.monotonic() - began)


def contender(
    place: str, said: Path, number: int, rounds: int, threads: int, ttl: float, faults: bool
) -> subprocess.Popen[str]:
    """One process of a race, whose words go to files; every second one says that it runs on another machine."""
    said.mkdir(parents=True, exist_ok=True)
    host = "elsewhere" if number % 2 else "here"
    words = map(str, (place, rounds, threads, ttl, number, host, int(faults)))
    with (said / f"{number}").open("w") as out, (said / f"{number}.errors").open("w") as errors:
        return subprocess.Popen(
            [*_MODULE, "race", *words], cwd=ROOT, env=environment(), stdout=out, stderr=errors, text=True
        )


def bout_of(said: Path, seconds: float) -> Bout:
    """What the contenders printed, put together."""
    files = [path for path in said.iterdir() if not path.suffix]
    turns = sorted(turns_of(files), key=lambda turn: turn.token)
    return Bout(tuple(turns), sum(path.stat().st_size > 0 for path in files), seconds)


def ends(processes: Iterable[subprocess.Popen[str]]) -> list[int]:
    """The exit codes of processes that come to their end; none of them is left behind."""
    waiting = list(processes)
    try:
        return [process.wait(_PATIENCE) for process in waiting]
    finally:
        for process in waiting:
            process.kill()
            process.wait()


def turns_of(files: Iterable[Path]) -> list[Turn]:
    """What contenders printed."""
    said: dict[str, dict[int, int]] = {"start": {}, "count": {}, "end": {}}
    for file in files:
        for line in file.read_text().splitlines():
            what, token, number = line.split()
            assert int(token) not in said[what], f"token {token} was given out twice"
            said[what][int(token)] = int(number)
    counts, stops = said["count"], said["end"]
    return [Turn(token, start, counts.get(token), stops.get(token)) for token, start in said["start"].items()]
