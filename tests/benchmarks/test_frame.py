"""A timeline frame costs the same whatever the number of entries, and the index of a million is built at once."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from core.columns import U64, Lane, Texts
from core.lod import Coverage, build_coverage, columns_of, index_lane
from core.model import LaneKind
from core.picture import Picture
from tui.glyphs import UNICODE
from tui.state import View
from tui.widgets.drawing import draw
from tui.widgets.scene import LANES, Scene

COLUMNS = 160
MILLION = 1_000_000


def ranges_of(entries: int) -> tuple[U64, U64]:
    """Entries of which each leaves a version out and some reach into the next."""
    first = np.arange(entries, dtype=np.uint64) * np.uint64(1_000)
    last = first + np.uint64(998)
    last[::11] += np.uint64(40)
    return first, last


def frame(coverage: Coverage, end: int) -> None:
    """One lane's columns at three zooms."""
    for zoom in (1, 10, 1_000):
        bounds = columns_of(0, max(COLUMNS, end // zoom), COLUMNS)
        coverage.cover(bounds)
        coverage.conflict(bounds)
        coverage.begins(bounds)


def best_seconds(coverage: Coverage, end: int) -> float:
    """The best of many, in seconds."""
    best = float("inf")
    for _ in range(100):
        began = time.perf_counter()
        frame(coverage, end)
        best = min(best, time.perf_counter() - began)
    return best


def test_a_frame_of_a_million_entries_costs_what_one_of_a_thousand_costs(benchmark: BenchmarkFixture) -> None:
    small, large = (build_coverage(*ranges_of(entries)) for entries in (1_000, MILLION))
    benchmark(frame, large, MILLION * 1_000)
    assert best_seconds(large, MILLION * 1_000) < 1.5 * best_seconds(small, 1_000 * 1_000)
    assert best_seconds(large, MILLION * 1_000) < 0.016


def picture_of(entries: int) -> Picture:
    """A store of one lane, and two empty ones."""
    first, last = ranges_of(entries)
    count = np.arange(entries + 1)
    texts = Texts(np.zeros(16, dtype=np.uint8), count[:-1] * 0, np.zeros(entries, dtype=np.int32))
    claims = np.zeros(entries, dtype=np.int32)
    kind, files = LaneKind.TRANSACTIONS, ("metadata/x.meta",)
    lane = Lane(kind, first, last, first, last, None, texts, count, claims, claims, files)
    nothing = np.empty(0, dtype=np.uint64)
    empty = replace(lane, first=nothing, last=nothing, first_version=nothing, last_version=nothing)
    lanes = {each: index_lane(lane if each is kind else replace(empty, kind=each)) for each in LANES}
    return Picture(lanes, int(last.max()) + 1)


def drawn(picture: Picture) -> None:
    """Whole timelines at three zooms."""
    whole = View.of_all(picture.end)
    for times in (0, 4, 9):
        view = whole
        for _ in range(times):
            view = view.zoomed(COLUMNS, inwards=True)
        draw(Scene(picture, view, annotated=True), COLUMNS, UNICODE)


def best_drawn(picture: Picture) -> float:
    """The best of many, in seconds for each of the three."""
    best = float("inf")
    for _ in range(60):
        began = time.perf_counter()
        drawn(picture)
        best = min(best, time.perf_counter() - began)
    return best / 3


def test_drawing_a_million_entries_costs_what_a_thousand_cost(benchmark: BenchmarkFixture) -> None:
    small, large = picture_of(1_000), picture_of(MILLION)
    benchmark(drawn, large)
    assert best_drawn(large) < 1.5 * best_drawn(small)
    assert best_drawn(large) < 0.016


@pytest.mark.parametrize("gaps", [False, True])
def test_the_index_of_a_million_entries_is_built_within_150_ms(benchmark: BenchmarkFixture, gaps: bool) -> None:
    first, last = ranges_of(MILLION)
    benchmark.pedantic(build_coverage, (first, last if gaps else first + np.uint64(999)), rounds=5)
    assert benchmark.stats.stats.min < 0.150
