"""Commands and the app on terminals that can do little, in locales without Unicode, and without colours."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.support.commands import command, seamline_process
from tests.support.terminals import converse
from tests.support.windows import Terminal
from tests.tui.support import copied, demo_store

ESCAPES = re.compile(r"\x1b")
#: Surroundings in which only ASCII is sure to be seen.
PLAIN = (
    {"TERM": "dumb"},
    {"TERM": "linux"},
    {"LANG": "C"},
    {"LC_ALL": "POSIX", "LANG": "de_DE.UTF-8"},
    {"PYTHONIOENCODING": "iso-8859-1"},
)


@pytest.fixture
def foreign_store(tmp_path: Path) -> Path:
    """A store with a file whose name is no ASCII."""
    store = copied("everything", tmp_path)
    (store / "metadata" / "ü漢.meta").write_text("ü\n", encoding="utf-8")
    return store


@pytest.mark.parametrize("variables", PLAIN, ids=str)
def test_only_ascii_is_printed_where_nothing_else_is_sure_to_be_seen(
    variables: dict[str, str], foreign_store: Path
) -> None:
    for words in (["check"], ["restore-plan"], ["repair", "--dry-run"], ["log"]):
        seen = converse(command(*words, foreign_store), [], **variables)
        assert seen.out and seen.out.isascii(), words


def test_a_utf8_locale_shows_names_as_they_are(foreign_store: Path) -> None:
    for variables in ({"LANG": "C.UTF-8"}, {"LC_ALL": "de_DE.utf8", "LANG": "C"}, {"LANG": "", "LC_ALL": ""}):
        assert "ü漢.meta" in converse(command("check", foreign_store), [], **variables).out
    assert "ü漢.meta" in seamline_process("check", foreign_store, TERM="dumb").out
    assert seamline_process("check", foreign_store, LANG="C").out.isascii()


def test_a_dumb_terminal_gets_whole_lines_and_no_escape_sequences(tmp_path: Path) -> None:
    store = copied("clean", tmp_path)
    seen = converse(command("compact", store, "--yes"), [], TERM="dumb")
    assert seen.code == 0
    assert not ESCAPES.search(seen.out) and "\r" not in seen.out
    progress = [line for line in seen.out.splitlines() if re.match(r"[\d,]+ of [\d,]+: ", line)]
    assert 2 <= len(progress) <= 12
    assert "reading metadata" in seen.out or len(progress) > 2


def test_other_terminals_keep_their_one_line(tmp_path: Path) -> None:
    seen = converse(command("compact", copied("clean", tmp_path), "--yes"), [])
    assert "\r\x1b[2K" in seen.out


@pytest.mark.parametrize("words", [["check"], ["restore-plan"], ["compact", "--dry-run"]], ids=" ".join)
def test_without_colours_nothing_is_bold_or_dim_either(words: list[str]) -> None:
    store = demo_store("everything")
    assert ESCAPES.search(converse(command(*words, store), []).out.replace("\x1b[2K", ""))
    plain = converse(command(*words, store), [], NO_COLOR="1").out.replace("\x1b[2K", "")
    assert not ESCAPES.search(plain)


def test_the_app_says_in_one_sentence_that_a_dumb_terminal_is_not_enough() -> None:
    seen = converse(command("open", demo_store("gap")), [], TERM="dumb")
    assert seen.code == 2
    assert seen.out.startswith("seamline: the app needs a terminal that can draw anywhere on the screen, and TERM")
    assert "seamline check STORE" in seen.out and not ESCAPES.search(seen.out)


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not on this machine")
@pytest.mark.parametrize("variables", PLAIN[1:], ids=str)
def test_the_app_draws_in_ascii_by_itself(variables: dict[str, str], tmp_path: Path, foreign_store: Path) -> None:
    words = ["env", *(f"{name}={value}" for name, value in variables.items()), sys.executable, "-m", "tui.headless"]
    window = Terminal(tmp_path, [*words, "open", str(foreign_store)], (100, 30))
    try:
        window.wait_for_text("Problems", "Help")
        assert window.screen().isascii()
        window.press("C-p")
        assert window.wait_for_text("A command").isascii()
    finally:
        window.close()
