"""What an operator should know before a restore, each under its id of the hazard catalogue (`hazards.md`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from core.model import Severity
from core.phrases import count
from core.restore.along import Ways, least_snapshot
from core.restore.model import BestRestore, RestoreNote, RestoreOptions, StockAnswer

_Maker = Callable[[Ways, RestoreOptions, StockAnswer, BestRestore | None], Iterator[RestoreNote]]


def notes_on(
    ways: Ways, options: RestoreOptions, stock: StockAnswer, best: BestRestore | None
) -> tuple[RestoreNote, ...]:
    """All notes, worst first."""
    found = [note for make in _MAKERS for note in make(ways, options, stock, best)]
    return tuple(sorted(found, key=lambda note: -note.severity.rank))


def _short_landing(
    ways: Ways, options: RestoreOptions, stock: StockAnswer, best: BestRestore | None
) -> Iterator[RestoreNote]:
    """Stock ends without an error below its target."""
    if stock.plan is not None and stock.error is None and stock.lands_at != stock.target:
        landing = "without any transaction" if stock.lands_at is None else f"at {stock.lands_at:,}"
        wish = "everything" if options.target_version is None else f"{options.target_version:,}"
        text = f"Asked for {wish}, stock aims at {stock.target or 0:,} and ends {landing}, without an error."
        yield RestoreNote("gap-below-target", Severity.ERROR, text)


def _no_snapshot(
    ways: Ways, options: RestoreOptions, stock: StockAnswer, best: BestRestore | None
) -> Iterator[RestoreNote]:
    oldest = ways.snapshots.oldest()
    if oldest is None:
        yield RestoreNote(
            "snapshot-none", Severity.ERROR, "There is no usable state snapshot: nothing can be restored."
        )
    elif ways.goal is not None and oldest > ways.goal:
        text = f"No usable state snapshot at or below {ways.goal:,}; the lowest target that works is {oldest:,}."
        yield RestoreNote("snapshot-none", Severity.ERROR, text)


def _no_snapshot_for_history(
    ways: Ways, options: RestoreOptions, stock: StockAnswer, best: BestRestore | None
) -> Iterator[RestoreNote]:
    start = options.ledger_history_start
    if start is None or best is None or best.kv_snapshot is not None:
        return
    least = ways.snapshots.oldest_before(best.tree_snapshot, least_snapshot(ways, best.lands_at))
    text = f"No usable state snapshot for history from {start:,}; the least history start that works is {least:,}. "
    text += "Stock notices only after it has restored for hours."
    yield RestoreNote("snapshot-none-for-history", Severity.ERROR, text)


def _no_epochs(
    ways: Ways, options: RestoreOptions, stock: StockAnswer, best: BestRestore | None
) -> Iterator[RestoreNote]:
    chain = ways.epoch_endings
    if not len(chain.lane):
        text = "There is no epoch ending: every restore fails after its first chunk."
        yield RestoreNote("epoch-history-empty", Severity.ERROR, text)
    elif not len(chain.rows):
        text = "No chain of epoch endings begins at epoch 0: nothing that is restored could be proved."
        yield RestoreNote("epoch-history-empty", Severity.ERROR, text)
    elif ways.goal is not None and int(chain.lane.first_version[chain.rows[0]]) > ways.goal:
        text = f"The first epoch ending lies above {ways.goal:,}: nothing up to there can be proved."
        yield RestoreNote("epoch-history-empty", Severity.ERROR, text)


def _epochs_lag(
    ways: Ways, options: RestoreOptions, stock: StockAnswer, best: BestRestore | None
) -> Iterator[RestoreNote]:
    epoch = ways.snapshots.lane.epoch
    if best is None or epoch is None:
        return
    last = best.epoch_endings[-1]
    known, at = int(ways.epoch_endings.lane.last[last]), int(ways.epoch_endings.lane.last_version[last])
    needed = int(epoch[best.tree_snapshot])
    if needed > known:
        text = f"The epoch endings stop at epoch {known:,} (version {at:,}), the snapshot is of epoch {needed:,}: what "
        text += "lies above is restored without checking its signatures."
        yield RestoreNote("epoch-history-lag", Severity.ERROR, text)


def _snapshot_ties(
    ways: Ways, options: RestoreOptions, stock: StockAnswer, best: BestRestore | None
) -> Iterator[RestoreNote]:
    lane = ways.snapshots.lane
    used = {} if best is None else dict.fromkeys((best.kv_snapshot, best.tree_snapshot))
    for row in used:
        rivals = 0 if row is None else int(np.count_nonzero(lane.first == lane.first[row])) - 1
        if row is not None and rivals:
            text = (
                f"{rivals + 1} manifests stand for the snapshot at version {int(lane.first[row]):,}. Stock takes the "
            )
            text += "one that sorts last, and the first when it resumes."
            yield RestoreNote("snapshot-conflict", Severity.WARNING, text)


def _snapshot_order(
    ways: Ways, options: RestoreOptions, stock: StockAnswer, best: BestRestore | None
) -> Iterator[RestoreNote]:
    """Stock would start from an older snapshot than there is, because it sorts by epoch first."""
    if stock.tree_snapshot is None or stock.target is None:
        return
    lane = ways.snapshots.lane
    mine = lane.first[lane.first <= np.uint64(stock.target)].max()
    taken = lane.first[stock.tree_snapshot]
    if mine > taken:
        text = (
            f"Stock takes the snapshot at {int(taken):,}, although there is one at {int(mine):,}: its epoch is higher."
        )
        yield RestoreNote("snapshot-epoch-order", Severity.WARNING, text)


def _snapshot_ahead(
    ways: Ways, options: RestoreOptions, stock: StockAnswer, best: BestRestore | None
) -> Iterator[RestoreNote]:
    versions = ways.snapshots.lane.first
    if options.target_version is not None or ways.goal is None or not len(versions) or best is None:
        return
    newest = int(versions.max())
    if newest > ways.goal:
        text = f"The restore lands at {best.lands_at:,}; the snapshot at {newest:,} can't be used until transactions "
        yield RestoreNote("snapshot-ahead-of-transactions", Severity.INFO, text + "reach it.")


def _broken_on_the_way(
    ways: Ways, options: RestoreOptions, stock: StockAnswer, best: BestRestore | None
) -> Iterator[RestoreNote]:
    if len(ways.broken):
        first = int(ways.transactions.lane.first[ways.broken[0]])
        number = count(len(ways.broken), "manifest of the chain is", "manifests of the chain are")
        text = f"{number} known to be broken and without a substitute, from version {first:,} on."
        yield RestoreNote("broken-manifest", Severity.ERROR, text)


_MAKERS: Final[tuple[_Maker, ...]] = (
    _short_landing,
    _no_snapshot,
    _no_snapshot_for_history,
    _no_epochs,
    _epochs_lag,
    _snapshot_ties,
    _snapshot_order,
    _snapshot_ahead,
    _broken_on_the_way,
)
