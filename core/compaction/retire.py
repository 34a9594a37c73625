"""Which old files may go: every line that counts must stand in a file that stays (`recovery.md`, "Compaction")."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.columns import Lane, Mask
from core.index import Index
from core.model import LaneKind
from core.names import handle_problem

_ENTRIES: Final = "it holds entries that no file that stays has"
_NAME: Final = "its name breaks the rule for handles, so it can't be moved"
_IDENTITY: Final = "it holds the identity of the store, and no file that stays does"


@dataclass(frozen=True, slots=True, eq=False)
class Departure:
    """Of the files that are to go, those that may (`leaving`, shape (files,)), and why the others must stay."""

    leaving: Mask
    kept: tuple[tuple[int, str], ...]


def departing(index: Index, expired: Mask, written: Mapping[LaneKind, Mask]) -> Departure:
    """Decide on the files `expired`; `written` are the entries of each lane (a mask over its rows) in new files.

    Of files that hold a line for each other the first in the listing stays. One whose name breaks the rule for handles
    stays, too, and no other goes for its sake: it can't be looked at again.
    """
    held = np.zeros(len(index.files), dtype=np.bool_)
    odd = np.array([handle_problem(file.handle) is not None for file in index.files], dtype=np.bool_)
    if expired.any():
        for kind, lane in index.lanes.items():
            held |= _holders(lane, expired | odd, written[kind]) & expired & ~odd
    kept = [(number, _NAME) for number in np.flatnonzero(expired & odd).tolist()]
    kept += [(number, _ENTRIES) for number in np.flatnonzero(held).tolist()]
    kept += [(number, _IDENTITY) for number in _identity_holders(index, expired & ~held & ~odd, odd)]
    leaving = expired.copy()
    leaving[[number for number, _ in kept]] = False
    return Departure(leaving, tuple(sorted(kept)))


def _holders(lane: Lane, expired: Mask, written: Mask) -> Mask:
    """The files of `expired` with an entry that is neither written nor in a file that stays."""
    holders = np.zeros(len(expired), dtype=np.bool_)
    if not len(lane):
        return holders
    going = expired[lane.claim_file]
    safe = written | np.logical_or.reduceat(~going, lane.claim_start[:-1])
    if not safe.all():
        alone = np.repeat(~safe, np.diff(lane.claim_start))
        holders[lane.claim_file[alone & going]] = True
    return holders


def _identity_holders(index: Index, expired: Mask, odd: Mask) -> Iterator[int]:
    """The files of `expired` without which an identity would be gone, as few as it takes; `odd` ones keep none."""
    numbers = {file.handle: number for number, file in enumerate(index.files)} if expired.any() else {}
    lines = [(record.id, numbers[claim.file]) for record, claim in index.identities] if numbers else []
    safe = {identity for identity, number in lines if not expired[number] and not odd[number]}
    for number in sorted({number for _, number in lines if expired[number]}):
        mine = {identity for identity, each in lines if each == number}
        if not mine <= safe:
            safe |= mine
            yield number
