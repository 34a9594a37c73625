"""A repair's plan in a file: carried out only if it still is the very plan, whatever else stands in the file."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.changed_stores import every_file, handles
from tests.support.commands import LATER, command, environment, seamline
from tests.support.machines import FakeMachine
from tests.support.repair_commands import cut_off_repair, repair
from tests.support.stores import lines, txn


@pytest.fixture
def store(copy_of: Callable[[str], Path]) -> Path:
    """A store that takes a derived manifest to repair."""
    return copy_of("no-join")


def test_a_plan_in_a_file_is_carried_out_as_it_stands_there(store: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    before = every_file(store)
    outcome = repair(store, "--plan-out", plan, "--json")
    assert (outcome.code, outcome.document["plan_file"]) == (0, str(plan))
    assert every_file(store) == before
    document = json.loads(plan.read_bytes())
    preview = outcome.document
    assert (document["schema"], document["store"], document["plan_id"]) == (1, str(store), preview["plan_id"])
    assert handles(document["writes"]) == handles(preview["writes"])

    checked = repair(store, "--plan", plan, "--dry-run")
    assert checked.code == 0
    assert f"  now      seamline repair {store} --plan {plan}\n" in checked.out
    assert every_file(store) == before

    done = repair(store, "--plan", plan, "--json", now=LATER + 1_000)
    assert done.code == 0
    assert done.document["applied"] is not None
    for write in [*document["writes"], *document["derived"]]:
        assert (store / write["handle"]).read_text() == write["content"]
    assert {mark["handle"] for mark in document["metadata"]} == {f"metadata/{name}" for name in before_names(before)}


def before_names(files: dict[str, bytes]) -> set[str]:
    return {path.removeprefix("metadata/") for path in files if path.startswith("metadata/")}


def test_a_plan_holds_the_choices_it_was_made_with(copy_of: Callable[[str], Path], tmp_path: Path) -> None:
    store, plan = copy_of("same-range"), tmp_path / "plan.json"
    [rejected] = repair(store, "--dry-run", "--json").document["rejected"]
    pin = rejected["manifest"]
    assert repair(store, "--policy", "newest", "--pin", pin, "--park-tail", "--plan-out", plan).code == 0
    assert json.loads(plan.read_bytes())["options"] == {
        "policy": "newest", "pins": [pin], "vetoes": [], "park_tail": True,
    }  # fmt: skip
    done = repair(store, "--plan", plan, "--json")
    assert done.code == 0
    assert pin not in {each["manifest"] for each in done.document["rejected"]}


def test_a_plan_of_an_everyday_store_outlasts_the_clock(copy_of: Callable[[str], Path], tmp_path: Path) -> None:
    """The timestamps file of `everything` is written anew: under another name at another time, in the same plan."""
    store, plan = copy_of("everything"), tmp_path / "plan.json"
    assert repair(store, "--plan-out", plan).code == 4
    assert json.loads(plan.read_bytes())["writes_timestamps"] is True
    assert repair(store, "--plan", plan, now=LATER + 90_000).code == 4
    assert repair(store, "--yes", now=LATER + 90_001).out.startswith("NOTHING")


def test_nothing_to_do_is_a_plan_as_well(copy_of: Callable[[str], Path], tmp_path: Path) -> None:
    store, plan = copy_of("clean"), tmp_path / "plan.json"
    before = every_file(store)
    assert repair(store, "--plan-out", plan).code == 0
    outcome = repair(store, "--plan", plan)
    assert (outcome.code, outcome.out[:7]) == (0, "NOTHING")
    assert every_file(store) == before


@pytest.mark.parametrize("how", ["came", "gone", "changed"])
def test_a_plan_for_a_store_that_has_changed_names_the_files(store: Path, tmp_path: Path, how: str) -> None:
    plan, changed = tmp_path / "plan.json", store / "metadata" / "transaction_5001-6000.meta"
    assert repair(store, "--plan-out", plan).code == 0
    if how == "came":
        changed = store / "metadata" / "new.meta"
        changed.write_bytes(lines(txn(12_501, 13_000)))
    elif how == "gone":
        # As a compaction does it, which is no listing that shrank.
        (store / "metadata_backup").mkdir(exist_ok=True)
        changed.rename(store / "metadata_backup" / changed.name)
    else:
        changed.write_bytes(changed.read_bytes() + b"\n")
    before = every_file(store)
    outcome = repair(store, "--plan", plan, "--json")
    assert (outcome.code, outcome.document["error"]["kind"]) == (5, "plan-outdated")
    assert f"metadata/{changed.name} " in outcome.document["error"]["message"]
    assert every_file(store) == before


def test_a_plan_whose_backups_have_changed_is_out_of_date(store: Path, tmp_path: Path) -> None:
    """No metadata file is another, but the chunks that the derived manifest was to list are gone."""
    plan = tmp_path / "plan.json"
    derived = repair(store, "--plan-out", plan, "--json").document["derived"][0]
    source = json.loads((store / derived["spliced_from"]).read_bytes())
    (store / source["chunks"][0]["transactions"]).unlink()
    before = every_file(store)
    outcome = repair(store, "--plan", plan)
    assert outcome.code == 5
    assert "no file of metadata/ has changed, and yet the plan is another now" in outcome.err
    assert every_file(store) == before


def test_a_store_that_changes_while_the_lease_is_waited_for_is_left_alone(store: Path, tmp_path: Path) -> None:
    class Meddling(FakeMachine):
        def process(self) -> Any:
            # Asked for when the lease is taken: the plan is compared by then.
            (store / "metadata" / "new.meta").write_bytes(lines(txn(12_501, 13_000)))
            return super().process()

    plan = tmp_path / "plan.json"
    assert repair(store, "--plan-out", plan).code == 0
    outcome = repair(store, "--plan", plan, machine=Meddling(moment=LATER))
    assert outcome.code == 5
    assert "new.meta came" in outcome.err
    assert not (store / "seamline").exists()


def test_a_plan_whose_store_had_something_to_finish_first_is_out_of_date(store: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    assert repair(store, "--plan-out", plan).code == 0
    operation = cut_off_repair(store, 1)
    outcome = repair(store, "--plan", plan)
    assert outcome.code == 5
    assert f"operation {operation}, which had been interrupted, was finished" in outcome.err
    assert "the store has changed since the plan: 2 files changed" in outcome.err
    assert seamline("restore-plan", store).code == 0


def test_hostile_names_stand_harmlessly_in_a_plan(store: Path, tmp_path: Path) -> None:
    """An escape sequence, a bidi control and a bomb; the file stays, and is compared like every other."""
    plan, odd = tmp_path / "plan.json", store / "metadata" / "evil\x1b[2J\u202e\U0001f4a3.meta"
    odd.write_bytes((store / "metadata" / "transaction_0-0.meta").read_bytes())
    assert repair(store, "--plan-out", plan).code == 0
    assert plan.read_bytes().isascii() and b"\x1b" not in plan.read_bytes()
    before = every_file(store)
    odd.write_bytes(odd.read_bytes() * 2)
    outcome = repair(store, "--plan", plan)
    assert outcome.code == 5
    assert "evil" in outcome.err and "\x1b" not in outcome.err
    odd.write_bytes(before[f"metadata/{odd.name}"])
    assert repair(store, "--plan", plan).code == 0


def test_a_full_disk_leaves_no_half_a_plan(store: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    words = shlex.join(command("repair", store, "--plan-out", plan, "--json"))
    # One block of 1,024 bytes fits into a file.
    done = subprocess.run(
        ["bash", "-c", f"ulimit -f 1; exec {words}"],
        # Python writes bytecode whole or torn, as the disk lets it.
        env=environment(XDG_STATE_HOME=str(tmp_path), PYTHONDONTWRITEBYTECODE="1"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["error"]["kind"] == "write-failed"
    assert not plan.exists()


EDITS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "content": lambda plan: plan["writes"][0].update(content="{}\n"),
    "handle": lambda plan: plan["writes"][0].update(handle="metadata/evil.meta"),
    "derived": lambda plan: plan["derived"].clear(),
    "retires": lambda plan: plan["retires"][0].update(target="metadata_backup/elsewhere.meta"),
    "outside": lambda plan: plan["writes"].append({"handle": "../../x", "lines": 1, "content": "x"}),
    "rejected": lambda plan: plan.update(rejected=7),
    "parked": lambda plan: plan.update(parked=7),
    "timestamps": lambda plan: plan.update(writes_timestamps=True),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_plan_is_not_carried_out(store: Path, tmp_path: Path, name: str) -> None:
    plan = tmp_path / "plan.json"
    assert repair(store, "--plan-out", plan).code == 0
    document = json.loads(plan.read_bytes())
    EDITS[name](document)
    plan.write_text(json.dumps(document))
    before = every_file(store)
    outcome = repair(store, "--plan", plan, "--json")
    assert (outcome.code, outcome.document["error"]["kind"]) == (2, "usage")
    assert "was edited" in outcome.document["error"]["message"]
    assert every_file(store) == before


@pytest.mark.parametrize("options", [{"policy": "newest"}, {"park_tail": True}, {"vetoes": ["x"]}], ids=str)
def test_other_options_make_another_plan_or_are_told_as_an_edit(
    copy_of: Callable[[str], Path], tmp_path: Path, options: dict[str, Any]
) -> None:
    store, plan = copy_of("everything"), tmp_path / "plan.json"
    assert repair(store, "--plan-out", plan).code == 4
    document = json.loads(plan.read_bytes())
    document["options"].update(options)
    plan.write_text(json.dumps(document))
    before = every_file(store)
    planned = repair(store, "--plan", plan, "--dry-run", "--json")
    # Where it is the same change to the last byte, it is the same plan.
    assert planned.code in (2, 5) or planned.document["plan_id"] == document["plan_id"]
    assert every_file(store) == before


HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is no plan of a repair"),
    "text": (b"rm -rf /\n", "is no plan of a repair"),
    "bytes": (b"\xff\xfe\x00", "is no plan of a repair"),
    "deep": (b"[" * 200_000, "is no plan of a repair"),
    "deeper": (b'{"schema":1,"operation":"repair","store":' + b"[" * 200_000, "is no plan of a repair"),
    "list": (b"[]", "is no plan of a repair"),
    "other operation": (b'{"schema":1,"operation":"compact"}', "operation 'compact'"),
    "other schema": (b'{"schema":2,"operation":"repair"}', "schema 2"),
    "fields missing": (b'{"schema":1,"operation":"repair"}', "is no plan of a repair"),
    "escape sequence": (b'{"schema":1,"operation":"\\u001b[2J"}', "is no plan of a repair"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_plan_is_refused_with_a_reason(store: Path, tmp_path: Path, name: str) -> None:
    content, said = HOSTILE[name]
    plan = tmp_path / "plan.json"
    plan.write_bytes(content)
    before = every_file(store)
    outcome = repair(store, "--plan", plan)
    assert outcome.code == 2
    assert said in outcome.err and "hint: " in outcome.err
    assert "\x1b" not in outcome.err and "Traceback" not in outcome.err
    assert every_file(store) == before


@pytest.mark.parametrize(
    "field", ["store", "plan_id", "options", "writes", "retires", "metadata", "rejected", "parked"]
)
@pytest.mark.parametrize("value", [None, 7, "x", [7], {"a": 1}, [{"handle": 1}]], ids=str)
def test_a_plan_with_fields_of_other_kinds_is_refused(store: Path, tmp_path: Path, field: str, value: Any) -> None:
    plan = tmp_path / "plan.json"
    assert repair(store, "--plan-out", plan).code == 0
    document = json.loads(plan.read_bytes())
    document[field] = value
    plan.write_text(json.dumps(document))
    outcome = repair(store, "--plan", plan, "--json")
    expected = 5 if (field, value) == ("plan_id", "x") else 2
    assert (outcome.code, outcome.err) == (expected, "")
    assert not (store / "seamline").exists()


def test_a_plan_that_is_no_plain_file_or_too_large_is_refused_at_once(store: Path, tmp_path: Path) -> None:
    fifo, large = tmp_path / "fifo", tmp_path / "large"
    os.mkfifo(fifo)
    with large.open("wb") as file:
        file.truncate(4 << 40)
    for path, said in (
        (fifo, "it is no plain file"),
        (Path("/dev/zero"), "it is no plain file"),
        (tmp_path, "no plan of a repair"),
        (tmp_path / "none", "No such file"),
        (large, "it has 4,398,046,511,104 bytes"),
    ):
        outcome = repair(store, "--plan", path)
        assert outcome.code == 2, path
        assert said in outcome.err


def test_a_plan_for_another_store_is_refused(copy_of: Callable[[str], Path], tmp_path: Path) -> None:
    plan, other = tmp_path / "plan.json", tmp_path / "other"
    store = copy_of("no-join")
    shutil.copytree(store, other)
    assert repair(store, "--plan-out", plan).code == 0
    outcome = repair(other, "--plan", plan)
    assert outcome.code == 2
    assert "is a plan for another store" in outcome.err
    assert not (other / "seamline").exists()
    # The same store under another name is the same store.
    (tmp_path / "link").symlink_to(store)
    assert repair(tmp_path / "link", "--plan", plan).code == 0


def test_a_plan_file_is_new_and_lies_outside_of_the_store(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, link = tmp_path / "taken", tmp_path / "link"
    taken.write_text("mine")
    link.symlink_to(store / "metadata" / "evil.meta")
    (tmp_path / "way").symlink_to(store / "metadata")
    before = every_file(store)
    monkeypatch.chdir(store)
    for path in (
        taken, link, store / "plan.json", store / "metadata" / "x.meta", tmp_path / "way" / "x.meta", "plan.json", "",
        tmp_path / "none" / "x", tmp_path,
    ):  # fmt: skip
        outcome = repair(store, "--plan-out", path)
        assert (outcome.code, outcome.out) == (2, ""), path
    assert every_file(store) == before
    assert taken.read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--plan-out", "x", "--yes"], "--plan-out only previews"),
        (["--plan-out", "x", "--plan", "y"], "--plan-out only previews"),
        (["--dry-run", "--yes"], "contradict each other"),
        (["--plan", "x", "--policy", "verified"], "--policy and --plan contradict each other"),
        (["--plan", "x", "--pin", "m"], "--pin and --plan contradict each other"),
        (["--plan", "x", "--veto", "m"], "--veto and --plan contradict each other"),
        (["--plan", "x", "--park-tail"], "--park-tail and --plan contradict each other"),
        ([], "nothing is written without being asked for"),
    ],
    ids=str,
)
def test_flags_that_contradict_each_other_are_refused(words: list[str], said: str, store: Path) -> None:
    outcome = repair(store, *words, "--json")
    assert outcome.code == 2
    assert said in outcome.document["error"]["message"]
