"""The repair: what it would do and why, the way to its change set, and every sample store broken, repaired, undone."""

from __future__ import annotations

import asyncio
import json
import os
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.tui.support import (
    LATER,
    LaterHost,
    answered,
    assert_golden,
    copied,
    demo_store,
    metadata_of,
    pressed,
    running,
    said,
    screen_text,
    settle,
    tree_of,
)
from tui.app import AppOptions, SeamlineApp
from tui.job import JobPhase
from tui.messages import LookedAhead, LookingAhead, NotLookedAhead
from tui.repairing import RepairAnswer
from tui.screens.change import ChangeScreen
from tui.screens.compare import CompareScreen
from tui.screens.repair import RepairScreen

SIZES = {"80x24": (80, 24), "160x45": (160, 45)}
#: What stock restores to when a sample store is repaired, and whether that is everything.
REPAIRED = {
    "same-range": (11_999, True),
    "two-batch-sizes": (12_000, True),
    "started-over": (12_000, True),
    "torn-compaction": (17_000, True),
    "no-join": (12_500, True),
    "snapshot-tie": (12_000, True),
    "everything": (18_000, False),
}


async def opened(app: SeamlineApp, pilot: Pilot[None], *keys: str) -> RepairScreen:
    """The preview, once it is there; then some more keys."""
    await pressed(app, pilot, "p")
    screen = app.screen
    assert isinstance(screen, RepairScreen)
    await pressed(app, pilot, *keys)
    return screen


def answer_of(screen: RepairScreen) -> RepairAnswer:
    """What is shown."""
    assert screen.result is not None
    return screen.result


def restorable_to(app: SeamlineApp) -> int | None:
    """How far stock restores the store by itself, with all that is known of its manifests."""
    assert app.session.outlook is not None
    return app.session.outlook.verdict.stock_restorable_to


def with_torn_file(store: Path, now: float) -> Path:
    """A metadata file that was cut off a moment ago: somebody may be writing it."""
    path = store / "metadata" / "transaction_12001-13000.meta"
    path.write_bytes(b'{"TransactionBackup":{"first_version":12001,"last')
    os.utime(path, (now - 5, now - 5))
    return store


# --- broken, repaired, undone -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REPAIRED)
async def test_a_broken_store_is_repaired_and_the_repair_undone(name: str, tmp_path: Path) -> None:
    store = copied(name, tmp_path)
    before = metadata_of(store)
    to, everything = REPAIRED[name]
    async with running(store, host=LaterHost(LATER)) as (app, pilot):
        broken_at = restorable_to(app)
        assert broken_at is None or broken_at < to
        await opened(app, pilot, "enter")
        assert isinstance(app.screen, ChangeScreen) and metadata_of(store) == before
        await pressed(app, pilot, "enter")
        await answered(app, pilot, "repair")
        await settle(app, pilot)
        assert app.job is not None and app.job.phase is JobPhase.DONE, app.job
        assert metadata_of(store) != before
        assert restorable_to(app) == to
        assert ("the latest version" in said(app, "run-text")) == everything
        assert "u undo it" in said(app, "run-text")
        await pressed(app, pilot, "u", "enter")
        await answered(app, pilot, "undo")
        await settle(app, pilot)
        assert app.job is not None and app.job.phase is JobPhase.DONE, app.job
        assert restorable_to(app) == broken_at
    assert metadata_of(store) == before


@pytest.mark.parametrize("name", REPAIRED)
async def test_a_second_repair_has_nothing_to_do(name: str, tmp_path: Path) -> None:
    async with running(copied(name, tmp_path), host=LaterHost(LATER)) as (app, pilot):
        await opened(app, pilot, "enter", "enter")
        await answered(app, pilot, "repair")
        await settle(app, pilot)
        await pressed(app, pilot, "t")
        screen = await opened(app, pilot)
        assert answer_of(screen).proposal is None
        await pressed(app, pilot, "enter")
        assert app.screen is screen
        assert "Repair now: nothing is visible that should not be" in screen_text(app)


# --- what is shown ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["same-range", "everything", "clean", "no-join"])
async def test_the_preview_of_a_sample_store(name: str, size: str) -> None:
    async with running(demo_store(name), SIZES[size]) as (app, pilot):
        await opened(app, pilot)
        await assert_golden(app, f"repair-{name}-{size}")


@pytest.mark.parametrize("size", SIZES)
async def test_a_repair_that_is_refused_says_why_and_what_to_do(size: str, tmp_path: Path) -> None:
    store = with_torn_file(copied("same-range", tmp_path), LATER)
    async with running(store, SIZES[size], host=LaterHost(LATER)) as (app, pilot):
        await opened(app, pilot)
        await assert_golden(app, f"repair-refused-{size}")
        assert "refused    in flight: " in said(app, "repair-text")
        await pressed(app, pilot, "enter")
        assert isinstance(app.screen, RepairScreen)
        assert "Repair now: in flight: " in screen_text(app)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["everything", "no-join", "gap"])
