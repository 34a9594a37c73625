"""`seamline compact`: what is previewed is what is carried out, under the lease, or nothing is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from core.codec import encode_record
from core.errors import Stopped
from core.journal import interrupted_in
from core.model import TimestampsRecord
from tests.support.change_sets import base_folder, entries_of, look_at, metadata_of, operations_on, tree
from tests.support.changed_stores import HUNDRED, StopAfter, cut_off, every_file, handles, planned
from tests.support.commands import LATER, Outcome, command, environment, seamline, seamline_process
from tests.support.machines import FakeMachine
from tests.support.stores import lines, txn
from tests.support.terminals import converse


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return base_folder(tmp_path / "store")


def compact(store: Path, *words: str, **how: Any) -> Outcome:
    return seamline("compact", store, *HUNDRED, *words, **how)


def test_a_dry_run_writes_nothing_at_all(store: Path) -> None:
    before = every_file(store)
    outcome = compact(store, "--dry-run")
    assert outcome.code == 0
    assert outcome.out.startswith("READY  4 new files; nothing was written\n")
    assert every_file(store) == before
    assert not (store / "compaction.lock").exists()


def test_what_was_previewed_is_what_is_carried_out(store: Path) -> None:
    before, preview = entries_of(store), compact(store, "--dry-run", "--json").document
    done = compact(store, "--yes", "--if-plan", preview["plan_id"], "--json").document
    unchanged = ("writes", "retires", "expires", "kept", "plan_id", "files_before", "files_after", "stock_before")
    assert {name: done[name] for name in unchanged} == {name: preview[name] for name in unchanged}
    assert preview["applied"] is None
    assert done["applied"]["operation_id"].endswith(planned_id(store))
    assert done["applied"]["notes"] == []
    assert (done["refused"], done["resumed"], done["interrupted"]) == (None, [], [])
    assert len(metadata_of(store)) == done["files_after"]
    assert {handle.rpartition("/")[2] for handle in handles(done["writes"])} <= set(metadata_of(store))
    assert entries_of(store) == before


def planned_id(store: Path) -> str:
    [intent] = (store / "seamline" / "journal").glob("*.intent.json")
    return intent.name.removesuffix(".intent.json")


def test_the_answer_of_a_compaction_says_how_to_take_it_back(store: Path) -> None:
    outcome = compact(store, "--yes")
    assert outcome.code == 0
    assert outcome.out.startswith("DONE  4 new files, in ")
    assert f"  undo     seamline undo {store} {planned_id(store)}\n" in outcome.out
    assert outcome.err == ""


def test_a_second_compaction_has_nothing_to_do(store: Path) -> None:
    assert compact(store, "--yes").code == 0
    before = every_file(store)
    outcome = compact(store, "--yes", "--json")
    assert (outcome.code, outcome.document["applied"], outcome.document["writes"]) == (0, None, [])
    assert compact(store, "--yes").out.startswith("NOTHING  there is nothing to compact")
    assert every_file(store) == before


def test_files_past_their_grace_are_set_aside_by_a_later_run(store: Path) -> None:
    assert compact(store, "--yes").code == 0
    day_after = LATER + 86_401
    preview = compact(store, "--dry-run", "--json", now=day_after).document
    assert len(preview["retires"]) == 7
    done = compact(store, "--yes", now=day_after)
    assert done.code == 0
    assert "7 set aside" in done.out
    assert len(list((store / "metadata_backup").iterdir())) == 7


@pytest.mark.parametrize("as_json", [True, False])
def test_another_plan_than_the_one_that_was_seen_is_not_carried_out(store: Path, as_json: bool) -> None:
    plan = compact(store, "--dry-run", "--json").document["plan_id"]
    (store / "metadata" / "transaction_201-300.meta").write_bytes(lines(txn(201, 300)))
    before = tree(store)
    outcome = compact(store, "--yes", "--if-plan", plan, *(["--json"] if as_json else []))
    assert outcome.code == 5
    assert tree(store) == before
    if as_json:
        error = outcome.document["error"]
        assert (error["code"], error["kind"]) == (5, "plan-outdated")
        assert plan in error["message"] and "--dry-run" in error["hint"]
    else:
        assert plan in outcome.err and "hint: preview again" in outcome.err


def test_a_store_that_changes_under_the_plan_is_left_alone(store: Path) -> None:
    """Somebody adds a file while we wait for the lease."""

    class Meddling(FakeMachine):
        def process(self) -> Any:
            # Asked for when the lease is taken: the plan is made by then.
            (store / "metadata" / "transaction_201-300.meta").write_bytes(lines(txn(201, 300)))
            return super().process()

    outcome = compact(store, "--yes", machine=Meddling(moment=LATER))
    assert outcome.code == 5
    assert "transaction_201-300.meta came" in outcome.err
    assert not (store / "seamline").exists()
    assert len(metadata_of(store)) == 9


def test_a_hazard_in_the_way_is_named_and_nothing_is_written(store: Path) -> None:
    (store / "metadata" / "again.meta").write_bytes(lines(txn(1, 100, "other/transaction.manifest")))
    before = every_file(store)
    outcome = compact(store, "--yes", "--json")
    assert outcome.code == 6
    assert outcome.document["refused"]["kind"] == "overlap-manifest"
    assert (outcome.document["applied"], outcome.document["writes"], outcome.document["plan_id"]) == (None, [], "")
    text = compact(store, "--yes")
    assert text.code == 6
    assert text.out.startswith("REFUSED  this store is not compacted; nothing was written\n")
    assert "  now      " in text.out
    assert every_file(store) == before


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
def test_what_was_interrupted_is_finished_first(store: Path, steps: int) -> None:
    before = entries_of(store)
    operation = cut_off(store, planned(store), steps)
    preview = compact(store, "--dry-run", "--json").document
    assert preview["interrupted"] == [operation]
    text = compact(store, "--dry-run")
    assert f"seamline: operation {operation} was interrupted: seamline resume {store} finishes it\n" == text.err
    assert f"  now      seamline resume {store}\n" in text.out
    outcome = compact(store, "--yes", "--json")
    assert outcome.code == 0
    assert outcome.document["resumed"] == [operation]
    assert f"operation {operation}, which had been interrupted, was finished" in outcome.err
    assert not interrupted_in(look_at(store).journal)
    assert entries_of(store) == before


def test_two_records_never_have_the_same_second(store: Path) -> None:
    """One of this second, or of a clock a little ahead, is waited out."""
    for ahead in (0, 1, 2):
        machine = FakeMachine(moment=LATER + 1_000.25 * ahead)
        taken = int(machine.moment) + ahead
        path = store / "metadata" / f"compaction_timestamps_{taken}.meta"
        path.write_bytes(encode_record(TimestampsRecord(taken, {})))
        os.utime(path, (taken, taken))
        version = 201 + 100 * ahead
        (store / "metadata" / f"transaction_{version}.meta").write_bytes(lines(txn(version, version + 99)))
        document = compact(store, "--yes", "--json", machine=machine).document
        stamps = [handle for handle in handles(document["writes"]) if "timestamps" in handle]
        assert stamps == [f"metadata/compaction_timestamps_{taken + 1}.meta"]
        assert machine.moment >= taken + 1


def test_a_second_writer_is_told_who_the_first_one_is(store: Path) -> None:
    holder = operations_on(store, FakeMachine(pid=77, host="beta"))
    with holder.lease("compact", "of last night"):
        outcome = compact(store, "--yes")
        assert outcome.code == 11
        assert "another compaction is in progress, by operator@beta (pid 77) since " in outcome.err
        assert "of last night" in outcome.err
        error = compact(store, "--yes", "--json").document["error"]
        assert (error["code"], error["kind"]) == (11, "lease-held")
        machine = FakeMachine(moment=LATER)
        waited = compact(store, "--yes", "--wait", "30s", machine=machine)
        assert waited.code == 11
        assert waited.err.startswith("seamline: waiting for the lease, which operator@beta (pid 77) ")
        assert 29 < machine.moment - LATER < 33
        assert compact(store, "--dry-run").code == 0
    assert compact(store, "--yes").code == 0


def test_a_lease_that_is_lost_ends_everything(store: Path) -> None:
    class Suspended(FakeMachine):
        """Sleeps through the ttl in the middle of the work."""

        def elapsed(self) -> float:
            if len(metadata_of(store)) > 9:
                self.clock = 10_000.0
            return super().elapsed()

    before = entries_of(store)
    outcome = compact(store, "--yes", machine=Suspended(moment=LATER))
    assert outcome.code == 12
    assert "the lease was lost" in outcome.err
    assert f"seamline resume {store} finishes it" in outcome.err
    assert entries_of(store) == before
    assert compact(store, "--yes", now=LATER + 1_000).code == 0


def test_a_listing_that_shrank_is_not_planned_on(store: Path) -> None:
    """`metadata/` shows a part only: what is there would compact very well."""
    assert compact(store, "--dry-run").code == 0
    (store / "metadata" / "transaction_101-200.meta").unlink()
    for words in (["--dry-run"], ["--yes"]):
        outcome = compact(store, *words, "--json")
        assert outcome.code == 20
        assert "transaction_101-200.meta" in outcome.document["error"]["message"]
        assert "--accept-shrunk-listing" in outcome.document["error"]["hint"]
    assert not (store / "seamline").exists()
    assert compact(store, "--yes", "--accept-shrunk-listing").code == 0
    assert compact(store, "--yes").code == 0


def test_on_a_terminal_it_asks_for_the_word(store: Path) -> None:
    before = tree(store)
    no = converse(command("compact", store, *HUNDRED), [("anything else to leave: ", "yes\n")])
    assert no.code == 130
    assert "READY" in no.out and "nothing was written: that was not the word" in no.out
    assert tree(store) == before
    yes = converse(command("compact", store, *HUNDRED), [("Type compact to carry this out", "compact\n")])
    assert yes.code == 0
    assert "DONE" in yes.out
    assert len(metadata_of(store)) == 12


def test_on_a_terminal_an_interrupted_operation_is_finished_on_a_word_of_its_own(store: Path) -> None:
    operation = cut_off(store, planned(store, time.time()))
    outcome = converse(command("compact", store, *HUNDRED), [("Type resume to finish it", "resume\n")])
    assert outcome.code == 0
    assert operation in outcome.out and "NOTHING" in outcome.out


def test_nothing_to_do_asks_for_nothing(store: Path) -> None:
    assert seamline_process("compact", store, *HUNDRED, "--yes").code == 0
    assert "Type" not in converse(command("compact", store, *HUNDRED), []).out


SIGNAL_AT = """
import signal, sys
from tui.headless.main import run

