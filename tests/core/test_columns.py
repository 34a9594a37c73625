"""Columns against plain Python: words, texts, and lanes in stock's order."""

from __future__ import annotations

import re
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.columns import LaneLines, Texts, build_lane
from core.model import (
    U64_MAX,
    Claim,
    EpochEndingRecord,
    LaneKind,
    RangeRecord,
    StateSnapshotRecord,
    TransactionRecord,
)
from core.words import PADDING, all_match, matching, read_numbers, words_of

HANDLES = ("files/a", "files/b", "files/c")
RECORDS = {
    LaneKind.TRANSACTIONS: TransactionRecord,
    LaneKind.EPOCH_ENDINGS: EpochEndingRecord,
    LaneKind.STATE_SNAPSHOTS: StateSnapshotRecord,
}
KEY_COUNTS = {LaneKind.TRANSACTIONS: 2, LaneKind.EPOCH_ENDINGS: 4, LaneKind.STATE_SNAPSHOTS: 2}

# Few letters and lengths around a word, so that texts are often equal, and often all but equal.
near_texts = st.text(alphabet="ab\0é", max_size=20) | st.text(alphabet="a", min_size=1_020, max_size=1_040)
numbers = st.sampled_from([0, 1, 2, U64_MAX - 1, U64_MAX]) | st.integers(0, U64_MAX)


def texts_of(values: list[bytes]) -> Texts:
    """A column of the values, each behind a byte that belongs to none."""
    length = np.array([len(value) for value in values], dtype=np.int32)
    start = np.cumsum(length + 1, dtype=np.int64) - length
    buffer = np.frombuffer(b"".join(b"#" + value for value in values) + PADDING, dtype=np.uint8)
    return Texts(buffer, start, length)


def padded(text: bytes) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    return np.frombuffer(text + PADDING, dtype=np.uint8)


@given(st.lists(near_texts.map(str.encode), min_size=1, max_size=8))
def test_texts_are_equal_exactly_when_their_bytes_are(values: list[bytes]) -> None:
    texts = texts_of(values)
    left, right = (each.ravel() for each in np.indices((len(values), len(values))))
    expected = [values[i] == values[j] for i, j in zip(left, right, strict=True)]
    assert texts.equal(left, right).tolist() == expected
    elsewhere = texts_of([b"before", *reversed(values)])
    assert texts.equal(left, len(values) - right, elsewhere).tolist() == expected


@given(st.lists(near_texts.map(str.encode), min_size=1, max_size=8))
def test_equal_texts_have_equal_hashes_and_others_have_not(values: list[bytes]) -> None:
    hashes = texts_of(values).hashes().tolist()
    by_value = dict(zip(values, hashes, strict=True))
    assert [by_value[value] for value in values] == hashes
    assert len(set(hashes)) == len(set(values))


def test_a_hash_does_not_depend_on_what_stands_around_a_text() -> None:
    alone, among = texts_of([b"abc"]), texts_of([b"x" * 9, b"abc", b"y"])
    assert alone.hashes()[0] == among.hashes()[1]


def test_texts_that_differ_only_far_behind_are_told_apart() -> None:
    long = b"h" * 5_000_000
    texts = texts_of([long + b"1", long + b"2", long + b"1"])
    first, others = np.array([0, 0]), np.array([1, 2])
    assert texts.equal(first, others).tolist() == [False, True]
    assert len(set(texts.hashes().tolist())) == 2


@given(st.lists(st.tuples(st.integers(0, 2), near_texts.map(str.encode)), max_size=12))
def test_texts_are_sorted_by_bytes_within_their_groups_and_equal_ones_keep_their_order(
    pairs: list[tuple[int, bytes]],
) -> None:
    pairs = sorted(pairs, key=lambda pair: pair[0])
    groups = np.array([group for group, _ in pairs], dtype=np.int64)
    expected = sorted(range(len(pairs)), key=lambda row: pairs[row])
    rows = np.arange(len(pairs))
    assert texts_of([text for _, text in pairs]).sorted_within(groups, rows).tolist() == expected
    assert rows.tolist() == list(range(len(pairs)))


def test_texts_that_begin_alike_for_long_are_sorted_by_their_ends() -> None:
    ends = [b"c", b"a", b"", b"b" * 9, b"a"]
    texts = texts_of([b"h" * 5_000 + end for end in ends])
    assert texts.sorted_within(np.zeros(5, dtype=np.int64), np.arange(5)).tolist() == [2, 1, 4, 3, 0]


def test_texts_are_taken_in_any_order_and_decoded_one_by_one() -> None:
    texts = texts_of(["ä".encode(), b"", b"longer than a word"]).take(np.array([2, 0, 1, 2]))
    assert [texts[row] for row in range(len(texts))] == ["longer than a word", "ä", "", "longer than a word"]


@given(st.binary(max_size=60), st.sampled_from([b"a", b"ab", b"abcdefgh", b'","manifest":"']), st.data())
def test_a_literal_is_found_exactly_where_it_stands(text: bytes, literal: bytes, data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, len(text)), max_size=5))
    for place in places:
        if data.draw(st.booleans()):
            text = text[:place] + literal[: data.draw(st.integers(0, len(literal)))] + text[place:]
    at = np.array(places, dtype=np.int64)
    expected = [k for k, place in enumerate(places) if text.startswith(literal, place)]
    assert matching(words_of(padded(text)), at, literal).tolist() == expected
    assert all_match(padded(text), at, literal) == (len(expected) == len(places))


