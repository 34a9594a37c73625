"""`seamline overlay`: stock restores through a folder of its own, and the store stays as it is to the last byte."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.support.changed_stores import every_file
from tests.support.commands import Outcome, seamline
from tests.support.shapes import MaybeVersion, Version, require
from tests.support.stores import lines, txn

OVERLAY = {
    "schema": {1},
    "store": str,
    "folder": str,
    "adapter": str,
    "requested_target": MaybeVersion,
    "target_version": MaybeVersion,
    "restorable_to": Version,
    "files": [str],
    "derived": [{"handle": str, "spliced_from": str}],
    "private": bool,
    "gaps": [{"first": Version, "last": Version, "command": str}],
    "command": str,
}
#: Scenario: the code, how far stock restores through the overlay, and how many manifests are derived.
REACH = {
    "clean": (0, 13_000, 0),
    "same-range": (0, 11_999, 0),
    "two-batch-sizes": (0, 12_000, 0),
    "started-over": (0, 12_000, 0),
    "torn-compaction": (0, 17_000, 0),
    "gap": (4, 6_000, 0),
    "no-join": (0, 12_500, 1),
    "snapshot-tie": (0, 12_000, 0),
    "everything": (4, 18_000, 0),
}


def overlay(store: Path, folder: Path | str, *words: str, **how: Any) -> Outcome:
    return seamline("overlay", store, folder, *words, **how)


@pytest.mark.parametrize("name", REACH)
def test_through_the_overlay_stock_restores_as_far_as_the_chain_goes(
    name: str, demo_stores: Path, tmp_path: Path
) -> None:
    store, folder = demo_stores / name, tmp_path / "overlay"
    code, reach, derived = REACH[name]
    before = every_file(store)
    outcome = overlay(store, folder, "--json")
    require(OVERLAY, outcome.document)
    assert (outcome.code, outcome.err) == (code, "")
    assert (outcome.document["restorable_to"], len(outcome.document["derived"])) == (reach, derived)
    written = {*outcome.document["files"], *(each["handle"] for each in outcome.document["derived"]), "adapter.yaml"}
    assert set(every_file(folder)) == written
    assert every_file(store) == before

    # Seen as stock sees it: through the commands of the adapter, which read the chunks from the store.
    seen = seamline("check", folder / "adapter.yaml", "--json").document
    assert (seen["stock"]["restorable_to"], seen["stock"]["latest"]) == (reach, reach)
    wish = ("--target-version", str(reach))
    plan = seamline("restore-plan", "--command-adapter-config", folder / "adapter.yaml", *wish, "--json").document
    assert (plan["stock"]["ok"], plan["stock"]["lands_at"]) == (True, reach)


def test_the_command_is_ready_to_paste_but_for_the_database(demo_stores: Path, tmp_path: Path) -> None:
    folder = tmp_path / "an overlay"
    outcome = overlay(demo_stores / "no-join", folder)
    assert outcome.code == 0
    assert outcome.out.startswith("DONE  with this overlay stock restores to 12,500\n")
    [go] = [line.removeprefix("  now      ") for line in outcome.out.splitlines() if line.startswith("  now ")]
    words = shlex.split(go)
    assert words[:3] == ["aptos-db-tool", "restore", "bootstrap-db"]
    assert words[words.index("--command-adapter-config") + 1] == str(folder / "adapter.yaml")
    assert words[words.index("--target-version") + 1] == "12500"


def test_what_is_missing_is_said_in_words(demo_stores: Path, tmp_path: Path) -> None:
    outcome = overlay(demo_stores / "gap", tmp_path / "overlay")
    assert outcome.code == 4
    assert outcome.out.startswith("SHORT  with this overlay stock restores to 6,000 only, not to 12,000\n")
    assert "aptos-db-tool backup oneoff transaction --start-version 6001 --num_transactions 1000" in outcome.out
    below = overlay(demo_stores / "gap", tmp_path / "below", "--target-version", "5500", "--json")
    assert (below.code, below.document["restorable_to"]) == (0, 5_500)


def test_the_options_of_a_restore_plan_decide(demo_stores: Path, tmp_path: Path) -> None:
    store = demo_stores / "same-range"
    first = seamline("restore-plan", store, "--json").document["chain"]["transactions"][0]["manifest"]
    overlay(store, tmp_path / "overlay", "--veto", first)
    seen = seamline("restore-plan", tmp_path / "overlay" / "adapter.yaml", "--json").document
    assert first not in [each["manifest"] for each in seen["chain"]["transactions"]]
    assert seen["chain"]["complete"]
    assert overlay(store, tmp_path / "other", "--pin", "no-such").code == 2
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("as_json", [True, False])
def test_a_folder_that_is_not_new_or_lies_in_the_store_is_refused(
    demo_stores: Path, tmp_path: Path, as_json: bool
) -> None:
    store, taken = demo_stores / "no-join", tmp_path / "taken"
    taken.mkdir()
    (taken / "mine").write_text("mine")
    before = every_file(store)
    for folder in (taken, taken / "mine", store, store / "overlay", store / "metadata", ""):
        outcome = overlay(store, folder, *(["--json"] if as_json else []))
        assert outcome.code == 2, folder
        assert outcome.document["error"]["hint"] if as_json else "hint: " in outcome.err
    assert every_file(store) == before
    assert every_file(taken) == {"mine": b"mine"}
    # The same again: what is there is not replaced.
    assert [overlay(store, tmp_path / "overlay").code for _ in range(2)] == [0, 2]


def test_where_no_restore_is_possible_nothing_is_written(tmp_path: Path) -> None:
    store = tmp_path / "store"
    (store / "metadata").mkdir(parents=True)
    assert overlay(store, tmp_path / "overlay").code == 20
    (store / "metadata" / "transaction_0-99.meta").write_bytes(lines(txn(0, 99)))
    outcome = overlay(store, tmp_path / "overlay", "--json")
    assert (outcome.code, outcome.document["error"]["kind"]) == (6, "refused")
    assert not (tmp_path / "overlay").exists()


@pytest.mark.parametrize("kind", ["missing", "file", "no metadata"])
def test_what_is_no_store_has_no_overlay(kind: str, tmp_path: Path) -> None:
    store = tmp_path / "store"
    if kind == "file":
        store.write_text("hello")
    elif kind == "no metadata":
        store.mkdir()
    outcome = overlay(store, tmp_path / "overlay", "--json")
    assert (outcome.code, outcome.document["error"]["kind"]) == (20, "unreachable")
    assert not (tmp_path / "overlay").exists()


def test_a_missing_word_is_named(demo_stores: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = demo_stores / "no-join"
    outcome = seamline("overlay", store)
    assert outcome.code == 2 and "hint: " in outcome.err
    monkeypatch.setenv("SEAMLINE_STORE", str(store))
    assert seamline("overlay", tmp_path / "one").code == 0
    assert seamline("overlay", "--local-fs-dir", store, tmp_path / "two").code == 0
    monkeypatch.delenv("SEAMLINE_STORE")
    assert seamline("overlay", "--local-fs-dir", store).code == 2


def test_an_overlay_of_an_overlay_shows_the_same(demo_stores: Path, tmp_path: Path) -> None:
    """A store behind a command adapter has one as well, and nothing can be written through either."""
    overlay(demo_stores / "no-join", tmp_path / "one")
    again = overlay(tmp_path / "one" / "adapter.yaml", tmp_path / "two", "--json")
    assert (again.code, again.document["restorable_to"], again.document["private"]) == (0, 12_500, True)
    steps = seamline("restore-plan", tmp_path / "two" / "adapter.yaml", "--json")
    assert steps.code == 0
    for words in (["compact"], ["repair"], ["undo"]):
        outcome = seamline(words[0], tmp_path / "two" / "adapter.yaml", "--yes", "--json")
        assert (outcome.code, outcome.document["error"]["kind"]) == (6, "no-lease"), outcome.out
        assert "--lease" in outcome.document["error"]["hint"]
