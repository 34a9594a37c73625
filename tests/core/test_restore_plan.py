"""The restore preview: stock's answer beside a restore that stock itself accepts once it sees nothing but the chain."""

from __future__ import annotations

import random
import shlex
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from core.chain import GapKind, SkipReason
from core.ground import bare_ground
from core.index import Index
from core.manifests import Evidence, ManifestFacts, ManifestProblem, ManifestStatus
from core.model import U64_MAX, LaneKind, Record
from core.restore import (
    Needs,
    RestoreOptions,
    RestorePreview,
    StepKind,
    StepStatus,
    gap_commands,
    plan_restore,
    preview_sentences,
    verdict,
    verdict_sentence,
)
from core.restore.snapshots import furthest
from core.restore.stock_side import ask_stock
from core.restore.verdict import judge
from core.snapshot import Snapshot
from core.stock import StockFailure, greatest_working_target, load_error, restore_plan
from tests.support.data import stock_vectors
from tests.support.soaking import sampled
from tests.support.stores import base_store, epoch, lines, numbered, snapshot_of, state, txn

CASES = stock_vectors("selection")
EMPTY_HISTORY = "state snapshot restore failed: Empty epoch history."


def store(*records: Record) -> Snapshot:
    return snapshot_of(numbered(*records))


@cache
def random_store(seed: int) -> Snapshot:
    """A small store with every kind of trouble: overlaps, gaps, doubles, snapshots anywhere, epochs that stop."""
    dice = random.Random(seed)
    top = dice.randrange(4, 40)
    marks = sorted({0, *(dice.randrange(top) for _ in range(dice.randrange(1, 9)))})
    records: list[Record] = []
    for first, end in pairwise([*marks, top]):
        if dice.random() < 0.9:
            records.append(txn(first, end - 1, f"a{first}"))
        if dice.random() < 0.2:
            records.append(txn(first, end - 1, f"b{first}"))
        if dice.random() < 0.2:
            records.append(txn(dice.choice(marks), dice.randrange(top), f"c{dice.randrange(4)}"))
    if dice.random() < 0.1:
        records.append(txn(top, U64_MAX))
    versions = sorted(dice.sample(range(top), k=min(top, dice.randrange(5))))
    for number, version in enumerate(versions):
        if dice.random() < 0.85:
            records.append(epoch(number, number, version, version, f"e{number}"))
        if dice.random() < 0.2:
            records.append(epoch(number, number, version, version, f"f{number}"))
        if dice.random() < 0.8:
            records.append(state(number, version, f"s{number}"))
        if dice.random() < 0.2:
            records.append(state(number, version, f"t{number}"))
    if dice.random() < 0.3:
        records.append(state(dice.randrange(4), dice.randrange(top), "odd"))
    dice.shuffle(records)
    return store(*records)


def handles_of(snapshot: Snapshot) -> list[str]:
    return [lane.manifest(row) for lane in snapshot.index.lanes.values() for row in range(len(lane))]


def random_options(seed: int, snapshot: Snapshot) -> RestoreOptions:
    dice = random.Random(-seed)
    handles = sorted(set(handles_of(snapshot)))

    def some(chance: float) -> frozenset[str]:
        return frozenset(handle for handle in handles if dice.random() < chance)

    return RestoreOptions(
        target_version=dice.choice([None, dice.randrange(45), U64_MAX]),
        ledger_history_start=dice.choice([None, None, dice.randrange(45)]),
        pins=some(0.1) if dice.random() < 0.3 else frozenset(),
        vetoes=some(0.1) if dice.random() < 0.3 else frozenset(),
        broken=some(0.2) if dice.random() < 0.4 else frozenset(),
        unverified=some(0.2) if dice.random() < 0.3 else frozenset(),
    )


def overlay_of(preview: RestorePreview) -> Snapshot:
    """A store that holds the chains and the chosen snapshots and nothing else, as an overlay would show it to stock."""
    best = preview.best
    assert best is not None
    snapshots = {best.tree_snapshot, best.tree_snapshot if best.kv_snapshot is None else best.kv_snapshot}
    rows = {
        LaneKind.TRANSACTIONS: preview.transactions.rows.tolist(),
        LaneKind.EPOCH_ENDINGS: preview.epoch_endings.rows.tolist(),
        LaneKind.STATE_SNAPSHOTS: sorted(snapshots),
    }
    return store(*(preview.snapshot.index.lanes[kind].record(row) for kind, chosen in rows.items() for row in chosen))


def records_at(index: Index, kind: LaneKind, rows: object) -> list[Record]:
    return [index.lanes[kind].record(int(row)) for row in np.atleast_1d(rows)]  # type: ignore[arg-type]


# What stock accepts ---------------------------------------------------------------------------------------------------


