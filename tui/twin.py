"""The headless twin of each screen: the command that gives the same engine result, ready to paste."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from core.phrases import command
from core.stock import CompactionOptions
from tui.headless.wishes import ACCEPT_UNUSED

#: What `--policy` need not say.
USUAL_POLICY: Final = "verified"


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


def restore_plan(
    location: str,
    target: int | None,
    history: int | None = None,
    pins: Iterable[str] = (),
    policy: str = USUAL_POLICY,
) -> str:
    """The restore preview; `pins` are handles of manifests."""
    words: list[str | int] = []
    if target is not None:
        words += ["--target-version", target]
    if history is not None:
        words += ["--ledger-history-start-version", history]
    return command("seamline", "restore-plan", location, *words, *_choices(pins, policy), "--json")


def _choices(pins: Iterable[str], policy: str) -> list[str | int]:
    """What decides between manifests that compete."""
    words: list[str | int] = [] if policy == USUAL_POLICY else ["--policy", policy]
    for pin in pins:
        words += ["--pin", pin]
    return words


def repair(location: str, pins: Iterable[str] = (), policy: str = USUAL_POLICY, *, park: bool = False) -> str:
    """The repair preview."""
    return command("seamline", "repair", location, *_choices(pins, policy), *_parked(park), "--dry-run", "--json")


def repair_now(
    location: str,
    plan_id: str,
    pins: Iterable[str] = (),
    policy: str = USUAL_POLICY,
    *,
    park: bool = False,
    without_choices: bool = False,
) -> str:
    """The repair that is shown, if the store is still as it was; `without_choices` that it can't follow."""
    accepted = [ACCEPT_UNUSED] if without_choices else []
    words = [*_choices(pins, policy), *_parked(park), *accepted, "--yes", "--if-plan", plan_id]
    return command("seamline", "repair", location, *words)


def _parked(park: bool) -> list[str | int]:
    return ["--park-tail"] if park else []


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
