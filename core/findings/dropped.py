"""Entries that compaction has lost: their lines survive only in `metadata_backup/`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from core.columns import Lane
from core.findings import commands
from core.findings.build import MOST_EVIDENCE, finding
from core.findings.case import ENTRY_LANES, Case
from core.findings.registry import detector
from core.model import Claim, Entry, Finding, LaneKind, Severity, end_of
from core.names import MetadataName
from core.phrases import count, listed, shown, span

#: So many lost entries of a lane are looked at.
_MOST_ROWS: Final = 5_000
_MOST_FINDINGS: Final = 100
#: The level that looks whether all files of a backup are there.
_LEVEL_FILES: Final = 3

#: A row of the retired lane, and a row of the visible lane with the same range.
_Pair = tuple[int, int]


@detector("compacted-name-collision")
def dropped_manifests(case: Case) -> Iterator[Finding]:
    """Ranges that had two manifests, of which one is left."""
    for kind in ENTRY_LANES:
        pairs = list(_pairs(case, kind))
        for run in list(_touching(case.retired.lanes[kind], pairs))[:_MOST_FINDINGS]:
            yield _dropped(case, kind, run)


def _pairs(case: Case, kind: LaneKind) -> Iterator[_Pair]:
    lost, kept = case.retired.lanes[kind], case.lane(kind)
    sorted_by, wanted = (
        (kept.first, lost.first) if kept.epoch is None or lost.epoch is None else (kept.epoch, lost.epoch)
    )
    for row in case.recoverable[kind][:_MOST_ROWS].tolist():
        low, high = (int(np.searchsorted(sorted_by, wanted[row], side)) for side in ("left", "right"))
        same = np.flatnonzero((kept.first[low:high] == lost.first[row]) & (kept.last[low:high] == lost.last[row]))
        if len(same):
            yield row, low + int(same[0])


def _touching(lane: Lane, pairs: Sequence[_Pair]) -> Iterator[list[_Pair]]:
    """Runs of ranges that follow each other."""
    run: list[_Pair] = []
    for pair in pairs:
        if run and int(lane.first[pair[0]]) > end_of(int(lane.last[run[-1][0]])):
            yield run
            run = []
        run.append(pair)
    if run:
        yield run


def _dropped(case: Case, kind: LaneKind, run: Sequence[_Pair]) -> Finding:
    lost, kept = case.retired.lanes[kind], case.lane(kind)
    first, last = int(lost.first[run[0][0]]), max(int(lost.last[row]) for row, _ in run)
    collided = sum(_has_own_compacted_name(case, kind, row) for _, row in run)
    row, winner = run[0]
    claims = [claim for each, _ in run[:MOST_EVIDENCE] for claim in lost.claims(each)]
    where = listed([shown(str(claim)) for claim in claims], len(claims))
    return finding(
        "compacted-name-collision",
        lane=kind,
        range_=(first, last),
        severity=Severity.ERROR if collided else Severity.INFO,
        explanation=f"{count(len(run), 'range')} of {span(kind, first, last)} had two manifests, and one of the two is "
        f"left in metadata/, such as {shown(kept.manifest(winner))}; the other, such as {shown(lost.manifest(row))}, "
        f"survives only in metadata_backup/ and can be recovered: {where}. Nothing says that the right one was kept.",
        cause=_COLLIDED if collided else "A repair, or a compaction, put one of two conflicting lines aside.",
        next_step=_way_on(case, kind, kept.manifest(winner), claims[0]),
        then="If the one in metadata/ is whole, nothing has to be done. If it is not, a repair with --veto and its "
        "manifest leaves it out and takes the other.",
        entries=_both(kept, lost, run),
        claims=claims,
    )


_COLLIDED: Final = (
    "Both lines compacted to one file name, as they do at stock's default factor 1. LocalFs kept the first and clouds "
    "keep the last; nothing was said, and a day later the originals were moved away."
)


def _way_on(case: Case, kind: LaneKind, kept: str, lost: Claim) -> str:
    """Look into the manifest that was kept; a repair without it takes the other."""
    if case.evidence is None or case.evidence.level < _LEVEL_FILES:
        return commands.check(case, _LEVEL_FILES)
    facts = case.evidence.manifest(kind, kept)
    broken = facts is not None and bool(facts.problems)
    return commands.repair_without(case, kept) if broken else commands.look_at(case, lost.file, lost.line)


def _both(kept: Lane, lost: Lane, run: Sequence[_Pair]) -> Iterator[Entry]:
    for row, winner in run:
        yield kept.entry(winner)
        yield lost.entry(row)


def _has_own_compacted_name(case: Case, kind: LaneKind, row: int) -> bool:
    """Whether a compacted file that is named for just this range claims the entry."""
    lane = case.lane(kind)
    files = lane.claim_file[int(lane.claim_start[row]) : int(lane.claim_start[row + 1])].tolist()
    begins, ends = (int(lane.first[row]), int(lane.last[row])) if lane.epoch is None else (int(lane.epoch[row]),) * 2
    return MetadataName(kind, True, begins, ends) in [case.names[file] for file in files]


@detector("adapter-handle-mismatch")
def index_moved_away(case: Case) -> Iterator[Finding]:
    """Compacted files only in `metadata_backup/`, with lines that are nowhere else."""
    if any(name is not None and name.compacted for name in case.names):
        return
    lost: dict[str, int] = {}
    for kind in ENTRY_LANES:
        lane = case.retired.lanes[kind]
        for row in case.recoverable[kind][:_MOST_ROWS].tolist():
            for claim in lane.claims(row)[:1]:
                if "_compacted_" in claim.file:
                    lost[claim.file] = lost.get(claim.file, 0) + 1
    if lost:
        files = list(lost)
        yield finding(
            "adapter-handle-mismatch",
            explanation=f"metadata/ holds no compacted file, but {count(len(files), 'compacted file')} in "
            f"metadata_backup/ {'holds' if len(files) == 1 else 'hold'} lines that are nowhere else: "
            f"{listed([shown(file) for file in files])}.",
            cause="The adapter prints other handles when it saves than its listing shows, so compaction did not "
            "recognise its own fresh files and moved the whole index away; or somebody moved it.",
            next_step=commands.bring_back(case, files[: commands.MOST_FILES]),
            claims=[Claim(file, 0) for file in files],
        )