def assert_stock_restores_the_overlay(preview: RestorePreview) -> None:
    """Unpatched stock, shown the overlay, plans exactly the restore that the preview promises."""
    best, options = preview.best, preview.options
    assert best is not None
    view = overlay_of(preview).index
    history = None if best.kv_snapshot is None else options.ledger_history_start
    plan = restore_plan(view, best.lands_at, history)
    assert plan.lands_at == best.lands_at
    here = preview.snapshot.index
    pairs = (
        (LaneKind.STATE_SNAPSHOTS, plan.tree_snapshot, best.tree_snapshot),
        (LaneKind.TRANSACTIONS, plan.transactions, best.transactions),
        (LaneKind.EPOCH_ENDINGS, plan.epoch_endings, best.epoch_endings),
    )
    for kind, theirs, mine in pairs:
        assert records_at(view, kind, theirs) == records_at(here, kind, mine)
    if best.kv_snapshot is not None:
        assert plan.kv_snapshot is not None
        assert records_at(view, LaneKind.STATE_SNAPSHOTS, plan.kv_snapshot) == records_at(
            here, LaneKind.STATE_SNAPSHOTS, best.kv_snapshot
        )
    assert len(plan.epoch_endings)


@pytest.mark.parametrize("block", sampled(range(8)))
def test_stock_shown_nothing_but_the_chain_restores_what_the_preview_promises(block: int) -> None:
    restored = 0
    for seed in range(100 * block, 100 * block + 100):
        snapshot = random_store(seed)
        preview = plan_restore(snapshot, random_options(seed, snapshot))
        if preview.best is not None:
            restored += 1
            assert_stock_restores_the_overlay(preview)
            assert preview.goal is not None
            assert preview.best.lands_at <= preview.goal
    assert restored > 30


def test_stock_restores_the_chain_of_every_store_of_the_vectors() -> None:
    restored = 0
    for case in CASES:
        snapshot = snapshot_of(case["metadata"])
        if load_error(snapshot) is not None:
            continue
        targets = {query["target_version"] for query in case["queries"] if query["call"] == "restore_plan"}
        for target in (None, *sorted(targets)):
            preview = plan_restore(snapshot, RestoreOptions(target))
            if preview.best is not None:
                restored += 1
                assert_stock_restores_the_overlay(preview)
    assert restored > 100


def test_no_restore_reads_a_broken_or_vetoed_manifest_or_one_snapshot_too_new() -> None:
    seen = 0
    for seed in sampled(range(600)):
        snapshot = random_store(seed)
        options = random_options(seed, snapshot)
        best = plan_restore(snapshot, options).best
        if best is None or not (options.broken or options.vetoes):
            continue
        lanes = snapshot.index
        read = {lanes.transactions.manifest(int(row)) for row in best.transactions}
        read |= {lanes.epoch_endings.manifest(int(row)) for row in best.epoch_endings}
        read |= {lanes.state_snapshots.manifest(row) for row in {best.tree_snapshot, best.kv_snapshot} - {None}}
        assert not read & options.vetoes, seed
        pinned_snapshots = options.pins & {lanes.state_snapshots.manifest(best.tree_snapshot)}
        pinned_snapshots |= options.pins & {lanes.state_snapshots.manifest(row) for row in {best.kv_snapshot} - {None}}
        assert not (read & options.broken) - pinned_snapshots, seed
        seen += 1
    assert seen > 25


def test_the_best_restore_reaches_as_far_as_anything_can() -> None:
    for seed in sampled(range(600)):
        snapshot = random_store(seed)
        preview = plan_restore(snapshot)
        index = snapshot.index
        fitting = [
            target
            for target in range(-1 if preview.transactions.reaches is None else preview.transactions.reaches + 1)
            if any(version <= target for version in index.state_snapshots.first.tolist())
            and any(index.epoch_endings.first_version[row] <= target for row in preview.epoch_endings.rows[:1])
            and not _lacks_epochs(preview, target)
        ]
        landed = None if preview.best is None else preview.best.lands_at
        assert landed == max(fitting, default=None), seed


def _lacks_epochs(preview: RestorePreview, target: int) -> bool:
    """Whether epoch endings that stock would count in for the target lie behind the end of the epoch chain."""
    lane, chain = preview.epoch_endings.lane, preview.epoch_endings
    assert chain.reaches is not None
    known = int(lane.last_version[chain.rows[-1]])
    return any(
        int(lane.last[row]) > chain.reaches and max(known + 1, int(lane.first_version[row])) <= target
        for row in range(len(lane))
        if int(lane.last_version[row]) > known
    )


# How far stock gets ---------------------------------------------------------------------------------------------------


def stock_lands(index: Index, target: int) -> int | str | None:
    """Where stock lands with this target, or what it says."""
    try:
        plan = restore_plan(index, target)
    except StockFailure as failure:
        return failure.message
    return plan.lands_at if len(plan.epoch_endings) else EMPTY_HISTORY


