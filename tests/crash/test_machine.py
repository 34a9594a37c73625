"""Everything that happens to a store, in any order: our verdict is always stock's, and we never cost an entry."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.changes.model import ChangeSet
from core.errors import PlanOutdated, Refused, StoreUnreachable, UsageError
from core.journal import Operation
from core.model import Record
from core.restore import verdict
from core.stock import CompactionOptions, CompactionRun
from tests.support import stock_model
from tests.support.crash_looks import metadata_of, stock_answers, targets_of
from tests.support.crash_scenes import chain, factors
from tests.support.crash_world import World
from tests.support.memory_store import MODES, Mode
from tests.support.soaking import soak_seconds
from tests.support.stores import epoch, snapshot_of, state, txn

_DAY = 86_400
_options = st.builds(factors, *[st.integers(1, 4)] * 3, st.sampled_from([0, _DAY]))
_modes = st.sampled_from(MODES)
_changes = st.integers(1, 45)
_power = st.one_of(st.none(), st.integers(0, 999))


class Store(RuleBasedStateMachine):
    """One store, those who write to it by the rules, and those who don't."""

    @initialize(count=st.integers(1, 3))
    def begins(self, count: int) -> None:
        self.world = World(chain(count))
        self.epochs = count
        self.backups = 0
        self.plan: ChangeSet | None = None
        self.planned_on: dict[str, bytes] = {}
        self.stock_run: CompactionRun | None = None

    # Backups.

    @rule()
    def an_epoch_is_backed_up(self) -> None:
        number = self.epochs
        start, end = number * 100, number * 100 + 99
        for record in (epoch(number, number, start, end), state(number, end), txn(start, end)):
            self.world.back_up(record)
        self.epochs += 1

    @rule(ends=st.tuples(st.integers(0, 9), st.integers(0, 4)), what=st.sampled_from(["txn", "epoch", "state"]))
    def something_is_backed_up_again(self, ends: tuple[int, int], what: str) -> None:
        self.backups += 1
        name, manifest = f"again{self.backups}.meta", f"again{self.backups}/x.manifest"
        first, last = 50 * ends[0], 50 * (ends[0] + ends[1]) + 49
        number = ends[0] // 2
        records: dict[str, Record] = {
            "txn": txn(first, last, manifest),
            "epoch": epoch(number, number, number * 100, number * 100 + 99, manifest),
            "state": state(number, number * 100 + 99, manifest),
        }
        self.world.back_up(records[what], name)

    @rule(days=st.sampled_from([0.01, 1.5, 20]))
    def time_passes(self, days: float) -> None:
        self.world.pass_time(days * _DAY)

    # Stock.

    @rule(options=_options)
    def stock_looks(self, options: CompactionOptions) -> None:
        self.stock_run = self.world.stock_run(options)

    @precondition(lambda self: self.stock_run is not None)
    @rule()
    def stock_compacts_what_it_saw(self) -> None:
        assert self.stock_run is not None
        self.world.compact_as_stock(self.stock_run)
        self.stock_run = None

    # Ours.

    @rule(options=_options)
    def we_plan(self, options: CompactionOptions) -> None:
        self.plan = self.world.compaction_plan(options)
        self.planned_on = metadata_of(self.world.files)

    @precondition(lambda self: self.plan is not None)
    @rule(at=st.one_of(st.just(0), _changes), mode=_modes, power=_power)
    def we_compact_what_we_planned(self, at: int, mode: Mode, power: int | None) -> None:
        change, self.plan = self.plan, None
        assert change is not None
        before, waiting = dict(self.world.files), self.world.interrupted
        error = self.world.run(lambda each: each.apply(change), at=at, mode=mode, power=power)
        if waiting:
            assert error is not None and self.world.interrupted == waiting
        elif metadata_of(before) != self.planned_on:
            assert isinstance(error, PlanOutdated) or at
            assert metadata_of(self.world.files) == metadata_of(before)
        elif error is not None and not at:
            # What it looked at is as it was, but something was done and undone since.
            assert isinstance(error, PlanOutdated) and "came and went" in error.message
            assert metadata_of(self.world.files) == metadata_of(before)

    @rule(options=_options, at=_changes, mode=_modes, power=_power)
    def we_are_cut_off_while_we_compact(
        self, options: CompactionOptions, at: int, mode: Mode, power: int | None
    ) -> None:
        change = self.world.compaction_plan(options)
        if change is not None:
            self.world.run(lambda each: each.apply(change), at=at, mode=mode, power=power)

    @rule(options=_options, unlisted=st.integers(1, 20))
    def a_listing_fails_while_we_compact(self, options: CompactionOptions, unlisted: int) -> None:
        change = self.world.compaction_plan(options)
        if change is not None and not self.world.interrupted:
            error = self.world.run(lambda each: each.apply(change), unlisted=unlisted)
            assert error is None or isinstance(error, StoreUnreachable)

    @rule(at=_changes, mode=_modes, power=_power)
    def we_are_cut_off_while_we_resume(self, at: int, mode: Mode, power: int | None) -> None:
        self.world.run(lambda each: each.resume(), at=at, mode=mode, power=power, new=self.world.ever)

    @rule()
    def we_resume(self) -> None:
        error = self.world.run(lambda each: each.resume(), new=self.world.ever)
        assert error is None, error.message
        assert not self.world.interrupted

    @precondition(lambda self: self.world.log)
    @rule(which=st.integers(0, 3), at=st.one_of(st.just(0), _changes), mode=_modes, power=_power)
    def we_undo(self, which: int, at: int, mode: Mode, power: int | None) -> None:
        log, waiting = self.world.log, self.world.interrupted
        operation = log[-1 - which % len(log)]
        change = self._undo_plan(operation)
        if change is None:
            return
        error = self.world.run(lambda each: each.apply(change), at=at, mode=mode, power=power, new=self.world.ever)
        if set(waiting) <= {operation.id}:
            assert error is None or at, error.message
        else:
            assert isinstance(error, Refused) or at

    def _undo_plan(self, operation: Operation) -> ChangeSet | None:
        engine = self.world.engine
        try:
            return engine.plan_undo(engine.look(), operation)
        except (Refused, UsageError) as refused:
            assert refused.message
            return None

    # What always holds.

    @invariant()
    def the_verdict_is_stocks(self) -> None:
        metadata = metadata_of(self.world.files)
        snapshot = snapshot_of(dict(metadata))
        view = stock_model.load(metadata)
        works = [target for target in targets_of(snapshot.index) if target is not None and _lands(view, target)]
        assert verdict(snapshot).stock_restorable_to == max(works, default=None)

    def teardown(self) -> None:
        """However it went, there is a way to the end, and a compaction there that runs through or says why not."""
        if not hasattr(self, "world"):
            return
        self.we_resume()
        answers = stock_answers(metadata_of(self.world.files))
        self.we_plan(factors(2, 2, 2, 0))
        if self.plan is not None:
            self.we_compact_what_we_planned(0, "before", None)
            assert stock_answers(metadata_of(self.world.files)) == answers


def _lands(view: stock_model.View, target: int) -> bool:
    """Whether stock restores to this very version, by the slow model."""
    try:
        plan = stock_model.restore_plan(view, target)
    except stock_model.Refused:
        return False
    return plan.covered == target == plan.target and bool(plan.epochs)


TestStore = Store.TestCase
TestStore.settings = settings(
    max_examples=max(20, int(2 * soak_seconds(0))),
    stateful_step_count=18,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
