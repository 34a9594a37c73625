"""Plans an overlay: which lines stock is to see, and the proof by stock's own rules that it then restores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from core.columns import I64
from core.errors import Refused, StoreUnreachable
from core.gather import index_of
from core.index import Index
from core.invocation import Advice, RestorePlan
from core.lane_difference import equal_entries
from core.model import LaneKind
from core.names import handle_problem
from core.overlay.metadata import chosen_rows, history_start, metadata_files
from core.overlay.model import Overlay
from core.overlay.origin import origin_of
from core.phrases import shown
from core.recovery.model import Recovery
from core.restore import BestRestore, verdict
from core.snapshot import Snapshot
from core.stock import StockFailure, StockPlan, restore_plan
from core.storage.protocol import Listed, ListedKind


def plan_overlay(recovery: Recovery, location: str, now: int) -> Overlay:
    """The overlay that lets stock carry out the best restore of a recovery.

    The same recovery gives the same overlay, down to the byte. Nothing is read but the configuration that `location`
    may name. Raises `Refused` where nothing can be restored, `StoreUnreachable` for a look that was stopped, and
    `UsageError`.
    """
    best = _possible(recovery, location)
    rows = chosen_rows(recovery, best)
    files = {**dict(metadata_files(recovery, rows)), **_derived(recovery, rows)}
    view = _view(recovery.snapshot, files, now)
    _require_restore(recovery, best, view.index)
    origin = origin_of(location, recovery.snapshot.index)
    return Overlay(location, recovery, best, history_start(recovery, best), origin, files, verdict(view))


def _possible(recovery: Recovery, location: str) -> BestRestore:
    if not recovery.snapshot.index.complete:
        raise StoreUnreachable("only a part of metadata/ has been read", hint="look again, to the end")
    best = recovery.preview.best
    if best is None:
        hazard = next((note.kind for note in recovery.preview.notes), "snapshot-none")
        hint = Advice(RestorePlan(location), " says what is missing")
        raise Refused(hazard, "there is nothing that an overlay could show: no restore is possible", hint=hint)
    return best


def _derived(recovery: Recovery, rows: Mapping[LaneKind, I64]) -> dict[str, bytes]:
    """The derived manifests that a chosen line names."""
    lanes = {derived.lane for derived in recovery.derived}
    named = {recovery.index.lanes[lane].manifest(row) for lane in lanes for row in rows[lane].tolist()}
    found = {each.record.manifest: each.content for each in recovery.derived if each.record.manifest in named}
    for handle in found:
        if handle_problem(handle) or handle.startswith("metadata/") or "/" not in handle:
            raise Refused("path-traversal-read", f"a derived manifest can't be kept as {shown(handle)!r}")
    return found


def _view(snapshot: Snapshot, files: Mapping[str, bytes], now: int) -> Snapshot:
    """A look at the store through the overlay."""
    metadata = [
        (Listed(handle, ListedKind.FILE, len(content), float(now)), content)
        for handle, content in files.items()
        if handle.startswith("metadata/")
    ]
    seen, retired = index_of("metadata", metadata), index_of("metadata_backup", ())
    return replace(snapshot, taken_at=float(now), index=seen, retired=retired, root=(), gone=())


def _require_restore(recovery: Recovery, best: BestRestore, index: Index) -> None:
    """Raises `Refused` unless stock, shown these lines, makes of them the restore that was planned."""
    try:
        plan = restore_plan(index, best.lands_at, history_start(recovery, best))
    except StockFailure as failure:
        raise Refused("gap-range", f"stock would not restore through this overlay: {shown(failure.message)}") from None
    ours, theirs = _rows_read(best), _rows_read(plan)
    same = all(equal_entries(recovery.index.lanes[kind], ours[kind], index.lanes[kind], theirs[kind]) for kind in ours)
    if plan.lands_at != best.lands_at or not same:
        raise Refused("gap-below-target", f"stock would restore to {plan.lands_at}, not as planned to {best.lands_at}")


def _rows_read(plan: BestRestore | StockPlan) -> dict[LaneKind, I64]:
    """The rows that a plan reads; where there is no snapshot for keys and values, the tree's is taken."""
    kv = plan.tree_snapshot if plan.kv_snapshot is None else plan.kv_snapshot
    return {
        LaneKind.EPOCH_ENDINGS: plan.epoch_endings,
        LaneKind.STATE_SNAPSHOTS: np.array([plan.tree_snapshot, kv], dtype=np.int64),
        LaneKind.TRANSACTIONS: plan.transactions,
    }
