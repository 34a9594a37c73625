"""Entries that overlap each other, and how that may have come about (`hazards.md`, "Ranges")."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Final

import numpy as np

from core.chain import GapKind
from core.columns import I64, Lane
from core.findings import commands
from core.findings.build import MOST_EVIDENCE, finding, some_claims, some_entries
from core.findings.case import CHAINED, Case
from core.findings.compared import compared
from core.findings.later import later
from core.findings.registry import detector
from core.findings.sweep import Shape, Tangle, Tangles
from core.findings.verdicts import effect, refusal, severities_at, severity_at, works_today
from core.model import U64_MAX, Finding, LaneKind, Severity, end_of
from core.phrases import count, entries, listed, shown, size, span

_CAUSES: Final = {
    Shape.SAME_RANGE: "Two writers backed up the same range, or one did so again when its first entry was not listed.",
    Shape.NO_JOIN: "A backup was started inside the range of another, as one-off backups by hand are, and the next one "
    "went on from its end.",
}
_MIXED_CAUSE: Final = "Two writers with different batch sizes, or a one-off backup beside the coordinator."


@detector("overlap-manifest", "overlap-nested")
def overlapping_entries(case: Case) -> Iterator[Finding]:
    """Entries that overlap, one finding for each tangle."""
    for kind in CHAINED:
        lane, tangles = case.lane(kind), case.sweeps[kind].tangles
        severity = severities_at(case, lane, _refused_rows(lane, tangles))
        shapes = tangles.shapes()
        yield from later(
            partial(_overlap, case, kind),
            range(len(tangles)),
            kind,
            tangles.first,
            tangles.last,
            [_kind_of(shape) for shape in shapes],
            severity,
            shapes,
            np.minimum(tangles.fullest, MOST_EVIDENCE).tolist(),
        )


def _refused_rows(lane: Lane, tangles: Tangles) -> I64:
    """Where stock's walk stops in each tangle (rows, int64): the second entry never begins behind the first one."""
    first, second = tangles.rows[tangles.begin], tangles.rows[tangles.begin + 1]
    return np.where(lane.last[first] == np.uint64(U64_MAX), first, second)


def _kind_of(shape: Shape) -> str:
    return "overlap-manifest" if shape is Shape.SAME_RANGE else "overlap-nested"


def _overlap(case: Case, kind: LaneKind, number: int) -> Finding:
    lane, tangle = case.lane(kind), case.sweeps[kind].tangles[number]
    refused = refusal(lane, tangle.rows)
    stops = "" if refused is None else f" {effect(case, lane, refused)}"
    return finding(
        _kind_of(tangle.shape),
        lane=lane.kind,
        range_=(tangle.first, tangle.last),
        severity=Severity.ERROR if refused is None else severity_at(case, lane, refused.row),
        shape=tangle.shape.value,
        explanation=f"{_what(lane, tangle)}{compared(case, lane, tangle.rows)}{stops} "
        f"{_way_through(case, lane, tangle)} {works_today(case)}",
        cause=_CAUSES.get(tangle.shape, _MIXED_CAUSE),
        next_step=way_out(case, lane, tangle),
        stock_says=refused.message if refused else None,
        entries=some_entries(lane, tangle.rows),
    )


def _what(lane: Lane, tangle: Tangle) -> str:
    rows = tangle.rows.tolist()
    names = listed([shown(lane.manifest(row)) for row in rows[:3]], len(rows))
    where = span(lane.kind, tangle.first, tangle.last)
    if tangle.shape is Shape.SAME_RANGE and tangle.knots == 1:
        many = "twice" if len(rows) == 2 else f"{len(rows):,} times"
        single = tangle.first == tangle.last
        is_there = (
            f"{where[0].upper()}{where[1:]}{'' if single else f' ({size(lane.kind, tangle.first, tangle.last)})'}"
        )
        return f"{is_there} {'is' if single else 'are'} in the index {many}: {names}."
    if tangle.shape is Shape.SAME_RANGE:
        return (
            f"{tangle.knots:,} ranges that follow each other over {where} are in the index more than once each, with "
            f"different manifests: {entries(len(rows), lane.kind)}, {names}."
        )
    return f"{entries(len(rows), lane.kind)} overlap over {where} ({_SHAPES[tangle.shape]}): {names}."


#: How they lie to each other.
_SHAPES: Final = {
    Shape.SAME_RANGE: "the same range",
    Shape.SAME_START: "with one start",
    Shape.SAME_END: "with one end",
    Shape.CONTAINED: "one lies inside another",
    Shape.PARTIAL: "one begins inside another and ends behind it",
    Shape.NO_JOIN: "no chain joins",
}


