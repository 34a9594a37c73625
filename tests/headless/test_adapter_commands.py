"""The commands on stores behind command adapters: where the lease lies is typed, told, and needed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core.machine import ThisMachine
from tests.support.adapters import write_whole_adapter
from tests.support.change_sets import metadata_of, tree
from tests.support.commands import Outcome, seamline

HUNDRED = (
    "--epoch-ending-file-compact-factor=100",
    "--state-snapshot-file-compact-factor=100",
    "--transaction-file-compact-factor=100",
)
HOST = ("--lease", "host")


@pytest.fixture
def store(copy_of: Callable[[str], Path]) -> Path:
    return copy_of("clean")


def adapter(store: Path, **more: str) -> str:
    return write_whole_adapter(store.parent / "adapter.yaml", store, **more)


def run(*words: str | Path) -> Outcome:
    return seamline(*words, machine=ThisMachine())


def test_compact_undo_log_and_lock_speak_of_one_store(store: Path) -> None:
    path, before = adapter(store), metadata_of(store)
    done = run("compact", path, *HUNDRED, "--yes", *HOST)
    assert done.code == 0, done.err
    assert "of this machine and this user alone" in " ".join(done.out.split())
    assert f"undo {path} " in done.out
    assert "--lease host" in done.out
    log = run("log", path)
    assert "1 operation" in log.out
    assert run("lock", path).code == 0
    assert "last" in run("lock", path, *HOST).out
    undone = run("undo", path, "--yes", *HOST)
    assert undone.code == 0, undone.err
    assert metadata_of(store) == before
    assert not (store / "seamline").exists()
    assert not (store / "compaction.lock").exists()


@pytest.mark.parametrize(
    "words",
    [("compact", *HUNDRED, "--yes"), ("repair", "--yes"), ("undo", "--yes"), ("resume",), ("lock", "break", "x")],
)
def test_what_writes_needs_to_know_where_the_lease_lies(store: Path, words: tuple[str, ...]) -> None:
    path, before = adapter(store), tree(store)
    command, *rest = words
    refused = run(command, path, *rest, "--json")
    assert refused.code == 6, refused.out
    error = refused.document["error"]
    assert error["kind"] == "no-lease"
    assert "--lease host" in error["hint"]
    assert "--lease-store s3://" in error["hint"]
    assert tree(store) == before


def test_looking_and_previewing_need_no_lease(store: Path) -> None:
    path = adapter(store)
    assert run("check", path).code in (0, 3)
    assert run("log", path).code == 0
    preview = run("compact", path, *HUNDRED, "--dry-run")
    assert preview.code == 0, preview.err
    assert "metadata_backup/ can't be looked at" in " ".join(preview.out.split())


def test_a_preview_names_the_choice_again(store: Path) -> None:
    path = adapter(store)
    assert "--lease host --yes --if-plan" in run("compact", path, *HUNDRED, "--dry-run", *HOST).out


def test_a_lease_store_in_the_configuration_is_enough(store: Path) -> None:
    path = adapter(store, lease_store=str(store))
    done = run("compact", path, *HUNDRED, "--yes", "--json")
    assert done.code == 0, done.out
    assert (store / "compaction.lock").exists()
    # Through the adapter and natively it is one journal.
    assert run("log", path, "--json").document["operations"] == run("log", store, "--json").document["operations"]
    assert run("undo", store, "--yes").code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((*HOST, "--lease-store", "s3://bucket"), "two places for one lease"),
        (("--lease-store", "nowhere"), "no location of a lease store"),
        (("--lease", "moon"), "'moon' is not"),
    ],
)
def test_choices_that_make_no_sense_are_a_matter_of_usage(store: Path, words: tuple[str, ...], said: str) -> None:
    refused = run("compact", adapter(store), "--yes", *words)
    assert refused.code == 2
    assert said in refused.err


def test_a_folder_takes_no_choice(store: Path) -> None:
    refused = run("compact", store, "--yes", *HOST)
    assert refused.code == 2
    assert "needs none of this machine" in refused.err


def test_a_guard_wraps_any_command_and_what_it_moved_comes_back(store: Path) -> None:
    path, before = adapter(store), metadata_of(store)
    victim = next(iter(sorted((store / "metadata").glob("transaction_*.meta"))))
    script = f"mkdir -p {store}/metadata_backup; mv {victim} {store}/metadata_backup/"
    guarded = run("guard", path, *HOST, "--", "sh", "-c", script)
    assert guarded.code == 4, guarded.err
    assert f"seamline undo {path}" in guarded.err
    assert "--lease host" in guarded.err
    undone = run("undo", path, "--yes", *HOST)
    assert undone.code == 0, undone.err
    assert metadata_of(store) == before


def test_a_guard_without_a_lease_runs_nothing(store: Path) -> None:
    refused = run("guard", adapter(store), "--", "touch", str(store / "ran"))
    assert refused.code == 6
    assert not (store / "ran").exists()


@pytest.mark.parametrize(
    ("yaml", "words"),
    [
        ("seamline: {lease_store: ''}", "lease_store of seamline is empty"),
        ("seamline: {lease: host}", "seamline has 'lease'"),
        ("seamline: s3://x", "seamline is not a list of names and values"),
        ("seamline: {lease_store: az://x/y}", "first part would be read as the container"),
    ],
)
def test_a_slip_in_our_own_key_is_told(store: Path, yaml: str, words: str) -> None:
    path = Path(adapter(store))
    path.write_text(path.read_text() + yaml + "\n")
    refused = run("check", path)
    assert refused.code == 2
    assert words in refused.err
