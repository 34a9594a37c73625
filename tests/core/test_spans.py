"""Ranges that may overlap answer by binary search what going over all of them would."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.lod import index_lane
from core.spans import Spans
from tests.support.lanes import transactions

VERSIONS = st.integers(0, 60)
RANGES = st.lists(st.tuples(VERSIONS, VERSIONS).map(lambda pair: (min(pair), max(pair))), max_size=12)


@given(RANGES, VERSIONS, VERSIONS)
def test_spans_answer_as_going_over_all_would(ranges: list[tuple[int, int]], first: int, last: int) -> None:
    spans = Spans((*each, number) for number, each in enumerate(ranges))
    assert sorted(spans.holding(first)) == [number for number, (low, high) in enumerate(ranges) if low <= first <= high]
    if first <= last:
        touched = [number for number, (low, high) in enumerate(ranges) if low <= last and high >= first]
        assert sorted(spans.touching(first, last)) == touched
        held = [version for version in range(first, last + 1) if any(low <= version <= high for low, high in ranges)]
        assert spans.first_within(first, last) == next(iter(held), None)


@given(RANGES, VERSIONS, VERSIONS)
def test_a_lane_answers_as_going_over_all_would(ranges: list[tuple[int, int]], first: int, last: int) -> None:
    index = index_lane(transactions(*((*each, f"m{number}") for number, each in enumerate(ranges))))
    ordered = [index.span(place) for place in range(len(index.first))]
    assert sorted(ordered) == sorted(ranges)
    assert index.covering(first).tolist() == [at for at, (low, high) in enumerate(ordered) if low <= first <= high]
    if first <= last:
        inside = [at for at, (low, high) in enumerate(ordered) if low <= last and high >= first]
        assert index.within(first, last).tolist() == inside
        held = [version for version in range(first, last + 1) if any(low <= version <= high for low, high in ranges)]
        assert index.first_within(first, last) == next(iter(held), None)
    assert index.held_before(first) == max((high for low, high in ranges if low <= first), default=None)
