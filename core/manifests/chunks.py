"""Walks the records of a chunk file by their lengths, without reading what is in them.

A chunk file is a sequence of records, each behind its length as a big-endian u32 (`format.md`, "Manifests"). The
lengths are never believed: nothing is allocated by them, payload is seeked over, and the walk ends at the first thing
that stock would stumble over. Memory is one block, whatever the file says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Final

from core.gzips import GzipFault
from core.manifests.sources import LENGTH, InflatedSource, Source, source_of

#: `hazards.md`, `own-bounded-memory`.
MAX_RECORD_BYTES: Final = 64 << 20
#: Records beyond the range are counted on for a while, because stock's message gives their number.
_COUNTED_BEYOND: Final = 100_000


@dataclass(frozen=True, slots=True)
class ChunkFault:
    """Where a walk ended before the end of the file: `record` counts from 0, `offset` is that of the record's length.

    `hazard` is an id of hazards.md; `stock_says` what stock says when it reads the file, None where it says nothing
    that is known.
    """

    hazard: str
    message: str
    record: int
    offset: int
    stock_says: str | None


@dataclass(frozen=True, slots=True)
class ChunkWalk:
    """What a walk has seen: whole records before the fault, if there is one, and bytes of (inflated) content.

    `complete` is False when the walk was stopped, or ended at a record that is one of too many.
    """

    records: int
    content_bytes: int
    gzip: bool
    fault: ChunkFault | None = None
    complete: bool = True


def walk_chunk(stream: BinaryIO, expected: int, stopped: Callable[[], bool] = lambda: False) -> ChunkWalk:
    """Walk a chunk file that stands at its start and should hold `expected` records.

    The caller closes the stream. Raises OSError when the file can't be read.
    """
    source = source_of(stream)
    zipped = isinstance(source, InflatedSource)
    walk = _Walk(source, max(0, expected) + _COUNTED_BEYOND, stopped)
    try:
        fault = walk.run()
    except GzipFault as damage:
        message = f"the gzip stream is damaged: {damage.message}"
        if damage.hazard == "decompression-bomb":
            message = f"not read further: {damage.message} bytes"
        fault = ChunkFault(damage.hazard, message, walk.records, walk.offset, _gzip_complaint(damage))
    return ChunkWalk(walk.records, walk.offset, zipped, fault, walk.complete)


def _gzip_complaint(damage: GzipFault) -> str | None:
    return f"gzip: stdin: {damage.message}" if damage.hazard == "gzip-damaged" else None


class _Walk:
    """One walk: `records` whole ones until `offset`, where the next one begins."""

    def __init__(self, source: Source, most: int, stopped: Callable[[], bool]) -> None:
        self._source = source
        self._most = most
        self._stopped = stopped
        self._last_offset = 0
        self.records = 0
        self.offset = 0
        self.complete = True

    def run(self) -> ChunkFault | None:
        """Walk to the end, to the first fault, or to where it is enough."""
        while self.complete:
            block = self._source.block(self.offset)
            if len(block) < LENGTH.size:
                return self._ending(len(block))
            fault = self._walk_block(block)
            if fault:
                return fault
            if self.records > self._most or self._stopped():
                self.complete = False
        return None

    def _walk_block(self, block: bytes) -> ChunkFault | None:
        """Go from length to length as far as they lie in the block."""
        position, last, limit, unpack = 0, -1, len(block) - LENGTH.size, LENGTH.unpack_from
        while position <= limit:
            (length,) = unpack(block, position)
            if not 0 < length <= MAX_RECORD_BYTES:
                break
            last = position
            position += LENGTH.size + length
            self.records += 1
        if last >= 0:
            self._last_offset = self.offset + last
        self.offset += position
        return self._impossible_length(length) if not 0 < length <= MAX_RECORD_BYTES else None

    def _impossible_length(self, length: int) -> ChunkFault:
        if not length:
            message = f"record {self.records:,} at byte {self.offset:,} is empty"
            return self._fault("chunk-empty-record", message, "unexpected end of input")
        size = self._source.size()
        held = None if size is None else max(0, size - self.offset - LENGTH.size)
        message = f"record {self.records:,} at byte {self.offset:,} claims {length:,} bytes"
        if held is not None and held >= length:
            message += f": more than {MAX_RECORD_BYTES:,} are not walked"
            return self._fault("chunk-length-bomb", message, None)
        message += "" if held is None else f" where {held:,} are left"
        return self._fault("chunk-length-bomb", message, None if held is None else _cut_short(held, length))

    def _ending(self, left: int) -> ChunkFault | None:
        """The content ends: right behind a record, inside one, or with `left` bytes of a length."""
        end = self._source.end()
        if left:
            message = f"the file ends inside the length of record {self.records:,} at byte {self.offset:,}"
            return self._fault("chunk-truncated", message, _cut_short(left, LENGTH.size))
        if end >= self.offset:
            return None
        length = self.offset - self._last_offset - LENGTH.size
        held = end - self._last_offset - LENGTH.size
        self.records, self.offset = self.records - 1, self._last_offset
        message = f"the file ends inside record {self.records:,} at byte {self.offset:,}: {held:,} of {length:,} bytes"
        return self._fault("chunk-truncated", message, _cut_short(held, length))

    def _fault(self, hazard: str, message: str, stock_says: str | None) -> ChunkFault:
        return ChunkFault(hazard, message, self.records, self.offset, stock_says)


def _cut_short(held: int, wanted: int) -> str:
    """What stock says when `held` of `wanted` bytes of a length or a record are there."""
    if not held:
        return "Hit EOF when reading record."
    return f"Hit EOF before filling the whole buffer, read {held}, expected {wanted}"
