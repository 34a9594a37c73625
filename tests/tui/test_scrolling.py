"""Everything that has more than there is room for can be read to its end, by key and by wheel, on every screen.

The panels are found by walking the screens, so that one that is added is tried as well.
"""

from __future__ import annotations

import pytest
from textual.events import MouseEvent, MouseScrollDown, MouseScrollUp
from textual.geometry import Region
from textual.pilot import Pilot
from textual.widget import Widget

from tests.support.soaking import SOAKED
from tests.tui.support import demo_store, pressed, running, screen_text, settle
from tests.tui.test_every_screen import WAYS
from tui.app import SeamlineApp
from tui.widgets.painted import row_text
from tui.widgets.panel import Panel
from tui.widgets.rows import RowList

#: A sample store, and the keys that lead from its timeline to what is tried.
SCREENS = {
    **{name: ("everything", keys) for name, keys in WAYS.items() if name != "palette"},
    "records": ("same-range", ("enter", "v")),
    "nothing to compare": ("gap", ("enter",)),
    "compaction plan": ("clean", ("c",)),
    "compaction change set": ("clean", ("c", "enter")),
    "repair change set": ("everything", ("p", "enter")),
    "journal": ("race", ("u",)),
    "operation": ("race", ("u", "enter")),
    "interrupted": ("race", ("u", "r")),
}


@pytest.mark.parametrize("size", [(80, 24), (160, 45)], ids=str)
@pytest.mark.parametrize("name", SCREENS)
async def test_every_panel_can_be_read_to_its_last_line(name: str, size: tuple[int, int]) -> None:
    store, keys = SCREENS[name]
    async with running(demo_store(store), size) as (app, pilot):
        await pressed(app, pilot, *keys)
        assert_all_is_in_reach(app)
        # The one in focus first: moving in another may close it.
        for rows in sorted(shown_lists(app), key=lambda each: each is not app.focused):
            if not rows.is_on_screen:
                continue
            if rows.row_count > rows.page:
                await read_by_keys(app, pilot, rows)
                await read_by_wheel(app, pilot, rows)
            else:
                assert told_below(app, rows) == 0 and not rows.show_vertical_scrollbar, rows.id


async def test_the_legend_of_signs_is_reached_in_the_help() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await pressed(app, pilot, "question_mark")
        assert "conflict: two manifests for the same versions" not in screen_text(app)
        await pressed(app, pilot, *["space"] * 5)
        assert "conflict: two manifests for the same versions" in screen_text(app)


@pytest.mark.parametrize("keys", [("p",), ("p", "enter")], ids=["preview", "change set"])
async def test_what_else_a_repair_does_is_read_on_a_small_screen(keys: tuple[str, ...]) -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await pressed(app, pilot, *keys, "tab")
        read = []
        for _ in range(12):
            read.append(screen_text(app))
            await pressed(app, pilot, "pagedown")
        assert any("besides" in each for each in read)
        if keys == ("p", "enter"):
            assert "plan" in read[-1] and any(line.strip().startswith("plan ") for line in read[-1].splitlines())


# --- what is on the screen --------------------------------------------------------------------------------------------


def shown_lists(app: SeamlineApp) -> list[RowList]:
    """The lists and texts of the screen in front that are on it."""
    return [rows for rows in app.screen.query(RowList) if rows.is_on_screen]


def assert_all_is_in_reach(app: SeamlineApp) -> None:
    """No panel and nothing in one is off the screen or without a row, and what is in one scrolls or fits."""
    for widget in app.screen.query("Panel, Panel *"):
        if widget.is_on_screen:
            shown = app.screen.find_widget(widget)
            assert shown.visible_region == shown.region and shown.region.height, f"{widget} is cut"
            assert isinstance(widget, RowList) or widget.virtual_size.height <= widget.size.height, f"{widget} is cut"


def cells_in(app: SeamlineApp, region: Region) -> list[str]:
    """What stands in a part of the screen, row by row."""
    lines = app.screen._compositor.render_strips()
    return [lines[y].crop(region.x, region.right).text for y in range(region.y, region.bottom)]


def region_of(app: SeamlineApp, widget: Widget) -> Region:
    """Where a widget is on the screen."""
    return app.screen.find_widget(widget).region


def last_row_is_in_sight(app: SeamlineApp, rows: RowList) -> bool:
    """Whether the last row of all is the last one on the screen."""
    last = row_text(rows._rows.row(rows.row_count - 1, rows.row_width)).strip()
    return last[: rows.row_width // 2] in cells_in(app, region_of(app, rows))[-1 - rows.styles.padding.bottom]


def told_below(app: SeamlineApp, rows: RowList) -> int:
    """How many rows the panel says are below: in the bottom rule of a frame, else in its top rule."""
    panel = next(each for each in rows.ancestors if isinstance(each, Panel))
    cells = cells_in(app, region_of(app, panel))
    for rule in (cells[0], cells[-1]):
        words = rule.split()
        if "below" in words:
            return int(words[words.index("below") - (2 if "more" in words else 1)].replace(",", ""))
    return 0


# --- reading ----------------------------------------------------------------------------------------------------------


async def focus_by_tab(app: SeamlineApp, pilot: Pilot[None], rows: RowList) -> None:
    """Press Tab until the list has the focus."""
    for _ in range(10):
        if app.focused is rows:
            return
        await pressed(app, pilot, "tab")
    raise AssertionError(f"Tab never comes to {rows}")


async def read_by_keys(app: SeamlineApp, pilot: Pilot[None], rows: RowList) -> None:
    """To the end and back by End and page by page, and a page row by row; the panel says all the time what is below.

    On a large screen the End key is enough, but in a soak.
    """
    await focus_by_tab(app, pilot, rows)
    hidden = rows.row_count - rows.page
    slowly = [["pagedown"] * rows.row_count, ["j"] * (rows.page + 3)] if SOAKED or app.size.height <= 24 else []
    for there in (["end"], *slowly):
        await pressed(app, pilot, "home")
        assert told_below(app, rows) == hidden and rows.show_vertical_scrollbar, rows.id
        assert not last_row_is_in_sight(app, rows), rows.id
        before = hidden
        for key in there:
            await pilot.press(key)
            now = told_below(app, rows)
            assert now == rows.row_count - rows.scroll_offset.y - rows.page <= before, (rows.id, key)
            before = now
            if not now:
                break
        assert last_row_is_in_sight(app, rows) == (now == 0), f"{rows.id} by {there[0]}:\n{screen_text(app)}"
        assert now < hidden and (now == 0 or there[0] == "j")
    await pressed(app, pilot, "home")


async def read_by_wheel(app: SeamlineApp, pilot: Pilot[None], rows: RowList) -> None:
    """To the end and back by the wheel, which moves no cursor."""
    cursor, hidden = rows.cursor, rows.row_count - rows.page
    await turn_wheel(app, pilot, rows, MouseScrollDown)
    assert last_row_is_in_sight(app, rows) and told_below(app, rows) == 0, f"{rows.id}:\n{screen_text(app)}"
    await turn_wheel(app, pilot, rows, MouseScrollUp)
    assert told_below(app, rows) == hidden and rows.cursor == cursor, rows.id


async def turn_wheel(app: SeamlineApp, pilot: Pilot[None], rows: RowList, event: type[MouseEvent]) -> None:
    """As far as the list goes, with the mouse in the middle of it."""
    x, y = region_of(app, rows).center
    await pilot._post_mouse_events([event] * (rows.row_count - rows.page), offset=(int(x), int(y)))
    await settle(app, pilot)
