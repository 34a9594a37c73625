"""The change set: the word carries it out and nothing else does; steps, stop, every error, outcome, undo, resume."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from core.demo.race import die_compacting
from core.errors import WriteFailed
from core.findings.titles import title_of
from core.host import FixedHost
from core.journal import interrupted_in
from core.lease import LOCK_HANDLE, parse
from core.lease_choice import LeaseChoice
from tests.tui.support import (
    LATER,
    LaterHost,
    answered,
    assert_golden,
    copied,
    demo_store,
    is_pending,
    metadata_of,
    operating,
    pressed,
    running,
    said,
    screen_text,
    settle,
    take_few_files,
)
from tui import proposal as proposals
from tui.app import AppOptions, SeamlineApp
from tui.job import JobPhase
from tui.screens.ask import AskScreen
from tui.screens.change import ChangeScreen
from tui.screens.compaction import CompactionScreen

SIZES = {"80x24": (80, 24), "160x45": (160, 45)}
SOON_SECONDS = 30


class Gate:
    """Holds a writer up before its `stop_at`-th file until it is opened; counts what comes by."""

    def __init__(self, stop_at: int, then: Callable[[], None] | None = None) -> None:
        self._stop_at = stop_at
        self._then = then
        self._opened = threading.Event()
        self.count = 0

    def __call__(self, what: str, handle: str) -> None:
        self.count += 1
        if self.count == self._stop_at:
            if self._then is not None:
                self._then()
            else:
                assert self._opened.wait(SOON_SECONDS)

    def open(self) -> None:
        self._opened.set()


@contextmanager
def gate(stop_at: int) -> Iterator[Gate]:
    """A gate that is open in the end, whatever happens."""
    made = Gate(stop_at)
    try:
        yield made
    finally:
        made.open()


async def until_step(app: SeamlineApp, pilot: Pilot[None], held: Gate, count: int) -> None:
    """Wait until the writer is held up."""
    while held.count < count:
        await pilot.pause(0.01)
    # What the thread said last is on its way to the screen.
    await pilot.pause(0.3)
    while is_pending(app):
        await pilot.pause()


async def change_set(app: SeamlineApp, pilot: Pilot[None]) -> ChangeScreen:
    """The change set of a compaction of the store."""
    take_few_files(app)
    await pressed(app, pilot, "c", "enter")
    assert isinstance(app.screen, ChangeScreen)
    return app.screen


async def compacted(app: SeamlineApp, pilot: Pilot[None]) -> ChangeScreen:
    """The same, carried out."""
    screen = await change_set(app, pilot)
    await pressed(app, pilot, "enter")
    await answered(app, pilot, "compact")
    await settle(app, pilot)
    return screen


# --- what is shown ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_the_change_set_of_a_compaction(size: str) -> None:
    async with running(demo_store("clean"), SIZES[size]) as (app, pilot):
        await change_set(app, pilot)
        await assert_golden(app, f"change-set-{size}")


@pytest.mark.parametrize("size", SIZES)
async def test_a_compaction_on_its_way(size: str, tmp_path: Path) -> None:
    with gate(12) as held:
        async with running(copied("clean", tmp_path), SIZES[size], host=LaterHost(LATER), before=held) as (app, pilot):
            await change_set(app, pilot)
            await pressed(app, pilot, "enter")
            await answered(app, pilot, "compact")
            await until_step(app, pilot, held, 12)
            await assert_golden(app, f"change-progress-{size}")
            held.open()
            await settle(app, pilot)


@pytest.mark.parametrize("size", SIZES)
async def test_the_outcome_of_a_compaction(size: str, tmp_path: Path) -> None:
    async with running(copied("clean", tmp_path), SIZES[size], host=LaterHost(LATER)) as (app, pilot):
        await compacted(app, pilot)
        await assert_golden(app, f"change-outcome-{size}")


async def test_opening_a_change_set_writes_nothing(tmp_path: Path) -> None:
    store = copied("clean", tmp_path)
    before = {path: path.lstat().st_mtime_ns for path in store.rglob("*")}
    async with running(store, host=LaterHost(LATER)) as (app, pilot):
        await change_set(app, pilot)
        await pressed(app, pilot, "j", "k", "enter", "escape", "escape")
    assert {path: path.lstat().st_mtime_ns for path in store.rglob("*")} == before


async def test_it_says_what_stays_the_same_what_it_mends_and_what_others_will_notice() -> None:
    async with running(demo_store("two-batch-sizes")) as (app, pilot):
        await pressed(app, pilot, "c")
        refused = said(app, "files-text")
        assert "refused" in refused and "Enter" not in refused
    async with running(demo_store("clean")) as (app, pilot):
        await change_set(app, pilot)
        effect = said(app, "effect-text")
        assert "before   stock restores to 13,000, the latest version" in effect
        assert "the same, as the same entries stay visible: epoch 31   txn 14   state 7" in effect
        assert "a backup coordinator at work keeps its position in memory" in effect
        assert "metadata caches on other hosts keep retired files" in effect


async def test_the_twin_names_the_plan_that_is_shown() -> None:
    async with running(demo_store("clean")) as (app, pilot):
        screen = await change_set(app, pilot)
        assert screen.result is not None
        assert screen.copy_text().startswith("seamline compact clean --epoch-ending-file-compact-factor 100")
        assert screen.copy_text().endswith(f"--yes --if-plan {screen.result.plan_id}")


async def test_the_exported_change_set_names_every_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(demo_store("clean")) as (app, pilot):
        screen = await change_set(app, pilot)
        await pressed(app, pilot, "x")
        document = json.loads((tmp_path / "seamline-change-set-1.json").read_text())
        assert screen.result is not None
        assert document["plan_id"] == screen.result.plan_id
        assert len(document["files"]) == len(screen.result.files)


# --- the word ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", ["", "yes", "y", "Compact", "undo", "compact now"])
async def test_no_other_word_does_anything(answer: str, tmp_path: Path) -> None:
    store = copied("clean", tmp_path)
    before = metadata_of(store)
    async with running(store, host=LaterHost(LATER)) as (app, pilot):
        await change_set(app, pilot)
        await pressed(app, pilot, "enter")
        await answered(app, pilot, answer)
        await settle(app, pilot)
        assert app.job is None
        assert "nothing was done: the word is compact" in screen_text(app)
    assert metadata_of(store) == before and not (store / "seamline").exists()


async def test_enter_twice_and_escape_do_nothing(tmp_path: Path) -> None:
    store = copied("clean", tmp_path)
    async with running(store, host=LaterHost(LATER)) as (app, pilot):
        await change_set(app, pilot)
        await pressed(app, pilot, "enter", "enter")
        assert app.job is None and isinstance(app.screen, AskScreen)
        await pressed(app, pilot, "escape")
        assert app.job is None and isinstance(app.screen, ChangeScreen)
    assert not (store / "seamline").exists() and not (store / LOCK_HANDLE).exists()


async def test_what_was_shown_is_what_was_done_and_the_store_is_read_again(tmp_path: Path) -> None:
    store = copied("clean", tmp_path)
    async with running(store, host=LaterHost(LATER)) as (app, pilot):
        screen = await compacted(app, pilot)
        assert app.job is not None and app.job.phase is JobPhase.DONE and screen.result is not None
        assert len(metadata_of(store)) == screen.result.files_after
        assert app.session.snapshot is not None and len(app.session.snapshot.index.files) == screen.result.files_after
        assert app.job.applied[0].operation in said(app, "run-text")
        assert "u undo it" in said(app, "run-text")
        assert screen.copy_text() == f"seamline undo clean {app.job.applied[0].operation}"
        await pressed(app, pilot, "enter")
        assert "Carry out: it is done" in screen_text(app)
        await pressed(app, pilot, "escape")
        assert isinstance(app.screen, CompactionScreen)
        assert "there is nothing to do: the store is compacted already" in said(app, "files-text")
        await pressed(app, pilot, "enter")
        assert "Compact now: the store is compacted already" in screen_text(app)


async def test_undo_brings_back_every_byte(tmp_path: Path) -> None:
    store = copied("clean", tmp_path)
    before = metadata_of(store)
    async with running(store, host=LaterHost(LATER)) as (app, pilot):
        await compacted(app, pilot)
        assert metadata_of(store) != before
        await pressed(app, pilot, "u")
        screen = app.screen
        assert isinstance(screen, ChangeScreen) and screen.result is not None
        assert "type undo to carry it out" in said(app, "run-text")
        assert screen.copy_text().startswith("seamline undo clean 2030")
        await pressed(app, pilot, "enter")
        await answered(app, pilot, "compact")
        await settle(app, pilot)
        assert "nothing was done: the word is undo" in screen_text(app)
        await pressed(app, pilot, "enter")
        await answered(app, pilot, "undo")
        await settle(app, pilot)
        assert app.job is not None and app.job.phase is JobPhase.DONE
    assert metadata_of(store) == before


# --- what stands in the way -------------------------------------------------------------------------------------------


async def test_a_refused_compaction_opens_nothing_and_says_the_hazard(tmp_path: Path) -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await pressed(app, pilot, "c", "home", "enter")
        assert isinstance(app.screen, CompactionScreen)
        assert app.screen.result is not None and app.screen.result.plan is not None
        refusal = app.screen.result.plan.refusal
        assert refusal is not None
        assert f"Compact now: {title_of(refusal.kind)}: {refusal.explanation}"[:60] in screen_text(app)


async def test_a_read_only_session_changes_nothing_and_says_so(tmp_path: Path) -> None:
    async with running(demo_store("race"), options=AppOptions(read_only=True)) as (app, pilot):
        assert "read-only" in screen_text(app).splitlines()[0]
        await pressed(app, pilot, "c", "enter")
        assert "Compact now: this session is read-only" in screen_text(app)
        await pressed(app, pilot, "u", "r")
        assert "Resume: this session is read-only" in screen_text(app)
        await pressed(app, pilot, "u")
        assert "Undo: this session is read-only" in screen_text(app)
        await pressed(app, pilot, "enter", "enter")
        assert "Carry out: this session is read-only" in screen_text(app)
        assert "nothing can be carried out in it" in said(app, "run-text")


async def test_a_session_that_may_write_does_not_say_read_only() -> None:
    async with running(demo_store("clean")) as (app, _):
        assert "read-only" not in screen_text(app)


# --- stopping ---------------------------------------------------------------------------------------------------------


async def test_escape_stops_between_two_steps_and_the_operation_waits(tmp_path: Path) -> None:
    store = copied("clean", tmp_path)
    with gate(3) as held:
        async with running(store, host=LaterHost(LATER), before=held) as (app, pilot):
            screen = await change_set(app, pilot)
            await pressed(app, pilot, "enter")
            await answered(app, pilot, "compact")
            await until_step(app, pilot, held, 3)
            assert "lease: this app compact" in screen_text(app).splitlines()[0]
            await pilot.press("q", "t", "R")
            assert app.is_running and app.screen is screen
            assert "an operation is running: Esc stops it between two steps" in screen_text(app)
            await pilot.press("escape")
            assert app.job is not None and app.job.phase is JobPhase.STOPPING
            assert "Stopping before the next step" in said(app, "run-text")
            held.open()
            await settle(app, pilot)
            assert app.job.phase is JobPhase.FAILED and app.job.kind == "interrupted"
            assert held.count == 3
            assert "interrupted" in screen_text(app).splitlines()[0]
            run = said(app, "run-text")
            assert "Stopped after 3 of 27 steps" in run and "no line is lost" in run
            assert "Enter shows what was interrupted, to be resumed or undone." in run
            await pressed(app, pilot, "enter", "enter")
            await answered(app, pilot, "resume")
            await settle(app, pilot)
            assert app.job.phase is JobPhase.DONE and not app.session.interrupted
            assert len(metadata_of(store)) == 25


async def test_an_operation_that_was_stopped_can_be_taken_back(tmp_path: Path) -> None:
    store = copied("clean", tmp_path)
    before = metadata_of(store)
    with gate(8) as held:
        async with running(store, host=LaterHost(LATER), before=held) as (app, pilot):
            await change_set(app, pilot)
            await pressed(app, pilot, "enter")
            await answered(app, pilot, "compact")
            await until_step(app, pilot, held, 8)
            await pilot.press("escape")
            held.open()
            await settle(app, pilot)
            await pressed(app, pilot, "enter", "u", "enter")
            await answered(app, pilot, "undo")
            await settle(app, pilot)
            assert app.job is not None and app.job.phase is JobPhase.DONE and not app.session.interrupted
    assert metadata_of(store) == before


# --- errors -----------------------------------------------------------------------------------------------------------


async def carried_out(app: SeamlineApp, pilot: Pilot[None]) -> str:
    """Confirm the change set that is shown; the run's text afterwards."""
    await pressed(app, pilot, "enter")
    await answered(app, pilot, "compact")
    await settle(app, pilot)
    return said(app, "run-text")