@given(st.from_regex(re.compile(rb"[0-9]{0,25}[^0-9]?[0-9]{0,9}", re.ASCII), fullmatch=True), st.integers(0, 30))
def test_numbers_of_up_to_nineteen_digits_are_read_and_all_else_is_left_to_others(text: bytes, place: int) -> None:
    place = min(place, len(text))
    value, digits = read_numbers(words_of(padded(text)), np.array([place, place]))
    run = re.compile(rb"[0-9]*").match(text, place)
    assert run is not None
    good = re.fullmatch(rb"0|[1-9][0-9]{0,18}", run[0])
    assert digits.tolist() == [len(run[0]) if good else 0] * 2
    if good:
        assert value.tolist() == [int(run[0])] * 2


@pytest.mark.parametrize("number", [10**n + d for n in range(20) for d in (-1, 0, 1) if 10**n + d <= U64_MAX])
def test_numbers_around_each_power_of_ten_are_read_in_one_go_with_others(number: int) -> None:
    text = b"7," + str(number).encode() + b",12345678,123456789"
    at = np.array([0, 2, text.index(b",12345678,") + 1, text.index(b",123456789") + 1])
    value, digits = read_numbers(words_of(padded(text)), at)
    assert digits.tolist() == [1, len(str(number)) if number < 10**19 else 0, 8, 9]
    assert value[[0, 2, 3]].tolist() == [7, 12345678, 123456789]
    assert number >= 10**19 or int(value[1]) == number


def lines_of(kind: LaneKind, rows: list[tuple[tuple[int, ...], bytes, int]]) -> LaneLines:
    keys = np.array([keys for keys, _, _ in rows], dtype=np.uint64).reshape(len(rows), KEY_COUNTS[kind])
    files = sorted(file for _, _, file in rows)
    line = np.arange(1, len(rows) + 1, dtype=np.int32)
    return LaneLines(
        kind, tuple(keys.T), texts_of([text for _, text, _ in rows]), np.array(files, dtype=np.int32), line
    )


def naive_lane(lines: LaneLines) -> list[tuple[RangeRecord, tuple[Claim, ...]]]:
    """Sort the records as stock does, fold equal ones, keep the claims in file and line order."""
    claims = [Claim(HANDLES[file], int(line)) for file, line in zip(lines.file, lines.line, strict=True)]
    rows = [
        RECORDS[lines.kind](*(int(key[row]) for key in lines.keys), lines.manifests[row])
        for row in range(len(lines.file))
    ]

    def by_bytes(pair: tuple[RangeRecord, Claim]) -> tuple[object, ...]:
        record, claim = pair
        numbers = tuple(getattr(record, name) for name in record.__slots__ if name != "manifest")
        return numbers, record.manifest.encode(), claim

    ordered = sorted(zip(rows, claims, strict=True), key=by_bytes)
    return [
        (record, tuple(claim for _, claim in group)) for record, group in groupby(ordered, key=lambda pair: pair[0])
    ]


@given(st.data())
def test_a_lane_has_stocks_order_and_folds_equal_lines_with_all_their_claims(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(list(RECORDS)))
    keys = st.tuples(*[numbers] * KEY_COUNTS[kind])
    pool = data.draw(st.lists(keys, min_size=1, max_size=4))
    row = st.tuples(st.sampled_from(pool), near_texts.map(str.encode), st.integers(0, 2))
    lines = lines_of(kind, data.draw(st.lists(row, max_size=12)))
    lane = build_lane(lines, HANDLES)
    entries = list(lane.entries())
    assert [(entry.record, entry.claims) for entry in entries] == naive_lane(lines)
    assert [lane.manifest(row) for row in range(len(lane))] == [entry.manifest for entry in entries]
    assert [(int(a), int(b)) for a, b in zip(lane.first, lane.last, strict=True)] == [
        (entry.first, entry.last) for entry in entries
    ]


def test_a_lane_without_lines_is_empty() -> None:
    for kind in RECORDS:
        lane = build_lane(lines_of(kind, []), HANDLES)
        assert (len(lane), list(lane.entries()), lane.claim_start.tolist()) == (0, [], [0])


def test_the_axes_of_a_lane_are_in_its_own_unit() -> None:
    epochs = build_lane(lines_of(LaneKind.EPOCH_ENDINGS, [((3, 4, 100, 200), b"m", 0)]), HANDLES)
    states = build_lane(lines_of(LaneKind.STATE_SNAPSHOTS, [((5, 70), b"m", 0)]), HANDLES)
    assert (epochs.first[0], epochs.last[0], epochs.first_version[0], epochs.last_version[0]) == (3, 4, 100, 200)
    assert epochs.epoch is None
    assert states.epoch is not None
    assert (states.epoch[0], states.first[0], states.last[0]) == (5, 70, 70)


def test_the_columns_of_a_lane_cannot_be_written() -> None:
    lane = build_lane(lines_of(LaneKind.STATE_SNAPSHOTS, [((5, 70), b"m", 0)]), HANDLES)
    assert lane.epoch is not None
    for column in (lane.first, lane.last, lane.epoch, lane.first_version, lane.claim_start, lane.claim_line):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 1


def test_manifests_of_one_range_are_ordered_by_bytes_not_by_length() -> None:
    names = [b"b", b"aa", b"a", b"a\0", b"\xc3\xa9", b"z", b"aaaaaaaab", b"aaaaaaaa"]
    lane = build_lane(lines_of(LaneKind.TRANSACTIONS, [((0, 9), name, 0) for name in names]), HANDLES)
    assert [lane.manifests.raw(row) for row in range(len(lane))] == sorted(names)
