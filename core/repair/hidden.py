"""What a repair that parks the tail hides from stock, and for how long: to be said before anything else of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.model import LaneKind, RangeRecord
from core.phrases import entries, listed, shown, span
from core.repair.sides import lane_of, named_range


def hidden_words(parked: Sequence[RangeRecord], restorable_to: int | None) -> Iterator[str]:
    """The ranges that stock no longer sees, how many entries, and how far it then restores; nothing without any."""
    if not parked:
        return
    lanes = ((kind, [record for record in parked if lane_of(record) is kind]) for kind in LaneKind)
    ranges = [_lane_words(kind, records) for kind, records in lanes if records]
    yield f"HIDES {' and '.join(ranges)} from stock."
    reach = "nothing" if restorable_to is None else f"only to {restorable_to:,}"
    yield f"Stock restores {reach} until this repair is undone, or another one finds the gap closed."
    manifests = [shown(record.manifest) for record in parked[:3]]
    yield f"Their manifests stay where they are: {listed(manifests, len(parked))}."


def _lane_words(kind: LaneKind, records: Sequence[RangeRecord]) -> str:
    ranges = [named_range(record) for record in records]
    where = span(kind, min(first for first, _ in ranges), max(last for _, last in ranges))
    return f"{where} ({entries(len(records), kind)})"
