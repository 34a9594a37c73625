"""Chunks of epoch endings and of state snapshots are compared like those of transactions."""

from __future__ import annotations

from itertools import pairwise

from core.manifests import (
    EpochEndingChunk,
    EpochEndingManifest,
    Relation,
    StateChunk,
    StateManifest,
    compare_chunks,
)


def snapshot(name: str, *borders: int) -> StateManifest:
    """A snapshot whose chunks begin at these items."""
    chunks = tuple(
        StateChunk(first, end - 1, "", "", f"{name}/{first}", f"{name}/{first}.proof")
        for first, end in pairwise(borders)
    )
    return StateManifest(100, 1, "", chunks, f"{name}/proof")


def test_epoch_endings_are_compared_over_the_epochs_that_both_cover() -> None:
    a = EpochEndingManifest(0, 9, (), (EpochEndingChunk(0, 4, "a/0"), EpochEndingChunk(5, 9, "a/5")))
    b = EpochEndingManifest(5, 14, (), (EpochEndingChunk(5, 9, "b/5"), EpochEndingChunk(10, 14, "b/10")))
    comparison = compare_chunks(a, b, {"a/5": 7, "b/5": 8})
    assert (comparison.first, comparison.last) == (5, 9)
    assert [row.relation for row in comparison.rows] == [Relation.OTHER_SIZE]


def test_snapshots_are_compared_item_by_item_whatever_their_versions() -> None:
    a, b = snapshot("a", 0, 100, 200), snapshot("b", 0, 100, 200)
    sizes = {f"{name}/{item}": 9 for name in "ab" for item in (0, 100)}
    assert compare_chunks(a, b, sizes).alike


def test_items_that_only_one_snapshot_has_stand_alone() -> None:
    comparison = compare_chunks(snapshot("a", 0, 100, 200), snapshot("b", 0, 100), {"a/0": 9, "b/0": 9})
    assert (comparison.first, comparison.last) == (0, 199)
    assert [row.relation for row in comparison.rows] == [Relation.SAME, Relation.ALONE]
    assert not comparison.alike


def test_two_snapshots_without_chunks_compare_nothing() -> None:
    assert compare_chunks(snapshot("a"), snapshot("b"), {}).rows == ()
    assert compare_chunks(snapshot("a"), snapshot("b", 0, 10), {}).count(Relation.ALONE) == 1
