"""Which finding of a problem speaks for it: what is wrong with entries before what compaction makes of it."""

from __future__ import annotations

from typing import Final

from core.findings.search import blocks
from core.model import Finding, Zone

#: What compaction makes of a conflict or a gap: it goes away with that.
_CONSEQUENCES: Final = frozenset(
    {
        "boundary-shift",
        "compacted-name-collision",
        "compaction-abort-midway",
        "compaction-bakes-conflict",
        "compaction-blind-gap",
    }
)
_COMPACTION: Final = "seamline compact "


def by_weight(zone: Zone) -> list[Finding]:
    """The findings of a zone: what blocks, then what is wrong without compaction as well."""
    return sorted(zone.findings, key=lambda finding: (blocks(finding) is None, is_about_compaction(finding)))


def lead(zone: Zone | None) -> Finding | None:
    """The finding that speaks for a zone."""
    return next(iter(by_weight(zone)), None) if zone is not None else None


def is_blocking(zone: Zone) -> bool:
    """Whether no change is planned before a zone is settled."""
    return any(blocks(finding) is not None for finding in zone.findings)


def is_about_compaction(finding: Finding) -> bool:
    """Whether a finding is about what compaction does, or all that it leads to is a preview of one."""
    return finding.kind in _CONSEQUENCES or finding.next_step.startswith(_COMPACTION)


def spans(zone: Zone, version: int) -> bool:
    """Whether a version (or epoch) lies in a zone."""
    return zone.first is not None and zone.last is not None and zone.first <= version <= zone.last
