"""Runs the detectors and puts what they find in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from functools import total_ordering
from typing import Final, TypeAlias

from core.findings.case import Case
from core.findings.catalogue import CATALOGUE
from core.findings.later import Later
from core.findings.registry import DETECTORS
from core.model import Finding, LaneKind, Severity

_LANES: Final = (LaneKind.TRANSACTIONS, LaneKind.EPOCH_ENDINGS, LaneKind.STATE_SNAPSHOTS, LaneKind.FILES)
_PLACES: Final = {lane: place for place, lane in enumerate(_LANES)}
_WORST: Final = {severity: -severity.rank for severity in Severity}

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
    """All findings up to `level` (`recovery.md`, "Findings"): worst first, then by lane and place. Ids are unique.

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
    return _with_unique_ids(sorted(found, key=worst_first))


@total_ordering
class _ById:
    """What breaks a tie: the id of a finding, which takes making it whole."""

    __slots__ = ("_finding",)

    def __init__(self, finding: Finding) -> None:
        self._finding = finding

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ById) and self._finding.id == other._finding.id

    def __lt__(self, other: _ById) -> bool:
        return self._finding.id < other._finding.id

    __hash__ = None  # type: ignore[assignment]


#: What findings are sorted by.
Place: TypeAlias = tuple[int, int, int, str, _ById]


def worst_first(finding: Finding) -> Place:
    """The order of findings; those without a range come before the others of their lane."""
    first = -1 if finding.first is None else finding.first
    return _WORST[finding.severity], _PLACES[finding.lane], first, finding.kind, _ById(finding)


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
