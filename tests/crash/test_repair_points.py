"""Whatever goes wrong in a repair, its undo or its redo: what is chosen is seen at every instant, and nothing foreign.

Stock never restores less far than before a repair, no line names a derived manifest that is not there, and what was
begun can be finished like an undisturbed run or taken back to the last byte.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random

import pytest

from core.form import Form
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
from tests.support.crash_looks import metadata_of, works_up_to
from tests.support.crash_scenes import Crew, Play, every_change
from tests.support.memory_store import MODES, MemoryStore, Mode
from tests.support.repair_scenes import CUT, REPAIR_SCENES, splice_gzip_scene

SCENES = {make.__name__.removesuffix("_scene"): make for make in REPAIR_SCENES}
#: Beside the same scene in plain files it is enough that each change goes wrong once.
GZIP = "splice_gzip"


@cache
def repair(name: str) -> Act:
    """The repair of a scene."""
    scene = splice_gzip_scene() if name == GZIP else SCENES[name]()
    return act_of(scene.files, scene.change())


@cache
def undo(name: str) -> Act:
    """The undo of that repair."""
    play = Play(MemoryStore(repair(name).after))
    return act_of(play.store.files, play.undo_plan())


@cache
def redo(name: str) -> Act:
    """The undo of that undo."""
    play = Play(MemoryStore(undo(name).after))
    return act_of(play.store.files, play.undo_plan())


MAKERS = [repair, undo, redo]


def test_there_are_acts_of_every_kind() -> None:
    repairs = [repair(name) for name in SCENES]
    assert all(act.is_passage for act in repairs)
    assert all(works_up_to(metadata_of(act.files)) < works_up_to(metadata_of(act.after)) for act in repairs)
    for has in ("derived", "record", "rejected", "parked", "added", "writes"):
        assert any(getattr(act.change, has) for act in repairs), has
    assert any(undo(name).change.unreadable for name in SCENES)
    assert repair("splice").after[CUT.record.manifest] == CUT.content
    assert repair(GZIP).after[CUT.record.manifest] == Form.GZIP.stored(CUT.content)
    assert all(metadata_of(redo(name).after) == metadata_of(repair(name).after) for name in SCENES)


@pytest.mark.parametrize("mode", MODES)
def test_a_repair_with_derived_manifests_ends_well_whatever_goes_wrong(mode: Mode) -> None:
    act, turn = repair("splice"), MODES.index(mode)
    assert max(every_change(lambda at: goes_wrong(act, at, mode), 3, turn)) > 2 * steps(act)


@pytest.mark.parametrize("name", [*SCENES, GZIP])
@pytest.mark.parametrize("make", MAKERS)
def test_every_change_goes_wrong_in_one_of_the_ways(make: Callable[[str], Act], name: str) -> None:
    each_in_one_way(make(name))


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("name", SCENES)
def test_a_resumption_that_goes_wrong_ends_well(make: Callable[[str], Act], name: str) -> None:
    act = make(name)
    # About in the middle: between the first new file and the last retirement.
    death = act.play().fails(0, "before", act.watcher(), act.do).changes // 2

    assert max(every_change(lambda at: resumed_wrong(act, death, at), 2, death)) > 2


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("name", SCENES)
def test_what_was_not_on_disk_when_the_power_went_is_done_again(make: Callable[[str], Act], name: str) -> None:
    act, rng = make(name), Random(1)

    assert max(every_change(lambda at: powerless(act, at, rng, losses=1), 2)) > 2 * steps(act)


@pytest.mark.parametrize("name", SCENES)
def test_a_real_folder_is_as_safe(tmp_path: Path, name: str) -> None:
    act, crew = repair(name), Crew()
    for at in range(1, 2 * steps(act), 3):
        in_real_folder(act, crew, tmp_path / str(at), at, after=bool(at % 2))
