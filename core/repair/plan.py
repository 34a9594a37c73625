"""Plans a repair: the change after which stock sees the chosen entries and nothing else (`recovery.md`, "Repair").

Pure: a recovery and the time determine the plan. Lines are copied as they stand, into new files under names of their
own; no file is edited, no name reused, and whatever goes can be brought back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from core.changes.marks import FileMark, marks_of
from core.changes.model import ChangeSet, LaneState, Move, OperationKind, Write
from core.changes.targets import free_targets
from core.columns import Mask
from core.compaction.names import used_names
from core.compaction.refusals import Refusal
from core.index import Index
from core.model import LaneKind
from core.phrases import count
from core.recovery.model import Recovery
from core.repair.effects import side_effects
from core.repair.foresight import foresee, spoils
from core.repair.model import RepairPlan
from core.repair.obstacles import Scene, refused, too_large
from core.repair.outputs import new_files
from core.repair.proof import why_no_help
from core.repair.retiring import retired_files
from core.repair.sides import Sides
from core.repair.times import new_record, record_work
from core.snapshot import require_whole


def plan_repair(recovery: Recovery, now: int, *, park_tail: bool = False) -> RepairPlan:
    """Plan the repair of a store at `now` (unix seconds), so that the rejected entries, and with `park_tail` those
    behind a true gap, are seen no more, and the added ones are.

    Raises `StoreUnreachable` for a snapshot that is not whole.
    """
    require_whole(recovery.snapshot)
    sides = Sides(recovery, park_tail)
    retiring = retired_files(sides)
    going = retiring.reasons
    quiet = not going and not sides.twin_snapshots and not any(file.fault for file in sides.index.files)
    if sides.idle and quiet:
        return RepairPlan(recovery, _change_set(sides, foresee(sides, (), ()).lanes), None)
    work = record_work(recovery.snapshot, going, now)
    going = dict(sorted((work.lying | going).items()))
    scene = Scene(sides, going, retiring.damaged, work, now)
    reason = refused(scene)
    if reason is not None:
        return RepairPlan(recovery, None, reason)
    writes = tuple(new_files(sides, _mask(sides.index, going), used_names(recovery.snapshot)))
    record = new_record(recovery.snapshot, work, going, now) if work.needed else None
    reason = too_large(scene, (*writes, *([record] if record else [])))
    if reason is not None:
        return RepairPlan(recovery, None, reason)
    foreseen = foresee(sides, going, writes)
    problem = why_no_help(recovery, foreseen.index)
    if problem is not None or spoils(foreseen, writes):
        text = "the repair would not make stock restore what the chain allows, so it is not begun"
        return RepairPlan(recovery, None, Refusal("own-two-selectors", text, problem, scene.look_again, None))
    change = _change_set(sides, foreseen.lanes, writes, record, going)
    return RepairPlan(recovery, change, None, tuple(side_effects(sides, change, foreseen.index)))


def _mask(index: Index, numbers: Mapping[int, str]) -> Mask:
    mask = np.zeros(len(index.files), dtype=np.bool_)
    mask[list(numbers)] = True
    return mask


def _change_set(
    sides: Sides,
    lanes: Mapping[LaneKind, LaneState],
    writes: tuple[Write, ...] = (),
    record: Write | None = None,
    going: Mapping[int, str] | None = None,
) -> ChangeSet:
    marks = marks_of(sides.index)
    derived = sides.recovery.derived
    return ChangeSet(
        kind=OperationKind.REPAIR,
        label=_label(sides),
        marks=marks,
        writes=writes,
        restores=(),
        record=record,
        retires=tuple(_moves(sides, marks, going or {})),
        lanes=dict(lanes),
        rejected=sides.rejected,
        parked=sides.parked,
        derived=tuple(
            Write(each.record.manifest, each.content, each.content.count(b"\n"), each.form) for each in derived
        ),
        added=sides.added,
    )


def _moves(sides: Sides, marks: Sequence[FileMark], going: Mapping[int, str]) -> Iterator[Move]:
    files = sides.index.files
    targets = free_targets(sides.recovery.snapshot.retired, [files[number].listed.name for number in going])
    for (number, because), target in zip(going.items(), targets, strict=True):
        yield Move(files[number].handle, target, marks[number], because)


def _label(sides: Sides) -> str:
    """What the journal calls the repair."""
    recovery = sides.recovery
    gone = len(sides.rejected) + len(sides.parked)
    recovered = len(recovery.added) - len(recovery.derived)
    parts = (
        (gone, count(gone, "entry", "entries") + " set aside"),
        (recovered, count(recovered, "line") + " recovered"),
        (len(recovery.derived), count(len(recovery.derived), "manifest") + " derived"),
    )
    return ", ".join(text for number, text in parts if number) or "damaged files set aside"
