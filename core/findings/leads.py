"""Which finding of a problem speaks for it: what is wrong with entries before what compaction makes of it."""

from __future__ import annotations

from typing import Final

from core.findings.search import blocks
from core.model import Finding, Zone

_COMPACTION: Final = "seamline compact "


def by_weight(zone: Zone) -> list[Finding]:
    """The findings of a zone: what blocks, then those that lead somewhere else than to a preview of compaction."""
    return sorted(zone.findings, key=lambda finding: (blocks(finding) is None, is_about_compaction(finding)))


def lead(zone: Zone | None) -> Finding | None:
    """The finding that speaks for a zone."""
    return next(iter(by_weight(zone)), None) if zone is not None else None


def is_blocking(zone: Zone) -> bool:
    """Whether no change is planned before a zone is settled."""
    return any(blocks(finding) is not None for finding in zone.findings)


def is_about_compaction(finding: Finding) -> bool:
    """Whether all that a finding leads to is a preview of compaction."""
    return finding.next_step.startswith(_COMPACTION)


def spans(zone: Zone, version: int) -> bool:
    """Whether a version (or epoch) lies in a zone."""
    return zone.first is not None and zone.last is not None and zone.first <= version <= zone.last
