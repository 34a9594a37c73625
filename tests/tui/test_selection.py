"""What is selected follows the cursor: status, inspector, list, copy and Enter speak of one thing, however it moved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot

from tests.tui.support import copied, demo_store, pressed, running, said, screen_text, settle
from tui.app import SeamlineApp
from tui.screens.changes import ChangesScreen
from tui.screens.compare import CompareScreen
from tui.screens.files import FilesScreen
from tui.screens.manifest import ManifestScreen
from tui.widgets.timeline import Timeline

#: Rows of the timeline: the epoch endings, the state snapshots, the transactions, and at the end the problems.
EPOCHS, STATES, TRANSACTIONS = 2, 3, 4


def status(app: SeamlineApp) -> str:
    return screen_text(app).splitlines()[-2]


def column(app: SeamlineApp) -> int:
    """Where the cursor stands on the screen, beside the names of the lanes."""
    timeline = app.screen.query_one(Timeline)
    return timeline.gutter_width + app.view.column(app.view.cursor, timeline.columns)


def cell(app: SeamlineApp, row: int) -> str:
    """What is drawn under the cursor in a row of the timeline."""
    return screen_text(app).splitlines()[app.screen.query_one(Timeline).region.y + row][column(app)]


async def went_to(app: SeamlineApp, pilot: Pilot[None], typed: str) -> None:
    await pressed(app, pilot, "g", *[{" ": "space", ",": "comma", ".": "full_stop"}.get(key, key) for key in typed])
    await pressed(app, pilot, "enter")


async def copied_text(app: SeamlineApp, pilot: Pilot[None]) -> str:
    app._clipboard = ""
    await pressed(app, pilot, "y")
    return app.clipboard


async def clicked(app: SeamlineApp, pilot: Pilot[None], x: int, row: int, times: int = 1) -> None:
    await pilot.click(Timeline, offset=(x, row), times=times)
    await settle(app, pilot)


def marked_rows(app: SeamlineApp) -> list[str]:
    return [row for row in screen_text(app).splitlines() if row.startswith("> ")]


async def test_a_typed_version_selects_the_range_that_holds_it() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await pressed(app, pilot, "full_stop", "full_stop")
        await went_to(app, pilot, "10,500")
        assert "10,500" in status(app) and "range 10,001 - 11,000" in status(app)
        assert "10,001 - 11,000   1,000 versions" in said(app, "story")
        manifest = said(app, "story").splitlines()[0]
        assert manifest.startswith("transaction_10001-") and await copied_text(app, pilot) == manifest
        assert not marked_rows(app)
        await pressed(app, pilot, "enter")
        assert isinstance(app.screen, ManifestScreen) and manifest in status(app)
        await pressed(app, pilot, "escape", "full_stop")
        assert "range 11,001 - 12,000" in status(app)
        await pressed(app, pilot, "comma", "comma")
        assert "range 9,001 - 10,000" in status(app)


async def test_a_typed_version_in_a_conflict_selects_the_problem_and_stays_exact() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await went_to(app, pilot, "12345")
        assert "12,345" in status(app) and "same range, two manifests, 3 of 7" in status(app)
        assert "Same range, two manifests   3 of 7" in screen_text(app)
        assert ["same range" in row for row in marked_rows(app)] == [True]
        assert await copied_text(app, pilot) == "seamline repair everything --dry-run"


async def test_every_cell_that_is_drawn_as_something_can_be_stepped_onto() -> None:
    """A cell holds hundreds of versions, a snapshot is one: what is seen under the cursor is what is selected."""
    async with running(demo_store("everything")) as (app, pilot):
        await pressed(app, pilot, "home", "k")
        for _ in range(71):
            drawn = cell(app, STATES)
            said_of_it = {"◆": "snapshot ", "▓": "two snapshots of one version, 7 of 7", "·": "no snapshot here"}[drawn]
            assert said_of_it in status(app), f"{column(app)} {drawn}: {status(app)}"
            before = column(app)
            await pilot.press("l")
            await pilot.pause()
            assert column(app) == before + 1
        await pressed(app, pilot, "j")
        for _ in range(71):
            drawn = cell(app, TRANSACTIONS)
            problem = drawn in "▓·"
            assert (" of 7" in status(app)) is problem or drawn in "▄█ ▌", f"{column(app)} {drawn}: {status(app)}"
            before = column(app)
            await pilot.press("h")
            await pilot.pause()
            assert column(app) == before - 1


async def test_stepping_never_comes_to_a_stand_at_the_edge_of_the_view() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await went_to(app, pilot, "12,900")
        await pressed(app, pilot, "w", "w", "w", "k")
        for key, ahead in (("l", 1), ("h", -1)):
            for _ in range(60):
                before = app.view.cursor
                await pilot.press(key)
                assert (app.view.cursor - before) * ahead > 0


async def test_where_nothing_lies_that_is_said_with_what_is_near(tmp_path: Path) -> None:
    write_ranges(tmp_path, [(0, 9_999), (12_000, 19_999)])
    async with running(tmp_path, location="hole") as (app, pilot):
        await went_to(app, pilot, "epoch 4")
        await pressed(app, pilot, "escape", "k")
        assert "no snapshot here" in status(app) and await copied_text(app, pilot) == ""
        assert "nothing to copy here" in status(app)
        await pressed(app, pilot, "enter")
        assert "Open: no range is here: . goes to the next" in status(app)


async def test_between_two_snapshots_both_are_named() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await went_to(app, pilot, "10,001")
        await pressed(app, pilot, "k")
        words = "no snapshot here: the one before is at 8,954, the next is at 11,057"
        assert words in status(app) and words in said(app, "story") and "Nothing   state" in screen_text(app)
        await pressed(app, pilot, "space")
        assert "Keep: no range under the cursor" in status(app)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("99,999", "the last version in this store is 24,500"),
        ("epoch 900", "nothing in this store lies there"),
        ("30000..40000", "nothing in this store lies there"),
    ],
)
async def test_a_place_that_is_not_there_is_said_and_stays_to_be_changed(typed: str, words: str) -> None:
    async with running(demo_store("everything")) as (app, pilot):
        before = app.session.place
        await went_to(app, pilot, typed)
        lines = screen_text(app).splitlines()
        assert words in lines[-3] and typed in lines[-2]
        await pressed(app, pilot, "escape")
        assert app.session.place == before


async def test_what_is_written_to_a_file_says_what_is_selected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(demo_store("everything")) as (app, pilot):
        await pressed(app, pilot, "x")
        await went_to(app, pilot, "10,500")
        await pressed(app, pilot, "x")
    problem, entry = (json.loads((tmp_path / f"seamline-timeline-{n}.json").read_text())["selected"] for n in (1, 2))
    assert problem == {"lane": "transactions", "problem": 0, "entry": None}
    assert entry["problem"] is None and entry["entry"]["first"] == 10_001


async def test_another_lane_selects_what_lies_there() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await went_to(app, pilot, "10,500")
        await pressed(app, pilot, "k", "k")
        assert "range of epoch 24" in status(app) and "epoch_ending_24-" in said(app, "story")
        assert (await copied_text(app, pilot)).startswith("epoch_ending_24-")
        await pressed(app, pilot, "full_stop")
        assert "range of epoch 25" in status(app)


@pytest.mark.parametrize("row", [EPOCHS, STATES, TRANSACTIONS, TRANSACTIONS + 1])
async def test_a_click_keeps_the_cursor_in_the_column_that_was_clicked(row: int) -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await pressed(app, pilot, "w")
        start = app.view.start
        for x in (9, 17, 30, 44, 61, 79):
            await clicked(app, pilot, x, row)
            assert (column(app), app.view.start) == (x, start), status(app)
            words = status(app).strip().split("   ")[0]
            assert words == f"{app.view.cursor:,}"


async def test_a_click_in_the_middle_of_a_conflict_opens_the_two_that_are_there() -> None:
    """The problem holds three manifests: 2,001 - 3,000, 2,501 - 3,500 and 3,001 - 4,000."""
    async with running(demo_store("everything")) as (app, pilot):
        pairs = {}
        for version in (2_700, 3_300):
            await went_to(app, pilot, str(version))
            await pressed(app, pilot, "enter")
            assert isinstance(app.screen, CompareScreen) and app.screen.comparison is not None
            pairs[version] = [entry.first for entry in app.screen.comparison.pair]
            await pressed(app, pilot, "escape")
        assert pairs == {2_700: [2_001, 2_501], 3_300: [2_501, 3_001]}
        await pressed(app, pilot, "equals_sign")
        x = app.screen.query_one(Timeline).gutter_width + app.view.column(3_300, app.screen.query_one(Timeline).columns)
        await clicked(app, pilot, x, TRANSACTIONS, times=2)
        assert isinstance(app.screen, CompareScreen) and app.screen.comparison is not None
        assert [entry.first for entry in app.screen.comparison.pair] == [2_501, 3_001]
        assert "2 of 2" in screen_text(app).splitlines()[0]


async def test_a_range_that_is_gone_to_in_a_conflict_is_compared_with_its_rival() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await pressed(app, pilot, "full_stop")
        assert "range 2,501 - 3,500" in status(app) and "ranges overlap, 1 of 7" in said(app, "story")
        assert (await copied_text(app, pilot)).startswith("transaction_2501-")
        assert not marked_rows(app)
        await pressed(app, pilot, "enter")
        assert isinstance(app.screen, CompareScreen) and app.screen.comparison is not None
        assert 2_501 in [entry.first for entry in app.screen.comparison.pair]


async def test_two_pins_are_compared_where_one_of_them_is_selected_and_nowhere_else() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await went_to(app, pilot, "10,500")
        await pressed(app, pilot, "space", "full_stop", "space")
        assert "Enter on either of them compares them" in status(app)
        await pressed(app, pilot, "enter")
        assert isinstance(app.screen, CompareScreen) and app.screen.comparison is not None
        assert [entry.first for entry in app.screen.comparison.pair] == [10_001, 11_001]
        await pressed(app, pilot, "escape", "right_square_bracket", "left_square_bracket", "enter")
        assert isinstance(app.screen, CompareScreen) and app.screen.comparison is not None
        assert app.screen.comparison.pair[0].first not in (10_001, 11_001)
        await pressed(app, pilot, "escape")
        await went_to(app, pilot, "500")
        await pressed(app, pilot, "enter")
        assert isinstance(app.screen, ManifestScreen)


async def test_pan_wheel_overview_and_the_ends_select_what_the_cursor_comes_to() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        timeline = app.screen.query_one(Timeline)
        await pressed(app, pilot, "w", "w")

        async def check() -> None:
            await settle(app, pilot)
            cursor, words = app.view.cursor, status(app)
            spans = [app.session.picture.zone_span(zone) for zone in app.session.zones] if app.session.picture else []
            inside = any(
                span and span[0] <= cursor <= span[1] and app.session.zones[number].lane is app.session.place.lane
                for number, span in enumerate(spans)
            )
            assert f" {cursor:,} " in words and (" of 7" in words) is inside, words

        for key in ("d", "d", "a", "end", "home", "d", "d", "d", "minus"):
            await pressed(app, pilot, key)
            await check()
        for _ in range(12):
            x = timeline.gutter_width + 30
            event = events.MouseScrollDown(
                timeline, x, 3, 0, 0, 0, shift=False, meta=False, ctrl=False, screen_x=x, screen_y=6
            )
            timeline.post_message(event)
            await check()
        for x in (12, 40, 70):
            await pilot.click("#overview", offset=(x, 0))
            await check()


async def test_fitting_what_is_selected_leaves_the_cursor_on_it() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await went_to(app, pilot, "12,600")
        await pressed(app, pilot, "f", "f")
        assert app.view.cursor == 12_600 and app.view.length < 1_500
        assert "same range, two manifests, 3 of 7" in status(app)


async def test_the_list_goes_to_its_problem_and_marks_nothing_once_the_cursor_has_left_it() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await pressed(app, pilot, "tab", "j")
        assert "torn compacted file" in marked_rows(app)[0] and "torn compacted file, 2 of 7" in status(app)
        await pressed(app, pilot, "shift+tab", "home")
        assert not marked_rows(app) and "   range 0  " in status(app)
        await pressed(app, pilot, "tab", "j")
        assert "torn compacted file" in marked_rows(app)[0], "the list begins where it stood"
        assert app.view.cursor == 6_001


async def test_a_click_on_the_problem_row_selects_the_problem_that_is_drawn_there() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await went_to(app, pilot, "13,000")
        await pressed(app, pilot, "w", "w", "w")
        timeline = app.screen.query_one(Timeline)
        x = timeline.gutter_width + app.view.column(13_268, timeline.columns)
        await clicked(app, pilot, x, TRANSACTIONS + 2)
        assert "two snapshots of one version, 7 of 7" in status(app) and column(app) == x


async def test_the_next_problem_keeps_to_the_filter_and_shift_goes_through_all() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        while "problems: state only" not in status(app):
            await pressed(app, pilot, "i")
        assert not marked_rows(app), "what is selected is not in the list"
        await pressed(app, pilot, "right_square_bracket")
        assert "two snapshots of one version" in marked_rows(app)[0]
        await pressed(app, pilot, "right_square_bracket")
        assert "this is the only open problem" in status(app)
        await pressed(app, pilot, "o", "right_square_bracket", "t")
        assert "two snapshots of one version, 7 of 7" in status(app), "other screens keep to it as well"
        await pressed(app, pilot, "right_curly_bracket")
        assert "from the first problem again" in status(app)
        await pressed(app, pilot, "l", "h")
        assert "ranges overlap, 1 of 7" in status(app) and not marked_rows(app)
        await pressed(app, pilot, "left_curly_bracket")
        assert "Two snapshots of one version   7 of 7" in screen_text(app)


async def test_a_problem_without_a_place_is_selected_until_the_cursor_moves() -> None:
    async with running(demo_store("race")) as (app, pilot):
        await went_to(app, pilot, "10,500")
        await pressed(app, pilot, "right_square_bracket")
        assert "compaction wedged, 2 of 2" in status(app) and "the cursor is at 10,500" in status(app)
        assert "selected instead of what the cursor at 10,500 is on" in said(app, "story")
        assert ["wedged" in row for row in marked_rows(app)] == [True]
        assert "seamline" in await copied_text(app, pilot)
        await pressed(app, pilot, "enter")
        assert isinstance(app.screen, FilesScreen) and "compaction_timestamps" in status(app)
        await pressed(app, pilot, "escape", "l")
        assert "range 10,001 - 11,000" in status(app) and not marked_rows(app)
        assert (await copied_text(app, pilot)).startswith("transaction_10001-")


async def test_an_operation_that_was_interrupted_heads_the_list_and_opens_the_journal() -> None:
    async with running(demo_store("race")) as (app, pilot):
        await pressed(app, pilot, "enter")
        assert isinstance(app.screen, ChangesScreen)


async def test_reading_again_keeps_the_place_and_the_problem(tmp_path: Path) -> None:
    store = copied("everything", tmp_path)
    async with running(store, location="everything") as (app, pilot):
        await went_to(app, pilot, "12,345")
        await pressed(app, pilot, "w", "w")
        before = (app.view, status(app))
        await pressed(app, pilot, "R")
        assert (app.view, status(app)) == before
        await pressed(app, pilot, "right_square_bracket", "right_curly_bracket")
        assert "gap, 5 of 7" in status(app)
        (store / "metadata" / "transaction_2501-3500.meta").unlink()
        await pressed(app, pilot, "R")
        assert "gap, 4 of 7" in status(app) and ["gap" in row for row in marked_rows(app)] == [True]
        await pressed(app, pilot, "z")
        assert "second batch size" in status(app), "where the operator has been is still known by its problem"


async def test_found_names_are_selected_wherever_they_lie() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await pressed(app, pilot, "slash", *"transaction_1200", "enter")
        assert "1 of 2 hits" in status(app)
        names = []
        for key in ("n", "n"):
            await pressed(app, pilot, key)
            names.append(said(app, "story").splitlines()[0])
            assert await copied_text(app, pilot) == names[-1]
        assert names[0] != names[1], "both manifests of one range are gone to, one after the other"


# The selected area


async def test_a_dragged_area_stays_until_it_is_cleared() -> None:
    async with running(demo_store("same-range")) as (app, pilot):
        for clear in ("escape", "click"):
            await pilot.mouse_down(Timeline, offset=(20, TRANSACTIONS))
            await pilot.hover(Timeline, offset=(30, TRANSACTIONS))
            await pilot.hover(Timeline, offset=(40, TRANSACTIONS))
            # A terminal tells of a button that goes up, from which the app makes the click as well.
            await pilot._post_mouse_events(
                [events.MouseUp, events.Click], Timeline, offset=(40, TRANSACTIONS), button=1
            )
            await settle(app, pilot)
            assert "2,000 - 5,499   3,500 versions   txn: 4 manifests begin" in status(app)
            await pressed(app, pilot, "k")
            assert "2,000 - 5,499   3,500 versions   state: " in status(app)
            await pressed(app, pilot, "j")
            if clear == "escape":
                await pressed(app, pilot, "escape")
            else:
                await clicked(app, pilot, 60, TRANSACTIONS)
            assert "3,500 versions" not in status(app)


@pytest.mark.parametrize(
    ("keys", "reaches"),
    [
        (("full_stop", "full_stop"), 6_001),
        (("right_square_bracket",), 6_001),
        (("g", *"8000", "enter"), 8_000),
        (("slash", *"transaction_7001", "enter"), 7_001),
        (("end",), 12_000),
    ],
    ids=["ranges", "problem", "typed", "found", "end"],
)
async def test_an_area_grows_with_whatever_moves_the_cursor(keys: tuple[str, ...], reaches: int) -> None:
    async with running(demo_store("gap")) as (app, pilot):
        await went_to(app, pilot, "4,500")
        await pressed(app, pilot, "v", *keys)
        await pressed(app, pilot, "tab")
        area = status(app).split("   ")[0].replace(",", "").split(" - ")
        assert int(area[0]) == 4_500 and app.view.cursor <= int(area[1]) < app.view.cursor + 200
        assert app.view.cursor >= reaches
        await pressed(app, pilot, "escape")
        assert "versions   " not in status(app)


def write_ranges(folder: Path, ranges: list[tuple[int, int]]) -> None:
    (folder / "metadata").mkdir()
    for first, last in ranges:
        line = {"TransactionBackup": {"first_version": first, "last_version": last, "manifest": f"t_{first}-.ab/m"}}
        (folder / "metadata" / f"transaction_{first}-{last}.meta").write_text(json.dumps(line) + "\n")


async def test_a_click_takes_away_what_was_said_before() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await pressed(app, pilot, "y")
        assert "copied" in status(app)
        await pilot.click(offset=(20, 8))
        await settle(app, pilot)
        assert "copied" not in status(app) and "txn" in status(app)
