"""Runs the detectors and puts what they find in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from core.findings.case import Case
from core.findings.catalogue import CATALOGUE
from core.findings.registry import DETECTORS
from core.model import Finding, LaneKind, Severity

_LANES: Final = (LaneKind.TRANSACTIONS, LaneKind.EPOCH_ENDINGS, LaneKind.STATE_SNAPSHOTS, LaneKind.FILES)

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
    return _with_unique_ids(sorted(found, key=in_order))


def blocks(finding: Finding) -> int | None:
    """Whether nothing is planned before this is settled, by the order in which to see to it; None if it is not so.

    Chunk files block nothing, nor does what is mere information.
    """
    if finding.severity is Severity.INFO or finding.manifests:
        return None
    return CATALOGUE[finding.kind].blocks


def in_order(finding: Finding) -> tuple[int, tuple[int, int, int, str, str]]:
    """What an operator has to see to first: what blocks, in its own order, then the worst."""
    order = blocks(finding)
    return len(CATALOGUE) if order is None else order, worst_first(finding)


def worst_first(finding: Finding) -> tuple[int, int, int, str, str]:
    """The order of findings; those without a range come before the others of their lane."""
    first = -1 if finding.first is None else finding.first
    return -finding.severity.rank, _LANES.index(finding.lane), first, finding.kind, finding.id


def _with_unique_ids(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings of one id (equal in all that the id is made of) are numbered."""
    seen: Counter[str] = Counter()
    unique = []
    for finding in findings:
        seen[finding.id] += 1
        number = seen[finding.id]
        unique.append(finding if number == 1 else replace(finding, id=f"{finding.id}-{number}"))
    return tuple(unique)
