"""The viewport never leaves the axis, zooms about its cursor, and remembers where the operator has been."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.model import U64_MAX
from tui.state import HISTORY_KEPT, History, Place, View

WHOLE = st.one_of(st.integers(1, 500), st.integers(1, 2**64), st.just(2**64))
WIDTH = st.integers(1, 300)


@st.composite
def views(draw: st.DrawFn) -> View:
    whole = draw(WHOLE)
    start = draw(st.integers(0, whole - 1))
    end = draw(st.integers(start + 1, whole))
    return View(start, end, draw(st.integers(start, end - 1)), whole)


def sound(view: View) -> bool:
    return 0 <= view.start < view.end <= view.whole and view.start <= view.cursor < view.end


@given(views(), WIDTH, st.integers(-3, 3), st.integers(0, U64_MAX))
def test_no_step_leaves_the_axis(view: View, width: int, step: int, place: int) -> None:
    first = min(place, view.whole - 1)
    results = [
        view.panned(step),
        view.slid(step * 7),
        view.stepped(width, step),
        view.zoomed(width, inwards=True),
        view.zoomed(width, inwards=False),
        view.zoomed(width, inwards=True, about=first),
        view.moved(place),
        view.centred(first, view.whole - 1),
        view.fitted(first, view.whole - 1, width),
        view.rescaled(max(1, view.whole // 2)),
        view.rescaled(min(2**64, view.whole * 2)),
    ]
    assert all(map(sound, results))


@given(views(), WIDTH)
def test_a_column_holds_the_version_it_begins_with(view: View, width: int) -> None:
    for column in {0, width // 2, width - 1}:
        version = view.version(column, width)
        found = view.column(version, width)
        assert 0 <= found < width
        assert view.version(found, width) == version


@given(views(), WIDTH)
def test_the_cursor_keeps_its_column_when_zooming(view: View, width: int) -> None:
    for inwards in (True, False):
        zoomed = view.zoomed(width, inwards=inwards)
        inside = zoomed.start > 0 and zoomed.end < zoomed.whole and min(view.length, zoomed.length) >= 8 * width
        if inside:
            assert abs(zoomed.column(view.cursor, width) - view.column(view.cursor, width)) <= 1
        assert zoomed.cursor == view.cursor


def test_zooming_stops_at_one_version_per_cell_and_at_the_whole() -> None:
    view = View.of_all(1_000)
    for _ in range(20):
        view = view.zoomed(80, inwards=True)
    assert view.length == 80
    for _ in range(20):
        view = view.zoomed(80, inwards=False)
    assert (view.start, view.end) == (0, 1_000)
    assert View.of_all(9).zoomed(80, inwards=True).length == 9


def test_a_range_is_fitted_with_a_little_room() -> None:
    view = View.of_all(1_000_000).fitted(500_000, 509_999, 80)
    assert view.start < 500_000 and view.end > 510_000
    assert view.length < 13_000


def test_the_view_of_all_grows_with_the_store_while_it_is_read() -> None:
    view = View.of_all(100).rescaled(1_000)
    assert (view.start, view.end, view.cursor) == (0, 1_000, 999)
    zoomed = View(20, 40, 30, 100).rescaled(1_000)
    assert (zoomed.start, zoomed.end, zoomed.cursor) == (20, 40, 30)


def test_back_and_forward_walk_the_same_places() -> None:
    places = [Place(View(n, n + 10, n, 100)) for n in range(4)]
    history = History()
    for place in places[:-1]:
        history = history.went(place)
    now = places[-1]
    seen = []
    while moved := history.undone(now):
        history, now = moved
        seen.append(now)
    assert seen == places[2::-1]
    while moved := history.redone(now):
        history, now = moved
    assert now == places[-1]


def test_a_new_jump_forgets_what_was_forward_and_the_past_is_bounded() -> None:
    history = History()
    for n in range(HISTORY_KEPT + 50):
        history = history.went(Place(View(n, n + 1, n, 10_000)))
    assert len(history.back) == HISTORY_KEPT
    undone = history.undone(Place(View.of_all(10)))
    assert undone is not None
    assert undone[0].went(undone[1]).forward == ()
