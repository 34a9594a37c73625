"""The plan of a compaction: a change set that a snapshot, the options and the time determine, or why there is none.

Same files, names, order and bytes as stock on a clean store; where stock loses lines or wedges, the plan refuses or
repairs (`recovery.md`, "Compaction"). After it stock selects exactly what it selected before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from core.changes.lanes import state_of_text
from core.changes.model import ChangeSet, Move, OperationKind, Write
from core.changes.targets import free_targets
from core.codec import encode_record
from core.compaction.draft import Draft, draft_of
from core.compaction.hazards import CompactionHazard
from core.compaction.mends import mends_of
from core.compaction.obstacles import refused, too_large
from core.compaction.preview import CompactionPreview, preview_compaction
from core.compaction.refusals import Checked, Refusal, Scene
from core.compaction.timestamps import record_date, told_times
from core.errors import UsageError
from core.model import TimestampsRecord
from core.names import alone_name
from core.phrases import duration
from core.snapshot import Snapshot, require_whole
from core.stock import LANE_ORDER, CompactionOptions

_ONLY_TIMES = "it holds only times, and goes with the next change"


@dataclass(frozen=True, slots=True, eq=False)
class CompactionPlan:
    """What a compaction would do, or why it must not.

    Exactly one of `change_set` and `refusal` is there. `preview` is what stock would do; `repairs` say what the change
    set does otherwise.
    """

    change_set: ChangeSet | None
    refusal: Refusal | None
    preview: CompactionPreview
    repairs: tuple[CompactionHazard, ...]


def plan_compaction(
    snapshot: Snapshot, options: CompactionOptions, now: int, report: Checked | None = None
) -> CompactionPlan:
    """Plan a compaction of the store as the snapshot shows it, at `now` (unix seconds).

    `report` is a check of the same snapshot, for the zones of a refusal. Raises `UsageError` for a factor of 0 and
    `StoreUnreachable` for a snapshot that is not whole.
    """
    _require_factors(options)
    require_whole(snapshot)
    preview = preview_compaction(snapshot, options, now)
    scene = Scene(snapshot, preview, now, report)
    reason = refused(scene)
    if reason is not None:
        return CompactionPlan(None, reason, preview, ())
    draft = draft_of(snapshot, preview)
    reason = too_large(scene, draft.outputs.writes)
    if reason is not None:
        return CompactionPlan(None, reason, preview, ())
    record = None if draft.idle else _record(draft)
    moves = tuple(_moves(draft))
    return CompactionPlan(_change_set(draft, record, moves), None, preview, tuple(mends_of(draft, record, moves)))


def _require_factors(options: CompactionOptions) -> None:
    zero = next((kind for kind in LANE_ORDER if options.factor(kind) == 0), None)
    if zero is not None:
        raise UsageError(f"a factor of 0 makes stock panic: {zero.short}", hint="give a factor of 1 or more")


def _change_set(draft: Draft, record: Write | None, moves: tuple[Move, ...]) -> ChangeSet:
    options = draft.preview.run.options
    grace = options.remove_compacted_after
    label = f"{options.epoch_ending_factor:,} epoch endings, {options.transaction_factor:,} transactions, "
    label += f"{options.state_snapshot_factor:,} snapshots a file"
    stamps = draft.known if draft.idle else draft.stamps
    return ChangeSet(
        kind=OperationKind.COMPACT,
        label=label,
        marks=draft.marks,
        writes=draft.outputs.writes,
        restores=(),
        record=record,
        retires=moves,
        lanes={kind: state_of_text(text) for kind, text in draft.texts.items()},
        expires=tuple((handle, stamp + grace) for handle, stamp in stamps.items() if stamp is not None),
        kept=tuple(_kept(draft)),
        index=draft.snapshot.index,
    )


def _record(draft: Draft) -> Write:
    """The timestamps file: the time of every file that stays. Those of this run are not named, as in stock's."""
    snapshot = draft.snapshot
    taken = {file.listed.name for index in (snapshot.index, snapshot.retired) for file in index.files}
    date = record_date(draft.records.latest, draft.preview.run.now, taken)
    record = TimestampsRecord(date, told_times(draft.stamps))
    return Write(f"metadata/{alone_name(record)}", encode_record(record), 1, draft.form)


def _moves(draft: Draft) -> Iterator[Move]:
    run = draft.preview.run
    lying = {each.number: each.record.file_compacted_at - run.now for each in draft.records.lying}
    names = [draft.snapshot.index.files[number].listed.name for number in draft.leaving]
    targets = free_targets(draft.snapshot.retired, names)
    for number, target in zip(draft.leaving, targets, strict=True):
        mark = draft.marks[number]
        if number in lying:
            because = f"its record is dated {lying[number]:,} s ahead of the clock"
        else:
            stamp = draft.known[mark.handle] or 0
            overdue = run.now - stamp - run.options.remove_compacted_after
            because = f"{duration(overdue)} past its grace"
        yield Move(mark.handle, target, mark, because)


def _kept(draft: Draft) -> Iterator[tuple[str, str]]:
    """The files that are past their grace and stay all the same."""
    handles = draft.handles
    yield from ((handles[number], why) for number, why in draft.departure.kept)
    if draft.idle:
        yield from ((handles[number], _ONLY_TIMES) for number in draft.departure.leaving.nonzero()[0].tolist())
