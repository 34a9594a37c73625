"""`seamline guard`: real commands in real processes, with signals, under a real lease."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core.journal import OperationState, interrupted_in
from tests.support.change_sets import base_folder, engine_on, look_at, metadata_of, operations_on
from tests.support.commands import Outcome, command, environment, seamline, seamline_process
from tests.support.guards import running_guard
from tests.support.shapes import STOCK, Version, require
from tests.support.stores import base_store, lines, txn
from tests.support.terminals import converse

REPORT = {
    "schema": {1},
    "operation": {"guard"},
    "store": str,
    "command": [str],
    "exit_code": Version,
    "worse": [str],
    "came": [str],
    "gone": [str],
    "changed": [str],
    "new_findings": [dict],
    "stock_before": STOCK,
    "stock_after": STOCK,
    "applied": {"operation_id": str, "seconds": float, "notes": [str]},
    "resumed": [str],
}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return base_folder(tmp_path / "store")


def guard(store: Path, *words: str | Path, options: tuple[str | Path, ...] = ()) -> Outcome:
    return seamline_process("guard", store, *options, "--", *words)


def shell(store: Path, script: str) -> Outcome:
    return guard(store, "sh", "-c", script, "sh", str(store))


@pytest.mark.parametrize("code", [0, 1, 3, 4, 77, 255])
def test_the_commands_own_exit_code_is_passed_on(store: Path, code: int) -> None:
    outcome = shell(store, f"exit {code}")
    assert (outcome.code, outcome.out, outcome.err) == (code, "", "")
    assert seamline("lock", store).code == 0


def test_the_commands_streams_are_its_own(store: Path) -> None:
    done = subprocess.run(
        command("guard", store, "--", "sh", "-c", "cat; echo there >&2"),
        env=environment(),
        input="here\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "here\n", "there\n")


def test_words_reach_the_command_as_they_are(store: Path) -> None:
    words = ["--json", "a b", "$HOME", "*", "", "--", "-x", "\N{SNOWMAN}", "; exit 9"]
    outcome = guard(store, sys.executable, "-c", "import json,sys; print(json.dumps(sys.argv[1:]))", *words)
    assert outcome.code == 0
    assert json.loads(outcome.out) == words


def test_what_is_no_command_is_said_as_a_shell_does(store: Path, tmp_path: Path) -> None:
    before = sorted(store.rglob("*"))
    missing = guard(store, "no-such-command-anywhere")
    assert missing.code == 127 and "there is no command no-such-command-anywhere" in missing.err
    plain = tmp_path / "plain"
    plain.write_text("exit 0")
    refused = guard(store, plain)
    assert refused.code == 126 and "can't be run" in refused.err
    assert guard(store, tmp_path).code == 126
    assert sorted(store.rglob("*")) == before


def test_a_command_that_can_not_be_started_after_all_leaves_a_closed_journal(store: Path, tmp_path: Path) -> None:
    odd = tmp_path / "odd"
    odd.write_text("#!/no/such/interpreter\n")
    odd.chmod(0o755)
    assert guard(store, odd).code == 127
    [operation] = engine_on(store).log()
    assert operation.state is OperationState.DONE
    assert operation.outcome is not None and operation.outcome.exit_code == 127


def test_a_command_that_adds_files_does_no_harm(store: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    new = tmp_path / "transaction_201-300.meta"
    new.write_bytes(lines(txn(201, 300)))
    outcome = guard(store, "cp", new, store / "metadata", options=("--json-report", report))
    assert (outcome.code, outcome.err) == (0, "")
    document = json.loads(report.read_text())
    require(REPORT, document)
    assert (document["came"], document["gone"], document["changed"]) == (["metadata/transaction_201-300.meta"], [], [])
    assert (document["exit_code"], document["worse"]) == (0, [])
    assert document["stock_before"]["restorable_to"] == 200
    assert document["stock_after"]["restorable_to"] == 300
    [told] = seamline("log", store, "--json").document["operations"]
    assert (told["kind"], told["command"][0], told["exit_code"]) == ("guard", "cp", 0)
    assert told["came"] == document["came"]


def test_a_command_that_moves_entries_away_made_the_store_worse_and_is_undone(store: Path) -> None:
    outcome = shell(
        store, 'mkdir "$1/metadata_backup" && mv "$1/metadata/transaction_101-200.meta" "$1/metadata_backup/"'
    )
    assert outcome.code == 4
    assert "stock restores 100 only, and 200 before" in outcome.err
    assert "1 transaction entry gone from metadata/" in outcome.err
    assert "made the store worse" in outcome.err
    undo = outcome.err.splitlines()[-1].partition("seamline undo ")[2].split(" ")
    assert undo[0] == str(store)
    assert seamline("undo", *undo, "--yes").code == 0
    assert metadata_of(store) == base_store()
    assert list((store / "metadata_backup").iterdir()) == []


def test_what_a_command_deleted_comes_back_out_of_the_bundle(store: Path) -> None:
    outcome = shell(store, 'rm "$1"/metadata/transaction_*')
    assert outcome.code == 4
    assert "stock restores nothing, and 200 before" in outcome.err
    preview = seamline("undo", store, "--dry-run", "--json").document
    assert len(preview["writes"]) == 3
    assert preview["stock_after"]["restorable_to"] == 200
    assert seamline("undo", store, "--yes").code == 0
    assert metadata_of(store) == base_store()


def test_a_command_that_leaves_a_torn_file_made_the_store_worse(store: Path) -> None:
    outcome = shell(store, 'printf "{" > "$1/metadata/x.meta"; exit 9')
    assert outcome.code == 4
    assert "stock can't load the store any more: EOF while parsing" in outcome.err
    assert "the command ended with 9" in outcome.err
    # Nothing was moved: there is nothing that an undo could put back.
    assert seamline("undo", store, "--yes").code == 2


def test_a_command_that_adds_a_conflict_made_the_store_worse(store: Path, tmp_path: Path) -> None:
    new = tmp_path / "again.meta"
    new.write_bytes(lines(txn(1, 100, "again/transaction.manifest")))
    outcome = guard(store, "cp", new, store / "metadata")
    assert outcome.code == 4
    assert "new problem, overlap-manifest" in outcome.err


def test_a_store_that_was_bad_before_is_not_called_worse(store: Path) -> None:
    (store / "metadata" / "again.meta").write_bytes(lines(txn(1, 100, "again/transaction.manifest")))
    assert shell(store, 'touch "$1/x"').code == 0
    assert shell(store, 'rm "$1/metadata/again.meta"').code == 4


def test_while_a_command_runs_nobody_else_may_write(store: Path) -> None:
    inner = " ".join(command("compact", store, "--yes", "--json"))
    outcome = guard(store, "sh", "-c", f"{inner}; echo $?")
    body, code = outcome.out.splitlines()
    assert code == "11"
    error = json.loads(body)["error"]
    assert error["kind"] == "lease-held"
    assert "guard" in error["message"]
    with operations_on(store).lease("compact", "x"):
        held = shell(store, "exit 0")
        assert held.code == 11
        assert not (store / "x").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_signals_go_to_the_command_and_its_end_is_ours(store: Path, number: signal.Signals) -> None:
    with running_guard(store, "echo on; exec sleep 60") as process:
        process.send_signal(number)
        assert process.wait(timeout=30) == 128 + number
    [operation] = engine_on(store).log()
    assert operation.outcome is not None and operation.outcome.exit_code == 128 + number
    assert seamline("lock", store).code == 0


def test_a_command_may_take_a_signal_its_own_way(store: Path) -> None:
    with running_guard(store, "trap 'echo bye; exit 5' TERM; echo on; while :; do sleep 0.05; done") as process:
        process.terminate()
        assert process.stdout is not None
        assert process.stdout.read() == b"bye\n"
        assert process.wait(timeout=30) == 5


def test_a_signal_reaches_the_whole_group(store: Path) -> None:
    with running_guard(store, "sleep 60 & echo on; wait") as process:
        process.terminate()
        assert process.stdout is not None
        # Everybody who had the stream open has ended.
        assert process.stdout.read() == b""
        assert process.wait(timeout=30) == 128 + signal.SIGTERM


def test_ignored_signals_stay_ignored(store: Path) -> None:
    """As under nohup."""
    around = ("sh", "-c", "trap '' HUP; exec \"$@\"", "sh")
    with running_guard(store, "echo on; kill -HUP $$; echo still", *around) as process:
        process.send_signal(signal.SIGHUP)
        assert process.wait(timeout=30) == 0


#: `seamline` with a lease of 8 seconds, not 60, and 2 seconds for a command to end by itself, not 10.
IN_A_HURRY = """
import core.child, core.lease.held, tui.headless.main
core.lease.held.hold.__wrapped__.__kwdefaults__["ttl"] = 8.0
core.child.GRACE = 2.0
tui.headless.main.main()
"""


def test_a_lost_lease_ends_the_command(store: Path) -> None:
    stubborn = "trap '' TERM; echo on; while :; do sleep 0.05; done"
    with running_guard(store, stubborn, program=("-c", IN_A_HURRY)) as process:
        owner = seamline("lock", store, "--json").document["break_id"]
        assert seamline("lock", store, "break", owner).code == 0
        assert process.wait(timeout=60) == 12
        assert process.stdout is not None and process.stdout.read() == b""
    assert len(interrupted_in(look_at(store).journal)) == 1


def test_a_guard_that_was_killed_is_closed_once_its_command_has_ended(store: Path) -> None:
    script = 'echo on; rm "$1/metadata/transaction_101-200.meta"; read line < "$1/pipe"'
    os.mkfifo(store / "pipe")
    with running_guard(store, script) as process:
        process.kill()
        process.wait()
        held = seamline_process("resume", store, "--json")
        assert held.code == 11
        assert "still runs" in json.loads(held.out)["error"]["message"]
        assert seamline_process("undo", store, "--dry-run").code == 11
        assert seamline_process("compact", store, "--yes").code == 11
        (store / "pipe").write_text("go on\n")
        assert process.stdout is not None and process.stdout.read() == b""
    preview = json.loads(seamline_process("undo", store, "--dry-run", "--json").out)
    assert [each["handle"] for each in preview["writes"]] == ["metadata/transaction_101-200.meta"]
    closed = seamline_process("resume", store)
    assert closed.code == 0
    assert closed.out.startswith("CLOSED")
    assert "how its command ended is not known" in closed.out
    assert seamline_process("undo", store, "--yes").code == 0
    assert metadata_of(store) == base_store()


def test_the_undo_of_a_guard_that_was_killed_needs_no_resume(store: Path) -> None:
    with running_guard(store, 'rm "$1/metadata/transaction_101-200.meta"; echo on; exec sleep 60') as process:
        process.kill()
        process.wait()
        steps = next((store / "seamline" / "journal").glob("*.steps.jsonl"))
        pid = int(json.loads(steps.read_text())["handle"].split(" ")[0])
        os.kill(pid, signal.SIGKILL)
        assert process.stdout is not None and process.stdout.read() == b""
    assert seamline_process("undo", store, "--yes").code == 0
    assert metadata_of(store) == base_store()
    assert not interrupted_in(look_at(store).journal)


def test_another_operation_that_was_interrupted_is_finished_before_a_guard(store: Path) -> None:
    from tests.support.changed_stores import cut_off, planned

    operation = cut_off(store, planned(store), 2)
    outcome = shell(store, "exit 0")
    assert outcome.code == 0
    assert f"operation {operation}, which had been interrupted, was finished" in outcome.err


def test_on_a_terminal_the_command_hears_the_keys(store: Path) -> None:
    """Ctrl-C and what is typed are for the command, which may ask questions."""
    script = 'printf "who? "; read name; echo "hello $name"; trap "echo caught; kill \\$!; exit 7" INT; '
    script += "echo now; sleep 60 & wait"
    outcome = converse(command("guard", store, "--", "sh", "-c", script), [("who? ", "you\n"), ("now\r\n", "\x03")])
    assert "hello you" in outcome.out
    assert "caught" in outcome.out
    assert outcome.code == 7
    assert "the command ended with 7; 0 files came, 0 went, 0 changed" in outcome.out


def test_a_journal_that_can_not_be_written_keeps_the_command_fromrunning_guard(store: Path) -> None:
    (store / "seamline").write_text("mine")
    outcome = shell(store, 'touch "$1/ran"')
    assert outcome.code in {1, 6, 20}
    assert "Traceback" not in outcome.err
    assert not (store / "ran").exists()


def test_a_report_that_can_not_be_written_is_said_and_changes_no_code(store: Path) -> None:
    outcome = guard(store, "true", options=("--json-report", store / "no" / "such"))
    assert outcome.code == 0
    assert "the report could not be written" in outcome.err


def test_files_that_can_not_be_saved_are_told(store: Path) -> None:
    (store / "metadata" / "folder").mkdir()
    outcome = shell(store, "exit 0")
    assert outcome.code == 0
    assert "1 file could not be saved before the command" in outcome.err


def test_what_a_command_took_away_comes_back_beside_what_it_broke(store: Path) -> None:
    before = metadata_of(store)
    name = min(before)
    outcome = shell(store, f'rm "$1/metadata/{name}"; echo hi > "$1/metadata/broken.meta"')
    assert outcome.code == 4
    undone = seamline("undo", store, "--yes", "--accept-shrunk-listing")
    assert undone.code == 0, undone.err
    assert metadata_of(store) == before | {"broken.meta": b"hi\n"}
    assert not list(interrupted_in(look_at(store).journal))


def test_no_undo_is_offered_where_it_would_bring_nothing_back(store: Path) -> None:
    name = min(metadata_of(store))
    outcome = shell(store, f'echo x >> "$1/metadata/{name}"')
    assert outcome.code == 4
    assert "seamline undo" not in outcome.err
    assert ".undo.tar" in outcome.err
    [intent] = store.glob("seamline/journal/*.intent.json")
    undone = seamline("undo", store, intent.name.removesuffix(".intent.json"), "--yes")
    assert undone.code == 6
    assert f"changed metadata/{name} in place" in undone.err and ".undo.tar" in undone.err


def test_a_command_that_removes_all_metadata_is_told_and_everything_comes_back(store: Path) -> None:
    before = metadata_of(store)
    outcome = shell(store, 'rm -r "$1/metadata"')
    assert outcome.code == 4
    assert "all that metadata/ held was saved" in outcome.err and "seamline undo" in outcome.err
    (store / "metadata").mkdir()
    assert seamline("undo", store, "--yes", "--accept-shrunk-listing").code == 0
    assert metadata_of(store) == before


def test_the_lease_outlasts_a_command_until_what_it_left_running_has_ended(store: Path) -> None:
    outcome = shell(store, '(sleep 1; cp "$1/compaction.lock" "$1/seen") >/dev/null 2>&1 & exit 3')
    assert (outcome.code, outcome.err) == (3, "")
    assert json.loads((store / "seen").read_bytes())["state"] == "held"
