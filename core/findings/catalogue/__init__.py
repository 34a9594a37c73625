"""The catalogue of hazards as data: every known way in which a backup store goes wrong, by its id.

The rules of `hazards.md` for this tool itself (`own-…`) are no hazards of a store and are not in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from core.findings.catalogue import around, bytes_of, compaction, lines, ranges
from core.findings.hazard import Hazard

CATALOGUE: Final[Mapping[str, Hazard]] = MappingProxyType(
    {
        hazard.id: hazard
        for hazard in (
            *ranges.HAZARDS,
            *lines.HAZARDS,
            *bytes_of.MANIFESTS,
            *bytes_of.CHUNKS,
            *compaction.HAZARDS,
            *compaction.CONCURRENCY,
            *around.ADAPTERS,
            *around.CACHE,
            *around.SECURITY,
            *around.OWN,
        )
    }
)
"""Every hazard by its id."""

__all__ = ["CATALOGUE"]
