"""Manifests and chunk files: what they say, whether they hold together, and how two manifests compare.

Levels of verification (`recovery.md`, "Findings"): 2, manifests exist, pass their checks and agree with their lines; 3,
every chunk and proof file exists and is not empty; 4, every chunk holds as many records as its range promises.
"""

from __future__ import annotations

from core.manifests.chunks import ChunkFault, ChunkWalk, walk_chunk
from core.manifests.compare import ChunkComparison, ChunkRow, ChunkSide, Relation, chunk_sizes, compare_chunks
from core.manifests.evidence import (
    EvidencePlan,
    EvidenceProgress,
    EvidenceWatch,
    collect_evidence,
    plan_evidence,
)
from core.manifests.facts import (
    Evidence,
    ManifestFacts,
    ManifestProblem,
    ManifestStatus,
    OrphanFacts,
    broken_manifests,
)
from core.manifests.load import read_manifest
from core.manifests.model import (
    Chunk,
    ChunkFormat,
    EpochEndingChunk,
    EpochEndingManifest,
    Manifest,
    ManifestRefused,
    StateChunk,
    StateManifest,
    TransactionChunk,
    TransactionManifest,
)
from core.manifests.parse import parse_manifest
from core.manifests.verify import check_against_entry, check_manifest

__all__ = [
    "Chunk",
    "ChunkComparison",
    "ChunkFault",
    "ChunkFormat",
    "ChunkRow",
    "ChunkSide",
    "ChunkWalk",
    "EpochEndingChunk",
    "EpochEndingManifest",
    "Evidence",
    "EvidencePlan",
    "EvidenceProgress",
    "EvidenceWatch",
    "Manifest",
    "ManifestFacts",
    "ManifestProblem",
    "ManifestRefused",
    "ManifestStatus",
    "OrphanFacts",
    "Relation",
    "StateChunk",
    "StateManifest",
    "TransactionChunk",
    "TransactionManifest",
    "broken_manifests",
    "check_against_entry",
    "check_manifest",
    "chunk_sizes",
    "collect_evidence",
    "compare_chunks",
    "parse_manifest",
    "plan_evidence",
    "read_manifest",
    "walk_chunk",
]
