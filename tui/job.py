"""An operation that the operator has confirmed: how far it is, and how it ended. One at a time, immutable."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.changes.apply import Applied
    from core.changes.ground import ApplyProgress


class JobPhase(StrEnum):
    """How far a job is. STOPPING: it ends at the next step, as the operator wished."""

    RUNNING = "running"
    STOPPING = "stopping"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Job:
    """One operation at work, or its end.

    `word` is what the operator typed for it, `waits_for` who holds the lease that it waits for. `applied` is set when
    it is DONE; when it FAILED, `kind` is the kind of the error, `error` its sentence and `hint` what to do.
    """

    word: str
    phase: JobPhase = JobPhase.RUNNING
    progress: ApplyProgress | None = None
    waits_for: str = ""
    applied: tuple[Applied, ...] = ()
    kind: str = ""
    error: str = ""
    hint: str = ""

    @property
    def is_running(self) -> bool:
        """Whether a thread still works on it."""
        return self.phase in {JobPhase.RUNNING, JobPhase.STOPPING}