def _way_through(case: Case, lane: Lane, tangle: Tangle) -> str:
    if tangle.shape is not Shape.NO_JOIN:
        return "There is a chain of entries that join across it."
    missing = _missing(case, lane, tangle)
    words = f"Every {lane.kind.unit} is covered, but no chain of entries that join crosses it."
    if case.repairs(lane.kind, tangle.first):
        words += " Runs of their chunks may join: the restore plan (seamline restore-plan) tells."
    if missing is not None:
        again = f"acking up {span(lane.kind, *missing)} once more ({size(lane.kind, *missing)}) makes them join."
        words += f" If not, b{again}" if case.repairs(lane.kind, tangle.first) else f" B{again}"
    return words


def _missing(case: Case, lane: Lane, tangle: Tangle) -> tuple[int, int] | None:
    """The first stretch of a no-join tangle that would have to be backed up again."""
    gaps = case.chains[lane.kind].gaps
    inside = (gap for gap in gaps if gap.kind is GapKind.NO_JOIN and tangle.first <= gap.first <= tangle.last)
    return next(((gap.first, gap.last) for gap in inside), None)


def way_out(case: Case, lane: Lane, tangle: Tangle) -> str:
    """A repair where one chooses among what competes, else the backup of what does not join."""
    missing = _missing(case, lane, tangle) if tangle.shape is Shape.NO_JOIN else None
    if missing is None or case.repairs(lane.kind, tangle.first):
        return commands.way_on(case, lane.kind, tangle.first)
    return commands.back_up(case, lane.kind, *missing)


@detector("two-coordinators")
def second_batch_size(case: Case) -> Iterator[Finding]:
    """Two entries that begin together and end apart: two writers went on from one version, each with its batch size."""
    for kind in CHAINED:
        lane, tangles = case.lane(kind), case.sweeps[kind].tangles
        number, one, other = tangles.joints()
        apart = number[(lane.first[one] == lane.first[other]) & (lane.last[one] != lane.last[other])]
        apart = np.unique(apart)
        apart = apart[~tangles.no_join[apart]]
        make = partial(_two_sizes, case, kind)
        yield from later(make, apart.tolist(), kind, tangles.first, tangles.last, "two-coordinators")


def _two_sizes(case: Case, kind: LaneKind, number: int) -> Finding:
    lane, tangle = case.lane(kind), case.sweeps[kind].tangles[number]
    (one, of_one), (other, of_other) = _usual_sizes(lane, tangle)
    return finding(
        "two-coordinators",
        lane=kind,
        range_=(tangle.first, tangle.last),
        explanation=f"From {kind.unit} {tangle.first:,} on, entries of {one:,} {kind.unit}s ({of_one:,} of "
        f"them) stand beside entries of {other:,} ({of_other:,} of them).",
        cause="A second coordinator with another batch size went on from there, or somebody made one-off "
        "backups. Each coordinator reads the store only at its start and keeps its position in memory.",
        next_step=commands.way_on(case, kind, tangle.first),
        entries=some_entries(lane, tangle.rows),
    )


def _usual_sizes(lane: Lane, tangle: Tangle) -> list[tuple[int, int]]:
    """The two sizes that most entries of a tangle have, and how many have each; of equal ones the earlier."""
    lengths = lane.last[tangle.rows] - lane.first[tangle.rows]
    sizes, place, count = np.unique(lengths, return_index=True, return_counts=True)
    best = np.lexsort((place, -count))[:2].tolist()
    return [(end_of(int(sizes[each])), int(count[each])) for each in best]


@detector("empty-listing-new-identity")
def began_again(case: Case) -> Iterator[Finding]:
    """A whole second history: entries from 0 on stand in the index twice."""
    for kind in CHAINED:
        lane = case.lane(kind)
        for tangle in case.sweeps[kind].tangles[:1]:
            if starts_over(tangle):
                yield _began_again(case, lane, tangle)


def starts_over(tangle: Tangle) -> bool:
    """Whether a tangle is a second history from 0, not just one range at the beginning that is there twice."""
    return tangle.first == 0 and tangle.knots > 1 and tangle.shape is not Shape.NO_JOIN


