"""Every key on every screen: whatever was pressed, status, inspector, list, copy and Enter speak of one thing.

What is selected is worked out here anew, by going over all problems and all entries, from where the operator is.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from core.model import Entry, LaneKind
from tests.support.soaking import SOAKED
from tests.tui.support import copied, demo_store, pressed, running, said, screen_text, settle
from tui.app import SeamlineApp
from tui.commands import Screens, commands_on
from tui.screens.base import SeamlineScreen
from tui.screens.changes import ChangesScreen
from tui.screens.compare import CompareScreen
from tui.screens.files import FilesScreen
from tui.screens.manifest import ManifestScreen
from tui.screens.timeline import TimelineScreen
from tui.texts.inspector import next_step
from tui.widgets.rows import RowList

#: The keys that lead from the timeline to each screen.
WAYS = {
    Screens.TIMELINE: (),
    Screens.COMPARE: ("enter",),
    Screens.COMPACTION: ("c",),
    Screens.RESTORE: ("r",),
    Screens.REPAIR: ("p",),
    Screens.FILES: ("o",),
    Screens.MANIFEST: ("home", "enter"),
    Screens.CHANGES: ("u",),
    Screens.CHANGE: ("p", "enter"),
}
#: What ends the app, and what reads the store again, which takes its time: that is pressed once.
SELDOM = {"q", "R", "shift+r"}
SIZE = (160, 45)
ROUNDS = 20 if SOAKED else 1


def entries_of(app: SeamlineApp, lane: LaneKind) -> Iterator[tuple[int, int, Entry]]:
    """Every entry of a lane with the versions that it takes."""
    assert app.session.picture is not None
    index = app.session.picture.lanes[lane]
    for place in range(len(index.first)):
        yield (*index.span(place), index.lane.entry(int(index.rows[place])))


def is_same(a: Entry, b: Entry) -> bool:
    return (a.lane, a.first, a.last, a.manifest) == (b.lane, b.first, b.last, b.manifest)


def expected(app: SeamlineApp) -> tuple[int | None, Entry | None]:
    """The problem, or else the entry, that is selected where the operator is."""
    session, place, picture = app.session, app.session.place, app.session.picture
    if picture is None:
        return None, None
    cursor, spans = place.view.cursor, [picture.zone_span(zone) for zone in session.zones]
    if place.zone is not None and spans[place.zone] is None:
        return place.zone, None
    there = [
        number
        for number in session.listing.order
        if (span := spans[number]) and span[0] <= cursor <= span[1] and session.zones[number].lane is place.lane
    ]
    here = [entry for first, last, entry in entries_of(app, place.lane) if first <= cursor <= last]
    chosen = next((entry for entry in here if place.entry and is_same(entry, place.entry)), None)
    if chosen is not None:
        return None, chosen
    if there:
        preferred = [number for number in (place.zone, place.last) if number in there]
        return (*preferred, *there)[0], None
    return None, here[0] if here else None


async def check(app: SeamlineApp, pilot: Pilot[None], *, opening: bool = False) -> None:
    """That one thing is spoken of on the screen in front."""
    zone, entry = expected(app)
    session = app.session
    assert session.zone == zone
    assert (session.selected is None) == (entry is None)
    assert entry is None or (session.selected is not None and is_same(entry, session.selected))
    screen = app.screen
    if isinstance(screen, TimelineScreen):
        await check_timeline(app, pilot, screen, zone, entry, opening)
    elif isinstance(screen, CompareScreen) and screen.comparison is not None and zone is not None:
        title = session.zones[zone].title
        if screen.marked_zone() is session.zones[zone]:
            assert title.lower() in screen_text(app).splitlines()[0].lower()


async def check_timeline(
    app: SeamlineApp, pilot: Pilot[None], screen: TimelineScreen, zone: int | None, entry: Entry | None, opening: bool
) -> None:
    session = app.session
    if not screen.area:
        screen.say("")  # A sentence that was said stands there until the next key.
        await pilot.pause()
    shown = screen_text(app).splitlines()
    status, title, story = shown[-2], shown_title(app), said(app, "story")
    if zone is not None:
        problem = session.zones[zone]
        kind = [
            number
            for number in session.listing.order
            if (number < session.problem_count) == (zone < session.problem_count)
        ]
        number = f"{kind.index(zone) + 1} of {len(kind)}"
        assert title is None or (title.startswith(problem.title[:1].upper() + problem.title[1:]) and number in title)
        assert screen.area or number in status
    elif entry is not None:
        assert (title is None or title.startswith("Range")) and entry.manifest in story
        assert screen.area or f"{entry.first:,}" in status
    else:
        assert title is None or title.startswith(("Nothing", "Store"))
        assert screen.area or "here" in status
    if session.selection.apart:
        assert "takes no version" in story and (screen.area or "takes no version" in status)
    else:
        assert screen.area or status.strip().startswith(f"{session.place.view.cursor:,} ")
    check_mark(app, zone)
    await check_copy(
        app, pilot, next_step(session.zones[zone]) if zone is not None else entry.manifest if entry else ""
    )
    if opening:
        await check_opening(app, pilot, zone, entry)


def shown_title(app: SeamlineApp) -> str | None:
    """The title of the inspector, as it is drawn; None while another panel has its place."""
    region = app.screen.query_one("#inspector").region
    if not region:
        return None
    return screen_text(app).splitlines()[region.y][region.x : region.right].strip("╭─╮+- ")


def check_mark(app: SeamlineApp, zone: int | None) -> None:
    """The list marks what is selected, if it shows that, and else nothing."""
    rows = app.screen.query_one("#problem-list", RowList)
    if app.screen.has_class("-expanded"):
        return
    lines = screen_text(app).splitlines()[rows.region.y : rows.region.bottom]
    marked = [
        y + rows.scroll_offset.y for y, line in enumerate(lines) if line[rows.region.x : rows.region.x + 2] == "> "
    ]
    shown = app.session.listing.shown
    assert [shown[row] for row in marked] == ([zone] if zone in shown else [])


async def check_copy(app: SeamlineApp, pilot: Pilot[None], wanted: str) -> None:
    app._clipboard = ""
    await pilot.press("y")
    assert app.clipboard == wanted


async def check_opening(app: SeamlineApp, pilot: Pilot[None], zone: int | None, entry: Entry | None) -> None:
    """Enter opens something that is about what is selected; on leaving it the operator is where they were."""
    place, here = app.session.place, app.session.selection.here
    await pressed(app, pilot, "enter")
    screen = app.screen
    if isinstance(screen, CompareScreen):
        assert screen.comparison is not None
        pair = screen.comparison.pair
        assert entry is None or any(is_same(entry, each) for each in pair)
        if zone is not None and len(here) > 1 and place.lane is LaneKind.TRANSACTIONS:
            cursor = place.view.cursor
            assert all(each.first <= cursor <= each.last for each in pair), "the two that compete at the cursor"
    elif isinstance(screen, ChangesScreen):
        assert zone is not None and app.session.zones[zone].title == "interrupted"
    elif isinstance(screen, ManifestScreen):
        assert entry is not None and entry.manifest in screen_text(app)
    elif isinstance(screen, FilesScreen):
        claims = entry.claims if entry else ()
        status = screen_text(app).splitlines()[-2]
        assert entry is None or any(claim.file in status for claim in claims)
    else:
        assert isinstance(screen, TimelineScreen) and (entry is None)
        return
    await pressed(app, pilot, "escape")
    assert app.session.place == place


async def in_front(app: SeamlineApp, pilot: Pilot[None], screen: Screens) -> bool:
    """Close what is in front of the screens, and go to one of them again if it was left; whether that can be done."""
    for _ in range(8):
        await settle(app, pilot)
        if not isinstance(app.screen, SeamlineScreen):
            await pressed(app, pilot, "escape")
        elif app.screen.SCREEN is screen:
            return True
        elif app.screen.SCREEN is Screens.TIMELINE:
            await pressed(app, pilot, *WAYS[screen])
            if app.screen is app.screen_stack[1]:
                return False
        else:
            await pressed(app, pilot, "escape")
    return False


@pytest.mark.parametrize("store", ["everything", "race", "started-over"])
async def test_every_key_of_the_timeline_leaves_one_thing_that_is_spoken_of(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    chance = random.Random(store)
    keys = sorted({command.keys[0] for command in commands_on(Screens.TIMELINE)} - SELDOM)
    async with running(demo_store(store), SIZE) as (app, pilot):
        await check(app, pilot)
        for number in range(ROUNDS):
            every = len(keys) if store == "everything" or SOAKED else len(keys) // 3
            order = chance.sample(keys, every) + chance.choices([*"hjkladws.,", "right_square_bracket"], k=12)
            for key in (*order, "R"):
                await pilot.press({".": "full_stop", ",": "comma"}.get(key, key))
                if await in_front(app, pilot, Screens.TIMELINE):
                    await check(app, pilot, opening=chance.random() < 0.1)
            assert app.is_running, number


@pytest.mark.parametrize("screen", [each for each in Screens if each is not Screens.TIMELINE])
async def test_every_key_of_every_other_screen_leaves_one_thing_that_is_spoken_of(
    screen: Screens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    chance = random.Random(screen.value)
    keys = sorted({command.keys[0] for command in commands_on(screen)} - SELDOM)
    name = "race" if screen is Screens.CHANGES else "everything"
    async with running(copied(name, tmp_path), SIZE) as (app, pilot):
        for _ in range(ROUNDS):
            for key in (*chance.sample(keys, len(keys)), "right_square_bracket", "R"):
                if not await in_front(app, pilot, screen):
                    await pressed(app, pilot, "left_curly_bracket")
                    continue
                await pilot.press(key)
                await pilot.pause()
                await check(app, pilot)
            await in_front(app, pilot, Screens.TIMELINE)
            await check(app, pilot)
