"""What stock's readers meet while a change is carried out: said before, and kept as short as can be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.changes.window import Window, window_of
from core.operations import Operations
from core.storage import LocalReader
from core.storage.local.conditional import LocalConditional
from core.storage.local.writer import LocalWriter
from tests.support.change_sets import base_folder, look_at, merge_transactions
from tests.support.commands import seamline
from tests.support.machines import FakeMachine


def test_nothing_that_moves_away_disturbs_nobody(tmp_path: Path) -> None:
    store = base_folder(tmp_path / "store")
    assert window_of(replace(merge_transactions(look_at(store)), retires=()), str(store)) is None


@pytest.mark.parametrize(
    ("location", "seconds", "words"),
    [("/store", 3, "less than a second"), ("s3://b/p", 3, "less than a second"), ("a.yaml", 3, "about 2 seconds")],
)
def test_it_is_told_by_the_kind_of_storage(location: str, seconds: int, words: str, tmp_path: Path) -> None:
    window = window_of(merge_transactions(look_at(base_folder(tmp_path / "store"))), location)
    assert window is not None and window.moves == seconds
    assert words in window.words and '"No such file or directory (os error 2)"; start it again.' in window.words


def test_many_files_take_their_time() -> None:
    assert "12,000 files move out of metadata/ at the end, together, in about 12 seconds" in Window(12_000, 12.0).words


class _Acts(LocalWriter):
    """A writer that remembers in which order it is told to do what."""

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        self.acts: list[str] = []

    def move(self, source: str, target: str) -> None:
        self.acts.append("move")
        super().move(source, target)

    def link(self, source: str, handle: str) -> None:
        self.acts.append("link")
        super().link(source, handle)

    def append(self, handle: str, content: bytes) -> None:
        self.acts.append("append")
        super().append(handle, content)

    def flush(self, folder: str) -> None:
        self.acts.append("flush")
        super().flush(folder)


def test_all_moves_come_last_with_nothing_written_between_them(tmp_path: Path) -> None:
    store = base_folder(tmp_path / "store")
    writer, where = _Acts(str(store)), str(store)
    change = merge_transactions(look_at(store))
    applied = Operations(LocalReader(where), writer, LocalConditional(where), FakeMachine()).apply(change)
    first = writer.acts.index("move")
    assert writer.acts[first : first + len(change.retires)] == ["move"] * len(change.retires)
    assert "link" not in writer.acts[first:]
    steps = (store / "seamline" / "journal" / f"{applied.operation}.steps.jsonl").read_text()
    assert steps.count('"retire"') == len(change.retires)


def test_the_preview_of_an_undo_says_so_in_text_and_json(tmp_path: Path) -> None:
    store = base_folder(tmp_path / "store")
    where = str(store)
    Operations(LocalReader(where), LocalWriter(where), LocalConditional(where), FakeMachine()).apply(
        merge_transactions(look_at(store))
    )
    text = " ".join(seamline("undo", store, "--dry-run").out.split())
    assert "readers 2 files move out of metadata/ at the end" in text
    readers = seamline("undo", store, "--dry-run", "--json").document["readers"]
    assert (readers["moves"], readers["stock_says"]) == (2, "No such file or directory (os error 2)")
