"""Plans a recovery: the best restore that the lines, the retired lines and the chunks of a store allow.

Step by step, each only where the one before leaves something to be wished: the visible entries; lines that only
`metadata_backup/` still holds; evidence on the manifests that compete; splices. What is added in the end is what the
chain uses, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from core.chain import Chain, named_rows
from core.chain.model import SkipReason
from core.columns import I64, Mask
from core.errors import Stopped
from core.ground import AddedLine, Ground, with_lines
from core.index import Index
from core.journal.denylist import denied_rows
from core.manifests import Evidence, EvidenceWatch, ManifestStatus, broken_manifests, collect_evidence, unread_manifests
from core.manifests.conflicts import competing
from core.manifests.watching import Unwatched
from core.model import LaneKind, RangeRecord, StateSnapshotRecord
from core.recovery.costs import reach_costs
from core.recovery.model import DerivedManifest, Recovery
from core.recovery.splicing import Splicer, line_of, used
from core.restore import RestoreOptions, RestorePreview, plan_restore
from core.restore.along import (
    Ways,
    best_restore,
    chain_options,
    find_ways,
    gaps_above_transactions,
    gaps_before_goal,
    restorable_to,
)
from core.restore.recovered import recoverable_lines
from core.snapshot import Snapshot, metadata_only
from core.stopping import stoppable
from core.storage.protocol import StoreReader

#: A chain can do without more levels: that files are missing is what tells a broken backup.
_LEVEL: Final = 3
#: So many broken snapshots are passed by, one after the other, before the next is taken unseen.
_SNAPSHOTS_TRIED: Final = 20
_CHAINED: Final = (LaneKind.EPOCH_ENDINGS, LaneKind.TRANSACTIONS)


def plan_recovery(
    reader: StoreReader,
    snapshot: Snapshot,
    options: RestoreOptions | None = None,
    denied: Mapping[RangeRecord, str] | None = None,
    watch: EvidenceWatch | None = None,
    evidence: Evidence | None = None,
) -> Recovery:
    """The recovery of a store under the operator's choices.

    `denied` are entries that earlier repairs rejected: retired ones are not brought back but may lend chunks, visible
    ones are avoided.
    `evidence` is what is known of manifests already. Reads manifests, and lists their folders, where entries compete or
    do not join. Raises `Stopped` when the watch says so.
    """
    looking: EvidenceWatch = watch or Unwatched()

    def recovery_with(wishes: RestoreOptions, known: Evidence | None) -> Recovery:
        return _Plan(reader, snapshot, wishes, denied or {}, looking, known, wishes).run()

    with stoppable(looking.stopped):
        recovery = recovery_with(options or RestoreOptions(), evidence)
        return replace(recovery, costs=tuple(reach_costs(recovery, recovery_with)))


@dataclass(slots=True)
class _Plan:
    """One recovery in the making: to the `wishes`, `options` add what is found to be broken, `evidence` why."""

    reader: StoreReader
    snapshot: Snapshot
    options: RestoreOptions
    denied: Mapping[RangeRecord, str]
    watch: EvidenceWatch
    evidence: Evidence | None
    wishes: RestoreOptions

    def run(self) -> Recovery:
        """All steps."""
        self._avoid(self._denied_and_visible())
        ground, derived = self._whole_ground()
        broken = self.options.broken
        self._pass_by_broken_snapshots(ground)
        if self.options.broken != broken:
            # What a broken snapshot was enough to leave alone may be of use now.
            ground, derived = self._whole_ground()
            self._pass_by_broken_snapshots(ground)
        return self._recovery(ground, derived)

    def _whole_ground(self) -> tuple[Ground, tuple[DerivedManifest, ...]]:
        """Everything that could be added to what is visible, and the derived manifests in it."""
        ground = self._with_recovered_lines()
        derived = self._splices(ground)
        # What is broken or denied as a whole may have lent chunks, and is of no other use unless it is visible anyway.
        recovered = (line for lines in ground.lines.values() for line in lines)
        sound = (
            line for line in recovered if line.record.manifest not in self._broken and line.record not in self.denied
        )
        return with_lines(self._index, (*sound, *map(line_of, derived))), derived

    def _recovery(self, ground: Ground, derived: tuple[DerivedManifest, ...]) -> Recovery:
        """The recovery on a ground of everything that could be added: what the chain does without is left out."""
        ways, sound = find_ways(ground, self.options), self._without_broken(ground)
        if self._leads_over_broken(ways) and not _farther(ways, sound):
            self.options, ways = replace(self.options, vetoes=self.options.vetoes | self._broken), sound
        lines = _lines_used(ground, ways)
        trimmed = ground if len(lines) == sum(map(len, ground.added.values())) else with_lines(self._index, lines)
        preview = plan_restore(self.snapshot, self.options, trimmed, self.evidence)
        if preview.goal is not None:
            # What could be added behind a gap closes others there as soon as that gap is closed; and what is broken
            # has to be backed up again.
            sound = self._without_broken(ground, preview.goal)
            later = gaps_above_transactions(sound)
            preview = replace(preview, gaps=gaps_before_goal(sound), later_gaps=later)
        rejected, tail = self._fates(preview)
        cut = used(derived, lines)
        return Recovery(self.snapshot, preview, rejected, tail, lines, cut, self.evidence, self.wishes)

    def _leads_over_broken(self, ways: Ways) -> bool:
        chains = (ways.transactions, ways.epoch_endings)
        return any(len(named_rows(chain.lane.manifests.take(chain.rows), self._broken)) for chain in chains)

    def _with_recovered_lines(self) -> Ground:
        """What is visible and the retired lines that may be of use, looked into like what competes."""
        ground = self._looked_into(recovered := self._recoverable())
        # What is known to be broken by now may have a substitute that only a retired line names.
        again = self._recoverable()
        return self._looked_into(again) if len(again) > len(recovered) else ground

    def _looked_into(self, lines: tuple[AddedLine, ...]) -> Ground:
        ground = with_lines(self._index, lines)
        if not metadata_only(self.snapshot):
            self._look_into(ground, self._competing(ground))
        return ground

    @property
    def _index(self) -> Index:
        return self.snapshot.index

    @property
    def _broken(self) -> frozenset[str]:
        """What is known to be broken, and not wanted all the same."""
        return self.options.broken - self.options.pins

    def _without_broken(self, ground: Ground, target: int | None = None) -> Ways:
        """The ways that go through no broken manifest, unless it is pinned; to the `target` if there is one."""
        wish = self.options.target_version if target is None else target
        vetoes = self.options.vetoes | self._broken
        return find_ways(ground, replace(self.options, vetoes=vetoes, target_version=wish))

    def _denied_and_visible(self) -> Iterator[str]:
        for lane in self.snapshot.index.lanes.values() if self.denied else ():
            yield from (lane.manifest(row) for row in denied_rows(lane, self.denied).tolist())

    def _avoid(self, handles: Iterable[str]) -> None:
        """Take other manifests where there are any; what the operator wants comes first."""
        handles = frozenset(handles) - self.options.pins
        self.options = replace(self.options, unverified=self.options.unverified | handles)

    def _recoverable(self) -> tuple[AddedLine, ...]:
        """The retired lines that may be of use; of denied ones only their chunks."""
        options = replace(self.options, vetoes=self.options.vetoes | self._broken)
        lines = recoverable_lines(self.snapshot, options, self.denied)
        if not self.denied:
            return lines
        all_lines = recoverable_lines(self.snapshot, options)
        return (*lines, *(line for line in all_lines if line.record in self.denied and _has_chunks_to_lend(line)))

    def _competing(self, ground: Ground) -> frozenset[str]:
        """The manifests that compete, those of retired lines, which may be gone for good, and pinned ones."""
        lanes = ground.index.lanes
        rows = {kind: np.flatnonzero(competing(kind, lane)) for kind, lane in lanes.items()}
        rows = {kind: np.union1d(some, ground.added[kind]) for kind, some in rows.items()}
        handles = frozenset(lanes[kind].manifest(row) for kind, some in rows.items() for row in some.tolist())
        return handles | self.options.pins

    def _look_into(self, ground: Ground, handles: frozenset[str]) -> None:
        """Gather evidence on some manifests that nothing is known of yet: what is not there counts as broken.

        A copy of the metadata alone says nothing of its manifests. A storage that can't list its top may be one, too:
        it is taken for one where not one manifest can be had.
        """
        if metadata_only(self.snapshot):
            return
        known = self.evidence.manifests if self.evidence and self.evidence.level >= _LEVEL else {}
        unknown = handles - {handle for _, handle in known}
        if unknown:
            seen = replace(self.snapshot, index=ground.index)
            found = collect_evidence(self.reader, seen, _LEVEL, self.watch, unknown)
            if not found.complete:
                raise Stopped("stopped while the manifests that compete were looked into")
            read = any(facts.status is ManifestStatus.READ for facts in found.manifests.values())
            if read or known or self.snapshot.retired_unseen is None:
                known = {**known, **found.manifests}
        self.evidence = Evidence(_LEVEL, known)
        self.options = replace(self.options, broken=self.options.broken | broken_manifests(self.evidence))
        self._avoid(unread_manifests(self.evidence))

    def _splices(self, ground: Ground) -> tuple[DerivedManifest, ...]:
        if metadata_only(self.snapshot):
            return ()
        splicer = Splicer(self.reader, self.evidence or Evidence(_LEVEL), self.watch.stopped)
        lenders = {
            line.record.manifest for lines in ground.lines.values() for line in lines if line.record in self.denied
        }
        options = replace(self.options, broken=self.options.broken | lenders)
        found = [
            each
            for kind in _CHAINED
            for each in splicer.splices(ground.index.lanes[kind], chain_options(options, self._target(kind)))
        ]
        if self.watch.stopped():
            raise Stopped("stopped while manifests were read for splices")
        return tuple(found)

    def _target(self, kind: LaneKind) -> int | None:
        return self.options.target_version if kind is LaneKind.TRANSACTIONS else None

    def _pass_by_broken_snapshots(self, ground: Ground) -> None:
        """Look into the snapshot that would be restored, and the next best ones as long as they are broken."""
        for _ in range(_SNAPSHOTS_TRIED):
            best = best_restore(find_ways(ground, self.options), self.options.ledger_history_start)
            if best is None:
                return
            rows = {best.tree_snapshot, best.tree_snapshot if best.kv_snapshot is None else best.kv_snapshot}
            handles = frozenset(ground.index.state_snapshots.manifest(row) for row in rows)
            broken = self.options.broken
            self._look_into(ground, handles)
            if self.options.broken == broken:
                return

    def _fates(self, preview: RestorePreview) -> tuple[dict[LaneKind, I64], dict[LaneKind, I64]]:
        """Which visible entries are to go, and which lie behind a true gap."""
        rejected: dict[LaneKind, I64] = {}
        tail: dict[LaneKind, I64] = {}
        for chain in (preview.epoch_endings, preview.transactions):
            kind = chain.lane.kind
            reason = chain.reason[preview.ground.visible(kind)]
            beyond = (reason == SkipReason.NOT_REACHED) | (reason == SkipReason.ABOVE_TARGET)
            beyond |= self._broken_behind(chain, preview)
            tail[kind] = np.flatnonzero(beyond & (reason != SkipReason.ABOVE_TARGET))
            rejected[kind] = np.flatnonzero((reason != SkipReason.CHOSEN) & ~beyond)
        rejected[LaneKind.STATE_SNAPSHOTS] = self._unwanted_snapshots(preview)
        tail[LaneKind.STATE_SNAPSHOTS] = np.empty(0, dtype=np.int64)
        return rejected, tail

    def _broken_behind(self, chain: Chain, preview: RestorePreview) -> Mask:
        """The visible entries behind the chain's end that are left out for nothing but being broken (bool)."""
        rows = preview.ground.visible(chain.lane.kind)
        end = 0 if chain.reaches is None else chain.reaches + 1
        behind: Mask = (chain.reason[rows] == SkipReason.BROKEN) & (chain.lane.first[rows] >= np.uint64(end))
        behind[named_rows(chain.lane.manifests.take(rows), self.wishes.vetoes)] = False
        return behind

    def _unwanted_snapshots(self, preview: RestorePreview) -> I64:
        """The visible snapshots that stock must not take: broken ones, and those that a better one outdoes."""
        lane, snapshots = preview.index.state_snapshots, preview.snapshots
        if preview.best is None:
            # Nothing can be restored: there is no reason to prefer what is left, but for the operator's.
            gone = snapshots.outdone.copy()
            gone[named_rows(lane.manifests, self.wishes.vetoes)] = True
        else:
            gone = ~snapshots.usable
        return np.flatnonzero(gone[preview.ground.visible(LaneKind.STATE_SNAPSHOTS)])


