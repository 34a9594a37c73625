"""A thousand conflicts in the app: counted, stepped through to the last, and painted where they are."""

from __future__ import annotations

from pathlib import Path

from tests.support.crowded_stores import STEP, write_conflicts
from tests.tui.support import running, screen_text
from tui.widgets.timeline import Timeline

CONFLICTS = 1_000


# One problem more than conflicts: the store holds metadata only.


async def test_a_thousand_conflicts_are_counted_and_stepped_through_beyond_the_200th(tmp_path: Path) -> None:
    store = write_conflicts(tmp_path / "store", 4 * CONFLICTS, CONFLICTS)
    async with running(store, (160, 45)) as (app, pilot):
        assert app.session.tally.overlaps == CONFLICTS and "Problems 1,001" in screen_text(app)
        await pilot.press(*["right_square_bracket"] * 250)
        zone = app.session.current_zone
        assert zone is not None and zone.first is not None
        assert zone.first % (4 * STEP) == 2 * STEP and zone.first > 4 * STEP * 201
        assert zone.last == zone.first + STEP - 1
        assert "of 1,001" in screen_text(app)


async def test_what_is_clean_between_conflicts_is_painted_clean(tmp_path: Path) -> None:
    store = write_conflicts(tmp_path / "store", 4 * CONFLICTS, CONFLICTS)
    async with running(store, (160, 45)) as (app, _):
        picture = app.session.picture
        assert picture is not None and picture.marks is not None
        for number in (10, 300, 700, 999):
            start = 4 * STEP * number
            assert picture.marks.problems.measure(start, start + 2 * STEP - 1).covered == 0
            assert picture.marks.problems.measure(start + 2 * STEP, start + 3 * STEP - 1).covered == STEP
        assert app.screen.query_one(Timeline)
