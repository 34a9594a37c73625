"""The real command in a real terminal: tmux shows it, keys go in, the screen is read back as an operator sees it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.windows import Terminal
from tests.tui.support import copied, demo_store, metadata_of

pytestmark = pytest.mark.skipif(
    shutil.which("tmux") is None and "CI" not in os.environ, reason="tmux is not on this machine"
)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """Opens terminals on a store, and closes them."""
    opened: list[Terminal] = []

    def open_terminal(store: Path, size: tuple[int, int] = (80, 24)) -> Terminal:
        folder = tmp_path / f"terminal-{len(opened)}"
        folder.mkdir()
        command = [sys.executable, "-m", "tui.headless", "open", str(store)]
        opened.append(Terminal(folder, command, size))
        return opened[-1]

    yield open_terminal
    for each in opened:
        each.close()


def test_an_operator_sees_the_classic_conflict_compares_it_and_previews_both_ways_out(
    terminal: Callable[..., Terminal],
) -> None:
    window = terminal(demo_store("same-range"))
    first = window.wait_for_text("broken", "same range, two manifests", "stock restores nothing", "got 0.", "Help")
    assert '"Transaction backup ranges not continuous, expecting version 1000, got 0."' in " ".join(first.split())
    window.press("Enter")
    window.wait_for_text("─ A ─", "─ B ─", "transaction_0-.5c0a", "transaction_0-.ac6c")
    window.press("Escape")
    window.wait_for_text("Problems 1")
    window.press("c")
    window.wait_for_text("Compaction preview", "dry run")
    window.press("Escape")
    window.wait_for_text("Problems 1")
    window.press("End", "r")
    window.wait_for_text("Restore preview", "STOPS")
    window.press("q")
    window.wait_for(lambda: window.ended() == "0", "the end of the program")


def test_the_timeline_follows_a_window_that_changes_its_size(terminal: Callable[..., Terminal]) -> None:
    window = terminal(demo_store("everything"))
    window.wait_for_text("Problems 7")
    window.resize(160, 45)
    window.wait_for_text("Totals", "Claims")
    window.resize(39, 9)
    window.wait_for_text("40x10")
    window.resize(80, 24)
    window.wait_for_text("Problems 7", "Help")


def test_what_is_typed_at_once_behind_a_key_that_asks_is_the_answer(terminal: Callable[..., Terminal]) -> None:
    window = terminal(demo_store("everything"))
    window.wait_for_text("Problems 7")
    window.press("g", "9", "0", "0", "5", "Enter")
    window.wait_for_text(" 9,005 ")
    window.press("g", "9", "9", "9", "9", "9", "Enter")
    window.wait_for_text("the last version in this store is 24,500", "Go to 99999")
    window.press("Escape")
    window.wait_for_text(" 9,005 ")
    window.press("p", "P", "C-u", "n", "e", "w", "e", "s", "t", "Enter")
    window.wait_for_text("--policy newest")
    window.press("C-p", "c", "o", "m", "p", "a", "c", "t")
    window.wait_for_text("  compact\n", "Park the tail")


def test_looking_at_a_store_changes_nothing_in_it(terminal: Callable[..., Terminal]) -> None:
    store = demo_store("gap")
    before = {path: path.lstat() for path in sorted(store.rglob("*"))}
    window = terminal(store)
    window.wait_for_text("gap", "Problems 1")
    window.press("c")
    window.wait_for_text("Compaction preview")
    window.press("Escape")
    window.wait_for_text("Problems 1")
    window.press("q")
    window.wait_for(lambda: window.ended() == "0", "the end of the program")
    after = {path: path.lstat() for path in sorted(store.rglob("*"))}
    assert [(path, one.st_mtime_ns, one.st_size) for path, one in before.items()] == [
        (path, one.st_mtime_ns, one.st_size) for path, one in after.items()
    ]


def test_an_operator_compacts_in_the_app_looks_at_the_journal_and_takes_it_back(
    terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    store = copied("clean", tmp_path)
    before = metadata_of(store)
    window = terminal(store)
    window.wait_for_text("clean", "No problems")
    window.press("c")
    window.wait_for_text("Enter compact now", "factors 1, 1, 1: stock's")
    window.press("e")
    window.wait_for_text("Lines per file: epoch, txn, state 1, 1, 1")
    window.press("C-u")
    window.wait_for_text("Lines per file: epoch, txn, state epoch, txn, state: 100, 100, 100")
    window.press("100", "Enter")
    window.wait_for_text("factors 100, 100, 100", "Enter compact now")
    window.press("Enter")
    window.wait_for_text("Nothing is written yet", "type compact to carry it out")
    window.press("Enter")
    window.wait_for_text("Type compact to carry it out")
    window.press("compact", "Enter")
    window.wait_for_text("done in", "u undo it", "stock restores to 13,000, the latest version")
    after = metadata_of(store)
    assert len(after) == 25 and not {name for name in after if name.startswith("transaction_5")}
    window.press("Escape")
    window.wait_for_text("there is nothing to do")
    window.press("u")
    window.wait_for_text("Operations, newest first  1", "◆ done")
    window.press("u")
    window.wait_for_text("type undo to carry it out", "25 files become 44")
    window.press("Enter")
    window.wait_for_text("Type undo to carry it out")
    window.press("undo", "Enter")
    window.wait_for_text("done in", "44 metadata files")
    assert metadata_of(store) == before
    window.press("q")
    window.wait_for(lambda: window.ended() == "0", "the end of the program")


def test_an_operator_finds_what_was_interrupted_and_finishes_it(
    terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    from core.demo import build_demo_store
    from core.machine import ThisMachine

    store = tmp_path / "race"
    build_demo_store("race", store, ThisMachine().process().boot_id)
    window = terminal(store)
    window.wait_for_text("interrupted", "carol@backup-2, ended", "Problems 2")
    window.press("u")
    window.wait_for_text("interrupted: 3 of 20 steps are done", "r finishes it; u takes it back")
    window.press("r")
    window.wait_for_text("type resume to finish it")
    window.press("Enter")
    window.wait_for_text("Type resume to carry it out")
    window.press("resume", "Enter")
    window.wait_for_text("done in", "58 metadata files")
    window.press("t")
    shown = window.wait_for_text("No problems", "clean")
    assert "interrupted" not in shown
    window.press("q")
    window.wait_for(lambda: window.ended() == "0", "the end of the program")


def test_the_help_is_read_to_the_legend_of_signs(terminal: Callable[..., Terminal]) -> None:
    window = terminal(demo_store("everything"))
    window.wait_for_text("Problems 7")
    window.press("?")
    first = window.wait_for_text("Keys on this screen", "more below", "Move")
    assert "state snapshot" not in first
    window.press("Space")
    window.wait_for(lambda: "Pan a quarter view to the left" not in window.screen(), "the next page")
    window.press("End")
    shown = window.wait_for_text("Signs", "◆   state snapshot", "▲   a problem, ○ where it is a gap")
    assert "more below" not in shown
    window.press("k")
    window.wait_for_text("1 more below")
