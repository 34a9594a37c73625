"""A choice that no chain can follow: it is said wherever it matters, decides nothing, and asks for its own word."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.triage import Standing
from tests.tui.support import (
    LATER,
    LaterHost,
    answered,
    copied,
    demo_store,
    metadata_of,
    pressed,
    running,
    said,
    screen_text,
)
from tui.screens.change import ChangeScreen
from tui.screens.compare import CompareScreen
from tui.screens.repair import RepairScreen
from tui.screens.restore import RestoreScreen

#: The entry in the middle of three: no chain that begins at 0 gets to where it begins.
MIDDLE = "transaction_2501-.73b7/transaction.manifest"
SIZES = {"80x24": (80, 24), "160x45": (160, 45)}


@pytest.mark.parametrize("size", SIZES)
async def test_choosing_what_no_chain_leads_through_says_why_and_decides_nothing(size: str) -> None:
    async with running(demo_store("everything"), SIZES[size]) as (app, pilot):
        await pressed(app, pilot, "enter", "b")
        assert isinstance(app.screen, CompareScreen)
        assert "B can't be used: no chain leads through it" in screen_text(app)
        assert "2,501" in screen_text(app)
        assert "B is chosen and can't be used: no chain leads through it" in said(app, "meaning-text")
        assert not [note for note in app.session.notes.values() if note.standing is Standing.DECIDED]
        await pressed(app, pilot, "a")
        assert "A is chosen" in screen_text(app)
        assert [note.standing for note in app.session.notes.values()] == [Standing.DECIDED]
        await pressed(app, pilot, "b")
        assert not app.session.notes


async def test_the_repair_says_that_a_choice_is_not_used_and_wants_another_word(tmp_path: Path) -> None:
    store = copied("everything", tmp_path)
    before = metadata_of(store)
    async with running(store, host=LaterHost(LATER)) as (app, pilot):
        await pressed(app, pilot, "enter", "b", "p")
        assert isinstance(app.screen, RepairScreen)
        assert "NOT WITH ALL YOU CHOSE" in screen_text(app)
        assert f"{MIDDLE} is chosen and can't be used: no chain leads through it" in said(app, "repair-text")
        document = app.screen.export_document()
        assert [each["manifest"] for each in document["unused_pins"]] == [MIDDLE]
        await pressed(app, pilot, "enter")
        assert isinstance(app.screen, ChangeScreen)
        assert f"{MIDDLE} is chosen and can't be used" in said(app, "effect-text")
        assert "type anyway to carry it out without what you chose" in said(app, "run-text")
        assert "--accept-unused-choices --yes" in app.screen.copy_text()
        await pressed(app, pilot, "enter")
        await answered(app, pilot, "repair")
        assert "nothing was done: the word is anyway" in screen_text(app)
        assert app.job is None and metadata_of(store) == before
        await answered(app, pilot, "anyway")
        await pressed(app, pilot)
        assert metadata_of(store) != before


async def test_the_restore_preview_says_it_and_an_overlay_wants_the_word(tmp_path: Path) -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await pressed(app, pilot, "enter", "b", "escape", "r")
        assert isinstance(app.screen, RestoreScreen)
        why = "it begins at version 2,501, above the target 2,001"
        assert f"{MIDDLE} is chosen and can't be used: {why}" in said(app, "verdict-text")
        await pressed(app, pilot, "o")
        await answered(app, pilot, str(tmp_path / "overlay"))
        assert "no overlay was written: the word is anyway" in screen_text(app)
        await answered(app, pilot, "anyway")
        await answered(app, pilot, str(tmp_path / "overlay"))
        await pressed(app, pilot)
        assert (tmp_path / "overlay" / "adapter.yaml").exists()
