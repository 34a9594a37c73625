"""`seamline repair`: what is previewed is what is carried out, or nothing is; and it is taken back to the last byte."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.change_sets import look_at, metadata_of, tree
from tests.support.changed_stores import HUNDRED, every_file, handles
from tests.support.commands import LATER, command, environment, seamline, seamline_process
from tests.support.repair_commands import cut_off_repair, repair
from tests.support.repaired_stores import conflicting_folder, write_again
from tests.support.shapes import STOCK, Version, nullable, require
from tests.support.stores import epoch, lines, txn
from tests.support.terminals import converse

ENTRY = {"lane": str, "first_version": Version, "last_version": Version, "manifest": str, "files": [str]}
REPAIR = {
    "schema": {1},
    "operation": {"repair"},
    "refused": nullable({"kind": str, "explanation": str}),
    "writes": [{"handle": str, "lines": Version, "bytes": Version}],
    "retires": [{"handle": str, "because": str, "to": str}],
    "expires": [{"handle": str, "at": Version}],
    "files_before": Version,
    "files_after": Version,
    "derived": [{"handle": str, "spliced_from": str, "first": Version, "last": Version, "chunks": Version}],
    "recovered": [ENTRY],
    "rejected": [ENTRY | {"reason": str}],
    "parked": [ENTRY | {"reason": str}],
    "side_effects": [str],
    "minimal": bool,
    "gaps": [{"first": Version, "last": Version, "command": str}],
    "stock_before": STOCK,
    "stock_after": STOCK,
    "plan_id": str,
    "applied": nullable({"operation_id": str, "seconds": float, "notes": [str]}),
    "resumed": [str],
    "interrupted": [str],
    "plan_file": nullable(str),
}
#: Scenario: the code of a repair, and how far stock restores before and after it.
BROKEN: dict[str, tuple[int, int | None, int]] = {
    "same-range": (0, None, 11_999),
    "two-batch-sizes": (0, 5_000, 12_000),
    "started-over": (0, None, 12_000),
    "torn-compaction": (0, 6_000, 17_000),
    "no-join": (0, 5_500, 12_500),
    "snapshot-tie": (0, 10_872, 12_000),
    "everything": (4, 2_500, 18_000),
}


@pytest.fixture
def store(copy_of: Callable[[str], Path]) -> Path:
    """A store that takes a derived manifest to repair."""
    return copy_of("no-join")


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_store_is_repaired_and_the_repair_is_undone(name: str, copy_of: Callable[[str], Path]) -> None:
    store, (code, reach_before, reach_after) = copy_of(name), BROKEN[name]
    original, everything = metadata_of(store), every_file(store)
    assert seamline("check", store).code == (3 if name == "snapshot-tie" else 4)

    preview = repair(store, "--dry-run", "--json")
    require(REPAIR, preview.document)
    assert preview.code == code
    assert every_file(store) == everything
    assert preview.document["stock_before"]["restorable_to"] == reach_before
    assert preview.document["stock_after"]["restorable_to"] == reach_after

    done = repair(store, "--yes", "--if-plan", preview.document["plan_id"], "--json")
    require(REPAIR, done.document)
    assert (done.code, done.err) == (code, "")
    # The timestamps file is named after the moment, which is the same for both here.
    same = ("writes", "retires", "derived", "recovered", "rejected", "side_effects", "plan_id", "stock_after")
    assert {field: done.document[field] for field in same} == {field: preview.document[field] for field in same}
    assert len(metadata_of(store)) == done.document["files_after"]
    for derived in done.document["derived"]:
        manifest = json.loads((store / derived["handle"]).read_bytes())
        assert len(manifest["chunks"]) == derived["chunks"]

    stock = seamline("restore-plan", store, "--target-version", str(reach_after), "--json").document["stock"]
    assert (stock["ok"], stock["lands_at"]) == (True, reach_after)
    assert seamline("check", store, "--json").document["stock"]["restorable_to"] == reach_after

    repaired = every_file(store)
    again = repair(store, "--yes", "--json")
    assert (again.code, again.document["applied"], again.document["writes"]) == (code, None, [])
    assert (again.document["retires"], again.document["derived"], again.document["rejected"]) == ([], [], [])
    assert repair(store, "--yes").out.startswith("NOTHING  there is nothing ")
    assert every_file(store) == repaired

    undone = seamline("undo", store, "--yes", "--json")
    assert (undone.code, undone.document["undoes"]) == (0, done.document["applied"]["operation_id"])
    assert metadata_of(store) == original
    after = every_file(store)
    assert {path: after[path] for path in everything} == everything


@pytest.mark.parametrize("name", ["no-join", "torn-compaction"])
def test_what_was_undone_can_be_repaired_again(name: str, copy_of: Callable[[str], Path]) -> None:
    store = copy_of(name)
    first = repair(store, "--yes", "--json").document
    assert seamline("undo", store, "--yes", now=LATER + 10).code == 0
    second = repair(store, "--yes", "--json", now=LATER + 20)
    assert second.code == 0
    assert second.document["rejected"] == first["rejected"]
    # The derived manifest is there already: its line is brought back like any other.
    come = [each["manifest"] for each in second.document["recovered"]]
    assert set(come) == {*handles(first["derived"]), *(each["manifest"] for each in first["recovered"])}
    assert seamline("restore-plan", store).code == 0


@pytest.mark.parametrize("factors", [[], HUNDRED], ids=["1", "100"])
@pytest.mark.parametrize("name", [name for name in BROKEN if name != "everything"])
def test_a_repaired_store_can_be_compacted(name: str, factors: list[str], copy_of: Callable[[str], Path]) -> None:
    store = copy_of(name)
    assert repair(store, "--yes").code == 0
    reach = seamline("check", store, "--json").document["stock"]
    assert seamline("compact", store, *factors, "--yes", now=LATER + 10).code == 0
    assert seamline("compact", store, *factors, "--yes", now=LATER + 200_000).code == 0
    assert seamline("check", store, "--json", now=LATER + 200_001).document["stock"] == reach


def test_people_read_what_goes_what_comes_and_how_it_is_taken_back(store: Path) -> None:
    preview = repair(store, "--dry-run")
    assert preview.out.startswith("READY  1 derived manifest, 1 new file, 1 set aside; nothing was written\n")
    go = next(line for line in preview.out.splitlines() if line.startswith("  now      "))
    done = seamline(*go.removeprefix("  now      seamline ").split(" "))
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("DONE  1 derived manifest, 1 new file, 1 set aside, in ")
    assert "stock restores to 5,500; after it stock restores to 12,500" in done.out
    back = next(line for line in done.out.splitlines() if line.startswith("  undo     "))
    assert seamline(*back.removeprefix("  undo     seamline ").split(" "), "--yes").code == 0


def test_a_true_gap_is_named_with_the_command_that_closes_it(copy_of: Callable[[str], Path]) -> None:
    store = copy_of("gap")
    before = every_file(store)
    outcome = repair(store, "--yes")
    assert outcome.code == 4
    assert outcome.out.startswith("NOTHING  there is nothing that a repair could do: see what is missing\n")
    assert (
        f"backup oneoff transaction --start-version 6001 --num_transactions 1000 --local-fs-dir {store}" in outcome.out
    )
    assert every_file(store) == before
    parked = repair(store, "--park-tail", "--dry-run", "--json")
    after = parked.document["stock_after"]
    assert (parked.code, after["ok"], after["restorable_to"], after["latest"]) == (0, True, 6000, 6000)
    assert (parked.document["rejected"], repair(store, "--dry-run", "--json").document["parked"]) == ([], [])
    assert [each["first_version"] for each in parked.document["parked"] if each["lane"] == "transactions"] == [
        7_001, 8_001, 9_001, 10_001, 11_001,
    ]  # fmt: skip
    assert repair(store, "--park-tail", "--yes").code == 0
    assert seamline("restore-plan", store).code == 0


def test_pins_and_vetoes_decide_and_stand_in_the_next_command(copy_of: Callable[[str], Path]) -> None:
    store = copy_of("same-range")
    [rejected] = repair(store, "--dry-run", "--json").document["rejected"]
    other = repair(store, "--pin", rejected["manifest"], "--dry-run", "--json").document
    assert [each["manifest"] for each in other["rejected"]] != [rejected["manifest"]]
    assert other["stock_after"]["restorable_to"] == 11_999
    text = repair(store, "--policy", "newest", "--pin", rejected["manifest"], "--dry-run").out
    assert f"repair {store} --policy newest --pin {rejected['manifest']} --yes --if-plan " in text
    assert repair(store, "--veto", "no-such", "--dry-run").code == 2
    both = repair(store, "--pin", rejected["manifest"], "--veto", rejected["manifest"], "--dry-run")
    assert both.code == 2 and "--pin and --veto both name" in both.err


def test_without_a_snapshot_that_may_be_used_nothing_is_green(copy_of: Callable[[str], Path]) -> None:
    store = copy_of("same-range")
    lane = look_at(store).index.state_snapshots
    vetoes = [word for row in range(len(lane)) for word in ("--veto", lane.manifest(row))]
    outcome = repair(store, *vetoes, "--dry-run")
    assert outcome.code == 6 and "no state snapshot" in outcome.err + outcome.out


def test_another_plan_than_the_one_that_was_seen_is_not_carried_out(store: Path) -> None:
    plan = repair(store, "--dry-run", "--json").document["plan_id"]
    (store / "metadata" / "more.meta").write_bytes(lines(txn(12_501, 13_000)))
    before = tree(store)
    outcome = repair(store, "--yes", "--if-plan", plan, "--json")
    assert (outcome.code, outcome.document["error"]["kind"]) == (5, "plan-outdated")
    assert tree(store) == before


def test_a_hazard_in_the_way_is_named_and_nothing_is_written(store: Path) -> None:
    (store / "metadata" / "folder.meta").mkdir()
    before = every_file(store)
    outcome = repair(store, "--yes", "--json")
    assert outcome.code == 6
    assert outcome.document["refused"]["kind"] == "foreign-file-in-metadata"
    assert (outcome.document["applied"], outcome.document["writes"], outcome.document["plan_id"]) == (None, [], "")
    text = repair(store, "--yes")
    assert text.out.startswith("REFUSED  this store is not repaired; nothing was written\n")
    assert every_file(store) == before


def test_a_listing_that_shrank_is_not_planned_on(store: Path) -> None:
    assert repair(store, "--dry-run").code == 0
    (store / "metadata" / "transaction_5001-6000.meta").unlink()
    before = every_file(store)
    assert repair(store, "--yes").code == 20
    assert every_file(store) == before
    assert repair(store, "--dry-run", "--accept-shrunk-listing").code in {0, 4}


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_what_was_interrupted_is_finished_first(store: Path, steps: int) -> None:
    operation = cut_off_repair(store, steps)
    preview = repair(store, "--dry-run")
    assert f"operation {operation} was interrupted" in preview.err
    outcome = repair(store, "--yes", "--json")
    assert (outcome.code, outcome.document["resumed"]) == (0, [operation])
    assert outcome.document["applied"] is None
    assert seamline("restore-plan", store).code == 0


SIGNAL_AT_MANIFEST = """
import signal, sys
from tui.headless.main import run

