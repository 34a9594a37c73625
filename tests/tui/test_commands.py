"""One registry: no key means two things on a screen, every action exists, every disabled command says why."""

from __future__ import annotations

import re

import pytest

from tui.app import SeamlineApp
from tui.commands import ALL, BY_ID, COMMANDS, Context, Screens, bindings_on, commands_on, hints_on, key_table_markdown
from tui.screens import SCREENS
from tui.state import Session


def test_every_command_has_an_id_of_its_own() -> None:
    assert len(BY_ID) == len(COMMANDS)


@pytest.mark.parametrize("screen", Screens)
def test_no_key_means_two_things_on_a_screen(screen: Screens) -> None:
    keys = [key for command in commands_on(screen) for key in command.keys]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("screen", Screens)
def test_every_binding_calls_an_action_that_exists(screen: Screens) -> None:
    screen_class = SCREENS[screen]()
    for command in commands_on(screen):
        name = re.match(r"(app\.)?(\w+)", command.action)
        assert name is not None
        owner = SeamlineApp if name[1] else screen_class
        disabled_for_good = "not in this version" in (command.enabled(Context(screen, Session("x"))) or "")
        assert disabled_for_good or hasattr(owner, f"action_{name[2]}"), command.id


def test_every_binding_carries_the_id_of_its_command() -> None:
    for screen in Screens:
        assert {binding.id for binding in bindings_on(screen)} == {command.id for command in commands_on(screen)}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.id)
def test_no_command_needs_alt_or_a_function_key(command: object) -> None:
    keys = BY_ID[command.id].keys  # type: ignore[attr-defined]
    assert not any(re.search(r"alt\+|^f\d+$|ctrl\+(i|m)$", key) for key in keys)


def test_an_overlay_and_a_repair_that_can_not_be_had_say_why() -> None:
    for command_id, screen in (("overlay", Screens.RESTORE), ("repair-now", Screens.REPAIR)):
        assert BY_ID[command_id].enabled(Context(screen, Session("x"), obstacle="there is none")) == "there is none"
        assert BY_ID[command_id].enabled(Context(screen, Session("x"))) is None


def test_an_overlay_may_be_written_in_a_session_that_is_read_only() -> None:
    assert BY_ID["overlay"].enabled(Context(Screens.RESTORE, Session("x", read_only=True))) is None


def test_previews_refuse_until_everything_is_read() -> None:
    context = Context(Screens.TIMELINE, Session("x"))
    for command_id in ("restore", "repair", "compaction"):
        assert BY_ID[command_id].enabled(context) == "still reading: wait; on the timeline Escape stops it"


@pytest.mark.parametrize("screen", Screens)
def test_help_is_the_most_important_hint(screen: Screens) -> None:
    assert hints_on(screen)[0].keys == "?"


def test_the_key_table_names_every_command_once() -> None:
    table = key_table_markdown()
    assert all(table.count(command.help) == 1 for command in COMMANDS if command.screens == ALL)
    assert table.count("\n") == len(COMMANDS) + 2
    assert "| `w` `+` | Zoom in about the cursor" in table


def test_what_changes_the_store_is_disabled_in_a_session_that_is_read_only() -> None:
    session = Session("x", read_only=True)
    for command_id, screen in (
        ("compact-now", Screens.COMPACTION),
        ("repair-now", Screens.REPAIR),
        ("carry-out", Screens.CHANGE),
        ("undo", Screens.CHANGES),
        ("resume", Screens.CHANGES),
    ):
        assert BY_ID[command_id].enabled(Context(screen, session)) == "this session is read-only"


def test_nothing_leads_away_while_an_operation_runs() -> None:
    context = Context(Screens.CHANGE, Session("x"), running=True)
    for command_id in ("carry-out", "undo", "timeline", "read-again", "quit", "repair"):
        assert "an operation is running" in (BY_ID[command_id].enabled(context) or ""), command_id
    assert BY_ID["cancel"].enabled(context) is None
