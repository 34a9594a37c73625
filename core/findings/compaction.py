"""What stock's compaction would do to the conflicts and gaps of a store, by simulating it (`hazards.md`, "Compaction").

Nothing here is found in a store whose lanes are in order: it says what happens to what `overlaps`, `gaps` and
`snapshots` have found, and stands in their zones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from core.findings import commands
from core.findings.build import finding, some_entries
from core.findings.case import CHAINED, Case
from core.findings.gaps import way_to_fill
from core.findings.later import later
from core.findings.overlaps import way_out
from core.findings.recovery import survivors
from core.findings.registry import detector
from core.model import Claim, Finding, LaneKind, Severity, end_of
from core.phrases import count, listed, shown, span
from core.stock import CompactionRun, LaneGroups
from core.stock.stops import Step
from core.words import I64, Mask

#: With smaller groups there are no borders to shift.
_LEAST_FACTOR: Final = 2


def _troubled(case: Case) -> bool:
    """Whether there is anything that a compaction could make worse."""
    return any(not swept.clean for swept in case.sweeps.values()) or _doubled_snapshots(case)


def _doubled_snapshots(case: Case) -> bool:
    epochs = case.lane(LaneKind.STATE_SNAPSHOTS).epoch
    return epochs is not None and bool((epochs[1:] == epochs[:-1]).any())


def _runs(case: Case) -> tuple[CompactionRun, ...]:
    return case.compactions if _troubled(case) else ()


@dataclass(frozen=True, slots=True)
class _Hit:
    """A run that does something to a stretch of a lane, to so many of its groups or joints."""

    run: CompactionRun
    number: int


def _factors(hits: Sequence[_Hit], kind: LaneKind) -> str:
    names = list(dict.fromkeys(f"{hit.run.options.factor(kind):,}" for hit in hits))
    return f"factor{'s' if len(names) > 1 else ''} {' and '.join(names)}"


@detector("compacted-name-collision")
def collisions(case: Case) -> Iterator[Finding]:
    """Groups that get one name, so that the lines of one of them are lost."""
    for kind in CHAINED:
        tangles = case.sweeps[kind].tangles
        lost = np.zeros(len(case.lane(kind)), dtype=np.bool_)
        for run in _runs(case):
            lost |= _in_colliding(run.lane(kind))
        numbers = tangles.with_any(lost).tolist()
        make = partial(_collision_in_tangle, case, kind)
        yield from later(make, numbers, kind, tangles.first, tangles.last, "compacted-name-collision")
    rows = _rows_of_doubled_epochs(case)
    if len(rows) and _collision_hits(case, LaneKind.STATE_SNAPSHOTS, rows):
        kind = LaneKind.STATE_SNAPSHOTS
        versions = case.lane(kind).first[rows]
        first, last = int(versions.min()), int(versions.max())
        yield _collision(case, kind, (first, last), rows, commands.way_on(case, kind, first))


def _in_colliding(groups: LaneGroups) -> Mask:
    """Whether each row of a lane is in a group whose name an earlier group has (bool)."""
    if not groups.factor:
        return np.zeros(len(groups.lane), dtype=np.bool_)
    colliding = groups.twin >= 0
    colliding[groups.done :] = False
    return np.repeat(colliding, groups.sizes)


def _collision_in_tangle(case: Case, kind: LaneKind, number: int) -> Finding:
    tangle = case.sweeps[kind].tangles[number]
    step = way_out(case, case.lane(kind), tangle)
    return _collision(case, kind, (tangle.first, tangle.last), tangle.rows, step)


def _collision_hits(case: Case, kind: LaneKind, rows: I64) -> list[_Hit]:
    return [_Hit(run, len(lost)) for run in _runs(case) if len(lost := _colliding(run.lane(kind), rows))]


def _collision(case: Case, kind: LaneKind, range_: tuple[int, int], rows: I64, next_step: str) -> Finding:
    """The collisions of some rows, of which there are any."""
    hits = _collision_hits(case, kind, rows)
    groups = hits[0].run.lane(kind)
    dropped = groups[int(_colliding(groups, rows)[0])]
    return finding(
        "compacted-name-collision",
        lane=kind,
        range_=range_,
        explanation=f"At {_factors(hits, kind)} compaction gives {count(hits[0].number, 'group')} of "
        f"{span(kind, *range_)} a name that another group has, such as {dropped.name}. Of each such pair one is "
        "dropped without a word: LocalFs keeps the first, clouds keep the last, and a day later the originals are "
        "moved away.",
        cause="The name of a compacted file holds its range only, and the two have the same.",
        next_step=next_step,
        entries=some_entries(case.lane(kind), list(dropped.rows)),
    )


def _rows_of_doubled_epochs(case: Case) -> I64:
    """The snapshots (rows, int64) of epochs that have several."""
    lane = case.lane(LaneKind.STATE_SNAPSHOTS)
    if lane.epoch is None or not _doubled_snapshots(case):
        return np.empty(0, dtype=np.int64)
    again = np.flatnonzero(lane.epoch[1:] == lane.epoch[:-1])
    return np.union1d(again, again + 1)


def _colliding(groups: LaneGroups, rows: I64) -> I64:
    """The numbers of the groups that hold one of `rows` and whose name an earlier group has."""
    if not groups.factor:
        return rows[:0]
    numbers = np.unique(rows // groups.factor)
    numbers = numbers[numbers < groups.done]
    return numbers[groups.twin[numbers] >= 0]


@detector("compaction-bakes-conflict")
def baked_conflicts(case: Case) -> Iterator[Finding]:
    """Conflicts that fall between two groups, so that compaction writes them as they are."""
    for kind in CHAINED:
        tangles = case.sweeps[kind].tangles
        number, _, behind = tangles.joints()
        baked = [number[_torn_borders(run.lane(kind), behind)] for run in _runs(case)]
        numbers = np.unique(np.concatenate((number[:0], *baked))).tolist()
        make = partial(_baked_in, case, kind)
        yield from later(make, numbers, kind, tangles.first, tangles.last, "compaction-bakes-conflict")


def _baked_in(case: Case, kind: LaneKind, number: int) -> Finding:
    tangle = case.sweeps[kind].tangles[number]
    counts = ((run, int(_torn_borders(run.lane(kind), tangle.rows[1:]).sum())) for run in _runs(case))
    hits = [_Hit(run, baked) for run, baked in counts if baked]
    return finding(
        "compaction-bakes-conflict",
        lane=kind,
        range_=(tangle.first, tangle.last),
        explanation=f"At {_factors(hits, kind)} the conflict falls between groups at "
        f"{count(hits[0].number, 'place')}: compaction succeeds and writes it into compacted files, and "
        "restores fail as before.",
        cause="Compaction compares entries only inside one group.",
        next_step=way_out(case, case.lane(kind), tangle),
        entries=some_entries(case.lane(kind), tangle.rows),
    )


def _torn_borders(groups: LaneGroups, rows: I64) -> Mask:
    """Which rows, that overlap the one before, begin a group which is written and does not follow the one before."""
    if not groups.factor:
        return np.zeros(len(rows), dtype=np.bool_)
    lane, number = groups.lane, rows // groups.factor
    torn: Mask = (rows % groups.factor == 0) & (number < groups.done)
    # `first - 1` of a start of 0 wraps to the greatest number, which no entry before it can end at without overlapping.
    torn &= (lane.first[rows] == 0) | (lane.first[rows] - np.uint64(1) != lane.last[rows - 1])
    torn[torn] = groups.twin[number[torn]] < 0
    return torn


@detector("compaction-blind-gap")
def unnoticed_gaps(case: Case) -> Iterator[Finding]:
    """Gaps that fall between two groups."""
    for kind in CHAINED:
        swept = case.sweeps[kind]
        border = np.zeros(len(swept.gap_rows), dtype=np.bool_)
        for run in _runs(case):
            border |= _at_border(run.lane(kind), swept.gap_rows)
        numbers = np.flatnonzero(border & (swept.gap_first > 0)).tolist()
        make = partial(_blind_gap, case, kind)
        yield from later(make, numbers, kind, swept.gap_first, swept.gap_last, "compaction-blind-gap")


def _at_border(groups: LaneGroups, rows: I64) -> Mask:
    if not groups.factor:
        return np.zeros(len(rows), dtype=np.bool_)
    border: Mask = (rows % groups.factor == 0) & (rows // groups.factor < groups.done)
    return border


def _blind_gap(case: Case, kind: LaneKind, number: int) -> Finding:
    gap = case.sweeps[kind].gap(number)
    hits = [_Hit(run, 1) for run in _runs(case) if _at_border(run.lane(kind), np.array([gap.next_row])).any()]
    return finding(
        "compaction-blind-gap",
        lane=kind,
        range_=(gap.first, gap.last),
        explanation=f"At {_factors(hits, kind)} the gap falls between two groups: compaction succeeds and "
        "does not notice it.",
        cause="Compaction compares entries only inside one group.",
        next_step=_past(case, kind, (gap.first, gap.last)),
        entries=some_entries(case.lane(kind), [gap.next_row - 1, gap.next_row]),
    )


@detector("compaction-abort-midway")
def stops(case: Case) -> Iterator[Finding]:
    """Compactions that stop at a conflict or a gap."""
    places: dict[tuple[LaneKind, int, str], list[CompactionRun]] = {}
    for run in _runs(case):
        stop = run.stop
        if stop is not None and stop.step is Step.COMPACT and stop.lane is not None and stop.row is not None:
            places.setdefault((stop.lane, stop.row, stop.message), []).append(run)
    for (kind, row, message), runs in places.items():
        hits = [_Hit(run, sum(len(groups.writes) for groups in run.lanes)) for run in runs]
        lane, stopped = case.lane(kind), _stopped_at(case, kind, row)
        before = (
            f"after it has written {count(hits[0].number, 'file')}" if hits[0].number else "before it writes anything"
        )
        yield finding(
            "compaction-abort-midway",
            lane=kind,
            range_=stopped,
            explanation=f"At {_factors(hits, kind)} compaction stops {before}. No times are saved, so nothing is ever "
            "moved away.",
            cause="Stock works on epoch endings, transactions and snapshots in this order, and checks each group.",
            next_step=_past(case, kind, stopped),
            stock_says=message,
            entries=some_entries(lane, range(max(0, row - 1), row + 1)),
        )


def _past(case: Case, kind: LaneKind, stopped: tuple[int, int]) -> str:
    """What fills the gap, or chooses among what overlaps, at which compaction stops."""
    gap = case.sweeps[kind].gap_inside(*stopped)
    if gap is None:
        return commands.way_on(case, kind, stopped[0])
    return way_to_fill(case, kind, gap, survivors(case, kind, gap.first, gap.last))


def _stopped_at(case: Case, kind: LaneKind, row: int) -> tuple[int, int]:
    """The gap or overlap in front of a row: from the end of the row before it to its start, or the other way round."""
    lane = case.lane(kind)
    got, expected = int(lane.first[row]), end_of(int(lane.last[max(0, row - 1)]))
    return (expected, got - 1) if expected < got else (got, max(got, min(expected - 1, int(lane.last[row]))))


@detector("boundary-shift")
def shifted_groups(case: Case) -> Iterator[Finding]:
    """Compacted files behind an extra entry, which all get other borders."""
    for kind in CHAINED:
        tangles = case.sweeps[kind].tangles
        files = _compacted_files(case, kind) if tangles else []
        factor = _usual_size(case, kind, files)
        if factor < _LEAST_FACTOR:
            continue
        first_row = case.contents[kind].first_row
        behind = [number for number in files if first_row[number] > tangles[0].rows[-1]]
        shifted = [number for number in behind if int(first_row[number]) % factor]
        if shifted:
            handles = [case.index.files[number].handle for number in shifted]
            yield finding(
                "boundary-shift",
                lane=kind,
                range_=(tangles[0].first, tangles[0].last),
                severity=Severity.WARNING,
                explanation=f"The extra entries shift the groups behind them: {count(len(shifted), 'compacted file')} "
                f"of {factor:,} entries each would be written again under other names, and the old ones moved away: "
                f"{listed([shown(handle) for handle in handles])}.",
                cause="Groups are counted from the first entry on, not cut at versions.",
                next_step=way_out(case, case.lane(kind), tangles[0]),
                claims=[Claim(handle, 0) for handle in handles],
            )


def _compacted_files(case: Case, kind: LaneKind) -> list[int]:
    """The numbers of the files with a compacted name of a lane that hold something."""
    entries = case.contents[kind].entries
    return [
        number
        for number, name in enumerate(case.names)
        if name is not None and name.compacted and name.kind is kind and entries[number]
    ]


def _usual_size(case: Case, kind: LaneKind, files: Sequence[int]) -> int:
    """How many entries most compacted files of a lane hold: the factor they were made with; 0 if there are none."""
    sizes = case.contents[kind].entries[list(files)]
    return int(np.bincount(sizes).argmax()) if len(sizes) else 0
