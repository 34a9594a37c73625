"""Real processes are killed in the middle of repairs and undos, and many of them repair one store at once."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from core.journal import interrupted_in
from core.names import JOURNAL_FOLDER
from core.storage import LocalReader
from tests.support.change_sets import metadata_of
from tests.support.changed_stores import every_file
from tests.support.crash_looks import Passage, lines_of
from tests.support.crash_processes import Job, done, start
from tests.support.repair_scenes import RepairScene, mixed_scene, torn_scene
from tests.support.soaking import soak_seconds

_KILLED = -signal.SIGKILL
#: Seconds that a loop may take.
_USUAL = 3.0
#: About how many changes such a repair has; prime to 7.
_CHANGES = 31
_CONTENDERS = 6
_DAY = 86_400


def old_store(scene: RepairScene, folder: Path) -> Path:
    """A scene in a real folder, all of whose files are a day old."""
    scene.write_to(folder)
    for path in folder.rglob("*"):
        os.utime(path, (time.time() - _DAY, time.time() - _DAY))
    return folder


def interrupted(folder: Path) -> int:
    """How many operations did not end."""
    return len(interrupted_in(LocalReader(str(folder)).list_folder(JOURNAL_FOLDER)))


def repaired(scene: RepairScene, folder: Path, origin: float) -> dict[str, bytes]:
    """All files of a scene after an undisturbed repair."""
    store = old_store(scene, folder)
    assert done(Job(store, "repair", origin)) == 0
    return every_file(store)


@pytest.mark.parametrize("make", [mixed_scene, torn_scene])
def test_killed_repairs_and_undos_are_finished_or_taken_back(tmp_path: Path, make: Callable[[], RepairScene]) -> None:
    scene, origin = make(), time.time()
    after = repaired(scene, tmp_path / "clean", origin)
    forward, back = (Passage(scene.files, after, better=better) for better in (True, False))
    end, number, killed = time.monotonic() + soak_seconds(_USUAL), 0, 0
    while time.monotonic() < end or number < 4:
        number += 1
        store = old_store(scene, tmp_path / f"{number}")
        at = 1 + number * 7 % _CHANGES
        killed += done(Job(store, "repair", origin, at=at, after=number % 2 == 0)) == _KILLED
        forward.look(every_file(store))
        if number % 2 and interrupted(store):
            killed += done(Job(store, "undo", origin, at=at)) == _KILLED
            back.look(every_file(store))
            assert done(Job(store, "resume", origin)) == 0
            back.look(every_file(store))
        else:
            assert done(Job(store, "resume", origin)) == 0
            assert done(Job(store, "repair", origin)) == 0
            assert lines_of(metadata_of(store)) == lines_of(after_metadata(after))
            assert done(Job(store, "undo", origin)) == 0
        assert not interrupted(store)
    assert killed


def after_metadata(files: dict[str, bytes]) -> dict[str, bytes]:
    """The files of `metadata/`."""
    return {handle: content for handle, content in files.items() if handle.startswith("metadata/")}


def test_of_many_repairs_at_once_one_is_carried_out(tmp_path: Path) -> None:
    scene, origin, rng = mixed_scene(), time.time(), Random(4)
    after = repaired(scene, tmp_path / "clean", origin)
    store = old_store(scene, tmp_path / "store")
    forward, codes = Passage(scene.files, after, better=True), Counter[int | None]()
    for turn in range(3):
        deaths = [rng.randrange(1, _CHANGES) if turn < 2 and number % 2 else 0 for number in range(_CONTENDERS)]
        processes = [start(Job(store, "repair", origin, at=at)) for at in deaths]
        for process in processes:
            process.join()
            codes[process.exitcode] += 1
        forward.look(every_file(store))
        assert done(Job(store, "resume", origin)) == 0
    assert set(codes) <= {0, 5, 6, 11, _KILLED}, codes
    assert lines_of(metadata_of(store)) == lines_of(after_metadata(after))
    assert not interrupted(store)
