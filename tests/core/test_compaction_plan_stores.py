"""Compaction plans on random hostile stores: nothing visible changes, nothing is lost, and stock is never worse off."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from core.changes.lanes import lane_states
from core.changes.model import LaneState
from core.compaction import CompactionPlan, plan_compaction, preview_compaction
from core.findings.timestamps import EARLIEST_STAMP
from core.model import LaneKind
from core.stock import CompactionOptions, newest_timestamps, simulate_compaction
from tests.support import stock_model
from tests.support.compactions import carried_out
from tests.support.gzipped import assert_twins, is_zipped, said, unzipped, zipped
from tests.support.plans import DAY, Files, Store, plannable_stores, planned_outcome, timed_snapshot
from tests.support.soaking import SOAKED
from tests.support.stores import NOW, lines, snapshot_of

factors = st.tuples(*[st.sampled_from([1, 2, 3, 100])] * 3)
#: Random stores for each test; in a soak many more.
EXAMPLES = 1_000 if SOAKED else 60

graces = st.sampled_from([0, 5, DAY])
runs = st.lists(st.tuples(st.sampled_from([0, 1, 10, DAY, 2 * DAY]), factors, graces), min_size=1, max_size=4)


def plan_of(store: Store, factors: tuple[int, int, int], grace: int, now: int) -> CompactionPlan:
    epochs, transactions, snapshots = factors
    options = CompactionOptions(epochs, snapshots, transactions, grace)
    return plan_compaction(timed_snapshot(store.metadata, store.backup, store.written, now), options, now)


def in_form(store: Store, *, in_gzip: bool) -> Store:
    """The same store, in gzip if it is to be."""
    return Store(zipped(store.metadata), zipped(store.backup), store.written) if in_gzip else store


def selections(metadata: Files) -> list[object]:
    """What stock's own code chooses for many targets, through an adapter that inflates what is gzip."""
    view = stock_model.load(unzipped(metadata))
    chosen: list[object] = []
    for target in range(0, 30):
        for select in (stock_model.select_epochs, stock_model.select_snapshot):
            chosen.append(select(view, target))
        chosen.append(stock_model.select_transactions(view, 0, target))
    return chosen


def visible(metadata: Files) -> dict[LaneKind, LaneState]:
    return lane_states(snapshot_of(metadata).index)


def assert_recorded(store: Store, plan: CompactionPlan) -> None:
    """The new record is the one that counts, and names every older file with a time that has come, and none else."""
    assert plan.change_set is not None
    if plan.change_set.record is None:
        assert not plan.change_set.writes and not plan.change_set.retires
        return
    record = newest_timestamps(snapshot_of(store.metadata).index)
    assert record is not None
    name = plan.change_set.record.handle.removeprefix("metadata/")
    assert said(store.metadata[name]) == lines(record)
    listed = {f"metadata/{each}" for each in store.metadata.keys() - {"identity.meta", name}}
    unnamed = listed - record.compaction_timestamps.keys()
    assert record.compaction_timestamps.keys() <= listed
    assert unnamed >= {write.handle for write in plan.change_set.writes}
    assert all("_compacted_" in handle for handle in unnamed)
    for stamp in record.compaction_timestamps.values():
        assert stamp is not None
        assert EARLIEST_STAMP <= stamp <= plan.preview.run.now


def identities(metadata: Files) -> set[str]:
    return {record.id for record, _ in snapshot_of(metadata).index.identities}


def applied(store: Store, plan: CompactionPlan, now: int) -> Store:
    assert plan.change_set is not None
    metadata, backup = planned_outcome(plan.change_set, store.metadata, store.backup)
    return Store(metadata, backup, store.written | dict.fromkeys(metadata.keys() - store.metadata.keys(), now))


