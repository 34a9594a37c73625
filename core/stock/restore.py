"""What unpatched stock would restore into an empty database (`format.md`, "Restore plan"), and up to which version.

Field for field stock's own plan, before any manifest is read. Rows are rows of the index's lanes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.columns import I64, Lane
from core.index import Index
from core.model import U64_MAX
from core.stock.failure import StockFailure
from core.stock.selection import (
    max_transaction_version,
    rows_up_to,
    select_epoch_endings,
    select_state_snapshot,
    select_transactions,
)
from core.stock.walk import first_offence


@dataclass(frozen=True, slots=True, eq=False)
class StockPlan:
    """Stock's restore plan. Snapshots are rows of the state snapshot lane, the others int64 rows of their lanes.

    `target` is what is left of the wish after the cap at `max_transaction_version`. With `phase_1` the key-value
    snapshot and `phase_1_transactions` come first, then the tree snapshot and `phase_2_transactions`.
    """

    target: int
    max_transaction_version: int
    kv_snapshot: int | None
    tree_snapshot: int
    phase_1: bool
    transactions_from: int
    transactions: I64
    epoch_endings: I64
    phase_1_transactions: I64
    phase_2_transactions: I64
    lands_at: int | None
    """The last version up to `target` whose transaction is loaded; below `target` when a gap or the end of the
    entries is passed over in silence (`gap-below-target`). None when stock loads no transaction at all."""


def restore_plan(index: Index, target: int | None = None, ledger_history_start: int | None = None) -> StockPlan:
    """The plan of stock's restore coordinator into an empty database; `target` None asks for everything.

    Raises `StockFailure` with stock's first complaint, in the order in which stock evaluates.
    """
    greatest = max_transaction_version(index.transactions)
    if greatest is None:
        raise StockFailure("No transaction backup found.")
    wish = U64_MAX if target is None else target
    reachable = min(wish, greatest)
    history_start = wish if ledger_history_start is None else ledger_history_start
    snapshots = index.state_snapshots
    kv_snapshot = select_state_snapshot(snapshots, min(history_start, greatest))
    tree_snapshot = select_state_snapshot(snapshots, reachable)
    if tree_snapshot is None:
        raise StockFailure("Cannot find tree snapshot before target version", panic=True)
    tree_version = int(snapshots.first[tree_snapshot])
    start = 0 if kv_snapshot is None else int(snapshots.first[kv_snapshot])
    phase_1 = start < tree_version
    transactions = select_transactions(index.transactions, start, reachable)
    epoch_endings = select_epoch_endings(index.epoch_endings, reachable)
    first, last = index.transactions.first[transactions], index.transactions.last[transactions]
    none = transactions[:0]
    return StockPlan(
        target=reachable,
        max_transaction_version=greatest,
        kv_snapshot=kv_snapshot,
        tree_snapshot=tree_snapshot,
        phase_1=phase_1,
        transactions_from=start,
        transactions=transactions,
        epoch_endings=epoch_endings,
        phase_1_transactions=transactions[first <= np.uint64(tree_version)] if phase_1 else none,
        phase_2_transactions=transactions[last >= np.uint64(tree_version)] if phase_1 else transactions,
        lands_at=min(reachable, int(last[-1])) if len(transactions) else None,
    )


@dataclass(frozen=True, slots=True)
class AcceptedTarget:
    """A target that stock plans for without an error, and where that restore lands (see `StockPlan.lands_at`)."""

    target: int
    lands_at: int | None


def greatest_accepted_target(index: Index) -> AcceptedTarget | None:
    """The greatest target, at most `max_transaction_version`, that stock does not refuse; None if it refuses all.

    Everything is found from the first entry of each lane at which stock's walk stops: a target is refused when it
    reaches that entry, or lies below all snapshots.
    """
    greatest = max_transaction_version(index.transactions)
    if greatest is None or not len(index.state_snapshots):
        return None
    limit = min(greatest, _below_offence(index.transactions), _below_offence(index.epoch_endings))
    if limit < int(index.state_snapshots.first.min()):
        return None
    return AcceptedTarget(limit, restore_plan(index, limit).lands_at)


def greatest_working_target(index: Index) -> int | None:
    """The V of "works today up to V": the greatest target that stock restores to *and* lands on; None if none.

    Targets below it work as well down to the oldest snapshot's version. Gaps that stock passes over in silence do not
    count as working.
    """
    accepted = greatest_accepted_target(index)
    if accepted is None:
        return None
    lane = index.transactions
    row = rows_up_to(lane, accepted.target) - 1
    if row < 0:
        return None
    working = min(accepted.target, int(lane.last[row]))
    if working < int(lane.first[row]):
        # An inverted last entry covers nothing: the versions end where it begins.
        working = int(lane.first[row]) - 1
    return working if working >= int(index.state_snapshots.first.min()) else None


def _below_offence(lane: Lane) -> int:
    """The greatest target version with which stock's walk over `lane` stops before its first offence; -1 if none."""
    offence = first_offence(lane.first, lane.last)
    if offence is None:
        return U64_MAX
    return int(lane.first_version[: offence.row + 1].max()) - 1
