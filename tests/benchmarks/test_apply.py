"""Carrying out a compaction goes over the files once for each look it must take: beside a plain copy of them.

And it waits for the disk more than for anything else: beside the same file operations with nothing decided.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from core.changes.model import ChangeSet
from core.engine import Engine
from core.machine import ThisMachine
from core.operations import operations_for
from core.stock import CompactionOptions
from core.storage import reader_for
from tests.benchmarks.conftest import BigStore
from tests.benchmarks.disk_work import disk_work

ROUNDS = 3
FACTORS = CompactionOptions(1_000, 1_000, 1_000)
#: Twice as many entries a file as the million entries have: every file is written anew.
LARGER = CompactionOptions(2_000, 2_000, 2_000)
#: Past the grace period of stock's default.
TWO_DAYS = 2 * 86_400


class LaterMachine(ThisMachine):
    """This machine, so many seconds later."""

    def __init__(self, later: float) -> None:
        super().__init__()
        self._later = later

    def now(self) -> float:
        return super().now() + self._later


def planned(folder: Path, later: float, factors: CompactionOptions = FACTORS) -> ChangeSet:
    """The change that a compaction so many seconds from now would be."""
    engine = Engine(reader_for(str(folder)), LaterMachine(later))
    change = engine.plan_compaction(engine.look(), factors).change_set
    assert change is not None
    return change


def applied(folder: Path, change: ChangeSet, later: float) -> tuple[int, int]:
    """Apply a change; how many files were written and retired."""
    assert operations_for(str(folder), LaterMachine(later)).apply(change).outcome.notes == ()
    return len(change.all_writes), len(change.retires)


def compact(folder: Path, later: float) -> tuple[int, int]:
    """Plan and apply; how many files were written and retired."""
    return applied(folder, planned(folder, later), later)


def copied(source: Path, target: Path) -> float:
    """Seconds that `cp -r` takes until the copy is on disk."""
    began = time.perf_counter()
    subprocess.run(["cp", "-r", str(source), str(target)], check=True)
    os.sync()
    return time.perf_counter() - began


@pytest.mark.parametrize(
    ("later", "retires", "times"), [(0.0, 0, 4.0), (TWO_DAYS, 10_000, 8.0)], ids=["first run", "all files expire"]
)
def test_ten_thousand_files_are_compacted_in_a_few_times_the_time_of_copying_them(
    benchmark: BenchmarkFixture,
    ten_thousand_files: BigStore,
    tmp_path: Path,
    later: float,
    retires: int,
    times: float,
) -> None:
    copies: list[float] = []

    def prepare() -> tuple[tuple[Path, float], dict[str, object]]:
        folder = tmp_path / f"round{len(copies)}"
        shutil.copytree(ten_thousand_files.folder, folder)
        if later:
            compact(folder, 0.0)
        copies.append(copied(folder / "metadata", tmp_path / f"copy{len(copies)}"))
        return (folder, later), {}

    done = benchmark.pedantic(compact, setup=prepare, rounds=ROUNDS)
    assert done[1] == retires
    ratio = benchmark.stats.stats.min / min(copies)
    benchmark.extra_info.update(reference_seconds=min(copies), ratio=ratio)
    assert ratio <= times


@pytest.mark.parametrize(
    ("later", "done"), [(0.0, (501, 0)), (TWO_DAYS, (1, 1_000))], ids=["first run", "all files expire"]
)
def test_applying_a_million_entries_takes_at_most_twice_its_bare_disk_work(
    benchmark: BenchmarkFixture, million_entries: BigStore, tmp_path: Path, later: float, done: tuple[int, int]
) -> None:
    copies: list[float] = []
    reference: list[float] = []
    undigested: list[float] = []

    def prepare() -> tuple[tuple[Path, ChangeSet, float], dict[str, object]]:
        folder = tmp_path / f"round{len(copies)}"
        shutil.copytree(million_entries.folder, folder)
        if later:
            applied(folder, planned(folder, 0.0, LARGER), 0.0)
        change = planned(folder, later, LARGER)
        for number, measured in enumerate((reference, undigested)):
            beside = tmp_path / f"beside{len(copies)}_{number}"
            copied(folder, beside)
            measured.append(disk_work(beside, change, *([] if measured is reference else [len])))
            shutil.rmtree(beside)
        copies.append(copied(folder / "metadata", tmp_path / f"copy{len(copies)}"))
        return (folder, change, later), {}

    assert benchmark.pedantic(applied, setup=prepare, rounds=ROUNDS) == done
    ratio = benchmark.stats.stats.min / min(reference)
    benchmark.extra_info.update(
        reference_seconds=min(reference),
        ratio=ratio,
        without_digests_seconds=min(undigested),
        copy_seconds=min(copies),
    )
    assert ratio <= 2.0
