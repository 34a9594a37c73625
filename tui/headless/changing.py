"""What the commands that change a store share: finish what was interrupted, look, apply, and say what goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from core.acceptance import NOTHING_ACCEPTED, Acceptance
from core.changes.apply import Applied
from core.changes.ground import ApplyProgress
from core.changes.model import ChangeSet
from core.engine import Engine
from core.host import Machine
from core.invocation import Undo
from core.lease import LeaseRecord, held_words, lease_held
from core.lease_choice import AS_USUAL, LeaseChoice
from core.operations import Operations, operations_for
from core.snapshot import Snapshot
from tui.headless.asking import require_word
from tui.headless.capabilities import is_dumb, on_terminal, percent, status_line
from tui.headless.output import draw, note
from tui.headless.progress import StoppedBy, follower
from tui.headless.stopping import Stop
from tui.headless.surroundings import connect, look, this_machine
from tui.safe_text import safe

#: Seconds between two looks at a lease that somebody else holds.
_PAUSE: Final = 1.0


@dataclass(frozen=True, slots=True)
class Changing:
    """One store that a command may change: `wait` seconds for the lease that `lease` chooses, until `stop`."""

    engine: Engine
    operations: Operations
    wait: float
    stop: Stop
    lease: LeaseChoice = AS_USUAL

    @property
    def watch(self) -> StoppedBy:
        """Who follows what is read."""
        return StoppedBy(follower(), self.stop)

    def look(self, *, accept: Acceptance = NOTHING_ACCEPTED) -> Snapshot:
        """Read all metadata. Raises `StoreUnreachable` and `Stopped`."""
        return look(self.engine, self.watch, accept=accept)

    def interrupted(self) -> tuple[str, ...]:
        """The ids of operations that did not end and that nobody is at work on. Raises `StoreUnreachable`."""
        return tuple(files.id for files in self.engine.unfinished().interrupted)

    def wait_for_holder(self) -> None:
        """Return once nobody is at work on an operation, or may be, `wait` seconds at most; nothing is written.

        Raises `LeaseHeld` after that, and `StoreUnreachable`.
        """
        machine, waiting = self.operations.machine, Waiting()
        give_up = machine.elapsed() + self.wait
        while (unfinished := self.engine.unfinished()).held is not None:
            holder = unfinished.lease.holder if unfinished.lease else None
            if holder is None:
                return
            if machine.elapsed() >= give_up:
                with self.operations.named():
                    raise lease_held(holder)
            waiting(holder)
            machine.sleep(_PAUSE)

    def resume(self, *, quietly: bool = False) -> tuple[Applied, ...]:
        """Finish what was interrupted, and say so on stderr unless the answer does; Ctrl-C waits for a step."""
        with self.stop.listening():
            with _followed(self.stop) as watch:
                done = self.operations.resume(wait=self.wait, watch=watch, waiting=Waiting())
            for each in done if not quietly else ():
                note(f"operation {each.operation}, which had been interrupted, {ending(each)}")
                tell_notes(each)
        return done

    def ask_to_resume(self) -> None:
        """Where a person is asked: finish what was interrupted once they typed `resume`. Raises `Stopped`."""
        for each in self.interrupted():
            note(f"operation {each} was interrupted, and nothing else is written before it is finished or taken back")
        require_word("resume", "finish it")
        self.resume()

    def undoing(self, operation: str, *, yes: bool = False) -> Undo:
        """How an operation is taken back."""
        return Undo(self.engine.location, operation, self.lease, yes=yes)

    def apply(self, change: ChangeSet) -> Applied:
        """Carry a change set out."""
        with _followed(self.stop) as watch:
            return self.operations.apply(change, wait=self.wait, watch=watch, waiting=Waiting())


def changing(store: str, machine: Machine | None, wait: float, lease: LeaseChoice = AS_USUAL) -> Changing:
    """Everything for changing a store; nothing is written yet. Raises `UsageError` or `StoreUnreachable`."""
    machine = machine or this_machine()
    return Changing(connect(store, machine, lease), operations_for(store, machine, lease), wait, Stop(), lease)


def ending(applied: Applied) -> str:
    """How a resumed operation ended, in words."""
    return "was finished" if applied.outcome.finished else "was closed without being finished"


def tell_notes(applied: Applied) -> None:
    """What was otherwise than planned, on stderr."""
    for each in applied.outcome.notes:
        note(each)


class Waiting:
    """Says who holds the lease, whenever that is somebody else."""

    def __init__(self) -> None:
        self._told = ""

    def __call__(self, record: LeaseRecord) -> None:
        """Called at every look at a lease that is held."""
        if record.owner != self._told:
            self._told = record.owner
            note(f"waiting for the lease, which {held_words(record)} holds")


class Quiet:
    """Follows a change without a word."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop

    def progress(self, progress: ApplyProgress) -> None:
        """Nothing is said."""

    def stopped(self) -> bool:
        """Whether Ctrl-C was pressed."""
        return self._stop.requested


class _Drawn(Quiet):
    """Follows a change on a line of the terminal."""

    def __init__(self, stop: Stop) -> None:
        super().__init__(stop)
        self._told: tuple[int, str] = (-1, "")

    def progress(self, progress: ApplyProgress) -> None:
        """Draw the line, if it is news: another percent, or another kind of step."""
        verb = "" if is_dumb() else progress.step.partition(" ")[0]
        news = (percent(progress.done, progress.total), verb)
        if news != self._told:
            self._told = news
            step = safe(progress.step)[:100]
            draw(status_line(f"{progress.done:,} of {progress.total:,}: {step}"))


@contextmanager
def _followed(stop: Stop) -> Iterator[Quiet]:
    """Who follows a change: a line on stderr if that is a terminal."""
    if not on_terminal():
        yield Quiet(stop)
        return
    try:
        yield _Drawn(stop)
    finally:
        draw(status_line(""))
