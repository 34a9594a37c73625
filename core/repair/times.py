"""The timestamps record of a repair: without the files that go, else stock's next compaction wedges on them.

Rules: `own-fresh-map` and `compaction-wedge-missing-file` in `hazards.md`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from core.changes.model import Write
from core.codec import encode_record
from core.compaction.timestamps import Records, carried_over, record_date, records_of, told_times
from core.form import forms_of
from core.model import TimestampsRecord
from core.names import alone_name
from core.snapshot import Snapshot
from core.stock import CompactionOptions

#: Stock's own grace, which tells a time that overflows from one that does not.
_GRACE: Final = CompactionOptions().remove_compacted_after


@dataclass(frozen=True, slots=True, eq=False)
class RecordWork:
    """What becomes of the records at `now`, when the files `going` (numbers) go.

    `needed`: what stock goes by names something that will not be listed, or goes itself. `lying` are the files of
    records that are dated ahead of the clock: the new record wins over them only once they are gone, too.
    """

    records: Records
    needed: bool
    lying: dict[int, str]


def record_work(snapshot: Snapshot, going: Collection[int], now: int) -> RecordWork:
    """Whether the record has to be written anew because files go."""
    index = snapshot.index
    records = records_of(index, now)
    staying = {file.handle for number, file in enumerate(index.files) if number not in going}
    told = (*records.newest, *records.lying)
    named = set(records.merged) - staying
    needed = bool(named) or any(dated.number in going for dated in told)
    if records.witness is not None:
        handles = records.witness.record.compaction_timestamps.keys()
        needed = records.witness.number in going or not handles <= staying
    lying = {dated.number: _ahead(dated.record.file_compacted_at - now) for dated in records.lying}
    return RecordWork(records, needed, lying if needed else {})


def _ahead(seconds: int) -> str:
    return f"its record is dated {seconds:,} s ahead of the clock"


def new_record(snapshot: Snapshot, work: RecordWork, going: Collection[int], now: int) -> Write:
    """The record of the files that stay: times that were known are kept. New files have none and are not named."""
    index = snapshot.index
    taken = {file.listed.name for each in (index, snapshot.retired) for file in each.files}
    staying = (file.handle for number, file in enumerate(index.files) if number not in going)
    stamps = carried_over(staying, work.records.merged, _GRACE, now)
    record = TimestampsRecord(record_date(work.records.latest, now, taken), told_times(stamps))
    return Write(f"metadata/{alone_name(record)}", encode_record(record), 1, forms_of(index).only)
