"""Planning a compaction of a million entries costs little beside writing its files."""

from __future__ import annotations

import os
import time
from pathlib import Path

from pytest_benchmark.fixture import BenchmarkFixture

from core.changes.model import ChangeSet
from core.compaction import plan_compaction
from core.engine import Engine
from core.snapshot import Snapshot
from core.stock import CompactionOptions
from core.storage import LocalReader
from tests.benchmarks.conftest import BigStore
from tests.support.machines import FakeMachine

#: Later than the time of any file.
NOW = 4_000_000_000
#: Borders that are not those of the store: every file is written.
SHIFTED = CompactionOptions(1_010, 1_010, 1_010)


def planned(snapshot: Snapshot, options: CompactionOptions = SHIFTED) -> ChangeSet:
    plan = plan_compaction(snapshot, options, NOW)
    assert plan.change_set is not None
    return plan.change_set


def seconds_to_write(change: ChangeSet, folder: Path) -> float:
    """How long it takes to have the new files on disk, one after the other."""
    folder.mkdir()
    began = time.perf_counter()
    for write in change.writes:
        descriptor = os.open(folder / write.handle.rpartition("/")[2], os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        os.write(descriptor, write.content)
        os.fsync(descriptor)
        os.close(descriptor)
    return time.perf_counter() - began


def test_planning_a_million_entries_is_no_slower_than_one_and_a_half_times_writing_them(
    benchmark: BenchmarkFixture, million_entries: BigStore, tmp_path: Path
) -> None:
    snapshot = Engine(LocalReader(str(million_entries.folder)), FakeMachine(NOW)).look()
    change = planned(snapshot)
    assert sum(write.lines for write in change.writes) == 1_000_000
    assert len(change.writes) > 985
    assert sum(len(write.content) for write in change.writes) == million_entries.metadata_bytes
    writing = min(seconds_to_write(change, tmp_path / f"out{turn}") for turn in range(3))
    benchmark.pedantic(planned, (snapshot,), rounds=5)
    benchmark.extra_info.update(reference_seconds=writing, ratio=benchmark.stats.stats.min / writing)
    assert benchmark.stats.stats.min <= 1.5 * writing


def test_planning_ten_thousand_single_files_takes_less_than_reading_and_decoding_them(
    benchmark: BenchmarkFixture, ten_thousand_files: BigStore
) -> None:
    engine = Engine(LocalReader(str(ten_thousand_files.folder)), FakeMachine(NOW))
    snapshot = engine.look()
    looks = []
    for _ in range(3):
        began = time.perf_counter()
        engine.look()
        looks.append(time.perf_counter() - began)
    change = benchmark.pedantic(planned, (snapshot, CompactionOptions(100, 100, 100)), rounds=5)
    assert (len(change.writes), sum(write.lines for write in change.writes)) == (100, 10_000)
    benchmark.extra_info.update(reference_seconds=min(looks))
    assert benchmark.stats.stats.min <= min(looks)
