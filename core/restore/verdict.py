"""How far a store can be restored as it is: what stock does today, and what the best chain would do (`headless.md`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from core.chain import greatest_version, named_rows
from core.columns import I64, Lane
from core.ground import Ground, bare_ground, with_lines
from core.index import Index
from core.manifests import Evidence, ManifestFacts, broken_manifests
from core.model import RangeRecord
from core.restore.along import find_ways, restorable_to
from core.restore.model import Needs, RestoreOptions, StoreVerdict
from core.restore.recovered import recoverable_lines
from core.restore.snapshots import furthest, taken_until
from core.restore.stock_side import EMPTY_HISTORY, broken_in_plan
from core.snapshot import Snapshot
from core.stock import (
    StockFailure,
    greatest_accepted_target,
    greatest_working_target,
    load_error,
    max_transaction_version,
    restore_plan,
)
from core.stock.selection import rows_up_to


def verdict(
    snapshot: Snapshot,
    evidence: Evidence | None = None,
    ground: Ground | None = None,
    denied: Mapping[RangeRecord, str] | None = None,
) -> StoreVerdict:
    """The verdict on a whole store. With evidence, manifests that failed their checks count as unusable.

    The best restore may use what `ground` adds; without one it may use retired lines, but none of the `denied`.
    """
    ground = ground or _with_retired_lines(snapshot, denied or {})
    if evidence is None:
        return judge(snapshot, frozenset(), ground)
    facts: dict[str, ManifestFacts] = {each.handle: each for each in evidence.faulty}
    return judge(snapshot, broken_manifests(evidence), ground, lambda handles: _complaint(facts, handles))


def _with_retired_lines(snapshot: Snapshot, denied: Mapping[RangeRecord, str]) -> Ground:
    """The ground on which the chain gets furthest; with nothing added where the visible entries are enough."""
    ground = bare_ground(snapshot.index)
    ways = find_ways(ground, RestoreOptions())
    if ways.goal is not None and restorable_to(ways) == ways.goal:
        return ground
    return with_lines(snapshot.index, recoverable_lines(snapshot, RestoreOptions(), denied))


def _complaint(facts: dict[str, ManifestFacts], handles: tuple[str, ...]) -> str | None:
    """What stock says first when it reads these manifests."""
    problems = (problem for handle in handles if handle in facts for problem in facts[handle].problems)
    return next((problem.stock_says for problem in problems if problem.stock_says), None)


def judge(
    snapshot: Snapshot,
    broken: frozenset[str],
    ground: Ground,
    complaint: Callable[[tuple[str, ...]], str | None] = lambda _handles: None,
) -> StoreVerdict:
    """The verdict when the manifests `broken` are known to be; `complaint` is what stock says of some of them.

    Stock is asked about the snapshot, the chain may use the whole `ground`.
    """
    index = snapshot.index
    latest = greatest_version(index.transactions)
    stock = _stock_reach(snapshot, broken, complaint)
    best = restorable_to(find_ways(ground, RestoreOptions(broken=broken)))
    versions = index.state_snapshots.first
    return StoreVerdict(
        latest=latest,
        stock_restorable_to=stock.to,
        stock_fails_from=stock.fails_from,
        stock_error=stock.error,
        oldest_snapshot=int(versions.min()) if len(versions) else None,
        best_restorable_to=best,
        best_needs=needs(latest, stock.to, best),
    )


def needs(goal: int | None, stock_lands_at: int | None, best_lands_at: int | None) -> Needs:
    """What it takes to get to `goal`."""
    if goal is None:
        return Needs.BACKUP
    if stock_lands_at == goal:
        return Needs.NOTHING
    return Needs.OVERLAY if best_lands_at is not None and best_lands_at >= goal else Needs.BACKUP


@dataclass(frozen=True, slots=True)
class _Reach:
    """How far stock gets: the version it lands on, the target from which on it fails, and what it says there."""

    to: int | None
    fails_from: int | None
    error: str | None


def _stock_reach(
    snapshot: Snapshot, broken: frozenset[str], complaint: Callable[[tuple[str, ...]], str | None]
) -> _Reach:
    failure = load_error(snapshot)
    if failure is not None:
        return _Reach(None, 0, failure.message)
    index = snapshot.index
    reach = _selected(index)
    if reach.to is None or not broken:
        return reach
    to = _unbroken(index, reach.to, broken)
    if to == reach.to:
        return reach
    fails_from = 0 if to is None else to + 1
    handles = broken_in_plan(index, restore_plan(index, reach.to), broken)
    return _Reach(to, fails_from, complaint(handles))


def _selected(index: Index) -> _Reach:
    """How far stock gets by its selection alone."""
    accepted, to = greatest_accepted_target(index), greatest_working_target(index)
    if accepted is None:
        return _Reach(None, 0, _error_at(index, None))
    if not rows_up_to(index.epoch_endings, accepted.target if to is None else to):
        return _Reach(None, 0, EMPTY_HISTORY)
    fails_from = accepted.target + 1
    if fails_from > (max_transaction_version(index.transactions) or 0):
        return _Reach(to, None, None)
    return _Reach(to, fails_from, _error_at(index, fails_from))


def _error_at(index: Index, target: int | None) -> str | None:
    try:
        restore_plan(index, target)
    except StockFailure as failure:
        return failure.message
    return None


def _unbroken(index: Index, limit: int, broken: frozenset[str]) -> int | None:
    """The greatest target up to `limit` for which stock reads no broken manifest; all of them are continuous there."""
    epochs, snapshots, lane = index.epoch_endings, index.state_snapshots, index.transactions
    bad_epochs = _named_up_to(epochs, rows_up_to(epochs, limit), broken)
    if len(bad_epochs):
        limit = int(epochs.first_version[: int(bad_epochs[0]) + 1].max()) - 1
    sound = np.ones(len(snapshots), dtype=np.bool_)
    sound[named_rows(snapshots.manifests, broken)] = False
    if limit < 0:
        return None
    bad = _named_up_to(lane, rows_up_to(lane, limit), broken)
    to = furthest(limit, snapshots.first[sound], taken_until(snapshots)[sound], lane.first[bad], lane.last[bad])
    return to if to is not None and rows_up_to(epochs, to) else None


def _named_up_to(lane: Lane, stop: int, handles: frozenset[str]) -> I64:
    """The rows before `stop` (int64) that name one of `handles`."""
    return named_rows(lane.manifests.take(np.arange(stop, dtype=np.int64)), handles)
