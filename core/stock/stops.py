"""Where a run of stock's compaction ends early, and with which words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from core.columns import Lane
from core.model import LaneKind
from core.stock.failure import ADD_OVERFLOW
from core.stock.walk import first_offence

_CONTINUITY_WORDS: Final = {
    LaneKind.EPOCH_ENDINGS: "Epoch ending backup ranges is not continuous expecting epoch {}, got {}",
    LaneKind.TRANSACTIONS: "txn backup ranges is not continuous expecting version {}, got {}.",
}


class Step(StrEnum):
    """Where in a run stock is."""

    LOAD = "load"
    COMPACT = "compact"
    STAMP = "stamp"
    MOVE = "move"


@dataclass(frozen=True, slots=True)
class CompactionStop:
    """Where and with which words a run ends early.

    In step COMPACT: the lane, the number of the group and the row that stock refuses (both None for a factor of 0),
    and the start that it expected (None for an overflow). In STAMP and MOVE: the handle concerned.
    """

    step: Step
    message: str
    panic: bool = False
    lane: LaneKind | None = None
    group: int | None = None
    row: int | None = None
    expected: int | None = None
    handle: str | None = None


def lane_stop(lane: Lane, factor: int) -> CompactionStop | None:
    """Where stock stops while it compacts `lane`; state snapshots are compared with nothing."""
    if not factor:
        return CompactionStop(Step.COMPACT, "chunk size must be non-zero", panic=True, lane=lane.kind)
    if lane.kind not in _CONTINUITY_WORDS:
        return None
    offence = first_offence(lane.first, lane.last, factor)
    if offence is None:
        return None
    overflow = offence.expected is None
    message = ADD_OVERFLOW if overflow else _CONTINUITY_WORDS[lane.kind].format(offence.expected, offence.got)
    group = offence.row // factor
    return CompactionStop(Step.COMPACT, message, overflow, lane.kind, group, offence.row, expected=offence.expected)
