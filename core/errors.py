"""Errors named after what they guarantee, each with a hint and the exit code that tells a script."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from core.invocation import Advice


class SeamlineError(Exception):
    """An error an operator can act on: what happened, what to do, and the exit code that says so to a script."""

    exit_code: ClassVar[int] = 1
    kind: ClassVar[str] = "failed"

    def __init__(self, message: str, *, hint: str | Advice = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = hint

    @property
    def hint(self) -> str:
        """What to do, in words."""
        return str(self.advice)

    @hint.setter
    def hint(self, hint: str | Advice) -> None:
        self.advice = hint


class UsageError(SeamlineError):
    """The request itself is wrong; nothing was read or changed."""

    exit_code = 2
    kind = "usage"


class StoreUnreachable(SeamlineError):
    """The store can't be read, or its listing can't be trusted; nothing was changed."""

    exit_code = 20
    kind = "unreachable"


class Stopped(SeamlineError):
    """The operator stopped the work; nothing was changed and what was seen so far is partial."""

    exit_code = 130
    kind = "interrupted"


class PlanOutdated(SeamlineError):
    """The store is not as it was when the plan was made; the message names the files. Nothing was lost."""

    exit_code = 5
    kind = "plan-outdated"


class Refused(SeamlineError):
    """A hazard stands in the way: `hazard` is its id. Nothing was changed."""

    exit_code = 6
    kind = "refused"

    def __init__(self, hazard: str, message: str, *, hint: str | Advice = "") -> None:
        super().__init__(message, hint=hint)
        self.hazard = hazard


class LeaseHeld(SeamlineError):
    """Somebody else may write just now; the message says who, since when, doing what. Nothing was changed."""

    exit_code = 11
    kind = "lease-held"


class LeaseLost(SeamlineError):
    """The right to write was lost on the way: nothing more was started; what was done stands in the journal."""

    exit_code = 12
    kind = "lease-lost"


class WriteFailed(SeamlineError):
    """A write was refused by the storage, and nothing of it can be seen."""

    kind = "write-failed"


class NotAllowed(WriteFailed):
    """The storage does not let whoever asks write there; nothing of the write can be seen."""

    exit_code = 20
    kind = "not-allowed"


class AlreadyThere(WriteFailed):
    """A name that was to be new is taken; what stands there was not touched."""

    kind = "already-there"


class OutcomeUnknown(SeamlineError):
    """A write may or may not have happened; whoever looks at the store next can tell."""

    kind = "outcome-unknown"
