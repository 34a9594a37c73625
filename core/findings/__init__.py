"""What is wrong with a store: one function a hazard, registered; grouped into zones for the operator (`recovery.md`).

Importing this package registers every detector. `find` looks, `group` says which findings are one problem.
"""

from __future__ import annotations

from core.findings import (
    chunks,
    compaction,
    dropped,
    epochs,
    files,
    folders,
    gaps,
    identities,
    journal,
    lines,
    listing,
    manifests,
    orphans,
    overlaps,
    references,
    singles,
    snapshots,
    timestamps,
)
from core.findings.case import Case
from core.findings.catalogue import CATALOGUE
from core.findings.hazard import Hazard
from core.findings.registry import DETECTORS, detector
from core.findings.search import find
from core.findings.zones import group

#: The modules whose functions are registered.
_DETECTING = (
    chunks,
    compaction,
    dropped,
    epochs,
    files,
    folders,
    gaps,
    identities,
    journal,
    lines,
    listing,
    manifests,
    orphans,
    overlaps,
    references,
    singles,
    snapshots,
    timestamps,
)

__all__ = ["CATALOGUE", "DETECTORS", "Case", "Hazard", "detector", "find", "group"]
