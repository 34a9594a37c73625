"""`seamline undo`, `resume` and `log`: whatever changed a store is told, finished or taken back."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from core.journal import interrupted_in
from tests.support.change_sets import base_folder, entries_of, look_at, metadata_of, tree
from tests.support.changed_stores import HUNDRED, cut_off, every_file, handles, planned
from tests.support.commands import LATER, command, seamline, seamline_process
from tests.support.shapes import STOCK, Version, nullable, require
from tests.support.stores import base_store, lines, txn
from tests.support.terminals import converse

MOVE = {"handle": str, "because": str}
APPLIED = {"operation_id": str, "seconds": float, "notes": [str]}
UNDO = {
    "schema": {1},
    "operation": {"undo"},
    "undoes": str,
    "refused": nullable(dict),
    "writes": [{"handle": str, "lines": Version, "bytes": Version}],
    "restores": [MOVE | {"from": str}],
    "retires": [MOVE | {"to": str}],
    "expires": [{"handle": str, "at": Version}],
    "files_before": Version,
    "files_after": Version,
    "stock_before": STOCK,
    "stock_after": STOCK,
    "plan_id": str,
    "applied": nullable(APPLIED),
    "resumed": [str],
    "interrupted": [str],
}
LOG = {
    "schema": {1},
    "store": str,
    "operations": [
        {
            "operation_id": str,
            "kind": {"compact", "repair", "undo", "guard"},
            "state": {"done", "closed", "undone", "interrupted"},
            "token": Version,
            "writes": [str],
            "retires": [str],
            "restores": [str],
            "notes": [str],
            "came": [str],
            "gone": [str],
            "changed": [str],
            "command": [str],
        }
    ],
}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return base_folder(tmp_path / "store")


def compacted(store: Path, *, now: float = LATER) -> str:
    document = seamline("compact", store, *HUNDRED, "--yes", "--json", now=now).document
    operation = document["applied"]["operation_id"]
    assert isinstance(operation, str)
    return operation


def test_an_undo_puts_everything_back_byte_for_byte(store: Path) -> None:
    compacted(store)
    middle = metadata_of(store)
    second = compacted(store, now=LATER + 90_000)
    assert set(metadata_of(store)) < set(middle) | {"compaction_timestamps_1800090000.meta"}
    preview = seamline("undo", store, "--dry-run", "--json").document
    require(UNDO, preview)
    assert (preview["undoes"], preview["applied"]) == (second, None)
    assert len(preview["restores"]) == 7
    outcome = seamline("undo", store, "--yes", "--json")
    assert outcome.code == 0
    require(UNDO, outcome.document)
    assert handles(outcome.document["restores"]) == handles(preview["restores"])
    assert metadata_of(store) == middle
    assert preview["stock_after"] == preview["stock_before"]


def test_undo_goes_back_operation_by_operation(store: Path) -> None:
    first = compacted(store)
    second = compacted(store, now=LATER + 90_000)
    targets = [seamline("undo", store, "--yes", "--json").document["undoes"] for _ in range(2)]
    assert targets == [second, first]
    assert metadata_of(store) == base_store()
    nothing = seamline("undo", store, "--yes", "--json")
    assert nothing.code == 2
    assert "nothing to take back" in nothing.document["error"]["message"]


def test_an_undo_is_undone_by_name(store: Path) -> None:
    compacted(store)
    after = metadata_of(store)
    undo = seamline("undo", store, "--yes", "--json").document["applied"]["operation_id"]
    assert metadata_of(store) == base_store()
    assert seamline("undo", store, undo, "--yes").code == 0
    assert metadata_of(store) == after


def test_what_is_undone_already_or_never_was_is_said(store: Path) -> None:
    operation = compacted(store)
    assert seamline("undo", store, operation, "--yes").code == 0
    before = every_file(store)
    again = seamline("undo", store, operation, "--yes", "--json")
    assert (again.code, again.document["error"]["kind"]) == (2, "usage")
    assert "undone already" in again.document["error"]["message"]
    unknown = seamline("undo", store, "20231114T221320Z-000009-compact-00000000", "--yes")
    assert unknown.code == 2 and "there is no operation" in unknown.err
    hostile = seamline("undo", store, "\x1b[2J", "--yes")
    assert hostile.code == 2 and "\x1b" not in hostile.err
    assert every_file(store) == before


def test_an_undo_that_would_lose_lines_is_refused(store: Path) -> None:
    """A later compaction set the originals aside: taking the first one back alone would hide them."""
    first = compacted(store)
    compacted(store, now=LATER + 90_000)
    before = every_file(store)
    outcome = seamline("undo", store, first, "--yes", "--json")
    assert outcome.code == 6
    assert "would be nowhere else" in outcome.document["error"]["message"]
    assert every_file(store) == before


def test_an_undo_that_could_not_be_carried_out_to_its_end_is_not_begun(store: Path) -> None:
    compacted(store)
    (store / "metadata" / "torn.meta").write_bytes(b'{"Transac')
    before = tree(store)
    outcome = seamline("undo", store, "--yes")
    assert outcome.code == 6
    assert "torn.meta" in outcome.err and "seamline check" in outcome.err
    assert tree(store) == before
    assert not list(interrupted_in(look_at(store).journal))


def test_the_variable_names_the_store_and_the_word_the_operation(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    operation = compacted(store)
    monkeypatch.setenv("SEAMLINE_STORE", str(store))
    assert seamline("undo", operation, "--dry-run", "--json").document["undoes"] == operation
    assert seamline("undo", "--local-fs-dir", store, operation, "--dry-run", "--json").document["undoes"] == operation


@pytest.mark.parametrize("steps", range(4))
def test_what_was_interrupted_is_what_an_undo_takes_back(store: Path, steps: int) -> None:
    operation = cut_off(store, planned(store), steps)
    outcome = seamline("undo", store, "--yes", "--json")
    assert (outcome.code, outcome.document["undoes"]) == (0, operation)
    assert outcome.document["resumed"] == []
    assert metadata_of(store) == base_store()
    assert not interrupted_in(look_at(store).journal)


def test_a_written_file_that_somebody_spoilt_stays_and_is_told(store: Path) -> None:
    """As a command that saves half of what it is given leaves it: stock can't read it, and no undo may be silent."""
    cut_off(store, planned(store), 1)
    written = next(store.glob("metadata/*_compacted_*"))
    written.write_bytes(written.read_bytes()[:40])
    undone = seamline("undo", store, "--dry-run")
    assert f"metadata/{written.name}" in undone.out
    assert "holds something else than was meant" in re.sub(r"\s+", " ", undone.out)


