"""One chunk file under comparison: opened, gone along record by record, proved whole, and seen not to change meanwhile.

Records are never held, nor is anything sized by the lengths that the file claims (`hazards.md`, `own-bounded-memory`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from core.gzips import GzipFault, is_gzip
from core.manifests.chunks import MAX_RECORD_BYTES, walk_chunk
from core.manifests.content_verdict import Doubt, Doubtful, RecordPlace
from core.manifests.model import Chunk, record_count
from core.manifests.seals import is_dated
from core.manifests.sources import LENGTH, Source, source_of
from core.storage.protocol import HandleUnreadable, Listed, ListedKind, ReadFault, StoreReader

_BLOCK: Final = 256 << 10


class ContentChunk:
    """A chunk of the manifest `name`; `begun` records have begun, the last one at `start`, the next one is at `next`.

    Everything raises `Doubtful` where the file can't be read as a chunk.
    """

    def __init__(self, reader: StoreReader, name: str, number: int, chunk: Chunk) -> None:
        self._reader = reader
        self.number = number
        self.chunk = chunk
        self.where = f"chunk {number:,} ({chunk.first:,} to {chunk.last:,}) of {name}"
        self.begun = self.start = self.next = 0
        with self._in_doubt():
            self.listed = self._look_up()
            self._stream = reader.open(chunk.file)
        with self._in_doubt():
            self.zipped = is_gzip(self._stream)
        self._source: Source | None = None

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def read_so_far(self) -> int:
        """How many bytes of the file have been gone over."""
        return min(self.listed.size, self._stream.tell())

    def raw(self) -> bytes:
        """The next bytes of the file as it is, none at its end. Not to be mixed with `block`."""
        with self._in_doubt():
            data = self._stream.read(_BLOCK)
            while 0 < len(data) < _BLOCK and (more := self._stream.read(_BLOCK - len(data))):
                data += more
            return data

    def block(self, offset: int) -> bytes:
        """Some of the content from `offset` on, see `Source.block`; offsets only rise."""
        with self._in_doubt():
            if self._source is None:
                self._stream.seek(0)
                self._source = source_of(self._stream)
            return self._source.block(offset)

    def take(self, block: bytes, offset: int, most: int) -> None:
        """Go from length to length in a block of the content at `offset`, until `most` records have begun."""
        at, begun, last, limit, unpack = (
            self.next - offset,
            self.begun,
            -1,
            len(block) - LENGTH.size,
            LENGTH.unpack_from,
        )
        while at <= limit and begun < most:
            (length,) = unpack(block, at)
            if not 0 < length <= MAX_RECORD_BYTES:
                what = f"claims {length:,} bytes" if length else "is empty"
                raise Doubtful(Doubt.DAMAGED, f"{self.where}: record {begun:,} at byte {offset + at:,} {what}")
            last = at
            at += LENGTH.size + length
            begun += 1
        if last >= 0:
            self.begun, self.start, self.next = begun, offset + last, offset + at

    def skip_to(self, record: int, go_on: Callable[[], None]) -> None:
        """Go on until `record` is the next one, by the lengths alone; `go_on` is called between blocks."""
        while self.begun < record:
            block = self.block(self.next)
            if len(block) < LENGTH.size:
                raise Doubtful(Doubt.MISCOUNTED, f"{self.where} ends after {self.begun:,} records")
            self.take(block, self.next, record)
            go_on()

    def require_end(self) -> None:
        """Raises `Doubtful` where something stands behind the records that were gone over."""
        if self.block(self.next):
            raise Doubtful(Doubt.MISCOUNTED, f"{self.where} holds more than {self.begun:,} records")

    def require_unchanged(self) -> None:
        """Raises `Doubtful` if the file is no longer the one that was opened, as far as its tag or time would tell."""
        if not is_dated(self.listed):
            return
        with self._in_doubt():
            now = self._look_up()
        if (now.size, now.modified, now.tag) != (self.listed.size, self.listed.modified, self.listed.tag):
            raise Doubtful(Doubt.CHANGED, f"{self.where} changed while it was read")

    def require_whole(self, stopped: Callable[[], bool]) -> None:
        """Raises `Doubtful` where the file does not hold, to its end, as many records as its range has."""
        expected = record_count(self.chunk)
        with self._in_doubt(), self._reader.open(self.chunk.file) as stream:
            walk = walk_chunk(stream, expected, stopped)
        if stopped():
            raise Doubtful(Doubt.STOPPED, "stopped")
        if walk.fault:
            raise Doubtful(Doubt.DAMAGED, f"{self.where}: {walk.fault.message}")
        if walk.records != expected:
            more = "" if walk.complete else "more than "
            held = f"{self.where} holds {more}{walk.records:,} records, its range has {expected:,}"
            raise Doubtful(Doubt.MISCOUNTED, held)

    def find(self, offset: int, go_on: Callable[[], None]) -> tuple[int, RecordPlace]:
        """The record that the byte at `offset` of the content belongs to: its number in the file, and its place."""
        fresh = ContentChunk(self._reader, "", self.number, self.chunk)
        try:
            while fresh.next <= offset:
                block = fresh.block(fresh.next)[: offset - fresh.next + LENGTH.size]
                if len(block) < LENGTH.size:
                    raise Doubtful(Doubt.CHANGED, f"{self.where} changed while it was read")
                fresh.take(block, fresh.next, fresh.begun + len(block))
                go_on()
        finally:
            fresh.close()
        size = fresh.next - fresh.start - LENGTH.size
        return fresh.begun - 1, RecordPlace(self.number, self.chunk.file, fresh.start, size)

    def _look_up(self) -> Listed:
        listed = self._reader.stat(self.chunk.file)
        if listed.kind is not ListedKind.FILE:
            raise HandleUnreadable(ReadFault.REFUSED, f"not opened: it is a {listed.kind.value}")
        return listed

    @contextmanager
    def _in_doubt(self) -> Iterator[None]:
        """What goes wrong with the file is why nothing can be told."""
        try:
            yield
        except HandleUnreadable as unreadable:
            missing = unreadable.fault is ReadFault.MISSING
            why = "is not in the store" if missing else f"can't be read: {unreadable.message}"
            raise Doubtful(Doubt.UNREADABLE, f"{self.where} {why}") from unreadable
        except GzipFault as damage:
            bomb = damage.hazard == "decompression-bomb"
            why = f"is not read to its end: {damage.message}" if bomb else f"is damaged gzip: {damage.message}"
            raise Doubtful(Doubt.DAMAGED, f"{self.where} {why}") from damage
        except OSError as error:
            why = f"can't be read: {error.strerror} (os error {error.errno})"
            raise Doubtful(Doubt.UNREADABLE, f"{self.where} {why}") from error
