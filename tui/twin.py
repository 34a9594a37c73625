"""The headless twin of each screen: the command that gives the same engine result, ready to paste."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.findings.text import command
from core.stock import CompactionOptions


def compact(location: str, options: CompactionOptions) -> str:
    """The compaction preview."""
    factors = (
        ("--epoch-ending-file-compact-factor", options.epoch_ending_factor),
        ("--transaction-file-compact-factor", options.transaction_factor),
        ("--state-snapshot-file-compact-factor", options.state_snapshot_factor),
    )
    given = [word for pair in factors for word in pair]
    return command("seamline", "compact", location, *given, "--dry-run", "--json")


def restore_plan(location: str, target: int | None, history: int | None = None, pins: Iterable[str] = ()) -> str:
    """The restore preview; `pins` are handles of manifests."""
    words: list[str | int] = []
    if target is not None:
        words += ["--target-version", target]
    if history is not None:
        words += ["--ledger-history-start-version", history]
    for pin in pins:
        words += ["--pin", pin]
    return command("seamline", "restore-plan", location, *words, "--json")


def check(location: str, level: int = 1, more: Sequence[str] = ()) -> str:
    """The findings behind a screen."""
    return command("seamline", "check", location, "--level", level, *more, "--json")