def test_an_interrupted_undo_is_finished(store: Path) -> None:
    operation = compacted(store)
    change = _undo_of(store, operation)
    undo = cut_off(store, change, 1)
    preview = seamline("undo", store, "--dry-run")
    assert f"operation {undo} was interrupted and is finished first" in preview.err
    outcome = seamline("undo", store, "--yes", "--json")
    assert outcome.code == 0
    assert outcome.document["undoes"] == operation
    assert [each["operation_id"] for each in outcome.document["resumed"]] == [undo]
    assert metadata_of(store) == base_store()


def _undo_of(store: Path, operation: str):  # type: ignore[no-untyped-def]
    from tests.support.change_sets import engine_on

    engine = engine_on(store)
    [target] = [each for each in engine.log() if each.id == operation]
    return engine.plan_undo(look_at(store), target)


def test_another_operation_that_was_interrupted_is_finished_before_an_undo(store: Path) -> None:
    first = compacted(store)
    (store / "metadata" / "transaction_201-300.meta").write_bytes(lines(txn(201, 300)))
    second = cut_off(store, planned(store, LATER + 5), 1)
    outcome = seamline("undo", store, first, "--yes", "--json", now=LATER + 9)
    assert outcome.code == 0, outcome
    assert outcome.document["resumed"] == [second]
    assert outcome.document["undoes"] == first


def test_resume_finishes_what_was_interrupted_and_is_idle_otherwise(store: Path) -> None:
    before = every_file(store)
    idle = seamline("resume", store, "--json")
    assert (idle.code, idle.document["resumed"]) == (0, [])
    assert seamline("resume", store).out.startswith("NOTHING  no operation was interrupted")
    assert every_file(store) == before
    change = planned(store)
    operation = cut_off(store, change, 2)
    outcome = seamline("resume", store, "--json")
    assert outcome.code == 0
    [resumed] = outcome.document["resumed"]
    assert (resumed["operation_id"], resumed["finished"], resumed["notes"]) == (operation, True, [])
    assert len(metadata_of(store)) == change.files_after


def test_an_operation_whose_intent_is_torn_is_closed(store: Path) -> None:
    operation = cut_off(store, planned(store), 2)
    intent = store / "seamline" / "journal" / f"{operation}.intent.json"
    intent.write_bytes(intent.read_bytes()[:100])
    entries = entries_of(store)
    log = seamline("log", store)
    assert "interrupted" in log.out and "damaged" in log.out
    outcome = seamline("resume", store)
    assert outcome.code == 0
    assert outcome.out.startswith("CLOSED  1 operation brought to an end")
    assert entries_of(store) == entries
    assert seamline("undo", store, operation, "--yes").code == 6
    assert seamline("compact", store, *HUNDRED, "--yes").code == 0


