"""Makes findings: bounded whatever the store holds, with an id that stays equal from run to run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from hashlib import blake2b
from itertools import islice
from typing import Final, TypeVar

from core.columns import I64, Lane
from core.findings.catalogue import CATALOGUE
from core.model import Claim, Entry, Finding, LaneKind, Severity

_Evidence = TypeVar("_Evidence")

MOST_EVIDENCE: Final = 50
"""So many entries, claims and handles a finding holds at most; its text has the full counts."""

_MOST_HANDLE_CHARS: Final = 1 << 20
"""Once the handles of its entries are as long together, a finding holds no more of them."""


def finding(
    kind: str,
    *,
    explanation: str,
    cause: str,
    next_step: str,
    then: str = "",
    lane: LaneKind = LaneKind.FILES,
    range_: tuple[int, int] | None = None,
    severity: Severity | None = None,
    stock_says: str | None = None,
    shape: str | None = None,
    entries: Iterable[Entry] = (),
    claims: Iterable[Claim] = (),
    manifests: Iterable[str] = (),
) -> Finding:
    """A finding of `kind`, with the severity of the catalogue unless another is given. `range_` is closed."""
    some_entries = tuple(_bounded(entry) for entry in _within(entries, lambda entry: len(entry.manifest)))
    some_claims = tuple(islice(claims, MOST_EVIDENCE))
    handles = tuple(_within(manifests, len))
    first, last = range_ if range_ else (None, None)
    return Finding(
        id=_id(kind, lane, first, last, (*map(_entry_mark, some_entries), *map(str, some_claims), *handles)),
        kind=kind,
        severity=severity or CATALOGUE[kind].severity,
        lane=lane,
        first=first,
        last=last,
        explanation=explanation,
        cause=cause,
        next_step=next_step,
        stock_says=stock_says,
        shape=shape,
        entries=some_entries,
        claims=some_claims,
        manifests=handles,
        then=then,
    )


def _within(evidence: Iterable[_Evidence], chars: Callable[[_Evidence], int]) -> Iterator[_Evidence]:
    """The first pieces of evidence, as many as a finding holds; at least one."""
    total = 0
    for piece in islice(evidence, MOST_EVIDENCE):
        yield piece
        total += chars(piece)
        if total > _MOST_HANDLE_CHARS:
            return


def some_entries(lane: Lane, rows: I64 | Sequence[int]) -> Iterable[Entry]:
    """The entries of the first rows, as many as a finding holds."""
    return lane.entries(rows[:MOST_EVIDENCE])


def some_claims(lane: Lane, rows: I64 | Sequence[int]) -> tuple[Claim, ...]:
    """The claims of the first rows, as many as a finding holds."""
    claims = (claim for row in rows[:MOST_EVIDENCE] for claim in lane.claims(int(row)))
    return tuple(islice(claims, MOST_EVIDENCE))


def _bounded(entry: Entry) -> Entry:
    return entry if len(entry.claims) <= MOST_EVIDENCE else replace(entry, claims=entry.claims[:MOST_EVIDENCE])


def _entry_mark(entry: Entry) -> str:
    return f"{entry.first}-{entry.last} {entry.manifest}"


def _id(kind: str, lane: LaneKind, first: int | None, last: int | None, marks: tuple[str, ...]) -> str:
    """`KIND:LANE:FIRST-LAST:HASH`; the hash is of all evidence, so that two findings of one range differ."""
    text = "\0".join(marks).encode("utf-8", "surrogatepass")
    place = "" if first is None else f":{first}-{last}"
    return f"{kind}:{lane.short}{place}:{blake2b(text, digest_size=4).hexdigest()}"
