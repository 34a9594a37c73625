"""The face of the engine: what the app and the commands call, and nothing else.

Every method is pure on a snapshot or only reads the store, runs in the thread that calls it, and raises only
`SeamlineError`s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.compaction import CompactionPreview, preview_compaction
from core.findings import Case, find, group
from core.host import Host
from core.manifests import Evidence, EvidenceWatch, collect_evidence
from core.model import Finding, Severity, Zone
from core.restore import RestoreOptions, RestorePreview, StoreVerdict, plan_restore, verdict
from core.snapshot import Snapshot, Watch, take_snapshot
from core.stock import CompactionOptions, StorageState, storage_state
from core.storage import StoreReader

#: What each level of `check` has not looked at, in the words shown beside every verdict.
NOT_CHECKED: Final = (
    "lines, manifests, chunks, proofs, signatures",
    "manifests, chunks, proofs, signatures",
    "chunks, proofs, signatures",
    "chunk records, proofs, signatures",
    "chunk bytes, proofs, signatures",
)
MAX_LEVEL: Final = len(NOT_CHECKED) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """What a check found: the snapshot it looked at, findings worst first, zones, and whether stock can restore."""

    snapshot: Snapshot
    level: int
    findings: tuple[Finding, ...]
    zones: tuple[Zone, ...]
    verdict: StoreVerdict
    storage_state: StorageState
    evidence: Evidence | None

    @property
    def word(self) -> str:
        """`clean` (nothing above info), `restorable` (stock reaches the greatest version) or `broken`."""
        if not self.verdict.stock_restores_latest:
            return "broken"
        return "clean" if all(each.severity is Severity.INFO for each in self.findings) else "restorable"

    @property
    def not_checked(self) -> str:
        """What nobody looked at."""
        return NOT_CHECKED[self.level]


class Engine:
    """One store, seen through one reader, on one host."""

    def __init__(self, reader: StoreReader, host: Host) -> None:
        self.reader = reader
        self.host = host

    @property
    def location(self) -> str:
        """The store as the operator named it."""
        return self.reader.location

    def look(self, watch: Watch | None = None) -> Snapshot:
        """Read the store's metadata anew. Raises `StoreUnreachable`."""
        return take_snapshot(self.reader, self.host, watch)

    def check(
        self,
        snapshot: Snapshot,
        level: int = 1,
        factors: tuple[CompactionOptions, ...] = (),
        watch: EvidenceWatch | None = None,
    ) -> Report:
        """All findings up to `level` (0 to 4, `recovery.md`, "Findings") and the verdict on the whole store."""
        evidence = collect_evidence(self.reader, snapshot, level, watch) if level > 1 else None
        case = Case(snapshot=snapshot, now=self.host.now(), evidence=evidence, factors=factors)
        findings = find(case, level)
        return Report(
            snapshot=snapshot,
            level=level,
            findings=findings,
            zones=group(findings, snapshot),
            verdict=verdict(snapshot, evidence),
            storage_state=storage_state(snapshot.index),
            evidence=evidence,
        )

    def plan_restore(self, snapshot: Snapshot, options: RestoreOptions) -> RestorePreview:
        """What stock would do for a target, and the chain that works."""
        return plan_restore(snapshot, options)

    def preview_compaction(self, snapshot: Snapshot, options: CompactionOptions) -> CompactionPreview:
        """What stock compaction would write, retire and stumble over; nothing is written."""
        return preview_compaction(snapshot, options, int(self.host.now()))
