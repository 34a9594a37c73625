"""Which metadata files a repair has to retire, and why (`recovery.md`, "Repair").

A file stays untouched unless it holds an entry that goes, or a line that stock can't read. One more kind goes: a
compacted file that lacks entries of the range in its name. Stock's next compaction would trust the name, write nothing,
and a day later retire the other files that hold them (`partial-compacted-file`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.columns import I64, U64, Lane, Mask
from core.findings.contents import Agreement, agreement, contents_of
from core.index import Index
from core.model import LaneKind
from core.names import MetadataName, parse_metadata_name
from core.phrases import count
from core.repair.sides import Side, Sides

_TORN: Final = "it holds less than its name says"


@dataclass(frozen=True, slots=True, eq=False)
class Retiring:
    """The numbers of the files that are to go, in listing order, each with the reason; `damaged` look cut off."""

    reasons: dict[int, str]
    damaged: frozenset[int]


def retired_files(sides: Sides) -> Retiring:
    """Which files a repair retires for what they hold."""
    bad = {number: file.bad_lines for number, file in enumerate(sides.index.files) if file.bad_lines}
    misleading = dict(_misleading_files(sides))
    found: dict[int, list[str]] = defaultdict(list)
    for number, rejected in _holding(sides):
        found[number].append(f"it holds {count(rejected, 'line')} that must not be seen")
    for number, bad_lines in bad.items():
        found[number].append(f"stock can't read {count(bad_lines, 'line')} of it")
    for number, reason in misleading.items():
        if number not in found:
            found[number].append(reason)
    reasons = {number: "; ".join(found[number]) for number in sorted(found)}
    return Retiring(reasons, frozenset(bad.keys() | misleading.keys()))


def _holding(sides: Sides) -> Iterator[tuple[int, int]]:
    """The files with entries that go, and how many of their lines those are."""
    lines = np.zeros(len(sides.index.files), dtype=np.int64)
    for kind, side in sides.lanes.items():
        lane = sides.index.lanes[kind]
        lines += np.bincount(lane.claim_file[side.gone[_rows_of_claims(lane)]], minlength=len(lines))
    for number in np.flatnonzero(lines).tolist():
        yield number, int(lines[number])


def _rows_of_claims(lane: Lane) -> I64:
    return np.repeat(np.arange(len(lane), dtype=np.int64), np.diff(lane.claim_start))


def _misleading_files(sides: Sides) -> Iterator[tuple[int, str]]:
    """Files with a compacted name of stock's that hold less than a compaction would put under that name."""
    by_lane: dict[LaneKind, dict[int, MetadataName]] = defaultdict(dict)
    for number, file in enumerate(sides.index.files):
        name = parse_metadata_name(file.listed.name)
        if name is not None and name.compacted and isinstance(name.kind, LaneKind):
            by_lane[name.kind][number] = name
    for kind, names in by_lane.items():
        yield from _misleading(sides.index, sides.lanes[kind], names)


def _misleading(index: Index, side: Side, names: Mapping[int, MetadataName]) -> Iterator[tuple[int, str]]:
    lane = index.lanes[side.kind]
    contents = contents_of(lane, len(index.files))
    missing = _missing(lane, side, names)
    for number, name in names.items():
        held = contents.range_of(number, name.unit)
        if not index.files[number].lines or agreement(name, held) is Agreement.SHORT:
            yield number, _TORN
        elif number in missing:
            yield number, f"it lacks {count(missing[number], 'line')} of the range in its name"


def _missing(lane: Lane, side: Side, names: Mapping[int, MetadataName]) -> dict[int, int]:
    """For each named file how many entries that will be visible lie in its range and not in it, where there are any."""
    first, last = (lane.first, lane.last) if lane.epoch is None else (lane.epoch, lane.epoch)
    low, high = _bounds(len(lane.file_handles), names)
    held = _held(lane, side.kept, (first, last), (low, high))
    rows = np.flatnonzero(side.kept)
    begin, end = np.searchsorted(first[rows], low, "left"), np.searchsorted(first[rows], high, "right")
    missing: dict[int, int] = {}
    for number, name in names.items():
        lacking = 0
        if int(end[number] - begin[number]) > held[number]:
            lacking = _lacking(lane, rows[begin[number] : end[number]], number, name)
        missing[number] = lacking + _added_inside(side, name)
    return {number: lacking for number, lacking in missing.items() if lacking}


def _lacking(lane: Lane, rows: I64, number: int, name: MetadataName) -> int:
    """How many of some entries that begin within the name's range also end there, and are not in file `number`.

    Stock cuts an epoch with several snapshots at some factors, so that a file may well hold a part of those at its
    ends.
    """
    here = [number in lane.claim_file[lane.claim_start[row] : lane.claim_start[row + 1]] for row in rows.tolist()]
    if lane.epoch is None:
        pairs = zip(rows.tolist(), here, strict=True)
        return sum(not held and int(lane.last[row]) <= name.last for row, held in pairs)
    epochs = lane.epoch[rows].tolist()
    cut = {epoch for epoch, held in zip(epochs, here, strict=True) if held and epoch in (name.first, name.last)}
    return sum(not held and epoch not in cut for epoch, held in zip(epochs, here, strict=True))


def _bounds(files: int, names: Mapping[int, MetadataName]) -> tuple[U64, U64]:
    """The closed range in each name, shape (files,)."""
    low, high = np.ones(files, dtype=np.uint64), np.zeros(files, dtype=np.uint64)
    for number, name in names.items():
        low[number], high[number] = name.first, name.last
    return low, high


def _held(lane: Lane, kept: Mask, ends: tuple[U64, U64], bounds: tuple[U64, U64]) -> I64:
    """How many of the entries that stay each file holds within its bounds, each entry once."""
    row, file = _rows_of_claims(lane), lane.claim_file
    inside: Mask = kept[row] & (ends[0][row] >= bounds[0][file]) & (ends[1][row] <= bounds[1][file])
    row, file = row[inside], file[inside]
    again = (row[1:] == row[:-1]) & (file[1:] == file[:-1])
    distinct = np.concatenate((np.ones(min(1, len(row)), dtype=np.bool_), ~again))
    return np.bincount(file[distinct], minlength=len(bounds[0]))


def _added_inside(side: Side, name: MetadataName) -> int:
    return sum(name.first <= first and last <= name.last for first, last in side.added_ranges)
