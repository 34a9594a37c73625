"""Whatever change goes wrong, and however, no line is ever lost, and what was begun ends as if nothing had happened.

Every change of an operation in turn fails before or after it has happened, is torn, meets a full disk, or is the last
thing that the process does. The store is looked at after every single change, those of the recovery included.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.changes.model import ChangeSet
from core.operations import Operations
from core.stock import CompactionOptions
from core.storage import LocalReader
from core.storage.local_conditional import LocalConditional
from core.storage.local_writer import LocalWriter
from tests.support.change_sets import tree
from tests.support.crash_looks import Files, Watcher, end_state, lines_of, metadata_of
from tests.support.crash_scenes import SCENES, Crew, Play, every_change, factors, soak_seconds, try_plan
from tests.support.crash_writer import TrappedWriter
from tests.support.memory_store import MODES, Crashed, FaultyStore, MemoryStore, Mode
from tests.support.strategies import compacting_stores

SCENE_NAMES = [make.__name__.removesuffix("_scene") for make in SCENES]
FIRST, *OTHERS = SCENE_NAMES
#: A scene in which lines of retired files are kept by new ones alone.
ALL_NEW = "ghost"
#: Where the first of two processes dies: before the intent's flush, after the first new file, between two retirements.
DEATHS = (10, 12, 23)


@dataclass(frozen=True, slots=True)
class Act:
    """A store, a change of it, and what the store is like after an undisturbed run."""

    files: Files
    change: ChangeSet
    after: Files

    def watcher(self) -> Watcher:
        """The invariant of the change."""
        written = {write.handle: write.content for write in self.change.all_writes}
        return Watcher(self.files, lines_of(written))

    def play(self) -> Play:
        """The store before the change."""
        return Play(MemoryStore(self.files))

    def do(self, operations: Operations) -> object:
        """What a process does that applies it."""
        return operations.apply(self.change)

    def ends_well(self, play: Play, where: str) -> None:
        """From wherever the store stands, the change can be taken back, and finished like an undisturbed one."""
        if play.began(self.change):
            back = play.copy()
            back.undo(self.watcher())
            assert not back.interrupted, where
            assert metadata_of(back.store.files) == metadata_of(self.files), where
        play.finish(self.watcher())
        if not play.began(self.change):
            play.fails(0, "before", self.watcher(), self.do)
        assert not play.interrupted, where
        assert end_state(play.store.files) == end_state(self.after), where


def _act(files: Files, change: ChangeSet) -> Act:
    play = Play(MemoryStore(files))
    play.operations().apply(change)
    return Act(files, change, play.store.files)


@cache
def compaction(name: str) -> Act:
    """The compaction of a scene."""
    scene = next(make for make in SCENES if make.__name__.removesuffix("_scene") == name)()
    return _act(scene.files, scene.change)


@cache
def undo(name: str) -> Act:
    """The undo of the compaction of a scene."""
    play = Play(MemoryStore(compaction(name).after))
    return _act(play.store.files, play.undo_plan())


def goes_wrong(act: Act, at: int, mode: Mode, play: Play | None = None) -> FaultyStore:
    """One run of which the `at`-th change goes wrong, and its recovery."""
    play = play or act.play()
    faulty = play.fails(at, mode, act.watcher(), act.do)
    act.ends_well(play, f"change {at}, {mode}: {faulty.done[-1]}")
    return faulty


def steps(act: Act) -> int:
    """The least number of changes that it must have taken."""
    change = act.change
    return len(change.all_writes) + len(change.restores) + len(change.retires)


def test_there_are_acts_of_every_kind() -> None:
    acts = [*map(compaction, SCENE_NAMES), *map(undo, SCENE_NAMES)]
    assert all(metadata_of(act.files) != metadata_of(act.after) for act in acts)
    assert any(act.change.restores for act in acts) and any(act.change.record for act in acts)
    assert min(map(steps, acts)) > 6


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("make", [compaction, undo])
def test_an_operation_that_goes_wrong_ends_well_whatever_change_it_is(make: Callable[[str], Act], mode: Mode) -> None:
    act = make(FIRST)
    assert max(every_change(lambda at: goes_wrong(act, at, mode))) > 2 * steps(act)


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("make", [compaction, undo])
def test_every_change_goes_wrong_in_one_of_the_ways(make: Callable[[str], Act], name: str) -> None:
    act = make(name)
    for turn in range(len(MODES) if soak_seconds(0) else 1):
        runs = every_change(lambda at, turn=turn: goes_wrong(act, at, MODES[(at + turn) % len(MODES)]))  # type: ignore[misc]
        assert max(runs) > 2 * steps(act)


@pytest.mark.parametrize("make", [compaction, undo])
@pytest.mark.parametrize("death", DEATHS)
def test_a_resumption_that_goes_wrong_ends_well_whatever_change_it_is(make: Callable[[str], Act], death: int) -> None:
    act = make(FIRST)

    def once(at: int) -> FaultyStore:
        play = act.play()
        play.fails(death, "crash-after", act.watcher(), act.do)
        assert play.interrupted
        faulty = play.fails(at, MODES[(at + death) % len(MODES)], act.watcher(), lambda each: each.resume())
        act.ends_well(play, f"change {at} of the resumption: {faulty.done[-1]}")
        return faulty

    assert max(every_change(once)) > steps(act)


@pytest.mark.parametrize("make", [compaction, undo])
def test_what_was_not_on_disk_when_the_power_went_is_done_again(make: Callable[[str], Act]) -> None:
    act, rng = make(ALL_NEW), Random(1)

    def once(at: int) -> FaultyStore:
        play = act.play()
        faulty = play.fails(at, "crash-after", act.watcher(), act.do)
        for _ in range(2):
            after = Play(play.store.power_loss(rng), play.crew)
            act.watcher().look(after.store.files)
            act.ends_well(after, f"the power went after change {at}: {faulty.done[-1]}")
        return faulty

    assert max(every_change(once)) > 2 * steps(act)


@settings(max_examples=max(40, int(4 * soak_seconds(0))))
@given(
    metadata=compacting_stores(),
    options=st.builds(factors, *[st.integers(1, 4)] * 3, st.sampled_from([0, 86_400])),
    first=st.integers(1, 40),
    second=st.integers(1, 30),
    modes=st.tuples(st.sampled_from(MODES), st.sampled_from(MODES)),
    seed=st.one_of(st.none(), st.integers(0, 99)),
)
def test_two_faults_in_a_row_harm_no_store(
    metadata: Files,
    options: CompactionOptions,
    first: int,
    second: int,
    modes: tuple[Mode, Mode],
    seed: int | None,
) -> None:
    files = {f"metadata/{name}": content for name, content in metadata.items()}
    change = try_plan(files, options)
    assume(change is not None and not change.is_empty)
    assert change is not None
    act = _act(files, change)
    play = act.play()
    play.fails(first, modes[0], act.watcher(), act.do)
    play.fails(second, modes[1], act.watcher(), lambda operations: operations.resume())
    if seed is not None:
        play = Play(play.store.power_loss(Random(seed)), play.crew)
        act.watcher().look(play.store.files)
    act.ends_well(play, "after both")


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("make", [compaction, undo])
def test_a_real_folder_is_as_safe(tmp_path: Path, make: Callable[[str], Act], after: bool) -> None:
    act, crew = make(FIRST), Crew()
    clean = end_state(act.after)

    def operations(folder: Path, at: int) -> tuple[Operations, TrappedWriter]:
        where = str(folder)
        writer = TrappedWriter(LocalWriter(where), at, _die, after=after)
        return Operations(LocalReader(where), writer, LocalConditional(where), crew.next()), writer

    def once(at: int) -> int:
        folder = tmp_path / str(at)
        for handle, content in act.files.items():
            (folder / handle).parent.mkdir(parents=True, exist_ok=True)
            (folder / handle).write_bytes(content)
        dying, writer = operations(folder, at)
        with pytest.raises(Crashed):
            act.do(dying)
        act.watcher().look(tree(folder))
        if not operations(folder, 0)[0].resume() and end_state(tree(folder)) != clean:
            act.do(operations(folder, 0)[0])
        assert end_state(tree(folder)) == clean
        return writer.changes

    for at in range(1, 2 * steps(act), 5):
        assert once(at) == at


def _die() -> None:
    raise Crashed
