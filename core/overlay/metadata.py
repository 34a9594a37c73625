"""The clean metadata of an overlay: the chain's lines and nothing that stock would stumble over.

Names are the overlay's own and say what is in them, since stock keeps files by name and never reads one again
(`hazards.md`, `stale-cache-same-handle`).
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import Final

import numpy as np

from core.codec import encode_record
from core.columns import I64, Mask
from core.content import lane_text
from core.index import Index
from core.model import LaneKind
from core.recovery.model import Recovery
from core.restore import BestRestore

#: Lines in one file: some 15 MB, far below what a metadata file may hold.
LINES_PER_FILE: Final = 100_000
_NAMES: Final = {
    LaneKind.EPOCH_ENDINGS: "epoch_ending_overlay",
    LaneKind.STATE_SNAPSHOTS: "state_snapshot_overlay",
    LaneKind.TRANSACTIONS: "transaction_overlay",
}


def history_start(recovery: Recovery, best: BestRestore) -> int | None:
    """The history start that stock is to be given: none where no snapshot is old enough for the wish."""
    return None if best.kv_snapshot is None else recovery.preview.options.ledger_history_start


def chosen_rows(recovery: Recovery, best: BestRestore) -> dict[LaneKind, I64]:
    """The rows (int64, ascending, of `recovery.index`) that stock is to see.

    The transactions of the chain up to where the restore lands, all epoch endings of theirs, and the snapshots.
    """
    chain = recovery.preview.transactions
    transactions = chain.rows[chain.lane.first[chain.rows] <= np.uint64(best.lands_at)]
    return {
        LaneKind.EPOCH_ENDINGS: np.sort(recovery.preview.epoch_endings.rows),
        LaneKind.STATE_SNAPSHOTS: _snapshot_rows(recovery, best),
        LaneKind.TRANSACTIONS: np.sort(transactions),
    }


def _snapshot_rows(recovery: Recovery, best: BestRestore) -> I64:
    """Every sound snapshot that serves a lower target, except those that stock would take instead of the chosen ones.

    Stock takes the last in its order that is old enough (`format.md`, "Selection").
    """
    lane = recovery.index.state_snapshots
    rows = np.arange(best.tree_snapshot + 1, dtype=np.int64)
    keep: Mask = recovery.preview.snapshots.usable[rows] & (lane.first[rows] <= np.uint64(best.lands_at))
    seen = recovery.snapshot.index.state_snapshots
    rejected = {seen.record(row) for row in recovery.rejected[LaneKind.STATE_SNAPSHOTS].tolist()}
    if rejected:
        keep &= np.array([lane.record(row) not in rejected for row in rows.tolist()], dtype=np.bool_)
    start = history_start(recovery, best)
    if start is not None and best.kv_snapshot is not None:
        keep &= (rows <= best.kv_snapshot) | (lane.first[rows] > np.uint64(start))
    keep[best.tree_snapshot] = True
    return np.flatnonzero(keep)


def metadata_files(recovery: Recovery, rows: dict[LaneKind, I64]) -> Iterator[tuple[str, bytes]]:
    """Handle and content of each metadata file: the identity of the store, then the lanes."""
    yield from _identity(recovery)
    for kind, name in _NAMES.items():
        yield from _lane_files(recovery.index, kind, name, rows[kind])


def _identity(recovery: Recovery) -> Iterator[tuple[str, bytes]]:
    """The first identity that is visible, else one that compaction has retired (`identity-evicted`)."""
    for record, _ in (*recovery.index.identities, *recovery.snapshot.retired.identities):
        content = encode_record(record)
        yield f"metadata/identity_overlay_{_digest(content)}.meta", content
        return


def _lane_files(index: Index, kind: LaneKind, name: str, rows: I64) -> Iterator[tuple[str, bytes]]:
    lane = index.lanes[kind]
    for start in range(0, len(rows), LINES_PER_FILE):
        part = rows[start : start + LINES_PER_FILE]
        text = lane_text(index, kind, range(int(part[0]), int(part[-1]) + 1))
        content = b"".join(text.pieces_of(part))
        first, last = int(lane.first[part].min()), int(lane.last[part].max())
        yield f"metadata/{name}_{first}-{last}_{_digest(content)}.meta", content


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=4, person=b"overlay").hexdigest()
