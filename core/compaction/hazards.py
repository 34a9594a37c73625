"""The known troubles that one compaction run would meet or make, by their ids in the hazard catalogue.

Each check looks at a simulated run and yields what it found; `hazards.md`, "Compaction", is their source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.columns import I64
from core.findings.timestamps import EARLIEST_STAMP
from core.index import Index
from core.model import LaneKind
from core.phrases import duration
from core.stock.compaction import IDENTITY_HANDLE, CompactionRun, newest_timestamps
from core.stock.groups import LaneGroups, compacted_prefix
from core.stock.stops import Step
from core.stock.taken import TakenNames

#: A reader that loads for longer than this may find a file moved away (`grace-too-short`), seconds.
SHORTEST_GRACE: Final = 3_600
#: How many groups or handles a hazard names; `count` always tells all.
NAMED: Final = 100


@dataclass(frozen=True, slots=True)
class CompactionHazard:
    """One trouble: the id, a sentence for the operator, how often it occurs (`count`), and where.

    `groups` are numbers of groups of `lane`, `handles` are files; of both the first `NAMED` only, of `count` in all.
    """

    id: str
    text: str
    count: int
    lane: LaneKind | None = None
    groups: tuple[int, ...] = ()
    handles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """What the checks look at: the run, what taken names hold, and `metadata_backup/`."""

    run: CompactionRun
    taken: Mapping[LaneKind, TakenNames]
    retired: Index


def hazards_of(around: Surroundings) -> tuple[CompactionHazard, ...]:
    """Every hazard of the run, in the order of the run's steps; none of them where stock can't even load."""
    if around.run.stop is not None and around.run.stop.step is Step.LOAD:
        return ()
    return tuple(hazard for check in _CHECKS for hazard in check(around))


def _at_groups(hazard: str, text: str, groups: LaneGroups, numbers: I64) -> Iterator[CompactionHazard]:
    """A hazard at groups of one lane, if there are any."""
    if len(numbers):
        yield CompactionHazard(hazard, text, len(numbers), groups.kind, tuple(numbers[:NAMED].tolist()))


def _at_files(hazard: str, text: str, handles: list[str], lane: LaneKind | None = None) -> Iterator[CompactionHazard]:
    """A hazard at files, if there are any."""
    if handles:
        yield CompactionHazard(hazard, text, len(handles), lane, handles=tuple(handles[:NAMED]))


def _new_identity(around: Surroundings) -> Iterator[CompactionHazard]:
    if around.run.writes_identity:
        text = "the listing is empty, so stock writes a new random identity.meta"
        yield CompactionHazard("empty-listing-new-identity", text, 1, handles=(IDENTITY_HANDLE,))


def _factors(around: Surroundings) -> Iterator[CompactionHazard]:
    run = around.run
    for groups in run.lanes:
        factor = run.options.factor(groups.kind)
        if factor == 0:
            text = "a factor of 0 makes stock crash"
            yield CompactionHazard("compaction-factor-zero", text, 1, groups.kind)
        elif factor == 1 and len(groups.lane) > 1:
            text = f"factor 1 writes each of {len(groups):,} entries into a file of its own: nothing gets smaller"
            yield CompactionHazard("compaction-factor-one", text, len(groups), groups.kind)


def _borders(around: Surroundings) -> Iterator[CompactionHazard]:
    """Borders of two groups that are both carried out: stock compares nothing there."""
    for groups in around.run.lanes:
        if groups.kind is LaneKind.STATE_SNAPSHOTS:
            continue
        numbers = np.arange(1, groups.done, dtype=np.int64)
        rows = numbers * groups.factor
        first, last = groups.lane.first[rows], groups.lane.last[rows - 1]
        ahead = first > last
        distance = np.subtract(first, last, out=np.zeros_like(first), where=ahead)
        overlap = "an overlap lies across the border of two groups, where stock does not look: it is written as it is"
        gap = "a gap lies at the border of two groups, where stock does not look"
        yield from _at_groups("compaction-bakes-conflict", overlap, groups, numbers[~ahead])
        yield from _at_groups("compaction-blind-gap", gap, groups, numbers[distance > np.uint64(1)])


def _names(around: Surroundings) -> Iterator[CompactionHazard]:
    for groups in around.run.lanes:
        taken = around.taken[groups.kind]
        done = np.arange(len(groups)) < groups.done
        collides = done & (taken.lost > 0)
        torn = "the file exists already but holds only a part of its lines: stock trusts it and drops the rest"
        other = "a group finds its name taken by other content: its lines are dropped without a word"
        yield from _at_groups("partial-compacted-file", torn, groups, np.flatnonzero(collides & taken.torn))
        yield from _at_groups("compacted-name-collision", other, groups, np.flatnonzero(collides & ~taken.torn))


def _shifted_borders(around: Surroundings) -> Iterator[CompactionHazard]:
    """Compacted files of earlier runs that this run makes no more; the last of a lane grows and is replaced anyway."""
    newest = newest_timestamps(around.run.index)
    stamps = newest.compaction_timestamps if newest else {}
    text = "compacted files get new borders: they are all written again and the old ones set aside"
    for groups in around.run.lanes:
        if groups.done < len(groups):
            continue
        prefix, kept = compacted_prefix(groups.kind), set(groups.existing.tolist())
        stale = [
            file.handle
            for number, file in enumerate(around.run.index.files)
            if file.handle.startswith(prefix) and number not in kept and stamps.get(file.handle) is None
        ]
        if len(stale) > 1:
            yield from _at_files("boundary-shift", text, stale, groups.kind)


def _aborts_midway(around: Surroundings) -> Iterator[CompactionHazard]:
    run = around.run
    if run.stop is None:
        return
    written = sum(len(groups.writes) for groups in run.lanes)
    if written:
        text = "stock stops after it has written files: harmless repetitions, but no times are saved"
        yield CompactionHazard("compaction-abort-midway", text, written)


def _times(around: Surroundings) -> Iterator[CompactionHazard]:
    run, newest = around.run, newest_timestamps(around.run.index)
    if newest is None:
        return
    rivals = [each for each in run.index.timestamps if each[0].file_compacted_at == newest.file_compacted_at]
    files = [claim.file for _, claim in rivals]
    if any(record.compaction_timestamps != newest.compaction_timestamps for record, _ in rivals):
        text = "several records have the same, newest time: which of them counts changes from run to run"
        yield from _at_files("timestamps-tie", text, files)
    if newest.file_compacted_at > run.now:
        ahead = newest.file_compacted_at - run.now
        text = f"the newest record of times is {duration(ahead)} ahead of the clock: what this run saves is ignored"
        yield from _at_files("timestamps-future", text, files)
    old = [handle for handle, at in newest.compaction_timestamps.items() if at is not None and at < EARLIEST_STAMP]
    text = "a compaction time was given by a clock that was wrong: its grace is over at once"
    yield from _at_files("timestamps-back", text, old)
    if run.timestamps_taken:
        text = f"{run.timestamps_name} exists already: the times of this run are not saved"
        yield CompactionHazard("timestamps-same-second", text, 1, handles=(f"metadata/{run.timestamps_name}",))
    if run.stop is not None and run.stop.step is Step.STAMP:
        text = "a recorded time is so great that stock crashes at adding the grace period"
        yield CompactionHazard("timestamps-overflow", text, 1, handles=(run.stop.handle or "",))


def _moves(around: Surroundings) -> Iterator[CompactionHazard]:
    run, aging = around.run, around.run.aging
    if run.options.remove_compacted_after < SHORTEST_GRACE:
        grace = duration(run.options.remove_compacted_after)
        text = f"files are set aside after {grace}, under the hands of slower readers"
        yield CompactionHazard("grace-too-short", text, 1)
    missing = "a file to be set aside is not there: stock dies at the move, in every run from now on"
    foreign = "a name in the recorded times is no metadata file: stock moves whatever it names"
    yield from _at_files("compaction-wedge-missing-file", missing, list(aging.missing))
    yield from _at_files("timestamps-foreign-handle", foreign, list(aging.foreign))
    if IDENTITY_HANDLE in aging.expired:
        text = "identity.meta is set aside like a compacted file"
        yield CompactionHazard("identity-evicted", text, 1, handles=(IDENTITY_HANDLE,))
    replaced = "a file in metadata_backup/ is replaced by another of its name"
    yield from _at_files("backup-dir-overwrite", replaced, _replaced(around))
    if run.stop is not None and run.stop.message.startswith("Invalid cross-device link"):
        text = "metadata_backup/ is on another file system: stock can't move a file there"
        yield CompactionHazard("backup-dir-cross-device", text, len(aging.expired), handles=aging.expired[:NAMED])


def _replaced(around: Surroundings) -> list[str]:
    """Handles in `metadata_backup/` that a move replaces although their content differs."""
    retired, index = around.retired, around.run.index
    there = {file.listed.name: number for number, file in enumerate(retired.files)}
    moved = set(around.run.retired)
    return [
        f"metadata_backup/{file.listed.name}"
        for number, file in enumerate(index.files)
        if file.handle in moved
        and file.listed.name in there
        and index.content(number) != retired.content(there[file.listed.name])
    ]


_CHECKS: Final[tuple[Callable[[Surroundings], Iterator[CompactionHazard]], ...]] = (
    _new_identity,
    _factors,
    _borders,
    _names,
    _shifted_borders,
    _aborts_midway,
    _times,
    _moves,
)
