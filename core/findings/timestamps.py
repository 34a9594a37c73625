"""The records of past compactions, by which stock decides what to move away (`hazards.md`, "Compaction")."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from core.findings import commands
from core.findings.build import finding
from core.findings.case import Case
from core.findings.registry import detector
from core.model import U64_MAX, Claim, Finding, TimestampsRecord
from core.names import handle_problem
from core.phrases import count, duration, listed, moment, shown
from core.stock.failure import ADD_OVERFLOW

#: No compaction was ever run before this moment (2020-09-13, unix seconds): a stamp below it is a clock's fault.
EARLIEST_STAMP: Final = 1_600_000_000
#: By how many seconds the clocks of a writer and of this machine may differ.
CLOCK_SLACK: Final = 60
#: By how many seconds file times must contradict the records before that means something: copies mix them up a little.
_FILE_TIME_SLACK: Final = 3_600
#: More records than this of one kind are told by their number.
_MOST_RECORDS: Final = 200


def _newest(case: Case) -> tuple[TimestampsRecord, Claim] | None:
    """The record that stock goes by, and where it is written."""
    newest = case.newest_timestamps
    return next(((record, claim) for record, claim in case.index.timestamps if record is newest), None)


@detector("timestamps-future", "timestamps-back")
def wrong_clocks(case: Case) -> Iterator[Finding]:
    """Records dated in the future, or by a clock that was far behind."""
    ahead = [pair for pair in case.index.timestamps if pair[0].file_compacted_at > case.now + CLOCK_SLACK]
    for record, claim in ahead[:_MOST_RECORDS]:
        yield _future(case, record, claim, len(ahead))
    newest = _newest(case)
    if newest is not None:
        yield from _behind(case, *newest)


def _future(case: Case, record: TimestampsRecord, claim: Claim, total: int) -> Finding:
    ahead = record.file_compacted_at - int(case.now)
    others = f" {total:,} records are dated in the future." if total > 1 else ""
    return finding(
        "timestamps-future",
        explanation=f"{shown(claim.file)} is dated {moment(record.file_compacted_at)}, {duration(ahead)} from now. It "
        f"wins over all records that compaction writes until then, so nothing new is ever moved away.{others}",
        cause="The clock of a host was ahead once, or the number is damaged.",
        next_step=commands.mended_by_compaction(case),
        claims=[claim],
    )


def _behind(case: Case, record: TimestampsRecord, claim: Claim) -> Iterator[Finding]:
    early = [
        handle for handle, stamp in record.compaction_timestamps.items() if stamp is not None and stamp < EARLIEST_STAMP
    ]
    later = _later_written(case, claim)
    if early or record.file_compacted_at < EARLIEST_STAMP:
        what = (
            f"{shown(claim.file)} is dated {moment(record.file_compacted_at)}, and {count(len(early), 'stamp')} in it "
        )
        what += f"{'is' if len(early) == 1 else 'are'} as old: the files expire at once and may be moved under readers."
    elif later:
        what = f"{shown(claim.file)} wins by its date, {moment(record.file_compacted_at)}, although {listed(later)} "
        what += f"{'was' if len(later) == 1 else 'were'} written after it: what those runs recorded is ignored."
    else:
        return
    yield finding(
        "timestamps-back",
        explanation=what,
        cause="The clock of a host was far behind when compaction ran there.",
        next_step=commands.mended_by_compaction(case),
        claims=[claim],
    )


def _later_written(case: Case, winner: Claim) -> list[str]:
    """Records of other files that were written well after the one that wins."""
    written = {file.handle: file.listed.modified for file in case.index.files}
    limit = written[winner.file] + _FILE_TIME_SLACK
    return [shown(claim.file) for _, claim in case.index.timestamps if written[claim.file] > limit]


@detector("timestamps-tie")
def tied_records(case: Case) -> Iterator[Finding]:
    """Several records with the newest time that say different things."""
    newest = case.newest_timestamps
    if newest is None:
        return
    tied = [pair for pair in case.index.timestamps if pair[0].file_compacted_at == newest.file_compacted_at]
    if any(record.compaction_timestamps != newest.compaction_timestamps for record, _ in tied):
        yield finding(
            "timestamps-tie",
            explanation=f"{len(tied):,} compaction records have the newest time, {newest.file_compacted_at:,}, and "
            f"differ: {listed([shown(claim.file) for _, claim in tied])}. Which one counts changes from run to run.",
            cause="Two compactions at once.",
            next_step=commands.mended_by_compaction(case),
            claims=[claim for _, claim in tied],
        )


@detector("timestamps-overflow")
def endless_stamps(case: Case) -> Iterator[Finding]:
    """Stamps so great that adding the grace period aborts stock."""
    newest = _newest(case)
    if newest is None:
        return
    grace = max(run.remove_compacted_after for run in case.options)
    stamps = newest[0].compaction_timestamps
    endless = [handle for handle, stamp in stamps.items() if stamp is not None and stamp + grace > U64_MAX]
    if endless:
        yield finding(
            "timestamps-overflow",
            explanation=f"{count(len(endless), 'stamp')} in {shown(newest[1].file)} and the grace period of "
            f"{duration(grace)} pass 2^64: {listed([shown(handle) for handle in endless])}. Every compaction aborts; "
            "restores are not affected.",
            cause="A damaged or hostile number.",
            next_step=commands.mended_by_compaction(case),
            stock_says=ADD_OVERFLOW,
            claims=[newest[1]],
        )


@detector("timestamps-foreign-handle", "compaction-wedge-missing-file")
def keys_of_the_record(case: Case) -> Iterator[Finding]:
    """What the newest record names: files outside `metadata/`, and files that are gone."""
    newest = _newest(case)
    if newest is None:
        return
    keys = newest[0].compaction_timestamps
    foreign = [handle for handle in keys if not _is_metadata_handle(handle)]
    gone = [handle for handle in keys if handle not in case.file_numbers and _is_metadata_handle(handle)]
    if foreign:
        yield finding(
            "timestamps-foreign-handle",
            explanation=f"{shown(newest[1].file)} names {count(len(foreign), 'thing')} outside metadata/: "
            f"{listed([shown(handle) for handle in foreign])}. When its time is over compaction moves whatever that is "
            "to metadata_backup/.",
            cause="A hostile or damaged record: its keys come from the file's content and are matched with nothing.",
            next_step=commands.mended_by_compaction(case),
            claims=[newest[1]],
            manifests=foreign,
        )
    if gone:
        yield _wedge(case, newest, gone)


def _is_metadata_handle(handle: str) -> bool:
    """Whether a handle can only name a direct child of `metadata/`."""
    return handle.startswith("metadata/") and handle.count("/") == 1 and handle_problem(handle) is None


def _wedge(case: Case, newest: tuple[TimestampsRecord, Claim], gone: list[str]) -> Finding:
    stamps = [stamp for handle in gone if (stamp := newest[0].compaction_timestamps[handle]) is not None]
    when = f"{moment(min(stamps))} and the grace period" if stamps else "a day after the next run"
    retired = {file.listed.name for file in case.retired.files}
    moved = sum(handle.removeprefix("metadata/") in retired for handle in gone)
    where = f" {moved:,} of them {'is' if moved == 1 else 'are'} in metadata_backup/ already." if moved else ""
    return finding(
        "compaction-wedge-missing-file",
        explanation=f"{shown(newest[1].file)} names {count(len(gone), 'file')} that "
        f"{'is' if len(gone) == 1 else 'are'} not in metadata/: {listed([shown(handle) for handle in gone])}.{where} "
        f"From their expiry on ({when}) every compaction dies at moving them, before it saves a new record. Restores "
        "are not affected.",
        cause="A run was killed while it moved files, another compactor moved them, or somebody did by hand.",
        next_step=commands.mended_by_compaction(case),
        stock_says="No such file or directory (os error 2)",
        claims=[newest[1]],
        manifests=gone,
    )
