"""The painting widgets: any number of rows, whole words, no markup, and a problem never hidden by zooming out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult

from core.lod import columns_of, index_lane
from core.model import LaneKind
from core.picture import Picture
from tests.support.lanes import lane_of
from tui.glyphs import ASCII, UNICODE, Glyphs
from tui.state import View
from tui.theme import status_colours
from tui.widgets.drawing import draw
from tui.widgets.lanes import (
    bracketed,
    column_in_brackets,
    lane_cells,
    overview_rows,
    ruler,
    second_row_cells,
    tick_step,
)
from tui.widgets.line import Piece, fitted, piece
from tui.widgets.painted import row_text, row_width
from tui.widgets.panel import Panel
from tui.widgets.prose import line, text, wrapped
from tui.widgets.rows import MadeRows, RowList
from tui.widgets.scene import Scene

Range = tuple[int, int]


def picture_of(*ranges: Range) -> Picture:
    """A store of these transaction ranges."""
    lines = [(first, last, f"m{number}") for number, (first, last) in enumerate(ranges)]
    lanes = {
        LaneKind.TRANSACTIONS: index_lane(lane_of(LaneKind.TRANSACTIONS, lines)),
        LaneKind.EPOCH_ENDINGS: index_lane(lane_of(LaneKind.EPOCH_ENDINGS, [])),
        LaneKind.STATE_SNAPSHOTS: index_lane(lane_of(LaneKind.STATE_SNAPSHOTS, [])),
    }
    return Picture(lanes, max(last for _, last in ranges) + 1)


def txn_text(picture: Picture, start: int, end: int, width: int, glyphs: Glyphs = UNICODE) -> tuple[str, str]:
    """The two rows of the transaction lane."""
    bounds = columns_of(start, end, width)
    columns = picture.lanes[LaneKind.TRANSACTIONS].columns(bounds)
    main = lane_cells(LaneKind.TRANSACTIONS, columns, bounds, glyphs)
    second = second_row_cells(columns, bounds, glyphs)
    return "".join(cell for cell, _ in main), "".join(cell for cell, _ in second)


def test_the_sketch_of_an_overlap_and_a_gap_is_drawn_as_specified() -> None:
    picture = picture_of((0, 9), (10, 19), (15, 24), (34, 43), (44, 59))
    main, second = txn_text(picture, 0, 60, 60)
    assert main == "▌█████████▌████▓▓▓▓▓     ·········▌█████████▌███████████████"
    assert second.rstrip() == "               ▓▓▓▓▓█████"


def test_ascii_draws_the_same_with_ascii() -> None:
    picture = picture_of((0, 9), (10, 19), (15, 24), (34, 43))
    main, second = txn_text(picture, 0, 44, 44, ASCII)
    assert main == "|#########|####XXXXX     .........|#########"
    assert second.rstrip() == "               XXXXX#####"


@given(st.integers(0, 10**9), st.integers(1, 200), st.integers(1, 7))
def test_a_conflict_of_one_version_shows_at_every_zoom(at: int, width: int, zoom: int) -> None:
    picture = picture_of((0, at), (at, 10**9 + 1))
    view = View.of_all(picture.end)
    for _ in range(zoom):
        view = view.moved(at).zoomed(width, inwards=True)
    assert "▓" in txn_text(picture, view.start, view.end, width)[0]
    overview = overview_rows(picture, view, max(3, width), UNICODE, tall=False)[0]
    assert "▓" in row_text(overview)


@given(st.integers(1, 10**9), st.integers(1, 200))
def test_a_missing_version_is_never_a_full_block(at: int, width: int) -> None:
    picture = picture_of((0, at - 1), (at + 1, 10**9 + 2))
    main, _ = txn_text(picture, 0, picture.end, width)
    assert main.count("▄") + main.count("·") == 1


def test_borders_are_drawn_only_where_they_can_be_told_apart() -> None:
    picture = picture_of(*[(n, n) for n in range(100)], (100, 149), (150, 199))
    main, _ = txn_text(picture, 0, 200, 200)
    assert main.count("▌") == 1 and main[150] == "▌"


@given(st.integers(1, 2**64), st.integers(20, 200))
def test_ruler_labels_stand_clear_of_each_other_on_a_ladder_of_1_2_5(end: int, width: int) -> None:
    view = View.of_all(end)
    step = tick_step(view, width)
    assert str(step).rstrip("0") in ("1", "2", "5")
    labels, ticks = ruler(view, width, UNICODE)
    assert row_width(labels) == width == len(ticks)
    shown = row_text(labels).split()
    assert len(shown) == len(set(shown))


@given(st.integers(1, 80), st.integers(0, 10**6), st.integers(1, 10**6))
def test_brackets_hide_no_column_and_a_click_finds_it(width: int, start: int, length: int) -> None:
    whole = 2 * 10**6
    view = View(start, start + length, start, whole)
    cells = [(str(column % 10), "covered") for column in range(width)]
    shown = bracketed(cells, view)
    assert [cell for cell in shown if cell[1] == "covered"] == cells
    clicked = [column_in_brackets(x, view, width) for x, cell in enumerate(shown) if cell[1] == "covered"]
    assert clicked == list(range(width))


def test_the_same_rows_are_drawn_at_every_zoom_so_that_nothing_jumps() -> None:
    picture = picture_of((0, 9), (5, 14), (15, 999))
    heights = {
        len(draw(Scene(picture, view, annotated=annotated), 80, UNICODE))
        for annotated in (False,)
        for view in (View.of_all(1_000), View(500, 600, 500, 1_000), View(0, 20, 0, 1_000))
    }
    assert len(heights) == 1


WORDS = st.text(st.characters(codec="utf-8"), max_size=60)


@given(st.lists(WORDS, max_size=4), st.integers(1, 40), st.integers(0, 6))
def test_wrapped_text_never_exceeds_its_width_and_loses_no_word(parts: list[str], width: int, indent: int) -> None:
    for part in parts:
        rows = wrapped([text(part, indent=indent)], width)
        assert all(row_width(row) <= max(width, 2) for row in rows)


def test_words_are_kept_whole_where_they_fit_and_the_rest_hangs() -> None:
    rows = wrapped([text("one two three fourteen", indent=0, hanging=2)], 9)
    assert [row_text(row) for row in rows] == ["one two", "  three", "  fourtee", "  n"]
    assert [row_text(row) for row in wrapped([line(("a long line", "text"))], 4)] == ["a long line"]


def test_the_least_important_piece_gives_way_first_and_whole() -> None:
    pieces = [piece("always"), piece("first to go", drop=9), piece("second", drop=5, shorter="2nd")]
    assert [row and row_text(row) for row in fitted(pieces, 40, 1)] == ["always", "first to go", "second"]
    assert [row and row_text(row) for row in fitted(pieces, 15, 1)] == ["always", None, "second"]
    assert [row and row_text(row) for row in fitted(pieces, 11, 1)] == ["always", None, "2nd"]
    assert [row and row_text(row) for row in fitted(pieces, 3, 1)] == ["always", None, None]
    assert fitted([Piece(())], 0) == [()]


class ListApp(App[None]):
    """A list of a hundred thousand rows that counts how many are made."""

    CSS = "Panel { border-top: solid white; }"

    def __init__(self) -> None:
        super().__init__()
        self.glyphs = UNICODE
        self.made = 0

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(status_colours(self.current_theme))

    def compose(self) -> ComposeResult:
        yield Panel(RowList(), title="[b]Rows[/b] \x1b[31m", hint="[x]")

    def on_mount(self) -> None:
        self.query_one(RowList).show(MadeRows(100_000, self.make))

    def make(self, index: int, width: int) -> tuple[tuple[str, str], ...]:
        self.made += 1
        return ((f"[red]row {index}[/red]", "text"),)


async def test_a_list_of_any_length_makes_only_the_rows_in_sight() -> None:
    app = ListApp()
    async with app.run_test(size=(40, 10)) as pilot:
        rows = app.query_one(RowList)
        rows.move_to(99_999)
        await pilot.pause()
        lines = [strip.text for strip in app.screen._compositor.render_strips()]
        assert any("> [red]row 99999[/red]" in each for each in lines)
        assert app.made < 100
        assert "[b]Rows[/b] \\x1b[31m" in lines[0] and "[x]" in lines[0]
        assert not rows.move(1)
        assert rows.move(-1)


async def test_a_panel_title_gives_its_hint_away_before_itself() -> None:
    app = ListApp()
    async with app.run_test(size=(16, 5)) as pilot:
        await pilot.pause()
        first = app.screen._compositor.render_strips()[0].text
        assert "…" in first and "[x]" not in first and cell_len(first) == 16


@pytest.mark.parametrize("modules", [("tui.app", "tui.screens.timeline", "tui.screens.help")])
def test_the_first_frame_needs_no_numpy(modules: tuple[str, ...]) -> None:
    script = f"import {', '.join(modules)}, sys; print('numpy' in sys.modules)"
    root = Path(__file__).parents[2]
    run = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_columns_are_uint64_so_that_nothing_is_rounded() -> None:
    assert columns_of(2**64 - 5, 2**64, 5).upper.dtype == np.uint64
