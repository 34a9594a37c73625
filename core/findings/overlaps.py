"""Entries that overlap each other, and how that may have come about (`hazards.md`, "Metadata lines and files")."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Final

from core.chain import GapKind
from core.columns import Lane
from core.findings import commands
from core.findings.build import finding, some_claims, some_entries
from core.findings.case import CHAINED, Case
from core.findings.compared import compared
from core.findings.registry import detector
from core.findings.sweep import Shape, Tangle
from core.findings.verdicts import effect, refusal, severity_at, works_today
from core.model import Finding, Severity, end_of
from core.phrases import count, entries, listed, shown, size, span

#: More tangles than this in one lane are reported as one.
MOST_TANGLES: Final = 200
#: So many entries of a tangle are looked at for its cause.
_MOST_ROWS: Final = 5_000

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
        tangles = case.sweeps[kind].tangles
        for tangle in tangles[:MOST_TANGLES]:
            yield _overlap(case, case.lane(kind), tangle)
        if len(tangles) > MOST_TANGLES:
            yield _further(case, case.lane(kind), tangles[MOST_TANGLES:])


def _overlap(case: Case, lane: Lane, tangle: Tangle) -> Finding:
    refused = refusal(lane, tangle.rows)
    stops = "" if refused is None else f" {effect(case, lane, refused)}"
    return finding(
        "overlap-manifest" if tangle.shape is Shape.SAME_RANGE else "overlap-nested",
        lane=lane.kind,
        range_=(tangle.first, tangle.last),
        severity=Severity.ERROR if refused is None else severity_at(case, lane, refused.row),
        shape=tangle.shape.value,
        explanation=f"{_what(lane, tangle)}{compared(case, lane, tangle.rows)}{stops} "
        f"{_way_through(case, lane, tangle)} {works_today(case)}",
        cause=_CAUSES.get(tangle.shape, _MIXED_CAUSE),
        next_step=_next_step(case, lane, tangle),
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
    shape = "no chain joins" if tangle.shape is Shape.NO_JOIN else tangle.shape
    return f"{entries(len(rows), lane.kind)} overlap over {where} ({shape}): {names}."


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


def _next_step(case: Case, lane: Lane, tangle: Tangle) -> str:
    missing = _missing(case, lane, tangle) if tangle.shape is Shape.NO_JOIN else None
    if missing is None or case.repairs(lane.kind, tangle.first):
        return commands.way_on(case, lane.kind, tangle.first)
    return commands.back_up(case, lane.kind, *missing)


def _further(case: Case, lane: Lane, tangles: tuple[Tangle, ...]) -> Finding:
    first, last = tangles[0].first, tangles[-1].last
    return finding(
        "overlap-nested",
        lane=lane.kind,
        range_=(first, last),
        severity=severity_at(case, lane, int(tangles[0].rows[0])),
        explanation=f"{count(len(tangles), 'further stretch', 'further stretches')} of {span(lane.kind, first, last)} "
        f"are covered more than once, among them {tangles[0].first:,} to {tangles[0].last:,}.",
        cause=_MIXED_CAUSE,
        next_step=commands.way_on(case, lane.kind, first),
        entries=some_entries(lane, tangles[0].rows),
    )


@detector("two-coordinators")
def second_batch_size(case: Case) -> Iterator[Finding]:
    """Two entries that begin together and end apart: two writers went on from one version, each with its batch size."""
    for kind in CHAINED:
        lane = case.lane(kind)
        for tangle in case.sweeps[kind].tangles[:MOST_TANGLES]:
            sizes = _sizes(lane, tangle)
            if tangle.shape is Shape.NO_JOIN or len(sizes) < 2 or not _part_ways(lane, tangle):
                continue
            (one, of_one), (other, of_other) = sizes.most_common(2)
            yield finding(
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


def _sizes(lane: Lane, tangle: Tangle) -> Counter[int]:
    rows = tangle.rows[:_MOST_ROWS]
    pairs = zip(lane.first[rows].tolist(), lane.last[rows].tolist(), strict=True)
    return Counter(end_of(last) - first for first, last in pairs)


def _part_ways(lane: Lane, tangle: Tangle) -> bool:
    """Whether two entries begin together but end apart; stock's order puts them next to each other."""
    first, last = lane.first[tangle.rows], lane.last[tangle.rows]
    return bool(((first[1:] == first[:-1]) & (last[1:] != last[:-1])).any())


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
    alone = sum(_stands_alone(case, lane, row) for row in tangle.rows[:_MOST_ROWS].tolist())
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


def _stands_alone(case: Case, lane: Lane, row: int) -> bool:
    """Whether no compacted or repaired file claims the entry."""
    files = lane.claim_file[int(lane.claim_start[row]) : int(lane.claim_start[row + 1])].tolist()
    names = [case.names[file] for file in files]
    return not any(name is not None and not name.alone for name in names)


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
        for tangle in case.sweeps[kind].tangles[:MOST_TANGLES]:
            pairs = [] if starts_over(tangle) else list(_taken_up_again(case, lane, tangle))
            if pairs:
                yield _backed_up_again(case, lane, tangle, pairs)


def _taken_up_again(case: Case, lane: Lane, tangle: Tangle) -> Iterator[tuple[int, int]]:
    """Pairs of rows of one range: compacted earlier, and written alone not before that, where a storage tells times."""
    ranges: dict[tuple[int, int], list[int]] = {}
    for row in tangle.rows[:_MOST_ROWS].tolist():
        ranges.setdefault((int(lane.first[row]), int(lane.last[row])), []).append(row)
    for rows in ranges.values():
        compacted = [row for row in rows if not _stands_alone(case, lane, row)]
        alone = [row for row in rows if row not in compacted]
        if compacted and alone and 0 < _written(case, lane, compacted[0]) <= _written(case, lane, alone[0]):
            yield compacted[0], alone[0]


def _written(case: Case, lane: Lane, row: int) -> float:
    """When the oldest file that claims the entry was written, unix seconds."""
    files: list[int] = lane.claim_file[int(lane.claim_start[row]) : int(lane.claim_start[row + 1])].tolist()
    return min(case.index.files[file].listed.modified for file in files)


def _backed_up_again(case: Case, lane: Lane, tangle: Tangle, pairs: list[tuple[int, int]]) -> Finding:
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