def test_the_verdict_names_the_greatest_version_that_stock_lands_on_and_the_target_from_which_it_fails() -> None:
    failing = silent = 0
    for seed in range(600):
        index = (snapshot := random_store(seed)).index
        judged = verdict(snapshot)
        answers = {target: stock_lands(index, target) for target in range(42)}
        landing = [target for target, answer in answers.items() if answer == target]
        assert judged.stock_restorable_to == max(landing, default=None), seed
        if judged.stock_fails_from is None:
            assert not any(isinstance(answer, str) for target, answer in answers.items() if target >= max(landing))
            silent += not judged.stock_restores_latest
        elif judged.stock_restorable_to is not None:
            failing += 1
            assert answers[judged.stock_fails_from] == judged.stock_first_error, seed
            below = range(judged.stock_restorable_to + 1, judged.stock_fails_from)
            assert not any(isinstance(answers[target], str) for target in below), seed
    assert failing > 100
    assert silent


def test_the_verdict_has_the_error_that_the_real_tool_gave_for_everything_there_is() -> None:
    failed = 0
    for case in CASES:
        snapshot = snapshot_of(case["metadata"])
        newest = snapshot.index.transactions.last[-1:].tolist() or [0]
        everything = (
            query
            for query in case["queries"]
            if query["call"] == "restore_plan"
            and query["target_version"] >= newest[0]
            and "ledger_history_start_version" not in query
        )
        for query in everything:
            judged = verdict(snapshot)
            # An empty history is noticed only by a restore, which the vectors do not hold.
            assert judged.stock_error == query.get("err") or judged.stock_error == EMPTY_HISTORY, case["name"]
            failed += "err" in query
    assert failed > 50


def test_the_verdict_has_stocks_answer_to_a_full_restore_whatever_is_broken() -> None:
    several = 0
    for seed in range(600):
        snapshot, dice = random_store(seed), random.Random(seed)
        broken = frozenset(handle for handle in handles_of(snapshot) if dice.random() < 0.1)
        for judged, options in (
            (verdict(snapshot), RestoreOptions()),
            (judge(snapshot, broken, bare_ground(snapshot.index)), RestoreOptions(broken=broken)),
        ):
            assert judged.stock_error == ask_stock(snapshot, options).error, seed
            assert (judged.stock_fails_from is None) == (judged.stock_first_error is None), seed
            assert judged.stock_error is None or judged.stock_fails_from is not None, seed
            several += judged.stock_error != judged.stock_first_error
            if judged.works_with_target is not None:
                assert ask_stock(snapshot, replace(options, target_version=judged.works_with_target)).ok, seed
    assert several > 50


def test_with_evidence_stock_reaches_the_greatest_target_that_reads_no_broken_manifest() -> None:
    lowered = 0
    for seed in sampled(range(600)):
        snapshot = random_store(seed)
        dice = random.Random(seed)
        broken = frozenset(handle for handle in handles_of(snapshot) if dice.random() < 0.15)
        index = snapshot.index
        sound = [target for target in range(42) if _reads_only_sound(index, target, broken)]
        ground = bare_ground(index)
        judged = judge(snapshot, broken, ground)
        assert judged.stock_restorable_to == max(sound, default=None), seed
        lowered += judged.stock_restorable_to != judge(snapshot, frozenset(), ground).stock_restorable_to
    assert lowered > 20


def _reads_only_sound(index: Index, target: int, broken: frozenset[str]) -> bool:
    try:
        plan = restore_plan(index, target)
    except StockFailure:
        return False
    snapshots = {plan.tree_snapshot, plan.kv_snapshot} - {None}
    read = {index.transactions.manifest(int(row)) for row in plan.transactions}
    read |= {index.epoch_endings.manifest(int(row)) for row in plan.epoch_endings}
    read |= {index.state_snapshots.manifest(row) for row in snapshots if row is not None}
    return plan.lands_at == target and bool(len(plan.epoch_endings)) and not read & broken


def test_the_furthest_target_is_the_greatest_of_all_that_are_tried() -> None:
    dice = random.Random(3)
    for _ in range(3_000):
        version = np.array([dice.randrange(20) for _ in range(dice.randrange(4))], dtype=np.uint64)
        until = np.array([dice.choice([dice.randrange(25), U64_MAX]) for _ in version], dtype=np.uint64)
        edges = sorted(dice.sample(range(24), k=2 * dice.randrange(3)))
        broken = list(zip(edges[::2], edges[1::2], strict=True))
        first, last = (np.array([each[side] for each in broken], dtype=np.uint64) for side in (0, 1))
        limit = dice.randrange(25)
        tried = [
            target
            for target in range(limit + 1)
            for start, end in zip(version.tolist(), until.tolist(), strict=True)
            if start <= target < end and not any(a <= target and b >= start for a, b in broken)
        ]
        assert furthest(limit, version, until, first, last) == max(tried, default=None)


# The classic case -----------------------------------------------------------------------------------------------------


