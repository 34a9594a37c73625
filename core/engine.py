"""The face of the engine: what the app and the commands call, and nothing else.

Every method is pure on a snapshot or only reads the store, runs in the thread that calls it, and raises only
`SeamlineError`s.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from core.changes.after import after
from core.changes.guarded import closed_outcome
from core.changes.model import ChangeSet, OperationKind
from core.changes.undo import plan_undo
from core.compaction import CompactionPlan, CompactionPreview, plan_compaction, preview_compaction
from core.findings import Case, find, group
from core.host import Machine
from core.journal import Operation, OperationState, read_log
from core.last_look import LastLooks, compared, require_not_shrunk
from core.lease import LOCK_HANDLE, MAX_BYTES, LeaseState, LeaseView, view_of
from core.manifests import Evidence, EvidenceWatch, collect_evidence
from core.model import Finding, Severity, Zone
from core.restore import RestoreOptions, RestorePreview, StoreVerdict, plan_restore, verdict
from core.snapshot import Snapshot, Watch, take_snapshot
from core.stock import CompactionOptions, StorageState, storage_state
from core.storage import HandleUnreadable, ReadFault, StoreReader

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
    """One store, seen through one reader, on one host; `last_looks` remembers what was seen."""

    def __init__(self, reader: StoreReader, host: Machine, last_looks: LastLooks | None = None) -> None:
        self.reader = reader
        self.host = host
        self._last_looks = last_looks

    @property
    def location(self) -> str:
        """The store as the operator named it."""
        return self.reader.location

    def look(self, watch: Watch | None = None) -> Snapshot:
        """Read the store's metadata anew; names that the last look saw are missed. Raises `StoreUnreachable`."""
        snapshot = take_snapshot(self.reader, self.host, watch)
        if self._last_looks is None:
            return snapshot
        before = self._last_looks.names_of(self.location)
        gone = compared(snapshot, self.reader, before)
        if gone:
            return replace(snapshot, gone=gone)
        self._last_looks.remember(snapshot, before)
        return snapshot

    def accept(self, snapshot: Snapshot) -> Snapshot:
        """Take a listing that shrank for the truth, as the operator said."""
        if self._last_looks is not None:
            self._last_looks.remember(snapshot)
        return replace(snapshot, gone=())

    def check(
        self,
        snapshot: Snapshot,
        level: int = 1,
        factors: tuple[CompactionOptions, ...] = (),
        watch: EvidenceWatch | None = None,
    ) -> Report:
        """All findings up to `level` (0 to 4, `recovery.md`, "Findings") and the verdict on the whole store."""
        evidence = collect_evidence(self.reader, snapshot, level, watch) if level > 1 else None
        case = Case(snapshot, self.host.now(), factors, evidence, self.lease())
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

    def log(self) -> tuple[Operation, ...]:
        """Every operation in the store's journal, oldest first. Raises `StoreUnreachable`."""
        return read_log(self.reader)

    def plan_undo(self, snapshot: Snapshot, operation: Operation) -> ChangeSet:
        """The change that takes an operation back; see `core.changes.undo`.

        Raises `UsageError`, `Refused`, `StoreUnreachable` for a listing that shrank, and `LeaseHeld` where the command
        of a guard that was cut off still runs.
        """
        require_not_shrunk(snapshot)
        if operation.kind is OperationKind.GUARD and operation.state is OperationState.INTERRUPTED:
            operation = replace(operation, outcome=closed_outcome(self.reader, self.host, operation))
        return plan_undo(self.reader, snapshot, operation)

    def plan_compaction(
        self, snapshot: Snapshot, options: CompactionOptions, report: Report | None = None
    ) -> CompactionPlan:
        """The change set of a compaction, or why there is none; `report` is a check of the same snapshot, for zones.

        Raises `UsageError` for a factor of 0 and `StoreUnreachable` for a snapshot that is not whole or a listing that
        shrank.
        """
        require_not_shrunk(snapshot)
        return plan_compaction(snapshot, options, int(self.host.now()), report)

    def foresee(self, snapshot: Snapshot, change: ChangeSet) -> StoreVerdict:
        """Whether stock can restore when a change has been carried out."""
        return verdict(after(snapshot, change))

    def lease(self) -> LeaseView | None:
        """Who may write to the store just now, as its lock file says; None if it has none. Never raises."""
        try:
            with self.reader.open(LOCK_HANDLE) as stream:
                return view_of(stream.read(MAX_BYTES + 1), self.host)
        except HandleUnreadable as unreadable:
            if unreadable.fault is ReadFault.MISSING:
                return None
            return LeaseView(LeaseState.UNREADABLE, None, unreadable.message)
        except OSError as error:
            return LeaseView(LeaseState.UNREADABLE, None, str(error.strerror))
