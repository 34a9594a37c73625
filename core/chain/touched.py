"""Which metadata files a repair could leave untouched (`recovery.md`, "Repair").

A file stays iff every entry it holds is in the chain. That is no property of single entries, so it is turned into one
of edges: a file with one entry in a zone lowers that entry's cost, a file whose entries follow each other lowers the
cost of taking the whole run. Counted zone by zone, this is exact but for three kinds of file, and then says so: one
with entries in several zones that leave a choice, one whose entries have holes between them, and runs of two files of
which neither contains the other. Files of other lanes' entries are not looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from core.chain.cost import change_credit, claims_of
from core.columns import I64, Lane, Mask


@dataclass(frozen=True, slots=True)
class Credits:
    """What is saved, as `change_credit`: by each single place, and by each run of places taken together.

    Places count the rows that were given. `exact` says whether nothing had to be left out.
    """

    single: list[int]
    runs: Mapping[tuple[int, ...], int]
    exact: bool


def untouched_files(lane: Lane, rows: I64, zone: I64, rejected: I64) -> Credits:
    """The credits of `rows` (int64, ascending), which are in zones that leave a choice; `zone` (int64) says in which.

    `rejected` (int64) are the rows that are in no chain: a file that holds one of them is retired anyway.
    """
    which, file = _distinct_claims(lane, rows)
    keep = ~np.isin(file, np.unique(claims_of(lane, rejected)[1]))
    which, file = which[keep], file[keep]
    first, last = lane.first[rows[which]], lane.last[rows[which]]
    same = file[1:] == file[:-1]
    keep = ~np.isin(file, file[1:][same & (first[1:] <= last[:-1])])
    which, file, first, last = which[keep], file[keep], first[keep], last[keep]
    same_file = file[1:] == file[:-1]
    same_zone = zone[which[1:]] == zone[which[:-1]]
    follows = last[:-1] + np.uint64(1) == first[1:]
    exact = not bool((same_file & ~(same_zone & follows)).any())
    lines: list[int] = np.bincount(lane.claim_file)[file].tolist()
    places: list[int] = which.tolist()
    single = [0] * len(rows)
    runs: dict[tuple[int, ...], int] = defaultdict(int)
    for begin, end in _groups(len(file), same_file & same_zone):
        if end - begin == 1:
            single[places[begin]] += change_credit(1, lines[begin])
        elif follows[begin : end - 1].all():
            runs[tuple(places[begin:end])] += change_credit(1, lines[begin])
    nested, all_kept = _with_nested(runs)
    return Credits(single, nested, exact and all_kept)


def _distinct_claims(lane: Lane, rows: I64) -> tuple[I64, I64]:
    """Index into `rows` and file of each claim, by file, then by row; a file that holds an entry twice counts once."""
    which, file = claims_of(lane, rows)
    keys = np.sort(file * len(rows) + which)
    keys = keys[np.diff(keys, prepend=-1) != 0]
    return keys % max(1, len(rows)), keys // max(1, len(rows))


def _groups(count: int, linked: Mask) -> Iterator[tuple[int, int]]:
    """The maximal runs [begin, end) of linked neighbours among `count`; `linked[i]` speaks of i and i + 1."""
    if count:
        edges = [0, *(np.flatnonzero(~linked) + 1).tolist(), count]
        yield from pairwise(edges)


def _with_nested(runs: Mapping[tuple[int, ...], int]) -> tuple[dict[tuple[int, ...], int], bool]:
    """Each run with the credits of the runs inside it added, and whether that is all of them.

    Where two runs cross, so that neither holds the other, only the longer one is kept.
    """
    kept: list[tuple[int, ...]] = []
    around: list[int] = []
    innermost: dict[int, int] = {}
    for run in sorted(runs, key=lambda run: (-len(run), run)):
        outer = {innermost.get(place, -1) for place in run}
        if len(outer) == 1:
            innermost.update(dict.fromkeys(run, len(kept)))
            kept.append(run)
            around.append(outer.pop())
    total = [runs[run] for run in kept]
    for number in range(len(kept) - 1, -1, -1):
        if around[number] >= 0:
            total[around[number]] += total[number]
    return dict(zip(reversed(kept), reversed(total), strict=True)), len(kept) == len(runs)
