"""The highest targets of a restore, which depend on the history that is wished for and not on the target asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from core.chain import named_rows
from core.restore.along import Ways, epochs_up_to, find_ways, least_snapshot, restorable_to
from core.restore.model import RestoreOptions, RestorePreview
from core.restore.snapshots import furthest, taken_until
from core.restore.stock_side import ask_stock
from core.snapshot import Snapshot
from core.stock import greatest_working_target, load_error, select_state_snapshot
from core.stock.selection import rows_up_to


@dataclass(frozen=True, slots=True)
class HighestTargets:
    """The greatest targets on which a restore lands exactly, history included; None where there is none.

    `stock`: by stock as the store is. `chain`: along the chain, through an overlay or after a repair.
    """

    stock: int | None
    chain: int | None

    @property
    def best(self) -> int | None:
        """The greater of the two."""
        return max((target for target in (self.stock, self.chain) if target is not None), default=None)

    @property
    def needs_chain(self) -> bool:
        """Whether stock by itself stays below the best."""
        return self.best != self.stock


def highest_targets(everything: RestorePreview) -> HighestTargets:
    """The highest targets of a store, from the preview of everything in it under the same choices and history.

    Raises `ValueError` for the preview of a restore to a target.
    """
    options = everything.options
    if options.target_version is not None:
        raise ValueError("the highest targets follow from a preview of everything, not from one with a target")
    if options.ledger_history_start is None:
        stock = everything.verdict.stock_restorable_to
    else:
        stock = _of_stock(everything.snapshot, options, options.ledger_history_start)
    return HighestTargets(stock, _of_chain(find_ways(everything.ground, options), options.ledger_history_start))


def _of_stock(snapshot: Snapshot, options: RestoreOptions, history: int) -> int | None:
    """With history from a version on, stock reads all transactions from one and the same snapshot to the target."""
    index = snapshot.index
    transactions, epochs, snapshots = index.transactions, index.epoch_endings, index.state_snapshots
    limit = None if load_error(snapshot) else greatest_working_target(index)
    start = None if limit is None else select_state_snapshot(snapshots, history)
    if limit is None or start is None:
        return None
    bad_epochs = named_rows(epochs.manifests, options.broken)
    if len(bad_epochs):
        # Stock counts an epoch ending in from the first target on that none before it lies above.
        limit = min(limit, int(epochs.first_version[: int(bad_epochs[0]) + 1].max()) - 1)
    bad = named_rows(transactions.manifests, options.broken)
    bad = bad[(transactions.last[bad] >= snapshots.first[start]) & (bad < rows_up_to(transactions, max(0, limit)))]
    if len(bad):
        limit = min(limit, int(transactions.first[bad].min()) - 1)
    if limit < 0:
        return None
    sound = np.ones(len(snapshots), dtype=np.bool_)
    sound[named_rows(snapshots.manifests, options.broken)] = False
    none = transactions.first[:0]
    target = furthest(limit, snapshots.first[sound], taken_until(snapshots)[sound], none, none)
    if target is None:
        return None
    answer = ask_stock(snapshot, replace(options, target_version=target))
    return target if answer.ok and answer.lands_at == target else None


def _of_chain(ways: Ways, history: int | None) -> int | None:
    to = restorable_to(ways)
    if to is None or history is None:
        return to
    return next((target for target in _candidates(ways, to, history) if _has_history(ways, target, history)), None)


def _candidates(ways: Ways, to: int, history: int) -> Iterator[int]:
    """The targets up to `to`, greatest first, below which another snapshot would be taken or less be read."""
    snapshots, lane = ways.snapshots, ways.transactions.lane
    versions = snapshots.lane.first[snapshots.usable]
    if not len(versions) or int(versions.min()) > history:
        return
    begins = np.unique(np.concatenate((versions, lane.first[ways.broken])))
    yield to
    yield from (int(begin) - 1 for begin in begins[::-1] if 0 < begin <= to)


def _has_history(ways: Ways, target: int, history: int) -> bool:
    """Whether the restore to `target` starts from a snapshot that is old enough."""
    least = least_snapshot(ways, target)
    tree = ways.snapshots.best(target, least)
    if tree is None or not len(epochs_up_to(ways.epoch_endings, target)):
        return False
    tree_version = int(ways.snapshots.lane.first[tree])
    return history >= tree_version or ways.snapshots.best_before(tree, history, least) is not None
