"""Where epochs end, as far as epoch endings tell: a state snapshot is right only at the last version of its epoch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.columns import I64, U64, Lane

#: An epoch that is told to end at more versions than this has none of them to rely on.
_MOST_VERSIONS: Final = 64


class EpochStanding(IntEnum):
    """What the epoch endings say of a snapshot; the greater, the better."""

    ELSEWHERE = 0
    """Its epoch ends at another version."""
    UNKNOWN = 1
    """They do not say where its epoch ends."""
    AGREES = 2
    """Its epoch ends at its version."""


@dataclass(frozen=True, slots=True, eq=False)
class EpochEnds:
    """All (`epoch`, `version` of its end) that some epoch endings name (uint64), sorted, each pair once."""

    epoch: U64
    version: U64

    @classmethod
    def told_by(cls, lane: Lane, rows: I64 | None = None) -> EpochEnds:
        """What the entries of an epoch lane tell, of all of them or of some `rows` (int64): both ends of each."""
        some = np.arange(len(lane), dtype=np.int64) if rows is None else rows
        epoch = np.concatenate((lane.last[some], lane.first[some]))
        version = np.concatenate((lane.last_version[some], lane.first_version[some]))
        order = np.lexsort((version, epoch))
        epoch, version = epoch[order], version[order]
        fresh = np.ones(len(epoch), dtype=np.bool_)
        fresh[1:] = (epoch[1:] != epoch[:-1]) | (version[1:] != version[:-1])
        return cls(epoch[fresh], version[fresh])

    def standing(self, snapshots: Lane) -> NDArray[np.uint8]:
        """An `EpochStanding` for each row of a lane of state snapshots."""
        standing = np.full(len(snapshots), EpochStanding.UNKNOWN, dtype=np.uint8)
        if snapshots.epoch is None or not len(self.epoch):
            return standing
        low = np.searchsorted(self.epoch, snapshots.epoch, "left")
        high = np.searchsorted(self.epoch, snapshots.epoch, "right")
        known = np.flatnonzero(high > low)
        standing[known] = EpochStanding.ELSEWHERE
        for step in range(_MOST_VERSIONS):
            place = np.minimum(low[known] + step, high[known] - 1)
            agrees = self.version[place] == snapshots.first[known]
            standing[known[agrees]] = EpochStanding.AGREES
            known = known[~agrees]
            if not len(known):
                break
        return standing

    def end_of(self, epoch: int) -> int:
        """The least version at which `epoch`, which is known to end, is told to end."""
        return int(self.version[np.searchsorted(self.epoch, np.uint64(epoch))])
