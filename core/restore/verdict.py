"""How far a store can be restored as it is: what stock does today, and what the best chain would do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from core.chain import greatest_version, named_rows
from core.columns import I64, Lane
from core.ground import Ground, bare_ground, with_lines
from core.index import Index
from core.manifests import Evidence, broken_manifests
from core.model import RangeRecord
from core.restore.along import find_ways, restorable_to
from core.restore.model import Needs, RestoreOptions, StoreVerdict
from core.restore.recovered import goes_on_behind, recoverable_lines
from core.restore.snapshots import furthest, taken_until
from core.restore.stock_side import ask_stock
from core.snapshot import Snapshot
from core.stock import greatest_accepted_target, greatest_working_target, load_error, max_transaction_version
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
    return judge(snapshot, frozenset() if evidence is None else broken_manifests(evidence), ground, evidence)


def _with_retired_lines(snapshot: Snapshot, denied: Mapping[RangeRecord, str]) -> Ground:
    """The ground on which the chain gets furthest; with nothing added where the visible entries are enough."""
    ground = bare_ground(snapshot.index)
    ways = find_ways(ground, RestoreOptions())
    whole = ways.goal is not None and restorable_to(ways) == ways.goal
    if whole and not goes_on_behind(snapshot, ways.transactions):
        return ground
    return with_lines(snapshot.index, recoverable_lines(snapshot, RestoreOptions(), denied))


def judge(snapshot: Snapshot, broken: frozenset[str], ground: Ground, evidence: Evidence | None = None) -> StoreVerdict:
    """The verdict when the manifests `broken` are known to be; `evidence` tells what stock says of them.

    Stock is asked about the snapshot, the chain may use the whole `ground`.
    """
    index = snapshot.index
    options = RestoreOptions(broken=broken)
    latest = greatest_version(index.transactions)
    full = ask_stock(snapshot, options, evidence)
    reach = _stock_reach(snapshot, broken)
    fails_from = full.target if full.error is not None and reach.fails_from is None else reach.fails_from
    lowest = full if fails_from is None else ask_stock(snapshot, replace(options, target_version=fails_from), evidence)
    best = restorable_to(find_ways(ground, options))
    goal = latest if latest is None or best is None else max(latest, best)
    versions = index.state_snapshots.first
    return StoreVerdict(
        latest=latest,
        stock_restorable_to=reach.to,
        stock_fails_from=fails_from,
        stock_error=full.error,
        stock_first_error=lowest.error,
        oldest_snapshot=int(versions.min()) if len(versions) else None,
        best_restorable_to=best,
        best_needs=needs(goal, reach.to if full.ok else None, best),
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
    """How far stock gets: the version it lands on, and the lowest target above that with which it fails."""

    to: int | None
    fails_from: int | None


def _stock_reach(snapshot: Snapshot, broken: frozenset[str]) -> _Reach:
    if load_error(snapshot) is not None:
        return _Reach(None, 0)
    index = snapshot.index
    reach = _selected(index)
    to = reach.to if reach.to is None or not broken else _unbroken(index, reach.to, broken)
    return reach if to == reach.to else _Reach(to, 0 if to is None else to + 1)


def _selected(index: Index) -> _Reach:
    """How far stock gets by its selection alone."""
    accepted, to = greatest_accepted_target(index), greatest_working_target(index)
    if accepted is None or not rows_up_to(index.epoch_endings, accepted.target if to is None else to):
        return _Reach(None, 0)
    fails_from = accepted.target + 1
    return _Reach(to, fails_from if fails_from <= (max_transaction_version(index.transactions) or 0) else None)


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
