"""A fault of the program itself is told in one line, its trace is kept, and the app goes on."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from textual.command import CommandList
from textual.events import Resize
from textual.geometry import Size
from textual.pilot import Pilot

from tests.support.windows import Terminal
from tests.tui.support import connected, demo_store, pressed, running, screen_text, settle
from tui.app import SeamlineApp
from tui.commands import Context
from tui.palette import Palette
from tui.screens.base import SeamlineScreen
from tui.screens.compaction import CompactionScreen
from tui.screens.files import FilesScreen
from tui.screens.timeline import TimelineScreen
from tui.widgets.line import Line
from tui.widgets.rows import RowList

SAID = "fault in seamline: "


@asynccontextmanager
async def faulty(tmp_path: Path) -> AsyncIterator[tuple[SeamlineApp, Pilot[None]]]:
    """The app on a store, its faults being what is tested."""
    app = SeamlineApp("everything", connected(demo_store("everything")), fault_log=tmp_path / "state" / "faults.log")
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(app, pilot)
        try:
            yield app, pilot
        finally:
            # Whatever came up was asked for.
            app._exception = None


def raising(*_: object, **__: object) -> None:
    raise KeyError("[/b]\nx")


async def test_a_fault_in_a_key_is_told_and_the_next_key_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with faulty(tmp_path) as (app, pilot):
        with monkeypatch.context() as patched:
            patched.setattr(TimelineScreen, "action_zoom", raising)
            await pilot.press("w")
            await settle(app, pilot)
            assert SAID in screen_text(app) and "KeyError: '[/b]" in screen_text(app)
        log = tmp_path / "state" / "faults.log"
        assert "KeyError" in log.read_text() and "raising" in log.read_text() and "TimelineScreen" in log.read_text()
        assert log.stat().st_mode & 0o777 == 0o600
        await pressed(app, pilot, "o")
        assert "Files" in screen_text(app) and SAID not in screen_text(app)


async def test_a_widget_whose_handler_fails_hears_the_next_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with faulty(tmp_path) as (app, pilot):
        await pressed(app, pilot, "o")
        with monkeypatch.context() as patched:
            patched.setattr(RowList, "on_focus", raising)
            await pressed(app, pilot, "tab", "shift+tab")
            assert SAID in screen_text(app)
        app._exception_event.clear()
        files = app.screen.query_one("#file-list", RowList)
        files.focus()
        await pressed(app, pilot, "home", "j", "j")
        assert files.cursor == 2


@pytest.mark.parametrize("part", ["compose_body", "on_mount", "header_pieces"])
async def test_a_screen_that_can_not_be_shown_goes_and_the_one_below_says_why(
    part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with faulty(tmp_path) as (app, pilot):
        monkeypatch.setattr(FilesScreen, part, raising)
        await pilot.press("o")
        for _ in range(20):
            await pilot.pause(0.05)
        assert isinstance(app.screen, TimelineScreen)
        assert SAID in screen_text(app)
        await pressed(app, pilot, "r")
        assert "Restore" in screen_text(app)


async def test_a_screen_whose_drawing_keeps_failing_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with faulty(tmp_path) as (app, pilot):
        await pressed(app, pilot, "o")
        with monkeypatch.context() as patched:
            patched.setattr(Line, "render_line", raising)
            await pilot.press("j")
            for _ in range(10):
                await pilot.pause(0.05)
            for width in (90, 80, 70):
                await pilot.resize_terminal(width, 24)
                await pilot.pause(0.2)
        # The last screen has such lines as well.
        assert app._exit and app.last_word is not None
        assert "KeyError" in app.last_word.message and "nothing was written" in app.last_word.message


async def test_a_screen_that_was_left_before_it_was_drawn_is_no_fault() -> None:
    async with running(demo_store("same-range")) as (app, pilot):
        for _ in range(10):
            await pilot.press("r")
            app.screen.call_after_refresh(app.screen.query_one, "#picture")
            await pilot.press("escape")
        await settle(app, pilot)
        assert SAID not in screen_text(app)


async def test_the_log_of_faults_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with faulty(tmp_path) as (app, _):
        log = tmp_path / "state" / "faults.log"
        log.parent.mkdir()
        log.write_bytes(b"x" * 10_000_000)
        assert "faults.log" in app.keep_fault(KeyError("newest"))
        assert log.stat().st_size == 256 << 10 and "newest" in log.read_text()


async def test_a_log_that_can_not_be_written_is_no_reason_to_fail(tmp_path: Path) -> None:
    async with faulty(tmp_path) as (app, pilot):
        (tmp_path / "state").write_text("a file")
        app.tell_fault(KeyError("x"))
        await settle(app, pilot)
        assert f"{SAID}KeyError: 'x'; report it\n" in screen_text(app)


@pytest.mark.parametrize("keys", [("pagedown",), ("pageup",), ("ctrl+end", "pagedown"), ("x", "q", "x", "pagedown")])
async def test_a_palette_whose_list_is_empty_or_not_there_yet_takes_every_key(keys: tuple[str, ...]) -> None:
    for size in ((80, 24), (40, 10), (20, 5), (3, 2)):
        async with running(demo_store("clean"), size) as (app, pilot):
            await pilot.press("ctrl+p", *keys)
            await pilot.press("down", *keys, "up", *keys)
            await settle(app, pilot)
            assert isinstance(app.screen, Palette)
            assert SAID not in screen_text(app)


async def test_a_palette_takes_a_page_in_a_list_of_which_nothing_is_laid_out() -> None:
    async with running(demo_store("clean")) as (app, pilot):
        await pressed(app, pilot, "ctrl+p")
        # As long as the terminal is too small for a row of it.
        app.screen.query_one(CommandList).styles.height = 0
        await pilot.pause()
        await pilot.press("pagedown", "pageup")
        await settle(app, pilot)
        assert isinstance(app.screen, Palette)


async def test_why_a_command_is_disabled_is_no_markup_in_the_palette(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(screen: SeamlineScreen) -> Context:
        return replace(SeamlineScreen.context(screen), obstacle="[/x] of [b]a store[/b]")

    monkeypatch.setattr(CompactionScreen, "context", refused)
    async with running(demo_store("clean"), (120, 30)) as (app, pilot):
        await pressed(app, pilot, "c", "ctrl+p", *"compact")
        assert "Not now: [/x] of [b]a" in screen_text(app)


FAULTY = """
import sys
from tui.screens.{module} import {screen}

