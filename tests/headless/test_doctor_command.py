"""`seamline doctor`: its exit codes, its document, what people read, and Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.host import Machine
from core.machine import ThisMachine
from core.operations import operations_for
from tests.support.adapters import READ, write_whole_adapter
from tests.support.commands import Outcome, assert_golden, command, environment, seamline, seamline_process
from tests.support.machines import FakeMachine

CopyOf = Callable[[str], Path]


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def store(copy_of: CopyOf, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store that is named by its name alone, so that answers are the same wherever the tests run."""
    path = copy_of("clean")
    path.chmod(0o755)
    (path / "metadata").chmod(0o755)
    monkeypatch.chdir(path.parent)
    return path.name


def doctor(*arguments: str | Path, machine: Machine | None = None) -> Outcome:
    return seamline("doctor", *arguments, machine=machine or ThisMachine())


def adapter(**commands: str) -> str:
    path = Path("adapter.yaml")
    write_whole_adapter(path, Path("clean").resolve(), **commands)
    path.chmod(0o644)
    return str(path)


def steady(text: str) -> str:
    """An answer without what differs from run to run and from machine to machine."""
    text = re.sub(r"\n {4,}(?=\S)", " ", text)
    text = re.sub(r"  mount +\S+, mounted at \S+", "  mount  TYPE, mounted at POINT", text)
    text = re.sub(r"[\d.,]+(?= (?:ms|s|min|MiB free|a second)\b)", "N", text)
    text = re.sub(r"\bN (?:ms|s|min)\b", "N", text)
    return re.sub(r" {3,}", "  ", text)


def test_all_is_well(store: str) -> None:
    outcome = doctor(store)
    assert outcome.code == 0
    assert outcome.err == ""
    assert_golden("doctor-well", steady(outcome.out))


def test_something_is_to_be_known(store: str) -> None:
    holder = FakeMachine(pid=77, host="beta", moment=1_800_000_000.0)
    with operations_for(store, holder).lease("compact", "of last night"):
        outcome = doctor(store)
    assert outcome.code == 3
    assert_golden("doctor-held", steady(outcome.out))


def test_writing_would_be_refused(store: str) -> None:
    outcome = doctor(adapter(list_metadata_files="(cd \"$STORE_DIR\"; ls metadata/*.meta ||:) | sed -ne 's#^##p'"))
    assert outcome.code == 6
    assert_golden("doctor-adapter", steady(outcome.out))
    assert doctor("adapter.yaml", "--lease", "host").code == 3
    assert doctor("adapter.yaml", "--lease-store", Path("clean").resolve()).code == 3


def test_the_store_can_t_be_reached(store: str, tmp_path: Path) -> None:
    outcome = doctor("typo")
    assert outcome.code == 20
    assert_golden("doctor-unreachable", steady(outcome.out))
    assert doctor(adapter(open_for_read=f"eval '{READ}'")).code == 20
    Path("empty/metadata").mkdir(parents=True)
    assert doctor("empty").code == 20
    assert sorted(Path("empty").rglob("*")) == [Path("empty/metadata")]


@pytest.mark.parametrize(
    "words",
    [("ftp://a/b",), ("none.yaml",), ("clean", "--lease", "host"), ("clean", "--lease-store", "s3://a"), ("s3://",)],
)
def test_what_can_t_be_asked_is_a_usage_error(store: str, words: tuple[str, ...]) -> None:
    outcome = doctor(*words, "--json")
    assert (outcome.code, outcome.document["error"]["code"]) == (2, 2)


def test_a_configuration_without_its_commands_is_a_usage_error(store: str) -> None:
    Path("few.yaml").write_text("commands: {list_metadata_files: ls}\n")
    outcome = doctor("few.yaml")
    assert (outcome.code, outcome.out) == (2, "")
    assert "commands has no create_backup" in outcome.err


def test_the_document_has_every_check_with_its_fields(store: str) -> None:
    document = doctor(store, "--json").document
    assert (document["schema"], document["store"], document["verdict"]) == (1, store, "well")
    assert {tuple(each) for each in document["checks"]} == {
        ("id", "title", "state", "seen", "why", "next_step", "bars")
    }
    assert {each["bars"] for each in document["checks"]} == {None}
    unreachable = doctor("typo", "--json").document
    assert [each["bars"] for each in unreachable["checks"] if each["id"] == "reach"] == ["reading"]


def test_names_of_a_hostile_store_stay_text(store: str) -> None:
    (Path(store) / "metadata" / "[red]\x1b]52;c;x\x07.meta").write_bytes(b"")
    out = doctor(store).out
    assert "[red]" in out
    assert "\x1b" not in out


def test_a_run_leaves_nothing_but_the_probe_and_the_next_one_says_the_same(store: str) -> None:
    before = set(Path(store).rglob("*"))
    first, second = (seamline_process("doctor", store) for _ in range(2))
    assert (first.code, second.code) == (0, 0)
    left = {path.name for path in set(Path(store).rglob("*")) - before}
    assert left == {"compaction.probe", "compaction.probe.flock"}


def test_ctrl_c_ends_it_within_a_second(store: str) -> None:
    path = adapter(list_metadata_files="touch listing; exec sleep 1000")
    process = subprocess.Popen(
        command("doctor", path), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    end = time.monotonic() + 30
    while not Path("listing").exists() and time.monotonic() < end:
        assert process.poll() is None
    asked = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert time.monotonic() - asked < 1.0
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