def classic(*more: Record) -> Snapshot:
    return store(
        *(epoch(0, 0, 0, 0), state(0, 0), txn(0, 999, "A"), txn(0, 999, "B"), txn(1000, 1999, "C")),
        *more,
    )


def test_two_manifests_for_one_range_stop_stock_and_an_overlay_restores_everything() -> None:
    preview = plan_restore(classic())
    words = "Transaction backup ranges not continuous, expecting version 1000, got 0."
    assert preview.stock.error == words
    assert not preview.stock.ok
    assert preview.needs is Needs.OVERLAY
    assert preview.best is not None
    assert preview.best.lands_at == preview.goal == 1999
    assert preview.complete
    assert preview.gaps == ()
    left_out = preview.left_out[LaneKind.TRANSACTIONS]
    assert [left_out.lane.manifest(int(row)) for row in left_out.rows()] == ["B"]
    assert verdict_sentence(preview.verdict) == (
        f'Stock restores nothing, latest 1,999. It fails from 0 on: "{words}" With an overlay, up to 1,999.'
    )


def test_a_pin_and_a_veto_choose_the_other_manifest() -> None:
    for options in (RestoreOptions(pins=frozenset({"B"})), RestoreOptions(vetoes=frozenset({"A"}))):
        preview = plan_restore(classic(), options)
        assert preview.best is not None
        read = [preview.transactions.lane.manifest(int(row)) for row in preview.best.transactions]
        assert read == ["B", "C"]


def test_a_clean_store_needs_nothing() -> None:
    preview = plan_restore(snapshot_of(base_store()))
    assert preview.stock.ok
    assert preview.stock.lands_at == preview.goal == 200
    assert preview.needs is Needs.NOTHING
    assert preview.verdict.stock_restores_latest
    assert preview.verdict.best_needs is Needs.NOTHING
    assert preview.notes == ()
    assert [note.kind for note in preview.notes] == []


# A conflict passed over -----------------------------------------------------------------------------------------------

MILLION = 1_000_000


def sketch() -> Snapshot:
    """A and B overlap at 1,185,000,000 and then versions are missing."""
    whole = [*range(0, 1150 * MILLION, 50 * MILLION)]
    older = [txn(first, first + 50 * MILLION - 1) for first in whole]
    tens = [txn(first * MILLION, (first + 10) * MILLION - 1) for first in (1150, 1160, 1170, 1204, 1214)]
    conflict = [txn(1180 * MILLION, 1190 * MILLION - 1, "A"), txn(1185 * MILLION, 1195 * MILLION - 1, "B")]
    versions = [0, 1152 * MILLION, 1166_800_000, 1181 * MILLION, 1196_200_000, 1208_400_000, 1222 * MILLION]
    epochs = [epoch(number, number, version, version) for number, version in enumerate(versions)]
    snapshots = [state(number, version) for number, version in enumerate(versions)]
    return store(*older, *tens, *conflict, *epochs, *snapshots)


def test_the_sketched_restore_names_the_stop_the_highest_target_and_what_would_let_it_through() -> None:
    options = RestoreOptions(1_214_000_000, 1_155_000_000)
    preview = plan_restore(sketch(), options)
    stock = preview.stock
    assert stock.error == "Transaction backup ranges not continuous, expecting version 1190000000, got 1185000000."
    assert stock.stops_lane is LaneKind.TRANSACTIONS
    assert stock.stops_row is not None
    assert preview.transactions.lane.manifest(stock.stops_row) == "B"
    assert preview.verdict.stock_restorable_to == 1_184_999_999
    assert preview.verdict.stock_fails_from == 1_185_000_000
    out = {
        preview.transactions.lane.manifest(way.out_row): [(gap.first, gap.last) for gap in way.gaps]
        for way in preview.ways_through
    }
    assert out == {
        "B": [(1_190_000_000, 1_203_999_999)],
        "A": [(1_180_000_000, 1_184_999_999), (1_195_000_000, 1_203_999_999)],
    }
    assert preview.needs is Needs.BACKUP


def test_the_sketched_steps_stand_in_stocks_order_with_the_stop_among_them() -> None:
    stock = plan_restore(sketch(), RestoreOptions(1_214_000_000, 1_155_000_000)).stock
    steps = [(step.mark, step.kind, step.first, step.last, step.manifests, step.status) for step in stock.steps]
    assert steps == [
        ("", StepKind.EPOCH_ENDINGS, 0, 5, 6, StepStatus.OK),
        ("K", StepKind.KV_SNAPSHOT, 1152 * MILLION, 1152 * MILLION, 1, StepStatus.OK),
        ("", StepKind.SAVED, 1150 * MILLION, 1152 * MILLION, 1, StepStatus.OK),
        ("", StepKind.APPLIED, 1152 * MILLION + 1, 1208_400_000, 4, StepStatus.STOPS),
        ("T", StepKind.TREE_SNAPSHOT, 1208_400_000, 1208_400_000, 1, StepStatus.NOT_REACHED),
        ("", StepKind.REPLAYED, 1208_400_001, 1214 * MILLION, 0, StepStatus.NOT_REACHED),
    ]


