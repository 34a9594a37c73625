"""The machine that this process runs on. Handed in from outside; nothing else in the engine imports it."""

from __future__ import annotations

import getpass
import os
import secrets
import socket
import time
from pathlib import Path
from typing import Final

from core.host import Process

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_PID_NAMESPACE: Final = Path("/proc/self/ns/pid")
#: Where the start time stands in /proc/PID/stat, counted behind the command's name, which may hold blanks.
_START_FIELD: Final = 19


class ThisMachine:
    """The real clock, chance and process table."""

    def __init__(self) -> None:
        self._began = (time.time(), time.monotonic())
        self._latest = 0.0

    def now(self) -> float:
        """Wall clock, unix seconds."""
        return time.time()

    def elapsed(self) -> float:
        """Seconds since boot, suspend included.

        Where the system has no such clock, since this was made, by whichever of its clocks says more: the wall clock
        goes on in a suspend, the other one when somebody sets the first one back (`lease.md`, "Valid until").
        """
        if hasattr(time, "CLOCK_BOOTTIME"):
            return time.clock_gettime(time.CLOCK_BOOTTIME)
        wall, steady = self._began
        self._latest = max(self._latest, time.time() - wall, time.monotonic() - steady)
        return self._latest

    def sleep(self, seconds: float) -> None:
        """Wait so long."""
        time.sleep(seconds)

    def fresh_id(self) -> str:
        """16 random hex digits."""
        return secrets.token_hex(8)

    def process(self) -> Process:
        """This process."""
        return self.process_of(os.getpid())

    def process_of(self, pid: int) -> Process:
        """Whichever process has `pid` now; `started` is empty if there is none."""
        return Process(pid, _started(pid) or "", _boot_id(), _told(_user()), _told(socket.gethostname()))

    def has_ended(self, process: Process) -> bool:
        """Whether `process` ran in this boot and pid namespace, and its pid is now free or another process's.

        Two containers share the boot but not the pids: seen from one, the other's processes are never known to have
        ended.
        """
        here = _boot_id()
        if not here or process.boot_id != here or not process.started:
            return False
        return _started(process.pid) != process.started


def _boot_id() -> str:
    """The kernel's random name for this boot, and the pid namespace; empty where the system tells none."""
    try:
        return f"{_BOOT_ID.read_text().strip()} {_PID_NAMESPACE.readlink()}"
    except OSError:
        return ""


def _started(pid: int) -> str | None:
    """When a process began, in clock ticks since boot; None if there is no such process, or only what is left of it."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    state, *fields = stat.rpartition(b")")[2].split()
    return None if state in (b"Z", b"X") else fields[_START_FIELD - 1].decode()


def _told(name: str) -> str:
    """A name from the system, which may hold any bytes, as text that can be written anywhere."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        # An id that has no name, as in many containers.
        return str(os.getuid())
