"""Reading a store in a bucket costs little more than its requests; opening it again costs the listing.

The server answers each request after 30 ms, as a bucket not far away does. Times are those of the clock, since waiting
is what it is about; whatever is compared takes turns. How busy the server itself was is told beside every ratio: it is
the machine's two processors that the clients have to share with it.
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore.store import S3Store
from pytest_benchmark.fixture import BenchmarkFixture

from core.host import FixedHost
from core.index import Index
from core.snapshot import read_index, take_snapshot
from core.storage import reader_for
from core.storage.cache.reader import cached
from tests.benchmarks.conftest import BigStore
from tests.benchmarks.piped import client, read_by_pipes
from tests.support.servers.running import BUCKET, running, send, variables

FILES = 10_000
MILLISECONDS = 30
THREADS = 64
ROUNDS = 5
#: Files that are read through pipes; all others would take the same each.
PIPED = 32
PROCESSORS = 2
URL = f"s3://{BUCKET}/store"


@dataclass(frozen=True, slots=True)
class Distant:
    """The server: what it was asked, and what that took of the processor (seconds)."""

    address: str

    def asked(self) -> dict[str, Any]:
        """Since the last time, but for the processor: that is since its start."""
        told: dict[str, Any] = json.loads(send("GET", f"{self.address}/asked", None))
        return told


@pytest.fixture
def distant(ten_thousand_files: BigStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[Distant]:
    """A bucket with 10,000 metadata files of one entry each, as gzip."""
    with running("distant_s3", str(MILLISECONDS), str(ten_thousand_files.folder)) as address:
        for name, value in variables(address).items():
            monkeypatch.setenv(name, value)
        yield Distant(address)


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes; what it returns is kept until then."""
    gc.collect()
    began = time.perf_counter()
    result = work()
    taken = time.perf_counter() - began
    del result
    return taken


def native() -> Index:
    """List, read, inflate and decode."""
    return read_index(reader_for(URL), "metadata")


def bare() -> list[object]:
    """List and read, and nothing else."""
    store = S3Store(BUCKET, prefix="store", client_options={"allow_http": True})
    keys = [meta["path"] for page in obstore.list(store, "metadata", chunk_size=1_000) for meta in page]
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(lambda key: obstore.get(store, key).bytes(), keys))


def test_ten_thousand_objects_are_read_and_decoded_in_at_most_one_and_a_half_times_a_bare_loop(
    benchmark: BenchmarkFixture, distant: Distant
) -> None:
    assert len(native().files) == len(bare()) == FILES
    distant.asked()
    times: list[float] = []
    before = distant.asked()
    benchmark.pedantic(native, setup=lambda: times.append(seconds(bare)), rounds=ROUNDS)
    after = distant.asked()
    ratio = benchmark.stats.stats.min / min(times)
    busy = (after["cpu"] - before["cpu"]) / (after["at"] - before["at"])
    benchmark.extra_info.update(reference_seconds=times, ratio=ratio, server_busy=busy)
    assert busy < 0.5
    assert ratio <= 1.5


def test_ten_thousand_objects_are_read_fifty_times_faster_than_through_a_pipeline_for_each(
    benchmark: BenchmarkFixture, distant: Distant, ten_thousand_files: BigStore
) -> None:
    names = sorted(path.name for path in (ten_thousand_files.folder / "metadata").iterdir())
    keys = [f"store/metadata/{name}" for name in names[:: len(names) // PIPED]]
    piped = {at_once: read_by_pipes(BUCKET, keys, at_once) for at_once in (2, 4, 8)}
    benchmark.pedantic(native, rounds=ROUNDS)
    # Others may be at work on the machine: as if two processors had done nothing else, and never waited.
    best = min(processor for _, processor in piped.values()) / PROCESSORS / len(keys) * FILES
    clock = {at_once: taken / len(keys) * FILES for at_once, (taken, _) in piped.items()}
    ratio = best / benchmark.stats.stats.min
    benchmark.extra_info.update(client=client(), scaled_seconds=clock, scaled_at_best=best, ratio=ratio)
    assert ratio >= 50


def test_a_bucket_that_was_read_before_is_opened_by_listing_it(
    benchmark: BenchmarkFixture, distant: Distant, tmp_path: Path
) -> None:
    def opened() -> int:
        return len(take_snapshot(cached(reader_for(URL), URL, tmp_path), FixedHost(0.0)).index.files)

    cold = seconds(opened)
    assert distant.asked()["requests"]["get"] == FILES
    listing = min(seconds(lambda: reader_for(URL).list_folder("metadata")) for _ in range(ROUNDS))
    distant.asked()
    assert benchmark.pedantic(opened, rounds=ROUNDS) == FILES
    requests = distant.asked()["requests"]
    warm = benchmark.stats.stats.min
    benchmark.extra_info.update(cold_seconds=cold, listing_seconds=listing, beside_the_listing=warm - listing)
    assert set(requests) == {"list"}
    assert warm < cold / 3