async def test_a_store_that_has_changed_meanwhile_is_left_alone_and_looked_at_again(tmp_path: Path) -> None:
    store = copied("clean", tmp_path)
    async with running(store, host=LaterHost(LATER)) as (app, pilot):
        await change_set(app, pilot)
        line = {"TransactionBackup": {"first_version": 13_001, "last_version": 14_000, "manifest": "t/m"}}
        late = store / "metadata" / "transaction_13001-14000.meta"
        late.write_text(json.dumps(line, separators=(",", ":")) + "\n")
        run = await carried_out(app, pilot)
        assert app.job is not None and app.job.kind == "plan-outdated"
        assert "The store has changed since the plan: 1 file changed: metadata/transaction_13001-14000.meta came" in run
        assert "Enter goes back to a plan of the store as it is now." in run
        await pressed(app, pilot, "enter")
        assert isinstance(app.screen, CompactionScreen) and app.screen.result is not None
        assert len(app.screen.result.preview.run.index.files) == 45
        await pressed(app, pilot, "enter")
        assert "Done" not in screen_text(app) and "Nothing is written yet" in screen_text(app)


def foreign_lease(store: Path, tmp_path: Path) -> bytes:
    """The lease of a compaction that somebody has begun on another store just like it."""
    other = copied("clean", tmp_path / "other")
    die_compacting(other, int(LATER), (100, 100, 100), "")
    assert parse((other / LOCK_HANDLE).read_bytes()).is_held
    return (other / LOCK_HANDLE).read_bytes()


