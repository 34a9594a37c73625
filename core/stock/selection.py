"""What unpatched stock selects from the entries of a store (`format.md`, "Selection"), in array operations.

All answers are rows of the lane in stock's order. Versions and epochs given and returned are Python ints in
0..2**64-1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from core.columns import I64, Lane
from core.index import Index
from core.model import U64_MAX, LaneKind, StateSnapshotRecord
from core.stock.failure import ADD_OVERFLOW, StockFailure
from core.stock.walk import first_offence

#: What stock says of a lane that does not go on: the start it expected, and the one it got.
CONTINUITY_WORDS: Final = {
    LaneKind.TRANSACTIONS: "Transaction backup ranges not continuous, expecting version {}, got {}.",
    LaneKind.EPOCH_ENDINGS: "Epoch ending backup ranges not continuous, expecting epoch {}, got {}.",
}


def select_transactions(lane: Lane, start: int, target: int) -> I64:
    """Rows (int64) that stock takes for the versions `start` to `target`; the walk itself begins at version 0.

    Raises `StockFailure` at the first entry up to `target` that does not continue the one before it. A gap right below
    `target` is not noticed, as in stock.
    """
    stop = rows_up_to(lane, target)
    _require_continuous(lane, stop)
    return np.flatnonzero(lane.last[:stop] >= np.uint64(start))


def select_epoch_endings(lane: Lane, target_version: int) -> I64:
    """Rows (int64) of the epoch endings before the first that begins above `target_version`, from epoch 0.

    Raises `StockFailure` where they are not continuous.
    """
    stop = rows_up_to(lane, target_version)
    _require_continuous(lane, stop)
    return np.arange(stop, dtype=np.int64)


def select_state_snapshot(lane: Lane, target: int) -> int | None:
    """The row of the last snapshot in stock's order (epoch, version, manifest) at or below version `target`."""
    rows = np.flatnonzero(lane.first <= np.uint64(target))
    return int(rows[-1]) if len(rows) else None


def max_transaction_version(lane: Lane) -> int | None:
    """`last` of the last entry in stock's order, which need not be the greatest `last`; None without entries."""
    return int(lane.last[-1]) if len(lane) else None


def rows_up_to(lane: Lane, target_version: int) -> int:
    """How many rows stock walks over before the first one that begins above `target_version`."""
    beyond = lane.first_version > np.uint64(target_version)
    return int(np.argmax(beyond)) if beyond.any() else len(lane)


def _require_continuous(lane: Lane, stop: int) -> None:
    offence = first_offence(lane.first[:stop], lane.last[:stop])
    if offence is None:
        return
    if offence.expected is None:
        raise StockFailure(ADD_OVERFLOW, panic=True)
    raise StockFailure(CONTINUITY_WORDS[lane.kind].format(offence.expected, offence.got))


@dataclass(frozen=True, slots=True)
class StorageState:
    """What stock believes to be newest in a store; None where it holds nothing of the kind."""

    latest_epoch_ending_epoch: int | None
    latest_state_snapshot_epoch: int | None
    latest_state_snapshot_version: int | None
    latest_transaction_version: int | None

    def text(self) -> str:
        """The line that stock's status command prints."""
        fields = (
            ("latest_epoch_ending_epoch", self.latest_epoch_ending_epoch),
            ("latest_state_snapshot_epoch", self.latest_state_snapshot_epoch),
            ("latest_state_snapshot_version", self.latest_state_snapshot_version),
            ("latest_transaction_version", self.latest_transaction_version),
        )
        return ", ".join(f"{name}: {'none' if value is None else value}" for name, value in fields)


def storage_state(index: Index) -> StorageState:
    """Stock's `get_storage_state`: greatest ends by value, but the snapshot by its selection up to any version."""
    epochs, transactions, snapshots = index.epoch_endings, index.transactions, index.state_snapshots
    snapshot = select_state_snapshot(snapshots, U64_MAX)
    record = None if snapshot is None else snapshots.record(snapshot)
    newest = record if isinstance(record, StateSnapshotRecord) else None
    return StorageState(
        latest_epoch_ending_epoch=int(epochs.last.max()) if len(epochs) else None,
        latest_state_snapshot_epoch=newest.epoch if newest else None,
        latest_state_snapshot_version=newest.version if newest else None,
        latest_transaction_version=int(transactions.last.max()) if len(transactions) else None,
    )
