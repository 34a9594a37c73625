"""Runs the detectors and puts what they find in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import Final

from core.findings.case import Case
from core.findings.catalogue import CATALOGUE
from core.findings.later import Later
from core.findings.registry import DETECTORS
from core.model import Finding, LaneKind, Severity

_LANES: Final = (LaneKind.TRANSACTIONS, LaneKind.EPOCH_ENDINGS, LaneKind.STATE_SNAPSHOTS, LaneKind.FILES)
_PLACES: Final = {lane: place for place, lane in enumerate(_LANES)}
_WORST: Final = {severity: place for place, severity in enumerate(reversed(Severity))}
_KINDS: Final = {kind: place for place, kind in enumerate(sorted(CATALOGUE))}

#: `worst_first` stays below two to this power.
_WORST_BITS: Final = 96

#: What is said to be missing, and what follows from it: what was not read yet may well hold it.
_OF_ABSENCE: Final = frozenset(
    {
        "adapter-handle-mismatch",
        "compacted-name-collision",
        "compaction-abort-midway",
        "compaction-bakes-conflict",
        "compaction-blind-gap",
        "compaction-wedge-missing-file",
        "empty-meta-file",
        "epoch-gap",
        "epoch-history-empty",
        "epoch-history-lag",
        "gap-below-target",
        "gap-range",
        "identity-evicted",
        "identity-missing",
        "name-content-disagree",
        "no-zero-start",
        "orphan-backup-dir",
        "partial-compacted-file",
        "replay-jobs-arithmetic",
        "snapshot-none",
        "snapshot-none-for-history",
        "typo-store",
        "vacuous-verify",
    }
)


def find(case: Case, level: int) -> tuple[Finding, ...]:
    """All findings up to `level` (`recovery.md`, "Findings"): what blocks, then worst first. Ids are unique.

    Of a snapshot whose reading was stopped nothing is said to be missing.
    """
    silent = frozenset() if case.snapshot.complete else _OF_ABSENCE
    found = [
        finding
        for detector in DETECTORS.values()
        if detector.level <= level
        for finding in detector.detect(case)
        if (CATALOGUE[finding.kind].level or 0) <= level and finding.kind not in silent
    ]
    return _with_unique_ids(in_order(found))


def blocks(finding: Finding) -> int | None:
    """Whether nothing is planned before this is settled, by the order in which to see to it; None if it is not so.

    Chunk files block nothing, nor does what is mere information.
    """
    order = CATALOGUE[finding.kind].blocks
    return None if order is None or finding.severity is Severity.INFO or finding.manifests else order


def urgency(finding: Finding) -> int:
    """What an operator has to see to first: what blocks, in its own order, then the worst."""
    order = blocks(finding)
    return (len(CATALOGUE) if order is None else order) << _WORST_BITS | worst_first(finding)


def worst_first(finding: Finding) -> int:
    """The order of findings; those without a range come before the others of their lane.

    One number, as a store may have a million; where it is the same for two, `find` goes by their ids.
    """
    first = 0 if finding.first is None else finding.first + 1
    return ((_WORST[finding.severity] << 2 | _PLACES[finding.lane]) << 65 | first) << 16 | _KINDS[finding.kind]


def in_order(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Findings by urgency, then by id, which takes making a finding whole: only where nothing else tells two apart."""
    for _, alike in groupby(sorted(findings, key=urgency), key=urgency):
        tied = list(alike)
        yield from sorted(tied, key=lambda finding: finding.id) if len(tied) > 1 else tied


def _with_unique_ids(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings of one id (equal in all that the id is made of) are numbered; a detector's `Later` ones differ."""
    seen: Counter[str] = Counter()
    unique: list[Finding] = []
    for finding in findings:
        if isinstance(finding, Later):
            unique.append(finding)
            continue
        seen[finding.id] += 1
        number = seen[finding.id]
        unique.append(finding if number == 1 else replace(finding, id=f"{finding.id}-{number}"))
    return tuple(unique)
