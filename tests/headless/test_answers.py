"""What people read: the answer on the first lines, whole answers as goldens, and text of a store that stays text."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from core.demo import SCENARIOS
from core.host import FixedHost
from tests.support.commands import LATER, assert_golden, command, environment, seamline, seamline_process
from tests.support.machines import LaterHost
from tests.support.stores import lines, state, txn

#: The machine on which the operations of the sample stores were cut off.
HERE = LaterHost(LATER)
FIRST_LINES = {
    "clean": "CLEAN  stock restores to 13,000, the latest version",
    "same-range": "BROKEN  stock restores nothing; the latest version is 11,999",
    "two-batch-sizes": "BROKEN  stock restores to 5,000 only; the latest version is 12,000",
    "started-over": "BROKEN  stock restores nothing; the latest version is 12,000",
    "torn-compaction": "BROKEN  stock restores to 6,000 only; the latest version is 17,000",
    "gap": "BROKEN  stock restores to 6,000 only; the latest version is 12,000",
    "no-join": "BROKEN  stock restores to 5,500 only; the latest version is 12,500",
    "snapshot-tie": "RESTORABLE  stock restores to 12,000, the latest version",
    "everything": "BROKEN  stock restores to 2,500 only; the latest version is 24,500",
    "race": "RESTORABLE  stock restores to 20,000, the latest version",
}


@pytest.fixture(autouse=True)
def beside_the_stores(demo_stores: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sample stores are named by their names alone, so that answers are the same wherever the tests run."""
    monkeypatch.chdir(demo_stores)


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_whole_answer_of_a_check(name: str) -> None:
    assert_golden(f"check-{name}", seamline("check", name, machine=HERE).out)


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_whole_answer_of_a_restore_plan(name: str) -> None:
    assert_golden(f"restore-plan-{name}", seamline("restore-plan", name).out)


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_whole_answer_of_a_compaction_preview(name: str) -> None:
    assert_golden(f"compact-{name}", seamline("compact", name, "--dry-run", machine=HERE).out)


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_whole_answer_of_a_repair_preview(name: str) -> None:
    assert_golden(f"repair-{name}", seamline("repair", name, "--dry-run").out)


def test_the_whole_answer_of_a_compaction_that_stops() -> None:
    wish = ("--transaction-file-compact-factor", "100", "--dry-run")
    assert_golden("compact-same-range-100", seamline("compact", "same-range", *wish).out)


def test_the_whole_answer_with_history() -> None:
    wish = ("--target-version", "11000", "--ledger-history-start-version", "5000")
    assert_golden("restore-plan-clean-history", seamline("restore-plan", "clean", *wish).out)


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_first_lines_say_whether_to_where_why_not_and_what_now(name: str) -> None:
    head = seamline("check", name).out.splitlines()[:6]
    assert head[0] == FIRST_LINES[name]
    error = seamline("check", name, "--json").document["stock"]["error"]
    if error is None:
        assert not any(line.startswith("  stock ") for line in head)
    else:
        assert f'  stock    "{error}"' in head
    assert any(re.match(r"  now      [a-z-]+ ", line) for line in head) == (name != "clean")


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_was_not_checked_is_said_and_the_verdict_is_the_last_word(name: str) -> None:
    answer = seamline("check", name).out
    verdict, *_, unchecked, again = answer.rstrip("\n").split("\n\n")
    assert again == verdict
    assert unchecked.startswith("unseen   not checked: manifests, chunks, proofs, signatures\n")


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_summary_has_one_line_for_each_problem_and_the_verdict(name: str) -> None:
    whole, short = seamline("check", name), seamline("check", name, "--summary")
    assert short.code == whole.code
    problems, _, verdict = short.out.rpartition("\n\n")
    assert verdict.rstrip("\n") == whole.out.partition("\n\n")[0]
    document = seamline("check", name, "--json").document
    zones = [zone for zone in document["zones"] if zone["severity"] != "info"]
    lines = [line for line in problems.splitlines()[1:] if not line.endswith(("notice", "notices"))]
    assert len(lines) == len(zones)
    steps = {finding["next_step"].partition("\n")[0] for finding in document["findings"]}
    for line, zone in zip(lines, zones, strict=True):
        assert line.startswith(f"{zone['severity'].upper()} ")
        assert f"  {zone['title']} " in line
        assert any(line.endswith(f"  {step}") for step in steps)


def test_a_summary_in_json_is_refused() -> None:
    outcome = seamline("check", "clean", "--summary", "--json")
    assert (outcome.code, outcome.document["error"]["kind"]) == (2, "usage")


@pytest.mark.parametrize("name", SCENARIOS)
def test_next_steps_are_whole_lines_ready_to_paste(name: str) -> None:
    """Each command stands unbroken behind its label, exactly as the finding has it."""
    text = seamline("check", name).out.splitlines()
    steps = {line[11:] for line in text if line.startswith("  next     ")}
    findings = seamline("check", name, "--json").document["findings"]
    assert steps <= {each["next_step"] for each in findings}
    assert (name == "clean") or steps


