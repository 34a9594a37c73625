"""The one small object through which clock, chance and process identity come into the engine: tests own time.

Looking needs a `Host`; whoever writes needs a `Machine`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Host(Protocol):
    """What looking at a store may ask of the machine that it runs on."""

    def now(self) -> float:
        """Wall clock, unix seconds."""


@dataclass(frozen=True, slots=True)
class Process:
    """Who writes: enough to tell later, on the same machine, whether it still runs.

    `started` and `boot_id` are the kernel's own words for when the process began and in which boot and pid namespace;
    both are empty where they can't be had.
    """

    pid: int
    started: str
    boot_id: str
    user: str
    host: str


class Machine(Host, Protocol):
    """What writing to a store may ask of the machine besides."""

    def elapsed(self) -> float:
        """Seconds since some moment, on a clock that nobody sets and that goes on while the machine sleeps."""

    def sleep(self, seconds: float) -> None:
        """Wait so long."""

    def fresh_id(self) -> str:
        """16 random hex digits."""

    def process(self) -> Process:
        """The process that this is."""

    def process_of(self, pid: int) -> Process:
        """The process of this machine that has `pid` now; `started` is empty if there is none."""

    def has_ended(self, process: Process) -> bool:
        """Whether it is certain that `process` ran on this machine and runs no more; False where that can't be told."""


def runs_here(process: Process, machine: Machine) -> bool:
    """Whether it is certain that a process still runs on this machine."""
    if not process.started or not process.boot_id or process.boot_id != machine.process().boot_id:
        return False
    return not machine.has_ended(process)


@dataclass(frozen=True, slots=True)
class FixedHost:
    """A machine on which it is always the same moment: for goldens, screenshots and tests."""

    moment: float

    def now(self) -> float:
        """The fixed moment, unix seconds."""
        return self.moment

    def elapsed(self) -> float:
        """The fixed moment."""
        return self.moment

    def sleep(self, seconds: float) -> None:
        """Time stands still."""

    def fresh_id(self) -> str:
        """Always the same digits."""
        return "0123456789abcdef"

    def process(self) -> Process:
        """Always the same process."""
        return Process(4711, "", "", "operator", "backup-host")

    def process_of(self, pid: int) -> Process:
        """A process of which nothing else is known."""
        return Process(pid, "", "", "operator", "backup-host")

    def has_ended(self, process: Process) -> bool:
        """Nothing is known of any process."""
        return False
