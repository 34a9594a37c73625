"""Finds the chain: the clean stretches on columns at once, the crowded zones one by one (`recovery.md`, "Chains")."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.chain.cost import MEASURES, Measure, entry_costs, units
from core.chain.gaps import Missing, missing_behind
from core.chain.model import Chain, ChainOptions, SkipReason
from core.chain.reach import Run, Stretch, cheapest_way, leading_to, stretch_of
from core.chain.touched import untouched_files
from core.chain.zones import Zones, cut_zones, greatest_version, named_rows, unusable
from core.columns import I64, Lane, Mask
from core.model import end_of


def find_chain(
    lane: Lane,
    options: ChainOptions | None = None,
    file_modified: NDArray[np.float64] | None = None,
    added: I64 | None = None,
) -> Chain:
    """The best chain of a lane of transactions or epoch endings, over all chains that `options` allow.

    `file_modified` are unix seconds for each file of the lane (`claim_file` counts them), for the policy `newest`;
    without it that policy finds all lines equally old. `added` are the rows (int64) that are not in `metadata/` yet:
    as few of them are used as reaching furthest allows. O(n log n) in the number of entries.
    """
    options = options or ChainOptions()
    reason = unusable(lane, options)
    zones = cut_zones(lane, reason == SkipReason.CHOSEN, options.start)
    survey = _survey(lane, zones, options.target)
    crowd = _crowd(survey)
    chosen, proven_minimal = _choose(lane, crowd, options, reason, file_modified, added)
    _give_reasons(lane, zones, survey, crowd, chosen, reason)
    rows = np.flatnonzero(reason == SkipReason.CHOSEN)
    reaches = int(lane.last[rows[-1]]) if len(rows) else None
    target = reaches if options.target is None else options.target
    missing = _missing(lane, zones, survey, reaches, options)
    unused = _unused_pins(lane, options, reason)
    _mark_broken(lane, options, reason)
    return Chain(
        lane=lane,
        options=options,
        rows=rows,
        complete=survey.complete,
        reaches=reaches,
        target=target,
        resumes_at=missing.resumes_at,
        gaps=missing.gaps,
        gap_count=missing.count,
        reason=reason,
        contradicted=tuple(handle for handle, by_pins in unused if by_pins),
        unused_pins=tuple(handle for handle, _ in unused),
        proven_minimal=proven_minimal,
        zone_rows=zones.rows[zones.start[zones.crowded()]],
    )


@dataclass(frozen=True, slots=True)
class _Survey:
    """How far any chain gets: through all zones before `entered`, the last of which may be crossed or not.

    `crowded` are those of them with more than one entry, each with the boundaries at which it may be left.
    """

    entered: int
    crowded: tuple[tuple[Stretch, frozenset[int]], ...]
    complete: bool


def _survey(lane: Lane, zones: Zones, target: int | None) -> _Survey:
    torn = np.flatnonzero(~zones.joined)
    entered = int(torn[0]) if len(torn) else len(zones)
    complete = target is None
    found: list[tuple[Stretch, frozenset[int]]] = []
    for zone in zones.crowded().tolist():
        if zone >= entered:
            break
        stretch = stretch_of(lane, zones, zone)
        past_target = [stop for stop in stretch.reached if target is not None and stop > target]
        furthest = max(stretch.reached)
        found.append((stretch, frozenset(past_target or [furthest])))
        complete = complete or bool(past_target)
        if past_target or furthest <= int(zones.last[zone]):
            entered = zone + 1
    if entered and not complete and int(np.diff(zones.start)[entered - 1]) == 1:
        complete = int(zones.last[entered - 1]) >= (target or 0)
    return _Survey(entered, tuple(found), complete and entered > 0)


@dataclass(frozen=True, slots=True, eq=False)
class _Crowd:
    """All entries of the crowded zones that a chain may enter, side by side; place p is row `rows[p]`.

    `begin[i]` is the place at which zone i begins. `reached` and `leads` (bool) say whether a way leads to the entry,
    and on from it; `free` (bool) marks the entries that are on a way in a zone that leaves a choice, `behind` (bool)
    those that begin where the chain has ended.
    """

    zones: tuple[tuple[Stretch, frozenset[int]], ...]
    begin: tuple[int, ...]
    rows: I64
    zone: I64
    reached: Mask
    leads: Mask
    free: Mask
    behind: Mask


def _crowd(survey: _Survey) -> _Crowd:
    rows: list[int] = []
    zone: list[int] = []
    begin: list[int] = []
    masks: tuple[list[bool], ...] = ([], [], [], [])
    reached, leads, free, behind = masks
    for stretch, goals in survey.crowded:
        leading = leading_to(stretch, goals)
        begin.append(len(rows))
        rows += stretch.rows.tolist()
        zone += [stretch.zone] * len(stretch.rows)
        reached += [first in stretch.reached for first in stretch.firsts]
        leads += [end in leading for end in stretch.ends]
        free += _leaves_choice(stretch, reached[begin[-1] :], leads[begin[-1] :])
        furthest = max(goals)
        behind += [first >= furthest for first in stretch.firsts]
    return _Crowd(
        survey.crowded,
        tuple(begin),
        np.array(rows, dtype=np.int64),
        np.array(zone, dtype=np.int64),
        *(np.array(each, dtype=np.bool_) for each in masks),
    )


def _leaves_choice(stretch: Stretch, reached: list[bool], leads: list[bool]) -> list[bool]:
    """The entries on a way, if there is more than one way: then and only then two of them overlap."""
    on_way = [a and b for a, b in zip(reached, leads, strict=True)]
    behind = 0
    choice = False
    for first, end, usable in zip(stretch.firsts, stretch.ends, on_way, strict=True):
        if usable:
            choice = choice or first < behind
            behind = max(behind, end)
    return on_way if choice else [False] * len(on_way)


def _choose(
    lane: Lane,
    crowd: _Crowd,
    options: ChainOptions,
    reason: NDArray[np.uint8],
    file_modified: NDArray[np.float64] | None,
    added: I64 | None,
) -> tuple[I64, bool]:
    """The rows (int64) that the chain takes in the crowded zones; whether it provably changes the fewest files."""
    costs = entry_costs(lane, crowd.rows, options, file_modified, added)
    runs: dict[int, list[Run]] = {}
    proven_minimal = not crowd.free.any()
    if not proven_minimal and Measure.CHANGES in MEASURES[options.policy]:
        proven_minimal = _credit_files(lane, crowd, options, reason, costs, runs, added)
    chosen: list[I64] = [crowd.rows[:0]]
    for (stretch, goals), begin in zip(crowd.zones, crowd.begin, strict=True):
        end = begin + len(stretch.rows)
        here = {place - begin: runs[place] for place in range(begin, end) if place in runs} if runs else {}
        way = cheapest_way(stretch, goals, costs[begin:end], here)
        chosen.append(stretch.rows[way])
    return np.concatenate(chosen), proven_minimal


def _credit_files(
    lane: Lane,
    crowd: _Crowd,
    options: ChainOptions,
    reason: NDArray[np.uint8],
    costs: list[int],
    runs: dict[int, list[Run]],
    added: I64 | None,
) -> bool:
    """Lower `costs` for files that may stay and fill in `runs`; whether that is exact. What is added is in no file."""
    unit = units(options.policy)[Measure.CHANGES]
    dropped = np.isin(reason, (SkipReason.INVERTED, SkipReason.ENDS_AT_LIMIT, SkipReason.VETOED))
    off_way = crowd.rows[~(crowd.reached & crowd.leads) & ~crowd.behind]
    free = np.flatnonzero(crowd.free)
    nowhere = off_way[:0] if added is None else added
    rejected = np.concatenate((np.flatnonzero(dropped), off_way, nowhere))
    saved = untouched_files(lane, crowd.rows[free], crowd.zone[free], rejected)
    for place, credit in zip(free.tolist(), saved.single, strict=True):
        costs[place] -= credit * unit
    begin_of = dict(zip((stretch.zone for stretch, _ in crowd.zones), crowd.begin, strict=True))
    for run, credit in saved.runs.items():
        places = free[list(run)].tolist()
        begin = begin_of[int(crowd.zone[places[0]])]
        cost = sum(costs[place] for place in places) - credit * unit
        runs.setdefault(places[0], []).append(Run(tuple(place - begin for place in places), cost))
    return saved.exact


def _give_reasons(
    lane: Lane, zones: Zones, survey: _Survey, crowd: _Crowd, chosen: I64, reason: NDArray[np.uint8]
) -> None:
    """Fill in the reasons of the usable rows; `chosen` (int64, ascending) are those taken in crowded zones."""
    reason[zones.rows[int(zones.start[survey.entered]) :]] = SkipReason.NOT_REACHED
    rows = crowd.rows
    reason[rows] = SkipReason.OTHER_CHOSEN
    if len(chosen):
        rival = chosen[np.searchsorted(lane.first[chosen], lane.first[rows]).clip(max=len(chosen) - 1)]
        same = (lane.first[rival] == lane.first[rows]) & (lane.last[rival] == lane.last[rows])
        reason[rows[same]] = SkipReason.SAME_RANGE
    reason[rows[~crowd.leads]] = SkipReason.DEAD_END
    reason[rows[~crowd.reached]] = SkipReason.DOES_NOT_JOIN
    reason[rows[crowd.behind]] = SkipReason.NOT_REACHED
    reason[chosen] = SkipReason.CHOSEN


def _missing(lane: Lane, zones: Zones, survey: _Survey, reaches: int | None, options: ChainOptions) -> Missing:
    """What keeps the chain from the target, or from the greatest version in the lane where none was given."""
    goal = options.target
    if goal is None:
        goal = int(zones.last[-1]) if len(zones) else None
    if goal is None:
        return Missing((), 0, None)
    boundary = options.start if reaches is None else end_of(reaches)
    return missing_behind(lane, zones, survey.entered - 1, boundary, goal)


def _unused_pins(lane: Lane, options: ChainOptions, reason: NDArray[np.uint8]) -> list[tuple[str, bool]]:
    """The pins of the lane that the chain does without, sorted, and whether other pins are to blame; marks those."""
    if not options.pins:
        return []
    rows_by_handle: dict[str, list[int]] = {}
    for row in named_rows(lane.manifests, options.pins).tolist():
        rows_by_handle.setdefault(lane.manifest(row), []).append(row)
    found = []
    for handle, rows in sorted(rows_by_handle.items()):
        if all(reason[row] != SkipReason.CHOSEN for row in rows):
            excluded = [row for row in rows if reason[row] in (SkipReason.SAME_RANGE, SkipReason.OTHER_CHOSEN)]
            reason[excluded] = SkipReason.PIN_EXCLUDED
            found.append((handle, bool(excluded)))
    return found


def _mark_broken(lane: Lane, options: ChainOptions, reason: NDArray[np.uint8]) -> None:
    """Name the broken manifest as the reason where that is what spoke, or would speak, against the entry."""
    passed = np.flatnonzero(np.isin(reason, (SkipReason.SAME_RANGE, SkipReason.OTHER_CHOSEN, SkipReason.VETOED)))
    if options.broken and len(passed):
        reason[passed[named_rows(lane.manifests.take(passed), options.broken)]] = SkipReason.BROKEN


__all__ = ["find_chain", "greatest_version"]
