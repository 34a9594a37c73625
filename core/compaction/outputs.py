"""The compacted files of a run: which stand there already, and which are to be written under which name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from core.changes.model import Write
from core.columns import Lane, Mask
from core.compaction.hazards import CompactionHazard
from core.compaction.names import UsedNames
from core.compaction.preview import CompactionPreview, PreviewLane
from core.content import LaneText
from core.form import Form
from core.model import LaneKind
from core.phrases import shown
from core.stock import CompactedGroup, LaneGroups


@dataclass(frozen=True, slots=True, eq=False)
class Outputs:
    """All groups of a run, each either in a listed file (`fresh`, numbers in the index) or in one of `writes`.

    `written` are the rows of each lane that the writes hold; `repairs` say where a name of stock's could not be used.
    """

    fresh: frozenset[int]
    writes: tuple[Write, ...]
    written: Mapping[LaneKind, Mask]
    repairs: tuple[CompactionHazard, ...]


@dataclass(frozen=True, slots=True)
class _Output:
    """One group: the file that holds it already, or what is to be written."""

    group: CompactedGroup
    fresh: int | None
    write: Write | None


def outputs_of(preview: CompactionPreview, used: UsedNames, texts: Mapping[LaneKind, LaneText], form: Form) -> Outputs:
    """Decide on every group of a run that nothing speaks against; new files have the `form`."""
    fresh: set[int] = set()
    writes: list[Write] = []
    written: dict[LaneKind, Mask] = {}
    repairs: list[CompactionHazard] = []
    for lane in preview.lanes:
        rows = np.zeros(len(lane.groups.lane), dtype=np.bool_)
        for output in _lane_outputs(lane, used, texts[lane.kind], form):
            if output.fresh is not None:
                fresh.add(output.fresh)
            if output.write is not None:
                writes.append(output.write)
                rows[output.group.rows.start : output.group.rows.stop] = True
                repairs += _repair(lane, output.group, output.write, used)
        written[lane.kind] = rows
    return Outputs(frozenset(fresh), tuple(writes), written, tuple(repairs))


def _lane_outputs(lane: PreviewLane, used: UsedNames, text: LaneText, form: Form) -> Iterator[_Output]:
    held = ((lane.groups.existing >= 0) & (lane.lost == 0)).tolist()
    cut = _cut_epochs(lane.groups).tolist()
    contents = text.groups(lane.groups.factor)
    for number, is_held in enumerate(held):
        group = lane.groups[number]
        file = group.existing if is_held else _variant(lane.groups.lane, group, used)
        if file is not None:
            yield _Output(group, file, None)
            continue
        content = contents.content(number)
        handle = f"metadata/{used.free_name(group.name, content, clear=not cut[number])}"
        yield _Output(group, None, Write(handle, content, len(group.rows), form))


def _cut_epochs(groups: LaneGroups) -> Mask:
    """The groups at whose ends an epoch with several snapshots is cut.

    Their names say only epochs: at another factor a group that holds all of the epoch has the same name.
    """
    cut = np.zeros(len(groups), dtype=np.bool_)
    if groups.kind is LaneKind.STATE_SNAPSHOTS:
        inside = groups.last[:-1] == groups.first[1:]
        cut[:-1] |= inside
        cut[1:] |= inside
    return cut


def _variant(lane: Lane, group: CompactedGroup, used: UsedNames) -> int | None:
    """The file with a name of our own for the group's range that holds all of it, if there is one."""
    return next((file for file in used.variants.get(group.name, ()) if _holds(lane, group.rows, file)), None)


def _holds(lane: Lane, rows: range, file: int) -> bool:
    """Whether a file holds every entry of `rows`."""
    starts = lane.claim_start[rows.start : rows.stop + 1]
    claims = lane.claim_file[starts[0] : starts[-1]] == file
    return bool(np.logical_or.reduceat(claims, starts[:-1] - starts[0]).all())


def _repair(lane: PreviewLane, group: CompactedGroup, write: Write, used: UsedNames) -> Iterator[CompactionHazard]:
    if write.handle == group.handle or (used.unseen and group.existing is None):
        return
    name, new = shown(group.name), write.handle.removeprefix("metadata/")
    if group.existing is None and group.name not in used.past:
        kind = "compacted-name-collision"
        text = f"{name} could be the name of other snapshots of an epoch, too: it is written as {new}"
    elif group.existing is None:
        kind = "rebuilt-name-stale-cache"
        text = f"{name} was once the name of other content, which readers may still keep: it is written as {new}"
    else:
        held = len(group.rows) - int(lane.lost[group.number])
        torn = used.index.files[group.existing].lines == held
        kind = "partial-compacted-file" if torn else "compacted-name-collision"
        what = "is torn" if torn else "holds other lines"
        text = f"{name} {what}: all {len(group.rows):,} lines of the group are written as {new}"
    yield CompactionHazard(kind, text, 1, lane.kind, (group.number,), (group.handle,))