seen = 0
def interrupt(event, arguments):
    global seen
    if event == "os.link" and not str(arguments[0]).startswith("/proc"):
        seen += 1
        if seen == {link}:
            signal.raise_signal({number})
sys.addaudithook(interrupt)
sys.exit(run({arguments!r}))
"""


@pytest.mark.parametrize("link", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_who_is_asked_to_end_does_between_two_steps_and_says_how_to_go_on(
    store: Path, number: signal.Signals, link: int
) -> None:
    before = entries_of(store)
    arguments = ["compact", str(store), *HUNDRED, "--yes", "--json"]
    program = SIGNAL_AT.format(link=link, number=int(number), arguments=arguments)
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 130, done.stderr
    error = json.loads(done.stdout)["error"]
    assert error["kind"] == "interrupted"
    assert "seamline resume" in error["hint"] and "seamline undo" in error["hint"]
    assert len(interrupted_in(look_at(store).journal)) == 1
    assert json.loads((store / "compaction.lock").read_bytes())["state"] == "free"
    assert entries_of(store) == before
    assert seamline("resume", store).code == 0
    assert entries_of(store) == before


def test_a_hangup_that_is_ignored_as_under_nohup_stays_so(store: Path) -> None:
    arguments = ["compact", str(store), *HUNDRED, "--yes", "--json"]
    program = SIGNAL_AT.format(link=1, number=int(signal.SIGHUP), arguments=arguments)
    ignoring = f"import signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n{program}"
    done = subprocess.run(
        [sys.executable, "-c", ignoring], env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["applied"] is not None


def test_who_stops_before_anything_was_written_is_told_so(store: Path) -> None:
    before = tree(store)
    with pytest.raises(Stopped) as stopped:
        operations_on(store).apply(planned(store), watch=StopAfter(-1))
    assert stopped.value.hint == "nothing was changed"
    assert tree(store) == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
def test_what_can_not_be_said_on_stderr_stops_no_work(store: Path) -> None:
    cut_off(store, planned(store))
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command("compact", store, *HUNDRED, "--yes", "--json"),
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=full,
            check=False,
        )
    assert len(json.loads(done.stdout)["resumed"]) == 1
    assert not list(interrupted_in(look_at(store).journal))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
@pytest.mark.parametrize("words", [[], ["--json"]], ids=str)
def test_an_answer_that_is_lost_is_not_taken_for_a_compaction_that_failed(store: Path, words: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command("compact", store, *HUNDRED, "--yes", *words),
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 1
    assert b"the answer could not be written to standard output: No space left on device" in done.stderr
    assert b"seamline log" in done.stderr
    [operation] = seamline("log", store, "--json").document["operations"]
    assert (operation["kind"], operation["state"]) == ("compact", "done")


@pytest.mark.parametrize("kind", ["file", "link", "folder"])
@pytest.mark.parametrize("place", ["seamline", "seamline/journal", "seamline/staged", "compaction.lock"])
def test_what_stands_in_the_way_of_the_journal_and_the_lease_is_named(store: Path, place: str, kind: str) -> None:
    path, outside = store / place, store.parent / "outside"
    outside.mkdir()
    path.parent.mkdir(exist_ok=True)
    if kind == "file":
        path.write_text("mine")
    elif kind == "link":
        path.symlink_to(outside)
    elif place == "compaction.lock":
        path.mkdir()
    else:
        pytest.skip("a folder is what belongs there")
    before = tree(store)
    for words in (["--yes"], ["--yes", "--json"]):
        outcome = compact(store, *words)
        assert outcome.code in {1, 6, 11, 20}
        assert "Traceback" not in outcome.err and "internal error" not in outcome.out + outcome.err
    assert tree(store) == before
    assert list(outside.iterdir()) == []
    assert compact(store, "--dry-run").code == 0
    assert seamline("check", store).code in {0, 3}


@pytest.mark.parametrize("blocks", [0, 1])
def test_a_full_disk_leaves_the_store_as_it_was(store: Path, blocks: int) -> None:
    """So many blocks of 1,024 bytes fit into a file."""
    (store / "metadata" / "transaction_compacted_201-700.meta").write_bytes(
        lines(*(txn(first, first + 9) for first in range(201, 701, 10)))
    )
    before = tree(store)
    words = " ".join(command("compact", store, *HUNDRED, "--yes", "--json"))
    done = subprocess.run(
        ["bash", "-c", f"ulimit -f {blocks}; exec {words}"],
        # Python writes bytecode whole or torn, as the disk lets it.
        env=environment(PYTHONDONTWRITEBYTECODE="1"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    error = json.loads(done.stdout)["error"]
    assert "too large" in error["message"].lower() or "may not grow" in error["message"]
    assert tree(store) == before
    assert compact(store, "--yes").code == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_store_that_can_not_be_written_is_left_alone(store: Path) -> None:
    for folder in (store, store / "metadata"):
        folder.chmod(0o500)
    try:
        outcome = compact(store, "--yes")
        assert outcome.code == 1
        assert "no permission" in outcome.err
    finally:
        for folder in (store, store / "metadata"):
            folder.chmod(0o700)


@pytest.mark.parametrize(
    "garbage",
    [b"", b"\xff\xfe", b"{}", b"[" * 5_000, b'{"v":2}', b"\x1b[2J" * 200, b'{"v":1,"state":"held"}', b"x" * 70_000],
    ids=range(8),
)
def test_a_lock_file_that_is_garbage_stops_every_writer(store: Path, garbage: bytes) -> None:
    (store / "compaction.lock").write_bytes(garbage)
    before = tree(store)
    outcome = compact(store, "--yes")
    assert outcome.code == 11
    assert f"seamline lock {store} break unreadable" in outcome.err
    assert "\x1b" not in outcome.err
    assert tree(store) == before
    assert seamline("lock", store, "break", "unreadable").code == 0
    assert compact(store, "--yes").code == 0


def test_every_command_that_looks_says_what_waits(store: Path) -> None:
    operation = cut_off(store, planned(store))
    assert f"operation {operation} was interrupted" in seamline("restore-plan", store).err
    for level in ("0", "1"):
        outcome = seamline("check", store, "--level", level, "--json")
        assert outcome.code == 3
        assert "interrupted-operation" in {each["kind"] for each in outcome.document["findings"]}
    assert f"  now      seamline resume {store}\n" in seamline("check", store).out


def test_a_check_names_files_that_are_gone_until_that_is_accepted(store: Path) -> None:
    (store / "transaction_0-.aaaa").mkdir()
    assert seamline("check", store).code == 0
    (store / "metadata" / "transaction_101-200.meta").unlink()
    for _ in range(2):
        outcome = seamline("check", store, "--json")
        assert outcome.code == 3
        [finding] = [each for each in outcome.document["findings"] if each["kind"] == "listing-shrank"]
        assert [claim["file"] for claim in finding["claims"]] == ["metadata/transaction_101-200.meta"]
    assert "since the last look 1 file is gone" in seamline("restore-plan", store).err
    assert seamline("check", store, "--accept-shrunk-listing").code == 0
    assert seamline("check", store).code == 0
