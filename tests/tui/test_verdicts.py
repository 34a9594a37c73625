"""The verdict line of the app on stores where "restores the latest" alone would mislead."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.hazards import example_store, hazard_store
from tests.tui.support import pressed, running, said, screen_text


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_a_torn_store_says_how_much_more_can_be_recovered(size: tuple[int, int], tmp_path: Path) -> None:
    async with running(example_store("torn-compacted", tmp_path), size) as (app, _):
        assert "stock restores to 23,000,000; 13,000,000 more can be recovered" in screen_text(app)


async def test_a_store_that_ends_at_the_last_number_is_broken_and_names_the_target_that_works(tmp_path: Path) -> None:
    async with running(hazard_store("version-u64-max", tmp_path), (160, 45)) as (app, pilot):
        shown = screen_text(app)
        assert "broken" in shown
        assert "stock stops unless it is given a target: with 200 it restores to 200" in shown
        await pressed(app, pilot, "r")
        assert '"attempt to add with overflow"' in said(app, "verdict-text")
        await pressed(app, pilot, "b")
        assert "Stock restores to 200." in said(app, "verdict-text")
