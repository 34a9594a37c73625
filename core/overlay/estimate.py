"""How much a restore will read, as far as that is known: manifests, chunks, bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.manifests import Evidence
from core.model import LaneKind
from core.recovery.model import Recovery


@dataclass(frozen=True, slots=True)
class RestoreSize:
    """What the best restore of a recovery reads: so many manifests, and of those that were looked at their chunks.

    `chunks` and `chunk_bytes` are sums over the `chunks_known` and `bytes_known` manifests of which they are known
    (levels 2 and 3 of a check); a derived manifest's chunks are always known, the bytes of a part of one are not.
    """

    manifests: int
    chunks: int
    chunks_known: int
    chunk_bytes: int
    bytes_known: int


def restore_size(recovery: Recovery, evidence: Evidence | None = None) -> RestoreSize:
    """The size of the best restore; all zeros where there is none."""
    derived = {each.record.manifest: each.end - each.begin for each in recovery.derived}
    manifests = chunks = chunks_known = chunk_bytes = bytes_known = 0
    for lane, handle in _read_manifests(recovery):
        manifests += 1
        facts = None if evidence is None else evidence.manifest(lane, handle)
        count = derived.get(handle, facts.chunk_count if facts and facts.range else None)
        if count is not None:
            chunks, chunks_known = chunks + count, chunks_known + 1
        if facts and facts.chunk_bytes is not None:
            chunk_bytes, bytes_known = chunk_bytes + facts.chunk_bytes, bytes_known + 1
    return RestoreSize(manifests, chunks, chunks_known, chunk_bytes, bytes_known)


def _read_manifests(recovery: Recovery) -> Iterator[tuple[LaneKind, str]]:
    """Lane and handle of each manifest that the best restore reads, each once."""
    best = recovery.preview.best
    if best is None:
        return
    snapshots = [best.tree_snapshot, best.tree_snapshot if best.kv_snapshot is None else best.kv_snapshot]
    read = {
        LaneKind.EPOCH_ENDINGS: best.epoch_endings,
        LaneKind.STATE_SNAPSHOTS: np.array(snapshots, dtype=np.int64),
        LaneKind.TRANSACTIONS: best.transactions,
    }
    for kind, rows in read.items():
        lane = recovery.index.lanes[kind]
        yield from ((kind, lane.manifest(row)) for row in rows[lane.manifests.take(rows).distinct()].tolist())
