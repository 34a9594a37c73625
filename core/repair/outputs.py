"""The new files of a repair: one for each kind of line that would otherwise be lost, or is to come.

Only lines of one kind that are more than is read of a file take several. Each file gets a name that no reader can know
for anything else: its range, and a digest of its content (`own-new-names`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import starmap
from typing import Final

import numpy as np

from core.changes.model import Write
from core.changes.survival import keeping_files
from core.columns import I64, Lane, Mask
from core.compaction.names import UsedNames
from core.content import LaneText, lane_text
from core.form import forms_of
from core.gather import MAX_FILE_BYTES, MAX_FILE_LINES
from core.index import Index
from core.model import U64_MAX, LaneKind
from core.repair.lines import RawLines
from core.repair.sides import Side, Sides, named_range, sort_key

#: Beside stock's names for compacted files; what is put behind them makes them new.
_NAMES: Final = {
    LaneKind.EPOCH_ENDINGS: "epoch_ending_repair_{}-{}.meta",
    LaneKind.TRANSACTIONS: "transaction_repair_{}-{}.meta",
    LaneKind.STATE_SNAPSHOTS: "state_snapshot_repair_epoch_{}_{}.meta",
}
_IDENTITY: Final = "identity_repair.meta"
#: So many lines are copied at once.
_BLOCK_LINES: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Block:
    """Some lines that follow each other, and the closed range of them, counted as names count."""

    content: bytes
    lines: int
    first: int
    last: int


def new_files(sides: Sides, going: Mask, used: UsedNames) -> Iterator[Write]:
    """What is to be written so that the files `going` may go: entries lane by lane, then identities."""
    raw = RawLines(sides.index)
    keeping = keeping_files(sides.index, going)
    for side in sides.lanes.values():
        rows = _homeless(sides.index.lanes[side.kind], side.kept, going, keeping)
        if len(rows) or side.added:
            blocks = _blocks(lane_text(sides.index, side.kind), side, rows, raw)
            for part in _parts(blocks):
                name = _NAMES[side.kind].format(part.first, part.last)
                yield _named(name, part.content, part.lines, used)
    identities = list(_homeless_identities(sides.index, going, keeping, raw))
    if identities:
        yield _named(_IDENTITY, b"".join(identities), len(identities), used)


def _homeless(lane: Lane, kept: Mask, going: Mask, keeping: Mask) -> I64:
    """The rows (int64) that stay visible, and of which a file that goes held the last line to be relied upon."""
    if not len(lane):
        return np.empty(0, dtype=np.int64)
    starts = lane.claim_start[:-1]
    leaves = np.logical_or.reduceat(going[lane.claim_file], starts)
    stands = np.logical_or.reduceat(keeping[lane.claim_file], starts)
    return np.flatnonzero(kept & leaves & ~stands)


def _blocks(text: LaneText, side: Side, rows: I64, raw: RawLines) -> Iterator[_Block]:
    """The lines of `rows`, and those that come, in stock's order, some thousand at a time.

    One that several files hold is taken from the first of them.
    """
    lane = text.lane
    first, last = (lane.first, lane.last) if lane.epoch is None else (lane.epoch, lane.epoch)

    def block(start: int, stop: int) -> _Block:
        some = rows[start:stop]
        ends = int(first[some].min()), int(last[some].max())
        pieces = text.pieces_of(some, lambda row: raw.line(lane.claims(row)[0]))
        return _Block(b"".join(pieces), len(some), *ends)

    places = range(len(rows))
    done = 0
    for line in side.added:
        key = sort_key(line.record)
        at = bisect_left(places, key, lo=done, key=lambda place: sort_key(lane.record(int(rows[place]))))
        yield from starmap(block, _steps(done, at))
        yield _Block(line.line + b"\n", 1, *named_range(line.record))
        done = at
    yield from starmap(block, _steps(done, len(rows)))


def _steps(start: int, stop: int) -> Iterator[tuple[int, int]]:
    return ((at, min(at + _BLOCK_LINES, stop)) for at in range(start, stop, _BLOCK_LINES))


def _parts(blocks: Iterable[_Block]) -> Iterator[_Block]:
    """Blocks together as long as they fit into one file; nearly always that is all of them."""
    # A buffer hands over what it holds without a copy: the lines of a store may fill hundreds of megabytes.
    content, lines, first, last = BytesIO(), 0, U64_MAX, 0
    for block in blocks:
        if lines and (lines + block.lines > MAX_FILE_LINES or content.tell() + len(block.content) > MAX_FILE_BYTES):
            yield _Block(content.getvalue(), lines, first, last)
            content, lines, first, last = BytesIO(), 0, U64_MAX, 0
        content.write(block.content)
        lines, first, last = lines + block.lines, min(first, block.first), max(last, block.last)
    if lines:
        yield _Block(content.getvalue(), lines, first, last)


def _homeless_identities(index: Index, going: Mask, keeping: Mask, raw: RawLines) -> Iterator[bytes]:
    numbers = {file.handle: number for number, file in enumerate(index.files)}
    safe = {record.id for record, claim in index.identities if keeping[numbers[claim.file]]}
    for record, claim in index.identities:
        if going[numbers[claim.file]] and record.id not in safe:
            safe.add(record.id)
            yield raw.line(claim)


def _named(name: str, content: bytes, lines: int, used: UsedNames) -> Write:
    handle = f"metadata/{used.free_name(name, content, clear=False)}"
    return Write(handle, content, lines, forms_of(used.index).only)
