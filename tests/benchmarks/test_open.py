"""Opening a store costs little more than decoding its lines, and holds little more than them."""

from __future__ import annotations

import gc
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from core.host import FixedHost
from core.snapshot import Snapshot, take_snapshot
from core.storage import LocalReader
from tests.benchmarks.big_store import metadata_of
from tests.benchmarks.conftest import BigStore

ROUNDS = 9
#: Processor time, since others may be at work on the machine; nothing here waits for a disk or another thread.
by_processor_time = pytest.mark.benchmark(timer=time.process_time)
HOST = FixedHost(0.0)
#: The peak is asked of the kernel for this very program: `ru_maxrss` would count the one that started it, too.
MEMORY_SCRIPT = """
import sys
from pathlib import Path
from core.host import FixedHost
from core.snapshot import take_snapshot
from core.storage import LocalReader
def peak():
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024
before = peak()
snapshot = take_snapshot(LocalReader(sys.argv[1]), FixedHost(0.0))
print(peak() - before, sum(map(len, snapshot.index.lanes.values())))
"""


class TransactionBackup(msgspec.Struct, gc=False):
    first_version: int
    last_version: int
    manifest: str


class EpochEndingBackup(msgspec.Struct, gc=False):
    first_epoch: int
    last_epoch: int
    first_version: int
    last_version: int
    manifest: str


class StateSnapshotBackup(msgspec.Struct, gc=False):
    epoch: int
    version: int
    manifest: str


class Line(msgspec.Struct, gc=False):
    TransactionBackup: TransactionBackup | None = None
    EpochEndingBackup: EpochEndingBackup | None = None
    StateSnapshotBackup: StateSnapshotBackup | None = None


def seconds(work: Callable[[], object]) -> float:
    """The processor time of one call; what it returns is kept until then."""
    gc.collect()
    began = time.process_time()
    result = work()
    taken = time.process_time() - began
    del result
    return taken


def opened(folder: Path) -> Snapshot:
    return take_snapshot(LocalReader(str(folder)), HOST)


def paired(benchmark: BenchmarkFixture, reference: Callable[[], object], work: Callable[[], object]) -> float:
    """How often the reference's best time goes into that of `work`; they take turns, as the machine's mood changes."""
    times: list[float] = []
    benchmark.pedantic(work, setup=lambda: times.append(seconds(reference)), rounds=ROUNDS, warmup_rounds=1)
    ratio: float = benchmark.stats.stats.min / min(times)
    benchmark.extra_info.update(reference_seconds=min(times), ratio=ratio)
    return ratio


@by_processor_time
def test_a_million_entries_open_in_at_most_one_and_a_half_times_the_time_of_decoding_them(
    benchmark: BenchmarkFixture, million_entries: BigStore
) -> None:
    contents = list(metadata_of(million_entries.folder))
    decoder = msgspec.json.Decoder(Line)
    assert sum(len(decoder.decode_lines(content)) for content in contents) == 1_000_000
    assert sum(map(len, opened(million_entries.folder).index.lanes.values())) == 1_000_000

    def decode() -> object:
        return [decoder.decode_lines(content) for content in contents]

    assert paired(benchmark, decode, lambda: opened(million_entries.folder)) <= 1.5


@by_processor_time
def test_ten_thousand_files_open_in_at_most_three_times_the_time_of_reading_them(
    benchmark: BenchmarkFixture, ten_thousand_files: BigStore
) -> None:
    folder = ten_thousand_files.folder
    paths = sorted(str(path) for path in (folder / "metadata").iterdir())

    def read() -> object:
        contents = []
        for path in paths:
            with Path(path).open("rb", buffering=0) as file:
                contents.append(file.read())
        return contents

    assert paired(benchmark, read, lambda: opened(folder)) <= 3


def test_opening_holds_at_most_two_and_a_half_times_the_bytes_of_the_metadata(
    benchmark: BenchmarkFixture, million_entries: BigStore
) -> None:
    def measure() -> list[int]:
        command = [sys.executable, "-c", MEMORY_SCRIPT, str(million_entries.folder)]
        run = subprocess.run(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True, check=True)
        return [int(number) for number in run.stdout.split()]

    held, entries = benchmark.pedantic(measure, rounds=1)
    benchmark.extra_info.update(bytes_held=held, times_the_metadata=held / million_entries.metadata_bytes)
    assert entries == 1_000_000
    assert held < 2.5 * million_entries.metadata_bytes
