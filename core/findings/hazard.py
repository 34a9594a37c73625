"""What is known of one hazard: the fixed part of every finding of its kind, and of the help."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from core.model import Severity


@dataclass(frozen=True, slots=True)
class Hazard:
    """One row of the catalogue (`hazards.md`).

    `title` is what a list of problems calls it, one to three words; `level` the least level of `check` that can see it
    (0 names and sizes, 1 lines, 2 manifests, 3 chunk files, 4 their records), None when one look at a store can't;
    `severity` what it has unless a detector knows better; `group` the chapter; `summary` one or two sentences. `blocks`
    is set where no change is planned before it is settled: the least is to be seen to first.
    """

    id: str
    title: str
    level: int | None
    severity: Severity
    group: str
    summary: str
    blocks: int | None = None


Row: TypeAlias = tuple[str, str, int | None, Severity, str]


def hazards(group: str, rows: Iterable[Row]) -> tuple[Hazard, ...]:
    """Rows of id, title, level, severity and summary as the hazards of one group."""
    return tuple(Hazard(id_, title, level, severity, group, summary) for id_, title, level, severity, summary in rows)
