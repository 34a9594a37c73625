"""The handles that entries name: of other folders, shared, or leading out of the store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from core.columns import Lane
from core.findings import commands
from core.findings.build import finding, some_entries
from core.findings.case import ENTRY_LANES, Case
from core.findings.registry import detector
from core.model import Finding, LaneKind
from core.names import handle_problem, parse_backup_folder
from core.phrases import count, listed, shown
from core.words import I64

#: More findings than this of one kind in a lane are told by their number.
_MOST: Final = 100
#: So many odd handles are looked up one by one; when there are more, all handles are compared with all.
_FEW_ROWS: Final = 1_000


@detector("path-traversal-read")
def hostile_handles(case: Case) -> Iterator[Finding]:
    """Handles that lead out of the store."""
    for kind in ENTRY_LANES:
        lane = case.lane(kind)
        bad = [
            (row, problem) for row in case.odd_rows[kind].tolist() if (problem := handle_problem(lane.manifest(row)))
        ]
        for row, problem in bad[:_MOST]:
            more = f" {len(bad):,} handles of the lane must not be opened." if len(bad) > 1 else ""
            yield finding(
                "path-traversal-read",
                lane=kind,
                range_=_range(lane, row),
                explanation=f"The handle {shown(lane.manifest(row))} must not be opened: {problem}. Stock joins it to "
                f"the store's folder without a check and reads whatever it names.{more}",
                cause="A hostile or damaged line.",
                next_step=commands.repair_without(case, lane.manifest(row)),
                entries=some_entries(lane, [row]),
            )


def _range(lane: Lane, row: int) -> tuple[int, int]:
    low, high = sorted((int(lane.first[row]), int(lane.last[row])))
    return low, high


@detector("manifest-name-disagree")
def other_folders(case: Case) -> Iterator[Finding]:
    """Handles whose folder is named for another start."""
    for kind in ENTRY_LANES:
        lane = case.lane(kind)
        wrong = [(row, says) for row in case.odd_rows[kind].tolist() if (says := _folder_says(lane, row))]
        for row, says in wrong[:_MOST]:
            more = f" {count(len(wrong), 'entry is', 'entries are')} like that." if len(wrong) > 1 else ""
            yield finding(
                "manifest-name-disagree",
                lane=kind,
                range_=_range(lane, row),
                explanation=f"The entry that begins at {kind.unit} {int(lane.first[row]):,} names "
                f"{shown(lane.manifest(row))}, the folder of {says}.{more}",
                cause="A copied line or a redirected handle. Suspicious, not yet proof: the manifest shows what it "
                "holds.",
                next_step=commands.compare(case, lane.manifest(row)),
                then=commands.COMPARED,
                entries=some_entries(lane, [row]),
            )


def _folder_says(lane: Lane, row: int) -> str | None:
    """What the folder of a handle says the backup is, where that is not what the entry says."""
    folder = parse_backup_folder(lane.manifest(row))
    if folder is None:
        return None
    epoch = None if lane.epoch is None else int(lane.epoch[row])
    if (folder.kind, folder.first, folder.epoch) == (lane.kind, int(lane.first[row]), epoch):
        return None
    place = f"{folder.kind.unit} {folder.first:,}" + ("" if folder.epoch is None else f" of epoch {folder.epoch:,}")
    return f"a backup of {_THINGS[folder.kind]} from {place}"


_THINGS: Final = {
    LaneKind.TRANSACTIONS: "transactions",
    LaneKind.EPOCH_ENDINGS: "epoch endings",
    LaneKind.STATE_SNAPSHOTS: "state",
}


@detector("shared-manifest", "suffix-collision", level=1)
def shared_manifests(case: Case) -> Iterator[Finding]:
    """Entries with different ranges that name one manifest."""
    for kind in ENTRY_LANES:
        lane = case.lane(kind)
        for rows in _rows_that_share(lane, case.odd_rows[kind])[:_MOST]:
            yield _shared(case, lane, rows, set(case.odd_rows[kind].tolist()))


def _rows_that_share(lane: Lane, odd: I64) -> list[list[int]]:
    """Rows that share a handle, for each handle."""
    rows = _may_share(lane, odd)
    hashes = lane.manifests.take(rows).hashes()
    _, group, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    handles: dict[bytes, list[int]] = defaultdict(list)
    for row in rows[counts[group] > 1].tolist():
        handles[lane.manifests.raw(row)].append(row)
    return [those for those in handles.values() if len(those) > 1]


def _may_share(lane: Lane, odd: I64) -> I64:
    """The rows to compare. Ordinary handles hold their own start: they share one only with rows of that start, or with
    odd rows that name it."""
    if len(odd) > _FEW_ROWS:
        return np.arange(len(lane), dtype=np.int64)
    together = np.flatnonzero(lane.first[1:] == lane.first[:-1])
    folders = (parse_backup_folder(lane.manifest(row)) for row in odd.tolist())
    starts = {folder.first for folder in folders if folder is not None}
    named = np.isin(lane.first, np.array(sorted(starts), dtype=np.uint64)) if starts else np.zeros(0, dtype=np.bool_)
    return np.unique(np.concatenate((odd, together, together + 1, np.flatnonzero(named))))


def _shared(case: Case, lane: Lane, rows: Sequence[int], odd: set[int]) -> Finding:
    ranges = listed([f"{int(lane.first[row]):,} to {int(lane.last[row]):,}" for row in rows])
    collision = len({int(lane.first[row]) for row in rows}) == 1
    cause = "A copied or redirected line. The manifest shows which entry is right."
    if collision:
        cause = "Two backups of one start drew the same random suffix, one of 65,536: they share a folder."
    # The zone is that of the entries whose handle is not their own, as far as that can be told.
    suspects = [row for row in rows if row in odd] or list(rows)
    return finding(
        "suffix-collision" if collision else "shared-manifest",
        lane=lane.kind,
        range_=_range(lane, suspects[0]),
        explanation=f"{len(rows):,} entries with different ranges name one manifest, {shown(lane.manifest(rows[0]))}: "
        f"{ranges}.",
        cause=cause,
        next_step=commands.compare(case, lane.manifest(rows[0])),
        then=commands.COMPARED,
        entries=some_entries(lane, rows),
    )
