"""What screens and commands say, in an operator's words: no ids, no word with two meanings, verbs that agree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.findings.catalogue import CATALOGUE
from core.findings.titles import title_of
from tests.support.commands import seamline
from tests.tui.support import answered, copied, demo_store, pressed, running, said, screen_text, settle
from tui.screens.ask import AskScreen

#: Ids of hazards that are no plain words of English.
IDS = sorted(kind for kind in CATALOGUE if "-" in kind and kind.replace("-", " ") != title_of(kind))
_AN_ID = re.compile(r"(?<![\w./-])(" + "|".join(map(re.escape, IDS)) + r")(?![\w./-])")


@pytest.mark.parametrize("name", ["everything", "race"])
async def test_no_screen_shows_the_id_of_a_hazard(name: str) -> None:
    walks = ("", "enter", "o", "c", "p", "r", "u")
    async with running(demo_store(name), (160, 45)) as (app, pilot):
        for way in walks:
            await pressed(app, pilot, *([way] if way else []))
            for key in ("right_square_bracket", "right_square_bracket", "tab"):
                shown = screen_text(app)
                assert not _AN_ID.search(shown.replace(name, "")), (way, _AN_ID.findall(shown))
                await pressed(app, pilot, key)
            app.action_show_screen("timeline")
            await settle(app, pilot)


@pytest.mark.parametrize("name", ["everything", "race", "snapshot-tie"])
@pytest.mark.parametrize("words", [("check",), ("restore-plan",), ("repair", "--dry-run"), ("compact", "--dry-run")])
def test_no_command_prints_the_id_of_a_hazard(name: str, words: tuple[str, ...]) -> None:
    store = demo_store(name)
    printed = seamline(words[0], store, *words[1:]).out.replace(str(store), "STORE")
    assert printed and not _AN_ID.search(printed), _AN_ID.findall(printed)


async def test_what_is_done_is_not_offered_to_be_carried_out_again(tmp_path: Path) -> None:
    async with running(copied("same-range", tmp_path)) as (app, pilot):
        await pressed(app, pilot, "p", "enter")
        assert "Enter Carry out" in screen_text(app).splitlines()[-1]
        await pilot.press("enter")
        await answered(app, pilot, "repair")
        await settle(app, pilot)
        footer = screen_text(app).splitlines()[-1]
        assert "Carry out" not in footer and "u Undo" in footer
        await pressed(app, pilot, "enter")
        assert "it is done: u takes it back" in screen_text(app)


@pytest.mark.parametrize(
    ("keys", "choices"),
    [
        (("p", "P"), "verified  fewest-changes  newest  longest  stock-like  first-encountered"),
        (("c", "e"), "epoch, txn, state: 100, 100, 100"),
    ],
)
async def test_a_question_that_is_answered_already_still_shows_what_can_be_typed(
    keys: tuple[str, ...], choices: str
) -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await pressed(app, pilot, *keys)
        assert isinstance(app.screen, AskScreen)
        assert choices in screen_text(app)


async def test_a_range_is_kept_and_a_manifest_chosen_and_nothing_is_pinned() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await pressed(app, pilot, "full_stop", "space")
        assert "; keep another range to compare the two" in screen_text(app)
        assert "kept  transaction_" in said(app, "story")
        await pressed(app, pilot, "full_stop", "space")
        assert "Enter on either of them compares them" in screen_text(app)
        await pressed(app, pilot, "question_mark")
        assert "pin" not in re.findall(r"[a-z]+", "\n".join(help_words(app)).lower())


def help_words(app: object) -> list[str]:
    """Everything that the help says."""
    from tui.app import SeamlineApp

    assert isinstance(app, SeamlineApp)
    return [said(app, "help-text")]


async def test_one_manifest_begins_and_two_begin() -> None:
    async with running(demo_store("clean"), (160, 45)) as (app, pilot):
        await pressed(app, pilot, "g", *"6001", "enter", "v")
        await pressed(app, pilot, "l", "l")
        assert "1 manifest begins" in screen_text(app)
