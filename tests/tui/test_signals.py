"""The app is asked to end by a signal: the terminal is as it was, what was done is said, and nothing hangs."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGTERM, Signals

import pytest

from tests.support.adapters import has_ended, write_adapter
from tests.support.commands import command, seamline_process
from tests.support.windows import Terminal
from tests.tui.support import copied, demo_store, metadata_of, tree_of

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not on this machine")

Open = Callable[[list[str]], Terminal]
STOPPING = "stopping after this step"


@pytest.fixture
def window(tmp_path: Path) -> Iterator[Open]:
    """Runs a program in a terminal."""
    opened: list[Terminal] = []

    def run(words: list[str]) -> Terminal:
        folder = tmp_path / "terminal"
        folder.mkdir()
        opened.append(Terminal(folder, words, (100, 30)))
        return opened[-1]

    yield run
    for each in opened:
        each.close()


def is_over(window: Terminal, *texts: str) -> str:
    """Wait for the end of the program, for a terminal that is as it was, and for what is said there."""
    window.wait_for(lambda: window.ended() == "130", "the end of the program with 130")
    window.wait_for(window.is_given_back, "a terminal that is as it was")
    window.wait_for(lambda: all(text in window.lines() for text in texts), " and ".join(texts))
    assert "Traceback" not in window.lines()
    return window.lines()


def held(gate: Path, steps: int, store: Path) -> list[str]:
    gate.mkdir()
    return [sys.executable, "-m", "tests.support.held_app", str(gate), str(steps), "open", str(store)]


def compacting(window: Terminal, step: int | None = None) -> None:
    """Begin a compaction and, with `step`, wait for one that does not end."""
    window.wait_for_text("clean", "No problems")
    window.press("c")
    window.wait_for_text("Enter compact now")
    window.press("Enter")
    window.wait_for_text("type compact to carry it out")
    window.press("Enter")
    window.wait_for_text("Type compact to carry it out")
    window.press("compact", "Enter")
    if step is not None:
        window.wait_for_text(f"step {step} of 73")


@pytest.mark.parametrize("number", [SIGTERM, SIGINT])
def test_a_signal_in_an_operation_lets_the_step_end_and_says_how_to_go_on(
    number: Signals, window: Open, tmp_path: Path
) -> None:
    store = copied("clean", tmp_path)
    shown = window(held(tmp_path / "gate", 3, store))
    compacting(shown, 4)
    shown.signal(number)
    shown.wait_for_text(f"asked to end ({number.name}): {STOPPING}")
    (tmp_path / "gate" / "go").touch()
    said = is_over(shown, f"({number.name}); compact: stopped after 4 of 73 steps", "seamline resume", "seamline undo")
    assert "nothing was written" not in said
    assert seamline_process("resume", store).code == 0


def test_a_second_signal_ends_the_app_at_once_and_says_that_the_step_may_be_done(window: Open, tmp_path: Path) -> None:
    store = copied("clean", tmp_path)
    shown = window(held(tmp_path / "gate", 3, store))
    compacting(shown, 4)
    shown.signal(SIGTERM)
    shown.wait_for_text(STOPPING)
    shown.signal(SIGTERM)
    is_over(shown, "compact was cut off at step 4 of 73, which may have been carried out", f"seamline log {store}")
    log = seamline_process("log", store)
    assert "interrupted" in log.out
    assert seamline_process("resume", store).code == 0


def test_an_operation_that_ends_with_its_step_is_said_to_be_carried_out(window: Open, tmp_path: Path) -> None:
    store = copied("clean", tmp_path)
    shown = window(held(tmp_path / "gate", 72, store))
    compacting(shown, 73)
    shown.signal(SIGTERM)
    shown.wait_for_text(STOPPING)
    (tmp_path / "gate" / "go").touch()
    said = is_over(shown, "(SIGTERM); compact, operation ", "was carried out", f"seamline log {store}")
    assert "nothing was written" not in said
    assert "interrupted" not in seamline_process("log", store).out


def test_a_signal_behind_an_operation_does_not_say_that_nothing_was_written(window: Open, tmp_path: Path) -> None:
    store = copied("clean", tmp_path)
    shown = window(command("open", store))
    compacting(shown)
    shown.wait_for_text("done in")
    before = metadata_of(store)
    shown.signal(SIGTERM)
    is_over(shown, "(SIGTERM); nothing was under way", f"seamline log {store}")
    assert metadata_of(store) == before


def test_a_terminal_that_goes_away_ends_the_app_between_two_steps(window: Open, tmp_path: Path) -> None:
    store = copied("clean", tmp_path)
    shown = window(held(tmp_path / "gate", 3, store))
    compacting(shown, 4)
    pid = shown.pid
    shown.hang_up()
    (tmp_path / "gate" / "go").touch()
    assert has_ended(pid)
    assert "interrupted" in seamline_process("log", store).out
    assert seamline_process("resume", store).code == 0


def test_a_terminal_that_goes_away_from_an_app_at_rest_ends_it(window: Open) -> None:
    shown = window(command("open", demo_store("gap")))
    shown.wait_for_text("Problems 1")
    pid = shown.pid
    shown.hang_up()
    assert has_ended(pid)


@pytest.mark.parametrize("number", [SIGTERM, SIGINT, SIGHUP])
def test_a_signal_at_rest_says_that_nothing_was_written(number: Signals, window: Open) -> None:
    store = demo_store("everything")
    before = tree_of(store)
    shown = window(command("open", store))
    shown.wait_for_text("Problems 7")
    shown.signal(number)
    is_over(shown, f"asked to end ({number.name}); nothing was written")
    assert tree_of(store) == before


def test_a_signal_while_a_command_of_an_adapter_hangs_ends_both(window: Open, tmp_path: Path) -> None:
    told = tmp_path / "told"
    listing = f"echo $$ > {shlex.quote(str(told))}; sleep 1000; true"
    shown = window(command("open", write_adapter(tmp_path / "a.yaml", tmp_path, listing=listing)))
    shown.wait_for(lambda: told.exists() and told.read_text().endswith("\n"), "the command")
    shown.signal(SIGTERM)
    is_over(shown, "nothing was written")
    assert has_ended(int(told.read_text()))
