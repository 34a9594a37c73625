"""What looking at manifests has shown, as findings: one for each hazard of a manifest, and bounded in number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from core.findings.build import MOST_EVIDENCE, finding
from core.findings.case import ENTRY_LANES, Case
from core.findings.commands import (
    back_up,
    back_up_snapshot,
    listing,
    look_at,
    repair_without,
    restore_without,
    set_aside,
)
from core.findings.registering import record_of, register
from core.manifests import Evidence, ManifestFacts, ManifestProblem
from core.model import Entry, Finding, LaneKind, RangeRecord, Severity, StateSnapshotRecord
from core.phrases import count, shown
from core.tools import then

#: So many manifests of a lane get a finding of their own for one hazard; the rest share one.
MOST_MANIFESTS: Final = 20

#: What to do about a manifest: a command ready to paste. `entry` is a line that names it, if there is one.
WayOn = Callable[[Case, ManifestFacts, Entry | None], str]


def report(
    case: Case, kind: str, *, cause: str, way_on: WayOn | None = None, severity: Severity | None = None, then: str = ""
) -> Iterator[Finding]:
    """A finding for each manifest that shows the hazard `kind`, and one for all beyond `MOST_MANIFESTS` of a lane.

    `then` says what follows from the step of `way_on`.
    """
    if case.evidence is None:
        return
    for lane in ENTRY_LANES:
        affected = [facts for facts in case.evidence.faulty if facts.lane is lane and kind in facts.counts]
        for facts in affected[:MOST_MANIFESTS]:
            yield _of_manifest(case, kind, facts, cause, way_on or replace, severity, then)
        rest = affected[MOST_MANIFESTS:]
        if rest:
            yield _of_the_rest(case, kind, rest, cause, severity)


def look_inside(case: Case, facts: ManifestFacts, _entry: Entry | None) -> str:
    """Show the manifest."""
    return look_at(case, facts.handle)


def look_beside(case: Case, facts: ManifestFacts, _entry: Entry | None) -> str:
    """List the manifest's folder."""
    return listing(case, facts.handle.rpartition("/")[0])


def replace(case: Case, facts: ManifestFacts, entry: Entry | None) -> str:
    """Do without the manifest where another is sound, else back its range up again."""
    if entry is None:
        return look_inside(case, facts, entry)
    preview = repair_without if case.takes_repair else restore_without
    without_it = preview(case, facts.handle)
    if sound_twin(case, entry):
        return without_it
    again = _again(case, entry)
    if again is None:
        return look_inside(case, facts, entry)
    alone, shared = _files_of(case, entry)
    # Stock silently skips the new line while a file of its name is there; in other files the old line stays beside it.
    steps = (set_aside(case, alone) if alone else "", again, without_it if shared else "")
    return then(*steps)


def correct(case: Case, facts: ManifestFacts, entry: Entry | None) -> str:
    """Write the line that a sound manifest has, and set the wrong one aside; else do without the manifest."""
    record = record_of(facts)
    alone, shared = _files_of(case, entry) if entry else ([], [])
    off = {problem.hazard for problem in facts.problems} - _OF_THE_LINE
    if record is None or entry is None or off or not alone or shared:
        return replace(case, facts, entry)
    there = _entry_of(case, facts.lane, record) is not None
    if not there and isinstance(record, StateSnapshotRecord):
        # Which of the two a snapshot is, is told by its proof alone.
        return replace(case, facts, entry)
    return then(set_aside(case, alone), "" if there else register(case, record))


#: What is wrong with the line of a manifest rather than with the manifest.
_OF_THE_LINE: Final = frozenset(
    {"manifest-range-mismatch", "epoch-cut-panic", "manifest-waypoint-count", "snapshot-manifest-mismatch"}
)

_NO_RANGE: Final = (
    "If it is of use to nobody, nothing has to be done: no line that stock can follow names it. If its range is "
    "missing, back that up again."
)


def _again(case: Case, entry: Entry) -> str | None:
    """Back the range of an entry up again; None where it is no range."""
    if isinstance(entry.record, StateSnapshotRecord):
        return back_up_snapshot(case, entry.record.epoch)
    return back_up(case, entry.lane, entry.first, entry.last) if entry.first <= entry.last else None


def _files_of(case: Case, entry: Entry) -> tuple[list[str], list[str]]:
    """The files that hold nothing but an entry's line, and those that hold other lines as well."""
    alone: list[str] = []
    shared: list[str] = []
    for handle in dict.fromkeys(claim.file for claim in entry.claims):
        number = case.file_numbers.get(handle)
        if number is not None:
            (alone if case.index.files[number].lines == 1 else shared).append(handle)
    return alone, shared


def sound_twin(case: Case, entry: Entry) -> str | None:
    """Another manifest of the very range of an entry in which nothing wrong was found, if there is one."""
    lane = case.lane(entry.lane)
    rows = np.flatnonzero((lane.first == np.uint64(entry.first)) & (lane.last == np.uint64(entry.last)))
    others = (handle for row in rows[:MOST_EVIDENCE] if (handle := lane.manifest(int(row))) != entry.manifest)
    return next((handle for handle in others if _is_sound(case.evidence, lane.kind, handle)), None)