async def test_with_ascii_nothing_else_is_on_the_preview(name: str, size: str) -> None:
    async with running(demo_store(name), SIZES[size], AppOptions(ascii=True)) as (app, pilot):
        await opened(app, pilot)
        assert screen_text(app).isascii()


async def test_previewing_leaves_every_byte_of_the_store_as_it_was(tmp_path: Path) -> None:
    store = copied("everything", tmp_path)
    before = tree_of(store)
    async with running(store) as (app, pilot):
        await opened(app, pilot, "space", "j", "k", "enter", "escape", "escape")
    assert tree_of(store) == before


async def test_it_says_what_goes_what_comes_back_and_whether_fewer_files_would_do() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await opened(app, pilot)
        effect = said(app, "repair-text")
        assert "recovered  txn 6,001 - 7,000  1 line of metadata_backup/transaction_6001-7000.meta" in effect
        assert "goes       txn 2,501 - 3,500  starts inside the chosen 2,001 - 3,000" in effect
        assert "goes       state 13,268  its manifest is known to be broken" in effect
        assert "no other choice of the same worth retires fewer files" in effect
        assert "aptos-db-tool backup oneoff transaction --start-version 18001" in effect
        assert "besides    A running coordinator keeps its position in memory" in effect


async def test_a_splice_names_the_chunks_and_the_manifest_it_is_cut_from() -> None:
    async with running(demo_store("no-join")) as (app, pilot):
        screen = await opened(app, pilot)
        (derived,) = answer_of(screen).recovery.derived
        assert f"of {derived.source}, as they are" in said(app, "repair-text")
        assert "spliced    txn 5,001 - 5,500" in said(app, "repair-text")


async def test_the_tail_is_kept_unless_it_is_set_aside() -> None:
    async with running(demo_store("gap")) as (app, pilot):
        screen = await opened(app, pilot)
        assert answer_of(screen).proposal is None and answer_of(screen).tail == 5
        assert "hides the 5 entries behind the gap from stock" in said(app, "repair-text")
        await pressed(app, pilot, "space")
        then = answer_of(screen).then
        assert then is not None and then.stock_restores_latest and then.latest == 6_000
        first, reach, manifests = said(app, "repair-text").splitlines()[:3]
        assert first == "HIDES versions 7,001 to 12,000 (5 transaction entries) from stock."
        assert reach.startswith("Stock restores only to 6,000 until this repair is undone, or another one finds")
        assert manifests.startswith("Their manifests stay where they are: transaction_7001-")
        assert "HIDES THE TAIL" in screen_text(app).splitlines()[0]
        assert first in screen_text(app)
        await pressed(app, pilot, "enter")
        assert first in screen_text(app) and "Stock restores only to 6,000" in screen_text(app)
        await pressed(app, pilot, "escape")
        assert "--park-tail" in screen.copy_text()
        await pressed(app, pilot, "space")
        assert answer_of(screen).proposal is None and "--park-tail" not in screen.copy_text()


async def test_without_a_tail_there_is_nothing_to_set_aside() -> None:
    async with running(demo_store("same-range")) as (app, pilot):
        await opened(app, pilot, "space")
        assert "nothing lies behind a gap" in screen_text(app)


async def test_another_policy_is_asked_for_and_kept(tmp_path: Path) -> None:
    async with running(demo_store("two-batch-sizes")) as (app, pilot):
        screen = await opened(app, pilot)
        change = answer_of(screen).plan.change_set
        assert change is not None
        usual = [move.source for move in change.retires]
        await pressed(app, pilot, "P")
        await answered(app, pilot, "longest")
        await settle(app, pilot)
        assert app.wishes.policy == "longest" and "--policy longest" in screen.copy_text()
        change = answer_of(screen).plan.change_set
        assert change is not None and [move.source for move in change.retires] != usual
        await pressed(app, pilot, "P")
        await answered(app, pilot, "cheapest")
        assert "verified  fewest-changes" in screen_text(app) and app.wishes.policy == "longest"


async def test_what_was_chosen_on_the_comparison_is_what_the_repair_keeps() -> None:
    async with running(demo_store("same-range")) as (app, pilot):
        screen = await opened(app, pilot)
        change = answer_of(screen).plan.change_set
        assert change is not None
        (gone,) = change.rejected
        await pressed(app, pilot, "t", "right_square_bracket", "enter")
        assert isinstance(app.screen, CompareScreen) and app.screen.comparison is not None
        letter = "a" if gone.manifest == app.screen.comparison.pair[0].manifest else "b"
        await pressed(app, pilot, letter, "p")
        again = app.screen
        assert isinstance(again, RepairScreen)
        change = answer_of(again).plan.change_set
        assert change is not None and gone not in change.rejected and len(change.rejected) == 1
        assert f"--pin {gone.manifest}" in again.copy_text()


async def test_a_read_only_session_shows_the_repair_and_does_not_carry_it_out() -> None:
    async with running(demo_store("same-range"), options=AppOptions(read_only=True)) as (app, pilot):
        await opened(app, pilot, "enter")
        assert isinstance(app.screen, RepairScreen)
        assert "Repair now: this session is read-only" in screen_text(app)


