"""Guards somebody else's command on a store: nobody else writes meanwhile, and what it did is looked at afterwards.

Worse is a store that stock can't load any more, that can be restored less far, in which entries are nowhere that were
visible before, or that shows a new problem (`recovery.md`, "Findings").
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from core.changes.apply import Applied
from core.changes.ground import ApplyWatch, UnwatchedChange
from core.changes.guarded import Guarding
from core.changes.survival import lost_entries
from core.child import CommandMissing, CommandRefused, Ended, run_child
from core.engine import Engine, Report
from core.errors import SeamlineError, Stopped, StoreUnreachable
from core.invocation import Advice, Undo
from core.lease import LeaseRecord
from core.model import Finding, Severity
from core.operations import Operations
from core.phrases import command, entries, shown
from core.snapshot import Snapshot
from core.stock import load_error
from core.storage import is_command_adapter, is_object_location

#: Findings of one kind at one place count as the same problem, whatever evidence they hold.
_Place: TypeAlias = tuple[str, str, int | None, int | None]
#: The guard itself is under way, and what went stands in its journal.
_NO_NEWS: Final = frozenset({"interrupted-operation", "listing-shrank", "other-store"})


class StoreGone(SeamlineError):
    """After a guarded command the store can't be read any more; what it held before is saved."""

    exit_code = 4
    kind = "store-gone"


@dataclass(frozen=True, slots=True, eq=False)
class Guarded:
    """What came of a guard: the store before and after, and in which ways it is worse, in sentences."""

    applied: Applied
    exit_code: int
    before: Report
    after: Report
    worse: tuple[str, ...]


def guard(
    engine: Engine,
    operations: Operations,
    words: Sequence[str],
    *,
    wait: float = 0.0,
    watch: ApplyWatch | None = None,
    waiting: Callable[[LeaseRecord], None] | None = None,
) -> Guarded:
    """Run a command under the lease, with everything in `metadata/` saved before; `watch` may stop it before it runs.

    Raises `Stopped`, `LeaseHeld`, `LeaseLost` once the command was ended, `Refused` while another operation is
    interrupted, `CommandMissing`, `CommandRefused`, `StoreUnreachable`, and `StoreGone` after the command.
    """
    watch = watch or UnwatchedChange()
    with operations.guarding(tuple(words), wait=wait, watch=watch, waiting=waiting) as guarding:
        before = engine.check(_whole(engine))
        guarding.begin()
        ended = _run(words, operations, guarding, watch)
        after = _check_after(engine, guarding)
        worse = tuple(_worse(before, after))
        applied = guarding.ended(ended.code, (*worse, *_left_words(ended)))
    return Guarded(applied, ended.code, before, after, worse)


def _check_after(engine: Engine, guarding: Guarding) -> Report:
    try:
        return engine.check(_whole(engine))
    except StoreUnreachable as error:
        undo = Undo(engine.location, guarding.operation)
        way = Advice(undo, " brings it back, once the store can be read")
        if not is_object_location(engine.location) and not is_command_adapter(engine.location):
            folder = command("mkdir", "-p", f"{engine.location.rstrip('/')}/metadata")
            way = Advice(f"where only that folder is gone, {folder} and then ", undo, " bring it back")
        raise StoreGone(
            f"the store can't be read any more, now that the command has ended: {error.message}",
            hint=Advice("all that metadata/ held was saved before; ", way),
        ) from error


def _left_words(ended: Ended) -> Iterator[str]:
    if ended.left is not None:
        yield f"processes that the command left behind still run, now without the lease: group {ended.left}"


def _run(words: Sequence[str], operations: Operations, guarding: Guarding, watch: ApplyWatch) -> Ended:
    try:
        if watch.stopped():
            raise Stopped("stopped before the command was run; nothing was changed")
        return run_child(words, guarding.lease, operations.machine, guarding.started)
    except (CommandMissing, CommandRefused, Stopped) as error:
        guarding.ended(error.exit_code, (error.message,))
        raise


def _whole(engine: Engine) -> Snapshot:
    snapshot = engine.look()
    if not snapshot.complete:
        raise StoreUnreachable("not all of the metadata could be read")
    return snapshot


def _worse(before: Report, after: Report) -> Iterator[str]:
    failure = load_error(after.snapshot)
    if failure is not None and load_error(before.snapshot) is None:
        yield f"stock can't load the store any more: {shown(failure.message)}"
    stock, best = before.verdict.stock_restorable_to, before.verdict.best_restorable_to
    yield from _lower("stock restores", stock, after.verdict.stock_restorable_to)
    yield from _lower("the best chain reaches", best, after.verdict.best_restorable_to)
    for kind, rows in lost_entries(before.snapshot.index, after.snapshot.index):
        where = before.snapshot.index.lanes[kind].claims(int(rows[0]))[0]
        yield f"{entries(len(rows), kind)} gone from metadata/, first {shown(str(where))}"
    for finding in new_problems(before, after):
        yield f"new problem, {finding.kind}: {finding.explanation}"


def _lower(what: str, before: int | None, after: int | None) -> Iterator[str]:
    if before is not None and (after is None or after < before):
        yield f"{what} {'nothing' if after is None else f'{after:,} only'}, and {before:,} before"


def new_problems(before: Report, after: Report) -> tuple[Finding, ...]:
    """The errors of `after` that were not there before."""
    known = Counter(map(_place, _grave(before)))
    fresh = []
    for finding in _grave(after):
        known[_place(finding)] -= 1
        if known[_place(finding)] < 0:
            fresh.append(finding)
    return tuple(fresh)


def _grave(report: Report) -> Iterator[Finding]:
    return (each for each in report.findings if each.severity.rank >= Severity.ERROR.rank and each.kind not in _NO_NEWS)


def _place(finding: Finding) -> _Place:
    return finding.kind, finding.lane.value, finding.first, finding.last
