"""Errors named after what they guarantee, each with a hint and the exit code of `headless.md`."""

from __future__ import annotations

from typing import ClassVar


class SeamlineError(Exception):
    """An error an operator can act on: what happened, what to do, and the exit code that says so to a script."""

    exit_code: ClassVar[int] = 1
    kind: ClassVar[str] = "failed"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


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
