"""What a compaction would lose where a name is taken: LocalFs keeps the file that is there, whatever it holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.columns import I64, Mask
from core.index import Index
from core.stock.compaction import group_content
from core.stock.groups import LaneGroups


@dataclass(frozen=True, slots=True, eq=False)
class TakenNames:
    """For each group of a lane, shape (groups,).

    `equal`: a listed file has the name and holds exactly the group's bytes. `lost` (int64): how many of the group's
    lines the file that keeps the name does not hold, 0 where the name is free. `torn`: that file is listed and holds
    only lines of the group, but not all (`partial-compacted-file`).
    """

    equal: Mask
    lost: I64
    torn: Mask


def compare_taken(index: Index, groups: LaneGroups) -> TakenNames:
    """Compare every group with the file that has its name already, by the claims of its lines."""
    sizes = groups.sizes
    taken = groups.existing >= 0
    lost = np.where(taken | (groups.twin >= 0), sizes, 0)
    equal = np.zeros(len(groups), dtype=np.bool_)
    torn = np.zeros(len(groups), dtype=np.bool_)
    if taken.any():
        in_place, held = _held_lines(groups)
        lost -= np.where(taken, held, 0)
        numbers = np.flatnonzero(taken)
        files = [index.files[number] for number in groups.existing[numbers].tolist()]
        lines = np.fromiter((file.lines for file in files), dtype=np.int64, count=len(files))
        torn[numbers] = (held[numbers] == lines) & (held[numbers] < sizes[numbers])
        plain = np.fromiter((file.ends_with_newline for file in files), dtype=np.bool_, count=len(files))
        equal[numbers] = plain & (in_place[numbers] == sizes[numbers]) & (lines == sizes[numbers])
        _check_spelling(index, groups, equal)
    return TakenNames(equal, lost, torn)


def _held_lines(groups: LaneGroups) -> tuple[I64, I64]:
    """How many entries of each group its existing file holds at their own line, and at any line."""
    lane = groups.lane
    row = np.repeat(np.arange(len(lane), dtype=np.int64), np.diff(lane.claim_start))
    group = row // groups.factor
    hit = np.flatnonzero(lane.claim_file == groups.existing[group])
    row, group, line = row[hit], group[hit], lane.claim_line[hit]
    in_place = np.bincount(group[line == row - group * groups.factor + 1], minlength=len(groups))
    again = np.zeros(len(row), dtype=np.bool_)
    again[1:] = row[1:] == row[:-1]
    held = np.bincount(group[~again], minlength=len(groups))
    return in_place, held


def _check_spelling(index: Index, groups: LaneGroups, equal: Mask) -> None:
    """Clear `equal` where a line says the same in other bytes than stock writes; only noted lines can."""
    noted = {note.claim.file for note in index.notes}
    for number in np.flatnonzero(equal).tolist() if noted else ():
        file = int(groups.existing[number])
        if index.files[file].handle in noted:
            equal[number] = index.content(file) == group_content(index, groups[number])
