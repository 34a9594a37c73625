"""`seamline lock`: who may write, and how a lease is freed that nobody will give back."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.change_sets import base_folder, operations_on
from tests.support.commands import environment, seamline, seamline_process
from tests.support.machines import FakeMachine


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return base_folder(tmp_path / "store")


def test_a_store_without_a_lease_is_free_and_stays_without(store: Path) -> None:
    assert seamline("lock", store).out.startswith("FREE  nobody holds the lease\n")
    document = seamline("lock", store, "show", "--json").document
    assert (document["state"], document["lease"], document["break_id"]) == ("free", None, None)
    assert not (store / "compaction.lock").exists()
    for words in (["release"], ["break", "x"], ["break", "unreadable"]):
        outcome = seamline("lock", store, *words, "--json")
        assert (outcome.code, outcome.document["error"]["kind"]) == (2, "usage")
        assert "nobody holds" in outcome.document["error"]["message"]


def test_a_lease_that_is_held_says_who_since_when_doing_what(store: Path) -> None:
    with operations_on(store, FakeMachine(pid=77, host="beta")).lease("compact", "of last night") as lease:
        outcome = seamline("lock", store)
        assert outcome.code == 11
        assert outcome.out.startswith("HELD  ")
        for text in ("operator@beta (pid 77)", "since 2023-11-14 22:13:20 UTC", "of last night", lease.owner):
            assert text in outcome.out
        assert f"  break it seamline lock {store} break {lease.owner}\n" in outcome.out
        document = seamline("lock", store, "show", "--json").document
        assert (document["state"], document["break_id"]) == ("held", lease.owner)
        told = document["lease"]
        assert (told["purpose"], told["operation"], told["token"]) == ("compact", "of last night", 1)
        assert seamline("lock", store, "release").code == 11
    assert seamline("lock", store).code == 0
    assert "operator@beta" in seamline("lock", store).out


def test_a_lease_is_broken_by_its_full_owner_only(store: Path) -> None:
    with operations_on(store, FakeMachine(pid=77, host="beta")).lease("compact", "x") as lease:
        for word in (lease.owner[:-1], lease.owner.upper() + "x", "unreadable", "\x1b[2J"):
            outcome = seamline("lock", store, "break", word)
            assert outcome.code == 2
            assert "\x1b" not in outcome.err
        assert seamline("lock", store).code == 11
        outcome = seamline("lock", store, "break", lease.owner, "--json")
        assert (outcome.code, outcome.document["state"]) == (0, "free")
        assert outcome.document["lease"]["broken_by"] == "operator@backup-host"
        assert outcome.document["lease"]["token"] == 2
    assert "operator@backup-host" in seamline("lock", store).out


def test_the_variable_names_the_store_and_the_words_the_action(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAMLINE_STORE", str(store))
    with operations_on(store, FakeMachine(pid=77)).lease("compact", "x") as lease:
        assert seamline("lock").code == 11
        assert seamline("lock", "show").code == 11
        assert seamline("lock", "release").code == 11
        assert seamline("lock", "break", "x").code == 2
        assert seamline("lock", "break", lease.owner).code == 0


HOLDER = """
import os, signal, sys
from core.machine import ThisMachine
from core.operations import operations_for

with operations_for({store!r}, ThisMachine()).lease("compact", "by hand"):
    print("held", flush=True)
    signal.pause()
"""


def test_a_holder_that_was_killed_on_this_machine_is_known_to_have_ended(store: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER.format(store=str(store))], env=environment(), stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        held = seamline_process("lock", store, "--json")
        assert (held.code, json.loads(held.out)["state"]) == (11, "held")
        assert seamline_process("lock", store, "release").code == 11
        holder.kill()
    ended = seamline_process("lock", store)
    assert ended.code == 11
    assert ended.out.startswith("LEFT  its holder has ended on this machine")
    assert f"seamline lock {store} release" in ended.out
    assert json.loads(seamline_process("lock", store, "--json").out)["state"] == "ended"
    freed = seamline_process("lock", store, "release", "--json")
    assert (freed.code, json.loads(freed.out)["state"]) == (0, "free")


@pytest.mark.parametrize("content", [b"", b"\x1b[2J{", b"\xff" * 2_000, b'{"v":7}'], ids=range(4))
def test_a_lock_file_that_can_not_be_read_is_told_and_broken_by_a_word(store: Path, content: bytes) -> None:
    (store / "compaction.lock").write_bytes(content)
    outcome = seamline("lock", store)
    assert outcome.code == 11
    assert outcome.out.startswith("UNREADABLE  ")
    assert "\x1b" not in outcome.out
    assert f"seamline lock {store} break unreadable" in outcome.out
    document = seamline("lock", store, "--json").document
    assert (document["state"], document["lease"], document["break_id"]) == ("unreadable", None, "unreadable")
    assert document["why"]
    assert seamline("lock", store, "break", "x").code == 2
    assert seamline("lock", store, "break", "unreadable").code == 0
    assert seamline("lock", store).code == 0


@pytest.mark.parametrize("kind", ["folder", "link", "dangling"])
def test_what_is_no_file_in_place_of_the_lock_is_left_alone(store: Path, kind: str) -> None:
    path = store / "compaction.lock"
    if kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/etc/passwd" if kind == "link" else "/nowhere")
    for words in (["show"], ["release"], ["break", "unreadable"]):
        outcome = seamline("lock", store, *words)
        assert outcome.code in {1, 11, 20}
        assert "root:" not in outcome.out + outcome.err
        assert "internal error" not in outcome.err
    assert path.is_symlink() or path.is_dir()
