"""The space that a terminal has is spent: lanes grow with it, and nothing is cut beside cells that are empty."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from core.model import LaneKind
from tests.support.soaking import sampled
from tests.tui.support import demo_store, pressed, running, screen_text, settle
from tests.tui.test_every_screen import visits
from tests.tui.test_scrolling import assert_all_is_in_reach, shown_lists
from tui.glyphs import ASCII, UNICODE, Glyphs
from tui.safe_text import cut
from tui.widgets.bands import Bands
from tui.widgets.lanes import stacked
from tui.widgets.painted import cut_row, row_text

SIZES = [(40, 10), (60, 15), (80, 24), (80, 18), (160, 45), (100, 30), (240, 70), (300, 100)]
#: So many columns without anything are room that something cut could have had.
EMPTY = re.compile(" {4,}")


def empty_columns(rows: list[str]) -> list[str]:
    """The runs of columns between others in which no row has anything."""
    width = max(map(len, rows))
    filled = "".join("x" if any(row[at : at + 1].strip() for row in rows) else " " for at in range(width))
    return EMPTY.findall(filled.strip())


@pytest.mark.parametrize(("size", "height"), [((80, 24), 1), ((160, 45), 1), ((240, 70), 2), ((300, 100), 3)], ids=str)
async def test_lanes_are_higher_on_a_higher_terminal(size: tuple[int, int], height: int) -> None:
    async with running(demo_store("same-range"), size) as (app, pilot):
        lines = screen_text(app).splitlines()
        assert sum("▓▓▓" in line for line in lines[lines.index(next(x for x in lines if "┃" in x)) :]) == 2 * height
        # Every row of a lane is the lane to the mouse.
        top = next(y for y, line in enumerate(lines) if line.startswith("epoch"))
        await pilot.click(offset=(60, top + height // 2))
        await settle(app, pilot)
        assert app.session.selected is not None and app.session.selected.lane is LaneKind.EPOCH_ENDINGS


@pytest.mark.parametrize(
    ("keys", "rows"),
    [(("r",), (7, 11, 11, 16)), (("p",), (5, 11, 11, 15)), (("c",), (2, 7, 7, 7)), (("enter",), (3, 8, 8, 8))],
    ids=["restore", "repair", "compaction", "comparison"],
)
async def test_every_picture_has_higher_lanes_in_a_quarter_of_a_higher_terminal(
    keys: tuple[str, ...], rows: tuple[int, ...]
) -> None:
    for size, high in zip([(80, 24), (160, 45), (200, 50), (240, 70)], rows, strict=True):
        async with running(demo_store("everything"), size) as (app, pilot):
            await pressed(app, pilot, *keys)
            assert next(each for each in app.screen.query(Bands)).size.height == high, screen_text(app)


@pytest.mark.parametrize(
    ("size", "amounts"), [((160, 45), "2,000 ver"), ((200, 50), "2,000 ver  3 manifests")], ids=str
)
async def test_a_wide_list_of_problems_says_how_large_each_is(size: tuple[int, int], amounts: str) -> None:
    async with running(demo_store("everything"), size) as (app, _):
        assert f"2,001 - 4,000    {amounts}" in screen_text(app)


async def test_where_the_timeline_is_alone_its_lanes_take_the_room() -> None:
    async with running(demo_store("same-range")) as (app, pilot):
        before = screen_text(app).count("▓▓▓▓\n")
        await pilot.resize_terminal(60, 15)
        await settle(app, pilot)
        assert screen_text(app).count("▓▓▓\n") > before, screen_text(app)


@pytest.mark.parametrize("size", sampled(SIZES), ids=str)
async def test_nothing_is_cut_beside_empty_cells_and_no_panel_is_off_the_screen(size: tuple[int, int]) -> None:
    async with running(demo_store("everything"), size) as (app, pilot):
        async for name in visits(app, pilot):
            assert_all_is_in_reach(app)
            for rows in shown_lists(app):
                made = [rows._rows.row(index, rows.row_width) for index in range(min(rows.row_count, 60))]
                shown = [row_text(cut_row(row, rows.row_width, "…")) for row in made]
                if size[0] >= 60 and any("…" in row for row in shown):
                    assert not empty_columns(shown), f"{name}, {rows.id}:\n" + "\n".join(shown)


async def test_the_reason_of_each_retired_file_is_read_whole_at_80_columns() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await pressed(app, pilot, "p")
        assert app.screen.query("#repair-list")
        retired = [line for line in screen_text(app).splitlines() if line.startswith("  retire")]
        assert retired and all("…" not in line for line in retired), "\n".join(retired)


WORDS = st.lists(st.text("abcdefgh", min_size=1, max_size=9), max_size=12).map(" ".join)


@given(WORDS, st.integers(1, 60))
def test_words_are_cut_at_the_end_of_a_word_with_an_ellipsis(words: str, width: int) -> None:
    shown = cut(words, width)
    assert cell_len(shown) <= width
    if shown != words:
        assert shown.endswith("…") and words.startswith(shown[:-1])
        whole = words[len(shown) - 1 :].startswith(" ")
        assert whole or " " not in shown[len(shown) * 2 // 3 :]


@given(WORDS, WORDS, st.integers(1, 60))
def test_a_row_that_is_too_wide_says_so_and_keeps_its_styles(first: str, second: str, width: int) -> None:
    row = ((first, "text"), (" ", "dim"), (second, "strong"))
    shown = cut_row(row, width, "…")
    assert row_text(shown) == row_text(row) if cell_len(row_text(row)) <= width else True
    assert cell_len(row_text(shown).rstrip()) <= width
    assert {style for _, style in shown} <= {"text", "dim", "strong"}


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
@pytest.mark.parametrize("height", [1, 2, 3])
def test_a_column_that_misses_something_is_never_full_however_high_a_lane_is(glyphs: Glyphs, height: int) -> None:
    cells = [(glyphs.part, "covered"), (glyphs.covered, "covered"), (glyphs.conflict, "conflict")]
    rows = stacked(cells, height, glyphs)
    assert len(rows) == height
    assert any(row[0][0] in (glyphs.part, glyphs.missing) for row in rows)
    assert all(row[1:] == cells[1:] for row in rows)
