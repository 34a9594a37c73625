"""Runs somebody else's command in a process group of its own, for exactly as long as a lease is held.

No shell, the same standard streams. Signals that ask this process to end go to the group instead; on a terminal the
group has it meanwhile, so that its keys do. When the lease is lost the group is ended.
"""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final

from core.errors import SeamlineError
from core.host import Machine
from core.lease import Lease
from core.phrases import shown

#: Seconds that a group has to end by itself, when the lease was lost or its leader has ended.
GRACE: Final = 10.0
_FORWARDED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
#: Seconds between two looks at the child, at first and at most.
_SOONEST: Final = 0.005
_LATEST: Final = 0.1
_STDIN: Final = 0


class CommandMissing(SeamlineError):
    """There is no such command; nothing was run."""

    exit_code = 127
    kind = "command-missing"


class CommandRefused(SeamlineError):
    """The command can't be run; nothing was."""

    exit_code = 126
    kind = "command-refused"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit code, 128 + n when signal n ended it, and its group if some of that still runs."""

    code: int
    left: int | None


def require_command(command: Sequence[str]) -> None:
    """Raises `CommandMissing` or `CommandRefused` for what could not be started."""
    word = command[0]
    if shutil.which(word) is not None:
        return
    if "/" in word and Path(word).exists():
        raise CommandRefused(f"{shown(word)} can't be run", hint="is it a program, and may you execute it?")
    raise CommandMissing(f"there is no command {shown(word)}", hint="the words behind -- are a command and its words")


def run_child(command: Sequence[str], lease: Lease, machine: Machine, started: Callable[[int], None]) -> Ended:
    """Run a command to its end, and for a while wait for what it leaves running behind it.

    `started` is told its pid. Raises `LeaseLost` once the group is ended, and `CommandMissing` or `CommandRefused`.
    """
    with _forwarding() as forward:
        pid = _spawned(command)
        child = _Child(pid, machine)
        with _terminal_given_to(pid):
            try:
                forward(pid)
                started(pid)
                code = child.wait(lease)
                return Ended(code, None if child.is_alone(lease) else pid)
            except BaseException:
                child.end()
                raise


class _Child:
    """A process that leads its own group."""

    def __init__(self, pid: int, machine: Machine) -> None:
        self._pid = pid
        self._machine = machine
        self._status: int | None = None

    def wait(self, lease: Lease) -> int:
        """Its exit code. Raises `LeaseLost`."""
        pause = _SOONEST
        while not self._has_ended():
            if lease.lost.is_set():
                lease.check()
            self._machine.sleep(pause)
            pause = min(2 * pause, _LATEST)
        code = os.waitstatus_to_exitcode(self._status or 0)
        return code if code >= 0 else 128 - code

    def is_alone(self, lease: Lease) -> bool:
        """Whether the whole group has ended, soon enough after its leader. Raises `LeaseLost`."""
        give_up = self._machine.elapsed() + GRACE
        while _group_runs(self._pid):
            if lease.lost.is_set():
                lease.check()
            if self._machine.elapsed() >= give_up:
                return False
            self._machine.sleep(_LATEST)
        return True

    def end(self) -> None:
        """End the whole group: asked first, killed when it does not listen."""
        if self._has_ended():
            signal_group(self._pid, signal.SIGKILL)
            return
        signal_group(self._pid, signal.SIGTERM)
        signal_group(self._pid, signal.SIGCONT)
        give_up = self._machine.elapsed() + GRACE
        while not self._has_ended() and self._machine.elapsed() < give_up:
            self._machine.sleep(_LATEST)
        signal_group(self._pid, signal.SIGKILL)
        while not self._has_ended():
            self._machine.sleep(_SOONEST)

    def _has_ended(self) -> bool:
        if self._status is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG | os.WUNTRACED)
            if pid and os.WIFSTOPPED(status):
                _stopped(self._pid, os.WSTOPSIG(status))
            elif pid:
                self._status = status
        return self._status is not None


def _group_runs(pid: int) -> bool:
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # Somebody else's by now, or as another user.
        return True
    return True


def signal_group(pid: int, number: int) -> None:
    """Send a signal to a group; one that is gone needs none."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _spawned(command: Sequence[str]) -> int:
    try:
        return os.posix_spawnp(
            command[0], list(command), os.environ, setpgroup=0, setsigdef=(signal.SIGPIPE, signal.SIGXFSZ)
        )
    except (FileNotFoundError, NotADirectoryError) as error:
        raise CommandMissing(f"there is no command {shown(command[0])}: {error.strerror}") from error
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise CommandRefused(f"{shown(command[0])} can't be run: {why}") from error


@contextmanager
def _forwarding() -> Iterator[Callable[[int], None]]:
    """Inside, signals that ask to end go to the group that is named by then; those that are ignored stay so."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda _pid: None
        return
    # Where children are ignored, as what started this process may have said, nobody is told how they end.
    children = signal.getsignal(signal.SIGCHLD)
    if children is signal.SIG_IGN:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    early: list[int] = []
    target: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        if target:
            signal_group(target[0], number)
        else:
            early.append(number)

    def forward(pid: int) -> None:
        target.append(pid)
        for number in early:
            signal_group(pid, number)

    before = {number: signal.getsignal(number) for number in _FORWARDED}
    heard = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in heard:
        signal.signal(number, handle)
    try:
        yield forward
    finally:
        for number in heard:
            signal.signal(number, before[number])
        if children is signal.SIG_IGN:
            signal.signal(signal.SIGCHLD, children)


@contextmanager
def _terminal_given_to(group: int) -> Iterator[None]:
    """Inside, the keys of the terminal go to the group, if this process had them."""
    if not _has_terminal() or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    try:
        _give_terminal(group)
        yield
    finally:
        _give_terminal(os.getpgrp())
        signal.signal(signal.SIGTTOU, before)


def _has_terminal() -> bool:
    try:
        return os.tcgetpgrp(_STDIN) == os.getpgrp()
    except OSError:
        return False


def _give_terminal(group: int) -> None:
    with suppress(OSError):
        os.tcsetpgrp(_STDIN, group)


def _stopped(group: int, number: int) -> None:
    """The group was stopped: for wanting a terminal that it has by now, or by keys that mean this process as well."""
    if number not in (signal.SIGTTIN, signal.SIGTTOU):
        had = _terminal_of(group)
        if had:
            _give_terminal(os.getpgrp())
        os.kill(os.getpid(), signal.SIGSTOP)
        if had:
            _give_terminal(group)
    signal_group(group, signal.SIGCONT)


def _terminal_of(group: int) -> bool:
    try:
        return os.tcgetpgrp(_STDIN) == group
    except OSError:
        return False