def put_lease(store: Path, content: bytes) -> None:
    """Another lease, in one step, as whoever writes one does."""
    draft = store / f"{LOCK_HANDLE}.new"
    draft.write_bytes(content)
    draft.replace(store / LOCK_HANDLE)


async def test_a_lease_that_somebody_holds_is_told_with_who_and_since_when(tmp_path: Path) -> None:
    store = copied("clean", tmp_path)
    before = metadata_of(store)
    put_lease(store, foreign_lease(store, tmp_path))
    async with running(store, host=FixedHost(LATER)) as (app, pilot):
        assert "lease: carol@backup-2 compact" in screen_text(app).splitlines()[0]
        await change_set(app, pilot)
        run = await carried_out(app, pilot)
        assert app.job is not None and app.job.kind == "lease-held"
        assert "Another compaction is in progress, by carol@backup-2 (pid 4711) since 2030-03-17 17:46:40 UTC" in run
        assert "Enter waits for it, 5 minutes at most" in run
    assert metadata_of(store) == before


class PatientHost(FixedHost):
    """A host on which nobody is known to have ended, and a wait takes a moment of the test's own time."""

    def sleep(self, seconds: float) -> None:
        threading.Event().wait(0.05)


async def test_waiting_for_the_lease_goes_on_when_it_is_free_and_escape_ends_it(tmp_path: Path) -> None:
    store = copied("clean", tmp_path)
    held = foreign_lease(store, tmp_path)
    put_lease(store, held)
    async with running(store, host=PatientHost(LATER)) as (app, pilot):
        await change_set(app, pilot)
        await carried_out(app, pilot)
        for ends in ("escape", "free"):
            await pressed(app, pilot, "enter")
            await answered(app, pilot, "compact")
            while app.job is None or not app.job.waits_for:
                await pilot.pause(0.01)
            assert "waiting for the lease of carol@backup-2" in said(app, "run-text")
            if ends == "escape":
                await pilot.press("escape")
                await settle(app, pilot)
                assert app.job.kind == "interrupted"
                assert "Stopped while waiting for the lease; nothing was changed" in said(app, "run-text")
                await pressed(app, pilot, "escape", "enter", "enter")
                await answered(app, pilot, "compact")
                await settle(app, pilot)
                assert app.job.kind == "lease-held"
            else:
                free = replace(parse(held), state="free", nonce="another")
                put_lease(store, free.to_bytes())
                await settle(app, pilot)
                assert app.job.phase is JobPhase.DONE


