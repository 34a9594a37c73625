"""Why entries are not read by a restore: one code an entry, grouped into runs that share a reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.chain import SkipReason
from core.columns import I64, Lane

#: Reasons that are as good for a thousand neighbours as for one; any other entry stands alone.
_SHARED: Final = (
    SkipReason.VETOED,
    SkipReason.BELOW_START,
    SkipReason.ABOVE_TARGET,
    SkipReason.NOT_REACHED,
    SkipReason.NOT_NEEDED,
)


@dataclass(frozen=True, slots=True)
class SkippedRun:
    """Neighbouring rows `first_row` to `last_row`, all left out for one reason; they reach from `first` to `last`.

    `why` says it of the first of them.
    """

    first_row: int
    last_row: int
    first: int
    last: int
    reason: SkipReason
    why: str

    @property
    def count(self) -> int:
        """How many entries they are."""
        return self.last_row + 1 - self.first_row


@dataclass(frozen=True, slots=True, eq=False)
class LeftOut:
    """The reasons of one lane: `reason` is a `SkipReason` for each row (uint8), `words` says it for one row."""

    lane: Lane = field(repr=False)
    reason: NDArray[np.uint8] = field(repr=False)
    words: Callable[[int], str] = field(repr=False)

    def why(self, row: int) -> str:
        """Why one row is left out, in a few words without text from the store."""
        return self.words(row)

    def rows(self) -> I64:
        """The rows (int64) that are left out, in stock's order."""
        return np.flatnonzero(self.reason != SkipReason.CHOSEN)

    def runs(self) -> Runs:
        """The same rows, neighbours with one reason taken together."""
        begins = np.ones(len(self.reason), dtype=np.bool_)
        begins[1:] = (self.reason[1:] != self.reason[:-1]) | ~np.isin(self.reason[1:], _SHARED)
        start = np.flatnonzero(begins)
        end = np.append(start[1:], len(self.reason))[: len(start)]
        out = self.reason[start] != SkipReason.CHOSEN
        return Runs(self, start[out], end[out])


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """Runs as columns, made into objects one at a time: run i is the rows [start[i], end[i]) (int64)."""

    left_out: LeftOut
    start: I64
    end: I64

    def __len__(self) -> int:
        return len(self.start)

    def __getitem__(self, number: int) -> SkippedRun:
        first_row, end_row = int(self.start[number]), int(self.end[number])
        lane = self.left_out.lane
        first, last = int(lane.first[first_row]), int(lane.last[first_row:end_row].max())
        reason = SkipReason(int(self.left_out.reason[first_row]))
        return SkippedRun(first_row, end_row - 1, first, last, reason, self.left_out.why(first_row))
