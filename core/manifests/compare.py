"""Two manifests of one kind side by side, chunk by chunk, over what both cover. Pure; no byte is compared.

Chunks are matched by their ranges. What does not begin and end together crosses, and is laid out by where it begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from core.manifests.content_verdict import ContentComparison, Verdict
from core.manifests.model import Chunk, Manifest, StateManifest, chunks_of, range_of
from core.model import end_of
from core.storage.protocol import HandleUnreadable, StoreReader


class Relation(StrEnum):
    """How the chunks of a row stand to each other.

    `UNKNOWN`: the same range, but a size can't be had. `CROSSING`: they overlap without beginning and ending together.
    `ALONE`: the other manifest has no chunk there; of manifests that pass their checks only snapshots can show it.
    `EQUAL` and `OTHER_RECORDS`: the records themselves were compared.
    """

    SAME = "same"
    OTHER_SIZE = "other-size"
    UNKNOWN = "unknown"
    CROSSING = "crossing"
    ALONE = "alone"
    EQUAL = "equal-records"
    OTHER_RECORDS = "other-records"


@dataclass(frozen=True, slots=True)
class ChunkSide:
    """One chunk in a row: its number in its manifest, its versions (inclusive), its size in bytes where known."""

    number: int
    first: int
    last: int
    size: int | None


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """One row of the comparison: a chunk of either manifest or both. In a crossing, a row for each place one begins."""

    relation: Relation
    a: ChunkSide | None
    b: ChunkSide | None


@dataclass(frozen=True, slots=True)
class ChunkComparison:
    """The chunks of A and B over `first` to `last`, the versions that both cover (None, None: there are none).

    Counts are of rows.
    """

    first: int | None
    last: int | None
    rows: tuple[ChunkRow, ...] = ()

    def count(self, relation: Relation) -> int:
        """How many rows stand so."""
        return sum(row.relation is relation for row in self.rows)

    @property
    def alike(self) -> bool:
        """Whether every row has the same range and size on both sides: nothing speaks against equal content."""
        return bool(self.rows) and all(row.relation is Relation.SAME for row in self.rows)


def compare_chunks(a: Manifest, b: Manifest, sizes: Mapping[str, int]) -> ChunkComparison:
    """Compare two manifests by the ranges and sizes of their chunks; `sizes` holds bytes by chunk file handle.

    Ranges are versions of transactions, epochs, or the numbers of state items; of two snapshots all items count.
    """
    (a_first, a_last), (b_first, b_last) = _extent(a), _extent(b)
    first, last = max(a_first, b_first), min(a_last, b_last)
    if isinstance(a, StateManifest):
        last = max(a_last, b_last)
    if first > last:
        return ChunkComparison(None, None)
    sides = [(side, True) for side in _within(chunks_of(a), first, last, sizes)]
    sides += [(side, False) for side in _within(chunks_of(b), first, last, sizes)]
    sides.sort(key=lambda each: (each[0].first, not each[1], each[0].last, each[0].number))
    rows = tuple(row for knot in _knots(sides) for row in _rows(knot))
    return ChunkComparison(first, last, rows)


def judged(chunks: ChunkComparison, content: ContentComparison) -> ChunkComparison:
    """The chunks, with what comparing the records of both manifests has shown of each row, as far as it came."""
    if content.first is None or content.last is None:
        return chunks
    end = end_of(content.last)
    proven = end if content.verdict is not Verdict.UNKNOWN and content.a is None else content.at or 0
    rows = tuple(ChunkRow(_judged(row, content, min(proven, end), end), row.a, row.b) for row in chunks.rows)
    return replace(chunks, rows=rows)


def _judged(row: ChunkRow, content: ContentComparison, proven: int, end: int) -> Relation:
    """How a row stands when all common records below `proven` are equal; those that are common end at `end`."""
    if content.a is not None and content.b is not None:
        places = ((row.a, content.a), (row.b, content.b))
        if any(side is not None and side.number == place.chunk for side, place in places):
            return Relation.OTHER_RECORDS
    sides = [side for side in (row.a, row.b) if side is not None]
    begins, ends = min(side.first for side in sides), max(end_of(side.last) for side in sides)
    return Relation.EQUAL if begins < end and min(ends, end) <= proven else row.relation


def _extent(manifest: Manifest) -> tuple[int, int]:
    """What the chunks of a manifest count: the manifest's own range, or all items of a snapshot."""
    if not isinstance(manifest, StateManifest):
        return range_of(manifest)
    return 0, max((chunk.last for chunk in manifest.chunks), default=-1)


def chunk_sizes(reader: StoreReader, chunks: Iterable[Chunk]) -> dict[str, int]:
    """The sizes in bytes of the chunk files that are there, by handle. Looks each one up: meant for a worker thread."""
    sizes: dict[str, int] = {}
    for chunk in chunks:
        try:
            sizes[chunk.file] = reader.stat(chunk.file).size
        except HandleUnreadable:
            continue
    return sizes


_Sided = tuple[ChunkSide, bool]


def _within(chunks: tuple[Chunk, ...], first: int, last: int, sizes: Mapping[str, int]) -> Iterator[ChunkSide]:
    for number, chunk in enumerate(chunks):
        if first <= chunk.last and chunk.first <= min(last, chunk.last):
            yield ChunkSide(number, chunk.first, chunk.last, sizes.get(chunk.file))


def _knots(sides: list[_Sided]) -> Iterator[list[_Sided]]:
    """Chunks, sorted by where they begin, in groups that overlap directly or through each other."""
    knot: list[_Sided] = []
    reach = -1
    for side in sides:
        if knot and side[0].first > reach:
            yield knot
            knot = []
        knot.append(side)
        reach = max(reach, side[0].last)
    if knot:
        yield knot


def _rows(knot: list[_Sided]) -> Iterator[ChunkRow]:
    if len(knot) == 1:
        yield _row(Relation.ALONE, knot[0])
    elif len(knot) == 2 and _same_range(*knot):
        (a, _), (b, _) = knot
        yield ChunkRow(_by_size(a, b), a, b)
    else:
        yield from _crossing(knot)


def _same_range(one: _Sided, other: _Sided) -> bool:
    return one[1] and not other[1] and (one[0].first, one[0].last) == (other[0].first, other[0].last)


def _by_size(a: ChunkSide, b: ChunkSide) -> Relation:
    if a.size is None or b.size is None:
        return Relation.UNKNOWN
    return Relation.SAME if a.size == b.size else Relation.OTHER_SIZE


def _crossing(knot: list[_Sided]) -> Iterator[ChunkRow]:
    """A row for each chunk, but one for two that begin together on either side."""
    waiting: ChunkSide | None = None
    for side, is_a in knot:
        if waiting is not None:
            together = not is_a and side.first == waiting.first
            yield ChunkRow(Relation.CROSSING, waiting, side if together else None)
            waiting = None
            if together:
                continue
        if is_a:
            waiting = side
        else:
            yield ChunkRow(Relation.CROSSING, None, side)
    if waiting is not None:
        yield ChunkRow(Relation.CROSSING, waiting, None)


def _row(relation: Relation, sided: _Sided) -> ChunkRow:
    side, is_a = sided
    return ChunkRow(relation, side if is_a else None, None if is_a else side)
