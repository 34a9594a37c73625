"""Changing a store, in a thread: one operation, its steps and its end each posted as an immutable message.

What a job does to the store is bound when the operator confirms it; nothing that can write exists before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from textual.message import Message

from core.errors import SeamlineError, Stopped
from tui.messages import JobDone, JobFailed, JobProgress, JobWaits

if TYPE_CHECKING:
    from core.changes.apply import Applied
    from core.changes.ground import ApplyProgress
    from core.engine import Engine
    from core.lease import LeaseRecord
    from core.operations import Operations

#: What a job does, given the operations of the store, who follows it, and seconds to wait for the lease.
Work: TypeAlias = "Callable[[Operations, Follower, float], tuple[Applied, ...]]"
#: Seconds that an operator who has seen who holds the lease waits for it at most.
PATIENCE: Final = 300.0


def operations_of(engine: Engine) -> Operations:
    """The writing half for the store that an engine reads, on the same machine."""
    from core.operations import operations_for

    return operations_for(engine.location, engine.host)


def carry_out(operate: Callable[[], Operations], work: Work, follower: Follower, wait: float) -> None:
    """Do `work`, telling the follower of each step and of the end."""
    post = follower.post
    try:
        applied = work(operate(), follower, wait)
    except SeamlineError as error:
        post(JobFailed(error.kind, error.message, error.hint))
    else:
        post(JobDone(applied))


class Follower:
    """Follows an operation: tells `post` how far it is, and stops it before its next step when `stopped` says so."""

    def __init__(self, post: Callable[[Message], object], stopped: Callable[[], bool]) -> None:
        self.post = post
        self.stopped = stopped

    def progress(self, progress: ApplyProgress) -> None:
        """Tell which step comes now."""
        self.post(JobProgress(progress))

    def waiting(self, record: LeaseRecord) -> None:
        """Tell who holds the lease that is waited for. Raises `Stopped` when the operator waits no more."""
        from core.lease import held_words

        if self.stopped():
            raise Stopped("stopped while waiting for the lease; nothing was changed")
        self.post(JobWaits(held_words(record)))