async def test_the_compaction_preview_leads_to_the_repair_that_is_needed_first() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await pressed(app, pilot, "c")
        assert "p: repair first, which makes stock restore to 18,000" in said(app, "files-text")
        await pressed(app, pilot, "p")
        assert isinstance(app.screen, RepairScreen)
    async with running(demo_store("clean")) as (app, pilot):
        await pressed(app, pilot, "c")
        assert "p: repair" not in said(app, "files-text")


async def test_what_was_interrupted_comes_before_a_repair(tmp_path: Path) -> None:
    async with running(copied("race", tmp_path), host=LaterHost(LATER)) as (app, pilot):
        await opened(app, pilot, "enter")
        assert isinstance(app.screen, ChangeScreen)
        assert "type resume to finish it" in said(app, "run-text")


async def test_the_exported_plan_names_every_file_and_where_a_splice_comes_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(demo_store("no-join")) as (app, pilot):
        screen = await opened(app, pilot, "x")
        document = json.loads((tmp_path / "seamline-repair-1.json").read_text())
        change = answer_of(screen).plan.change_set
        assert change is not None and document["plan_id"] == change.plan_id
        assert [each["handle"] for each in document["retires"]] == [move.source for move in change.retires]
        assert answer_of(screen).recovery.derived[0].source in json.dumps(document)


# --- the first screen -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("clean", "stock restores to 13,000, the latest version"),
        ("same-range", "stock restores nothing · latest 11,999 · with the overlay 11,999 · with the repair 11,999"),
        ("everything", "with the overlay 18,000 · with the repair 18,000, the rest needs a new backup"),
        ("no-join", "stock restores to 5,500 · latest 12,500 · with the overlay 12,500 · with the repair 12,500"),
        ("snapshot-tie", "stock restores to 10,872 · latest 12,000 · with the overlay 12,000"),
        ("gap", "stock restores to 6,000 · latest 12,000 · no chain goes further (needs a new backup)"),
    ],
)
async def test_the_first_screen_says_how_far_overlay_and_repair_lead(name: str, words: str) -> None:
    async with running(demo_store(name), SIZES["160x45"]) as (app, _):
        assert words in screen_text(app).splitlines()[1]


async def test_a_repair_that_is_refused_is_no_way_on(tmp_path: Path) -> None:
    store = with_torn_file(copied("same-range", tmp_path), LATER)
    async with running(store, SIZES["160x45"], host=LaterHost(LATER)) as (app, _):
        assert app.session.outlook is not None and app.session.outlook.repair_to is None


async def test_looking_into_manifests_that_takes_long_is_told_and_escape_stops_it() -> None:
    async with running(demo_store("same-range")) as (app, pilot):
        app.session = replace(app.session, outlook=None)
        app.post_message(LookingAhead(3, 9))
        await pilot.pause()
        assert "looking into manifests 3 of 9: Esc stops" in screen_text(app).splitlines()[-2]
        assert "an overlay reaches it" in screen_text(app).splitlines()[1]
        await pilot.press("escape")
        assert app._stop.is_set()
        app.post_message(NotLookedAhead("stopped while the manifests that compete were looked into"))
        await pilot.pause()
        assert "repair not known" in screen_text(app).splitlines()[-2]
        app.look_ahead()
        await settle(app, pilot)
        assert "overlay or repair 11,999" in screen_text(app).splitlines()[1]


async def test_a_look_ahead_at_a_store_that_was_read_again_since_is_not_shown() -> None:
    async with running(demo_store("same-range")) as (app, pilot):
        old = app.session.outlook
        assert old is not None
        await pressed(app, pilot, "R")
        now = app.session.outlook
        assert now is not None and now is not old
        app.post_message(LookedAhead(old))
        await pilot.pause()
        assert app.session.outlook is now


async def test_the_way_ahead_is_worked_out_without_holding_up_the_keys(tmp_path: Path) -> None:
    metadata = tmp_path / "long" / "metadata"
    metadata.mkdir(parents=True)
    for number in range(3_000):
        first = number * 10
        for writer in ("a", "b")[: 2 if number % 10 == 0 else 1]:
            record = {"first_version": first, "last_version": first + 9, "manifest": f"transaction_{first}-.{writer}/m"}
            line = json.dumps({"TransactionBackup": record}, separators=(",", ":"))
            (metadata / f"transaction_{first}-{first + 9}{writer}.meta").write_text(line + "\n")
    async with running(tmp_path / "long", location="long") as (app, pilot):
        beats: list[float] = []

        async def beat() -> None:
            while True:
                # Processor time of the loop's own thread, which others on the machine don't add to.
                beats.append(time.thread_time())
                await asyncio.sleep(0.001)

        task = asyncio.create_task(beat())
        await pressed(app, pilot, "p", "j", "escape", "end", "r", "j")
        task.cancel()
        waits = sorted(later - earlier for earlier, later in pairwise(beats))
        # A collection of garbage holds up everything now and then; what blocks does so every time.
        assert waits[-3] < 0.1
