"""The bytes of entries as stock writes them, copied from the text that was read wherever it stands there already.

A line in stock's own form stands in the text byte for byte; all others are spelled anew. Lines that stand behind each
other are copied as one piece, so that the content of a large file is a few pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np

from core.codec import encode_record
from core.columns import I32, I64, U64, Lane, Mask
from core.index import Index
from core.model import EpochEndingRecord, LaneKind, StateSnapshotRecord, TransactionRecord

_POWERS: Final = np.array([10**digits for digits in range(1, 20)], dtype=np.uint64)
#: So many pieces at a time are numbers of Python's.
_BLOCK_PIECES: Final = 1 << 14
#: What stands behind the manifest's handle in a line.
_TAIL_BYTES: Final = len(b'"}}\n')
#: The bytes before the manifest's handle, without those of the numbers.
_HEAD_BYTES: Final = {
    kind: len(encode_record(record)) - _TAIL_BYTES - numbers
    for kind, record, numbers in (
        (LaneKind.EPOCH_ENDINGS, EpochEndingRecord(0, 0, 0, 0, ""), 4),
        (LaneKind.TRANSACTIONS, TransactionRecord(0, 0, ""), 2),
        (LaneKind.STATE_SNAPSHOTS, StateSnapshotRecord(0, 0, ""), 2),
    )
}


@dataclass(frozen=True, slots=True, eq=False)
class LaneText:
    """The lines of `rows`, some entries of a lane that follow each other, as stock writes them.

    Columns of shape (len(rows),): `start` and `end` (int64) are where each line stands in `text`, its line feed
    included, as far as it is `canonical`. `cuts` (int64) are the rows, counted from `rows.start`, that do not go on
    where the row before them ends.
    """

    lane: Lane
    rows: range
    text: memoryview[int]
    start: I64
    end: I64
    canonical: Mask
    cuts: I64

    def pieces(self) -> Iterator[bytes | memoryview[int]]:
        """The content of all rows, in as few pieces as it takes."""
        whole = self.groups(len(self.rows))
        yield from (piece for number in range(len(whole)) for piece in whole.pieces(number))

    def content(self) -> bytes:
        """The content of all rows in one."""
        return b"".join(self.pieces())

    def pieces_of(self, some: I64, odd: Callable[[int], bytes] | None = None) -> Iterator[bytes | memoryview[int]]:
        """The content of `some` of the rows (int64, rising), in few pieces; `odd` gives lines that are not canonical.

        Without it these are spelled anew.
        """
        at = some - self.rows.start
        start, end, canonical = self.start[at], self.end[at], self.canonical[at]
        heads = np.append(0, _cuts(start, end, canonical)) if len(some) else some
        tails = np.append(heads[1:], len(some)) - 1 if len(heads) else heads
        places = (some[heads], start[heads], end[tails], canonical[heads])
        for block in range(0, len(heads), _BLOCK_PIECES):
            some_places = (column[block : block + _BLOCK_PIECES].tolist() for column in places)
            for row, begin, stop, stands in zip(*some_places, strict=True):
                if stands:
                    yield self.text[begin:stop]
                else:
                    yield odd(row) if odd else encode_record(self.lane.record(row))

    def groups(self, size: int) -> GroupTexts:
        """The rows in groups of `size`; the last may be shorter."""
        borders = np.arange(0, len(self.rows), max(1, size))
        heads = np.union1d(borders, self.cuts)
        ends = self.end[np.append(heads[1:], len(self.rows)) - 1] if len(heads) else self.end
        return GroupTexts(
            text=self,
            first=[*np.searchsorted(heads, borders).tolist(), len(heads)],
            head=heads.tolist(),
            start=self.start[heads].tolist(),
            end=ends.tolist(),
            canonical=self.canonical[heads].tolist(),
        )


@dataclass(frozen=True, slots=True, eq=False)
class GroupTexts:
    """The text of a lane in groups, ready to be copied one by one.

    Piece k begins with row `head[k]` (counted from `text.rows.start`) and stands at `[start[k], end[k])` if it is
    `canonical`, else it is one line to be spelled; group n is the pieces from `first[n]` up to `first[n + 1]`.
    """

    text: LaneText
    first: list[int]
    head: list[int]
    start: list[int]
    end: list[int]
    canonical: list[bool]

    def __len__(self) -> int:
        return len(self.first) - 1

    def pieces(self, number: int) -> Iterator[bytes | memoryview[int]]:
        """The content of group `number`, in as few pieces as it takes."""
        for piece in range(self.first[number], self.first[number + 1]):
            if self.canonical[piece]:
                yield self.text.text[self.start[piece] : self.end[piece]]
            else:
                yield encode_record(self.text.lane.record(self.text.rows.start + self.head[piece]))

    def content(self, number: int) -> bytes:
        """The content of group `number` in one."""
        return b"".join(self.pieces(number))


def lane_text(index: Index, kind: LaneKind, rows: range | None = None) -> LaneText:
    """Where the lines of `rows` of a lane (default: all) stand in the text of the index."""
    lane = index.lanes[kind]
    rows = range(len(lane)) if rows is None else rows
    part = slice(rows.start, rows.stop)
    length = lane.manifests.length[part].astype(np.int64)
    head = np.full(len(rows), _HEAD_BYTES[kind], dtype=np.int64)
    for numbers in _numbers(lane):
        head += _digits(numbers[part])
    manifest = lane.manifests.start[part]
    canonical = _stands_in_file(index, lane.claim_file[lane.claim_start[part]], manifest)
    start, end = manifest - head, manifest + length + _TAIL_BYTES
    return LaneText(lane, rows, index.text.data, start, end, canonical, _cuts(start, end, canonical))


def _cuts(start: I64, end: I64, canonical: Mask) -> I64:
    """Which of some lines (int64) do not go on where the one before ends, so that no piece holds both."""
    return np.flatnonzero((start[1:] != end[:-1]) | ~canonical[1:] | ~canonical[:-1]) + 1


def _numbers(lane: Lane) -> Iterator[U64]:
    """The numbers that a line spells out."""
    if lane.epoch is not None:
        yield from (lane.epoch, lane.first)
        return
    yield from (lane.first, lane.last)
    if lane.kind is LaneKind.EPOCH_ENDINGS:
        yield from (lane.first_version, lane.last_version)


def _digits(numbers: U64) -> I64:
    return np.searchsorted(_POWERS, numbers, side="right") + 1


def _stands_in_file(index: Index, files: I32, manifest: I64) -> Mask:
    """Whether each manifest stands in the text of its own file: those of other lines are put behind the files."""
    if len(files) < len(index.files):
        spans = [index.text_spans[file] for file in files.tolist()]
        places = np.fromiter(chain.from_iterable(spans), dtype=np.int64, count=2 * len(spans)).reshape(-1, 2)
    else:
        places = np.array(index.text_spans, dtype=np.int64).reshape(-1, 2)[files]
    inside: Mask = (places[:, 0] <= manifest) & (manifest < places[:, 1])
    return inside
