"""Hostile sizes in full: time grows with the bytes that are read, and memory stays below 600 MB."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from core.engine import Engine
from core.host import FixedHost
from core.storage import LocalReader
from tests.benchmarks.big_store import metadata_of
from tests.support.commands import ROOT, environment
from tests.support.crowded_stores import (
    Crowd,
    flooded_manifest,
    long_manifest,
    write_conflicts,
    write_crowded_store,
    write_single_files,
    write_store_of_manifest,
)

NOW = 4_000_000_000.0
LINES = 960_000
MIB = 1 << 20
MOST_BYTES = 600 * MIB
#: The peak is asked of the kernel for this very program: `ru_maxrss` would count the one that started it, too.
PEAK = """
import sys
from pathlib import Path
from tui.headless.main import run
run(sys.argv[1:])
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0], file=sys.stderr)
"""


def peak_of(folder: Path, name: str, *words: str) -> int:
    """The most memory that a command on a store held, bytes."""
    variables = environment(XDG_STATE_HOME=f"{folder}.state", XDG_CACHE_HOME=f"{folder}.cache")
    command = [sys.executable, "-c", PEAK, name, str(folder), *words]
    run = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=True)
    return int(run.stderr.split()[-1]) * 1024


def decoding(folder: Path) -> float:
    """What decoding the same lines takes with a fast decoder, processor seconds."""
    decoder = msgspec.json.Decoder()
    began = time.process_time()
    for content in metadata_of(folder):
        decoder.decode_lines(content)
    return time.process_time() - began


def measured(benchmark: BenchmarkFixture, reference: float, work: Callable[[], object]) -> float:
    """How often the reference goes into the best time of `work`."""
    benchmark.pedantic(work, rounds=2)
    ratio: float = benchmark.stats.stats.min / reference
    benchmark.extra_info.update(reference_seconds=reference, ratio=ratio)
    return ratio


@pytest.mark.benchmark(timer=time.process_time)
@pytest.mark.parametrize("crowd", Crowd)
def test_960_000_lines_that_overlap_are_planned_in_thirty_times_the_time_of_decoding_them(
    benchmark: BenchmarkFixture, crowd: Crowd, tmp_path: Path
) -> None:
    store = write_crowded_store(tmp_path / "store", crowd, LINES)
    engine = Engine(LocalReader(str(store)), FixedHost(NOW))
    snapshot = engine.look()
    assert measured(benchmark, decoding(store), lambda: engine.plan_repair(engine.plan_recovery(snapshot))) < 30


@pytest.mark.parametrize("crowd", Crowd)
def test_960_000_lines_that_overlap_take_less_than_600_mb(
    benchmark: BenchmarkFixture, crowd: Crowd, tmp_path: Path
) -> None:
    store = write_crowded_store(tmp_path / "store", crowd, LINES)
    commands = (
        ("restore-plan",),
        ("repair", "--dry-run"),
        ("overlay", str(tmp_path / "overlay")),
        ("check",),
        ("check", "--summary"),
    )
    peaks = benchmark.pedantic(lambda: [peak_of(store, *words) for words in commands], rounds=1)
    benchmark.extra_info.update(peaks=peaks)
    assert max(peaks) < MOST_BYTES


@pytest.mark.benchmark(timer=time.process_time)
def test_ten_thousand_conflicts_in_a_million_entries_are_found_in_ten_times_the_time_of_decoding_them(
    benchmark: BenchmarkFixture, tmp_path: Path
) -> None:
    store = write_conflicts(tmp_path / "store", 1_000_000, 10_000)
    engine = Engine(LocalReader(str(store)), FixedHost(NOW))
    snapshot = engine.look()
    assert len(engine.check(snapshot).zones) > 10_000
    assert measured(benchmark, decoding(store), lambda: engine.check(snapshot)) < 10


@pytest.mark.parametrize("manifest", [flooded_manifest(10_000_000), long_manifest(160_000)], ids=["fields", "chunks"])
def test_a_hostile_manifest_takes_less_than_600_mb(
    benchmark: BenchmarkFixture, manifest: bytes, tmp_path: Path
) -> None:
    store = write_store_of_manifest(tmp_path / "store", manifest)
    peak = benchmark.pedantic(lambda: peak_of(store, "check", "--level", "3"), rounds=1)
    benchmark.extra_info.update(peak=peak)
    assert peak < MOST_BYTES


def test_300_000_files_of_a_line_take_less_than_600_mb(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    store = write_single_files(tmp_path / "store", 300_000)
    peak = benchmark.pedantic(lambda: peak_of(store, "check"), rounds=1)
    benchmark.extra_info.update(peak=peak)
    assert peak < MOST_BYTES
