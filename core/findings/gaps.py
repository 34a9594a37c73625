"""Versions and epochs that no entry covers, and what could fill them (`hazards.md`, "Ranges")."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from functools import partial
from typing import Final

import numpy as np

from core.findings import commands
from core.findings.build import finding, some_claims, some_entries
from core.findings.case import CHAINED, Case
from core.findings.later import later
from core.findings.recovery import Survivors, survivors, way_back
from core.findings.registry import detector
from core.findings.sweep import Gap
from core.findings.verdicts import continuity, severities_at, severity_at, works_today
from core.model import Finding, LaneKind, Severity, end_of
from core.phrases import count, entries, listed, shown, size, span

_KINDS: Final = {LaneKind.TRANSACTIONS: "gap-range", LaneKind.EPOCH_ENDINGS: "epoch-gap"}
_CAUSE: Final = (
    "A metadata file was lost, emptied or cut off, or a coordinator went on from the wrong version. Coordinators "
    "resume from the greatest version they see, so the hole is never filled by itself."
)


@detector("gap-range", "epoch-gap", "no-zero-start")
def gaps(case: Case) -> Iterator[Finding]:
    """Ranges that no entry covers, one finding each, with what survives of them."""
    for kind in CHAINED:
        swept = case.sweeps[kind]
        severity = severities_at(case, case.lane(kind), swept.gap_rows)
        kinds = [_KINDS[kind] if first else "no-zero-start" for first in swept.gap_first.tolist()]
        make = partial(_gap, case, kind)
        yield from later(make, range(len(kinds)), kind, swept.gap_first, swept.gap_last, kinds, severity)


def _gap(case: Case, kind: LaneKind, number: int) -> Finding:
    lane, gap = case.lane(kind), case.sweeps[kind].gap(number)
    got = int(lane.first[gap.next_row])
    found = survivors(case, kind, gap.first, gap.last)
    begins = int(lane.first_version[gap.next_row])
    where = f"{span(kind, gap.first, gap.last)} ({size(kind, gap.first, gap.last)})"
    reach = "any version" if gap.first == 0 and begins == 0 else f"version {begins:,} or later"
    return finding(
        _KINDS[kind] if gap.first else "no-zero-start",
        lane=kind,
        range_=(gap.first, gap.last),
        severity=severity_at(case, lane, gap.next_row),
        explanation=f"No entry covers {where}: every restore to {reach} stops. {found.text}{_folders(case, kind, gap)} "
        f"{works_today(case)}",
        cause=_CAUSE if gap.first else "The entry that begins at 0 was lost, or the backup was started later.",
        next_step=way_to_fill(case, kind, gap, found),
        stock_says=continuity(kind, gap.first, got),
        entries=some_entries(lane, _beside(gap)),
        claims=found.claims,
    )


def _beside(gap: Gap) -> range:
    """The rows on both sides of a gap."""
    return range(max(0, gap.next_row - 1), gap.next_row + 1)


def way_to_fill(case: Case, kind: LaneKind, gap: Gap, found: Survivors) -> str:
    """What brings back what survives of a gap, else its backup."""
    again = commands.back_up(case, kind, gap.first, gap.last)
    return way_back(case, kind, gap.first, found, again) if found.covers else again


def _folders(case: Case, kind: LaneKind, gap: Gap) -> str:
    """Backup folders that begin inside the gap: nobody points to them, as no entry covers it."""
    folders = case.backup_folders.get(kind, [])
    low, high = (bisect_left(folders, (end,)) for end in (gap.first, end_of(gap.last)))
    inside = [shown(name) for _, name in folders[low:high]]
    if not inside:
        return ""
    return f" {count(len(inside), 'backup folder begins', 'backup folders begin')} inside it: {listed(inside)}."


@detector("gap-below-target")
def silently_short(case: Case) -> Iterator[Finding]:
    """Targets inside a gap, for which stock restores less than was asked for and says nothing."""
    swept = case.sweeps[LaneKind.TRANSACTIONS]
    numbers = np.flatnonzero(swept.gap_first).tolist()
    make = partial(_silently_short, case)
    yield from later(make, numbers, LaneKind.TRANSACTIONS, swept.gap_first, swept.gap_last, "gap-below-target")


def _silently_short(case: Case, number: int) -> Finding:
    gap = case.sweeps[LaneKind.TRANSACTIONS].gap(number)
    where = span(LaneKind.TRANSACTIONS, gap.first, gap.last)
    return finding(
        "gap-below-target",
        lane=LaneKind.TRANSACTIONS,
        range_=(gap.first, gap.last),
        explanation=f"A restore to any of {where} ends at version {gap.first - 1:,} at best and reports success.",
        cause="Stock stops selecting at the first entry that begins above the target, before it would notice "
        "that the entries do not reach it.",
        next_step=commands.restore_plan(case, gap.last),
        entries=some_entries(case.lane(LaneKind.TRANSACTIONS), _beside(gap)),
    )


@detector("gap-range", "epoch-gap")
def lost_tail(case: Case) -> Iterator[Finding]:
    """Entries above all visible ones that survive only in `metadata_backup/`: stock restores less, without a word."""
    for kind in CHAINED:
        lane, rows = case.retired.lanes[kind], case.recoverable[kind]
        end = int(case.lane(kind).last.max()) if len(case.lane(kind)) else -1
        above = rows[(lane.first[rows] <= lane.last[rows]) & _above(lane.first[rows], end)]
        if len(above):
            first, last = int(lane.first[above[0]]), int(np.max(lane.last[above]))
            found = survivors(case, kind, first, last)
            yield finding(
                _KINDS[kind],
                lane=kind,
                range_=(first, last),
                severity=Severity.ERROR,
                explanation=f"{entries(len(above), kind)} for {span(kind, first, last)} are in no file of metadata/ "
                f"any more. {found.text} Stock does not miss them: it restores less and reports success. "
                f"{works_today(case)}",
                cause="A repair parked them behind a gap, a compaction moved the originals away although the file that "
                "should hold their lines does not, or a compacted file was lost.",
                next_step=_way_back_of_tail(case, kind, first, end, found),
                claims=some_claims(lane, above),
            )


def _way_back_of_tail(case: Case, kind: LaneKind, first: int, end: int, found: Survivors) -> str:
    """How a lost tail comes back; behind a gap, as a parked one is, it is of use only once that is closed."""
    if first != end_of(end):
        return commands.back_up(case, kind, end_of(end), first - 1)
    return way_back(case, kind, first, found, commands.restore_plan(case))


def _above(first: np.ndarray[tuple[int], np.dtype[np.uint64]], end: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which starts lie above `end`, which is -1 when there is nothing visible."""
    return np.ones(len(first), dtype=np.bool_) if end < 0 else first > np.uint64(end)