async def test_a_lease_that_is_lost_on_the_way_stops_it_and_the_way_on_is_named(tmp_path: Path) -> None:
    store = copied("clean", tmp_path)
    held = foreign_lease(store, tmp_path)
    lost = Gate(4, lambda: put_lease(store, held))
    async with running(store, host=LaterHost(LATER), before=lost) as (app, pilot):
        await change_set(app, pilot)
        run = await carried_out(app, pilot)
        assert app.job is not None and app.job.kind == "lease-lost"
        assert "The lease was lost: carol@backup-2 (pid 4711) took over" in run
        assert "Enter shows what was interrupted, to be resumed or undone." in run


def full_disk() -> None:
    raise WriteFailed("metadata/x.meta was not made: no space left on device", hint="make room on it")


async def test_a_write_that_fails_is_told_and_leaves_the_operation_to_be_resumed(tmp_path: Path) -> None:
    store = copied("clean", tmp_path)
    async with running(store, host=LaterHost(LATER), before=Gate(2, full_disk)) as (app, pilot):
        await change_set(app, pilot)
        run = await carried_out(app, pilot)
        assert app.job is not None and app.job.kind == "write-failed"
        assert "no space left on device" in run and "make room on it" in run
        assert "Enter shows what was interrupted, to be resumed or undone." in run
        assert app.session.snapshot is not None and len(interrupted_in(app.session.snapshot.journal)) == 1


