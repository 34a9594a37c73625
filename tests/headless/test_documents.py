"""The JSON documents: every field of the contract, with the engine's values, as JSON that every parser takes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.demo import SCENARIOS
from core.model import LaneKind
from tests.support.commands import seamline
from tests.support.data import stock_vectors
from tests.support.hazards import look
from tests.support.shapes import STOCK, MaybeVersion, Version, nullable, require
from tests.support.stores import lines, txn
from tui.headless.documents.entries import entry_fields, lane_rows
from tui.headless.json_text import json_text

SEVERITIES = {"info", "warning", "error", "critical"}
LANES = {"transactions", "epoch_endings", "state_snapshots", "files"}


ENTRY = {"first_version": Version, "last_version": Version, "manifest": str, "files": [str]}
SNAPSHOT = {"epoch": Version, "version": Version, "manifest": str}
FINDING = {
    "id": str,
    "kind": str,
    "severity": SEVERITIES,
    "lane": LANES,
    "first": MaybeVersion,
    "last": MaybeVersion,
    "entries": [ENTRY],
    "stock_says": nullable(str),
    "explanation": str,
    "next_step": str,
    "then": nullable(str),
}
SUMMARY = {
    "schema": {1},
    "store": str,
    "verdict": {"clean", "restorable", "broken"},
    "counts": dict.fromkeys(("metadata_files", "lines", "epoch_endings", "state_snapshots", "transactions"), Version),
    "storage_state": dict.fromkeys(
        (
            "latest_epoch_ending_epoch",
            "latest_state_snapshot_epoch",
            "latest_state_snapshot_version",
            "latest_transaction_version",
        ),
        MaybeVersion,
    ),
    "stock": STOCK,
    "best": {"restorable_to": MaybeVersion, "needs": {"nothing", "overlay", "repair", "backup"}},
}
CHECK = SUMMARY | {"findings": [FINDING]}
PLAN = {
    "target_version": Version,
    "kv_snapshot": nullable(SNAPSHOT),
    "tree_snapshot": SNAPSHOT,
    "phase_1": bool,
    "txn_start_version": Version,
    "transaction_backups": [ENTRY],
    "epoch_ending_backups": [ENTRY],
    "phase_1_manifests": [str],
    "phase_2_manifests": [str],
}
RESTORE = {
    "schema": {1},
    "requested_target": MaybeVersion,
    "target_version": MaybeVersion,
    "stock": {"ok": bool, "error": nullable(str), "plan": nullable(PLAN)},
    "chain": {
        "complete": bool,
        "reaches": MaybeVersion,
        "transactions": [ENTRY | {"spliced_from": nullable(str)}],
        "epoch_endings": [ENTRY | {"spliced_from": nullable(str)}],
        "kv_snapshot": nullable(SNAPSHOT),
        "tree_snapshot": nullable(SNAPSHOT),
    },
    "next_steps": [str],
    "skipped": [{"first_version": Version, "last_version": Version, "manifest": str, "reason": str}],
    "gaps": [{"first": Version, "last": Version, "command": str}],
}
CHANGES = {
    "schema": {1},
    "operation": {"compact"},
    "refused": nullable({"kind": str, "explanation": str}),
    "writes": [{"handle": str, "lines": Version, "bytes": Version}],
    "retires": [{"handle": str, "because": str}],
    "expires": [{"handle": str, "at": Version}],
    "files_before": Version,
    "files_after": Version,
    "stock_before": STOCK,
    "stock_after": STOCK,
    "plan_id": str,
    "applied": nullable(dict),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_check_documents_hold_every_field(name: str, demo_stores: Path) -> None:
    for level in ("1", "4"):
        document = seamline("check", demo_stores / name, "--level", level, "--json").document
        require(CHECK, document)
        assert document["level"] == int(level)
        ids = [finding["id"] for finding in document["findings"]]
        assert len(ids) == len(set(ids))
        assert sorted(each for zone in document["zones"] for each in zone["findings"]) == sorted(ids)
        assert (document["verdict"] == "clean") == all(each["severity"] == "info" for each in document["findings"])


@pytest.mark.parametrize("name", SCENARIOS)
def test_restore_documents_hold_every_field(name: str, demo_stores: Path) -> None:
    for wish in (
        [],
        ["--target-version", "5000"],
        ["--target-version", "11000", "--ledger-history-start-version", "0"],
    ):
        document = seamline("restore-plan", demo_stores / name, *wish, "--json").document
        require(RESTORE, document)
        assert document["requested_target"] == (int(wish[1]) if wish else None)


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("factor", ["1", "3", "100"])
def test_compaction_documents_hold_every_field(name: str, factor: str, demo_stores: Path) -> None:
    wish = ("--transaction-file-compact-factor", factor, "--dry-run", "--json")
    document = seamline("compact", demo_stores / name, *wish).document
    require(CHANGES, document)
    assert document["applied"] is None
    assert document["files_before"] == len(list((demo_stores / name / "metadata").iterdir()))
    assert document["files_after"] == document["files_before"] + len(document["writes"]) - len(document["retires"])


def test_the_classic_case_is_told_in_full(demo_stores: Path) -> None:
    document = seamline("check", demo_stores / "same-range", "--json").document
    says = "Transaction backup ranges not continuous, expecting version 1000, got 0."
    assert document["stock"] == {
        "ok": False,
        "restorable_to": None,
        "latest": 11_999,
        "error": says,
        "first_failing_target": 0,
        "first_error": says,
    }
    assert document["best"] == {"restorable_to": 11_999, "needs": "overlay", "recoverable": 12_000}
    finding = next(each for each in document["findings"] if each["kind"] == "overlap-manifest")
    assert (finding["lane"], finding["first"], finding["last"]) == ("transactions", 0, 999)
    assert finding["stock_says"] == says
    manifests = {entry["manifest"] for entry in finding["entries"]}
    assert len(manifests) == 2
    for entry in finding["entries"]:
        assert (entry["first_version"], entry["last_version"]) == (0, 999)
        for file in entry["files"]:
            assert entry["manifest"] in (demo_stores / "same-range" / file).read_text()


def test_the_chain_beside_stocks_failure_covers_everything(demo_stores: Path) -> None:
    document = seamline("restore-plan", demo_stores / "same-range", "--json").document
    assert document["stock"]["ok"] is False
    assert document["stock"]["plan"] is None
    chain = document["chain"]
    assert (chain["complete"], chain["reaches"]) == (True, 11_999)
    following = 0
    for entry in chain["transactions"]:
        assert entry["first_version"] == following
        following = entry["last_version"] + 1
    assert following == 12_000
    rejected = [each for each in document["skipped"] if each["lane"] == "transactions"]
    assert [(each["first_version"], each["last_version"]) for each in rejected] == [(0, 999)]
    assert rejected[0]["manifest"] not in {entry["manifest"] for entry in chain["transactions"]}
    assert "another manifest is chosen" in rejected[0]["reason"]


def test_a_splice_says_what_it_is_cut_from_and_that_no_file_holds_its_line(demo_stores: Path) -> None:
    store = demo_stores / "no-join"
    document = seamline("restore-plan", store, "--json").document
    assert (document["chain"]["complete"], document["chain"]["reaches"]) == (True, 12_500)
    spliced = [each for each in document["chain"]["transactions"] if each["spliced_from"]]
    [derived] = seamline("repair", store, "--dry-run", "--json").document["derived"]
    assert [(each["manifest"], each["spliced_from"], each["files"]) for each in spliced] == [
        (derived["handle"], derived["spliced_from"], [])
    ]
    assert (store / derived["spliced_from"]).exists() and not (store / derived["handle"]).exists()
    whole = [each for each in document["chain"]["transactions"] if each["spliced_from"] is None]
    assert whole and all(each["files"] for each in whole)


def test_a_recovered_line_is_shown_where_it_stands(demo_stores: Path) -> None:
    store = demo_stores / "torn-compaction"
    chain = seamline("restore-plan", store, "--json").document["chain"]
    recovered = [each for each in chain["transactions"] if each["files"][0].startswith("metadata_backup/")]
    assert [each["first_version"] for each in recovered] == [6_001, 7_001, 8_001]
    for each in recovered:
        assert each["manifest"] in (store / each["files"][0]).read_text()


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_gets_further_than_stock_is_offered_and_nothing_else(name: str, demo_stores: Path) -> None:
    document = seamline("restore-plan", demo_stores / name, "--json").document
    steps, further = document["next_steps"], document["chain"]["reaches"] != document["stock"]["restorable_to"]
    assert bool(steps) == further
    if steps:
        repair, overlay = steps
        assert repair == f"seamline repair {demo_stores / name} --dry-run"
        assert overlay == f"seamline overlay {demo_stores / name} seamline-overlay"


def test_next_steps_hold_the_wishes(demo_stores: Path) -> None:
    store = demo_stores / "no-join"
    wish = ("--target-version", "12000", "--policy", "newest")
    repair, overlay = seamline("restore-plan", store, *wish, "--json").document["next_steps"]
    assert repair == f"seamline repair {store} --policy newest --dry-run"
    assert overlay == f"seamline overlay {store} seamline-overlay --target-version 12000 --policy newest"


def test_next_steps_hold_no_veto_that_nobody_gave(demo_stores: Path, tmp_path: Path) -> None:
    """What is left out because it is broken is found again by the command itself."""
    store = shutil.copytree(demo_stores / "two-batch-sizes", tmp_path / "store")
    for manifest in store.glob("transaction_7*-.*/transaction.manifest"):
        manifest.unlink()
    repair, overlay = seamline("restore-plan", store, "--target-version", "8000", "--json").document["next_steps"]
    assert repair == f"seamline repair {store} --dry-run"
    assert overlay == f"seamline overlay {store} seamline-overlay --target-version 8000"


def test_pins_and_vetoes_choose_among_competing_manifests(demo_stores: Path) -> None:
    store = demo_stores / "same-range"

    def first_of(*wish: str) -> str:
        manifest = seamline("restore-plan", store, *wish, "--json").document["chain"]["transactions"][0]["manifest"]
        assert isinstance(manifest, str)
        return manifest

    chosen = first_of()
    other = first_of("--veto", chosen)
    assert other != chosen
    assert first_of("--pin", other) == other
    # A folder, or the end of a handle, is enough where it names one manifest only.
    assert first_of("--pin", other.partition("/")[0]) == other
    for wish in ("no-such", "transaction.manifest", ""):
        outcome = seamline("restore-plan", store, "--pin", wish, "--json")
        assert outcome.code == 2
        assert outcome.document["error"]["hint"]


def test_gaps_come_with_the_command_that_closes_them(demo_stores: Path) -> None:
    store = demo_stores / "gap"
    (gap,) = seamline("restore-plan", store, "--json").document["gaps"]
    assert (gap["first"], gap["last"]) == (6_001, 7_000)
    words = (
        f"aptos-db-tool backup oneoff transaction --start-version 6001 --num_transactions 1000 --local-fs-dir {store}"
    )
    assert gap["command"] == words


def _vectors() -> list[Any]:
    cases = []
    for case in stock_vectors("selection"):
        plans = [query for query in case["queries"] if query["call"] == "restore_plan" and not query.get("panic")]
        cases += [pytest.param(case["metadata"], query, id=f"{case['name']}-{n}") for n, query in enumerate(plans[:1])]
    return cases[:: max(1, len(cases) // 40)]


@pytest.mark.parametrize(("metadata", "query"), _vectors())
def test_stocks_own_plans_come_out_word_for_word(
    metadata: dict[str, str], query: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "metadata").mkdir()
    for name, content in metadata.items():
        (tmp_path / "metadata" / name).write_text(content)
    wish = ["--target-version", str(query["target_version"])]
    if query.get("ledger_history_start_version") is not None:
        wish += ["--ledger-history-start-version", str(query["ledger_history_start_version"])]
    answer = seamline("restore-plan", tmp_path, *wish, "--json").document["stock"]
    if "ok" not in query:
        assert answer["error"] == query["err"]
        return
    for name, value in query["ok"].items():
        assert _without_extras(answer["plan"][name], value) == value, name


def _without_extras(ours: Any, theirs: Any) -> Any:
    """Our value with the fields that stock's has."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return {name: ours[name] for name in theirs}
    if isinstance(theirs, list) and isinstance(ours, list) and len(ours) == len(theirs):
        return [_without_extras(*pair) for pair in zip(ours, theirs, strict=True)]
    return ours


