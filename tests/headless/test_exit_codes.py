"""Exit codes: scripts branch on them, so each state of a store has exactly one, and nothing to check is never green."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.demo import SCENARIOS
from core.host import FixedHost
from core.model import IdentityRecord
from tests.support.commands import seamline
from tests.support.hazards import example_store
from tests.support.stores import lines, txn

#: Scenario: check, restore-plan to everything, compact at factor 1, compact at factor 100, repair.
CODES = {
    "clean": (0, 0, 0, 0, 0),
    "same-range": (4, 4, 6, 6, 0),
    "two-batch-sizes": (4, 4, 6, 6, 0),
    "started-over": (4, 4, 6, 6, 0),
    "torn-compaction": (4, 4, 6, 6, 0),
    "gap": (4, 4, 6, 6, 4),
    "no-join": (4, 4, 6, 6, 0),
    "snapshot-tie": (3, 4, 6, 0, 0),
    "everything": (4, 4, 6, 6, 4),
    "race": (3, 0, 0, 0, 0),
}
HUNDRED = (
    "--epoch-ending-file-compact-factor",
    "100",
    "--state-snapshot-file-compact-factor",
    "100",
    "--transaction-file-compact-factor",
    "100",
)


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_sample_store_has_its_codes(name: str, demo_stores: Path) -> None:
    store = demo_stores / name
    codes = (
        seamline("check", store).code,
        seamline("restore-plan", store).code,
        seamline("compact", store, "--dry-run").code,
        seamline("compact", store, "--dry-run", *HUNDRED).code,
        seamline("repair", store, "--dry-run").code,
    )
    assert codes == CODES[name]


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_code_does_not_depend_on_who_reads_the_answer(name: str, demo_stores: Path) -> None:
    store = demo_stores / name
    assert {seamline("check", store, *how).code for how in ([], ["--json"], ["--json-lines"])} == {CODES[name][0]}
    assert seamline("restore-plan", store, "--json").code == CODES[name][1]
    assert seamline("compact", store, "--dry-run", "--json").code == CODES[name][2]
    assert seamline("repair", store, "--dry-run", "--json").code == CODES[name][4]


def test_a_deeper_look_may_find_more(demo_stores: Path) -> None:
    """The second snapshot lacks a chunk, which level 3 sees: stock would pick it and fail."""
    codes = [seamline("check", demo_stores / "snapshot-tie", "--level", str(level)).code for level in range(5)]
    assert codes == [0, 3, 3, 4, 4]


def test_a_clean_store_is_clean_at_every_level(demo_stores: Path) -> None:
    assert [seamline("check", demo_stores / "clean", "--level", str(level)).code for level in range(5)] == [0] * 5


def test_a_target_below_the_trouble_works_today(demo_stores: Path) -> None:
    store = demo_stores / "gap"
    assert seamline("restore-plan", store, "--target-version", "6000").code == 0
    # In the gap stock reports success and lands below: no success for an operator.
    outcome = seamline("restore-plan", store, "--target-version", "6500")
    assert outcome.code == 4
    assert outcome.out.startswith("SHORT")
    assert seamline("restore-plan", store, "--target-version", "7001").code == 4


def test_a_target_above_the_latest_version_is_not_reached(demo_stores: Path) -> None:
    outcome = seamline("restore-plan", demo_stores / "clean", "--target-version", "13,001")
    assert outcome.code == 4
    assert "lands at 13,000 instead of 13,001" in outcome.out


def _store(folder: Path, **files: bytes) -> Path:
    (folder / "metadata").mkdir(parents=True)
    for name, content in files.items():
        (folder / "metadata" / f"{name}.meta").write_bytes(content)
    return folder


COMMANDS = (
    ["check"],
    ["check", "--level", "0"],
    ["check", "--level", "4"],
    ["restore-plan"],
    ["compact", "--dry-run"],
    ["repair", "--dry-run"],
)
NOTHING: dict[str, dict[str, bytes]] = {
    "no file": {},
    "an identity": {"identity": lines(IdentityRecord("0" * 64))},
    "an empty file": {"transaction_0-9": b""},
}


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("kind", NOTHING)
def test_nothing_to_check_is_never_green(kind: str, words: list[str], tmp_path: Path) -> None:
    store = _store(tmp_path / "store", **NOTHING[kind])
    before = sorted(store.rglob("*"))
    for output in ([], ["--json"]):
        assert seamline(words[0], store, *words[1:], *output).code == 20
    assert sorted(store.rglob("*")) == before


def test_an_empty_store_is_not_the_same_as_a_broken_one(tmp_path: Path) -> None:
    """A line that stock refuses is something to report, even if there is no other."""
    store = _store(tmp_path / "store", x=b"{}\n")
    outcome = seamline("check", store, "--json")
    assert (outcome.code, outcome.document["verdict"]) == (4, "broken")
    assert outcome.document["findings"]


def test_transactions_without_a_snapshot_can_not_be_restored(tmp_path: Path) -> None:
    store = _store(tmp_path / "store", transaction_0=lines(txn(0, 99)))
    assert seamline("check", store).code == 4
    assert seamline("restore-plan", store).code == 4


@pytest.mark.parametrize("words", [*COMMANDS, ["check", "--json-lines"]], ids=" ".join)
@pytest.mark.parametrize("kind", ["missing", "file", "no metadata", "metadata itself", "loop", "long", "below a file"])
def test_what_is_no_store_can_not_be_reached(kind: str, words: list[str], tmp_path: Path) -> None:
    store = tmp_path / "store"
    if kind == "file":
        store.write_text("hello")
    elif kind == "no metadata":
        store.mkdir()
    elif kind == "metadata itself":
        _store(store)
        store /= "metadata"
    elif kind == "loop":
        store.symlink_to(store)
    elif kind == "long":
        store /= "x" * 5_000
    elif kind == "below a file":
        (tmp_path / "file").write_text("")
        store = tmp_path / "file" / "store"
    before = sorted(tmp_path.rglob("*"))
    outcome = seamline(words[0], store, *words[1:])
    assert outcome.code == 20
    if "--json-lines" not in words:
        assert outcome.out == ""
        assert outcome.err.startswith("seamline: ")
        assert "hint: " in outcome.err
    document = seamline(words[0], store, *(each for each in words[1:] if each != "--json-lines"), "--json").document
    assert document["error"]["code"] == 20
    assert document["error"]["kind"] == "unreachable"
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable for root")
def test_an_unreadable_folder_can_not_be_reached(tmp_path: Path) -> None:
    store = _store(tmp_path / "store", transaction_0=lines(txn(0, 99)))
    (store / "metadata").chmod(0)
    try:
        assert seamline("check", store).code == 20
    finally:
        (store / "metadata").chmod(0o700)


def test_a_store_of_the_official_shape_is_clean(tmp_path: Path) -> None:
    store = example_store("mainnet-shape", tmp_path)
    copy = seamline("check", store, "--json")
    assert (copy.code, {each["kind"] for each in copy.document["findings"]} & {"metadata-only"}) == (
        3,
        {"metadata-only"},
    )
    assert seamline("restore-plan", store).code == 0
    plan = seamline("restore-plan", store, "--json").document
    (store / plan["chain"]["transactions"][0]["manifest"].partition("/")[0]).mkdir()
    assert seamline("check", store).code == 0


@pytest.mark.parametrize(
    ("name", "code"), [("started-over", 4), ("two-coordinators", 4), ("torn-compacted", 3), ("factor-one", 3)]
)
def test_stores_that_the_stock_tool_wrote_get_their_codes(name: str, code: int, tmp_path: Path) -> None:
    """The last two lost entries in silence: stock restores to what is left, and a check is not green."""
    assert seamline("check", example_store(name, tmp_path)).code == code


def test_a_fault_is_told_as_one_and_not_as_an_interruption(demo_stores: Path) -> None:
    class Ending(FixedHost):
        def now(self) -> float:
            raise EOFError("ran out of input")

    outcome = seamline("check", demo_stores / "clean", machine=Ending(0))
    assert outcome.code == 1 and "internal error, EOFError: ran out of input" in outcome.err
