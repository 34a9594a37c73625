"""Two manifests side by side: chunks matched by range, told apart by size, and what crosses said so."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from core.demo import build_demo_store
from core.host import FixedHost
from core.manifests import (
    ChunkComparison,
    Relation,
    TransactionChunk,
    TransactionManifest,
    chunk_sizes,
    compare_chunks,
    read_manifest,
)
from core.model import U64_MAX, LaneKind
from core.snapshot import take_snapshot
from core.storage import LocalReader


def manifest(name: str, *starts: int) -> TransactionManifest:
    """Chunks that begin at all `starts` but the last, and end before the next one."""
    chunks = tuple(TransactionChunk(a, b - 1, f"{name}/{a}", f"{name}/{a}.proof") for a, b in pairwise(starts))
    return TransactionManifest(starts[0], starts[-1] - 1, chunks)


def sizes(*manifests: TransactionManifest, **other: int) -> dict[str, int]:
    """Every chunk has 10 bytes, but for those named like `a_50` otherwise."""
    same = {chunk.transactions: 10 for each in manifests for chunk in each.chunks}
    return same | {name.replace("_", "/"): size for name, size in other.items()}


def drawn(comparison: ChunkComparison) -> list[str]:
    """One line a row: the chunks of A, how they stand, the chunks of B."""
    marks = {
        Relation.SAME: "=",
        Relation.OTHER_SIZE: "≠",
        Relation.UNKNOWN: "?",
        Relation.CROSSING: "x",
        Relation.ALONE: "!",
    }
    lines = []
    for row in comparison.rows:
        a = f"{row.a.first}-{row.a.last}" if row.a else ""
        b = f"{row.b.first}-{row.b.last}" if row.b else ""
        lines.append(f"{a} {marks[row.relation]} {b}".strip())
    return lines


def test_equal_cuts_are_told_apart_by_size() -> None:
    a, b = manifest("a", 0, 50, 100, 150), manifest("b", 0, 50, 100, 150)
    comparison = compare_chunks(a, b, sizes(a, b, b_50=11))
    assert drawn(comparison) == ["0-49 = 0-49", "50-99 ≠ 50-99", "100-149 = 100-149"]
    assert (comparison.first, comparison.last) == (0, 149)
    assert {each: comparison.count(each) for each in Relation if comparison.count(each)} == {
        Relation.SAME: 2,
        Relation.OTHER_SIZE: 1,
    }
    assert not comparison.alike
    assert compare_chunks(a, b, sizes(a, b)).alike


def test_only_the_common_versions_are_compared_and_chunks_keep_their_numbers() -> None:
    a, b = manifest("a", 0, 50, 100, 150), manifest("b", 100, 150, 200)
    comparison = compare_chunks(a, b, sizes(a, b))
    (row,) = comparison.rows
    assert (row.relation, row.a and row.a.number, row.b and row.b.number) == (Relation.SAME, 2, 0)
    assert (comparison.first, comparison.last) == (100, 149)


def test_manifests_that_do_not_meet_have_nothing_in_common() -> None:
    assert compare_chunks(manifest("a", 0, 50), manifest("b", 50, 100), {}) == ChunkComparison(None, None)


def test_other_cuts_cross_until_they_meet_again() -> None:
    a, b = manifest("a", 0, 50, 100, 150, 200), manifest("b", 0, 50, 70, 100, 120, 200)
    assert drawn(compare_chunks(a, b, sizes(a, b))) == [
        "0-49 = 0-49",
        "50-99 x 50-69",
        "x 70-99",
        "100-149 x 100-119",
        "x 120-199",
        "150-199 x",
    ]


def test_a_chunk_across_the_edge_of_the_common_versions_crosses() -> None:
    a, b = manifest("a", 0, 100), manifest("b", 50, 100, 150)
    assert drawn(compare_chunks(a, b, sizes(a, b))) == ["0-99 x", "x 50-99"]


def test_a_chunk_that_is_gone_has_no_size_to_compare() -> None:
    a, b = manifest("a", 0, 50), manifest("b", 0, 50)
    known = sizes(a, b)
    del known["b/0"]
    assert drawn(compare_chunks(a, b, known)) == ["0-49 ? 0-49"]


def test_the_last_version_there_is_does_not_wrap() -> None:
    a = TransactionManifest(5, U64_MAX, (TransactionChunk(5, U64_MAX, "a", "p"),))
    b = TransactionManifest(5, U64_MAX, (TransactionChunk(5, U64_MAX, "b", "p"),))
    assert compare_chunks(a, b, {"a": 1, "b": 1}).alike


@st.composite
def any_manifests(draw: st.DrawFn) -> TransactionManifest:
    """Also what no check lets pass: inverted, repeated and overlapping chunks."""
    name = draw(st.sampled_from("ab"))
    ranges = draw(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=6))
    chunks = tuple(TransactionChunk(low, high, f"{name}/{low}", "p") for low, high in ranges)
    return TransactionManifest(draw(st.integers(0, 20)), draw(st.integers(0, 20)), chunks)


@given(any_manifests(), any_manifests())
def test_each_chunk_of_the_common_versions_stands_in_exactly_one_row(
    a: TransactionManifest, b: TransactionManifest
) -> None:
    comparison = compare_chunks(a, b, {})
    first, last = max(a.first_version, b.first_version), min(a.last_version, b.last_version)
    for manifest_, side in ((a, "a"), (b, "b")):
        expected = [
            number
            for number, chunk in enumerate(manifest_.chunks)
            if max(first, chunk.first_version) <= min(last, chunk.last_version) and first <= last
        ]
        shown = [getattr(row, side).number for row in comparison.rows if getattr(row, side)]
        assert sorted(shown) == expected
    assert all(
        row.a and row.b and (row.a.first, row.a.last) == (row.b.first, row.b.last)
        for row in comparison.rows
        if row.relation is Relation.UNKNOWN
    )


async def test_the_classic_case_two_writers_one_range_two_contents(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """Versions 0 to 999 twice; versions 613 and 871 differ, the one in length, the other in bytes alone."""
    build_demo_store("same-range", tmp_path / "store")
    reader = LocalReader(str(tmp_path / "store"))
    lane = take_snapshot(reader, FixedHost(2e9)).index.transactions
    handles = [lane.manifest(row) for row in range(len(lane)) if lane.record(row).last_version == 999]  # type: ignore[union-attr]
    a, b = [await read_manifest(reader, handle, LaneKind.TRANSACTIONS) for handle in handles]
    assert isinstance(a, TransactionManifest) and isinstance(b, TransactionManifest)
    comparison = compare_chunks(a, b, chunk_sizes(reader, (*a.chunks, *b.chunks)))
    assert drawn(comparison) == ["0-249 = 0-249", "250-499 = 250-499", "500-749 ≠ 500-749", "750-999 = 750-999"]
