"""State snapshots: two for one place, wrong places, and places without one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Final

import numpy as np

from core.columns import I64, U64, Lane
from core.epoch_ends import EpochEnds, EpochStanding
from core.findings import commands
from core.findings.build import finding, some_entries
from core.findings.case import CHAINED, Case
from core.findings.compared import compared
from core.findings.later import later
from core.findings.overlaps import starts_over
from core.findings.registry import detector
from core.model import Finding, LaneKind, Severity
from core.phrases import count, shown
from core.stock import max_transaction_version

_LANE: Final = LaneKind.STATE_SNAPSHOTS


@detector("snapshot-conflict", "empty-listing-new-identity")
def two_of_one(case: Case) -> Iterator[Finding]:
    """Several manifests for one version or one epoch; neighbours that are all like that make one finding."""
    lane = case.lane(_LANE)
    conflicts = _conflicts(lane)
    versions = [lane.first[np.concatenate(run)] for run in conflicts]
    yield from later(
        lambda number: _conflict(case, lane, conflicts[number]),
        range(len(conflicts)),
        _LANE,
        np.array([some.min() for some in versions], dtype=np.uint64),
        np.array([some.max() for some in versions], dtype=np.uint64),
        "snapshot-conflict",
        copies=[max(_copies(lane.first[rows]) for rows in run) for run in conflicts],
    )
    for run in conflicts:
        if len(run) > 1 and any(starts_over(tangle) for kind in CHAINED for tangle in case.sweeps[kind].tangles[:1]):
            yield _second_history(case, lane, run)


def _copies(versions: U64) -> int:
    """How many of some snapshots are of one version, at most."""
    return int(np.unique(versions, return_counts=True)[1].max())


def _conflicts(lane: Lane) -> list[list[I64]]:
    """Runs of versions that follow each other in the lane, each the rows of one version that stand for it."""
    if lane.epoch is None or len(lane) < 2:
        return []
    order = np.lexsort((np.arange(len(lane)), lane.first))
    version, epoch = lane.first[order], lane.epoch[order]
    # A version twice, or an epoch twice: in a lane in order both stand next to each other.
    together = (version[1:] == version[:-1]) | (epoch[1:] == epoch[:-1])
    if not together.any():
        return []
    group = np.concatenate(([0], np.cumsum(~together)))
    places = np.flatnonzero(np.bincount(group)[group] > 1)
    runs: list[list[I64]] = []
    before = -2
    for number, members in groupby(places.tolist(), key=lambda place: int(group[place])):
        if number != before + 1:
            runs.append([])
        runs[-1].append(order[list(members)])
        before = number
    return runs


def _conflict(case: Case, lane: Lane, run: Sequence[I64]) -> Finding:
    rows = np.sort(np.concatenate(run))
    first, last = int(lane.first[rows].min()), int(lane.first[rows].max())
    settled = _settles(case, lane, run)
    return finding(
        "snapshot-conflict",
        lane=_LANE,
        range_=(first, last),
        explanation=_what(lane, run) + compared(case, lane, rows),
        cause="The snapshot of an epoch was taken again, by a second coordinator or by one that began again.",
        next_step=commands.repair(case) if settled else commands.check(case, 3),
        then=""
        if settled
        else "Of those in which it finds no fault choose one: a repair with --pin and its manifest "
        "keeps that, and sets the others aside.",
        entries=some_entries(lane, rows),
    )


def _settles(case: Case, lane: Lane, run: Sequence[I64]) -> bool:
    """Whether a repair keeps one of several by itself: nothing tells which of several versions is right."""
    standing = EpochEnds.told_by(case.lane(LaneKind.EPOCH_ENDINGS)).standing(lane)
    agreeing = (int(np.count_nonzero(standing[rows] == EpochStanding.AGREES)) for rows in run)
    tied = all(lane.first[rows].min() == lane.first[rows].max() for rows in run)
    return case.takes_repair and (tied or all(agreeing))


def _what(lane: Lane, run: Sequence[I64]) -> str:
    rows = np.sort(run[-1])
    if len(run) > 1:
        many = f"{len(run):,} versions that follow each other have more than one state snapshot each."
        return f"{many} {_choice(lane, rows)}"
    return " ".join([*_several_versions(lane, rows), *_several_snapshots(lane, rows)])


def _choice(lane: Lane, rows: I64) -> str:
    """Which of some snapshots of one version, in stock's order, stock takes."""
    picked, resumed = shown(lane.manifest(int(rows[-1]))), shown(lane.manifest(int(rows[0])))
    return f"Stock says nothing: a restore takes {picked}, a resumed one the other, {resumed}."


