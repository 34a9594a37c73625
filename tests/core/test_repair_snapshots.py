"""Of snapshots that compete a repair keeps the one that agrees with the epoch endings: compaction then loses none."""

from __future__ import annotations

import random
from functools import partial

import pytest

from core.findings import Case, find
from core.model import IdentityRecord, StateSnapshotRecord
from core.recovery.plan import plan_recovery
from core.repair import RepairPlan, plan_repair
from core.restore import RestoreOptions
from tests.support import stock_model
from tests.support.plans import planned_outcome
from tests.support.recoveries import REPAIRED, Files, Repaired, change_of, entries_in, old_snapshot
from tests.support.stores import NOW, epoch, lines, reader_of, snapshot_of, state, txn

S0, S1, S2, X2 = state(0, 0, "s0"), state(1, 40, "s1"), state(2, 80, "s2"), state(2, 40, "x2")
ENDINGS = (epoch(0, 0, 0, 0), epoch(1, 1, 40, 40), epoch(2, 2, 80, 80))
REST = (IdentityRecord("ab" * 32), *ENDINGS, txn(0, 40), txn(41, 100))
DAY = 90_000


def plan_of(metadata: Files, options: RestoreOptions | None = None) -> RepairPlan:
    return plan_repair(plan_recovery(reader_of(metadata), old_snapshot(metadata), options), REPAIRED)


def snapshots_in(metadata: Files) -> set[StateSnapshotRecord]:
    return {record for record in entries_in(snapshot_of(metadata).index) if isinstance(record, StateSnapshotRecord)}


def test_the_snapshot_that_agrees_with_the_epoch_endings_is_kept() -> None:
    metadata = {"all.meta": lines(*REST, S0, S1, S2, X2)}
    store = Repaired(metadata).by(partial(plan_recovery, reader_of(metadata)))
    assert store.change.rejected == (X2,)
    assert snapshots_in(store.listed) == {S0, S1, S2}
    store.survives()


def test_the_finding_names_the_epoch_that_has_two_versions() -> None:
    snapshot = snapshot_of({"all.meta": lines(*REST, S0, S1, S2, X2)})
    [found] = [each for each in find(Case(snapshot, NOW + 9_000), 1) if each.kind == "snapshot-conflict"]
    assert "Epoch 2 has snapshots of 2 versions, 40 and 80." in found.explanation
    assert "Version 40 (epochs 1 and 2) has two state snapshots" in found.explanation
    assert found.next_step == "seamline repair memory --dry-run"


def test_a_pin_is_stronger_than_the_epoch_endings() -> None:
    metadata = {"all.meta": lines(*REST, S0, S1, S2, X2)}
    change = change_of(plan_of(metadata, RestoreOptions(pins=frozenset({"x2"}))))
    assert change.rejected == (S1, S2)


def test_two_versions_of_one_epoch_of_which_nothing_tells_the_right_one_are_refused_until_one_is_chosen() -> None:
    metadata = {"all.meta": lines(*REST, S0, state(7, 50, "y50"), state(7, 90, "y90"))}
    refusal = plan_of(metadata).refusal
    assert refusal is not None and refusal.kind == "snapshot-conflict"
    assert "epoch 7 has snapshots of 2 versions, 50 and 90" in refusal.explanation
    assert refusal.next_step == "seamline repair memory --pin y90 --dry-run"
    for kept, gone in (("y90", "y50"), ("y50", "y90")):
        change = change_of(plan_of(metadata, RestoreOptions(pins=frozenset({kept}))))
        assert [record.manifest for record in change.rejected] == [gone]


def test_a_snapshot_that_a_restore_needs_is_not_given_up_for_one_that_no_restore_can_use_yet() -> None:
    ahead = state(2, 180, "ahead")
    endings = (*ENDINGS[:2], epoch(2, 2, 180, 180))
    metadata = {"all.meta": lines(IdentityRecord("ab" * 32), *endings, txn(0, 40), txn(41, 100), X2, ahead)}
    recovery = plan_recovery(reader_of(metadata), old_snapshot(metadata))
    assert recovery.preview.best is not None and recovery.preview.best.lands_at == 100
    refusal = plan_repair(recovery, REPAIRED).refusal
    assert refusal is not None and refusal.next_step == "seamline repair memory --pin x2 --dry-run"


def random_store(seed: int) -> Files:
    """Epochs that end here and there, some of them told by epoch endings, and snapshots that often are not there."""
    rng = random.Random(seed)
    ends = sorted(rng.sample(range(1, 60), rng.randint(1, 5)))
    ends = [0, *ends]
    top = ends[-1] + rng.randint(0, 20)
    endings, at = [], 0
    while at < len(ends):
        last = min(len(ends) - 1, at + rng.choice((0, 0, 0, 1, 2)))
        endings.append(epoch(at, last, ends[at], ends[last], f"e{at}"))
        at = last + 1
    told = endings[: rng.randint(1, len(endings))]
    true = [state(number, end, f"s{number}") for number, end in enumerate(ends) if not number or rng.random() < 0.8]
    odd = [
        state(rng.randrange(len(ends) + 1), rng.choice((*ends, rng.randrange(top + 1))), f"x{number}")
        for number in range(rng.randint(0, 4))
    ]
    cut = rng.randint(0, top)
    transactions = [txn(0, cut), txn(cut + 1, top)] if cut < top else [txn(0, top)]
    records = [IdentityRecord("ab" * 32), *told, *transactions, *true, *odd]
    return {f"file{number}.meta": lines(*records[number::3]) for number in range(3) if records[number::3]}


@pytest.mark.parametrize("seeds", [range(start, start + 40) for start in range(0, 200, 40)])
def test_no_compaction_after_a_repair_loses_a_snapshot(seeds: range) -> None:
    repaired = 0
    for seed in seeds:
        metadata = random_store(seed)
        plan = plan_of(metadata)
        if plan.change_set is None:
            assert plan.refusal is not None and plan.refusal.kind == "snapshot-conflict", seed
            continue
        listed, retired = planned_outcome(plan.change_set, metadata, {})
        kept = snapshots_in(listed)
        assert len({each.epoch for each in kept}) == len({each.version for each in kept}) == len(kept), seed
        repaired += kept != snapshots_in(metadata)
        for factor in (1, 2, 3, 100):
            now_listed, now_retired = dict(listed), dict(retired)
            for turn in range(4):
                now = REPAIRED + turn * DAY
                assert stock_model.compact(now_listed, now_retired, (factor,) * 3, 86_400, now) is None, (seed, factor)
                assert snapshots_in(now_listed) == kept, (seed, factor, turn)
    assert repaired > 10
