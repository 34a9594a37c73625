"""What a plan sets right that stock would not: sentences for the operator, by the ids of the hazard catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from core.changes.model import Move, Write
from core.compaction.draft import Draft
from core.compaction.hazards import NAMED, CompactionHazard
from core.compaction.timestamps import handles_of
from core.stock import IDENTITY_HANDLE
from core.stock.aging import is_metadata_handle


def mends_of(draft: Draft, record: Write | None, moves: Sequence[Move]) -> Iterator[CompactionHazard]:
    """The repairs of names, of times, and of moves."""
    yield from draft.outputs.repairs
    if draft.snapshot.retired_unseen is not None:
        text = "metadata_backup/ can't be looked at, so no name is used that it may hold: each new file has its own"
        yield from _mend("rebuilt-name-stale-cache", text, [write.handle for write in draft.outputs.writes])
    if record is not None:
        for check in _TIMES:
            yield from check(draft)
        date = int(record.handle.rpartition("_")[2].removesuffix(".meta"))
        if date != draft.preview.run.now:
            text = f"a record of this second or a later one is there: the new one is dated {date}"
            yield from _mend("timestamps-same-second", text, [record.handle])
    yield from _targets(draft, moves)


def _mend(kind: str, text: str, handles: Sequence[str]) -> Iterator[CompactionHazard]:
    if handles:
        yield CompactionHazard(kind, text, len(handles), handles=tuple(handles[:NAMED]))


def _records(draft: Draft) -> Iterator[CompactionHazard]:
    records = draft.records
    if records.tied:
        text = "several newest records are merged into one: of each file the earliest time counts"
        yield from _mend("timestamps-tie", text, handles_of(records.newest))
    text = "a record dated ahead of the clock is set aside, its times are taken over"
    yield from _mend("timestamps-future", text, handles_of(records.lying))


def _keys(draft: Draft) -> Iterator[CompactionHazard]:
    listed = set(draft.handles)
    missing = [handle for handle in draft.known if handle not in listed and is_metadata_handle(handle)]
    foreign = [handle for handle in draft.known if handle not in listed and not is_metadata_handle(handle)]
    yield from _mend("compaction-wedge-missing-file", "a file that is gone is dropped from the times", missing)
    yield from _mend(
        "timestamps-foreign-handle", "a key that names no metadata file is dropped from the times", foreign
    )
    if draft.known.get(IDENTITY_HANDLE) is not None:
        yield from _mend("identity-evicted", "identity.meta is no longer marked for removal", [IDENTITY_HANDLE])


def _stamps(draft: Draft) -> Iterator[CompactionHazard]:
    times = draft.times
    again = "its grace begins now"
    yield from _mend("timestamps-back", f"a time before September 2020 is a clock's fault: {again}", times.too_early)
    yield from _mend(
        "timestamps-overflow", f"a time so great that stock would panic is replaced: {again}", times.overflowing
    )
    yield from _mend("timestamps-future", f"a time ahead of the clock is replaced: {again}", times.ahead)


def _targets(draft: Draft, moves: Sequence[Move]) -> Iterator[CompactionHazard]:
    renamed = [move.target for move in moves if move.target.rpartition("/")[2] != move.source.rpartition("/")[2]]
    text = (
        "a file of that name is in metadata_backup/ already: both are kept, the new one with a number behind its name"
    )
    yield from _mend("backup-dir-overwrite", text, renamed)
    if moves and not draft.snapshot.one_device:
        text = "metadata_backup/ is on another file system: files are copied there before they go"
        yield from _mend("backup-dir-cross-device", text, [move.source for move in moves])


_TIMES: Final[tuple[Callable[[Draft], Iterator[CompactionHazard]], ...]] = (_records, _keys, _stamps)