def broken() -> None:
    raise RuntimeError("[/b] a fault")


async def test_a_fault_of_the_program_is_told_and_the_journal_says_the_rest(tmp_path: Path) -> None:
    store = copied("clean", tmp_path)
    async with running(store, host=LaterHost(LATER), before=Gate(2, broken)) as (app, pilot):
        await change_set(app, pilot)
        run = await carried_out(app, pilot)
        assert "RuntimeError: [/b] a fault" in run and "fault in seamline" in run
        assert app.is_running and app.session.interrupted


async def test_a_store_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    store = copied("clean", tmp_path)
    (store / "seamline").write_text("in the way")
    async with running(store, host=LaterHost(LATER)) as (app, pilot):
        await change_set(app, pilot)
        run = await carried_out(app, pilot)
        assert app.job is not None and app.job.phase is JobPhase.FAILED
        assert "seamline" in run


# --- what was interrupted ---------------------------------------------------------------------------------------------


async def test_before_any_new_plan_what_was_interrupted_is_offered_to_be_finished(tmp_path: Path) -> None:
    store = copied("race", tmp_path)
    async with running(store, host=LaterHost(LATER)) as (app, pilot):
        await pressed(app, pilot, "c")
        assert "1 operation did not end: Enter shows it" in said(app, "files-text")
        await pressed(app, pilot, "enter")
        assert "type resume to finish it; u takes it back instead" in said(app, "run-text")
        assert "interrupted: 3 of 20 steps are done" in said(app, "effect-text")
        await pressed(app, pilot, "enter")
        await answered(app, pilot, "resume")
        await settle(app, pilot)
        assert app.job is not None and app.job.phase is JobPhase.DONE
        assert app.session.report is not None and app.session.report.word == "clean"
        assert "interrupted" not in screen_text(app).splitlines()[0]


async def test_nothing_is_resumed_without_its_word(tmp_path: Path) -> None:
    store = copied("race", tmp_path)
    before = metadata_of(store)
    async with running(store, host=LaterHost(LATER)) as (app, pilot):
        await pressed(app, pilot, "c", "enter", "enter")
        await answered(app, pilot, "compact")
        await settle(app, pilot)
        assert app.job is None and "nothing was done: the word is resume" in screen_text(app)
    assert metadata_of(store) == before


async def test_names_of_a_store_are_never_taken_for_markup_or_for_keys_of_the_terminal(tmp_path: Path) -> None:
    store = copied("clean", tmp_path)
    line = {"StateSnapshotBackup": {"epoch": 99, "version": 12_999, "manifest": "s/m"}}
    (store / "metadata" / "[b]x[@click=app.quit]\x1b]0;.meta").write_text(
        json.dumps(line, separators=(",", ":")) + "\n"
    )
    async with running(store, SIZES["160x45"], host=LaterHost(LATER)) as (app, pilot):
        screen = await change_set(app, pilot)
        assert screen.result is not None
        place = next(at for at, item in enumerate(screen.result.files) if "[b]x" in item.handle)
        screen._list.move_to(place)
        await settle(app, pilot)
        assert "[b]x[@click=app.quit]\\x1b]0;.meta" in screen_text(app)
        run = await carried_out(app, pilot)
        assert "done in" in run


async def test_what_somebody_else_has_finished_meanwhile_is_not_resumed_again(tmp_path: Path) -> None:
    store = copied("race", tmp_path)
    async with running(store, host=LaterHost(LATER)) as (app, pilot):
        await pressed(app, pilot, "u")
        assert app.engine is not None
        operating(store)(app.engine).resume()
        await pressed(app, pilot, "R", "r")
        assert "Resume: it was not interrupted" in screen_text(app)
        app.push_screen(ChangeScreen(proposals.interrupted))
        await settle(app, pilot)
        assert "No preview: nothing is interrupted any more" in screen_text(app)


@pytest.mark.parametrize("keys", [("c",), ("c", "enter"), ("p", "enter")], ids=" ".join)
async def test_a_copied_command_has_the_lease_that_the_app_was_given(keys: tuple[str, ...]) -> None:
    options = AppOptions(lease=LeaseChoice(on_host=True))
    async with running(demo_store("everything"), (160, 45), options) as (app, pilot):
        await pressed(app, pilot, *keys)
        assert "--lease host" in screen_text(app).splitlines()[-3]
        await pressed(app, pilot, "y")
        assert "--lease host" in app.clipboard