@pytest.mark.parametrize("name", SCENARIOS)
def test_commands_that_are_named_run(
    name: str, demo_stores: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every seamline command in an answer is one that this version takes; some of them write."""
    shutil.copytree(demo_stores / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    named = set()
    for words in (["check"], ["restore-plan"], ["compact", "--dry-run"], ["repair", "--dry-run"]):
        for line in seamline(words[0], name, *words[1:], machine=HERE).out.splitlines():
            if match := re.match(r" *(?:now|or|and|next|deeper) +seamline (.*)", line):
                named.add(match[1])
    for words_of in sorted(named, key=lambda words: "--yes" in words):
        if not words_of.startswith("open "):
            outcome = seamline(*words_of.split(" "), machine=HERE)
            assert outcome.code in {0, 3, 4, 6, 11}, words_of


def test_prose_keeps_to_80_columns_when_piped() -> None:
    for line in seamline("check", "everything").out.splitlines():
        assert len(line) <= 80 or re.match(r"(  (stock|next|now|seen in|) {2,}|deeper )", line), line


def test_columns_widen_a_piped_answer(demo_stores: Path) -> None:
    narrow = seamline_process("check", demo_stores / "gap").out.splitlines()
    wide = seamline_process("check", demo_stores / "gap", COLUMNS="160").out.splitlines()
    assert len(wide) < len(narrow)
    assert all(line == line.rstrip() for line in wide)
    for nonsense in ("x", "0", "-3", "99999999999", "²"):
        assert seamline_process("check", demo_stores / "gap", COLUMNS=nonsense).code == 4


def test_a_piped_answer_has_no_colour_unless_asked_for(demo_stores: Path) -> None:
    assert "\x1b" not in seamline_process("check", demo_stores / "everything").out


HOSTILE = (
    "[x].meta",
    "[red]a.meta",
    "x[@click=app.quit]y.meta",
    "\x1b]52;c;aGk=\x07.meta",
    "\u202eatem.meta",
    "a\nb.meta",
    "\udcff.meta",
    "=1+1.meta",
    "x" * 250 + ".meta",
)


@pytest.fixture
def hostile_store(tmp_path: Path) -> Path:
    """A store whose names and manifests are full of markup and control characters, with an overlap to talk about."""
    folder = tmp_path / "store [y] \x1b[2J" / "metadata"
    folder.mkdir(parents=True)
    for number, name in enumerate(HOSTILE):
        manifest = f"[/x]{name[:40].encode('utf-8', 'replace').decode()}/transaction.manifest"
        (folder / name).write_bytes(
            lines(txn(number * 10, number * 10 + 9, manifest), txn(0, 9, f"{number}{manifest}"))
        )
    (folder / "state.meta").write_bytes(lines(state(1, 5, "\x1b[31m[bold]/state.manifest")))
    return folder.parent


@pytest.mark.parametrize(
    "words",
    [
        ["check"],
        ["check", "--level", "0"],
        ["check", "--level", "4"],
        ["restore-plan"],
        ["restore-plan", "--pin", "[/x]\x1b[1m"],
        ["compact", "--dry-run"],
        ["undo", "--dry-run"],
        ["compact", "--dry-run", "--transaction-file-compact-factor", "7"],
        ["check", "--\x1b[31mx"],
        ["check", "--level", "\x1b[31m"],
    ],
    ids=lambda words: " ".join(words).encode("unicode_escape").decode(),
)
def test_hostile_names_are_shown_and_do_nothing(words: list[str], hostile_store: Path) -> None:
    outcome = seamline(words[0], hostile_store, *words[1:])
    text = outcome.out + outcome.err
    assert outcome.code in {2, 4, 6}
    assert "internal error" not in text
    assert re.sub("[ -~\n…]", "", text) == ""


def test_markup_in_names_is_told_letter_by_letter(hostile_store: Path) -> None:
    text = seamline("check", hostile_store).out
    assert "metadata/[x].meta" in text
    assert "[/x][red]a.meta/transaction.manifest" in text
    assert "\\x1b]52;c;aGk=\\x07.meta" in text


def test_an_answer_fits_an_ascii_terminal(hostile_store: Path) -> None:
    outcome = seamline_process("check", hostile_store, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert outcome.code == 4
    assert outcome.out.isascii()
    assert outcome.err == ""


def test_thousands_of_problems_are_told_in_a_page_or_two(tmp_path: Path) -> None:
    """The text is bounded; the document has them all."""
    (tmp_path / "metadata").mkdir()
    records = [txn(number * 10, number * 10 + 8) for number in range(5_000)]
    (tmp_path / "metadata" / "transaction_compacted_0-49999.meta").write_bytes(lines(*records))
    outcome = seamline("check", tmp_path)
    assert outcome.code == 4
    assert outcome.out.count("\n") < 3_000
    assert len(seamline("restore-plan", tmp_path, "--json").document["skipped"]) == 4_999


def test_the_clock_is_the_machines_own_unless_a_test_says_otherwise(tmp_path: Path) -> None:
    from tui.headless.surroundings import this_machine

    assert this_machine().now() > FixedHost(1_700_000_000).now()
    assert command("check")[1:3] == ["-m", "tui.headless"]
    assert "COLUMNS" not in environment()


def test_compaction_is_also_simulated_at_the_factors_that_are_asked_for() -> None:
    def baked(*words: str) -> list[str]:
        findings = seamline("check", "same-range", "--json", *words).document["findings"]
        return [each["explanation"] for each in findings if each["kind"] == "compaction-abort-midway"]

    assert [text.partition(" compaction")[0] for text in baked()] == ["At factor 100"]
    assert [text.partition(" compaction")[0] for text in baked("--compact-factor", "7")] == ["At factors 100 and 7"]
    assert seamline("check", "same-range", "--compact-factor", "0").code == 2
