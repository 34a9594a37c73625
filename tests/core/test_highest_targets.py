"""The highest targets of a restore: they hold when they are used, and do not depend on what was asked before."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from core.manifests import collect_evidence
from core.restore import HighestTargets, RestoreOptions, RestorePreview, highest_targets, plan_restore
from core.restore.stock_side import ask_stock
from core.snapshot import Snapshot
from core.stock import load_error
from tests.core.test_restore_plan import handles_of, random_store
from tests.support.data import stock_vectors
from tests.support.recoverable_stores import look, random_recoverable
from tests.support.soaking import sampled
from tests.support.stores import epoch, numbered, snapshot_of, state, txn


def stock_lands(snapshot: Snapshot, options: RestoreOptions, target: int) -> bool:
    """Whether stock, asked for `target`, restores exactly to it."""
    answer = ask_stock(snapshot, replace(options, target_version=target))
    return answer.ok and answer.lands_at == target


def chain_lands(preview: RestorePreview, target: int) -> bool:
    """Whether the chain's restore goes exactly to `target`, from a snapshot that is old enough."""
    best = preview.best
    if best is None or best.lands_at != target:
        return False
    return preview.options.ledger_history_start is None or best.kv_snapshot is not None


def highest_of(snapshot: Snapshot, options: RestoreOptions) -> HighestTargets:
    return highest_targets(plan_restore(snapshot, replace(options, target_version=None)))


def random_wish(seed: int, snapshot: Snapshot) -> RestoreOptions:
    dice = random.Random(seed)
    broken = frozenset(handle for handle in sorted(handles_of(snapshot)) if dice.random() < 0.1)
    return RestoreOptions(
        ledger_history_start=dice.choice([None, dice.randrange(45), dice.randrange(45)]),
        broken=broken if dice.random() < 0.4 else frozenset(),
    )


@pytest.mark.parametrize("block", sampled(range(6)))
def test_stock_restores_exactly_to_its_highest_target_and_to_none_above_it(block: int) -> None:
    with_history = 0
    for seed in range(100 * block, 100 * block + 100):
        snapshot = random_store(seed)
        options = random_wish(seed, snapshot)
        works = [target for target in range(46) if stock_lands(snapshot, options, target)]
        highest = highest_of(snapshot, options).stock
        assert highest == max(works, default=None), (seed, options)
        with_history += options.ledger_history_start is not None and highest is not None
    assert with_history > 5


@pytest.mark.parametrize("block", sampled(range(24), 4))
def test_the_chain_goes_exactly_to_its_highest_target_and_to_none_above_it(block: int) -> None:
    with_history = 0
    for seed in range(25 * block, 25 * block + 25):
        snapshot = random_store(seed)
        options = replace(random_wish(seed, snapshot), broken=frozenset())
        previews = {target: plan_restore(snapshot, replace(options, target_version=target)) for target in range(46)}
        works = [target for target, preview in previews.items() if chain_lands(preview, target)]
        highest = highest_of(snapshot, options).chain
        assert highest == max(works, default=None), (seed, options)
        with_history += options.ledger_history_start is not None and highest is not None
    assert with_history > 2


def test_on_every_store_of_the_vectors_the_highest_targets_hold() -> None:
    held = 0
    for case in stock_vectors("selection"):
        snapshot = snapshot_of(case["metadata"])
        if load_error(snapshot) is not None:
            continue
        queries = [query for query in case["queries"] if query["call"] == "restore_plan"]
        for history in {query.get("ledger_history_start_version") for query in queries} | {None}:
            options = RestoreOptions(ledger_history_start=history)
            highest = highest_of(snapshot, options)
            asked = {query["target_version"] for query in queries if query["target_version"] is not None}
            above = {target for target in asked if highest.stock is None or target > highest.stock}
            assert not any(stock_lands(snapshot, options, target) for target in above), case["name"]
            if highest.stock is not None:
                held += 1
                assert stock_lands(snapshot, options, highest.stock), case["name"]
            if highest.chain is not None:
                preview = plan_restore(snapshot, replace(options, target_version=highest.chain))
                assert chain_lands(preview, highest.chain), case["name"]
                assert highest.best == highest.chain, case["name"]
    assert held > 50


@pytest.mark.parametrize("block", sampled(range(20), 4))
def test_a_store_with_lost_chunks_and_retired_lines_has_one_highest_target_whatever_is_asked(block: int) -> None:
    reached = 0
    for seed in range(5 * block, 5 * block + 5):
        engine, snapshot = look(random_recoverable(seed))
        evidence = collect_evidence(engine.reader, snapshot, 3)
        dice = random.Random(seed)
        options = RestoreOptions(ledger_history_start=dice.choice([None, dice.randrange(30)]))
        everything = engine.plan_recovery(snapshot, options, evidence=evidence)
        highest = highest_targets(everything.preview)
        works = []
        for target in range(31):
            asked = replace(options, target_version=target)
            recovery, whole = engine.plan_target(snapshot, asked, evidence=evidence)
            assert highest_targets(whole.preview) == highest, (seed, target)
            works += [target] if chain_lands(recovery.preview, target) else []
        assert highest.chain == max(works, default=None), (seed, options)
        reached += highest.chain is not None
    assert reached > 2


def test_with_a_history_that_no_snapshot_reaches_back_to_no_target_is_offered() -> None:
    snapshot = snapshot_of(
        numbered(epoch(0, 0, 0, 0), epoch(1, 1, 50, 50), txn(0, 49), txn(50, 99), state(1, 50), state(2, 80))
    )
    assert highest_of(snapshot, RestoreOptions()) == HighestTargets(99, 99)
    assert highest_of(snapshot, RestoreOptions(ledger_history_start=10)) == HighestTargets(None, None)
    assert highest_of(snapshot, RestoreOptions(ledger_history_start=60)) == HighestTargets(99, 99)


def test_the_highest_targets_are_not_read_off_a_preview_with_a_target() -> None:
    snapshot = snapshot_of(numbered(epoch(0, 0, 0, 0), txn(0, 49), state(0, 0)))
    with pytest.raises(ValueError, match="of everything"):
        highest_targets(plan_restore(snapshot, RestoreOptions(10)))
