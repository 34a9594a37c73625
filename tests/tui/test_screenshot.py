"""The screenshot of the palette lies beside what `x` exports, and says where, or why it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.support import demo_store, pressed, running, screen_text
from tui.app import SeamlineApp


async def photographed(app: SeamlineApp, pilot: object) -> str:
    await pressed(app, pilot, "ctrl+p", *"screenshot", "enter")  # type: ignore[arg-type]
    return screen_text(app)


async def test_a_screenshot_goes_into_the_current_folder_and_never_over_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    async with running(demo_store("same-range"), (160, 45)) as (app, pilot):
        assert "wrote seamline-timeline-1.svg" in await photographed(app, pilot)
        assert "wrote seamline-timeline-2.svg" in await photographed(app, pilot)
        await pressed(app, pilot, "x")
    picture = (tmp_path / "seamline-timeline-1.svg").read_text(encoding="utf-8")
    # The screen, and not the palette that asked for it.
    assert "Problems" in picture and "Choose" not in picture
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "seamline-timeline-1.json",
        "seamline-timeline-1.svg",
        "seamline-timeline-2.svg",
    ]


async def test_a_screenshot_that_can_not_be_written_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    store = demo_store("same-range")
    async with running(store, location=str(store)) as (app, pilot):
        (tmp_path / "gone").rmdir()
        assert "not exported: No such file or directory" in await photographed(app, pilot)
        await pressed(app, pilot, "x")
        assert "not exported: No such file or directory" in screen_text(app)
        monkeypatch.chdir(store)
        assert "not exported: the current folder is inside the store" in await photographed(app, pilot)