def test_without_history_there_is_one_snapshot_and_nothing_to_apply() -> None:
    best = plan_restore(sketch(), RestoreOptions(1_170_000_005)).best
    assert best is not None
    steps = [(step.kind, step.first, step.last, step.manifests) for step in best.steps]
    assert steps == [
        (StepKind.EPOCH_ENDINGS, 0, 2, 3),
        (StepKind.WHOLE_SNAPSHOT, 1_166_800_000, 1_166_800_000, 1),
        (StepKind.SAVED, 1_160_000_000, 1_166_800_000, 1),
        (StepKind.REPLAYED, 1_166_800_001, 1_170_000_005, 2),
    ]
    assert best.manifests == 3 + 1 + 2


def test_what_is_skipped_is_told_in_runs_with_one_reason_each() -> None:
    preview = plan_restore(sketch(), RestoreOptions(1_214_000_000, 1_155_000_000))
    runs = preview.left_out[LaneKind.TRANSACTIONS].runs()
    told = [(runs[number].first, runs[number].count, runs[number].why) for number in range(len(runs))]
    assert told == [
        (0, 23, "part of the chain, below what this restore reads"),
        (
            1_185_000_000,
            1,
            "starts inside the chosen 1,180,000,000 - 1,189,999,999; expected 1,190,000,000, got 1,185,000,000; "
            "no way leads to where it begins",
        ),
        (1_204_000_000, 2, "not reached: the chain ends at version 1,189,999,999"),
    ]
    epochs = preview.left_out[LaneKind.EPOCH_ENDINGS].runs()
    assert [epochs[number].why for number in range(len(epochs))] == ["first version 1,196,200,000 above 1,189,999,999"]
    assert {reason for _, _, reason in preview.skipped()} >= {"above 1,189,999,999", "neither K nor T"}


# Gaps -----------------------------------------------------------------------------------------------------------------


def with_gap(*more: Record) -> Snapshot:
    return store(epoch(0, 0, 0, 0), state(0, 0), txn(0, 99), txn(200, 299), *more)


def test_a_gap_is_named_with_its_command_and_the_version_below_it_is_what_can_be_had() -> None:
    preview = plan_restore(with_gap())
    assert preview.needs is Needs.BACKUP
    assert preview.best is not None
    assert (preview.best.lands_at, preview.goal) == (99, 299)
    assert [(gap.first, gap.last, gap.kind) for gap in preview.gaps] == [(100, 199, GapKind.GAP)]
    (command,) = gap_commands(preview)
    assert command.endswith("--start-version 100 --num_transactions 100 --local-fs-dir memory")
    assert preview_sentences(preview) == (
        'Stock stops before it restores anything: "Transaction backup ranges not continuous, expecting version 100, '
        'got 200."',
        "The chain lands at 99, not at 299; 100 versions have to be backed up again.",
        'Stock restores up to 99, latest 299. It fails from 200 on: "Transaction backup ranges not continuous, '
        'expecting version 100, got 200." What lies above 99 has to be backed up again.',
    )


def test_a_command_is_safe_to_paste_whatever_the_store_is_called() -> None:
    preview = plan_restore(replace(with_gap(), location="/b; rm -rf $HOME 'x'"))
    (command,) = gap_commands(preview)
    assert shlex.split(command)[-2:] == ["--local-fs-dir", "/b; rm -rf $HOME 'x'"]


def test_a_target_in_a_gap_ends_lower_without_an_error_and_the_three_numbers_say_so() -> None:
    preview = plan_restore(with_gap(), RestoreOptions(150))
    assert preview.stock.error is None
    assert (preview.requested, preview.stock.target, preview.stock.lands_at) == (150, 150, 99)
    assert preview.needs is Needs.BACKUP
    assert [note.kind for note in preview.notes] == ["gap-below-target"]
    assert [(gap.first, gap.last) for gap in preview.gaps] == [(100, 150)]


def test_a_target_above_everything_means_the_latest() -> None:
    preview = plan_restore(snapshot_of(base_store()), RestoreOptions(U64_MAX))
    assert (preview.requested, preview.goal, preview.stock.target) == (U64_MAX, 200, 200)
    assert preview.needs is Needs.NOTHING
    assert preview.gaps == ()


