"""Finds the chain: the clean stretches and the crowded zones on columns at once (`recovery.md`, "Chains")."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.chain.cost import MEASURES, Measure, entry_costs, units
from core.chain.crowd import Crowd, Run, cheapest_ways, crowd_of, leading_on, leaves_choice
from core.chain.gaps import Missing, missing_behind
from core.chain.model import Chain, ChainOptions, SkipReason
from core.chain.touched import untouched_files
from core.chain.zones import Zones, cut_zones, greatest_version, named_rows, unusable
from core.columns import I64, Lane, Mask
from core.model import end_of
from core.stopping import require_wanted


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
    Raises `Stopped` (see `core.stopping`).
    """
    options = options or ChainOptions()
    reason = unusable(lane, options)
    zones = cut_zones(lane, reason == SkipReason.CHOSEN, options.start)
    require_wanted()
    survey = _survey(lane, zones, options.target)
    require_wanted()
    ways = _ways(survey)
    chosen, proven_minimal = _choose(lane, survey, ways, options, reason, file_modified, added)
    require_wanted()
    _give_reasons(lane, zones, survey, ways, chosen, reason)
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


@dataclass(frozen=True, slots=True, eq=False)
class _Survey:
    """How far any chain gets: through all zones before `entered`, the last of which may be crossed or not.

    `crowd` are those of them with more than one entry; `goals` (bool) marks the places at whose ends they may be left.
    `crossed` (bool) says of every zone of the lane whether a way leads through it.
    """

    entered: int
    crowd: Crowd
    goals: Mask
    complete: bool
    crossed: Mask


def _survey(lane: Lane, zones: Zones, target: int | None) -> _Survey:
    torn = np.flatnonzero(~zones.joined)
    entered = int(torn[0]) if len(torn) else len(zones)
    crowd = crowd_of(lane, zones, zones.crowded())
    crossed = np.ones(len(zones), dtype=np.bool_)
    crossed[crowd.zone] = crowd.furthest > zones.last[crowd.zone]
    past = np.zeros(len(crowd.rows), dtype=np.bool_)
    if target is not None:
        past = crowd.reached & (crowd.end > np.uint64(target))
    done = np.zeros(len(crowd.zone), dtype=np.bool_)
    done[crowd.of[past]] = True
    ends = np.flatnonzero((done | ~crossed[crowd.zone]) & (crowd.zone < entered))
    if len(ends):
        entered = int(crowd.zone[ends[0]]) + 1
    crowd = crowd.upto(int(np.searchsorted(crowd.zone, entered)))
    done, past = done[: len(crowd.zone)], past[: len(crowd.rows)]
    goals = np.where(done[crowd.of], past, crowd.end == crowd.furthest[crowd.of])
    complete = target is None or bool(done.any())
    if entered and not complete and int(np.diff(zones.start)[entered - 1]) == 1:
        complete = int(zones.last[entered - 1]) >= (target or 0)
    return _Survey(entered, crowd, goals, complete and entered > 0, crossed)


@dataclass(frozen=True, slots=True, eq=False)
class _Ways:
    """For each place of a crowd (bool) whether a way leads on from it; whether it is on a way in a zone that leaves a
    choice (`free`); whether it begins where the chain has ended (`behind`)."""

    leads: Mask
    free: Mask
    behind: Mask


def _ways(survey: _Survey) -> _Ways:
    crowd = survey.crowd
    leads = leading_on(crowd, survey.goals)
    return _Ways(leads, leaves_choice(crowd, crowd.reached & leads), crowd.first >= crowd.furthest[crowd.of])


def _choose(
    lane: Lane,
    survey: _Survey,
    ways: _Ways,
    options: ChainOptions,
    reason: NDArray[np.uint8],
    file_modified: NDArray[np.float64] | None,
    added: I64 | None,
) -> tuple[I64, bool]:
    """The rows (int64) that the chain takes in the crowded zones; whether it provably changes the fewest files."""
    crowd = survey.crowd
    costs = entry_costs(lane, crowd.rows, options, file_modified, added)
    runs: dict[int, list[Run]] = {}
    proven_minimal = not ways.free.any()
    if not proven_minimal and Measure.CHANGES in MEASURES[options.policy]:
        proven_minimal = _credit_files(lane, crowd, ways, options, reason, costs, runs, added)
    require_wanted()
    return crowd.rows[cheapest_ways(crowd, survey.goals, costs, runs)], proven_minimal


def _credit_files(
    lane: Lane,
    crowd: Crowd,
    ways: _Ways,
    options: ChainOptions,
    reason: NDArray[np.uint8],
    costs: list[int],
    runs: dict[int, list[Run]],
    added: I64 | None,
) -> bool:
    """Lower `costs` for files that may stay and fill in `runs`; whether that is exact. What is added is in no file."""
    unit = units(options.policy)[Measure.CHANGES]
    dropped = np.isin(reason, (SkipReason.INVERTED, SkipReason.ENDS_AT_LIMIT, SkipReason.VETOED))
    off_way = crowd.rows[~(crowd.reached & ways.leads) & ~ways.behind]
    free = np.flatnonzero(ways.free)
    nowhere = off_way[:0] if added is None else added
    rejected = np.concatenate((np.flatnonzero(dropped), off_way, nowhere))
    saved = untouched_files(lane, crowd.rows[free], crowd.of[free], rejected)
    for place, credit in zip(free.tolist(), saved.single, strict=True):
        costs[place] -= credit * unit
    for run, credit in saved.runs.items():
        places = free[list(run)].tolist()
        cost = sum(costs[place] for place in places) - credit * unit
        runs.setdefault(places[0], []).append(Run(tuple(places), cost))
    return saved.exact


def _give_reasons(
    lane: Lane, zones: Zones, survey: _Survey, ways: _Ways, chosen: I64, reason: NDArray[np.uint8]
) -> None:
    """Fill in the reasons of the usable rows; `chosen` (int64, ascending) are those taken in crowded zones."""
    reason[zones.rows[int(zones.start[survey.entered]) :]] = SkipReason.NOT_REACHED
    crowd, rows = survey.crowd, survey.crowd.rows
    reason[rows] = SkipReason.OTHER_CHOSEN
    if len(chosen):
        rival = chosen[np.searchsorted(lane.first[chosen], lane.first[rows]).clip(max=len(chosen) - 1)]
        same = (lane.first[rival] == lane.first[rows]) & (lane.last[rival] == lane.last[rows])
        reason[rows[same]] = SkipReason.SAME_RANGE
    reason[rows[~ways.leads]] = SkipReason.DEAD_END
    reason[rows[~crowd.reached]] = SkipReason.DOES_NOT_JOIN
    reason[rows[ways.behind]] = SkipReason.NOT_REACHED
    reason[chosen] = SkipReason.CHOSEN


def _missing(lane: Lane, zones: Zones, survey: _Survey, reaches: int | None, options: ChainOptions) -> Missing:
    """What keeps the chain from the target, or from the greatest version in the lane where none was given."""
    goal = options.target
    if goal is None:
        goal = int(zones.last[-1]) if len(zones) else None
    if goal is None:
        return Missing((), 0, None)
    boundary = options.start if reaches is None else end_of(reaches)
    return missing_behind(lane, zones, survey.crossed, survey.entered - 1, boundary, goal)


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
