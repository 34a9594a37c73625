"""The store that tests write to keeps the rules of a real one, and loses what it may when the power goes."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from core.errors import AlreadyThere, OutcomeUnknown, WriteFailed
from tests.support.memory_store import MODES, Crashed, FaultyStore, MemoryStore, Mode
from tests.support.writer_conformance import LINE, RETIRED, STAGED, A, B, Storage, WriterConformance


class TestMemoryStore(WriterConformance):
    """A store in memory, whole."""

    @pytest.fixture
    def storage(self) -> Storage:
        store = MemoryStore({"metadata/.keep": b""})
        store.move("metadata/.keep", "keep")
        return Storage(store, store)


def after_power_losses(store: MemoryStore, see: Callable[[MemoryStore], object]) -> set[object]:
    """All that can be seen after a loss of power, as 200 of them show it."""
    return {see(store.power_loss(Random(seed))) for seed in range(200)}


def handles_of(store: MemoryStore) -> frozenset[str]:
    return frozenset(store.files)


def test_a_new_name_lasts_once_its_folder_is_flushed() -> None:
    store = MemoryStore()
    store.create(A, LINE)
    store.flush("metadata_backup")
    assert after_power_losses(store, handles_of) == {frozenset(), frozenset({A})}
    store.flush("metadata")
    assert after_power_losses(store, lambda after: after.files.get(A)) == {LINE}
    assert store.unflushed == 0


def test_changes_may_be_lost_out_of_order() -> None:
    store = MemoryStore()
    store.create(A, LINE)
    store.create(B, LINE)
    expected = {frozenset(), frozenset({A}), frozenset({B}), frozenset({A, B})}
    assert after_power_losses(store, handles_of) == expected


@pytest.mark.parametrize("flushed", ["metadata", "metadata_backup"])
def test_a_move_is_one_change_of_both_its_folders(flushed: str) -> None:
    store = MemoryStore({A: LINE})
    store.move(A, RETIRED)
    assert after_power_losses(store, handles_of) == {frozenset({A}), frozenset({RETIRED})}
    store.flush(flushed)
    assert after_power_losses(store, handles_of) == {frozenset({RETIRED})}


def test_a_change_is_lost_with_the_one_that_it_builds_on() -> None:
    store = MemoryStore()
    store.create(A, LINE)
    store.move(A, RETIRED)
    assert after_power_losses(store, handles_of) == {frozenset(), frozenset({A}), frozenset({RETIRED})}
    store.flush("metadata_backup")
    assert after_power_losses(store, handles_of) == {frozenset({RETIRED})}


def test_what_is_thrown_away_before_its_link_is_flushed_may_be_lost() -> None:
    store = MemoryStore({STAGED: LINE})
    store.link(STAGED, A)
    store.discard(STAGED)
    assert frozenset() in after_power_losses(store, handles_of)
    store = MemoryStore({STAGED: LINE})
    store.link(STAGED, A)
    store.flush("metadata")
    store.discard(STAGED)
    assert after_power_losses(store, lambda after: after.files[A]) == {LINE}


def test_of_what_was_added_any_part_may_be_left_and_zeros() -> None:
    store = MemoryStore()
    handle = "seamline/journal/1.jsonl"
    store.create(handle, b"intent\n")
    store.append(handle, b"step\n")
    store.flush("seamline/journal")
    seen = after_power_losses(store, lambda after: after.files[handle])
    assert {b"intent\n", b"intent\nst", b"intent\nstep\n", b"intent\nst\0\0\0"} <= seen
    assert all(isinstance(each, bytes) and each.startswith(b"intent\n") for each in seen)


def test_a_loss_of_power_leaves_the_store_that_it_is_asked_of_alone() -> None:
    store = MemoryStore()
    store.create(A, LINE)
    after = store.power_loss(Random(1))
    after.create(B, LINE)
    assert handles_of(store) == {A}
    assert after.unflushed == 1


def test_a_small_object_changes_only_as_it_was_seen() -> None:
    store = MemoryStore()
    assert store.load("compaction.lock", 10) is None
    first = store.swap("compaction.lock", b"one", None)
    with pytest.raises(AlreadyThere):
        store.swap("compaction.lock", b"two", None)
    second = store.swap("compaction.lock", b"one", first)
    assert second != first
    with pytest.raises(AlreadyThere):
        store.swap("compaction.lock", b"two", first)
    loaded = store.load("compaction.lock", 1)
    assert loaded is not None
    assert (loaded.content, loaded.tag) == (b"on", second)
    assert store.power_loss(Random(0)).load("compaction.lock", 10) is not None


def some_work(store: FaultyStore) -> None:
    store.append("seamline/journal/1.jsonl", b"intent\n")
    store.create(STAGED, LINE)
    store.link(STAGED, A)
    store.move(A, RETIRED)
    store.flush("metadata")


#: What is there after `some_work` went wrong at change 1, 2, 3, 4, 5: a letter for each file that is there.
LEFT: dict[Mode, list[str]] = {
    "before": ["", "j", "js", "jsa", "jsr"],
    "after": ["j", "js", "jsa", "jsr", "jsr"],
    "torn": ["j", "j", "js", "jsar", "jsr"],
    "full": ["", "j", "js", "jsr", "jsr"],
    "crash": ["", "j", "js", "jsa", "jsr"],
    "crash-after": ["j", "js", "jsa", "jsr", "jsr"],
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("at", range(1, 6))
def test_the_kth_change_goes_wrong_as_asked(at: int, mode: Mode) -> None:
    store = FaultyStore(MemoryStore(), at, mode)
    letters = {"seamline/journal/1.jsonl": "j", STAGED: "s", A: "a", RETIRED: "r"}
    expected: dict[Mode, type[BaseException]] = {"before": WriteFailed, "full": WriteFailed}
    if mode == "full" and at > 3:
        some_work(store)
    else:
        with pytest.raises(expected.get(mode, Crashed if mode.startswith("crash") else OutcomeUnknown)):
            some_work(store)
        assert store.changes == at
    assert "".join(letter for handle, letter in letters.items() if handle in store.store.files) == LEFT[mode][at - 1]


def test_half_a_line_is_left_of_a_torn_append() -> None:
    store = FaultyStore(MemoryStore(), 1, "torn")
    with pytest.raises(OutcomeUnknown):
        some_work(store)
    assert store.store.files == {"seamline/journal/1.jsonl": b"int"}


def test_a_full_disk_stays_full() -> None:
    store = FaultyStore(MemoryStore({A: LINE}), 1, "full")
    for _ in range(3):
        with pytest.raises(WriteFailed, match="disk is full"):
            store.create(STAGED, LINE)
    store.move(A, RETIRED)
    assert handles_of(store.store) == {RETIRED}


def test_nothing_works_after_a_crash() -> None:
    store = FaultyStore(MemoryStore({A: LINE}), 1, "crash")
    with pytest.raises(Crashed):
        store.move(A, RETIRED)
    for call in (lambda: store.flush("metadata"), lambda: store.list_folder("metadata"), lambda: store.open(A)):
        with pytest.raises(Crashed):
            call()
    assert store.changes == 1


def test_a_move_that_was_torn_is_finished_by_the_next() -> None:
    store = FaultyStore(MemoryStore({A: LINE}), 1, "torn")
    with pytest.raises(OutcomeUnknown):
        store.move(A, RETIRED)
    assert handles_of(store.store) == {A, RETIRED}
    store.move(A, RETIRED)
    assert handles_of(store.store) == {RETIRED}
