"""Recoveries spelled out by hand: which entries are to be seen no more, and which are to come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b

import numpy as np

from core.changes.model import ChangeSet
from core.codec import encode_record
from core.form import Form
from core.ground import AddedLine, with_lines
from core.host import FixedHost
from core.index import Index
from core.model import Claim, LaneKind, RangeRecord, TransactionRecord
from core.names import is_safe_name
from core.recovery import DerivedManifest, Recovery
from core.repair import RepairPlan, plan_repair
from core.restore import RestoreOptions, plan_restore
from core.snapshot import Snapshot, take_snapshot
from core.stock import CompactionOptions, StockFailure, restore_plan, simulate_compaction
from core.words import I64
from tests.support.compactions import carried_out
from tests.support.gzipped import assert_twins, is_zipped, zipped
from tests.support.plans import TimedReader, planned_outcome
from tests.support.stores import NOW, snapshot_of

Files = dict[str, bytes]
Wanted = Callable[[RangeRecord], bool]
#: When repairs take place: files in memory are a day old then, and nothing is in flight.
REPAIRED = NOW + 86_400


def nothing(_record: RangeRecord) -> bool:
    """No entry."""
    return False


def no_records(*records: RangeRecord) -> Wanted:
    """Just these entries."""
    return lambda record: record in records


def derived_transactions(first: int, last: int, source: str) -> DerivedManifest:
    """A manifest that lists the one chunk `first` to `last` of another one."""
    content = b'{"first_version":%d,"last_version":%d,"chunks":[]}' % (first, last)
    digest = blake2b(repr((source, 0, 1)).encode() + content, digest_size=4).hexdigest()
    record = TransactionRecord(first, last, f"transaction_{first}-.splice_{digest}/transaction.manifest")
    return DerivedManifest(LaneKind.TRANSACTIONS, source, 0, 1, record, content)


def recovery_of(
    snapshot: Snapshot,
    rejected: Wanted = nothing,
    *,
    tail: Wanted = nothing,
    recovered: Sequence[tuple[RangeRecord, Claim]] = (),
    derived: Sequence[DerivedManifest] = (),
    options: RestoreOptions | None = None,
) -> Recovery:
    """The recovery that rejects such entries; the chain of its preview does without their manifests."""
    added = [AddedLine(record, snapshot.retired.raw_line(claim), claim) for record, claim in recovered]
    added += [AddedLine(each.record, encode_record(each.record)[:-1], None, each.source) for each in derived]
    ground = with_lines(snapshot.index, added)
    gone = {kind: rows_of(snapshot.index, kind, rejected) for kind in snapshot.index.lanes}
    out = _manifests(snapshot.index, gone) - _manifests(snapshot.index, _others(snapshot.index, gone))
    options = options or RestoreOptions(vetoes=frozenset(out))
    return Recovery(
        snapshot=snapshot,
        preview=plan_restore(snapshot, options, ground),
        rejected=gone,
        tail={kind: rows_of(snapshot.index, kind, tail) for kind in snapshot.index.lanes},
        added=tuple(added),
        derived=tuple(derived),
    )


def rows_of(index: Index, kind: LaneKind, wanted: Wanted) -> I64:
    """The rows of a lane whose entries are such."""
    lane = index.lanes[kind]
    return np.array([row for row in range(len(lane)) if wanted(lane.record(row))], dtype=np.int64)


def _others(index: Index, rows: Mapping[LaneKind, I64]) -> dict[LaneKind, I64]:
    return {kind: np.setdiff1d(np.arange(len(lane)), rows[kind]) for kind, lane in index.lanes.items()}


def _manifests(index: Index, rows: Mapping[LaneKind, I64]) -> set[str]:
    return {index.lanes[kind].manifest(row) for kind, some in rows.items() for row in some.tolist()}


def old_snapshot(metadata: Mapping[str, bytes], backup: Mapping[str, bytes] | None = None) -> Snapshot:
    """A look, at the time of repairs, at files that were written a day before."""
    return snapshot_of(dict(metadata), dict(backup or {}), now=REPAIRED, backups=False)


def entries_in(index: Index) -> set[RangeRecord]:
    """Every visible entry."""
    return {lane.record(row) for lane in index.lanes.values() for row in range(len(lane))}


def change_of(plan: RepairPlan) -> ChangeSet:
    """The change of a plan that nothing speaks against."""
    assert plan.refusal is None, plan.refusal
    assert plan.change_set is not None
    return plan.change_set


@dataclass
class Repaired:
    """A store of files, the plan of its repair, and both folders as they are afterwards.

    The plan for the same store in gzip is asserted to be the same one, compressed.
    """

    metadata: Files
    backup: Files = field(default_factory=dict)
    listed: Files = field(init=False)
    retired: Files = field(init=False)
    change: ChangeSet = field(init=False)
    plan: RepairPlan = field(init=False)

    def by(self, recover: Callable[[Snapshot], Recovery], *, park_tail: bool = False) -> Repaired:
        """Plan and carry out the repair, and check what holds of every one."""
        snapshot = old_snapshot(self.metadata, self.backup)
        recovery = recover(snapshot)
        self.plan = plan_repair(recovery, REPAIRED, park_tail=park_tail)
        self.change = change_of(self.plan)
        self.listed, self.retired = planned_outcome(self.change, self.metadata, self.backup)
        self._check(recovery, park_tail=park_tail)
        if not is_zipped((*self.metadata.values(), *self.backup.values())):
            in_gzip = recover(old_snapshot(zipped(self.metadata), zipped(self.backup)))
            in_gzip = replace(in_gzip, derived=tuple(replace(each, form=Form.GZIP) for each in in_gzip.derived))
            twin = plan_repair(in_gzip, REPAIRED, park_tail=park_tail)
            assert_twins(self.change, change_of(twin))
            assert self.plan.side_effects == twin.side_effects
        return self

    @property
    def index(self) -> Index:
        """What is visible afterwards."""
        return old_snapshot(self.listed, self.retired).index

    def _check(self, recovery: Recovery, *, park_tail: bool) -> None:
        snapshot, index = recovery.snapshot, self.index
        gone = {recovery.snapshot.index.lanes[k].record(row) for k, rows in recovery.rejected.items() for row in rows}
        if park_tail:
            gone |= {recovery.snapshot.index.lanes[k].record(row) for k, rows in recovery.tail.items() for row in rows}
        wanted = entries_in(snapshot.index) - gone | {line.record for line in recovery.added}
        assert entries_in(index) == wanted
        assert not any(file.bad_lines or file.fault for file in index.files)
        before = {record.id for record, _ in snapshot.index.identities}
        assert {record.id for record, _ in index.identities} == before
        for name, content in self.metadata.items():
            assert self.listed.get(name, content) == content, f"{name} was edited"
        for write in self.change.all_writes:
            name = write.handle.removeprefix("metadata/")
            assert write.content and is_safe_name(name) and name not in {**self.metadata, **self.backup}
        known = {
            line for files in (self.metadata, self.backup) for content in files.values() for line in _lines(content)
        }
        known |= {line.line for line in recovery.added}
        for write in self.change.writes:
            assert set(_lines(write.content)) <= known

    def survives(self, factors: Iterable[int] = (1, 2, 3, 10, 100)) -> None:
        """Two stock compactions, the second when all grace is over, hide nothing and fail at most where stock does."""
        before = entries_in(self.index)
        for factor in factors:
            listed, retired = dict(self.listed), dict(self.retired)
            for turn in range(4):
                index = old_snapshot(listed, retired).index
                run = simulate_compaction(index, CompactionOptions(factor, factor, factor), REPAIRED + turn * 90_000)
                assert run.stop is None, (factor, turn, run.stop)
                listed, retired = carried_out(run, listed, retired)
                assert entries_in(old_snapshot(listed).index) == before, (factor, turn)

    def stock_lands_at(self, target: int | None = None) -> int | str | None:
        """Where unpatched stock lands afterwards, or what it says."""
        try:
            return restore_plan(self.index, target).lands_at
        except StockFailure as failure:
            return failure.message


def _lines(content: bytes) -> list[bytes]:
    return [line for line in content.split(b"\n") if line]


def timed(metadata: Mapping[str, bytes], written: Mapping[str, float], now: float = REPAIRED) -> Snapshot:
    """A look at files that are a day old but for some that were `written` at other times (unix seconds)."""
    reader = TimedReader({f"metadata/{name}": content for name, content in metadata.items()}, written, NOW)
    return take_snapshot(reader, FixedHost(now))
