"""What a hazard means for a restore: stock's words at an entry, how bad that is, and what works all the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.columns import I64, Lane
from core.findings.case import Case
from core.model import LaneKind, Severity
from core.stock.failure import ADD_OVERFLOW
from core.stock.selection import CONTINUITY_WORDS
from core.stock.walk import first_offence


@dataclass(frozen=True, slots=True)
class Refusal:
    """Stock stops at `row` of a lane with `message`; `expected` is the start it wanted, None for an overflow."""

    row: int
    expected: int | None
    message: str


def refusal(lane: Lane, rows: I64 | Sequence[int]) -> Refusal | None:
    """Where stock's walk stops within `rows` (in stock's order), were it to come as far as the first of them."""
    places = np.asarray(rows, dtype=np.int64)
    offence = first_offence(lane.first[places], lane.last[places], len(places))
    if offence is None:
        return None
    row = int(places[offence.row])
    if offence.expected is None:
        return Refusal(row, None, ADD_OVERFLOW)
    return Refusal(row, offence.expected, continuity(lane.kind, offence.expected, offence.got))


def continuity(kind: LaneKind, expected: int, got: int) -> str:
    """Stock's message where a lane does not go on."""
    return CONTINUITY_WORDS[kind].format(expected, got)


def severity_at(case: Case, lane: Lane, row: int) -> Severity:
    """How bad it is that stock stops at `row`: critical unless all targets lie below the entry."""
    greatest = case.greatest_version
    reached = greatest is None or int(lane.first_version[row]) <= greatest
    return Severity.CRITICAL if reached else Severity.ERROR


def severities_at(case: Case, lane: Lane, rows: I64) -> list[Severity]:
    """The same for many rows (int64)."""
    greatest = case.greatest_version
    if greatest is None:
        return [Severity.CRITICAL] * len(rows)
    reached = lane.first_version[rows] <= np.uint64(greatest)
    return [Severity.CRITICAL if each else Severity.ERROR for each in reached.tolist()]


def effect(case: Case, lane: Lane, refused: Refusal) -> str:
    """What it means for a restore that stock stops at an entry; in an order of its own when it stops before as well."""
    begins = int(lane.first_version[refused.row])
    targets = "every restore" if begins == 0 else f"every restore to version {begins:,} or later"
    got = f"gets {int(lane.first[refused.row]):,}"
    what = got if refused.expected is None else f"expects {lane.kind.unit} {refused.expected:,} there and {got}"
    earlier = case.works_to is None or case.works_to + 1 < begins
    first = " It stops at another entry before that already." if earlier and begins else ""
    return f"Stock {what}: {targets} stops.{first}"


def works_today(case: Case) -> str:
    """What stock can restore as the store is."""
    if case.load_error is not None:
        return "Today stock can't load the store at all."
    return (
        "Today stock restores nothing."
        if case.works_to is None
        else f"Today stock restores up to version {case.works_to:,}."
    )
