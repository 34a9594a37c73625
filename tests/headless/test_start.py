"""Starting: what is imported for which answer, and what a command line that can't be carried out gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.chain import Policy
from core.phrases import command
from tests.support.commands import imported, seamline, seamline_process
from tui.headless.options import factor, u64
from tui.headless.wishes import POLICIES

HEAVY = {"textual", "numpy", "rich", "asyncio", "aiofiles"}
COMMANDS = (
    "open",
    "demo",
    "check",
    "restore-plan",
    "overlay",
    "compact",
    "repair",
    "undo",
    "resume",
    "log",
    "lock",
    "guard",
    "doctor",
    "adapter",
)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["-h"],
        ["--version"],
        ["open", "--help"],
        ["demo", "--help"],
        ["check", "--help"],
        ["restore-plan", "--help"],
        ["overlay", "--help"],
        ["compact", "--help"],
        ["repair", "--help"],
        ["undo", "--help"],
        ["resume", "--help"],
        ["log", "--help"],
        ["lock", "--help"],
        ["guard", "--help"],
        ["doctor", "--help"],
        ["adapter", "--help"],
        ["compact", "x", "--json"],
        ["repair", "x", "--json"],
        ["overlay", "x", "--json"],
        ["demo", "--list"],
        ["check", "--level", "x", "--json"],
    ],
    ids=" ".join,
)
def test_help_and_usage_need_neither_textual_nor_numpy_nor_rich(arguments: list[str]) -> None:
    assert imported(arguments) & HEAVY == set()


@pytest.mark.parametrize("name", ["check", "restore-plan", "compact", "repair", "log", "lock", "resume"])
def test_no_command_but_the_app_imports_textual(name: str, demo_stores: Path) -> None:
    flags = ["--dry-run"] if name in {"compact", "repair"} else []
    for output in ([], ["--json"]):
        modules = imported([name, str(demo_stores / "clean"), *flags, *output])
        assert "numpy" in modules
        assert "textual" not in modules


def test_help_names_every_command_and_the_exit_codes() -> None:
    outcome = seamline("--help")
    assert outcome.code == 0
    for name in COMMANDS:
        assert f"\n  {name} " in outcome.out
    assert "4 stock can't restore" in outcome.out
    assert outcome.err == ""


def test_without_a_store_it_says_how_to_go_on() -> None:
    outcome = seamline()
    assert outcome.code == 2
    assert outcome.out == ""
    assert "no store was named" in outcome.err
    assert "seamline demo" in outcome.err


def test_the_variable_names_the_store(demo_stores: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAMLINE_STORE", str(demo_stores / "gap"))
    assert seamline("check", "--json").document["store"] == str(demo_stores / "gap")
    # Named outright, a store wins over the variable; without a command the app is meant.
    assert seamline("check", demo_stores / "clean", "--json").document["store"] == str(demo_stores / "clean")
    assert "needs a terminal" in seamline().err


def test_an_empty_variable_names_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAMLINE_STORE", "")
    assert seamline("check").code == 2


def test_the_store_can_be_named_as_in_the_stock_tool(demo_stores: Path) -> None:
    outcome = seamline("check", "--local-fs-dir", demo_stores / "clean", "--json")
    assert (outcome.code, outcome.document["verdict"]) == (0, "clean")


def test_a_file_url_names_a_folder(demo_stores: Path) -> None:
    assert seamline("check", f"file://{demo_stores / 'clean'}").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check"], "no store was named"),
        (["check", ""], "no store was named"),
        (["check", "a", "b"], "unexpected extra argument"),
        (["check", "a", "--local-fs-dir", "b"], "two stores were named"),
        (["check", "--command-adapter-config", "x.yaml"], "there is no such file"),
        (["check", "adapter.yaml"], "there is no such file"),
        (["check", "--command-adapter-config", "x"], "is not named like a command adapter"),
        (["check", "a", "--command-adapter-config", "x.yaml"], "two stores were named"),
        (["check", "a", "--command-adapter-config", "x.yaml", "--local-fs-dir", "b"], "three stores were named"),
        (["check", "az://box/x"], "its first part would be read as the container"),
        (["check", "a", "--level", "6"], "there is no level 6"),
        (["check", "a", "--level", "-1"], "-1"),
        (["check", "a", "--level", "1.5"], "1.5"),
        (["check", "a", "--nonsense"], "--nonsense"),
        (["chekc", "a"], "there is no command 'chekc'"),
        (["a", "b"], "unexpected extra argument"),
        (["restore-plan", "a", "--target-version", "-1"], "'-1' is not a whole number"),
        (["restore-plan", "a", "--target-version", "1.5"], "'1.5' is not a whole number"),
        (["restore-plan", "a", "--target-version", "18446744073709551616"], "is not a whole number"),
        (["restore-plan", "a", "--target-version", "9" * 5000], "is not a whole number"),
        (["restore-plan", "a", "--target-version", "١٢"], "is not a whole number"),
        (["restore-plan", "a", "--ledger-history-start-version", ""], "'' is not a whole number"),
        (["restore-plan", "a", "--policy", "best"], "'best'"),
        (["compact", "a"], "nothing is written without being asked for"),
        (["repair", "a"], "nothing is written without being asked for"),
        (["undo", "a"], "nothing is written without being asked for"),
        (["overlay", "a"], "no store was named"),
        (["overlay", "--local-fs-dir", "a"], "no folder was named"),
        (["compact", "a", "--yes", "--dry-run"], "contradict each other"),
        (["undo", "a", "--yes", "--dry-run"], "contradict each other"),
        (["compact", "a", "--yes", "--transaction-file-compact-factor", "0"], "a factor of 0 makes stock panic"),
        (["compact", "a", "--yes", "--wait", "5x"], "'5x' is no time"),
        (["compact", "a", "--yes", "--wait", "9999999h"], "is no time of at most a week"),
        (["lock", "a", "open"], "there is no lock 'open'"),
        (["lock", "a", "break"], "break takes the owner's id"),
        (["lock", "a", "show", "x"], "break takes the owner's id"),
        (["guard", "a"], "there is no command to run"),
        (["guard", "a", "--"], "there is no command to run"),
        (["guard", "a", "ls"], "unexpected extra argument"),
        (["guard", "--", "ls"], "no store was named"),
        (["compact", "a", "--dry-run", "--transaction-file-compact-factor", "0"], "a factor of 0 makes stock panic"),
        (["compact", "a", "--dry-run", "--remove-compacted-file-after", "-5"], "'-5' is not a whole number"),
        (["demo", "--scenario", "nope", "--no-open"], "no sample store named 'nope'"),
        (["demo"], "needs a terminal"),
        (["open", "a"], "needs a terminal"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else "",
)
def test_what_can_not_be_asked_is_refused_with_a_reason(arguments: list[str], said: str) -> None:
    outcome = seamline(*arguments)
    assert outcome.code == 2
    assert outcome.out == ""
    assert said in outcome.err
    assert "hint: " in outcome.err
    assert "Traceback" not in outcome.err

    # The same for a script: the error document and nothing else, unless the command has no --json to begin with.
    if arguments[0] in {"check", "restore-plan", "overlay", "compact", "repair", "undo", "lock"}:
        outcome = seamline(*arguments, "--json")
        error = outcome.document["error"]
        assert (outcome.code, error["code"], error["kind"], outcome.err) == (2, 2, "usage", "")
        assert said in error["message"]
        assert error["hint"]
        assert outcome.document["schema"] == 1


def test_flags_that_contradict_each_other_are_refused() -> None:
    outcome = seamline("check", "a", "--json", "--json-lines")
    assert (outcome.code, outcome.document["message_type"]) == (2, "summary")
    assert "different answers" in outcome.document["error"]["message"]
    outcome = seamline("demo", "--json")
    assert outcome.code == 2
    assert "nothing to print" in outcome.document["error"]["message"]


def test_a_folder_may_be_called_like_a_misspelled_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "chekc").mkdir()
    assert "needs a terminal" in seamline("chekc").err


def test_after_two_dashes_json_is_a_name() -> None:
    outcome = seamline("check", "--", "--json")
    assert outcome.code == 20
    assert outcome.out == ""
    assert "'--json'" in outcome.err


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("007", 7),
        ("1_000", 1_000),
        ("1,185,000,000", 1_185_000_000),
        ("18446744073709551615", 2**64 - 1),
        ("18_446_744_073_709_551_615", 2**64 - 1),
    ],
)
def test_versions_are_read_with_or_without_separators(text: str, number: int) -> None:
    assert u64(text) == number


@pytest.mark.parametrize("text", ["+1", "1e3", "0x10", "1__0", "_1", "1,00", "1,0000", " 1", "1 ", "1\n"])
def test_other_spellings_of_numbers_are_not_guessed_at(text: str) -> None:
    import click

    for read in (u64, factor):
        with pytest.raises(click.BadParameter):
            read(text)


def test_the_policies_of_the_help_are_those_of_the_engine() -> None:
    assert tuple(Policy) == POLICIES


def test_the_first_policy_is_the_default_of_the_engine() -> None:
    from core.restore import RestoreOptions

    assert RestoreOptions().policy == POLICIES[0]


def test_version_is_told(tmp_path: Path) -> None:
    outcome = seamline_process("--version")
    assert outcome.code == 0
    assert outcome.out.startswith("seamline")


def test_commands_in_findings_are_quoted_like_arguments() -> None:
    assert command("seamline", "check", "/a b") == "seamline check '/a b'"


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("ch", {"check"}),
        ("", set(COMMANDS)),
        ("check --json-l", {"--json-lines"}),
    ],
)
def test_the_shell_completes_commands_and_options(typed: str, offered: set[str]) -> None:
    words = f"seamline {typed}"
    place = str(len(words.split(" ")) - 1)
    variables = {"_SEAMLINE_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": place}
    lines = seamline_process(**variables).out.splitlines()
    assert {line.partition(",")[2] for line in lines} == offered
