"""A monkey at the keys, the mouse and the border of the window: nothing ends, nothing is told as a fault."""

from __future__ import annotations

import gc
import random
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from textual.pilot import Pilot

from core.demo import SCENARIOS
from tests.support.soaking import SOAKED
from tests.tui.support import copied, demo_store, pressed, running, screen_text, settle, tree_of
from tui.app import SeamlineApp
from tui.commands import COMMANDS

#: How many things it does with each store.
ACTS = 10_000 if SOAKED else 40
_OWN = [key for command in COMMANDS for key in command.keys if key != "q"]
_ANY = ["ctrl+p", "tab", "shift+tab", "pagedown", "pageup", "home", "end", "up", "down", "left", "right", "backspace"]
_TYPED = ["space", "a", "1", "0", "full_stop", "full_stop", "ü", "left_square_bracket", "slash"]
_LEADING = [
    "enter",
    "enter",
    "escape",
    "escape",
    "escape",
    "ctrl+p",
    "c",
    "r",
    "p",
    "o",
    "u",
    "question_mark",
    "v",
    "g",
]
KEYS = [*_OWN, *_ANY, *_TYPED, *_LEADING * 2]
SIZES = ((80, 24), (80, 24), (160, 45), (60, 15), (40, 10), (39, 9), (12, 3), (240, 70))


async def act(app: SeamlineApp, pilot: Pilot[None], chance: random.Random) -> str:
    """Do something; the answer says what."""
    dice = chance.random()
    if dice < 0.03:
        size = chance.choice(SIZES)
        await pilot.resize_terminal(*size)
        return str(size)
    if dice < 0.08:
        at = chance.randrange(app.size.width), chance.randrange(app.size.height)
        await pilot.click(offset=at, times=chance.choice((1, 1, 2)))
        return f"click {at}"
    key = chance.choice(KEYS)
    await pilot.press(key)
    if dice < 0.2:
        await settle(app, pilot)
    return key


@pytest.mark.parametrize("name", SCENARIOS)
async def test_a_monkey_meets_no_fault(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    store, chance = copied(name, tmp_path), random.Random(f"{name} 1")
    before = tree_of(store)
    async with running(store) as (app, pilot):
        acts: list[str] = []
        for _ in range(ACTS):
            acts.append(await act(app, pilot, chance))
            assert app._exception is None, acts[-20:]
        await settle(app, pilot)
        assert app.is_running and "fault in seamline" not in screen_text(app)
    assert tree_of(store) == before


#: The modules whose objects are as many after opening and closing everything as before: screens, widgets, plans, lines.
_COUNTED = (
    "tui.",
    "core.",
    "textual.screen",
    "textual.widget",
    "textual.containers",
    "textual.strip",
    "textual.command",
)
_WAYS = (("o", "escape"), ("c", "escape"), ("r", "escape"), ("p", "escape"), ("u", "escape"), ("enter", "escape"))
_MORE = (("question_mark", "escape"), ("ctrl+p", "escape"), ("R",))
_ROUNDS = 4


def living() -> Counter[str]:
    """How many objects there are, by the names of their types."""
    gc.unfreeze()
    gc.collect()
    kinds = (type(each) for each in gc.get_objects())
    return Counter(kind.__name__ for kind in kinds if str(kind.__module__).startswith(_COUNTED))


async def test_what_was_opened_and_closed_is_let_go() -> None:
    async with running(demo_store("everything")) as (app, pilot):

        async def round_trip() -> None:
            for way in (*_WAYS, *_MORE):
                await pressed(app, pilot, *way)

        await round_trip()
        counts = [living()]
        for _ in range(_ROUNDS):
            await round_trip()
            counts.append(living())
        # Caches of a few slots rise and fall; what is held for good rises with every round.
        assert not {
            name: [count[name] for count in counts]
            for name in counts[-1]
            if all(count[name] < more[name] for count, more in pairwise(counts))
        }