def interrupt(event, arguments):
    if event == "open" and str(arguments[0]).endswith("transaction.manifest"):
        signal.raise_signal(signal.SIGINT)
sys.addaudithook(interrupt)
sys.exit(run({arguments!r}))
"""


@pytest.mark.parametrize(
    "words", [["repair", "--yes"], ["repair", "--dry-run"], ["restore-plan"], ["overlay"]], ids=str
)
def test_who_stops_while_manifests_are_read_has_changed_nothing(store: Path, tmp_path: Path, words: list[str]) -> None:
    before = every_file(store)
    where = [str(store), str(tmp_path / "overlay")] if words == ["overlay"] else [str(store)]
    arguments = [words[0], *where, *words[1:], "--json"]
    program = SIGNAL_AT_MANIFEST.format(arguments=arguments)
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 130, done.stderr
    assert json.loads(done.stdout)["error"]["kind"] == "interrupted"
    assert every_file(store) == before
    assert not (tmp_path / "overlay").exists()


def test_on_a_terminal_it_asks_for_the_word(store: Path) -> None:
    before = tree(store)
    no = converse(command("repair", store), [("anything else to leave: ", "yes\n")])
    assert no.code == 130
    assert "READY" in no.out and "nothing was written: that was not the word" in no.out
    assert tree(store) == before
    yes = converse(command("repair", store), [("Type repair to carry this out", "repair\n")])
    assert yes.code == 0
    assert "DONE" in yes.out
    assert seamline_process("restore-plan", store).code == 0


def test_the_log_tells_what_was_derived(store: Path) -> None:
    derived = repair(store, "--yes", "--json").document["derived"]
    [operation] = seamline("log", store, "--json").document["operations"]
    assert (operation["kind"], operation["derived"]) == ("repair", handles(derived))
    assert "1 derived, 1 written, 1 set aside" in seamline("log", store).out


def test_a_store_without_entries_is_never_green(tmp_path: Path) -> None:
    (tmp_path / "store" / "metadata").mkdir(parents=True)
    for words in (["--dry-run"], ["--yes"], ["--dry-run", "--json"]):
        assert repair(tmp_path / "store", *words).code == 20


def test_a_repair_names_the_epoch_gap_above_all_transactions_and_offers_to_park_what_lies_behind(
    tmp_path: Path,
) -> None:
    store = conflicting_folder(tmp_path / "store")
    write_again(store, epoch(3, 3, 400, 400), name="ahead.meta")
    document = repair(store, "--dry-run", "--json").document
    [gap] = document["gaps"]
    assert (gap["first"], gap["last"], gap["stops"]) == (2, 2, ["compaction", "verify"])
    assert "backup oneoff epoch-ending --start-epoch 2 --end-epoch 3" in gap["command"]
    assert repair(store, "--dry-run").out.count("--park-tail --dry-run") == 1
    parked = repair(store, "--park-tail", "--dry-run", "--json").document["parked"]
    assert [entry["first_epoch"] for entry in parked] == [3]
    plan = seamline("restore-plan", store, "--json").document
    assert [gap["stops"] for gap in plan["gaps"]] == [["compaction", "verify"]]


MIDDLE = "transaction_2501-.73b7/transaction.manifest"


def test_a_pin_that_no_chain_leads_through_is_said_and_has_to_be_accepted(copy_of: Callable[[str], Path]) -> None:
    store = copy_of("everything")
    before = every_file(store)
    document = repair(store, "--pin", MIDDLE, "--dry-run", "--json").document
    [unused] = document["unused_pins"]
    assert (unused["manifest"], document["unused_vetoes"], document["lowered_reach"]) == (MIDDLE, [], [])
    assert unused["reason"].startswith("no chain leads through it")
    preview = repair(store, "--pin", MIDDLE, "--dry-run")
    assert f"{MIDDLE} is chosen and can't be" in preview.out and "--accept-unused-choices --yes" in preview.out

    refused = repair(store, "--pin", MIDDLE, "--yes", "--json")
    assert (refused.code, refused.document["refused"]["kind"]) == (6, "unused-choice")
    assert refused.document["applied"] is None and every_file(store) == before
    assert repair(store, "--pin", MIDDLE, "--yes", "--accept-unused-choices", "--json").document["applied"]


def test_a_plan_with_an_unused_pin_holds_it_and_has_to_be_accepted_as_well(
    copy_of: Callable[[str], Path], tmp_path: Path
) -> None:
    store, plan = copy_of("everything"), tmp_path / "plan.json"
    assert repair(store, "--pin", MIDDLE, "--plan-out", plan).code == 4
    assert [each["manifest"] for each in json.loads(plan.read_text())["unused_pins"]] == [MIDDLE]
    before = every_file(store)
    refused = repair(store, "--plan", plan)
    assert refused.code == 6 and every_file(store) == before
    assert f"--accept-unused-choices --plan {plan}" in refused.out
    done = repair(store, "--plan", plan, "--accept-unused-choices", "--json")
    assert done.document["applied"] and done.code == 4


def test_whoever_is_asked_about_a_plan_without_their_choice_types_another_word(
    copy_of: Callable[[str], Path],
) -> None:
    store = copy_of("everything")
    before = metadata_of(store)
    question = "Type anyway to carry it out without what you chose"
    no = converse(command("repair", store, "--pin", MIDDLE), [(question, "repair\n")])
    assert no.code == 130 and "that was not the word" in no.out and metadata_of(store) == before
    assert converse(command("repair", store, "--pin", MIDDLE), [(question, "anyway\n")]).code == 4
    assert metadata_of(store) != before


def test_a_veto_that_costs_reach_says_from_what_to_what(copy_of: Callable[[str], Path]) -> None:
    store = copy_of("everything")
    veto = "transaction_1001-.de39/transaction.manifest"
    document = repair(store, "--veto", veto, "--pin", MIDDLE, "--dry-run", "--json").document
    assert document["lowered_reach"] == [{"manifests": [veto], "without": 18_000, "with": 1_000}]
    out = " ".join(repair(store, "--veto", veto, "--dry-run").out.split())
    assert "the chain reaches 18,000 without this choice, 1,000 with it" in out


def test_an_overlay_without_a_choice_has_to_be_accepted(copy_of: Callable[[str], Path], tmp_path: Path) -> None:
    store, folder = copy_of("everything"), tmp_path / "overlay"
    refused = seamline("overlay", store, folder, "--pin", MIDDLE, "--json")
    assert (refused.code, folder.exists()) == (6, False)
    assert "can't be used: no chain leads through it" in refused.document["error"]["message"]
    done = seamline("overlay", store, folder, "--pin", MIDDLE, "--accept-unused-choices", "--json")
    assert [each["manifest"] for each in done.document["unused_pins"]] == [MIDDLE] and folder.exists()
