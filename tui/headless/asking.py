"""Preview, carry out, or ask first: what a command that would write was told to do."""

from __future__ import annotations

import sys
from enum import Enum

from core.errors import Stopped, UsageError


class Mode(Enum):
    """How far a command goes."""

    PREVIEW = "preview"
    APPLY = "apply"
    ASK = "ask"


def chosen_mode(*, dry_run: bool, yes: bool, as_json: bool) -> Mode:
    """By the flags. Raises `UsageError` for both of them, and for none where nobody can be asked."""
    if dry_run and yes:
        raise UsageError("--dry-run and --yes contradict each other", hint="give one of them")
    if dry_run or yes:
        return Mode.PREVIEW if dry_run else Mode.APPLY
    if as_json or not _on_terminal():
        raise UsageError(
            "nothing is written without being asked for, and here nobody can be asked",
            hint="--dry-run previews, --yes carries it out",
        )
    return Mode.ASK


def require_word(word: str, what: str) -> None:
    """Ask for a typed word. Raises `Stopped` for anything else."""
    sys.stderr.write(f"Type {word} to {what}, anything else to leave: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != word:
        raise Stopped("nothing was written: that was not the word")


def _on_terminal() -> bool:
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))
