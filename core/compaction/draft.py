"""Everything that is decided on the way from a snapshot to a change set, each thing once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.changes.marks import FileMark, marks_of
from core.columns import Mask
from core.compaction.names import used_names
from core.compaction.outputs import Outputs, outputs_of
from core.compaction.preview import CompactionPreview
from core.compaction.retire import Departure, departing
from core.compaction.timestamps import Records, Times, handles_of, new_times, records_of, settled, times_only
from core.content import LaneText, lane_text
from core.form import Form, forms_of
from core.model import LaneKind
from core.snapshot import Snapshot
from core.stock import LANE_ORDER


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """The decisions on one run that nothing speaks against; new files have the `form`.

    `known` are the times that the records give, `times` what becomes of them; `leaving` the numbers of the files that
    go, and `stamps` the times of all that stay. `idle` says that there is nothing to do: then nothing leaves.
    """

    snapshot: Snapshot
    form: Form
    preview: CompactionPreview
    texts: Mapping[LaneKind, LaneText]
    marks: tuple[FileMark, ...]
    outputs: Outputs
    records: Records
    known: Mapping[str, int | None]
    times: Times
    departure: Departure
    leaving: tuple[int, ...]
    stamps: Mapping[str, int | None]
    idle: bool

    @property
    def handles(self) -> tuple[str, ...]:
        """The handles of the listed files."""
        return tuple(file.handle for file in self.snapshot.index.files)


def draft_of(snapshot: Snapshot, preview: CompactionPreview) -> Draft:
    """Decide on groups, times and old files, in this order."""
    index, run = snapshot.index, preview.run
    texts = {kind: lane_text(index, kind) for kind in LANE_ORDER}
    form = forms_of(index).only
    outputs = outputs_of(preview, used_names(snapshot), texts, form)
    handles = [file.handle for file in index.files]
    records = records_of(index, run.now)
    known = records.merged
    fresh = {handles[number] for number in outputs.fresh}
    times = new_times(handles, fresh, known, run.options.remove_compacted_after, run.now)
    departure = departing(index, _going(handles, times, records), outputs.written)
    leaving = np.flatnonzero(departure.leaving).tolist()
    gone = {handles[number] for number in leaving}
    stamps = {handle: stamp for handle, stamp in times.stamps.items() if handle not in gone}
    idle = not outputs.writes and _unchanged(records, known, stamps, gone & _of(handles, times_only(index)), gone)
    return Draft(
        snapshot=snapshot,
        form=form,
        preview=preview,
        texts=texts,
        marks=marks_of(index),
        outputs=outputs,
        records=records,
        known=known,
        times=times,
        departure=departure,
        leaving=() if idle else tuple(leaving),
        stamps=times.stamps if idle else stamps,
        idle=idle,
    )


def _going(handles: list[str], times: Times, records: Records) -> Mask:
    """The files that are past their grace, and those whose records lie."""
    going = np.zeros(len(handles), dtype=np.bool_)
    numbers = {handle: number for number, handle in enumerate(handles)}
    for number in (*(numbers[handle] for handle in times.expired), *(each.number for each in records.lying)):
        going[number] = True
    return going


def _of(handles: list[str], numbers: frozenset[int]) -> set[str]:
    return {handles[number] for number in numbers}


def _unchanged(
    records: Records, known: Mapping[str, int | None], stamps: Mapping[str, int | None], aside: set[str], gone: set[str]
) -> bool:
    """Whether a new record would say nothing new.

    The newest record never tells its own file's time, and files that hold only times (`aside`) are not worth another
    one: else every run would bring one more.
    """
    beside = aside | set(handles_of(records.newest))
    return not records.lying and not records.tied and gone <= beside and settled(known, stamps, beside)
