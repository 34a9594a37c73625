"""The headless twin of each screen: the command that gives the same engine result, ready to paste."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.phrases import command
from core.stock import CompactionOptions


def compact(location: str, options: CompactionOptions) -> str:
    """The compaction preview."""
    return command("seamline", "compact", location, *_factors(options), "--dry-run", "--json")


def _factors(options: CompactionOptions) -> list[str | int]:
    factors: tuple[tuple[str, int], ...] = (
        ("--epoch-ending-file-compact-factor", options.epoch_ending_factor),
        ("--transaction-file-compact-factor", options.transaction_factor),
        ("--state-snapshot-file-compact-factor", options.state_snapshot_factor),
    )
    return [word for pair in factors for word in pair]


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


def compact_now(location: str, options: CompactionOptions, plan_id: str) -> str:
    """The compaction that is shown, if the store is still as it was."""
    return command("seamline", "compact", location, *_factors(options), "--yes", "--if-plan", plan_id)


def undo(location: str, operation: str, plan_id: str) -> str:
    """The undo that is shown, if the store is still as it was."""
    return command("seamline", "undo", location, operation, "--yes", "--if-plan", plan_id)


def resume(location: str) -> str:
    """Finish what was interrupted."""
    return command("seamline", "resume", location)


def log(location: str) -> str:
    """The journal."""
    return command("seamline", "log", location, "--json")
