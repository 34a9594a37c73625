"""Comparing two manifests record by record is limited by reading their files: beside `cmp` of the same files."""

from __future__ import annotations

import os
import struct
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from core.manifests import ContentComparison, TransactionChunk, TransactionManifest, Verdict, compare_contents
from core.storage import LocalReader

ROUNDS = 5
MIB = 1 << 20
TOTAL = 256 * MIB
#: Transactions of a real store take one to two kilobytes each.
MEAN_RECORD = 1_024
RECORDS = TOTAL // (MEAN_RECORD + 4)


@dataclass(frozen=True, slots=True)
class Sample:
    """Two backups of one history of 256 MiB: as `same` files, and as `other`, cut at other versions."""

    folder: Path
    manifests: dict[str, TransactionManifest]

    def concatenated(self, name: str) -> list[str]:
        return [str(self.folder / chunk.transactions) for chunk in self.manifests[name].chunks]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    folder = tmp_path_factory.mktemp("contents")
    (folder / "metadata").mkdir()
    random = Random(7)
    pool = random.randbytes(MIB)
    sizes = [random.randrange(MEAN_RECORD // 2, MEAN_RECORD * 3 // 2) for _ in range(RECORDS)]
    spots = [random.randrange(MIB - 2 * MEAN_RECORD) for _ in range(RECORDS)]
    manifests = {}
    eighth = RECORDS // 8
    cuts = {
        "a": range(0, RECORDS, eighth),
        "same": range(0, RECORDS, eighth),
        "other": [0, *range(777, RECORDS, eighth)],
    }
    for name, begins in cuts.items():
        chunks = []
        for low, high in pairwise([*begins, RECORDS]):
            handle = f"{name}-{low}"
            with (folder / handle).open("wb") as file:
                for number in range(low, high):
                    size, spot = sizes[number], spots[number]
                    file.write(struct.pack(">I", size) + pool[spot : spot + size])
            chunks.append(TransactionChunk(low, high - 1, handle, "p"))
        manifests[name] = TransactionManifest(0, RECORDS - 1, tuple(chunks))
    os.sync()
    return Sample(folder, manifests)


def seconds_of(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def cmp_files(ones: Sequence[str], others: Sequence[str]) -> None:
    for one, other in zip(ones, others, strict=True):
        subprocess.run(["cmp", one, other], check=True)


@pytest.mark.parametrize(("other", "times"), [("same", 2.0), ("other", 3.0)], ids=["same cuts", "other cuts"])
def test_comparing_records_takes_about_as_long_as_cmp(
    benchmark: BenchmarkFixture, sample: Sample, other: str, times: float
) -> None:
    reader, a, b = LocalReader(str(sample.folder)), sample.manifests["a"], sample.manifests[other]
    # cmp of the very same bytes: it knows nothing of chunks, so it is given those that are cut alike.
    files = sample.concatenated("a"), sample.concatenated("same")
    cmp_files(*files)
    reference = min(seconds_of(lambda: cmp_files(*files)) for _ in range(ROUNDS))
    seen: ContentComparison = benchmark.pedantic(lambda: compare_contents(reader, a, b), rounds=ROUNDS, warmup_rounds=1)
    assert (seen.verdict, seen.records) == (Verdict.EQUAL, RECORDS)
    ratio = benchmark.stats.stats.min / reference
    benchmark.extra_info.update(reference_seconds=reference, ratio=ratio, megabytes=seen.bytes / MIB)
    assert ratio <= times
