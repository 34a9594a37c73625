"""Two manifests compared record by record over what both cover, even where their chunks begin and end elsewhere.

Records stand behind their lengths, so two stretches of so many records are equal just when their bytes are: blocks are
compared, and records are only looked for where blocks differ. Chunks of one range are compared as whole files, chunks
of other ranges are gone along by the lengths in one of them. What lies outside the common range is seeked over or not
read at all. Memory is a few blocks (`hazards.md`, `own-bounded-memory`). Proofs are no content.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from core.manifests.content_chunk import ContentChunk
from core.manifests.content_verdict import CompareProgress, CompareWatch, ContentComparison, Doubt, Doubtful, Verdict
from core.manifests.model import (
    Chunk,
    EpochEndingManifest,
    Manifest,
    StateManifest,
    TransactionChunk,
    chunks_of,
    record_count,
)
from core.manifests.stretches import Stretch, common_range, last_item, stretches
from core.manifests.watching import Unwatched
from core.model import end_of
from core.storage.protocol import StoreReader

#: So many pairs of files that were found equal are kept in mind; real manifests name each file once.
_PAIRS_REMEMBERED: Final = 10_000
_UNITS: Final = {EpochEndingManifest: "epoch", StateManifest: "item"}


def compare_contents(
    reader: StoreReader, a: Manifest, b: Manifest, watch: CompareWatch | None = None
) -> ContentComparison:
    """Whether two manifests hold the same records where they overlap. Reads chunk files: meant for a worker thread.

    State snapshots are compared whole, item by item. Never raises for what is in the store: what can't be read makes
    the verdict UNKNOWN, and says why.
    """
    start = ContentComparison(Verdict.UNKNOWN, _UNITS.get(type(a), "version"), None, None)
    comparison = _Comparison(reader, a, b, watch or Unwatched())
    try:
        first, last = common_range(a, b)
        start = replace(start, first=first, last=last)
        differs = comparison.run(first, last) or _beside_the_records(a, b, first, last)
    except Doubtful as doubtful:
        at = None if start.first is None else start.first + comparison.records
        start = replace(start, at=at, doubt=doubtful.doubt, why=doubtful.why)
    else:
        start = replace(start, verdict=Verdict.EQUAL) if differs is None else _different(start, differs)
    finally:
        comparison.close()
    return replace(start, records=comparison.records, bytes=comparison.bytes)


class _Comparison:
    """One comparison: `records` were found equal so far, for which `bytes` of files were compared on either side."""

    def __init__(self, reader: StoreReader, a: Manifest, b: Manifest, watch: CompareWatch) -> None:
        self._reader = reader
        self._a, self._b = chunks_of(a), chunks_of(b)
        self._watch = watch
        self._open: dict[str, ContentChunk] = {}
        self._equal: set[tuple[str, str, int]] = set()
        self._gone_over = self._total = self._done = self._read = 0
        self.records = self.bytes = 0

    def run(self, first: int, last: int) -> ContentComparison | None:
        """The first difference between the records of the common range, None if there is none."""
        self._total = end_of(last) - first
        for stretch in stretches(self._a, self._b, first, last):
            differs = self._compare(stretch)
            if differs is not None:
                return differs
            self.records += end_of(stretch.last) - stretch.first
        for name in tuple(self._open):
            self._leave(name)
        self._tell(0)
        return None

    def close(self) -> None:
        """Close whatever is open."""
        for chunk in self._open.values():
            chunk.close()

    def _compare(self, stretch: Stretch) -> ContentComparison | None:
        a, b = self._a[stretch.a], self._b[stretch.b]
        if isinstance(a, TransactionChunk) and isinstance(b, TransactionChunk) and a.format != b.format:
            why = f"at version {stretch.first:,} the records of A are written in format {a.format}, of B in {b.format}"
            raise Doubtful(Doubt.FORMATS, why)
        if (a.file, a.first) == (b.file, b.first):
            return None
        whole = (a.first, a.last) == (b.first, b.last) == (stretch.first, stretch.last)
        if whole and (a.file, b.file, record_count(a)) in self._equal:
            return None
        one, other = self._enter("A", stretch.a, a), self._enter("B", stretch.b, b)
        differ = self._whole_files(one, other) if whole else self._run(one, other, stretch)
        if differ is not None:
            return self._difference(stretch.first, one, other, *differ)
        if whole and len(self._equal) < _PAIRS_REMEMBERED:
            self._equal.add((a.file, b.file, record_count(a)))
        return None

    # Opening

    def _enter(self, name: str, number: int, chunk: Chunk) -> ContentChunk:
        known = self._open.get(name)
        if known is not None and known.number == number:
            return known
        self._leave(name)
        entered = self._open[name] = ContentChunk(self._reader, name, number, chunk)
        return entered

    def _leave(self, name: str) -> None:
        """Close the chunk that is open, once it is sure that it is still the file that was opened."""
        chunk = self._open.pop(name, None)
        if chunk is not None:
            self._gone_over += chunk.listed.size
            chunk.close()
            chunk.require_unchanged()

    def _go_on(self, within: int = 0) -> None:
        """Go on, after a block of which so many records of the stretch are done, unless it is to stop: `Doubtful`."""
        if self._watch.stopped():
            raise Doubtful(Doubt.STOPPED, "stopped")
        self._tell(within)

    def _tell(self, within: int) -> None:
        # A file may be gone over again, to see what is inside.
        self._done = max(self._done, self.records + within)
        self._read = max(self._read, self._gone_over + sum(chunk.read_so_far() for chunk in self._open.values()))
        self._watch.progress(CompareProgress(self._done, self._total, self._read))

    # Comparing: where the content of both differs first, as an offset on either side, or None

    def _whole_files(self, a: ContentChunk, b: ContentChunk) -> tuple[int, int] | None:
        plain = not a.zipped and not b.zipped
        if plain or a.listed.size == b.listed.size:
            at = self._first_unequal(a, b)
            if at is None:
                self.bytes += a.listed.size
                return None
            if plain:
                return at, at
        return self._run(a, b, Stretch(a.chunk.first, a.chunk.last, a.number, b.number))

    def _first_unequal(self, a: ContentChunk, b: ContentChunk) -> int | None:
        """The first byte at which two files differ as they are."""
        at = 0
        while True:
            one, other = a.raw(), b.raw()
            if one != other:
                return at + _equal_bytes(one, other)
            if not one:
                return None
            at += len(one)
            self._go_on(record_count(a.chunk) * at // max(at, a.listed.size))

    def _run(self, a: ContentChunk, b: ContentChunk, stretch: Stretch) -> tuple[int, int] | None:
        """Compare the records of a stretch, wherever in their chunks they stand."""
        for side in (a, b):
            side.skip_to(stretch.first - side.chunk.first, self._go_on)
        begin, shift, most = a.next, b.next - a.next, end_of(stretch.last) - a.chunk.first
        differ = self._records(a, b, shift, most)
        if differ is not None:
            return differ, differ + shift
        self.bytes += a.next - begin
        b.begun, b.next = end_of(stretch.last) - b.chunk.first, a.next + shift
        for side in (a, b):
            if side.chunk.last == stretch.last:
                side.require_end()
        return None

    def _records(self, a: ContentChunk, b: ContentChunk, shift: int, most: int) -> int | None:
        """Where A differs from B, whose content stands `shift` bytes further on, until `most` records of A are over."""
        at, before = a.next, a.begun
        while a.begun < most or at < a.next:
            one, other = a.block(at), b.block(at + shift)
            shorter = min(len(one), len(other))
            one, other = one[:shorter], other[:shorter]
            same = shorter if one == other else _equal_bytes(one, other)
            a.take(one[:same], at, most)
            # A length that two blocks share is read again, whole; without one there is no way on.
            ahead, over = min(at + same, a.next), a.begun == most and a.next <= at + same
            if not over and (same < shorter or ahead == at):
                return at + same
            at = ahead
            self._go_on(max(0, a.begun - before - 1))
        return None

    def _difference(self, first: int, a: ContentChunk, b: ContentChunk, at_a: int, at_b: int) -> ContentComparison:
        """The first record that differs, given the first byte that does. Raises `Doubtful` unless both files hold."""
        for side in (a, b):
            side.require_whole(self._watch.stopped)
        (of_a, place_a), (of_b, place_b) = a.find(at_a, self._go_on), b.find(at_b, self._go_on)
        for side in (a, b):
            side.require_unchanged()
        at = a.chunk.first + of_a
        if at != b.chunk.first + of_b:
            raise Doubtful(Doubt.CHANGED, f"{a.where} or {b.where} changed while it was read")
        self.records += at - first
        return ContentComparison(Verdict.DIFFERS, "", None, None, at=at, a=place_a, b=place_b)


def _equal_bytes(one: bytes, other: bytes) -> int:
    """How many bytes two blocks have in common from their start on."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle - 1)
    return low


def _beside_the_records(a: Manifest, b: Manifest, first: int, last: int) -> ContentComparison | None:
    """What differs where all common records are equal: the number of items, the root hash, the waypoints."""
    if isinstance(a, StateManifest) and isinstance(b, StateManifest):
        items_a, items_b = end_of(last_item(a)), end_of(last_item(b))
        if items_a != items_b:
            return _other(f"A holds {items_a:,} items, B {items_b:,}", end_of(last))
        if a.root_hash.lower() != b.root_hash.lower():
            return _other("all items are equal, but the root hashes differ")
    if isinstance(a, EpochEndingManifest) and isinstance(b, EpochEndingManifest):
        of_a, of_b = (each.waypoints[first - each.first_epoch :] for each in (a, b))
        for epoch, (one, other) in enumerate(zip(of_a, of_b, strict=False), first):
            if epoch <= last and one != other:
                return _other("the ledger infos are equal, but the waypoints differ", epoch)
    return None


def _other(why: str, at: int | None = None) -> ContentComparison:
    return ContentComparison(Verdict.DIFFERS, "", None, None, at=at, why=why)


def _different(start: ContentComparison, differs: ContentComparison) -> ContentComparison:
    return replace(differs, unit=start.unit, first=start.first, last=start.last)