def _began_again(case: Case, lane: Lane, tangle: Tangle) -> Finding:
    identities = _identity_evidence(case)
    alone = int(np.count_nonzero(case.stands_alone[lane.kind][tangle.rows]))
    return finding(
        "empty-listing-new-identity",
        lane=lane.kind,
        range_=(tangle.first, tangle.last),
        explanation=f"The index holds a second history from 0: {span(lane.kind, tangle.first, tangle.last)} are "
        f"covered twice by {entries(len(tangle.rows), lane.kind)}, {alone:,} of them claimed only by files of one line "
        f"each.{identities}",
        cause="A coordinator saw an empty listing, took the store for a new one and began again at 0. The official "
        "cloud configurations turn a listing that fails into an empty one.",
        next_step=commands.way_on(case, lane.kind, tangle.first),
        entries=some_entries(lane, tangle.rows),
        claims=[claim for _, claim in case.index.identities],
    )


def _identity_evidence(case: Case) -> str:
    files = {claim.file for _, claim in case.index.identities}
    written = min((file.listed.modified for file in case.index.files if file.handle in files), default=-math.inf)
    older = sum(file.listed.modified < written for file in case.index.files)
    return f" identity.meta is younger than {count(older, 'file')} of the index: it was written anew." if older else ""


@detector("rebackup-after-compaction")
def backed_up_again(case: Case) -> Iterator[Finding]:
    """A compacted entry, and a younger file of its own for the same range with another manifest."""
    for kind in CHAINED:
        lane = case.lane(kind)
        tangles = case.sweeps[kind].tangles
        number, _, _ = _taken_up_again(case, lane, tangles)
        numbers = [each for each in np.unique(number).tolist() if each or not starts_over(tangles[each])]
        severity = severities_at(case, lane, _refused_rows(lane, tangles))
        make = partial(_backed_up_again, case, kind)
        first, last = tangles.first, tangles.last
        yield from later(make, numbers, kind, first, last, "rebackup-after-compaction", severity)


def _taken_up_again(case: Case, lane: Lane, tangles: Tangles) -> tuple[I64, I64, I64]:
    """Ranges that were compacted, and written alone not before that, where a storage tells times.

    For each the tangle, the row of the compacted entry and that of the other one, int64.
    """
    number, one, other = tangles.joints()
    same = (lane.first[one] == lane.first[other]) & (lane.last[one] == lane.last[other])
    number, one, other = number[same], one[same], other[same]
    # Entries of one range stand next to each other: where one ends, another begins.
    fresh = np.append(True, (number[1:] != number[:-1]) | (one[1:] != other[:-1]))[: len(number)]
    group = np.cumsum(fresh) - 1
    rows = np.concatenate((one[fresh], other))
    group = np.concatenate((group[fresh], group))
    order = np.lexsort((rows, group))
    rows, group = rows[order], group[order]
    alone = case.stands_alone[lane.kind][rows]
    groups, first = np.unique(group[~alone], return_index=True)
    compacted = rows[~alone][first]
    known, place = np.unique(group[alone], return_index=True)
    _, left, right = np.intersect1d(groups, known, assume_unique=True, return_indices=True)
    compacted, again = compacted[left], rows[alone][place[right]]
    written = case.written[lane.kind]
    late = (written[compacted] > 0) & (written[compacted] <= written[again])
    of_group = number[np.flatnonzero(fresh)]
    return of_group[groups[left]][late], compacted[late], again[late]


def _backed_up_again(case: Case, kind: LaneKind, of: int) -> Finding:
    lane, tangles = case.lane(kind), case.sweeps[kind].tangles
    tangle = tangles[of]
    _, compacted_rows, again_rows = _taken_up_again(case, lane, tangles.only(of))
    pairs = list(zip(compacted_rows.tolist(), again_rows.tolist(), strict=True))
    rows = [row for pair in pairs for row in pair]
    refused = refusal(lane, tangle.rows)
    compacted, again = (shown(lane.manifest(row)) for row in pairs[0])
    return finding(
        "rebackup-after-compaction",
        lane=lane.kind,
        range_=(tangle.first, tangle.last),
        severity=Severity.ERROR if refused is None else severity_at(case, lane, refused.row),
        explanation=f"{count(len(pairs), 'range')} of {span(lane.kind, tangle.first, tangle.last)} "
        f"{'was' if len(pairs) == 1 else 'were'} backed up again after the first entry had been compacted: {compacted} "
        f"is in a compacted file, {again} in a younger file of its own.",
        cause="Once compaction has moved the original away its file name is free, and the same range can be "
        "registered again beside the compacted line. Usually the compacted line is the one to keep.",
        next_step=commands.way_on(case, lane.kind, tangle.first),
        stock_says=refused.message if refused else None,
        entries=some_entries(lane, rows),
        claims=some_claims(lane, rows),
    )
