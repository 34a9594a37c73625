"""A torn file that our own undo has just brought back is torn, not being written; what somebody writes still is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from core.demo import build_demo_store
from tests.support.commands import seamline_process


@pytest.fixture
def undone(tmp_path: Path) -> Path:
    """A store with torn files, repaired, and the repair taken back out of its bundle: the files are new."""
    store = tmp_path / "store"
    build_demo_store("torn-compaction", store)
    assert seamline_process("repair", store, "--yes").code == 0
    shutil.rmtree(store / "metadata_backup")
    assert seamline_process("undo", store, "--yes").code == 0
    return store


def kinds(store: Path) -> set[str]:

    return {each["kind"] for each in json.loads(seamline_process("check", store, "--json").out)["findings"]}


def test_a_torn_file_that_an_undo_has_just_brought_back_is_torn(undone: Path) -> None:
    assert "partial-compacted-file" in kinds(undone)
    assert "read-while-written" not in kinds(undone)


def test_it_can_be_repaired_again_at_once(undone: Path) -> None:
    outcome = seamline_process("repair", undone, "--yes")
    assert outcome.code == 0, outcome.out + outcome.err
    assert "partial-compacted-file" not in kinds(undone)


def test_a_file_that_somebody_has_written_on_since_is_being_written(undone: Path) -> None:
    torn = next(path for path in (undone / "metadata").iterdir() if "compacted" in path.name)
    torn.write_bytes(torn.read_bytes()[:-30])
    assert "read-while-written" in kinds(undone)