@settings(max_examples=EXAMPLES, deadline=None)
@given(plannable_stores(), runs, st.booleans())
def test_what_stock_selects_stays_over_many_runs(
    store: Store, runs: list[tuple[int, tuple[int, int, int], int]], in_gzip: bool
) -> None:
    now, store = NOW, in_form(store, in_gzip=in_gzip)
    before, chosen, known = visible(store.metadata), selections(store.metadata), identities(store.metadata)
    contents = store.backup | store.metadata
    for pause, factors, grace in runs:
        now += pause
        plan = plan_of(store, factors, grace, now)
        if plan.change_set is None:
            assert plan.refusal is not None
            continue
        assert plan.change_set.lanes == before
        for write in plan.change_set.all_writes:
            assert is_zipped([write.content]) == in_gzip
            assert contents.setdefault(write.handle.rpartition("/")[2], write.content) == write.content
        store = applied(store, plan, now)
        assert_recorded(store, plan)
        assert visible(store.metadata) == before
        assert selections(store.metadata) == chosen
        assert identities(store.metadata) == known
        again = plan_of(store, factors, grace, now)
        assert again.change_set is not None
        assert not again.change_set.writes
        if grace:
            assert again.change_set.is_empty


@settings(max_examples=EXAMPLES, deadline=None)
@given(plannable_stores(), factors, factors, graces, st.booleans())
def test_stock_compacts_afterwards_no_worse_than_before(
    store: Store, ours: tuple[int, int, int], theirs: tuple[int, int, int], grace: int, in_gzip: bool
) -> None:
    kept = in_form(store, in_gzip=in_gzip)
    plan = plan_of(kept, ours, grace, NOW)
    if plan.change_set is None:
        return
    after = applied(kept, plan, NOW)
    after = Store(unzipped(after.metadata), unzipped(after.backup))
    epochs, transactions, snapshots = theirs
    options = CompactionOptions(epochs, snapshots, transactions, grace)
    taken = losing_names(store.metadata, options)
    assert losing_names(after.metadata, options) <= taken
    stopped_before, _ = compacted_by_stock(store.metadata, options)
    stopped_after, left = compacted_by_stock(after.metadata, options)
    # Where a name is taken stock loses lines once its grace is over; a record of the future only puts that off.
    assert not stopped_after or stopped_before or taken
    if not taken:
        assert left == visible(store.metadata)


def losing_names(metadata: Files, options: CompactionOptions) -> set[str]:
    """The names that stock would find taken by something that lacks its lines."""
    preview = preview_compaction(snapshot_of(metadata), options, NOW)
    return {group.group.name for lane in preview.lanes for group in lane if group.lost_lines}


def compacted_by_stock(metadata: Files, options: CompactionOptions) -> tuple[bool, dict[LaneKind, LaneState]]:
    """Whether any of some daily compactions by stock stops, and what is visible after them."""
    backup: Files = {}
    stopped = False
    for day in range(1, 4):
        run = simulate_compaction(snapshot_of(metadata).index, options, NOW + 10 + 2 * DAY * day)
        stopped = stopped or run.stop is not None
        metadata, backup = carried_out(run, metadata, backup)
    return stopped, visible(metadata)


@settings(max_examples=EXAMPLES, deadline=None)
@given(plannable_stores(), factors, graces, st.booleans())
def test_the_same_store_gives_the_same_plan_byte_for_byte(
    store: Store, factors: tuple[int, int, int], grace: int, in_gzip: bool
) -> None:
    store = in_form(store, in_gzip=in_gzip)
    one, other = (plan_of(store, factors, grace, NOW) for _ in range(2))
    assert one.refusal == other.refusal
    assert one.repairs == other.repairs
    if one.change_set is not None and other.change_set is not None:
        assert one.change_set.plan_id == other.change_set.plan_id
        assert one.change_set.all_writes == other.change_set.all_writes
        assert one.change_set.retires == other.change_set.retires


@settings(max_examples=EXAMPLES, deadline=None)
@given(plannable_stores(), factors, graces)
def test_the_same_store_in_gzip_gets_the_same_plan_in_gzip(
    store: Store, factors: tuple[int, int, int], grace: int
) -> None:
    plain, twin = (plan_of(in_form(store, in_gzip=in_gzip), factors, grace, NOW) for in_gzip in (False, True))
    assert (plain.refusal, plain.repairs) == (twin.refusal, twin.repairs)
    if plain.change_set is not None and twin.change_set is not None:
        assert_twins(plain.change_set, twin.change_set)
