"""`seamline compact`: fewer metadata files with the same entries, previewed and then carried out as previewed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from core.invocation import Flag
from tui.headless.asking import chosen_mode
from tui.headless.exit_codes import ExitCode
from tui.headless.options import (
    accept_option,
    dry_run_option,
    factor_option,
    if_plan_option,
    json_option,
    takes_lease,
    takes_store,
    u64,
    wait_option,
    yes_option,
)
from tui.headless.output import put_answer, put_document
from tui.headless.planning import Planning, require_plan, waiting_in
from tui.headless.surroundings import holds_nothing

if TYPE_CHECKING:
    from rich.console import Group

    from core.acceptance import Acceptance
    from core.changes.apply import Applied
    from core.changes.model import ChangeSet
    from core.compaction import CompactionPlan
    from core.host import Machine
    from core.invocation import Compact
    from core.lease_choice import LeaseChoice
    from core.restore import StoreVerdict
    from core.snapshot import Snapshot
    from core.stock import CompactionOptions


@click.command(short_help="Put metadata files together, set old ones aside.")
@takes_store
@takes_lease
@factor_option(Flag.EPOCH_ENDING_FACTOR, "Epoch endings in one file.")
@factor_option(Flag.STATE_SNAPSHOT_FACTOR, "State snapshots in one file.")
@factor_option(Flag.TRANSACTION_FACTOR, "Transaction entries in one file.")
@click.option(
    Flag.REMOVE_AFTER,
    type=u64,
    default="86400",
    show_default=True,
    metavar="S",
    help="Set a file aside so many seconds after it was compacted.",
)
@dry_run_option
@yes_option
@if_plan_option
@wait_option
@accept_option
@json_option
@click.pass_obj
def compact(
    machine: Machine | None,
    store: str,
    epoch_ending_file_compact_factor: int,
    state_snapshot_file_compact_factor: int,
    transaction_file_compact_factor: int,
    remove_compacted_file_after: int,
    dry_run: bool,
    yes: bool,
    if_plan: str | None,
    wait: float,
    lease: LeaseChoice,
    accept: Acceptance,
    as_json: bool,
) -> int:
    """Compact the metadata of STORE as stock does, under the lease, without what stock loses on the way.

    Without --dry-run and --yes it previews and asks for the word `compact`.

    Exit code 0: done, or nothing to do. 5: the store is not as it was planned for. 6: a hazard stands in the way; the
    output names it and the way on. 11: the lease is held by somebody else. 12: it was lost. 20: the store can't be
    read, holds no ranges, or its listing shrank. 130: interrupted between two steps; resume or undo it.
    """
    mode = chosen_mode(dry_run=dry_run, yes=yes, as_json=as_json)
    from core.stock import CompactionOptions
    from tui.headless.changing import changing

    options = CompactionOptions(
        epoch_ending_factor=epoch_ending_file_compact_factor,
        state_snapshot_factor=state_snapshot_file_compact_factor,
        transaction_factor=transaction_file_compact_factor,
        remove_compacted_after=remove_compacted_file_after,
    )
    job = _Compaction(changing(store, machine, wait, lease), if_plan, accept, as_json, options)
    return job.run(mode)


@dataclass(frozen=True, slots=True)
class _Planned:
    """A plan, and the store that it was made for."""

    plan: CompactionPlan
    snapshot: Snapshot
    verdict: StoreVerdict

    @property
    def code(self) -> ExitCode:
        """What the plan tells the shell."""
        if holds_nothing(self.snapshot):
            return ExitCode.UNREACHABLE
        return ExitCode.REFUSED if self.plan.refusal else ExitCode.OK

    @property
    def change(self) -> ChangeSet | None:
        """What is to be done, if anything is."""
        change = self.plan.change_set
        return None if change is None or change.is_empty or self.code is not ExitCode.OK else change


@dataclass(frozen=True, slots=True)
class _Compaction(Planning[_Planned]):
    """One compaction that was asked for."""

    options: CompactionOptions

    word = "compact"

    def plan(self, *, now: bool = False) -> _Planned:
        """As in `Planning`. Raises `PlanOutdated` where another plan was asked for."""
        from core.restore import verdict

        snapshot = self.changes.look(accept=self.accept)
        engine = self.changes.engine
        if now:
            self.wait_for_new_second(snapshot)
        plan = engine.plan_compaction(snapshot, self.options)
        if plan.refusal is not None:
            # Only a whole check knows in which zone the hazard lies, and the way on.
            report = engine.check(snapshot, factors=(self.options,))
            plan = engine.plan_compaction(snapshot, self.options, report)
        require_plan(plan.change_set, self.if_plan)
        return _Planned(plan, snapshot, verdict(snapshot))

    def answer(self, planned: _Planned, applied: Applied | None = None, resumed: tuple[Applied, ...] = ()) -> int:
        """As in `Planning`."""
        if self.as_json:
            from tui.headless.documents.check import stock_fields
            from tui.headless.documents.compaction import compaction_document

            stock = stock_fields(planned.verdict)
            location, waiting = planned.snapshot.location, waiting_in(planned.snapshot)
            put_document(compaction_document(planned.plan, location, stock, applied, resumed, waiting))
        else:
            put_answer(self._text(planned, applied))
        return planned.code

    def _text(self, planned: _Planned, applied: Applied | None) -> Group:
        from tui.headless.printers.compaction import compacted_answer, compaction_answer

        location = planned.snapshot.location
        if applied is not None and planned.change is not None:
            undo = str(self.changes.undoing(applied.operation))
            return compacted_answer(planned.plan, planned.change, applied, location, undo)
        go = self.go(planned.snapshot, self._go(location, planned.plan))
        return compaction_answer(planned.plan, location, str(go))

    def _go(self, location: str, plan: CompactionPlan) -> Compact:
        """The command that carries out just this plan."""
        from core.invocation import Compact

        plan_id = plan.change_set.plan_id if plan.change_set else None
        return Compact(location, self.options, self.changes.lease, yes=True, plan_id=plan_id)