def test_a_gap_in_the_epochs_limits_the_restore_to_what_can_be_proved() -> None:
    records = [txn(0, 999), *(state(number, 100 * number) for number in range(6))]
    preview = plan_restore(store(*records, *(epoch(n, n, 100 * n, 100 * n) for n in (0, 1, 2, 4, 5))))
    assert preview.stock.error == "Epoch ending backup ranges not continuous, expecting epoch 3, got 4."
    assert preview.verdict.stock_restorable_to == 399
    assert preview.best is not None
    assert preview.best.lands_at == 399
    assert preview.needs is Needs.BACKUP
    assert [(gap.lane, gap.first, gap.last) for gap in preview.gaps] == [(LaneKind.EPOCH_ENDINGS, 3, 3)]
    assert "--start-epoch 3 --end-epoch 4 " in gap_commands(preview)[0]


def test_an_epoch_ending_far_off_that_lies_about_its_versions_does_not_limit_the_restore() -> None:
    preview = plan_restore(
        store(txn(0, 999), state(0, 0), epoch(0, 0, 0, 0), epoch(1, 1, 500, 500), epoch(99, 99, 3, 3))
    )
    assert preview.stock.error == "Epoch ending backup ranges not continuous, expecting epoch 2, got 99."
    assert preview.best is not None
    assert preview.best.lands_at == 999
    assert preview.needs is Needs.OVERLAY


# Notes ----------------------------------------------------------------------------------------------------------------


def kinds(preview: RestorePreview) -> set[str]:
    return {note.kind for note in preview.notes}


def test_without_a_snapshot_at_or_below_the_target_the_lowest_target_that_works_is_named() -> None:
    snapshot = store(epoch(0, 0, 0, 0), state(1, 50), txn(0, 99))
    preview = plan_restore(snapshot, RestoreOptions(40))
    assert preview.stock.error == "Cannot find tree snapshot before target version"
    assert preview.stock.panic
    assert preview.best is None
    assert [note.text for note in preview.notes] == [
        "No usable state snapshot at or below 40; the lowest target that works is 50."
    ]
    assert plan_restore(store(epoch(0, 0, 0, 0), txn(0, 99))).notes[0].kind == "snapshot-none"


def test_history_from_below_the_oldest_snapshot_fails_late_and_the_least_start_is_named() -> None:
    snapshot = store(
        epoch(0, 0, 0, 0), epoch(1, 1, 50, 50), epoch(2, 2, 80, 80), state(1, 50), state(2, 80), txn(0, 99)
    )
    preview = plan_restore(snapshot, RestoreOptions(None, 20))
    assert preview.stock.late
    assert not preview.stock.ok
    assert preview.stock.error == "VersionData at … is missing"
    (note,) = preview.notes
    assert note.kind == "snapshot-none-for-history"
    assert "works is 50" in note.text
    assert preview.needs is Needs.BACKUP
    assert plan_restore(snapshot, RestoreOptions(None, 50)).needs is Needs.NOTHING


def test_without_epoch_endings_nothing_can_be_restored_and_it_is_said_before_any_download() -> None:
    preview = plan_restore(store(state(0, 0), txn(0, 99)))
    assert preview.stock.error == EMPTY_HISTORY
    assert preview.stock.late
    assert preview.best is None
    assert kinds(preview) == {"epoch-history-empty"}
    assert preview.verdict.stock_restorable_to is None
    assert preview.verdict.stock_error == EMPTY_HISTORY


def test_an_epoch_chain_without_its_beginning_proves_nothing() -> None:
    preview = plan_restore(store(epoch(1, 1, 10, 10), state(1, 10), txn(0, 99)))
    assert preview.best is None
    assert kinds(preview) == {"epoch-history-empty"}
    assert [(gap.first, gap.last) for gap in preview.gaps] == [(0, 0)]


def test_a_snapshot_of_an_epoch_that_has_no_ending_is_unverified() -> None:
    preview = plan_restore(store(epoch(0, 0, 0, 0), state(3, 90), txn(0, 99)))
    assert kinds(preview) == {"epoch-history-lag"}


def test_two_manifests_of_one_snapshot_are_said_and_stocks_choice_is_taken() -> None:
    preview = plan_restore(store(epoch(0, 0, 0, 0), state(0, 0, "a"), state(0, 0, "b"), txn(0, 99)))
    assert kinds(preview) == {"snapshot-conflict"}
    assert preview.best is not None
    assert preview.best.tree_snapshot == preview.stock.tree_snapshot
    left_out = preview.left_out[LaneKind.STATE_SNAPSHOTS]
    assert [SkipReason(int(left_out.reason[row])) for row in left_out.rows()] == [SkipReason.SAME_RANGE]


def test_a_snapshot_with_a_wrong_epoch_misleads_stock_but_not_the_chain() -> None:
    preview = plan_restore(store(epoch(0, 0, 0, 0), epoch(1, 1, 50, 50), state(9, 10), state(1, 50), txn(0, 99)))
    assert "snapshot-epoch-order" in kinds(preview)
    assert preview.best is not None
    versions = preview.snapshot.index.state_snapshots.first
    assert versions[preview.best.tree_snapshot] == 50
    assert preview.stock.tree_snapshot is not None
    assert versions[preview.stock.tree_snapshot] == 10


