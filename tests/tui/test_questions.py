"""Every question keeps an answer that can't be taken, says why, and takes what it is changed to."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.support.machines import LaterHost
from tests.tui.support import LATER, copied, demo_store, pressed, running, screen_text, settle
from tui.app import SeamlineApp
from tui.screens.ask import AskScreen

#: Keys that lead to a question, an answer that can't be taken, why, and one that can.
QUESTIONS = {
    "target": (("r", "T"), "nonsense", "type one version", "6,500"),
    "target of no epoch": (("r", "T"), "epoch 900", "epoch 900 is not in this store", "epoch 5"),
    "history": (("r", "H"), "1..5", "type one version", "6,500"),
    "factors": (("c", "e"), "3,4", "type three numbers", "3,4,5"),
    "policy of a repair": (("p", "P"), "cheapest", "type one of these names", "long"),
    "policy of a restore": (("r", "P"), "f", "type one of these names", "fewest"),
    "reason": (("m",), "3d", "not ignored", "3d it is known"),
    "place": (("g",), "99,999", "the last version in this store is 24,500", "24,500"),
    "name behind go to": (("g",), "nosuchname", "no manifest or metadata file has 'nosuchname'", "_compacted_"),
    "name": (("slash",), "nosuchname", "no manifest or metadata file has 'nosuchname'", "_compacted_"),
    "file": (("o", "slash"), "nosuchname", "no file here has 'nosuchname' in its name", "transaction"),
    "word of a repair": (("p", "enter", "enter"), "compact", "nothing was done: the word is repair", "repair"),
    "word for an overlay": (("enter", "b", "escape", "r", "o"), "yes", "the word is anyway", "anyway"),
    "no folder": (("r", "o"), " ", "name a folder", "overlay"),
    "folder that is not empty": (("r", "o"), "taken", "is no new or empty folder", "overlay"),
}


def names(typed: str) -> list[str]:
    """What is typed, as names of keys."""
    return [{" ": "space", ",": "comma", ".": "full_stop", "_": "underscore"}.get(key, key) for key in typed]


@pytest.mark.parametrize("question", QUESTIONS)
async def test_a_wrong_answer_stays_as_it_was_typed_until_it_is_right(
    question: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, wrong, why, right = QUESTIONS[question]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken" / "file").mkdir(parents=True)
    async with running(copied("everything", tmp_path), host=LaterHost(LATER), kept_in=tmp_path / "kept") as (
        app,
        pilot,
    ):
        await pressed(app, pilot, *keys)
        asked = question_of(app)
        if asked.value:
            await pressed(app, pilot, "ctrl+u")
        await answer(app, pilot, wrong)
        words = " ".join(screen_text(app).split())
        assert why in words, screen_text(app)
        assert question_of(app).value == wrong
        # What is refused no more is not said to be.
        await pressed(app, pilot, "x")
        assert why not in screen_text(app) and question_of(app).value == f"{wrong}x"
        await pressed(app, pilot, "ctrl+u")
        await answer(app, pilot, right)
        assert question == "word for an overlay" or not isinstance(app.screen, AskScreen)


async def answer(app: SeamlineApp, pilot: Pilot[None], typed: str) -> None:
    """Type something and press Enter; all at once, as when it is pasted."""
    await pilot.press(*names(typed), "enter")
    await settle(app, pilot)


def question_of(app: SeamlineApp) -> Input:
    """The input of the question in front."""
    assert isinstance(app.screen, AskScreen), app.screen
    return app.screen.query_one(Input)


async def test_leaving_the_question_says_what_holds() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await pressed(app, pilot, "p", "enter", "enter", "escape")
        assert "nothing was done" in screen_text(app).splitlines()[-2]
