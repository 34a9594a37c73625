"""What is visible now and what is to be: which entries go, which stay and which come, lane by lane."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from functools import cached_property
from typing import Final

import numpy as np

from core.columns import I64, Mask
from core.ground import AddedLine
from core.index import Index
from core.model import EpochEndingRecord, LaneKind, RangeRecord, StateSnapshotRecord, TransactionRecord
from core.recovery.model import Recovery
from core.stock import LANE_ORDER

_LANE_OF: Final = {
    TransactionRecord: LaneKind.TRANSACTIONS,
    EpochEndingRecord: LaneKind.EPOCH_ENDINGS,
    StateSnapshotRecord: LaneKind.STATE_SNAPSHOTS,
}


@dataclass(frozen=True, eq=False)
class Side:
    """One lane: masks over its rows of those that go, and the lines that come, in stock's order."""

    kind: LaneKind
    gone: Mask
    added: tuple[AddedLine, ...]

    @property
    def kept(self) -> Mask:
        """The rows that stay visible."""
        kept: Mask = ~self.gone
        return kept

    @cached_property
    def added_ranges(self) -> tuple[tuple[int, int], ...]:
        """The closed ranges of what comes, counted as names of files that hold many lines count."""
        return tuple(named_range(line.record) for line in self.added)


@dataclass(frozen=True, eq=False)
class Sides:
    """All lanes of a recovery; with `park_tail` the entries behind a true gap go as well."""

    recovery: Recovery
    park_tail: bool

    @property
    def index(self) -> Index:
        """The visible entries as they are now."""
        return self.recovery.snapshot.index

    @cached_property
    def lanes(self) -> Mapping[LaneKind, Side]:
        """Every lane in the order in which stock works through them."""
        return {kind: self._side(kind) for kind in LANE_ORDER}

    @cached_property
    def rejected(self) -> tuple[RangeRecord, ...]:
        """The entries that go for good: what the journal keeps so that they are known should they come back."""
        return self._records(self.recovery.rejected)

    @cached_property
    def parked(self) -> tuple[RangeRecord, ...]:
        """The entries that go only until the gap before them is closed."""
        return self._records(self.recovery.tail) if self.park_tail else ()

    @property
    def added(self) -> tuple[RangeRecord, ...]:
        """All entries that come."""
        return tuple(line.record for side in self.lanes.values() for line in side.added)

    @cached_property
    def twin_snapshots(self) -> tuple[StateSnapshotRecord, ...]:
        """The snapshots that are to be visible of the first epoch that has several, by version; () where none has."""
        side, lane = self.lanes[LaneKind.STATE_SNAPSHOTS], self.index.state_snapshots
        added = [line.record for line in side.added if isinstance(line.record, StateSnapshotRecord)]
        epochs = [] if lane.epoch is None else lane.epoch[side.kept].tolist()
        twice = [epoch for epoch, times in Counter((*epochs, *(each.epoch for each in added))).items() if times > 1]
        if not twice:
            return ()
        visible = (lane.record(row) for row in np.flatnonzero(side.kept & (lane.epoch == min(twice))).tolist())
        twins = [each for each in (*visible, *added) if isinstance(each, StateSnapshotRecord)]
        return tuple(sorted((each for each in twins if each.epoch == min(twice)), key=lambda each: each.version))

    @property
    def idle(self) -> bool:
        """Whether every entry that is visible stays so, and none comes."""
        return not any(side.gone.any() or side.added for side in self.lanes.values())

    def _records(self, rows: Mapping[LaneKind, I64]) -> tuple[RangeRecord, ...]:
        lanes = ((self.index.lanes[kind], rows[kind]) for kind in LANE_ORDER)
        return tuple(lane.record(row) for lane, some in lanes for row in some.tolist())

    def _side(self, kind: LaneKind) -> Side:
        gone = np.zeros(len(self.index.lanes[kind]), dtype=np.bool_)
        gone[self.recovery.rejected[kind]] = True
        if self.park_tail:
            gone[self.recovery.tail[kind]] = True
        added = [line for line in self.recovery.added if lane_of(line.record) is kind]
        return Side(kind, gone, tuple(sorted(added, key=lambda line: sort_key(line.record))))


def lane_of(record: RangeRecord) -> LaneKind:
    """The lane that an entry belongs to."""
    return _LANE_OF[type(record)]


def named_range(record: RangeRecord) -> tuple[int, int]:
    """The closed range of an entry in versions, or, unlike that of a lane, for snapshots in epochs."""
    if isinstance(record, TransactionRecord):
        return record.first_version, record.last_version
    if isinstance(record, StateSnapshotRecord):
        return record.epoch, record.epoch
    return record.first_epoch, record.last_epoch


def sort_key(record: RangeRecord) -> tuple[int | str, ...]:
    """Stock's order within a lane: Python compares text by code points, which is the order of its bytes in UTF-8."""
    return astuple(record)
