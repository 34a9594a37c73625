"""What the doctor says of a storage: one result for each thing that was looked at or tried."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class CheckState(StrEnum):
    """How a check ended."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"
    UNTRIED = "untried"


class Bars(IntEnum):
    """What a result keeps an operator from, the greater the worse."""

    NOTHING = 0
    WRITING = 1
    READING = 2


@dataclass(frozen=True, slots=True)
class Result:
    """One answer: `seen` are facts and numbers, `why` what they mean, `next_step` what to paste or do next.

    `id` is the check's own, or that of a hazard (`hazards.md`); several results may share one.
    """

    id: str
    title: str
    state: CheckState
    seen: str
    why: str = ""
    next_step: str = ""
    bars: Bars = Bars.NOTHING


@dataclass(frozen=True, slots=True)
class Examination:
    """Everything that was found out about one store."""

    location: str
    results: tuple[Result, ...]

    @property
    def bars(self) -> Bars:
        """What the worst result keeps an operator from."""
        return max((each.bars for each in self.results), default=Bars.NOTHING)

    @property
    def word(self) -> str:
        """`well`, `usable` (something is to be known), `no-writing` or `unreachable`."""
        if self.bars is not Bars.NOTHING:
            return "unreachable" if self.bars is Bars.READING else "no-writing"
        return "well" if all(each.state is CheckState.OK for each in self.results) else "usable"