def _several_versions(lane: Lane, rows: I64) -> Iterator[str]:
    """The first epoch of the rows that has snapshots of several versions."""
    epoch = lane.first if lane.epoch is None else lane.epoch
    for number in _distinct(epoch[rows]):
        versions = _distinct(lane.first[rows[epoch[rows] == number]])
        if len(versions) > 1:
            yield f"Epoch {number:,} has snapshots of {len(versions):,} versions, {versions[0]:,} and {versions[-1]:,}."
            return


def _several_snapshots(lane: Lane, rows: I64) -> Iterator[str]:
    """The first version of the rows that has several snapshots."""
    epoch = lane.first if lane.epoch is None else lane.epoch
    for version in _distinct(lane.first[rows]):
        same = rows[lane.first[rows] == version]
        if len(same) > 1:
            epochs = _distinct(epoch[same])
            of = f"epoch {epochs[0]:,}" if len(epochs) == 1 else f"epochs {epochs[0]:,} and {epochs[-1]:,}"
            number = "two state snapshots" if len(same) == 2 else f"{len(same):,} state snapshots"
            yield f"Version {version:,} ({of}) has {number}. {_choice(lane, same)}"
            return


def _distinct(numbers: U64) -> list[int]:
    distinct: list[int] = np.unique(numbers).tolist()
    return distinct


def _second_history(case: Case, lane: Lane, run: Sequence[I64]) -> Finding:
    rows = np.concatenate(run)
    first, last = int(lane.first[rows].min()), int(lane.first[rows].max())
    return finding(
        "empty-listing-new-identity",
        lane=_LANE,
        range_=(first, last),
        explanation=f"The snapshots belong to two histories: {len(run):,} versions from {first:,} to {last:,} were "
        "taken again.",
        cause="A coordinator saw an empty listing, took the store for a new one and began again at 0.",
        next_step=commands.way_on(case, _LANE, first),
        entries=some_entries(lane, rows),
    )


@detector("snapshot-epoch-order")
def out_of_order(case: Case) -> Iterator[Finding]:
    """A higher epoch with a lower version."""
    lane = case.lane(_LANE)
    if lane.epoch is None or len(lane) < 2:
        return
    highest = np.maximum.accumulate(lane.first)
    rises = np.append(True, lane.first[1:] > highest[:-1])
    highest_row = np.maximum.accumulate(np.where(rises, np.arange(len(lane), dtype=np.int64), 0))
    wrong = np.flatnonzero((lane.first < highest) & (lane.epoch != lane.epoch[highest_row]))
    groups = _by_version(lane, wrong)
    make = partial(_out_of_order, case, groups, highest_row)
    behind = np.array([rows[-1] for rows in groups], dtype=np.int64)
    yield from later(make, range(len(groups)), _LANE, lane.first[behind], highest[behind], "snapshot-epoch-order")


def _by_version(lane: Lane, rows: I64) -> list[I64]:
    """Rows (int64, ascending) of one version each, by version."""
    rows = rows[np.argsort(lane.first[rows], kind="stable")]
    return np.split(rows, np.flatnonzero(np.diff(lane.first[rows])) + 1) if len(rows) else []


def _out_of_order(case: Case, groups: Sequence[I64], highest_row: I64, number: int) -> Finding:
    """The snapshot of the highest epoch at one version tells of all that are out of order there."""
    lane, rows = case.lane(_LANE), groups[number]
    row, other = int(rows[-1]), int(highest_row[rows[-1]])
    low, high = int(lane.first[row]), int(lane.first[other])
    return finding(
        "snapshot-epoch-order",
        lane=_LANE,
        range_=(low, high),
        explanation=f"The snapshot of epoch {_epoch(lane, row):,} is at version {low:,}, below version {high:,} "
        f"of epoch {_epoch(lane, other):,}. Stock sorts by epoch, so for targets from {high:,} on it starts "
        f"from the older state at {low:,} and replays {count(high - low, 'version')} more.{_alike(rows)}",
        cause="A line with a wrong epoch: edited by hand, or from another chain.",
        next_step=commands.compare(case, lane.manifest(int(rows[-1]))),
        then=commands.COMPARED,
        entries=some_entries(lane, [other, *rows[::-1].tolist()]),
    )


def _epoch(lane: Lane, row: int) -> int:
    return int((lane.first if lane.epoch is None else lane.epoch)[row])


def _alike(rows: I64) -> str:
    """That more is wrong at a version than the one snapshot that words are about."""
    if len(rows) == 1:
        return ""
    return f" So {'is' if len(rows) == 2 else 'are'} {count(len(rows) - 1, 'more snapshot')} of that version."


@detector("snapshot-not-epoch-end")
def not_at_epoch_end(case: Case) -> Iterator[Finding]:
    """A snapshot that is not where its epoch ends by the epoch endings."""
    lane = case.lane(_LANE)
    if lane.epoch is None:
        return
    ends = EpochEnds.told_by(case.lane(LaneKind.EPOCH_ENDINGS))
    wrong = np.flatnonzero(ends.standing(lane) == EpochStanding.ELSEWHERE)
    groups = _by_version(lane, wrong)
    versions = np.unique(lane.first[wrong])
    make = partial(_not_at_epoch_end, case, ends, groups, len(wrong))
    yield from later(make, range(len(groups)), _LANE, versions, versions, "snapshot-not-epoch-end")