def test_a_stream_holds_progress_findings_and_a_summary_in_this_order(demo_stores: Path) -> None:
    store = demo_stores / "everything"
    records = [json.loads(line) for line in seamline("check", store, "--level", "2", "--json-lines").out.splitlines()]
    kinds = [record["message_type"] for record in records]
    assert set(kinds) == {"progress", "finding", "summary"}
    assert kinds == sorted(kinds, key=["progress", "finding", "summary"].index)
    assert kinds.count("summary") == 1
    findings = [record for record in records if record["message_type"] == "finding"]
    require([{"schema": {1}} | FINDING], findings)
    require(SUMMARY, records[-1])
    whole = seamline("check", store, "--level", "2", "--json").document
    assert [record["id"] for record in findings] == [finding["id"] for finding in whole["findings"]]
    assert records[-1]["stock"] == whole["stock"]
    reading = [record for record in records if "done" in record]
    assert {record["reading"] for record in reading} == {"metadata", "metadata_backup", "manifests"}
    assert all(0 <= record["done"] <= record["total"] for record in reading)
    (announced,) = [record["will_read"] for record in records if "will_read" in record]
    assert announced["manifests"] > 0


def test_what_compaction_would_write_is_what_stock_writes(demo_stores: Path) -> None:
    """Lines and bytes of each new file, counted against the entries that it holds."""
    store = demo_stores / "clean"
    wish = ("--transaction-file-compact-factor", "5", "--dry-run", "--json", "--remove-compacted-file-after", "86400")
    document = seamline("compact", store, *wish).document
    assert document["refused"] is None
    written = {each["handle"]: each for each in document["writes"]}
    # The demo compacts transactions by five already: whole groups are there and not written again.
    assert "metadata/transaction_compacted_0-4000.meta" not in written
    stamps = [each for handle, each in written.items() if handle.startswith("metadata/compaction_timestamps_")]
    assert [each["lines"] for each in stamps] == [1]
    last = next(each for handle, each in written.items() if handle.endswith("-13000.meta"))
    assert last["lines"] == 4
    tail = [
        line
        for path in (store / "metadata").glob("transaction_*.meta")
        for line in path.read_bytes().splitlines(keepends=True)
        if int(line.split(b'"first_version":')[1].split(b",")[0]) > 9_000
    ]
    assert last["bytes"] == sum(map(len, set(tail)))