def test_the_log_tells_everything_newest_first(store: Path) -> None:
    empty = seamline("log", store)
    assert empty.code == 0 and empty.out.startswith("NOTHING")
    first = compacted(store)
    undo = seamline("undo", store, "--yes", "--json").document["applied"]["operation_id"]
    waiting = cut_off(store, planned(store, LATER + 10), 1)
    document = seamline("log", store, "--json").document
    require(LOG, document)
    told = [(each["operation_id"], each["state"]) for each in document["operations"]]
    assert told == [(waiting, "interrupted"), (undo, "done"), (first, "undone")]
    by_id = {each["operation_id"]: each for each in document["operations"]}
    assert (by_id[undo]["undoes"], by_id[first]["undone_by"]) == (first, undo)
    assert by_id[first]["writes"] and by_id[undo]["retires"] == by_id[first]["writes"]
    text = seamline("log", store).out
    assert f"  now      seamline resume {store}\n" in text
    assert re.findall(r"^(\d{8}T\S+)", text, re.MULTILINE) == [waiting, undo, first]


HOSTILE = "\x1b]52;c;aGk=\x07\u202e[red]"


def test_hostile_text_in_a_journal_and_a_lock_never_reaches_the_terminal_raw(store: Path) -> None:
    operation = cut_off(store, planned(store), 1)
    journal = store / "seamline" / "journal"
    intent = journal / f"{operation}.intent.json"
    escaped = "\\u001b]52;c;aGk=\\u0007\\u202e[red]"
    text = intent.read_text().replace('"user": "operator"', f'"user": "{escaped}"')
    text = re.sub(r'"label": "[^"]*"', lambda _: f'"label": "{escaped}"', text)
    assert text.count("[red]") == 2
    intent.write_text(text)
    for name in (HOSTILE.replace("/", ""), f"{operation}.{HOSTILE}", f"{operation}.intent.json.{HOSTILE}", "\udcff"):
        (journal / name).write_bytes(b"\x1b[2J")
    (journal / f"{operation[:-8]}00000000.outcome.json").symlink_to("/etc/passwd")
    (journal / f"{operation[:-8]}11111111.intent.json").mkdir()
    lock = (store / "compaction.lock").read_text().replace('"user":"operator"', f'"user":"{escaped}"')
    (store / "compaction.lock").write_text(lock.replace('"state":"free"', '"state":"held"'))
    for words in (
        ["log"],
        ["check"],
        ["lock"],
        ["compact", "--dry-run"],
        ["undo", "--dry-run"],
        ["resume"],
        ["compact", "--yes"],
        ["undo", "--yes"],
    ):
        for how in ([], ["--json"]):
            outcome = seamline(words[0], store, *words[1:], *how)
            assert "internal error" not in outcome.out + outcome.err
            assert re.sub("[ -~\n…]", "", outcome.out + outcome.err) == "", words
    assert "[red]" in seamline("log", store).out


@pytest.mark.parametrize("piece", ["undo.tar", "intent.json", "steps.jsonl", "outcome.json"])
@pytest.mark.parametrize("damage", ["empty", "torn", "garbage", "deep", "folder", "gone", "other"])
def test_a_damaged_piece_of_a_journal_is_told_and_harms_nothing(store: Path, piece: str, damage: str) -> None:
    compacted(store)
    operation = compacted(store, now=LATER + 90_000)
    path = store / "seamline" / "journal" / f"{operation}.{piece}"
    content = path.read_bytes()
    path.unlink()
    match damage:
        case "empty":
            path.write_bytes(b"")
        case "torn":
            path.write_bytes(content[: len(content) // 2])
        case "garbage":
            path.write_bytes(b"\xff\x00" * 1_000)
        case "deep":
            path.write_bytes(b"[" * 100_000)
        case "folder":
            path.mkdir()
        case "other":
            path.write_bytes(content.replace(operation.encode(), b"20231114T221320Z-000009-compact-00000000"))
    entries = entries_of(store)
    for words in (["log"], ["check"], ["compact", *HUNDRED, "--dry-run"], ["undo", operation, "--dry-run"]):
        outcome = seamline(words[0], store, *words[1:], now=LATER + 100_000)
        assert outcome.code in {0, 2, 3, 6}, words
        assert "internal error" not in outcome.out + outcome.err
    for words in (["resume"], ["compact", *HUNDRED, "--yes"], ["undo", "--yes"]):
        outcome = seamline(words[0], store, *words[1:], now=LATER + 100_000)
        # A folder in the place of the outcome lets no operation end.
        blocked = {1} if (damage, piece) == ("folder", "outcome.json") else set()
        assert outcome.code in {0, 2, 6} | blocked, (words, outcome)
        assert "internal error" not in outcome.out + outcome.err
        assert entries_of(store) == entries


def test_on_a_terminal_an_undo_asks_for_the_word(store: Path) -> None:
    now = int(time.time())
    compacted(store, now=now)
    before = tree(store)
    no = converse(command("undo", store), [("Type undo to carry this out", "\n")])
    assert no.code == 130 and "nothing was written" in no.out
    assert tree(store) == before
    yes = converse(command("undo", store), [("Type undo to carry this out", "undo\n")])
    assert yes.code == 0 and "DONE" in yes.out
    assert metadata_of(store) == base_store()
    assert seamline_process("log", store).code == 0
