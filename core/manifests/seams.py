"""Where the chunks of a manifest do not meet: what lies in none of them, and what lies in two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from core.manifests.model import Manifest, StateManifest, chunks_of, range_of
from core.model import end_of


class SeamKind(StrEnum):
    """What is wrong between two chunks."""

    MISSING = "missing"
    OVERLAP = "overlap"


@dataclass(frozen=True, slots=True)
class Seam:
    """`first` to `last` are in no chunk, or in this one and one before it.

    `before` counts chunks from 0: the seam stands in front of that one, behind the last where it is their number.
    Versions, epochs or items of state, as the chunks count them.
    """

    before: int
    kind: SeamKind
    first: int
    last: int


def seams(manifest: Manifest) -> Iterator[Seam]:
    """Every seam of a manifest, in the order of its chunks; what an inverted chunk claims to cover counts as nothing.

    A state manifest does not say how many items there are, so that nothing is known to be missing behind its chunks.
    """
    chunks = chunks_of(manifest)
    is_state = isinstance(manifest, StateManifest)
    begin, end = (0, 0) if is_state else range_of(manifest)
    following = begin
    for number, chunk in enumerate(chunks):
        if chunk.last < chunk.first:
            continue
        if chunk.first > following:
            yield Seam(number, SeamKind.MISSING, following, chunk.first - 1)
        elif chunk.first < following:
            yield Seam(number, SeamKind.OVERLAP, chunk.first, min(following - 1, chunk.last))
        following = max(following, end_of(chunk.last))
    if not is_state and following <= end:
        yield Seam(len(chunks), SeamKind.MISSING, following, end)