def _farther(one: Ways, other: Ways) -> bool:
    """Whether a restore along `one` lands on a greater version."""
    landings = [-1 if landed is None else landed for landed in (restorable_to(one), restorable_to(other))]
    return landings[0] > landings[1]


def _has_chunks_to_lend(line: AddedLine) -> bool:
    return not isinstance(line.record, StateSnapshotRecord)


def _lines_used(ground: Ground, ways: Ways) -> tuple[AddedLine, ...]:
    """The added lines that the chains run over, and the added snapshots that a restore can start from."""
    rows = {
        LaneKind.EPOCH_ENDINGS: ways.epoch_endings.rows,
        LaneKind.TRANSACTIONS: ways.transactions.rows,
        LaneKind.STATE_SNAPSHOTS: _snapshots_used(ground, ways),
    }
    return tuple(
        line
        for kind, some in rows.items()
        for row, line in zip(ground.added[kind].tolist(), ground.lines[kind], strict=True)
        if np.isin(row, some)
    )


def _snapshots_used(ground: Ground, ways: Ways) -> I64:
    """The added snapshots (rows, int64) that help: the best of each version without a visible one that can be used.

    None does where nothing can be restored with them either.
    """
    snapshots, kind = ways.snapshots, LaneKind.STATE_SNAPSHOTS
    if restorable_to(ways) is None:
        return np.empty(0, dtype=np.int64)
    version, added = snapshots.lane.first, ground.added[kind]
    visible = np.setdiff1d(np.flatnonzero(snapshots.usable | snapshots.outdone), added, assume_unique=True)
    helping = np.intersect1d(snapshots.ranked, added, assume_unique=True)
    return helping[~np.isin(version[helping], version[visible])]
