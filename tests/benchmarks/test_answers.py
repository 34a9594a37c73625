"""The answers on a million entries: stock's selection, the chain, the findings and the verdict, together."""

from __future__ import annotations

import time

import msgspec
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from core.chain import find_chain
from core.engine import Engine
from core.host import FixedHost
from core.model import U64_MAX
from core.stock import select_epoch_endings, select_state_snapshot, select_transactions
from core.storage import LocalReader
from tests.benchmarks.big_store import metadata_of
from tests.benchmarks.conftest import BigStore

#: Later than the time of any file.
NOW = 4_000_000_000.0


@pytest.mark.benchmark(timer=time.process_time)
def test_selection_findings_and_chain_on_a_million_entries_take_under_half_a_second(
    benchmark: BenchmarkFixture, million_entries: BigStore
) -> None:
    engine = Engine(LocalReader(str(million_entries.folder)), FixedHost(NOW))
    snapshot = engine.look()
    index = snapshot.index
    assert sum(map(len, index.lanes.values())) == 1_000_000

    def answers() -> int:
        chosen = select_transactions(index.transactions, 0, U64_MAX)
        select_epoch_endings(index.epoch_endings, U64_MAX)
        select_state_snapshot(index.state_snapshots, U64_MAX)
        chains = [find_chain(lane) for lane in (index.transactions, index.epoch_endings)]
        assert all(chain.complete for chain in chains)
        assert engine.check(snapshot).verdict.stock_restores_latest
        return len(chosen)

    decoder = msgspec.json.Decoder()
    began = time.process_time()
    for content in metadata_of(million_entries.folder):
        decoder.decode_lines(content)
    benchmark.extra_info.update(reference_seconds=time.process_time() - began)
    assert benchmark.pedantic(answers, rounds=5, warmup_rounds=1) == 900_000
    assert benchmark.stats.stats.min < 0.5
