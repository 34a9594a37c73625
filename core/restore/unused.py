"""The operator's choices that a restore does without, each with the reason: none of them is passed over in silence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.chain import Chain, SkipReason, named_rows
from core.columns import Lane
from core.model import LaneKind, end_of
from core.restore.model import RestorePreview


@dataclass(frozen=True, slots=True)
class UnusedChoice:
    """A manifest that was pinned or vetoed to no effect, and why, in words without text from the store."""

    manifest: str
    reason: str


def unused_pins(preview: RestorePreview) -> tuple[UnusedChoice, ...]:
    """The pins that are not used, by their handles."""
    pins = ((handle, why_unused(preview, handle)) for handle in sorted(preview.options.pins))
    return tuple(UnusedChoice(handle, why) for handle, why in pins if why is not None)


def unused_vetoes(preview: RestorePreview) -> tuple[UnusedChoice, ...]:
    """The vetoes that match nothing, by their handles: every other is heeded."""
    unknown = (handle for handle in sorted(preview.options.vetoes) if not _is_named(preview, handle))
    return tuple(UnusedChoice(handle, _NAMES_NOTHING) for handle in unknown)


def why_unused(preview: RestorePreview, handle: str) -> str | None:
    """Why a restore does without a pinned manifest; None where it is used.

    A snapshot is used where it is kept, and a restore gets as far: others of another place are no rivals to it.
    """
    reasons = list(_reasons(preview, handle))
    if None in reasons:
        return None
    if reasons:
        return reasons[0]
    return _ONLY_RETIRED if _is_named(preview, handle) else _NAMES_NOTHING


_NAMES_NOTHING: Final = "it names no manifest of this store"
_ONLY_RETIRED: Final = "only metadata_backup/ still names it, and nothing that it holds is missing"


def _is_named(preview: RestorePreview, handle: str) -> bool:
    lanes = (*preview.index.lanes.values(), *preview.snapshot.retired.lanes.values())
    return any(len(named_rows(lane.manifests, frozenset({handle}))) for lane in lanes)


def _reasons(preview: RestorePreview, handle: str) -> Iterator[str | None]:
    """For each entry that names the manifest why it is not used, or None."""
    for chain in (preview.transactions, preview.epoch_endings):
        for row in _rows(chain.lane, handle):
            yield _of_chain(preview, chain, row)
    for row in _rows(preview.snapshots.lane, handle):
        yield _of_snapshot(preview, row)


def _rows(lane: Lane, handle: str) -> list[int]:
    rows: list[int] = named_rows(lane.manifests, frozenset({handle})).tolist()
    return rows


def _of_chain(preview: RestorePreview, chain: Chain, row: int) -> str | None:
    reason = SkipReason(int(chain.reason[row]))
    unit = "epoch" if chain.lane.kind is LaneKind.EPOCH_ENDINGS else "version"
    first, last = int(chain.lane.first[row]), int(chain.lane.last[row])
    reaches = "nowhere" if chain.reaches is None else f"{unit} {chain.reaches:,}"
    nowhere = "no chain leads through it"
    others = len(preview.options.pins) > 1
    words = {
        SkipReason.INVERTED: f"it ends before it begins: {first:,} - {last:,}",
        SkipReason.ENDS_AT_LIMIT: f"it ends at {last:,}, where stock's arithmetic overflows",
        SkipReason.VETOED: "it is vetoed as well",
        SkipReason.ABOVE_TARGET: f"it begins at {unit} {first:,}, above the target {chain.target or 0:,}",
        SkipReason.NOT_REACHED: f"it lies beyond what any chain reaches, {reaches}",
        SkipReason.DOES_NOT_JOIN: f"{nowhere}: none gets to {unit} {first:,}, where it begins",
        SkipReason.DEAD_END: f"{nowhere} to {reaches}: nothing leads on from {unit} {end_of(last):,}, where it ends",
    }
    if reason is SkipReason.CHOSEN:
        return None
    return words.get(reason, f"no chain leads through {'all that you chose' if others else 'it'}")


def _of_snapshot(preview: RestorePreview, row: int) -> str | None:
    snapshots, best = preview.snapshots, preview.best
    version = int(snapshots.lane.first[row])
    if snapshots.outdone[row]:
        return "another snapshot of its version or its epoch is chosen as well, and only one can be kept"
    if not snapshots.usable[row]:
        return "it is vetoed as well"
    lands = preview.goal if best is None else best.lands_at
    if lands is not None and np.uint64(version) > np.uint64(lands):
        return f"it is at version {version:,}, above {lands:,}, as far as a restore gets"
    return None