def _not_at_epoch_end(case: Case, ends: EpochEnds, groups: Sequence[I64], total: int, number: int) -> Finding:
    lane, rows = case.lane(_LANE), groups[number]
    epoch, version = _epoch(lane, int(rows[0])), int(lane.first[rows[0]])
    return finding(
        "snapshot-not-epoch-end",
        lane=_LANE,
        range_=(version, version),
        explanation=f"The snapshot of epoch {epoch:,} is at version {version:,}, but the epoch endings say that "
        f"the epoch ends at version {ends.end_of(epoch):,}. {count(total, 'snapshot is', 'snapshots are')} like that.",
        cause="A line edited by hand, or an entry of another chain: snapshots are only ever taken at the end of "
        "an epoch. The manifest shows which side is right.",
        next_step=commands.compare(case, lane.manifest(int(rows[-1]))),
        then=commands.COMPARED,
        entries=some_entries(lane, rows),
    )


@detector("snapshot-ahead-of-transactions")
def ahead_of_transactions(case: Case) -> Iterator[Finding]:
    """The newest snapshot can't be used yet."""
    lane, greatest = case.lane(_LANE), max_transaction_version(case.lane(LaneKind.TRANSACTIONS))
    if greatest is None or not len(lane):
        return
    rows = np.flatnonzero(lane.first > np.uint64(greatest))
    if len(rows):
        usable = lane.first[lane.first <= np.uint64(greatest)]
        lands = f" A full restore starts from the one at {int(usable.max()):,}." if len(usable) else ""
        yield finding(
            "snapshot-ahead-of-transactions",
            lane=_LANE,
            explanation=f"{count(len(rows), 'snapshot lies', 'snapshots lie')} above the newest transaction, "
            f"{greatest:,}; the newest is at version {int(lane.first.max()):,}.{lands}",
            cause="Transactions are written only when a batch is full, so the newest snapshot is often ahead of them.",
            next_step=commands.restore_plan(case),
            entries=some_entries(lane, rows[::-1]),
        )


@detector("snapshot-none", "snapshot-none-for-history")
def no_snapshot(case: Case) -> Iterator[Finding]:
    """No snapshot to start from, or none for old versions."""
    lane, greatest = case.lane(_LANE), max_transaction_version(case.lane(LaneKind.TRANSACTIONS))
    if greatest is None:
        return
    oldest = int(lane.first.min()) if len(lane) else None
    if oldest is None or oldest > greatest:
        yield finding(
            "snapshot-none",
            lane=_LANE,
            severity=Severity.CRITICAL,
            explanation=f"There is no state snapshot at or below the newest transaction, {greatest:,}, so stock has "
            f"nothing to start from.{'' if oldest is None else f' The oldest is at version {oldest:,}.'}",
            cause="The snapshots were lost, or none was ever taken.",
            next_step=commands.back_up_snapshot(case, 0),
            stock_says="Cannot find tree snapshot before target version",
        )
    elif oldest:
        yield finding(
            "snapshot-none-for-history",
            lane=_LANE,
            range_=(0, oldest - 1),
            explanation=f"The oldest snapshot is at version {oldest:,}. A restore to an older version stops at once, "
            f"one with a history from below it runs for hours and dies late. Nothing below {oldest:,} can be "
            "restored.",
            cause="The first snapshots were lost, or taken only from a later epoch on.",
            next_step=commands.restore_plan(case, oldest),
            stock_says="Cannot find tree snapshot before target version",
            entries=some_entries(lane, [int(np.argmin(lane.first))]),
        )


@detector("replay-jobs-arithmetic")
def replay_jobs(case: Case) -> Iterator[Finding]:
    """Lists of snapshots on which gen-replay-verify-jobs aborts."""
    lane = case.lane(_LANE)
    if lane.epoch is None or not len(lane) or not len(case.lane(LaneKind.TRANSACTIONS)):
        return
    falls = bool((lane.first[1:] < lane.first[:-1]).any())
    if int(lane.epoch[-1]) == 0 or falls:
        why = (
            "the versions of the snapshots fall while their epochs rise" if falls else "the only snapshot is of epoch 0"
        )
        yield finding(
            "replay-jobs-arithmetic",
            lane=_LANE,
            explanation=f"gen-replay-verify-jobs aborts on this store: {why}.",
            cause="It subtracts epochs and versions of neighbouring snapshots without a check.",
            next_step=commands.restore_plan(case),
            stock_says="attempt to subtract with overflow",
        )