def _is_sound(evidence: Evidence | None, lane: LaneKind, handle: str) -> bool:
    facts = evidence.manifest(lane, handle) if evidence else None
    return facts is not None and not facts.problems


def entries_of(case: Case, facts: ManifestFacts, records: tuple[RangeRecord, ...]) -> tuple[Entry, ...]:
    """The entries of some lines that name a manifest, with everything that claims them."""
    found = (_entry_of(case, facts.lane, record) for record in records[:MOST_EVIDENCE])
    return tuple(entry for entry in found if entry)


def _entry_of(case: Case, kind: LaneKind, record: RangeRecord) -> Entry | None:
    """None when the snapshot does not hold the line (any more)."""
    lane = case.lane(kind)
    # The column that a lane is sorted by: epochs for state snapshots, else the start of the range.
    column, key = lane.first, getattr(record, "first_version", 0)
    if isinstance(record, StateSnapshotRecord) and lane.epoch is not None:
        column, key = lane.epoch, record.epoch
    elif kind is LaneKind.EPOCH_ENDINGS:
        key = getattr(record, "first_epoch", 0)
    low, high = (int(np.searchsorted(column, np.uint64(key), side)) for side in ("left", "right"))
    return next((lane.entry(row) for row in range(low, high) if lane.record(row) == record), None)


def _of_manifest(
    case: Case, kind: str, facts: ManifestFacts, cause: str, way_on: WayOn, severity: Severity | None, then: str
) -> Finding:
    problems = [problem for problem in facts.problems if problem.hazard == kind]
    disagreeing = tuple(problem.entry for problem in problems if problem.entry is not None)
    entries = entries_of(case, facts, disagreeing or facts.named_by)
    entry = entries[0] if entries else None
    step = way_on(case, facts, entry)
    return finding(
        kind,
        explanation=_explain(case, facts, problems, entry),
        cause=cause,
        next_step=step,
        then=then or (_NO_RANGE if step == look_inside(case, facts, entry) else ""),
        lane=facts.lane,
        range_=(entry.first, entry.last) if entry else None,
        severity=severity,
        stock_says=next((problem.stock_says for problem in problems if problem.stock_says), None),
        entries=entries,
        claims=(claim for each in entries for claim in each.claims),
        manifests=(facts.handle,),
    )


def _explain(case: Case, facts: ManifestFacts, problems: list[ManifestProblem], entry: Entry | None) -> str:
    problem = problems[0]
    more = facts.counts[problem.hazard] - 1
    parts = [f"{shown(facts.handle)}: {problem.message}{_place(facts, problem)}."]
    if more:
        parts.append(f"{more:,} more like it in this manifest.")
    twin = sound_twin(case, entry) if entry else None
    if twin:
        parts.append(f"Another manifest of the same range shows no fault: {shown(twin)}.")
    return " ".join(parts)


def _place(facts: ManifestFacts, problem: ManifestProblem) -> str:
    """The file, record and byte, as far as the message leaves them open."""
    places = [shown(problem.file)] if problem.file != facts.handle else []
    for what, number in (("record", problem.record), ("byte", problem.offset)):
        place = "" if number is None else f"{what} {number:,}"
        if place and place not in problem.message:
            places.append(place)
    return f" ({', '.join(places)})" if places else ""


def _of_the_rest(case: Case, kind: str, rest: list[ManifestFacts], cause: str, severity: Severity | None) -> Finding:
    lane = rest[0].lane
    entries = tuple(entry for facts in rest[:MOST_EVIDENCE] for entry in entries_of(case, facts, facts.named_by[:1]))
    problem = next(problem for problem in rest[0].problems if problem.hazard == kind)
    return finding(
        kind,
        explanation=f"{count(len(rest), 'more manifest')}: {shown(rest[0].handle)}: {problem.message}, and so on.",
        cause=cause,
        next_step=listing(case, ""),
        then="What is to be done about each is the same as for those that are told one by one.",
        lane=lane,
        range_=_spanned(entries),
        severity=severity,
        stock_says=problem.stock_says,
        entries=entries,
        manifests=(facts.handle for facts in rest),
    )


def _spanned(entries: tuple[Entry, ...]) -> tuple[int, int] | None:
    if not entries:
        return None
    return min(entry.first for entry in entries), max(max(entry.first, entry.last) for entry in entries)


def summarised(
    case: Case, kind: str, lane: LaneKind, *, explanation: str, cause: str, next_step: str, then: str
) -> Finding:
    """One finding for all entries of a lane."""
    entries = case.lane(lane)
    several = range(min(len(entries), MOST_EVIDENCE))
    return finding(
        kind,
        explanation=explanation,
        cause=cause,
        next_step=next_step,
        then=then,
        lane=lane,
        range_=(int(entries.first.min()), int(entries.last.max())) if len(entries) else None,
        entries=entries.entries(several),
    )
