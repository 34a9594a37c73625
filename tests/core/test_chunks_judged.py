"""What comparing records says of each row of chunks: proven equal, different, or nothing."""

from __future__ import annotations

import pytest

from core.manifests import (
    ChunkComparison,
    ChunkRow,
    ChunkSide,
    ContentComparison,
    RecordPlace,
    Relation,
    Verdict,
    judged,
)
from core.model import U64_MAX


def row(relation: Relation, a: tuple[int, int, int] | None, b: tuple[int, int, int] | None) -> ChunkRow:
    """A row of chunks, each by its number and range."""
    side_a, side_b = (ChunkSide(*side, size=1) if side else None for side in (a, b))
    return ChunkRow(relation, side_a, side_b)


CHUNKS = ChunkComparison(
    10,
    39,
    (
        row(Relation.OTHER_SIZE, (0, 0, 19), (0, 10, 19)),
        row(Relation.CROSSING, (1, 20, 29), (1, 20, 24)),
        row(Relation.CROSSING, None, (2, 25, 49)),
        row(Relation.SAME, (2, 30, 39), None),
        row(Relation.ALONE, (3, 40, 49), None),
    ),
)
PLACES = {"a": RecordPlace(1, "a", 0, 1), "b": RecordPlace(2, "b", 0, 1)}


@pytest.mark.parametrize(
    ("content", "relations"),
    [
        (
            ContentComparison(Verdict.EQUAL, "version", 10, 39),
            [Relation.EQUAL, Relation.EQUAL, Relation.EQUAL, Relation.EQUAL, Relation.ALONE],
        ),
        (
            ContentComparison(Verdict.DIFFERS, "version", 10, 39, at=27, **PLACES),
            [Relation.EQUAL, Relation.OTHER_RECORDS, Relation.OTHER_RECORDS, Relation.SAME, Relation.ALONE],
        ),
        (
            ContentComparison(Verdict.DIFFERS, "version", 10, 39, at=12, why="the waypoints differ"),
            [Relation.EQUAL, Relation.EQUAL, Relation.EQUAL, Relation.EQUAL, Relation.ALONE],
        ),
        (
            ContentComparison(Verdict.UNKNOWN, "version", 10, 39, at=30, why="torn"),
            [Relation.EQUAL, Relation.EQUAL, Relation.CROSSING, Relation.SAME, Relation.ALONE],
        ),
        (
            ContentComparison(Verdict.UNKNOWN, "version", 10, 39),
            [Relation.OTHER_SIZE, Relation.CROSSING, Relation.CROSSING, Relation.SAME, Relation.ALONE],
        ),
        (ContentComparison(Verdict.UNKNOWN, "version", None, None), [each.relation for each in CHUNKS.rows]),
    ],
)
def test_each_row_says_what_its_records_showed(content: ContentComparison, relations: list[Relation]) -> None:
    assert [each.relation for each in judged(CHUNKS, content).rows] == relations


def test_the_last_version_there_can_be_is_judged_as_well() -> None:
    chunks = ChunkComparison(U64_MAX, U64_MAX, (row(Relation.SAME, (0, 0, U64_MAX), (0, 0, U64_MAX)),))
    content = ContentComparison(Verdict.EQUAL, "version", U64_MAX, U64_MAX)
    assert judged(chunks, content).rows[0].relation is Relation.EQUAL