def raising(*_):
    raise KeyError("planted")

{screen}.{method} = raising
from tui.headless.main import main
main()
"""


@pytest.fixture
def window(tmp_path: Path) -> Callable[..., Terminal]:
    """A terminal with the app in it, whose screens fail as asked."""

    def run(module: str, screen: str, method: str) -> Terminal:
        program = FAULTY.format(module=module, screen=screen, method=method)
        words = [sys.executable, "-c", program, "open", str(demo_store("gap"))]
        return Terminal(tmp_path, words, (100, 30), XDG_STATE_HOME=str(tmp_path / "state"))

    return run


def test_the_app_goes_on_in_a_real_terminal(window: Callable[..., Terminal], tmp_path: Path) -> None:
    shown = window("files", "FilesScreen", "compose_body")
    try:
        shown.wait_for_text("Problems 1")
        shown.press("o")
        shown.wait_for_text(f"{SAID}KeyError: 'planted'; report it: ", "Problems 1")
        assert "planted" in (tmp_path / "state" / "seamline" / "faults.log").read_text()
        shown.press("q")
        shown.wait_for(lambda: shown.ended() == "0", "the end of the program")
        shown.wait_for(shown.is_given_back, "a terminal that is as it was")
    finally:
        shown.close()


def test_where_nothing_can_be_shown_the_app_ends_with_one_line(window: Callable[..., Terminal]) -> None:
    shown = window("timeline", "TimelineScreen", "compose_body")
    try:
        shown.wait_for(lambda: shown.ended() == "1", "the end of the program")
        shown.wait_for(shown.is_given_back, "a terminal that is as it was")
        said = shown.lines()
        assert f"{SAID}KeyError: 'planted'; report it: " in said and "; nothing was written" in said
        assert "Traceback" not in said
    finally:
        shown.close()


@pytest.mark.parametrize("key", ["r", "c", "p"])
async def test_a_resize_that_reaches_a_screen_on_its_way_out_is_no_fault(key: str) -> None:
    async with running(demo_store("everything"), (160, 45)) as (app, pilot):
        for turns in range(12):
            await pressed(app, pilot, key)
            leaving = app.screen
            app.pop_screen()
            for _ in range(turns):
                await asyncio.sleep(0)
            leaving.post_message(Resize(Size(120, 40), Size(120, 40)))
            await settle(app, pilot)
            assert app._exception is None and SAID not in screen_text(app), turns