def test_a_snapshot_above_the_transactions_is_said_to_be_of_no_use_yet() -> None:
    preview = plan_restore(store(epoch(0, 0, 0, 0), state(0, 0), state(0, 150), txn(0, 99)))
    assert kinds(preview) == {"snapshot-ahead-of-transactions"}
    assert preview.notes[0].text == (
        "The restore lands at 99; the snapshot at 150 can't be used until transactions reach it."
    )


def test_notes_come_worst_first() -> None:
    for seed in sampled(range(300)):
        ranks = [note.severity.rank for note in plan_restore(random_store(seed)).notes]
        assert ranks == sorted(ranks, reverse=True)


# Evidence -------------------------------------------------------------------------------------------------------------


def test_a_broken_snapshot_is_passed_over_for_an_older_one() -> None:
    snapshot = store(epoch(0, 0, 0, 0), state(0, 0, "old"), state(1, 50, "new"), txn(0, 99))
    preview = plan_restore(snapshot, RestoreOptions(broken=frozenset({"new"})))
    assert preview.best is not None
    assert snapshot.index.state_snapshots.manifest(preview.best.tree_snapshot) == "old"
    assert preview.stock.reads_broken == ("new",)
    assert preview.needs is Needs.OVERLAY


def lost(lane: LaneKind, *handles: str) -> Evidence:
    """What a look at manifests that are gone shows."""
    problems = {handle: (ManifestProblem("dangling-manifest", "gone", handle, "No such file"),) for handle in handles}
    return Evidence(
        2,
        {
            (lane, handle): ManifestFacts(
                lane, handle, 2, ManifestStatus.MISSING, problems=each, counts={"dangling-manifest": 1}
            )
            for handle, each in problems.items()
        },
    )


@pytest.mark.parametrize(
    ("lane", "broken", "error"),
    [
        (LaneKind.EPOCH_ENDINGS, "e1", "epoch history restore failed: epoch ending restore failed: Preheat failed: "),
        (LaneKind.STATE_SNAPSHOTS, "s", "state snapshot restore failed: "),
        (LaneKind.TRANSACTIONS, "t0", "transaction restore failed: Error: "),
        (LaneKind.TRANSACTIONS, "t50", "transaction restore failed: "),
    ],
)
def test_of_a_lost_manifest_stock_says_which_step_failed(lane: LaneKind, broken: str, error: str) -> None:
    entries = (txn(0, 49, "t0"), txn(50, 99, "t50"))
    snapshot = store(epoch(0, 0, 0, 0, "e0"), epoch(1, 1, 9, 9, "e1"), state(0, 0, "s"), *entries)
    answer = ask_stock(snapshot, RestoreOptions(broken=frozenset({broken})), lost(lane, broken))
    assert (answer.error, answer.ok, answer.late, answer.panic) == (f"{error}No such file", False, True, False)
    assert answer.lands_at is None


def test_of_several_lost_manifests_the_first_that_is_read_stops_stock() -> None:
    snapshot = store(epoch(0, 0, 0, 0, "e"), state(0, 0, "old"), state(1, 50, "new"), txn(0, 49, "t"), txn(50, 99))
    history = RestoreOptions(None, 0, broken=frozenset({"new", "t"}))
    evidence = Evidence(
        2,
        {**lost(LaneKind.STATE_SNAPSHOTS, "new").manifests, **lost(LaneKind.TRANSACTIONS, "t").manifests},
    )
    saved_first = ask_stock(snapshot, history, evidence)
    assert saved_first.error == "transaction restore failed: Error: No such file"
    without_history = ask_stock(snapshot, replace(history, ledger_history_start=None), evidence)
    assert without_history.error == "state snapshot restore failed: No such file"


def test_an_older_snapshot_is_taken_when_the_newer_one_could_not_be_verified() -> None:
    snapshot = store(epoch(0, 0, 0, 0), state(0, 0, "old"), state(1, 50, "new"), txn(0, 99))
    best = plan_restore(snapshot, RestoreOptions(unverified=frozenset({"new"}))).best
    assert best is not None
    assert snapshot.index.state_snapshots.manifest(best.tree_snapshot) == "old"


def test_a_broken_manifest_without_a_substitute_ends_the_restore_before_it() -> None:
    snapshot = store(epoch(0, 0, 0, 0), state(0, 0), txn(0, 49), txn(50, 99, "bad"), txn(100, 149))
    preview = plan_restore(snapshot, RestoreOptions(broken=frozenset({"bad"})))
    assert preview.best is not None
    assert preview.best.lands_at == 49
    assert preview.needs is Needs.BACKUP
    assert kinds(preview) == {"broken-manifest"}
    assert preview.verdict.stock_restorable_to == 49
    assert preview.verdict.stock_fails_from == 50


