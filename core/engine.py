"""The face of the engine: what the app and the commands call, and nothing else.

Every method is pure on a snapshot or only reads the store, runs in the thread that calls it, and raises only
`SeamlineError`s.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Final

from core.changes.after import after
from core.changes.brought_back import brought_back
from core.changes.guarded import closed_outcome
from core.changes.model import ChangeSet, OperationKind
from core.changes.undo import plan_undo
from core.compaction import CompactionPlan, CompactionPreview, plan_compaction, preview_compaction
from core.findings import Case, find, group
from core.host import Machine
from core.journal import Operation, OperationState, Unfinished, interrupted_in, read_log, read_unfinished, unfinished_in
from core.journal.denylist import denylist_of
from core.last_look import LastLooks, can_tell, compared, require_as_before, require_not_shrunk
from core.lease import LOCK_HANDLE, MAX_BYTES, LeaseSight, LeaseState, LeaseView, lease_held, view_of
from core.manifests import (
    ContentComparison,
    Evidence,
    EvidenceWatch,
    KeptEvidence,
    StoreResults,
    collect_evidence,
)
from core.manifests.conflicts import Pair
from core.manifests.pairing import Pairing
from core.model import Finding, Severity, Zone
from core.overlay import Overlay, plan_overlay
from core.recovery import Recovery, plan_recovery
from core.repair import RepairPlan, plan_repair
from core.restore import RestoreOptions, RestorePreview, StoreVerdict, plan_restore, verdict
from core.snapshot import OtherStore, Snapshot, Watch, take_snapshot
from core.stock import CompactionOptions, StorageState, storage_state
from core.storage import HandleUnreadable, ReadFault, StoreReader

#: What each level of `check` has not looked at, in the words shown beside every verdict.
NOT_CHECKED: Final = (
    "lines, manifests, chunks, proofs, signatures",
    "manifests, chunks, proofs, signatures",
    "chunks, proofs, signatures",
    "chunk records, proofs, signatures",
    "chunk bytes, proofs, signatures",
    "chunk bytes that are in no conflict, proofs, signatures",
)
MAX_LEVEL: Final = len(NOT_CHECKED) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """What a check found: the snapshot it looked at, findings worst first, zones, and whether stock can restore.

    `recovery` is the best way back, which level 2 and deeper look for.
    """

    snapshot: Snapshot
    level: int
    findings: tuple[Finding, ...]
    zones: tuple[Zone, ...]
    verdict: StoreVerdict
    storage_state: StorageState
    evidence: Evidence | None
    recovery: Recovery | None

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
    """One store, seen through one reader, on one host; `last_looks` and `kept` remember what was seen."""

    def __init__(
        self,
        reader: StoreReader,
        host: Machine,
        last_looks: LastLooks | None = None,
        kept: KeptEvidence | None = None,
    ) -> None:
        self.reader = reader
        self.host = host
        self._last_looks = last_looks
        self._kept = kept
        self._sight = LeaseSight(host)

    @property
    def location(self) -> str:
        """The store as the operator named it."""
        return self.reader.location

    def look(self, watch: Watch | None = None) -> Snapshot:
        """Read the store's metadata anew; names that the last look saw are missed, and its identity is.

        Raises `StoreUnreachable`.
        """
        snapshot = take_snapshot(self.reader, self.host, watch)
        snapshot = replace(snapshot, settled=brought_back(self.reader, snapshot, self.host.now()))
        if self._last_looks is None:
            return snapshot
        before = self._last_looks.seen(self.location)
        gone = compared(snapshot, self.reader, before.names)
        if can_tell(snapshot) and before.is_of_other_store(snapshot):
            now = tuple(sorted(snapshot.identities))
            other = OtherStore(now, tuple(sorted(before.identities)), before.at, files_stay=not gone)
            return replace(snapshot, other=other)
        if gone:
            return replace(snapshot, gone=gone)
        self._last_looks.remember(snapshot, before)
        return snapshot

    def accept(self, snapshot: Snapshot) -> Snapshot:
        """Take a listing that shrank, or another store, for the truth, as the operator said."""
        if self._last_looks is not None:
            self._last_looks.remember(snapshot)
        return replace(snapshot, gone=(), other=None)

    def check(
        self,
        snapshot: Snapshot,
        level: int = 1,
        factors: tuple[CompactionOptions, ...] = (),
        watch: EvidenceWatch | None = None,
        manifests: Collection[str] | None = None,
        *,
        afresh: bool = False,
    ) -> Report:
        """All findings up to `level` (0 to 5, `recovery.md`, "Findings") and the verdict on the whole store.

        From level 2 on all manifests are looked at, or `manifests` alone, such as the `conflicting` ones. What is known
        of them from an earlier look and has not changed since is used again, unless `afresh`.
        """
        evidence = self.look_at_manifests(snapshot, level, watch, manifests, afresh=afresh) if level > 1 else None
        denylist = denylist_of(self.reader, snapshot)
        unfinished = self.unfinished(snapshot)
        recovery = None
        if evidence is not None and evidence.complete and snapshot.complete:
            recovery = plan_recovery(self.reader, snapshot, None, denylist, watch, evidence)
        # Before the findings: of these there may be hundreds of thousands, and both take memory.
        judged = verdict(snapshot, evidence, recovery.preview.ground if recovery else None, denylist)
        findings = find(Case(snapshot, self.host.now(), factors, evidence, unfinished, denylist), level)
        return Report(
            snapshot=snapshot,
            level=level,
            findings=findings,
            zones=group(findings, snapshot),
            verdict=judged,
            storage_state=storage_state(snapshot.index),
            evidence=evidence,
            recovery=recovery,
        )

    def look_at_manifests(
        self,
        snapshot: Snapshot,
        level: int,
        watch: EvidenceWatch | None = None,
        manifests: Collection[str] | None = None,
        *,
        afresh: bool = False,
    ) -> Evidence:
        """What levels 2 to 5 show of all manifests, or of `manifests` alone; see `check`."""
        return collect_evidence(self.reader, snapshot, level, watch, manifests, self._results(), afresh=afresh)

    def compare_records(
        self, pair: Pair, told: Callable[[int], None], stopped: Callable[[], bool]
    ) -> ContentComparison | None:
        """Compare two manifests record by record over what both cover, and remember what came of it.

        `told` hears how many bytes were read, of both sides, after each block. None when `stopped` said so.
        """
        results = self._results()
        result = Pairing(self.reader, stopped, told, results, afresh=True).compare(pair)
        if results is not None:
            results.save()
        return result

    def known_comparison(self, pair: Pair) -> ContentComparison | None:
        """What comparing two manifests showed the last time, if no file of theirs has changed since."""
        return Pairing(self.reader, lambda: False, lambda _: None, self._results(), afresh=False).known(pair)

    def _results(self) -> StoreResults | None:
        """What is known of the manifests from earlier looks."""
        return self._kept.of_store(self.location, self.host) if self._kept else None

    def plan_restore(self, snapshot: Snapshot, options: RestoreOptions) -> RestorePreview:
        """What stock would do for a target, and the chain that works."""
        return plan_restore(snapshot, options)

    def plan_recovery(
        self,
        snapshot: Snapshot,
        options: RestoreOptions | None = None,
        watch: EvidenceWatch | None = None,
        evidence: Evidence | None = None,
    ) -> Recovery:
        """The best restore that the store allows, retired lines and splices included; see `core.recovery`.

        Reads the manifests that compete. Raises `StoreUnreachable` for a snapshot that is not whole or a listing that
        shrank, and `Stopped`.
        """
        require_not_shrunk(snapshot)
        return plan_recovery(self.reader, snapshot, options, denylist_of(self.reader, snapshot), watch, evidence)

    def plan_target(
        self,
        snapshot: Snapshot,
        options: RestoreOptions,
        watch: EvidenceWatch | None = None,
        evidence: Evidence | None = None,
        everything: Recovery | None = None,
    ) -> tuple[Recovery, Recovery]:
        """The best restore to a target, and that of everything under the same choices (see `highest_targets`).

        The second is planned first unless it is given as `everything`: what it shows of manifests is known to the
        first. Reads and raises as `plan_recovery`.
        """
        if everything is None:
            everything = self.plan_recovery(snapshot, replace(options, target_version=None), watch, evidence)
        if options.target_version is None:
            return everything, everything
        return self.plan_recovery(snapshot, options, watch, everything.evidence), everything

    def plan_repair(self, recovery: Recovery, *, park_tail: bool = False) -> RepairPlan:
        """The change set after which stock sees the chain, or why there is none; see `core.repair`.

        With `park_tail` the entries behind a true gap are set aside as well. Raises `StoreUnreachable` where another
        store lies at this path than the last look saw.
        """
        require_as_before(recovery.snapshot)
        return plan_repair(recovery, int(self.host.now()), park_tail=park_tail)

    def plan_overlay(self, recovery: Recovery) -> Overlay:
        """The view through which stock carries out a recovery's restore; see `core.overlay`.

        Raises `Refused` where nothing can be restored, `StoreUnreachable` and `UsageError`.
        """
        return plan_overlay(recovery, self.location, int(self.host.now()))

    def preview_compaction(self, snapshot: Snapshot, options: CompactionOptions) -> CompactionPreview:
        """What stock compaction would write, retire and stumble over; nothing is written."""
        return preview_compaction(snapshot, options, int(self.host.now()))

    def log(self, unfinished: Unfinished | None = None) -> tuple[Operation, ...]:
        """Every operation in the store's journal, oldest first, as of `unfinished` or now. Raises `StoreUnreachable`.

        One that somebody is at work on, or may be, is told as such.
        """
        return read_log(self.reader, unfinished or self.unfinished())

    def unfinished(self, snapshot: Snapshot | None = None) -> Unfinished:
        """Which operations have no end yet now, and who is at work on them. Raises `StoreUnreachable`.

        Where every operation that a `snapshot` saw had ended, its own listing of the journal will do.
        """
        if snapshot is not None and not interrupted_in(snapshot.journal):
            return unfinished_in(snapshot.journal, self.lease())
        return read_unfinished(self.reader, self.lease)

    def plan_undo(self, snapshot: Snapshot, operation: Operation) -> ChangeSet:
        """The change that takes an operation back; see `core.changes.undo`.

        Raises `UsageError`, `Refused`, `StoreUnreachable` for a listing that shrank, and `LeaseHeld` where somebody is
        at work on it, or may be, or the command of a guard that was cut off still runs.
        """
        require_as_before(snapshot)
        if operation.holder is not None:
            raise lease_held(operation.holder)
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
        require_as_before(snapshot)
        return plan_compaction(snapshot, options, int(self.host.now()), report)

    def foresee(self, snapshot: Snapshot, change: ChangeSet, evidence: Evidence | None = None) -> StoreVerdict:
        """Whether stock can restore when a change has been carried out; `evidence` is what is known of manifests."""
        return verdict(after(snapshot, change), evidence)

    def lease(self) -> LeaseView | None:
        """Who may write to the store just now, as its lock file says; None if it has none. Never raises.

        Several looks know more than one of a holder on another machine.
        """
        try:
            with self.reader.open(LOCK_HANDLE) as stream:
                return self._sight.judged(view_of(stream.read(MAX_BYTES + 1), self.host))
        except HandleUnreadable as unreadable:
            if unreadable.fault is ReadFault.MISSING:
                return None
            return LeaseView(LeaseState.UNREADABLE, None, unreadable.message)
        except OSError as error:
            return LeaseView(LeaseState.UNREADABLE, None, str(error.strerror))
