"""Entries of a lane as JSON objects: the versions, the manifest, and the files that claim it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from core.columns import I64, Lane
from core.model import Claim, Entry, EpochEndingRecord, LaneKind, StateSnapshotRecord


def entry_fields(entry: Entry) -> dict[str, Any]:
    """One entry. `first_version` and `last_version` are versions on every lane; epochs stand beside them."""
    record = entry.record
    files = list(dict.fromkeys(claim.file for claim in entry.claims))
    named: dict[str, Any] = {"manifest": record.manifest, "files": files}
    if isinstance(record, StateSnapshotRecord):
        return {"epoch": record.epoch, "first_version": record.version, "last_version": record.version} | named
    versions = {"first_version": record.first_version, "last_version": record.last_version} | named
    if isinstance(record, EpochEndingRecord):
        return {"first_epoch": record.first_epoch, "last_epoch": record.last_epoch} | versions
    return versions


#: So many entries are made from columns at once.
_BLOCK_ROWS: Final = 10_000


def lane_rows(lane: Lane, rows: I64) -> Iterator[dict[str, Any]]:
    """The entries of some rows (int64) of a lane, each as in `entry_fields`; made from columns, as they may be many."""
    for begin in range(0, len(rows), _BLOCK_ROWS):
        yield from _block(lane, rows[begin : begin + _BLOCK_ROWS])


def _block(lane: Lane, rows: I64) -> list[dict[str, Any]]:
    columns = {
        name: column[rows].tolist()
        for name, column in (
            ("epoch", lane.epoch),
            ("first_epoch", lane.first if lane.kind is LaneKind.EPOCH_ENDINGS else None),
            ("last_epoch", lane.last if lane.kind is LaneKind.EPOCH_ENDINGS else None),
            ("first_version", lane.first_version),
            ("last_version", lane.last_version),
        )
        if column is not None
    }
    columns["manifest"] = [lane.manifest(row) for row in rows.tolist()]
    columns["files"] = _files(lane, rows)
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _files(lane: Lane, rows: I64) -> list[list[str]]:
    """For each row the handles of the files that claim it, each once, in listing order."""
    starts, ends = lane.claim_start[rows].tolist(), lane.claim_start[rows + 1].tolist()
    handles, numbers = lane.file_handles, lane.claim_file
    return [[handles[each] for each in dict.fromkeys(numbers[a:b].tolist())] for a, b in zip(starts, ends, strict=True)]


def snapshot_fields(lane: Lane, row: int | None) -> dict[str, Any] | None:
    """One state snapshot: epoch, version, manifest and files."""
    if row is None:
        return None
    entry = lane.entry(row)
    return {"version": entry.first} | entry_fields(entry)


def claim_fields(claims: Iterable[Claim]) -> list[dict[str, Any]]:
    """Files and lines, counted from 1; line 0 is the file as a whole."""
    return [{"file": claim.file, "line": claim.line} for claim in claims]