def test_a_broken_manifest_below_the_snapshot_is_never_read() -> None:
    snapshot = store(
        *(epoch(0, 0, 0, 0), epoch(1, 1, 100, 100), state(0, 0), state(1, 100)),
        *(txn(0, 49), txn(50, 99, "bad"), txn(100, 149)),
    )
    preview = plan_restore(snapshot, RestoreOptions(broken=frozenset({"bad"})))
    assert preview.best is not None
    assert preview.best.lands_at == 149
    assert preview.needs is Needs.NOTHING
    assert plan_restore(snapshot, RestoreOptions(None, 0, broken=frozenset({"bad"}))).needs is Needs.BACKUP


# Stores that stock can't even load ------------------------------------------------------------------------------------


def test_a_line_that_does_not_parse_stops_stock_and_the_chain_works_all_the_same() -> None:
    snapshot = snapshot_of(base_store() | {"torn.meta": b'{"TransactionBackup":{"first_ver'})
    preview = plan_restore(snapshot)
    assert preview.stock.error is not None
    assert preview.stock.steps == ()
    assert preview.needs is Needs.OVERLAY
    assert preview.best is not None
    assert preview.best.lands_at == 200
    assert (preview.verdict.stock_fails_from, preview.verdict.stock_restorable_to) == (0, None)


def test_an_empty_store_says_what_stock_says() -> None:
    preview = plan_restore(snapshot_of({}))
    assert preview.stock.error == "No transaction backup found."
    assert preview.goal is None
    assert preview.best is None
    assert preview.needs is Needs.BACKUP
    assert preview.verdict.latest is None
    assert not preview.verdict.stock_restores_latest
    assert preview_sentences(preview)[1:] == (
        "There are no transactions.",
        "Nothing to restore: No transaction backup found.",
    )


def test_an_entry_at_the_last_version_panics_stock_and_is_left_out() -> None:
    preview = plan_restore(snapshot_of(base_store() | {"limit.meta": lines(txn(201, U64_MAX))}))
    assert preview.stock.panic
    assert preview.stock.error == "attempt to add with overflow"
    assert preview.stock.stops_row == 3
    assert preview.needs is Needs.OVERLAY
    assert preview.verdict.latest == 200
    assert preview.verdict.stock_restorable_to == 200
    assert preview.verdict.stock_restores_latest is False
    assert preview.verdict.works_with_target == 200
    assert preview.verdict.best_needs is Needs.OVERLAY


def test_an_inverted_entry_lowers_stocks_target_in_silence() -> None:
    preview = plan_restore(snapshot_of(base_store() | {"odd.meta": lines(txn(201, 150))}))
    assert preview.stock.error is None
    assert (preview.stock.target, preview.goal) == (150, 200)
    assert preview.needs is Needs.OVERLAY
    assert preview.verdict.stock_fails_from is None
    assert "left out without an error" in verdict_sentence(preview.verdict)


def test_plans_are_equal_for_equal_snapshots() -> None:
    for seed in range(100):
        one, other = (plan_restore(random_store.__wrapped__(seed)) for _ in range(2))
        assert list(_facts(one)) == list(_facts(other))


def _facts(preview: RestorePreview) -> Iterator[object]:
    yield from (preview.goal, preview.needs, preview.gaps, preview.notes, preview.verdict, preview.ways_through)
    yield from preview_sentences(preview)
    yield from preview.skipped()
    best = preview.best
    yield None if best is None else (best.lands_at, best.tree_snapshot, best.transactions.tolist())


def test_every_entry_is_either_read_or_left_out_with_words() -> None:
    for seed in sampled(range(500)):
        snapshot = random_store(seed)
        preview = plan_restore(snapshot, random_options(seed, snapshot))
        best = preview.best
        for kind, left_out in preview.left_out.items():
            read = set(range(len(left_out.lane))) - set(left_out.rows().tolist())
            runs = left_out.runs()
            counted = sum(runs[number].count for number in range(len(runs)))
            assert counted == len(left_out.rows()), seed
            assert all(runs[number].why for number in range(len(runs))), seed
            if best is not None:
                used = {
                    LaneKind.TRANSACTIONS: set(best.transactions.tolist()),
                    LaneKind.EPOCH_ENDINGS: set(best.epoch_endings.tolist()),
                    LaneKind.STATE_SNAPSHOTS: {best.tree_snapshot, best.kv_snapshot} - {None},
                }
                assert read == used[kind], seed


def test_the_verdict_agrees_with_the_model_of_stock_on_every_vector() -> None:
    for case in CASES:
        snapshot = snapshot_of(case["metadata"])
        if load_error(snapshot) is None and len(snapshot.index.epoch_endings):
            judged = verdict(snapshot)
            works = greatest_working_target(snapshot.index)
            assert judged.stock_restorable_to in (works, None), case["name"]
            if judged.stock_restorable_to is not None and judged.best_restorable_to is not None:
                assert judged.best_restorable_to >= judged.stock_restorable_to, case["name"]
