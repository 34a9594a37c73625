"""Carrying out a compaction goes over the files once for each look it must take, and no more: beside a plain copy."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from core.engine import Engine
from core.machine import ThisMachine
from core.operations import operations_for
from core.stock import CompactionOptions
from core.storage import reader_for
from tests.benchmarks.conftest import BigStore

ROUNDS = 3
FACTORS = CompactionOptions(1_000, 1_000, 1_000)
#: Past the grace period of stock's default.
TWO_DAYS = 2 * 86_400


class LaterMachine(ThisMachine):
    """This machine, so many seconds later."""

    def __init__(self, later: float) -> None:
        super().__init__()
        self._later = later

    def now(self) -> float:
        return super().now() + self._later


def compact(folder: Path, later: float) -> tuple[int, int]:
    """Plan and apply; how many files were written and retired."""
    machine = LaterMachine(later)
    engine = Engine(reader_for(str(folder)), machine)
    change = engine.plan_compaction(engine.look(), FACTORS).change_set
    assert change is not None
    operations_for(str(folder), machine).apply(change)
    return len(change.all_writes), len(change.retires)


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
