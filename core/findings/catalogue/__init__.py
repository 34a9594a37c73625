"""The catalogue of hazards as data: every known way in which a backup store goes wrong, by its id.

The rules of `hazards.md` for this tool itself (`own-…`) are no hazards of a store and are not in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from core.findings.catalogue import around, bytes_of, compaction, lines, ranges
from core.findings.hazard import Hazard

#: What no change is planned beside, first of all what makes the whole look doubtful, then what is to be ended, then
#: what hides a file or stops stock altogether.
_BLOCKING: Final = (
    "other-store",
    "listing-shrank",
    "interrupted-operation",
    "non-utf8-name",
    "list-placeholder",
    "symlink-entry",
    "download-ignored-then-fatal",
    "gzip-damaged",
    "decompression-bomb",
    "plain-vs-gzip-store",
    "foreign-file-in-metadata",
    "unknown-variant",
)
_ORDER: Final = {kind: number for number, kind in enumerate(_BLOCKING)}

CATALOGUE: Final[Mapping[str, Hazard]] = MappingProxyType(
    {
        hazard.id: replace(hazard, blocks=_ORDER.get(hazard.id))
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
