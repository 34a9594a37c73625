"""Operations that go wrong at one change or another, and what must be true of the store then and in the end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from core.changes.model import ChangeSet, OperationKind
from core.operations import Operations
from core.storage import LocalReader
from core.storage.local.conditional import LocalConditional
from core.storage.local.writer import LocalWriter
from tests.support.changed_stores import every_file
from tests.support.crash_looks import Files, Passage, Watcher, end_state, lines_of, metadata_of
from tests.support.crash_scenes import Crew, Play, every_change
from tests.support.crash_writer import TrappedWriter
from tests.support.memory_store import MODES, Crashed, FaultyStore, MemoryStore, Mode
from tests.support.soaking import soak_seconds


@dataclass(frozen=True, slots=True)
class Act:
    """A store, a change of it, and what the store is like after an undisturbed run.

    `at_once` is how many steps may be taken at the same time.
    """

    files: Files
    change: ChangeSet
    after: Files
    at_once: int = 1

    @property
    def is_passage(self) -> bool:
        """Whether it changes what is visible."""
        return bool(self.change.rejected or self.change.parked or self.change.added)

    def watcher(self) -> Watcher:
        """The invariant of the change."""
        if self.is_passage:
            return Passage(self.files, self.after, better=self.change.kind is OperationKind.REPAIR)
        written = {write.handle: write.content for write in self.change.all_writes}
        return Watcher(self.files, lines_of(written))

    def way_back(self) -> Watcher:
        """The invariant of taking it back."""
        return Passage(self.files, self.after, better=False) if self.is_passage else self.watcher()

    def play(self) -> Play:
        """The store before the change."""
        return Play(MemoryStore(self.files, at_once=self.at_once))

    def began(self, play: Play) -> bool:
        """Whether a process has come as far as the intent."""
        return len(play.log) > len(self.play().log)

    def do(self, operations: Operations) -> object:
        """What a process does that applies it."""
        return operations.apply(self.change)

    def ends_well(self, play: Play, where: str) -> None:
        """From wherever the store stands, the change can be taken back, and finished like an undisturbed one."""
        if self.began(play):
            back = play.copy()
            back.undo(self.way_back())
            assert not back.interrupted, where
            assert metadata_of(back.store.files) == metadata_of(self.files), where
        play.finish(self.watcher())
        if not self.began(play):
            play.fails(0, "before", self.watcher(), self.do)
        assert not play.interrupted, where
        assert end_state(play.store.files) == end_state(self.after), where


def act_of(files: Files, change: ChangeSet) -> Act:
    """The act of applying a change to a store."""
    play = Play(MemoryStore(files))
    play.operations().apply(change)
    return Act(files, change, play.store.files)


def goes_wrong(act: Act, at: int, mode: Mode, play: Play | None = None) -> FaultyStore:
    """One run of which the `at`-th change goes wrong, and its recovery."""
    play = play or act.play()
    faulty = play.fails(at, mode, act.watcher(), act.do)
    act.ends_well(play, f"change {at}, {mode}: {faulty.done[-1]}")
    return faulty


def resumed_wrong(act: Act, death: int, at: int) -> FaultyStore:
    """A run that dies at the `death`-th change, a resumption of it that goes wrong at its `at`-th, and the recovery."""
    play = act.play()
    play.fails(death, "crash-after", act.watcher(), act.do)
    assert play.interrupted
    faulty = play.fails(at, MODES[(at + death) % len(MODES)], act.watcher(), lambda each: each.resume())
    act.ends_well(play, f"change {at} of the resumption: {faulty.done[-1:]}")
    return faulty


def powerless(act: Act, at: int, rng: Random, losses: int) -> FaultyStore:
    """A run that the power goes from after its `at`-th change, and the recovery from as many such `losses`."""
    play = act.play()
    faulty = play.fails(at, "crash-after", act.watcher(), act.do)
    for _ in range(losses):
        after = Play(play.store.power_loss(rng), play.crew)
        act.watcher().look(after.store.files)
        act.ends_well(after, f"the power went after change {at}: {faulty.done[-1]}")
    return faulty


def in_real_folder(act: Act, crew: Crew, folder: Path, at: int, *, after: bool) -> None:
    """A run in a new `folder` that dies before, or `after`, its `at`-th change, and the recovery."""
    clean, where = end_state(act.after), str(folder)

    def operations(trap: int) -> tuple[Operations, TrappedWriter]:
        writer = TrappedWriter(LocalWriter(where), trap, _die, after=after)
        return Operations(LocalReader(where), writer, LocalConditional(where), crew.next()), writer

    for handle, content in act.files.items():
        (folder / handle).parent.mkdir(parents=True, exist_ok=True)
        (folder / handle).write_bytes(content)
    dying, writer = operations(at)
    with pytest.raises(Crashed):
        act.do(dying)
    assert writer.changes == at
    act.watcher().look(every_file(folder))
    if not operations(0)[0].resume() and end_state(every_file(folder)) != clean:
        act.do(operations(0)[0])
    assert end_state(every_file(folder)) == clean


def _die() -> None:
    raise Crashed


def each_in_one_way(act: Act) -> None:
    """Every change goes wrong in one of the ways; in a soak, in all of them."""
    for turn in range(len(MODES) if soak_seconds(0) else 1):
        runs = every_change(lambda at, turn=turn: goes_wrong(act, at, MODES[(at + turn) % len(MODES)]))  # type: ignore[misc]
        assert max(runs) > 2 * steps(act)


def steps(act: Act) -> int:
    """The least number of changes that it must have taken."""
    change = act.change
    return len(change.all_new) + len(change.restores) + len(change.retires)
