"""What holds on every screen: it rests when nothing happens, keeps to ASCII, fits any size, and takes any key."""

from __future__ import annotations

import random
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.support.hazards import hazard_store
from tests.support.soaking import SOAKED
from tests.tui.support import connected, copied, demo_store, pressed, running, screen_text, settle
from tui.app import AppOptions, SeamlineApp
from tui.commands import COMMANDS

#: The keys that lead from the timeline to every screen and everything that may stand in front of one.
WAYS = {
    "timeline": (),
    "area": ("v", "l", "l"),
    "compare": ("enter",),
    "compaction": ("c",),
    "changes": ("u",),
    "restore": ("r",),
    "why": ("r", "enter"),
    "overlay": ("r", "o"),
    "policy": ("p", "P"),
    "repair": ("p",),
    "files": ("o",),
    "lines": ("o", "enter"),
    "manifest": ("full_stop", "enter"),
    "help": ("question_mark",),
    "go-to": ("g",),
    "palette": ("ctrl+p",),
}


async def visits(app: SeamlineApp, pilot: Pilot[None]) -> AsyncIterator[str]:
    """Everything in `WAYS`, one after the other, each from the timeline."""
    for name, keys in WAYS.items():
        for key in keys:
            await pilot.press(key)
            await settle(app, pilot)
        yield name
        for _ in keys:
            await pilot.press("escape")
        await settle(app, pilot)
        assert app.screen is app.screen_stack[1], name


async def test_nothing_is_painted_while_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(demo_store("everything")) as (app, pilot):
        async for name in visits(app, pilot):
            with monkeypatch.context() as patched:
                painted: list[object] = []
                patched.setattr(app, "_display", lambda *args, into=painted: into.append(args))
                await pilot.pause(0.3)
                assert painted == [], name


@pytest.mark.parametrize("size", [(80, 24), (160, 45)], ids=str)
async def test_with_ascii_no_cell_holds_anything_else(size: tuple[int, int], tmp_path: Path) -> None:
    shutil.copytree(demo_store("same-range"), tmp_path / "s")
    (tmp_path / "s" / "metadata" / "ü😀漢.meta").write_text("ü\n")
    async with running(tmp_path / "s", size, AppOptions(ascii=True)) as (app, pilot):
        async for name in visits(app, pilot):
            assert screen_text(app).isascii(), f"{name}:\n{screen_text(app)}"


async def test_every_screen_fits_any_terminal() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        async for name in visits(app, pilot):
            for size in ((60, 15), (40, 10), (39, 9), (80, 24)):
                await pilot.resize_terminal(*size)
                await settle(app, pilot)
                rows = screen_text(app).splitlines()
                assert len(rows) == size[1], (name, size)
                if size == (39, 9) and name in {
                    "timeline",
                    "compare",
                    "compaction",
                    "restore",
                    "files",
                    "changes",
                    "repair",
                    "manifest",
                }:
                    assert "".join(rows).strip() == "seamline needs 40x10"


KEYS = sorted({key for command in COMMANDS for key in command.keys} - {"q"})
#: How many keys are pressed at random.
PRESSES = 400 if SOAKED else 25
SIZES = ((80, 24), (160, 45), (60, 15), (40, 10), (39, 9))


@pytest.mark.parametrize(
    "name", ["bad-json-line", "two-coordinators", "version-u64-max", "snapshot-conflict", "vacuous-verify"]
)
async def test_any_keys_in_any_order_end_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    chance = random.Random(name)
    app = SeamlineApp(name, connected(hazard_store(name, tmp_path)))
    async with app.run_test(size=(80, 24)) as pilot:
        for _ in range(PRESSES):
            if chance.random() < 0.05:
                await pilot.resize_terminal(*chance.choice(SIZES))
            await pilot.press(chance.choice(KEYS))
            if chance.random() < 0.1:
                await settle(app, pilot)
            assert "fault in seamline" not in screen_text(app)
        await settle(app, pilot)
        assert app.is_running


async def test_change_sets_fit_any_terminal_and_keep_to_ascii() -> None:
    ways = {"clean": ("c", "enter"), "race": ("u", "enter"), "no-join": ("p", "enter")}
    for name, keys in ways.items():
        async with running(demo_store(name), options=AppOptions(ascii=True)) as (app, pilot):
            await pressed(app, pilot, *keys)
            for size in ((60, 15), (40, 10), (39, 9), (160, 45), (80, 24)):
                await pilot.resize_terminal(*size)
                await settle(app, pilot)
                shown = screen_text(app)
                assert len(shown.splitlines()) == size[1] and shown.isascii(), f"{name} {size}\n{shown}"


@pytest.mark.parametrize("name", ["clean", "race", "everything"])
async def test_any_keys_in_any_order_change_nothing_without_a_word(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    store = copied(name, tmp_path)
    before = {path: path.lstat().st_mtime_ns for path in store.rglob("*")}
    chance = random.Random(name)
    async with running(store) as (app, pilot):
        for _ in range(PRESSES):
            await pilot.press(chance.choice([*KEYS, "c", "u", "p", "enter", "enter", "enter"]))
            if chance.random() < 0.3:
                await settle(app, pilot)
            assert "fault in seamline" not in screen_text(app)
        assert app.job is None
    assert {path: path.lstat().st_mtime_ns for path in store.rglob("*")} == before


async def test_keys_hammered_while_the_store_is_read_again_end_nothing() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        for way in ("o", "r", "c", "enter"):
            await pilot.press(way, "R", "i", "enter", "j", "y", "n", "right_square_bracket", "R", "k", "escape")
            await settle(app, pilot)
            app.action_show_screen("timeline")
        assert app.is_running and app.session.report is not None


async def test_a_store_that_is_gone_is_missed_when_it_is_read_again(tmp_path: Path) -> None:
    shutil.copytree(demo_store("gap"), tmp_path / "s")
    async with running(tmp_path / "s", location="s") as (app, pilot):
        shutil.rmtree(tmp_path / "s")
        await pilot.press("r")
        await settle(app, pilot)
        assert "Restore preview" in screen_text(app)
        await pilot.press("escape", "R")
        await settle(app, pilot)
        shown = " ".join(screen_text(app).split())
        assert "No such file or directory" in shown and "check the path" in shown
        assert "no verdict: the store could not be read. shift+r reads again" in shown
        await pilot.press("c")
        assert "Compaction: the store could not be read" in screen_text(app)
