"""A compaction of ours that dies half way, on a sample store: by the real planner and executor, at a fixed moment.

What it leaves is what a machine that loses power leaves: an intent in the journal, some of the new files, and a lease
that nobody gives back.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from core.changes.ground import ApplyProgress
from core.engine import Engine
from core.host import Process
from core.lease import LOCK_HANDLE
from core.operations import operations_for
from core.stock import CompactionOptions

#: Who ran it. The start time is one that no process has, so that on its own machine it is known to have ended.
_PID: Final = 4711
_STARTED: Final = "0"


class _Died(Exception):
    """The process is gone."""


class _Machine:
    """The machine that dies: its clock stands still, its ids count up."""

    def __init__(self, moment: float, boot_id: str) -> None:
        self._moment = moment
        self._process = Process(_PID, _STARTED, boot_id, "carol", "backup-2")
        self._ids = 0

    def now(self) -> float:
        return self._moment

    def elapsed(self) -> float:
        return self._moment

    def sleep(self, seconds: float) -> None:
        return None

    def fresh_id(self) -> str:
        self._ids += 1
        return f"{0xC0DE + self._ids:08x}{self._ids:08x}"

    def process(self) -> Process:
        return self._process

    def process_of(self, pid: int) -> Process:
        return replace(self._process, pid=pid)

    def has_ended(self, process: Process) -> bool:
        return False


@dataclass(slots=True)
class _Death:
    """Follows an operation and ends it, as if its process were gone, before the step behind the first `steps`.

    `left_behind` is what the lock file holds by then.
    """

    steps: int
    lock: Path
    left_behind: bytes = b""

    def progress(self, progress: ApplyProgress) -> None:
        if progress.done == self.steps:
            self.left_behind = self.lock.read_bytes()
            raise _Died

    def stopped(self) -> bool:
        return False


def die_compacting(folder: Path, moment: int, factors: Iterable[int], boot_id: str) -> None:
    """Compact the store in `folder` at `moment` (unix seconds) and die when half of the new files are there.

    `factors` are entries per file: epoch endings, transactions, state snapshots. `boot_id` is that of the machine that
    is to know, later, that the holder of the lease has ended; any other machine can't.
    """
    before = set(_files(folder))
    operations = operations_for(str(folder), _Machine(moment, boot_id))
    engine = Engine(operations.reader, operations.machine)
    epochs, transactions, snapshots = factors
    change = engine.plan_compaction(engine.look(), CompactionOptions(epochs, snapshots, transactions)).change_set
    if change is None:
        raise ValueError("nothing may stand in the way of this compaction")
    death = _Death(len(change.all_writes) // 2, folder / LOCK_HANDLE)
    try:
        operations.apply(change, watch=death)
    except _Died:
        # A process that is gone gives nothing back.
        death.lock.write_bytes(death.left_behind)
    _date(folder, set(_files(folder)) - before, moment)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _date(folder: Path, paths: Iterable[Path], moment: int) -> None:
    """Give all files that are new, and the folders around them, the time at which they were made."""
    folders = {folder}
    for path in paths:
        os.utime(path, (moment, moment))
        folders |= {parent for parent in path.parents if parent.is_relative_to(folder)}
    for path in folders:
        os.utime(path, (moment, moment))
