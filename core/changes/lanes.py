"""The entries of a store as one value for each lane: what a change must leave as it was."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from core.changes.model import LaneState
from core.content import LaneText, lane_text
from core.index import Index
from core.model import LaneKind
from core.stock import LANE_ORDER

_DIGEST_BYTES: Final = 16
_PERSON: Final = b"lane"


def lane_states(index: Index) -> dict[LaneKind, LaneState]:
    """The state of every lane of a folder."""
    return {kind: lane_state(index, kind) for kind in LANE_ORDER}


def lane_state(index: Index, kind: LaneKind) -> LaneState:
    """How many distinct entries a lane has, and a digest of their lines in stock's order and form.

    Equal for equal entries, whatever files they stand in, how often and how they are spelled there.
    """
    return state_of_text(lane_text(index, kind))


def state_of_text(text: LaneText) -> LaneState:
    """`lane_state` of a lane whose text is known already."""
    return state_of_pieces(len(text.rows), text.pieces())


def state_of_pieces(entries: int, pieces: Iterable[bytes | memoryview[int]]) -> LaneState:
    """`lane_state` of so many distinct entries whose lines, in stock's order and form, are these pieces."""
    digest = blake2b(digest_size=_DIGEST_BYTES, person=_PERSON)
    for piece in pieces:
        digest.update(piece)
    return LaneState(entries, digest.hexdigest())