def test_the_plan_id_follows_the_store_and_the_options_not_the_clock(demo_stores: Path) -> None:
    def plan_id(name: str, *wish: str, now: float) -> str:
        plan = seamline("compact", demo_stores / name, "--dry-run", "--json", *wish, now=now).document["plan_id"]
        assert isinstance(plan, str)
        return plan

    here = plan_id("clean", now=1_800_000_000)
    assert plan_id("clean", now=1_800_000_001) == here
    assert plan_id("clean", "--transaction-file-compact-factor", "2", now=1_800_000_000) != here
    assert plan_id("gap", now=1_800_000_000) != here


def test_files_that_stay_for_now_say_until_when(demo_stores: Path) -> None:
    now = 1_767_460_000
    document = seamline("compact", demo_stores / "clean", "--dry-run", "--json", now=now).document
    new = {each["handle"] for each in document["expires"] if each["at"] == now + 86_400}
    assert new
    gone = {each["handle"] for each in document["retires"]}
    assert not gone & {each["handle"] for each in document["expires"]}


def test_hostile_text_is_json_that_every_parser_takes(tmp_path: Path) -> None:
    """Controls, bidi, astral characters and bytes that are no UTF-8 in a name, none of them raw in the output."""
    folder = tmp_path / "store" / "metadata"
    folder.mkdir(parents=True)
    (folder / "transaction_0-9.meta").write_bytes(lines(txn(0, 9, "[/x]\x1b[31m\u202e\U0001f4a3\x7f/a.manifest")))
    (folder / "evil\udcff\x1b]52;c;x\x07.meta").write_bytes(lines(txn(0, 9, "b/a.manifest")))
    for words in (["check"], ["restore-plan"], ["compact", "--dry-run"], ["repair", "--dry-run"]):
        outcome = seamline(words[0], tmp_path / "store", *words[1:], "--json")
        assert outcome.out.isascii()
        assert all(character == "\n" or " " <= character <= "~" for character in outcome.out)
        assert "\\ud" not in outcome.out.replace("\\ud83d\\udca3", "")
    text = seamline("check", tmp_path / "store", "--json").out
    assert "evil\\\\xff\\u001b]52" in text
    manifests = [entry["manifest"] for each in json.loads(text)["findings"] for entry in each["entries"]]
    assert "[/x]\x1b[31m\u202e\U0001f4a3\x7f/a.manifest" in manifests


def test_json_text_keeps_all_digits_and_shows_lone_surrogates() -> None:
    value = {"n": 2**64 - 1, "s": "\ud800 \udc41\udcfe \\udcff \u2028 é"}
    text = json_text(value)
    assert text == '{"n":18446744073709551615,"s":"\\\\ud800 \\\\udc41\\\\xfe \\\\udcff \\u2028 \\u00e9"}'
    assert json.loads(text)["n"] == 2**64 - 1


@pytest.mark.parametrize("name", ["everything", "started-over"])
def test_entries_made_from_columns_equal_those_made_one_by_one(name: str, demo_stores: Path) -> None:
    index = look(demo_stores / name).index
    for kind in (LaneKind.TRANSACTIONS, LaneKind.EPOCH_ENDINGS, LaneKind.STATE_SNAPSHOTS):
        lane = index.lanes[kind]
        rows = np.arange(len(lane), dtype=np.int64)[::-1]
        assert len(rows) > 5
        assert list(lane_rows(lane, rows)) == [entry_fields(lane.entry(row)) for row in rows.tolist()]
        assert not list(lane_rows(lane, rows[:0]))
