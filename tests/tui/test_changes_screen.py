"""The journal: operations newest first, where each stands, what of it is damaged; resume, undo, and an empty one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual.pilot import Pilot

from core.journal import OperationState
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
    take_few_files,
)
from tui.app import AppOptions, SeamlineApp
from tui.job import JobPhase
from tui.screens.change import ChangeScreen
from tui.screens.changes import ChangesScreen

SIZES = {"80x24": (80, 24), "160x45": (160, 45)}


async def opened(app: SeamlineApp, pilot: Pilot[None]) -> ChangesScreen:
    """The journal."""
    await pressed(app, pilot, "u")
    assert isinstance(app.screen, ChangesScreen)
    return app.screen


async def confirmed(app: SeamlineApp, pilot: Pilot[None], word: str) -> None:
    """Type the word of the change set in front, and see it done."""
    await pressed(app, pilot, "enter")
    await answered(app, pilot, word)
    await settle(app, pilot)
    assert app.job is not None and app.job.phase is JobPhase.DONE


async def some_history(app: SeamlineApp, pilot: Pilot[None]) -> ChangesScreen:
    """What was interrupted is finished, then taken back; a compaction comes last."""
    await opened(app, pilot)
    await pressed(app, pilot, "r")
    await confirmed(app, pilot, "resume")
    await pressed(app, pilot, "u")
    await confirmed(app, pilot, "undo")
    app.action_show_screen("timeline")
    take_few_files(app)
    await pressed(app, pilot, "c", "enter")
    await confirmed(app, pilot, "compact")
    app.action_show_screen("timeline")
    return await opened(app, pilot)


@pytest.mark.parametrize("size", SIZES)
async def test_the_journal_after_some_history(size: str, tmp_path: Path) -> None:
    async with running(copied("race", tmp_path), SIZES[size], host=LaterHost(LATER)) as (app, pilot):
        screen = await some_history(app, pilot)
        states = [each.state for each in screen._operations]
        assert states == [OperationState.DONE, OperationState.DONE, OperationState.UNDONE]
        await assert_golden(app, f"changes-{size}")


@pytest.mark.parametrize("size", SIZES)
async def test_the_journal_with_an_operation_that_was_interrupted(size: str) -> None:
    async with running(demo_store("race"), SIZES[size]) as (app, pilot):
        await opened(app, pilot)
        await assert_golden(app, f"changes-race-{size}")


@pytest.mark.parametrize("size", SIZES)
async def test_the_files_of_an_operation_that_was_interrupted(size: str) -> None:
    async with running(demo_store("race"), SIZES[size]) as (app, pilot):
        await opened(app, pilot)
        await pressed(app, pilot, "enter")
        await assert_golden(app, f"change-race-{size}")


async def test_with_ascii_nothing_else_is_on_the_journal() -> None:
    async with running(demo_store("race"), options=AppOptions(ascii=True)) as (app, pilot):
        await opened(app, pilot)
        assert screen_text(app).isascii() and "^ interrupted" in screen_text(app)


async def test_a_store_without_a_journal_says_so() -> None:
    async with running(demo_store("clean")) as (app, pilot):
        await opened(app, pilot)
        assert "The journal is empty" in screen_text(app)
        await pressed(app, pilot, "enter")
        assert "Files: the journal is empty" in screen_text(app)
        await pressed(app, pilot, "u")
        assert "Undo: there is no operation" in screen_text(app)


async def test_a_journal_that_can_not_be_listed_is_told(tmp_path: Path) -> None:
    store = copied("clean", tmp_path)
    (store / "seamline").mkdir()
    (store / "seamline" / "journal").write_text("no folder")
    async with running(store, host=LaterHost(LATER)) as (app, pilot):
        await pressed(app, pilot, "u")
        assert "journal" in screen_text(app) and "No" in screen_text(app)
        await pressed(app, pilot, "escape")
        assert app.is_running


async def test_only_what_was_interrupted_is_resumed_and_nothing_is_undone_twice(tmp_path: Path) -> None:
    async with running(copied("race", tmp_path), host=LaterHost(LATER)) as (app, pilot):
        await some_history(app, pilot)
        await pressed(app, pilot, "r")
        assert "Resume: it was not interrupted" in screen_text(app)
        await pressed(app, pilot, "end", "u")
        assert "Undo: it has been undone already" in screen_text(app)


async def test_an_undo_can_be_taken_back_too(tmp_path: Path) -> None:
    store = copied("race", tmp_path)
    async with running(store, host=LaterHost(LATER)) as (app, pilot):
        await opened(app, pilot)
        await pressed(app, pilot, "r")
        await confirmed(app, pilot, "resume")
        done = metadata_of(store)
        await pressed(app, pilot, "u")
        await confirmed(app, pilot, "undo")
        assert metadata_of(store) != done
        await pressed(app, pilot, "u")
        await confirmed(app, pilot, "undo")
        assert metadata_of(store) == done


async def test_a_damaged_journal_is_told_and_hides_nothing_else(tmp_path: Path) -> None:
    store = copied("race", tmp_path)
    intent = next((store / "seamline" / "journal").glob("*.intent.json"))
    intent.write_text("{[red]torn")
    async with running(store, host=LaterHost(LATER)) as (app, pilot):
        screen = await opened(app, pilot)
        assert screen.selected is not None and screen.selected.fault
        assert "1 damaged" in screen_text(app).splitlines()[0]
        assert "can't be read" in said(app, "operation-text")
        await pressed(app, pilot, "u")
        assert isinstance(app.screen, ChangeScreen)
        assert "No preview: its journal can't be read" in screen_text(app)
        await pressed(app, pilot, "escape", "r")
        await confirmed(app, pilot, "resume")
        assert "closed" in said(app, "run-text") and not app.session.interrupted


async def test_what_a_journal_says_is_never_taken_for_markup(tmp_path: Path) -> None:
    store = copied("race", tmp_path)
    intent = next((store / "seamline" / "journal").glob("*.intent.json"))
    told = json.loads(intent.read_text())
    told |= {"user": "[bold]\x1b[31mmallory", "host": "[@click=app.quit]here", "label": "[/x]"}
    intent.write_text(json.dumps(told))
    async with running(store, SIZES["160x45"]) as (app, pilot):
        await opened(app, pilot)
        shown = screen_text(app)
        assert "[bold]\\x1b[31mmallory@[@click=app.quit]here" in shown and "\x1b" not in shown


async def test_the_selected_operation_is_copied_by_its_name_and_the_journal_exported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(demo_store("race")) as (app, pilot):
        screen = await opened(app, pilot)
        assert screen.selected is not None
        await pressed(app, pilot, "y", "x")
        assert app.clipboard == screen.selected.id
        document = json.loads((tmp_path / "seamline-changes-1.json").read_text())
        assert document["operations"][0]["state"] == "interrupted"


@pytest.mark.parametrize("size", SIZES)
async def test_the_first_screen_of_a_race(size: str) -> None:
    async with running(demo_store("race"), SIZES[size]) as (app, _):
        assert "interrupted" in screen_text(app).splitlines()[0]
        kinds = {finding.kind for zone in app.session.zones for finding in zone.findings}
        assert "interrupted-operation" in kinds
        await assert_golden(app, f"timeline-race-{size}")


async def test_enter_on_the_problem_leads_to_the_journal() -> None:
    async with running(demo_store("race")) as (app, pilot):
        while (zone := app.session.current_zone) is None or zone.findings[0].kind != "interrupted-operation":
            await pilot.press("right_square_bracket")
        await pressed(app, pilot, "enter")
        assert isinstance(app.screen, ChangesScreen)
