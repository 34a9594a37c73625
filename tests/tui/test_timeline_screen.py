"""The timeline: what is on it, what its keys and the mouse do, and that it never lies at any size or zoom."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from textual import events

from core.model import LaneKind
from tests.tui.support import (
    assert_golden,
    copied,
    demo_store,
    pressed,
    running,
    said,
    screen_text,
    settle,
)
from tui.app import AppOptions
from tui.listing import files_of
from tui.state import Phase
from tui.texts.inspector import next_step
from tui.widgets.rows import RowList
from tui.widgets.timeline import Timeline

SIZES = {"80x24": (80, 24), "160x45": (160, 45)}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["clean", "same-range", "gap", "everything"])
async def test_the_first_screen_of_a_sample_store(name: str, size: str) -> None:
    async with running(demo_store(name), SIZES[size]) as (app, _):
        await assert_golden(app, f"timeline-{name}-{size}")


@pytest.mark.parametrize("theme", ["seamline-light", "seamline-ansi", "nord"])
async def test_every_theme_shows_the_same_cells(theme: str) -> None:
    async with running(demo_store("everything"), options=AppOptions(theme=theme)) as (app, _):
        await assert_golden(app, "timeline-everything-80x24")


async def test_without_colours_a_conflict_has_a_sign_that_stands_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(demo_store("everything")) as (app, _):
        await assert_golden(app, "timeline-everything-no-color-80x24")
        style = app.screen.query_one(Timeline).style("conflict")
        assert style.reverse and style.bold


@pytest.mark.parametrize("size", SIZES)
async def test_with_ascii_nothing_else_is_on_the_screen(size: str) -> None:
    async with running(demo_store("everything"), SIZES[size], AppOptions(ascii=True)) as (app, pilot):
        await assert_golden(app, f"timeline-everything-ascii-{size}")
        assert screen_text(app).isascii()
        await pilot.press("question_mark")
        assert screen_text(app).isascii()


@pytest.mark.parametrize("size", [(60, 15), (40, 10)])
async def test_a_small_terminal_keeps_lanes_and_status(size: tuple[int, int]) -> None:
    async with running(demo_store("everything"), size) as (app, _):
        await assert_golden(app, f"timeline-everything-{size[0]}x{size[1]}")


@pytest.mark.parametrize("size", [(39, 10), (40, 9)])
async def test_a_terminal_that_is_too_small_gets_one_line(size: tuple[int, int]) -> None:
    async with running(demo_store("everything"), size) as (app, pilot):
        assert screen_text(app).strip() == "seamline needs 40x10"
        await pilot.resize_terminal(80, 24)
        await settle(app, pilot)
        assert "Problems" in screen_text(app)


async def test_the_footer_at_80_columns_has_at_most_eight_whole_hints() -> None:
    async with running(demo_store("clean")) as (app, _):
        footer = screen_text(app).splitlines()[-1]
        assert footer.split("  ") == [
            " ad Pan", "ws Zoom", "][ Problem", "g Go to", "c Compact", "r Restore", "/ Find", "? Help",
        ]  # fmt: skip


async def test_a_store_without_ranges_gets_a_sentence_and_no_axes(tmp_path: Path) -> None:
    (tmp_path / "metadata").mkdir()
    async with running(tmp_path, location="empty") as (app, _):
        await assert_golden(app, "timeline-empty-80x24")


async def test_a_store_of_one_range_needs_no_more(tmp_path: Path) -> None:
    write_store(tmp_path, [(0, 0)])
    async with running(tmp_path, location="one") as (app, _):
        assert app.session.picture is not None and app.session.picture.end == 1
        shown = screen_text(app)
        assert "txn     ▌" in shown and "state   no state snapshots: a restore has nothing to begin from" in shown


async def test_the_ends_of_u64_are_on_the_axis_without_overflow(tmp_path: Path) -> None:
    write_store(tmp_path, [(0, 2**63 - 1), (2**63, 2**64 - 1)])
    async with running(tmp_path, location="whole") as (app, pilot):
        await pilot.press("end")
        assert "18,446,744,073,709,551,615" in screen_text(app).splitlines()[-2]
        for key in ["w"] * 70:
            await pilot.press(key)
        await pilot.press("k")
        assert app.view.end == 2**64 and app.view.length == app.screen.query_one(Timeline).columns
        assert "18,446,744,073,709,551,615" in screen_text(app).splitlines()[-2]


def write_store(folder: Path, ranges: list[tuple[int, int]]) -> None:
    metadata = folder / "metadata"
    metadata.mkdir()
    for first, last in ranges:
        line = json.dumps(
            {"TransactionBackup": {"first_version": first, "last_version": last, "manifest": f"t_{first}-.ab/m"}},
            separators=(",", ":"),
        )
        (metadata / f"transaction_{first}-{last}.meta").write_text(line + "\n")


async def test_panning_and_zooming_keep_to_the_axis_and_repaint_what_is_there() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await pilot.press("end")
        whole = app.view
        await pilot.press("w", "w")
        zoomed = app.view
        assert zoomed.length == whole.length // 4 and zoomed.end == whole.end
        await pilot.press("a")
        assert app.view.start == zoomed.start - zoomed.length // 4
        assert "[" in screen_text(app).splitlines()[2]
        await pilot.press("d", "0")
        assert (app.view.start, app.view.end) == (whole.start, whole.end)


async def test_problems_are_walked_in_a_ring_and_the_view_follows() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        count = app.session.problem_count
        await pilot.press("w", "w", "w")
        seen = [app.session.zone]
        for _ in range(count):
            await pilot.press("right_square_bracket")
            seen.append(app.session.zone)
            zone, picture = app.session.current_zone, app.session.picture
            assert zone is not None and picture is not None
            span = picture.zone_span(zone)
            assert span is None or app.view.start <= span[0] < app.view.end
        assert seen == [*range(count), 0]
        assert "from the first problem again" in screen_text(app).splitlines()[-2]
        await pilot.press("left_square_bracket")
        assert app.session.zone == count - 1


async def test_back_and_forward_return_to_where_the_operator_was() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        begin = app.view
        await pilot.press("right_square_bracket", "f", "f")
        there = app.view
        assert there != begin
        await pilot.press("z", "z", "z")
        assert app.view == begin and app.session.zone == 0
        await pilot.press("z")
        assert "nowhere to go back to" in screen_text(app)
        await pilot.press("Z", "Z", "Z")
        assert app.view == there


@pytest.mark.parametrize(
    ("typed", "version"),
    [("6_500", 6_500), ("epoch 10", None), ("9,500..9,700", 9_500), ("transaction_compacted", None)],
)
async def test_go_to_understands_places_and_names(typed: str, version: int | None) -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await pilot.press("w", "w", "w", "g")
        await pilot.press(*[{" ": "space"}.get(key, key) for key in typed], "enter")
        await settle(app, pilot)
        assert app.history.back
        if version is not None:
            assert app.view.cursor == version


async def test_find_looks_in_names_and_n_walks_the_hits() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await pilot.press("slash", *"_compacted_", "enter")
        await settle(app, pilot)
        first = app.session.selected
        assert first is not None and any("_compacted_" in claim.file for claim in first.claims)
        await pilot.press("n")
        second = app.session.selected
        assert second != first
        await pilot.press("N")
        assert app.session.selected == first
        await pilot.press("slash", *"nosuchname", "enter")
        await settle(app, pilot)
        assert "no manifest or metadata file has 'nosuchname'" in screen_text(app)


async def test_the_next_range_is_selected_in_its_lane_and_told_in_the_inspector() -> None:
    async with running(demo_store("same-range")) as (app, pilot):
        await pilot.press("home", "full_stop")
        first = app.session.selected
        assert first is not None and (first.lane, first.first) == (LaneKind.TRANSACTIONS, 1_000)
        await pilot.press("comma")
        assert app.session.selected is not None and app.session.selected.first == 0
        assert app.session.selected.manifest in screen_text(app)
        await pilot.press("k", "k", "full_stop")
        assert app.session.selected is not None and app.session.selected.lane is LaneKind.EPOCH_ENDINGS


async def test_a_selected_area_is_totalled_until_escape() -> None:
    async with running(demo_store("gap")) as (app, pilot):
        await pilot.press("home", "v", *["l"] * 71)
        status = screen_text(app).splitlines()[-2]
        assert "1,000 missing" in status
        await pilot.press("escape")
        assert "missing" not in screen_text(app).splitlines()[-2]


async def test_two_pins_can_be_compared_and_a_third_pushes_out_the_first() -> None:
    async with running(demo_store("clean")) as (app, pilot):
        await pilot.press("home", "full_stop", "space", "full_stop", "space", "full_stop", "space")
        assert [pin.first for pin in app.session.pins] == [1_001, 2_001]
        await pilot.press("space")
        assert [pin.first for pin in app.session.pins] == [1_001]


async def test_a_disabled_command_says_why() -> None:
    async with running(demo_store("clean")) as (app, pilot):
        await pilot.press("z")
        assert "Back: nowhere to go back to" in screen_text(app).splitlines()[-2]
        await pilot.press("n")
        assert "find something first" in screen_text(app).splitlines()[-2]


async def test_a_click_selects_and_a_drag_selects_an_area() -> None:
    async with running(demo_store("same-range")) as (app, pilot):
        lane = 4
        await pilot.click(Timeline, offset=(60, lane))
        assert app.session.selected is not None
        await pilot.click(Timeline, offset=(9, lane))
        assert app.session.selected is None and app.session.zone == 0
        await pilot.mouse_down(Timeline, offset=(20, lane))
        await pilot.hover(Timeline, offset=(40, lane))
        await pilot.mouse_up(Timeline, offset=(40, lane))
        await pilot.pause()
        assert "4 manifests begin" in screen_text(app)


async def test_a_click_on_the_overview_moves_the_viewport() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await pilot.press("w", "w", "w")
        await pilot.click("#overview", offset=(12, 0))
        assert app.view.start < app.view.whole // 10


async def test_dragging_on_the_overview_takes_the_viewport_along() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await pilot.press("w", "w", "w")
        await pilot.mouse_down("#overview", offset=(12, 0))
        left = app.view.start
        await pilot.hover("#overview", offset=(60, 0))
        await pilot.mouse_up("#overview", offset=(60, 0))
        await pilot.pause()
        assert app.view.start > left + app.view.whole // 3
        there = app.view
        await pilot.hover("#overview", offset=(20, 0))
        assert app.view == there


async def test_the_list_moves_the_timeline_and_the_filter_shortens_the_list() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await pilot.press("tab", "j")
        assert app.session.zone == 1
        await pilot.press("i")
        rows = app.screen.query_one("#problem-list", RowList)
        assert 0 < rows.row_count <= len(app.session.zones)
        assert "problems: errors only" in screen_text(app)


async def test_the_list_can_be_cut_down_to_the_problems_of_one_file() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        rows = app.screen.query_one("#problem-list", RowList)
        zone = app.session.current_zone
        assert zone is not None
        file = files_of(zone)[0]
        kept = [index for index, each in enumerate(app.session.zones) if file in files_of(each)]
        while f"problems: claimed by {file.removeprefix('metadata/')}" not in screen_text(app):
            await pilot.press("i")
        assert rows.row_count == len(kept) < len(app.session.zones)
        await pilot.press("i")
        assert "problems: all" in screen_text(app) and rows.row_count == len(app.session.zones)


@pytest.mark.parametrize(
    "name", ["same-range", "two-batch-sizes", "started-over", "torn-compaction", "gap", "no-join", "everything"]
)
async def test_stocks_words_and_the_next_step_are_on_the_first_screen(name: str) -> None:
    async with running(demo_store(name)) as (app, _):
        zone = app.session.current_zone
        assert zone is not None
        shown = "".join(screen_text(app).split())
        step = next_step(zone)
        assert step and "".join(step.split()) in shown
        assert zone.title in screen_text(app)
        said = next(finding.stock_says for finding in zone.findings if finding.stock_says)
        assert "".join(said.split()) in shown


async def test_one_absurd_range_does_not_squeeze_all_others_into_a_column(tmp_path: Path) -> None:
    write_store(tmp_path, [(0, 999), (1_000, 1_999), (2_000, 2**64 - 1)])
    async with running(tmp_path, location="far") as (app, pilot):
        assert (app.view.start, app.view.whole) == (0, 2**64) and 2_000 < app.view.end < 3_000
        shown = screen_text(app)
        assert "[█]██" in shown and "view 2,251 of 18.4E" in shown and "endless range" in shown
        await pilot.press("0")
        assert app.view.length == 2**64
        await pilot.press("0")
        assert app.view.at_home and "the part that a chain can hold" in screen_text(app)
        await pilot.press("end")
        assert app.view.end == 2**64 and "18,446,744,073,709,551,615" in screen_text(app).splitlines()[-2]


async def test_a_panel_can_have_the_whole_body() -> None:
    async with running(demo_store("same-range")) as (app, pilot):
        await pilot.press("e")
        await pilot.pause()
        shown = screen_text(app)
        assert "Problems" not in shown and "also   manifest dropped" in shown
        await pilot.press("e")
        assert "Problems" in screen_text(app)


async def test_copy_says_how_much_and_export_never_overwrites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(demo_store("same-range")) as (app, pilot):
        await pilot.press("y")
        assert f"copied {len(app.clipboard):,} characters" in screen_text(app)
        await pilot.press("x", "x")
        assert [path.name for path in sorted(tmp_path.iterdir())] == [
            "seamline-timeline-1.json",
            "seamline-timeline-2.json",
        ]
        document = json.loads((tmp_path / "seamline-timeline-1.json").read_text())
        assert document["schema"] == 1 and document["problems"]


async def test_nothing_is_exported_into_a_store(monkeypatch: pytest.MonkeyPatch) -> None:
    store = demo_store("same-range")
    monkeypatch.chdir(store / "metadata")
    async with running(store, location=str(store)) as (app, pilot):
        await pilot.press("x")
        assert "inside the store" in screen_text(app)
    assert not list(store.rglob("seamline-*"))


async def test_help_lists_the_keys_and_the_palette_the_commands() -> None:
    async with running(demo_store("clean"), (120, 40)) as (app, pilot):
        await pilot.press("question_mark")
        assert "Zoom in about the cursor" in screen_text(app)
        await pilot.press("escape", "ctrl+p")
        await pilot.press(*"compac")
        await pilot.pause(0.3)
        assert "Preview what compaction would write" in screen_text(app)


async def test_a_store_that_is_gone_is_said_with_what_to_do(tmp_path: Path) -> None:
    async with running(tmp_path / "nowhere") as (app, _):
        assert app.session.phase is Phase.FAILED
        shown = " ".join(screen_text(app).split())
        assert "can't be opened" in shown and "check the path" in shown


async def test_hostile_names_are_shown_harmlessly(tmp_path: Path) -> None:
    write_store(tmp_path, [(0, 9)])
    hostile = "[red]a[/x][@click=app.quit]\\u001b]52;c;x\\u0007\\u202e"
    line = f'{{"TransactionBackup":{{"first_version":0,"last_version":9,"manifest":"{hostile}/m"}}}}\n'
    (tmp_path / "metadata" / "x.meta").write_text(line)
    async with running(tmp_path, location="[/x]\x1b[31m") as (app, pilot):
        shown = screen_text(app)
        assert "[red]a[/x][@click=app.quit]\\x1b]52;c;x\\x07\\u202e/m" in shown
        assert "[/x]\\x1b[31m" in shown
        assert not any(ord(character) < 32 for character in shown.replace("\n", ""))
        await pilot.press("question_mark", "escape", "full_stop", "y", "e")
        assert not any(ord(character) < 32 for character in screen_text(app).replace("\n", ""))


async def test_the_wheel_pans_and_with_ctrl_zooms_about_the_mouse() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        timeline = app.screen.query_one(Timeline)
        await pilot.press("w", "w", "w")
        before = app.view
        timeline.post_message(wheel(timeline, down=True))
        await pilot.pause()
        assert app.view.start == before.start + before.length // 12 and app.view.length == before.length
        about = before.version(30, timeline.columns)
        timeline.post_message(wheel(timeline, down=False, ctrl=True))
        await pilot.pause()
        assert app.view.length == before.length // 2
        assert app.view.start <= about < app.view.end


def wheel(timeline: Timeline, *, down: bool, ctrl: bool = False) -> events.MouseEvent:
    kind = events.MouseScrollDown if down else events.MouseScrollUp
    x = timeline.gutter_width + 30
    return kind(timeline, x, 3, 0, 0, 0, shift=False, meta=False, ctrl=ctrl, screen_x=x, screen_y=6)


async def test_a_copy_of_metadata_only_is_named_on_the_first_screen(tmp_path: Path) -> None:
    store = copied("same-range", tmp_path)
    for folder in store.iterdir():
        if folder.name not in ("metadata", "metadata_backup"):
            shutil.rmtree(folder)
    async with running(store) as (app, pilot):
        assert "metadata only" in screen_text(app).splitlines()[0]
        await pressed(app, pilot, "p")
        assert "no manifest could be looked at, and the policy alone chose" in said(app, "repair-text")
