"""Entries that are wrong in themselves, and what they do to stock's arithmetic."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from core.columns import Lane
from core.findings import commands
from core.findings.build import finding, some_entries
from core.findings.case import CHAINED, Case
from core.findings.registry import detector
from core.findings.verdicts import continuity, refusal, works_today
from core.model import U64_MAX, Finding, LaneKind, Severity
from core.phrases import count, entries, shown, span
from core.stock import max_transaction_version
from core.stock.failure import ADD_OVERFLOW

#: More such entries than this in one lane are told by their number.
_MOST_ROWS = 50


@detector("inverted-range")
def inverted(case: Case) -> Iterator[Finding]:
    """Entries that end before they begin."""
    for kind in CHAINED:
        lane = case.lane(kind)
        rows = np.flatnonzero(lane.first > lane.last)
        for row in rows[:_MOST_ROWS].tolist():
            yield _inverted(case, lane, row, len(rows))


def _inverted(case: Case, lane: Lane, row: int, total: int) -> Finding:
    first, last = int(lane.first[row]), int(lane.last[row])
    broken = _stops_at(lane, row)
    effect = "Stock takes it as it is."
    if broken is not None:
        effect = "Stock stops there."
    elif lane.kind is LaneKind.TRANSACTIONS and row == len(lane) - 1:
        effect = (
            f"It sorts last, so stock takes {last:,} for the greatest version: a full restore ends there and reports "
            f"success, though the entries reach {case.greatest_version or 0:,}."
        )
    others = f" There are {total:,} such entries." if total > 1 else ""
    return finding(
        "inverted-range",
        lane=lane.kind,
        range_=(last, first),
        severity=Severity.CRITICAL if broken else Severity.ERROR,
        explanation=f"An entry runs from {lane.kind.unit} {first:,} down to {last:,}: {shown(lane.manifest(row))}. "
        f"{effect}{others} {works_today(case)}",
        cause="A line edited by hand, a faulty tool or a damaged file. Nothing in stock checks an entry when it loads "
        "it.",
        next_step=_way_on(case, lane, row),
        then="" if case.takes_repair else commands.ONCE_SETTLED,
        stock_says=broken,
        entries=some_entries(lane, [row]),
    )


def _way_on(case: Case, lane: Lane, row: int) -> str:
    """A repair rejects an entry that no chain can use."""
    claim = lane.claims(row)[0]
    return commands.repair(case) if case.takes_repair else commands.look_at(case, claim.file, claim.line)


def _stops_at(lane: Lane, row: int) -> str | None:
    """What stock says at the entry or at the one behind it, if they do not go on from the entry before."""
    if row == 0 and lane.first[0]:
        return continuity(lane.kind, 0, int(lane.first[0]))
    refused = refusal(lane, range(max(0, row - 1), min(len(lane), row + 2)))
    return refused.message if refused else None


@detector("version-u64-max")
def endless(case: Case) -> Iterator[Finding]:
    """Entries that end at the greatest number there is."""
    for kind in CHAINED:
        lane = case.lane(kind)
        rows = np.flatnonzero(lane.last == np.uint64(U64_MAX))
        if len(rows):
            first = int(lane.first[rows].min())
            yield finding(
                "version-u64-max",
                lane=kind,
                range_=(first, U64_MAX),
                severity=Severity.CRITICAL,
                explanation=f"{entries(len(rows), kind)} end{'s' if len(rows) == 1 else ''} at {U64_MAX:,}, the "
                f"greatest number there is; stock adds one to it and the process aborts. {works_today(case)}",
                cause="A damaged or hostile line: no chain has that many versions.",
                next_step=_way_on(case, lane, int(rows[0])),
                then="" if case.takes_repair else commands.ONCE_SETTLED,
                stock_says=ADD_OVERFLOW,
                entries=some_entries(lane, rows),
            )


@detector("max-by-first")
def two_newest_versions(case: Case) -> Iterator[Finding]:
    """The entry that begins last is not the one that ends last."""
    lane = case.lane(LaneKind.TRANSACTIONS)
    by_order = max_transaction_version(lane)
    if by_order is None:
        return
    row = int(np.argmax(lane.last))
    greatest = int(lane.last[row])
    if greatest != by_order:
        yield finding(
            "max-by-first",
            lane=LaneKind.TRANSACTIONS,
            range_=(int(lane.first[row]), greatest) if lane.first[row] <= lane.last[row] else None,
            explanation=f"Stock's status shows {greatest:,} as the newest version, but its restore aims at "
            f"{by_order:,} at most: it takes the end of the entry that begins last. "
            f"{count(greatest - by_order, 'version is', 'versions are')} left out.",
            cause="An entry that begins later ends earlier: a second writer with smaller batches, or a one-off backup.",
            next_step=commands.restore_plan(case),
            entries=some_entries(lane, [row, len(lane) - 1]),
        )


@detector("epoch-version-disorder")
def epoch_versions(case: Case) -> Iterator[Finding]:
    """Epoch endings whose versions can't be: falling, or two for one epoch."""
    lane = case.lane(LaneKind.EPOCH_ENDINGS)
    falling = lane.first_version > lane.last_version
    double = (lane.first == lane.last) & (lane.first_version != lane.last_version)
    not_rising = np.zeros(len(lane), dtype=np.bool_)
    follows = lane.first[1:] > lane.last[:-1]
    not_rising[1:] = follows & (lane.first_version[1:] <= lane.last_version[:-1])
    rows = np.flatnonzero(falling | double | not_rising)
    for row in rows[:_MOST_ROWS].tolist():
        first, last = int(lane.first[row]), int(lane.last[row])
        from_version, to_version = int(lane.first_version[row]), int(lane.last_version[row])
        if falling[row]:
            what = f"its versions fall from {from_version:,} to {to_version:,}"
        elif double[row]:
            what = f"it is one epoch but has two versions, {from_version:,} and {to_version:,}"
        else:
            what = f"it begins at version {from_version:,}, not above {int(lane.last_version[row - 1]):,} before it"
        yield finding(
            "epoch-version-disorder",
            lane=LaneKind.EPOCH_ENDINGS,
            range_=(min(first, last), max(first, last)),
            explanation=f"The entry for {span(LaneKind.EPOCH_ENDINGS, first, last)} can't be: {what}. Stock selects by "
            f"these versions. {count(len(rows), 'entry is', 'entries are')} like that.",
            cause="A line edited by hand, or a redirected handle. The versions are taken from the first and last "
            "waypoint when the line is written; the manifest still has them.",
            next_step=commands.compare(case, lane.manifest(row)),
            then=commands.COMPARED,
            entries=some_entries(lane, [row]),
        )
