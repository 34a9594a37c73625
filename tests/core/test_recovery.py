"""Whatever way leads through a store is found, stock goes it after the repair, and what is missing is told exactly.

With `SEAMLINE_SOAK` in the environment of thirty times as many random stores.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from core.changes.model import ChangeSet
from core.engine import Engine
from core.manifests import collect_evidence
from core.model import U64_MAX, LaneKind, TransactionRecord
from core.recovery import Recovery, plan_recovery
from core.restore import verdict
from core.snapshot import Snapshot
from core.stock import greatest_working_target, load_error, select_transactions
from tests.support.data import stock_vectors
from tests.support.recoverable_stores import RecoverableStore, least_missing, look, random_recoverable, reach
from tests.support.soaking import SOAKED
from tests.support.stores import lines, state, txn

SEEDS = range(3_000 if SOAKED else 100)
BLOCK = 100


def entries(snapshot: Snapshot) -> list[TransactionRecord]:
    lane = snapshot.index.transactions
    return [record for row in range(len(lane)) if isinstance(record := lane.record(row), TransactionRecord)]


def chain_of(recovery: Recovery) -> list[TransactionRecord]:
    chain = recovery.preview.transactions
    return [record for row in chain.rows.tolist() if isinstance(record := chain.lane.record(row), TransactionRecord)]


def plan(store: RecoverableStore) -> tuple[Engine, Recovery]:
    """The engine on a store, and the recovery that it plans knowing all manifests and which files there are."""
    engine, snapshot = look(store)
    return engine, engine.plan_recovery(snapshot, evidence=collect_evidence(engine.reader, snapshot, 3))


def repaired(store: RecoverableStore, change: ChangeSet) -> RecoverableStore:
    """The store with a change carried out."""
    files = dict(store.files)
    for write in (*change.derived, *change.all_writes):
        assert write.handle not in files or files[write.handle] == write.content
        files[write.handle] = write.content
    for move in change.retires:
        assert move.target not in files
        files[move.target] = files.pop(move.source)
    return replace(store, files=files)


# Random stores --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", range(0, len(SEEDS), BLOCK))
def test_repair_makes_stock_reach_the_greatest_version_that_any_way_leads_to(block: int) -> None:
    spliced = recovered = 0
    for seed in SEEDS[block : block + BLOCK]:
        store = random_recoverable(seed)
        engine, recovery = plan(store)
        furthest = reach(store.edges(store.entries))
        best = recovery.preview.best
        assert (0 if best is None else best.lands_at + 1) == furthest, seed
        spliced += bool(recovery.derived)
        recovered += len(recovery.added) > len(recovery.derived)
        if best is None:
            continue
        planned = engine.plan_repair(recovery)
        assert planned.change_set is not None, (seed, planned.refusal)
        then, after = plan(repaired(store, planned.change_set))
        now = after.snapshot
        evidence = collect_evidence(then.reader, now, 3)
        assert verdict(now, evidence).stock_restorable_to == best.lands_at, seed
        upto = [record for record in entries(now) if record.first_version <= best.lands_at]
        assert upto == [record for record in chain_of(recovery) if record.first_version <= best.lands_at], seed
        again = then.plan_repair(after)
        assert again.change_set is not None and again.change_set.is_empty, seed
    assert spliced > 5 and recovered > 5


@pytest.mark.parametrize("block", range(0, len(SEEDS), BLOCK))
def test_backing_up_just_the_gaps_makes_it_work(block: int) -> None:
    closed = 0
    for seed in SEEDS[block : block + BLOCK]:
        store = random_recoverable(seed)
        preview = plan(store)[1].preview
        goal = preview.goal
        if goal is None or preview.complete:
            assert not preview.gaps, seed
            continue
        missing = sum(gap.last + 1 - gap.first for gap in preview.gaps)
        edges = store.edges(store.entries)
        assert missing == least_missing(edges, reach(edges), goal + 1), seed
        for number, gap in enumerate(preview.gaps):
            record = store.back_up(gap.first, gap.last, f"g{number:03}")
            store.put(f"metadata/transaction_{gap.first}-{gap.last}.meta", record)
        filled = plan(store)[1].preview
        assert filled.complete and filled.best is not None and filled.best.lands_at >= goal, seed
        closed += 1
    assert closed > 10


@pytest.mark.parametrize("block", range(0, len(SEEDS), BLOCK))
def test_backing_up_just_the_gaps_works_after_a_repair_as_well(block: int) -> None:
    """What the repair rejected stays denied, but its chunks are still there to join what lies behind a gap."""
    closed = spliced = 0
    for seed in SEEDS[block : block + BLOCK]:
        store = random_recoverable(seed)
        engine, recovery = plan(store)
        change = engine.plan_repair(recovery).change_set
        goal, gaps = recovery.preview.goal, recovery.preview.gaps
        if change is None or goal is None or not gaps:
            continue
        store = repaired(store, change)
        for number, gap in enumerate(gaps):
            record = store.back_up(gap.first, gap.last, f"g{number:03}")
            store.put(f"metadata/transaction_{gap.first}-{gap.last}.meta", record)
        engine, snapshot = look(store)
        evidence = collect_evidence(engine.reader, snapshot, 3)
        denied = dict.fromkeys(change.rejected, "the repair")
        filled = plan_recovery(engine.reader, snapshot, None, denied, None, evidence)
        assert filled.preview.complete and filled.preview.best is not None, seed
        assert filled.preview.best.lands_at >= goal, seed
        assert not any(line.record in denied for line in filled.added), seed
        closed += 1
        spliced += bool(filled.derived)
    assert closed > 10 and spliced > 0


# The stock vectors ----------------------------------------------------------------------------------------------------


def metadata_files(case: dict[str, Any]) -> dict[str, bytes]:
    return {f"metadata/{name}": content.encode() for name, content in case["metadata"].items()}


def transaction_edges(records: list[TransactionRecord]) -> set[tuple[int, int]]:
    usable = [each for each in records if each.first_version <= each.last_version < U64_MAX]
    return {(each.first_version, each.last_version + 1) for each in usable}


@pytest.mark.parametrize("case", stock_vectors("selection"), ids=lambda case: case["name"])
def test_every_store_of_the_vectors_is_repaired_as_far_as_its_entries_join(case: dict[str, Any]) -> None:
    store = RecoverableStore(files=metadata_files(case))
    engine, snapshot = look(store)
    recovery = engine.plan_recovery(snapshot)
    chain, best = recovery.preview.transactions, recovery.preview.best
    furthest = reach(transaction_edges(entries(snapshot)))
    assert (0 if chain.reaches is None else chain.reaches + 1) == furthest
    planned = engine.plan_repair(recovery)
    if planned.change_set is None:
        assert planned.refusal is not None and planned.refusal.next_step
        assert best is None or best.lands_at == greatest_working_target(snapshot.index)
        return
    then, now = look(repaired(store, planned.change_set))
    assert load_error(now) is None
    if chain.reaches is not None:
        selected = select_transactions(now.index.transactions, 0, chain.reaches)
        assert [now.index.transactions.record(row) for row in selected.tolist()] == chain_of(recovery)
    assert best is None or greatest_working_target(now.index) == best.lands_at
    again = then.plan_repair(then.plan_recovery(now))
    assert again.change_set is not None and again.change_set.is_empty


@pytest.mark.parametrize("case", stock_vectors("selection"), ids=lambda case: case["name"])
def test_what_the_vectors_lack_is_told_exactly(case: dict[str, Any]) -> None:
    store = RecoverableStore(files=metadata_files(case))
    engine, snapshot = look(store)
    preview = engine.plan_recovery(snapshot).preview
    for number, gap in enumerate(gap for gap in preview.gaps if gap.lane is LaneKind.TRANSACTIONS):
        store.files[f"metadata/filled_{number}.meta"] = lines(txn(gap.first, gap.last, f"filled{number}"))
    engine, snapshot = look(store)
    filled = engine.plan_recovery(snapshot).preview.transactions
    assert preview.goal is None or filled.reaches == preview.goal


# How little a repair changes ------------------------------------------------------------------------------------------


def ways_to(boundary: int, goal: int, records: list[TransactionRecord]) -> Iterator[frozenset[TransactionRecord]]:
    """Every chain of entries from one boundary to another."""
    if boundary == goal:
        yield frozenset()
    for record in records:
        if record.first_version == boundary and record.last_version < goal:
            for rest in ways_to(record.last_version + 1, goal, records):
                yield rest | {record}


def files_touched(snapshot: Snapshot, way: frozenset[TransactionRecord], goal: int) -> int:
    """How many files hold an entry below the goal that is not on the way."""
    lane = snapshot.index.transactions
    rejected = [row for row in range(len(lane)) if lane.record(row) not in way and int(lane.first[row]) < goal]
    return len({claim.file for row in rejected for claim in lane.claims(row)})


def test_no_repair_retires_more_files_than_any_chain_makes_it() -> None:
    proven = 0
    for seed in SEEDS[::2]:
        engine, recovery = plan(random_recoverable(seed))
        chain = recovery.preview.transactions
        if recovery.added or recovery.preview.options.broken or chain.reaches is None:
            continue
        change = engine.plan_repair(recovery).change_set
        assert change is not None
        goal, records = chain.reaches + 1, entries(recovery.snapshot)
        least = min(files_touched(recovery.snapshot, way, goal) for way in ways_to(0, goal, records))
        assert len(change.retires) >= least, seed
        if recovery.proven_minimal:
            assert len(change.retires) == least, seed
            proven += len(change.retires) > 0
    assert proven > len(SEEDS) // 60


# Snapshots that only metadata_backup/ holds ---------------------------------------------------------------------------


def snapshots_retired(*visible: str) -> RecoverableStore:
    """Ten versions, of whose start three snapshots were backed up; the lines of all but the `visible` are retired."""
    store = RecoverableStore()
    store.put_base(())
    del store.files["metadata/state_snapshot_ver_0.meta"]
    store.put("metadata/transactions.meta", store.back_up(0, 9, "0000"))
    for name in ("bbbb", "cccc"):
        handle = f"state_epoch_0_ver_0.{name}/state.manifest"
        store.files[handle] = store.files[state(0, 0).manifest]
        store.put(f"{'metadata' if name in visible else 'metadata_backup'}/{name}.meta", state(0, 0, handle))
    store.put("metadata_backup/aaaa.meta", state(0, 0))
    return store


def nothing_to_do(engine: Engine) -> bool:
    change = engine.plan_repair(engine.plan_recovery(engine.look())).change_set
    return change is not None and change.is_empty


def test_of_retired_snapshots_one_of_each_version_comes_back() -> None:
    store = snapshots_retired()
    engine, snapshot = look(store)
    recovery = engine.plan_recovery(snapshot)
    assert [line.record.manifest for line in recovery.added] == ["state_epoch_0_ver_0.cccc/state.manifest"]
    change = engine.plan_repair(recovery).change_set
    assert change is not None
    assert nothing_to_do(repaired(store, change).engine())


def test_a_broken_snapshot_goes_when_a_retired_one_takes_its_place() -> None:
    store = snapshots_retired("bbbb")
    del store.files["state_epoch_0_ver_0.bbbb/state.manifest"]
    del store.files["metadata/epoch_ending_0-0.meta"]
    engine, snapshot = look(store)
    recovery = engine.plan_recovery(snapshot)
    assert recovery.preview.best is None and not recovery.added
    assert nothing_to_do(engine)
    store = snapshots_retired("bbbb")
    del store.files["state_epoch_0_ver_0.bbbb/state.manifest"]
    engine, snapshot = look(store)
    change = engine.plan_repair(engine.plan_recovery(snapshot)).change_set
    assert change is not None
    assert [move.source for move in change.retires] == ["metadata/bbbb.meta"]
    assert nothing_to_do(repaired(store, change).engine())


@pytest.mark.parametrize("lost", ["state.manifest", "state.proof"])
def test_a_retired_snapshot_is_found_where_the_visible_one_turns_out_to_be_broken(lost: str) -> None:
    store = snapshots_retired("bbbb")
    folder = state(0, 0, "state_epoch_0_ver_0.bbbb/state.manifest").manifest.partition("/")[0]
    manifest = store.files[f"{folder}/state.manifest"]
    store.files[f"{folder}/state.manifest"] = manifest.replace(b"state_epoch_0_ver_0.aaaa/state.proof", b"gone/p")
    if lost == "state.manifest":
        del store.files[f"{folder}/state.manifest"]
    engine, snapshot = look(store)
    recovery = engine.plan_recovery(snapshot)
    assert recovery.preview.best is not None and recovery.preview.best.lands_at == 9
    assert [line.record.manifest for line in recovery.added] == ["state_epoch_0_ver_0.cccc/state.manifest"]
