"""Somebody else is at work on a store, in a process of their own: every command says so, and offers to wait."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from core.engine import Engine
from core.journal import OperationState
from core.lease import Life, hold
from core.machine import ThisMachine
from core.storage import LocalReader
from core.storage.local.conditional import LocalConditional
from tests.support.change_sets import base_folder, metadata_of, with_a_backup
from tests.support.changed_stores import cut_off, planned
from tests.support.commands import command, environment, seamline_process
from tests.support.guards import running_guard
from tests.support.machines import FakeMachine
from tests.support.stores import base_store

SLEEPS = "echo on; exec sleep 60"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return with_a_backup(base_folder(tmp_path / "store"))


def test_the_log_of_a_store_that_somebody_works_on_says_who_since_when_and_to_wait(store: Path) -> None:
    with running_guard(store, SLEEPS) as process:
        text = seamline_process("log", store).out
        [told] = json.loads(seamline_process("log", store, "--json").out)["operations"]
        process.terminate()
    assert "  running" in text and "interrupted" not in text
    assert f"(pid {process.pid}) since " in text and "at work" in text
    assert f"  wait     seamline resume {store} --wait 5m\n" in text and "break" not in text
    assert (told["state"], told["holder"]["pid"], told["holder"]["purpose"]) == ("running", process.pid, "guard")
    assert told["holder"]["alive"] is True
    [ended] = json.loads(seamline_process("log", store, "--json").out)["operations"]
    assert (ended["state"], ended["holder"]) == ("done", None)


def test_a_check_tells_a_live_operation_as_information(store: Path) -> None:
    with running_guard(store, SLEEPS) as process:
        outcome = seamline_process("check", store, "--json")
        process.terminate()
    assert outcome.code == 0
    [told] = [each for each in json.loads(outcome.out)["findings"] if each["kind"] == "interrupted-operation"]
    assert (told["severity"], told["shape"]) == ("info", "at-work")
    assert f"(pid {process.pid})" in told["explanation"] and "is under way" in told["explanation"]


@pytest.mark.parametrize(
    "words", [("undo", "--dry-run"), ("undo", "--yes"), ("resume",), ("compact", "--yes"), ("repair", "--yes")]
)
def test_what_would_change_the_store_is_refused_with_who_is_at_work(store: Path, words: tuple[str, ...]) -> None:
    with running_guard(store, SLEEPS) as process:
        outcome = seamline_process(words[0], store, *words[1:], "--json")
        process.terminate()
    assert outcome.code == 11
    error = json.loads(outcome.out)["error"]
    assert error["kind"] == "lease-held"
    assert f"(pid {process.pid}) since " in error["message"] and "guard" in error["message"]
    assert "--wait 5m" in error["hint"] and "break" not in error["hint"]


def test_an_undo_that_waits_takes_back_what_the_other_has_done(store: Path) -> None:
    script = 'rm "$1/metadata/transaction_101-200.meta"; echo on; read line < "$1/pipe"'
    os.mkfifo(store / "pipe")
    with running_guard(store, script):
        words = command("undo", store, "--yes", "--wait", "5m", "--json")
        with subprocess.Popen(words, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as undo:
            assert undo.stderr is not None and b"waiting for the lease" in undo.stderr.readline()
            (store / "pipe").write_text("go on\n")
            assert undo.wait(timeout=60) == 0
    assert metadata_of(store) == base_store()


def test_the_lease_of_somebody_at_work_is_to_be_waited_for_and_not_broken(store: Path) -> None:
    with running_guard(store, SLEEPS) as process:
        text = seamline_process("lock", store).out
        document = json.loads(seamline_process("lock", store, "--json").out)
        process.terminate()
    assert "at work" in text and "--wait 5m" in text and "break" not in text
    assert (document["state"], document["alive"]) == ("held", True)


def test_once_the_other_is_killed_its_operation_is_interrupted(store: Path) -> None:
    with running_guard(store, "echo on; exec sleep 60") as process:
        child = json.loads(next((store / "seamline" / "journal").glob("*.steps.jsonl")).read_text())["handle"]
        process.kill()
        process.wait()
        os.kill(int(child.split(" ")[0]), signal.SIGKILL)
    [told] = json.loads(seamline_process("log", store, "--json").out)["operations"]
    assert (told["state"], told["holder"]) == ("interrupted", None)
    outcome = seamline_process("check", store, "--json")
    [finding] = [each for each in json.loads(outcome.out)["findings"] if each["kind"] == "interrupted-operation"]
    assert (finding["severity"], finding["next_step"]) == ("error", f"seamline resume {store}")


def test_an_older_operation_that_was_cut_off_stays_interrupted_while_another_one_runs(store: Path) -> None:
    """An undo may begin beside the operation that it takes back."""
    older = cut_off(store, planned(store))
    with hold(LocalConditional(str(store)), ThisMachine(), purpose="undo", least_token=9):
        newer = older.replace("-000001-compact-", "-000009-undo-")
        source = store / "seamline" / "journal" / f"{older}.intent.json"
        target = source.with_name(f"{newer}.intent.json")
        target.write_text(source.read_text().replace(older, newer).replace('"compact"', '"undo"'))
        told = json.loads(seamline_process("log", store, "--json").out)["operations"]
        outcome = seamline_process("check", store, "--json")
    assert [each["state"] for each in told] == ["running", "interrupted"]
    found = [each for each in json.loads(outcome.out)["findings"] if each["kind"] == "interrupted-operation"]
    assert [(each["severity"], older in each["explanation"]) for each in found] == [("error", True), ("info", False)]


def test_a_holder_on_another_machine_is_told_alive_or_silent_by_our_own_clock(store: Path) -> None:
    cut_off(store, planned(store))
    here = FakeMachine(host="gamma")
    engine = Engine(LocalReader(str(store)), here)
    there = FakeMachine(pid=99, host="beta", moment=1.0)
    there.me = replace(there.me, boot_id="boot-2 pid:[7]")
    with hold(LocalConditional(str(store)), there, purpose="resume") as lease:
        [operation] = engine.log()
        assert operation.state is OperationState.HELD
        lease.renew()
        here.pass_time(15)
        [operation] = engine.log()
        assert operation.state is OperationState.RUNNING
        here.pass_time(66)
        seen = engine.lease()
        assert seen is not None and seen.life is Life.SILENT
        [operation] = engine.log()
        assert operation.state is OperationState.INTERRUPTED


def test_one_look_at_the_lease_of_another_machine_says_when_more_is_known(store: Path) -> None:
    cut_off(store, planned(store))
    with hold(LocalConditional(str(store)), FakeMachine(pid=99, host="beta"), purpose="resume"):
        text = seamline_process("log", store).out
        outcome = seamline_process("check", store, "--json")
        lock = seamline_process("lock", store)
    assert "  held" in text and "whether it is alive is seen after a minute" in " ".join(text.split())
    [told] = [each for each in json.loads(outcome.out)["findings"] if each["kind"] == "interrupted-operation"]
    assert (told["severity"], told["shape"]) == ("warning", "held")
    assert "whether it is alive is seen after a minute" in " ".join(lock.out.split())
