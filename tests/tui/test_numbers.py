"""Numbers are written one way everywhere, and places are understood as operators type them."""

from __future__ import annotations

import pytest

from core.model import U64_MAX
from tui.numbers import (
    EpochPlace,
    NamePlace,
    RangePlace,
    TypedPlace,
    VersionPlace,
    counted,
    parse_place,
    parse_version,
    ruler_label,
    short,
    size,
    span,
    whole,
)


def test_text_has_thousands_separators_and_inclusive_ranges() -> None:
    assert whole(U64_MAX) == "18,446,744,073,709,551,615"
    assert span(1_185_000_000, 1_189_999_999) == "1,185,000,000 - 1,189,999,999"
    assert span(7, 7) == "7"
    assert (counted(1, "manifest"), counted(2, "manifest"), counted(0, "entry", "entries")) == (
        "1 manifest",
        "2 manifests",
        "0 entries",
    )


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999_999, "999,999"), (5_000_000, "5.00M"), (72_000_000, "72.0M"), (3_214_889_001, "3.21B")],
)
def test_a_short_number_has_three_digits_from_a_million_on(number: int, text: str) -> None:
    assert short(number) == text


@pytest.mark.parametrize(
    ("number", "step", "text"),
    [
        (1_150_000_000, 15_000_000, "1.15B"),
        (1_185_000_000, 1_000_000, "1.185B"),
        (12_500, 500, "12,500"),
        (0, 10**9, "0"),
        (1_185_000_001, 1, "1,185,000,001"),
        (18 * 10**18, 10**18, "18E"),
    ],
)
def test_the_ruler_is_as_exact_as_its_ticks(number: int, step: int, text: str) -> None:
    assert ruler_label(number, step) == text


def test_neighbouring_ticks_never_have_the_same_label() -> None:
    for exponent in range(18):
        for factor in (1, 2, 5):
            step = factor * 10**exponent
            labels = [ruler_label(k * step, step) for k in range(1, 60)]
            assert len(set(labels)) == len(labels), step


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (812, "812 B"), (5_057_285_160, "4.71 GiB"), (1_992_294, "1.90 MiB")]
)
def test_bytes_come_in_binary_units(count: int, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("typed", "place"),
    [
        ("1_185_000_000", VersionPlace(1_185_000_000)),
        (" 1,185,000,000 ", VersionPlace(1_185_000_000)),
        ("1.185b", VersionPlace(1_185_000_000)),
        ("1.185 B", VersionPlace(1_185_000_000)),
        ("72M", VersionPlace(72_000_000)),
        ("epoch 4377", EpochPlace(4_377)),
        ("Epoch 4,377", EpochPlace(4_377)),
        ("e4377", EpochPlace(4_377)),
        ("1.18b..1.19b", RangePlace(1_180_000_000, 1_190_000_000)),
        ("1,185,000,000 - 1,189,999,999", RangePlace(1_185_000_000, 1_189_999_999)),
        ("9-3", RangePlace(3, 9)),
        (str(U64_MAX), VersionPlace(U64_MAX)),
        (str(U64_MAX + 1), NamePlace(str(U64_MAX + 1))),
        ("transaction_1-.ab", NamePlace("transaction_1-.ab")),
        ("", None),
        ("  ", None),
    ],
)
def test_a_place_is_understood_as_it_is_typed(typed: str, place: TypedPlace | None) -> None:
    assert parse_place(typed) == place


@pytest.mark.parametrize("typed", ["1.5", "-1", "0x10", "1e5", "1.0000000001k", "٣", ""])
def test_what_is_no_whole_version_is_refused(typed: str) -> None:
    assert parse_version(typed) is None
