"""Which lines of retired files live on elsewhere: the guard of every retirement (`recovery.md`, "Changes")."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from core.columns import Lane
from core.index import Index, MetaFile
from core.lane_difference import absent_rows
from core.model import Claim, IdentityRecord, LaneKind, RangeRecord
from core.names import handle_problem
from core.words import I64, Mask


@dataclass(frozen=True, slots=True)
class Survival:
    """What becomes of the lines of one file that is to go.

    `keepers` are the handles of files that stay and together hold every line of it that must survive; `orphans` are
    the lines that no file that stays holds.
    """

    keepers: tuple[str, ...]
    orphans: tuple[Claim, ...]


class Claimed(Protocol):
    """Files, and the entries and identities that they claim: an `Index`, or a `Sight`."""

    @property
    def files(self) -> Sequence[MetaFile]:
        """All files of the folder, in listing order."""

    @property
    def lanes(self) -> Mapping[LaneKind, Lane]:
        """The entries; their claims count in `files`."""

    @property
    def identities(self) -> Sequence[tuple[IdentityRecord, Claim]]:
        """The identities."""


def survival_of(
    index: Claimed, retiring: Collection[str], let_go: Collection[RangeRecord] = ()
) -> Mapping[str, Survival]:
    """For each handle of `retiring` that is in `index`: where its lines survive, when all of `retiring` are gone.

    Entries, but for those that are `let_go`, and identities must survive. Timestamps need not: what a change set saves
    replaces them. A file that could not be read as a whole, or can't be looked at again for its name, keeps nothing
    alive.
    """
    going = np.array([file.handle in retiring for file in index.files], dtype=np.bool_)
    keeping = keeping_files(index, going)
    keepers: dict[int, set[int]] = {number: set() for number in np.flatnonzero(going).tolist()}
    orphans: dict[int, list[Claim]] = defaultdict(list)
    for lane in index.lanes.values():
        _add_lane(lane, going, keeping, frozenset(let_go), keepers, orphans)
    _add_identities(index, going, keeping, keepers, orphans)
    handles = [file.handle for file in index.files]
    return {
        handles[number]: Survival(tuple(handles[each] for each in sorted(found)), tuple(orphans[number]))
        for number, found in keepers.items()
    }


def keeping_files(index: Claimed, going: Mask) -> Mask:
    """The files that can be relied upon to hold their lines: they stay, and can be looked at again."""
    sound = (file.fault is None and handle_problem(file.handle) is None for file in index.files)
    keeping: Mask = ~going & np.fromiter(sound, dtype=np.bool_, count=len(index.files))
    return keeping


def _add_lane(
    lane: Lane,
    going: Mask,
    keeping: Mask,
    let_go: frozenset[RangeRecord],
    keepers: dict[int, set[int]],
    orphans: dict[int, list[Claim]],
) -> None:
    row = np.repeat(np.arange(len(lane), dtype=np.int64), np.diff(lane.claim_start))
    file: I64 = lane.claim_file.astype(np.int64)
    keeper = np.full(len(lane), -1, dtype=np.int64)
    kept = np.flatnonzero(keeping[file])[::-1]
    # Of several assignments to one row the last stands: backwards, that is the first file in the listing.
    keeper[row[kept]] = file[kept]
    gone = np.flatnonzero(going[file])
    known = gone[keeper[row[gone]] >= 0]
    pairs = np.unique(file[known] * len(going) + keeper[row[known]])
    for pair in pairs.tolist():
        source, by = divmod(pair, len(going))
        keepers[source].add(by)
    for place in gone[keeper[row[gone]] < 0].tolist():
        if not let_go or lane.record(int(row[place])) not in let_go:
            number = int(file[place])
            orphans[number].append(Claim(lane.file_handles[number], int(lane.claim_line[place])))


def _add_identities(
    index: Claimed, going: Mask, keeping: Mask, keepers: dict[int, set[int]], orphans: dict[int, list[Claim]]
) -> None:
    numbers = {file.handle: number for number, file in enumerate(index.files)}
    places = [(record.id, numbers[claim.file], claim) for record, claim in index.identities]
    kept: dict[str, int] = {}
    for identity, number, _ in places:
        if keeping[number]:
            kept.setdefault(identity, number)
    for identity, number, claim in places:
        if going[number]:
            if identity in kept:
                keepers[number].add(kept[identity])
            else:
                orphans[number].append(claim)


def lost_entries(before: Index, after: Index) -> Iterator[tuple[LaneKind, I64]]:
    """For each lane the rows (int64) of `before` whose entries are not in `after`, where there are any."""
    for kind, lane in before.lanes.items():
        rows = absent_rows(lane, after.lanes[kind])
        if len(rows):
            yield kind, rows
