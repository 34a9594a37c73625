"""Manifests and chunk files: what they say, whether they hold together, and how two manifests compare.

Levels of verification (`recovery.md`, "Findings"): 2, manifests exist, pass their checks and agree with their lines; 3,
every chunk and proof file exists and is not empty; 4, every chunk holds as many records as its range promises; 5,
manifests that compete are compared record by record.
"""

from __future__ import annotations

from core.manifests.chunks import ChunkFault, ChunkWalk, walk_chunk
from core.manifests.compare import (
    ChunkComparison,
    ChunkRow,
    ChunkSide,
    Relation,
    chunk_sizes,
    compare_chunks,
    judged,
)
from core.manifests.conflicts import conflicting
from core.manifests.content_compare import compare_contents
from core.manifests.content_verdict import (
    CompareProgress,
    ContentComparison,
    Doubt,
    RecordPlace,
    Verdict,
)
from core.manifests.evidence import collect_evidence
from core.manifests.evidence_plan import EvidencePlan, plan_evidence
from core.manifests.facts import (
    Evidence,
    ManifestFacts,
    ManifestProblem,
    ManifestStatus,
    OrphanFacts,
    broken_manifests,
    unread_manifests,
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
from core.manifests.results import KeptEvidence, StoreResults
from core.manifests.verify import check_against_entry, check_manifest
from core.manifests.watching import EvidenceProgress, EvidenceWatch

__all__ = [
    "Chunk",
    "ChunkComparison",
    "ChunkFault",
    "ChunkFormat",
    "ChunkRow",
    "ChunkSide",
    "ChunkWalk",
    "CompareProgress",
    "ContentComparison",
    "Doubt",
    "EpochEndingChunk",
    "EpochEndingManifest",
    "Evidence",
    "EvidencePlan",
    "EvidenceProgress",
    "EvidenceWatch",
    "KeptEvidence",
    "Manifest",
    "ManifestFacts",
    "ManifestProblem",
    "ManifestRefused",
    "ManifestStatus",
    "OrphanFacts",
    "RecordPlace",
    "Relation",
    "StateChunk",
    "StateManifest",
    "StoreResults",
    "TransactionChunk",
    "TransactionManifest",
    "Verdict",
    "broken_manifests",
    "check_against_entry",
    "check_manifest",
    "chunk_sizes",
    "collect_evidence",
    "compare_chunks",
    "compare_contents",
    "conflicting",
    "judged",
    "parse_manifest",
    "plan_evidence",
    "read_manifest",
    "unread_manifests",
    "walk_chunk",
]
