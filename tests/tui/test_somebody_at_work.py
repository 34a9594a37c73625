"""Somebody else is at work on the store that the app shows: it says who and how far, and offers to wait."""

from __future__ import annotations

import os
from pathlib import Path

from textual.pilot import Pilot

from core.machine import ThisMachine
from tests.support.change_sets import base_folder, with_a_backup
from tests.support.guards import running_guard
from tests.tui.support import pressed, running, said, screen_text
from tui.app import SeamlineApp
from tui.screens.changes import ChangesScreen

WAITS = 'echo on; read line < "$1/pipe"'


def guarded_store(folder: Path) -> Path:
    """A store with a pipe that ends the command of a guard once something is written to it."""
    store = with_a_backup(base_folder(folder / "store"))
    os.mkfifo(store / "pipe")
    return store


async def opened(app: SeamlineApp, pilot: Pilot[None]) -> str:
    """The journal; all of the selected operation's text in one line."""
    await pressed(app, pilot, "u")
    assert isinstance(app.screen, ChangesScreen)
    return flat(app)


def flat(app: SeamlineApp) -> str:
    return " ".join(said(app, "operation-text").split())


async def test_the_journal_says_who_is_at_work_and_offers_to_wait(tmp_path: Path) -> None:
    store = guarded_store(tmp_path)
    with running_guard(store, WAITS) as process:
        async with running(store, (160, 45), host=ThisMachine()) as (app, pilot):
            text = await opened(app, pilot)
            assert "running" in screen_text(app) and "interrupted" not in screen_text(app)
            assert f"(pid {process.pid}) since" in text and "at work" in text and "wait" in text
            assert "r finishes" not in text and "takes it back" not in text
            await pressed(app, pilot, "r")
            assert isinstance(app.screen, ChangesScreen) and "is at work on it: wait" in screen_text(app)
            await pressed(app, pilot, "u")
            assert isinstance(app.screen, ChangesScreen) and "is at work on it: wait" in screen_text(app)
            await pressed(app, pilot, "enter")
            assert "At work" in screen_text(app) and "is at work on it: wait" in screen_text(app)
        (store / "pipe").write_text("go on\n")


async def test_it_ends_while_the_journal_is_open_and_a_look_shows_that(tmp_path: Path) -> None:
    store = guarded_store(tmp_path)
    with running_guard(store, WAITS) as process:
        async with running(store, (160, 45), host=ThisMachine()) as (app, pilot):
            await opened(app, pilot)
            assert "lease: " in screen_text(app)
            (store / "pipe").write_text("go on\n")
            assert process.wait(timeout=60) == 0
            await pressed(app, pilot, "l")
            assert "done, " in flat(app) and "u takes it back" in flat(app)
            assert "lease: " not in screen_text(app) and "interrupted" not in screen_text(app)


async def test_it_is_killed_while_the_journal_is_open_and_a_look_offers_to_finish_it(tmp_path: Path) -> None:
    store = guarded_store(tmp_path)
    with running_guard(store, WAITS) as process:
        async with running(store, (160, 45), host=ThisMachine()) as (app, pilot):
            await opened(app, pilot)
            process.kill()
            process.wait()
            await pressed(app, pilot, "l")
            assert "interrupted" in flat(app) and "r finishes it; u takes it back" in flat(app)
            assert "interrupted" in screen_text(app).splitlines()[0]
        (store / "pipe").write_text("go on\n")


async def test_what_is_at_work_is_no_problem_in_the_list(tmp_path: Path) -> None:
    store = guarded_store(tmp_path)
    with running_guard(store, WAITS):
        async with running(store, (160, 45), host=ThisMachine()) as (app, _):
            assert app.session.problem_count == 0
            assert "guard" in screen_text(app).splitlines()[0] and "at work" in screen_text(app)
        (store / "pipe").write_text("go on\n")
