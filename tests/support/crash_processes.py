"""Real processes that change one store, die at a given change, or read it in a loop and tell what they saw.

They are forked off a small server that has everything loaded, so that a process costs a few milliseconds.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from multiprocessing.process import BaseProcess
from pathlib import Path

from core.engine import Engine
from core.errors import LeaseHeld, Refused, SeamlineError
from core.machine import ThisMachine
from core.model import LaneKind
from core.operations import Operations
from core.recovery.plan import plan_recovery
from core.repair import plan_repair
from core.snapshot import Snapshot, take_snapshot
from core.stock import CompactionOptions
from core.storage import LocalReader
from core.storage.local.conditional import LocalConditional
from core.storage.local.writer import LocalWriter
from tests.support.crash_looks import lines_of
from tests.support.crash_writer import TrappedWriter

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["__main__", "tests.support.crash_processes", "tests.support.racing_processes"])
#: The clock of all these processes: a minute goes by in a second, so that no two runs have the same date.
SPEED = 60
STOP = "stop"
#: Readers take what the writers leave of the processors.
_POLITE = 10
#: How many operations one process carries out at most, one after the other.
_CHURNED = 12


class QuickMachine(ThisMachine):
    """This machine, on which a minute of the wall clock goes by in a second of the real one, counted from `origin`."""

    def __init__(self, origin: float) -> None:
        self.origin = origin

    def now(self) -> float:
        real = super().now()
        return real + (real - self.origin) * (SPEED - 1)


@dataclass(frozen=True, slots=True)
class Job:
    """What one process does on a store: `compact`, `repair`, `resume`, `undo` or `churn`.

    It is killed before, or `after`, its `at`-th change (0: never).
    """

    folder: Path
    action: str
    origin: float
    options: CompactionOptions = field(default_factory=CompactionOptions)
    at: int = 0
    after: bool = False


def kill_me() -> None:
    """Ends this process as the kernel ends one that has used up all memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def operations_of(job: Job) -> Operations:
    """The operations of a process that is to die at its `at`-th change."""
    where = str(job.folder)
    writer = TrappedWriter(LocalWriter(where), job.at, kill_me, after=job.after)
    return Operations(LocalReader(where), writer, LocalConditional(where), QuickMachine(job.origin))


def _compact(job: Job, operations: Operations) -> None:
    engine = Engine(operations.reader, operations.machine)
    plan = engine.plan_compaction(engine.look(), job.options)
    assert plan.change_set is not None, plan.refusal
    if not plan.change_set.is_empty:
        operations.apply(plan.change_set)


def _repair(_job: Job, operations: Operations) -> None:
    snapshot = take_snapshot(operations.reader, operations.machine)
    plan = plan_repair(plan_recovery(operations.reader, snapshot), int(operations.machine.now()))
    if plan.refusal is not None:
        raise Refused(plan.refusal.kind, plan.refusal.explanation)
    if plan.change_set is not None and not plan.change_set.is_empty:
        operations.apply(plan.change_set)


def _undo(job: Job, operations: Operations) -> None:
    engine = Engine(operations.reader, operations.machine)
    log = engine.log()
    if log and log[-1].undone is None:
        operations.apply(engine.plan_undo(engine.look(), log[-1]))


def _churn(job: Job, operations: Operations) -> None:
    """Compact with other factors every time, and take some of it back, for as long as it lasts."""
    for number in range(_CHURNED):
        step = replace(job, options=replace(job.options, transaction_factor=2 + number % 5))
        (_undo if number % 3 == 2 else _compact)(step, operations)


def _resume(_job: Job, operations: Operations) -> None:
    operations.resume()


_ACTIONS: dict[str, Callable[[Job, Operations], None]] = {
    "compact": _compact,
    "repair": _repair,
    "undo": _undo,
    "churn": _churn,
    "resume": _resume,
}


def work(job: Job) -> None:
    """Do a job; the process ends with the exit code of what went wrong."""
    try:
        _ACTIONS[job.action](job, operations_of(job))
    except SeamlineError as error:
        if not isinstance(error, LeaseHeld):
            sys.stderr.write(f"{job}: {type(error).__name__}: {error.message}\n")
        sys.exit(error.exit_code)


def start(job: Job) -> BaseProcess:
    """A process that does a job."""
    process = CONTEXT.Process(target=work, args=(job,))
    process.start()
    return process


def done(job: Job) -> int:
    """Do a job in a process of its own, and how that ended: an exit code, or minus the signal."""
    process = start(job)
    process.join()
    assert process.exitcode is not None
    return process.exitcode


@dataclass(frozen=True, slots=True)
class Seen:
    """What a reader saw: in how many looks, what was wrong, and how often a listed file could not be opened."""

    looks: int
    wrong: list[str]
    unopened: int


class Reader:
    """A process that looks at a store again and again until it is told to stop; whatever it saw once must stay."""

    def __init__(self, folder: Path, notes: Path, kind: str) -> None:
        self._stop = notes / f"{kind}.{STOP}"
        self._report = notes / f"{kind}.json"
        self._process = CONTEXT.Process(target=_READERS[kind], args=(folder, self._stop, self._report))
        self._process.start()

    def end(self) -> Seen:
        """Stop it, and ask what it saw."""
        self._stop.touch()
        self._process.join()
        assert self._process.exitcode == 0
        return Seen(**json.loads(self._report.read_text()))


def _read_as_we_do(folder: Path, stop: Path, report: Path) -> None:
    os.nice(_POLITE)
    seen: set[tuple[LaneKind, str]] = set()
    looks, wrong = 0, []
    while not stop.exists():
        snapshot = take_snapshot(LocalReader(str(folder)), ThisMachine())
        looks += 1
        wrong += [f"{file.handle}: {file.fault.message}" for file in snapshot.index.files if file.fault]
        wrong += [f"{file.handle} has bad lines" for file in snapshot.index.files if file.bad_lines]
        entries = entries_of(snapshot)
        wrong += [f"missing: {entry}" for entry in seen - entries]
        seen |= entries
    report.write_text(json.dumps({"looks": looks, "wrong": wrong[:20], "unopened": 0}))


def _read_as_stock_does(folder: Path, stop: Path, report: Path) -> None:
    os.nice(_POLITE)
    seen: frozenset[bytes] = frozenset()
    looks, unopened, wrong = 0, 0, []
    while not stop.exists():
        looks += 1
        contents = _contents(folder / "metadata")
        if contents is None:
            unopened += 1
            continue
        wrong += [f"{name} is not whole" for name, content in contents.items() if not content.endswith(b"\n")]
        lines = lines_of(contents)
        wrong += [f"missing: {line!r}" for line in seen - lines]
        seen |= lines
    report.write_text(json.dumps({"looks": looks, "wrong": wrong[:20], "unopened": unopened}))


def _contents(metadata: Path) -> dict[str, bytes] | None:
    """List, then open each; None where one can't be opened."""
    try:
        return {name: (metadata / name).read_bytes() for name in os.listdir(metadata)}  # noqa: PTH208
    except FileNotFoundError:
        return None


def entries_of(snapshot: Snapshot) -> set[tuple[LaneKind, str]]:
    """Every visible entry."""
    lanes = snapshot.index.lanes.items()
    return {(kind, str(lane.record(row))) for kind, lane in lanes for row in range(len(lane))}


_READERS: dict[str, Callable[[Path, Path, Path], None]] = {"ours": _read_as_we_do, "stock": _read_as_stock_does}
