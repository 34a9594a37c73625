"""Whatever change goes wrong, and however, no line is ever lost, and what was begun ends as if nothing had happened.

Every change of an operation in turn fails before or after it has happened, is torn, meets a full disk, or is the last
thing that the process does. The store is looked at after every single change, those of the recovery included.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.stock import CompactionOptions
from tests.support.crash_acts import (
    Act,
    act_of,
    each_in_one_way,
    goes_wrong,
    in_real_folder,
    powerless,
    resumed_wrong,
    steps,
)
from tests.support.crash_looks import Files, metadata_of
from tests.support.crash_scenes import SCENES, Crew, Play, every_change, factors, try_plan
from tests.support.memory_store import MODES, MemoryStore, Mode
from tests.support.soaking import soak_seconds
from tests.support.strategies import compacting_stores

SCENE_NAMES = [make.__name__.removesuffix("_scene") for make in SCENES]
FIRST, *OTHERS = SCENE_NAMES
#: A scene in which lines of retired files are kept by new ones alone.
ALL_NEW = "ghost"
#: Where the first of two processes dies: before the intent's flush, after the first new file, between two retirements.
DEATHS = (10, 12, 23)


@cache
def compaction(name: str) -> Act:
    """The compaction of a scene."""
    scene = next(make for make in SCENES if make.__name__.removesuffix("_scene") == name)()
    return act_of(scene.files, scene.change)


@cache
def undo(name: str) -> Act:
    """The undo of the compaction of a scene."""
    play = Play(MemoryStore(compaction(name).after))
    return act_of(play.store.files, play.undo_plan())


def test_there_are_acts_of_every_kind() -> None:
    acts = [*map(compaction, SCENE_NAMES), *map(undo, SCENE_NAMES)]
    assert all(metadata_of(act.files) != metadata_of(act.after) for act in acts)
    assert any(act.change.restores for act in acts) and any(act.change.record for act in acts)
    assert min(map(steps, acts)) > 6


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("make", [compaction, undo])
def test_an_operation_that_goes_wrong_ends_well_whatever_change_it_is(make: Callable[[str], Act], mode: Mode) -> None:
    act, turn = make(FIRST), MODES.index(mode)
    assert max(every_change(lambda at: goes_wrong(act, at, mode), 3, turn)) > 2 * steps(act)


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("make", [compaction, undo])
def test_every_change_goes_wrong_in_one_of_the_ways(make: Callable[[str], Act], name: str) -> None:
    each_in_one_way(make(name))


@pytest.mark.parametrize("make", [compaction, undo])
def test_steps_that_are_taken_at_the_same_time_go_wrong_as_harmlessly(make: Callable[[str], Act]) -> None:
    act = replace(make(FIRST), at_once=4)
    each_in_one_way(act)
    assert max(every_change(lambda at: powerless(act, at, Random(at), losses=1))) > 2 * steps(act)


@pytest.mark.parametrize("make", [compaction, undo])
@pytest.mark.parametrize("death", DEATHS)
def test_a_resumption_that_goes_wrong_ends_well_whatever_change_it_is(make: Callable[[str], Act], death: int) -> None:
    act = make(FIRST)

    assert max(every_change(lambda at: resumed_wrong(act, death, at), 2, DEATHS.index(death))) > steps(act)


@pytest.mark.parametrize("make", [compaction, undo])
def test_what_was_not_on_disk_when_the_power_went_is_done_again(make: Callable[[str], Act]) -> None:
    act, rng = make(ALL_NEW), Random(1)

    assert max(every_change(lambda at: powerless(act, at, rng, losses=2))) > 2 * steps(act)


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
    act = act_of(files, change)
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
    for at in range(1, 2 * steps(act), 5):
        in_real_folder(act, crew, tmp_path / str(at), at, after=after)
