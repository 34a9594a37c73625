"""The way back on a million entries with a thousand conflicts: chain and zones, then the plan of the repair."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import msgspec
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from core.chain import cut_zones, find_chain
from core.chain.model import ChainOptions, SkipReason
from core.chain.zones import unusable
from core.engine import Engine
from core.host import FixedHost
from core.storage import LocalReader
from tests.benchmarks.big_store import metadata_of
from tests.benchmarks.conftest import BigStore

#: Later than the time of any file.
NOW = 4_000_000_000.0
CONFLICTS = 1_000


@pytest.fixture(scope="module")
def conflicting(million_entries: BigStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The million entries, and a thousand of them once more with another manifest, in a file of their own."""
    folder = tmp_path_factory.mktemp("conflicts")
    shutil.copytree(million_entries.folder / "metadata", folder / "metadata")
    lines = [line for content in metadata_of(folder) for line in content.splitlines()[:2] if b"TransactionB" in line]
    again = [line.replace(b"/transaction.manifest", b"b/transaction.manifest") for line in lines[:CONFLICTS]]
    assert len(again) == CONFLICTS
    (folder / "metadata" / "transaction_again.meta").write_bytes(b"\n".join(again) + b"\n")
    return folder


def reference_seconds(folder: Path) -> float:
    """What decoding the same lines takes with a fast decoder, for comparison."""
    decoder = msgspec.json.Decoder()
    began = time.process_time()
    for content in metadata_of(folder):
        decoder.decode_lines(content)
    return time.process_time() - began


@pytest.mark.benchmark(timer=time.process_time)
def test_chain_and_zones_with_a_thousand_conflicts_take_under_a_second(
    benchmark: BenchmarkFixture, conflicting: Path
) -> None:
    engine = Engine(LocalReader(str(conflicting)), FixedHost(NOW))
    snapshot = engine.look()
    lane = snapshot.index.transactions

    def answers() -> tuple[int, int]:
        chain = find_chain(lane)
        assert chain.complete
        options = ChainOptions()
        crowded = cut_zones(lane, unusable(lane, options) == SkipReason.CHOSEN, options.start).crowded()
        assert engine.check(snapshot).zones
        return len(chain.skipped()), len(crowded)

    benchmark.extra_info.update(reference_seconds=reference_seconds(conflicting))
    assert benchmark.pedantic(answers, rounds=5, warmup_rounds=1) == (CONFLICTS, CONFLICTS)
    assert benchmark.stats.stats.min < 1.0


@pytest.mark.benchmark(timer=time.process_time)
def test_the_plan_of_a_repair_of_a_thousand_conflicts_takes_under_three_seconds(
    benchmark: BenchmarkFixture, conflicting: Path
) -> None:
    engine = Engine(LocalReader(str(conflicting)), FixedHost(NOW))
    snapshot = engine.look()

    def plan() -> int:
        change = engine.plan_repair(engine.plan_recovery(snapshot)).change_set
        assert change is not None
        return len(change.rejected)

    benchmark.extra_info.update(reference_seconds=reference_seconds(conflicting))
    assert benchmark.pedantic(plan, rounds=3, warmup_rounds=1) == CONFLICTS
    assert benchmark.stats.stats.min < 3.0
