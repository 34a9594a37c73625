"""What the commands that plan a change have in common: preview it, ask, and carry out just what was shown.

Only click's world is imported here: `--help` needs no engine.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Generic, Protocol, TypeVar

from core.errors import PlanOutdated
from tui.headless.asking import Mode, require_word

if TYPE_CHECKING:
    from core.acceptance import Acceptance
    from core.changes.apply import Applied
    from core.changes.model import ChangeSet
    from core.index import Index
    from core.invocation import Invocation
    from core.snapshot import Snapshot
    from tui.headless.changing import Changing
    from tui.headless.exit_codes import ExitCode

#: Seconds that a clock which wrote the newest record may be ahead of this one, for its next second to be waited for.
_SOON: Final = 2


class Planned(Protocol):
    """A plan, and the store that it was made for."""

    @property
    def snapshot(self) -> Snapshot:
        """The store as it was looked at."""

    @property
    def code(self) -> ExitCode:
        """What the plan tells the shell."""

    @property
    def change(self) -> ChangeSet | None:
        """What is to be done, if anything is."""


P = TypeVar("P", bound=Planned)


@dataclass(frozen=True, slots=True)
class Planning(ABC, Generic[P]):
    """One change that was asked for. `accept`: what differs from the last look is the truth."""

    changes: Changing
    if_plan: str | None
    accept: Acceptance
    as_json: bool

    #: What a person types to have it carried out.
    word: ClassVar[str]

    @abstractmethod
    def plan(self, *, now: bool = False) -> P:
        """Look and plan; if it is to be carried out `now`, in a second that has no record yet."""

    @abstractmethod
    def answer(self, planned: P, applied: Applied | None = None, resumed: tuple[Applied, ...] = ()) -> int:
        """Say what is planned or was done; returns the exit code."""

    def asked_word(self, planned: P) -> tuple[str, str]:
        """What a person types, and what for."""
        return self.word, "carry this out"

    def run(self, mode: Mode) -> int:
        """Go as far as `mode` says."""
        if mode is Mode.PREVIEW:
            return self.answer(self.plan())
        self.changes.operations.require_lease()
        if mode is Mode.ASK:
            return self._ask()
        return self._carry_out(self.changes.resume())

    def _ask(self) -> int:
        """Preview, ask, and carry out what was shown."""
        self.changes.wait_for_holder()
        if self.changes.interrupted():
            self.changes.ask_to_resume()
        planned = self.plan()
        code = self.answer(planned)
        if planned.change is None:
            return code
        require_word(*self.asked_word(planned))
        with self.changes.stop.listening():
            return self.answer(planned, self.changes.apply(planned.change))

    def _carry_out(self, resumed: tuple[Applied, ...]) -> int:
        """Plan and carry out at once. Only what writes goes on to the end of its step: a look is left at once."""
        planned = self.plan(now=True)
        with self.changes.stop.listening():
            applied = self.changes.apply(planned.change) if planned.change else None
            return self.answer(planned, applied, resumed)

    def wait_for_new_second(self, snapshot: Snapshot) -> None:
        """Two records of one second are a tie: see `seconds_taken`."""
        host = self.changes.engine.host
        host.sleep(seconds_taken(snapshot.index, host.now()))

    def go(self, snapshot: Snapshot, carry_out: Invocation) -> Invocation:
        """What to do now: `carry_out`, unless something that did not end comes first, which stderr then tells."""
        from core.invocation import Resume
        from core.journal import interrupted_in
        from tui.headless.surroundings import tell_what_waits

        if not interrupted_in(snapshot.journal):
            return carry_out
        tell_what_waits(snapshot, self.changes.engine)
        unfinished = self.changes.engine.unfinished(snapshot)
        if unfinished.held is not None:
            return Resume(snapshot.location, "5m", self.changes.lease)
        if not unfinished.interrupted:
            return carry_out
        return Resume(snapshot.location, lease=self.changes.lease)


def require_plan(change: ChangeSet | None, plan_id: str | None) -> None:
    """Raises `PlanOutdated` where another plan than this was asked for."""
    from core.phrases import shown

    if plan_id is not None and change is not None and change.plan_id != plan_id:
        raise PlanOutdated(
            f"what is planned now is {change.plan_id}, not {shown(plan_id)}: the store has changed, or the wishes have",
            hint="preview again with --dry-run",
        )


def waiting_in(snapshot: Snapshot) -> list[str]:
    """The operations that were interrupted."""
    from core.journal import interrupted_in

    return [files.id for files in interrupted_in(snapshot.journal)]


def seconds_taken(index: Index, now: float) -> float:
    """How long to wait for a second that no record has.

    Two records of one second are a tie between which stock takes any (`timestamps-same-second` in hazards.md).
    """
    ahead = (record.file_compacted_at + 1 - now for record, _ in index.timestamps)
    return max((seconds for seconds in ahead if 0 < seconds <= _SOON + 1), default=0.0)
