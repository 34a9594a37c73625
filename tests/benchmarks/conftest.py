"""The big stores, written once for all benchmarks of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.benchmarks.big_store import write_big_store


@dataclass(frozen=True, slots=True)
class BigStore:
    """A store, and the bytes of its metadata."""

    folder: Path
    metadata_bytes: int


@pytest.fixture(scope="session")
def million_entries(tmp_path_factory: pytest.TempPathFactory) -> BigStore:
    """1,000,000 entries in 1,000 compacted files."""
    folder = tmp_path_factory.mktemp("million")
    return BigStore(folder, write_big_store(folder))


@pytest.fixture(scope="session")
def ten_thousand_files(tmp_path_factory: pytest.TempPathFactory) -> BigStore:
    """10,000 files of a single entry each."""
    folder = tmp_path_factory.mktemp("files")
    return BigStore(folder, write_big_store(folder, files=10_000, entries_a_file=1))
