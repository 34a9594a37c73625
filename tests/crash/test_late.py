"""A holder that was paused, lost the lease meanwhile and wakes in the middle of a change costs nobody anything."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.engine import Engine
from core.errors import LeaseLost, PlanOutdated, WriteFailed
from core.operations import Operations
from tests.support.crash_looks import Watcher, end_state, lines_of
from tests.support.crash_scenes import Crew, Scene, WatchedStore, expired_scene, ghost_scene
from tests.support.crash_writer import TrappedWriter
from tests.support.machines import FakeMachine
from tests.support.memory_store import MemoryStore

#: Longer than any lease lasts without a sign of life, in seconds.
_LONG = 3_600.0


class Late:
    """Process A is paused at its `at`-th change while `meanwhile` is done by B, which waits for the lease first."""

    def __init__(self, scene: Scene, at: int, meanwhile: Callable[[Operations], object], *, after: bool) -> None:
        self.store = MemoryStore(scene.files)
        new = lines_of({write.handle: write.content for write in scene.change.all_writes})
        self.watcher = Watcher(scene.files, new)
        self.watched = WatchedStore(self.store, watcher=self.watcher)
        crew = Crew()
        self.mine, self.other = crew.next(), FakeMachine(moment=crew.moment, pid=99, host="beta")
        self.writer = TrappedWriter(self.watched, at, lambda: self._sleep(meanwhile), after=after)

    def operations(self) -> Operations:
        """A's."""
        return Operations(self.watched, self.writer, self.watched, self.mine)

    def others(self) -> Operations:
        """B's."""
        return Operations(self.watched, self.watched, self.watched, self.other)

    def _sleep(self, meanwhile: Callable[[Operations], object]) -> None:
        self.mine.pass_time(_LONG)
        meanwhile(self.others())


@pytest.fixture(scope="module")
def scene() -> Scene:
    return expired_scene()


@pytest.fixture(scope="module")
def moving() -> Scene:
    """A scene in which what a file's lines are kept by is new."""
    return ghost_scene()


@pytest.fixture(scope="module")
def changes(scene: Scene) -> int:
    """How many changes an undisturbed run makes, those of the lease left out."""
    late = Late(scene, 0, lambda _: None, after=False)
    late.operations().apply(scene.change)
    return late.writer.changes


def _is_harmless(what: tuple[str, ...]) -> bool:
    """Whether a change only clears away what waits for nobody, or tells of a step that was done, or flushes."""
    return what[0] in ("discard", "flush") or what[-1].endswith(".steps.jsonl")


@pytest.mark.parametrize("after", [False, True])
def test_whoever_wakes_late_starts_nothing_more_and_the_store_ends_well(
    scene: Scene, changes: int, after: bool
) -> None:
    clean = MemoryStore(scene.files)
    Operations(clean, clean, clean, FakeMachine(moment=Crew().moment)).apply(scene.change)
    lost = 0
    for at in range(1, changes + 1):
        late = Late(scene, at, lambda other: other.resume(wait=_LONG), after=after)
        try:
            late.operations().apply(scene.change)
        except LeaseLost:
            lost += 1
        except (PlanOutdated, WriteFailed) as error:
            assert at, error.message
        assert [what for what in late.writer.done[at:] if not _is_harmless(what)] == []
        others = late.others()
        if not others.resume(wait=_LONG) and end_state(late.store.files) != end_state(clean.files):
            others.apply(scene.change, wait=_LONG)
        assert end_state(late.store.files) == end_state(clean.files), at
    assert lost > 10


def _take_back(other: Operations) -> None:
    """Finish what was begun, and undo it."""
    other.resume(wait=_LONG)
    engine = Engine(other.reader, other.machine)
    if engine.log():
        other.apply(engine.plan_undo(engine.look(), engine.log()[-1]), wait=_LONG)


@pytest.mark.parametrize("after", [False, True])
def test_whoever_wakes_late_hides_nothing_that_was_taken_back_meanwhile(moving: Scene, after: bool) -> None:
    """A rename that was under way can't be called back: but its file comes back before anything else happens."""
    lost = 0
    for at in range(1, 50):
        late = Late(moving, at, _take_back, after=after)
        # For the moment of that rename a line is out of sight; it is looked at when the dust has settled.
        late.watched.watcher = None
        try:
            late.operations().apply(moving.change)
        except LeaseLost:
            lost += 1
        except (PlanOutdated, WriteFailed) as error:
            assert at, error.message
        late.watcher.look(late.store.files)
        late.others().resume(wait=_LONG)
        late.watcher.look(late.store.files)
    assert lost > 10
