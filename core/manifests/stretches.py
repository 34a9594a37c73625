"""What two manifests have in common, cut into stretches that lie in one chunk on either side. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.manifests.content_verdict import Doubt, Doubtful
from core.manifests.model import Chunk, Manifest, StateManifest, range_of
from core.model import end_of


@dataclass(frozen=True, slots=True)
class Stretch:
    """Records `first` to `last`, which lie in chunk `a` of A and chunk `b` of B."""

    first: int
    last: int
    a: int
    b: int


def common_range(a: Manifest, b: Manifest) -> tuple[int, int]:
    """The closed range that both cover, in versions, epochs, or items of snapshots. Raises `Doubtful` for none."""
    if type(a) is not type(b):
        raise Doubtful(Doubt.NOTHING_COMMON, "they are manifests of two kinds")
    if isinstance(a, StateManifest) and isinstance(b, StateManifest):
        if a.version != b.version:
            why = f"A is a snapshot of version {a.version:,}, B of {b.version:,}"
            raise Doubtful(Doubt.NOTHING_COMMON, why)
        first, last = 0, min(last_item(a), last_item(b))
    else:
        (a_first, a_last), (b_first, b_last) = range_of(a), range_of(b)
        first, last = max(a_first, b_first), min(a_last, b_last)
    if first > last:
        raise Doubtful(Doubt.NOTHING_COMMON, "they have nothing in common")
    return first, last


def last_item(manifest: StateManifest) -> int:
    """The number of the last item of a snapshot, -1 if it has none."""
    return max((chunk.last for chunk in manifest.chunks), default=-1)


def stretches(a: Sequence[Chunk], b: Sequence[Chunk], first: int, last: int) -> Iterator[Stretch]:
    """The common range cut wherever a chunk of either side ends. Raises `Doubtful` where chunks do not follow."""
    at, in_a, in_b = first, _Holder(a, "A"), _Holder(b, "B")
    while at <= last:
        of_a, of_b = in_a.of(at), in_b.of(at)
        end = min(a[of_a].last, b[of_b].last, last)
        yield Stretch(at, end, of_a, of_b)
        at = end_of(end)


class _Holder:
    """Tells which chunk holds a record, for rising records."""

    def __init__(self, chunks: Sequence[Chunk], name: str) -> None:
        self._chunks = chunks
        self._name = name
        self._number = 0

    def of(self, wanted: int) -> int:
        chunks = self._chunks
        if not chunks or chunks[0].first > wanted:
            raise Doubtful(Doubt.MISCOUNTED, f"no chunk of {self._name} holds {wanted:,}")
        while chunks[self._number].last < wanted:
            self._number += 1
            if self._number == len(chunks):
                raise Doubtful(Doubt.MISCOUNTED, f"the chunks of {self._name} end before {wanted:,}")
            if chunks[self._number].first != end_of(chunks[self._number - 1].last):
                why = f"chunk {self._number:,} of {self._name} does not follow the one before it"
                raise Doubtful(Doubt.MISCOUNTED, why)
        return self._number
