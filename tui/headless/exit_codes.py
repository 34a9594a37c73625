"""What a command tells the shell, and the rules by which each answer gets its code (`README.md`).

The codes are a contract: scripts branch on them.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The codes that this version can end with."""

    OK = 0
    """Done, or nothing to report."""
    FAILED = 1
    """The operation failed; nothing half-done is left unsaid."""
    USAGE = 2
    """The request itself is wrong."""
    FINDINGS = 3
    """Findings, and stock can still restore to the greatest version in the store."""
    BROKEN = 4
    """Findings, and stock can't restore (to the target, or to the greatest version)."""
    OUTDATED = 5
    """The plan is out of date: the store has changed since."""
    REFUSED = 6
    """A hazard stands in the way; the output names it and the way on."""
    HELD = 11
    """The lease is held by somebody else; the output says who, since when, doing what."""
    LOST = 12
    """The lease was lost on the way; nothing more was started."""
    UNREACHABLE = 20
    """The store can't be reached, its listing is suspicious, or it holds nothing that could be checked."""
    INTERRUPTED = 130
    """Ctrl-C: what was seen is partial, so no answer is given."""


#: By the verdict on a store (`Report.word`).
OF_VERDICT = {"clean": ExitCode.OK, "restorable": ExitCode.FINDINGS, "broken": ExitCode.BROKEN}
