"""`seamline repair`: stock sees one chain and nothing else, previewed and then carried out as previewed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from core.errors import UsageError
from core.invocation import Flag
from tui.headless.asking import Mode, chosen_mode
from tui.headless.exit_codes import ExitCode
from tui.headless.options import (
    accept_option,
    accept_unused_option,
    dry_run_option,
    if_plan_option,
    json_option,
    takes_lease,
    takes_store,
    wait_option,
    yes_option,
)
from tui.headless.output import put_answer, put_streamed
from tui.headless.planning import Planning, require_plan, waiting_in
from tui.headless.surroundings import holds_nothing
from tui.headless.wishes import WITHOUT_CHOICES, Wishes, takes_choices

if TYPE_CHECKING:
    from core.acceptance import Acceptance
    from core.changes.apply import Applied
    from core.changes.model import ChangeSet
    from core.host import Machine
    from core.invocation import Invocation, Repair
    from core.lease_choice import LeaseChoice
    from core.repair import RepairPlan
    from core.restore import RestoreOptions, StoreVerdict
    from core.snapshot import Snapshot
    from tui.headless.plan_file import PlanFile


@click.command(short_help="Make stock's own selection succeed.")
@takes_store
@takes_lease
@takes_choices
@click.option(Flag.PARK_TAIL, is_flag=True, help="Set aside what lies behind a true gap, until it is closed.")
@dry_run_option
@yes_option
@click.option("--plan-out", metavar="F", help="Preview, and write the plan to the new file F.")
@click.option(Flag.PLAN, "plan_in", metavar="F", help="Carry out the plan in F, if it still is the very plan.")
@if_plan_option
@wait_option
@accept_option
@accept_unused_option
@json_option
@click.pass_context
def repair(
    context: click.Context,
    store: str,
    wishes: Wishes,
    park_tail: bool,
    dry_run: bool,
    yes: bool,
    plan_out: str | None,
    plan_in: str | None,
    if_plan: str | None,
    wait: float,
    lease: LeaseChoice,
    accept: Acceptance,
    accept_unused_choices: bool,
    as_json: bool,
) -> int:
    """Make unpatched stock restore STORE: of its entries only the best chain stays visible, with what that lacks.

    Lines that only metadata_backup/ still holds are brought back, runs of chunks get manifests of their own, files
    with other entries are set aside. The manifests that compete are read. Without --dry-run, --yes, --plan-out and
    --plan it previews and asks for the word `repair`, or for another where a --pin or a --veto can't be followed.
    seamline undo takes it back.

    Exit code 0: stock restores the latest version then, whether that is previewed, done, or so already. 4: it can't
    even then, as something is missing; the output has the command that backs it up again. 5: the store is not as it
    was planned for. 6: a hazard stands in the way, or a choice that can't be followed was not accepted; the output
    names it and the way on. 11: the lease is held by
    somebody else. 12: it was lost. 20: the store can't be read, holds no ranges, or its listing shrank. 130:
    interrupted between two steps; resume or undo it.
    """
    machine: Machine | None = context.obj
    if plan_out is not None and (yes or plan_in is not None):
        raise UsageError("--plan-out only previews", hint="carry its plan out with --plan, or leave it out")
    previews, applies = dry_run or plan_out is not None, yes or (plan_in is not None and not dry_run)
    mode = chosen_mode(dry_run=previews, yes=applies, as_json=as_json)
    from tui.headless.changing import changing

    given = None
    if plan_in is not None:
        from tui.headless.plan_file import read_plan

        _require_no_wishes(context)
        given = read_plan(plan_in)
        park_tail = given.park_tail
    changes = changing(store, machine, wait, lease)
    if plan_out is not None:
        from tui.headless.plan_file import require_new

        require_new(plan_out, changes.engine.location)
    job = _Repair(
        changes,
        if_plan,
        accept,
        as_json,
        wishes,
        park_tail,
        given,
        plan_out,
        accept_unused_choices,
        mode,
    )
    return job.run(mode)


def _require_no_wishes(context: click.Context) -> None:
    """Raises `UsageError` for wishes beside a plan, which holds those that it was made with."""
    flags = {"policy": Flag.POLICY, "pins": Flag.PIN, "vetoes": Flag.VETO, "park_tail": Flag.PARK_TAIL}
    for name, flag in flags.items():
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise UsageError(f"{flag} and --plan contradict each other", hint="the plan holds what it was made with")


@dataclass(frozen=True, slots=True)
class _Planned:
    """A plan, the store that it was made for, and what stock says before and after it."""

    plan: RepairPlan
    options: RestoreOptions
    before: StoreVerdict
    after: StoreVerdict

    @property
    def snapshot(self) -> Snapshot:
        """The store as it was looked at."""
        return self.plan.recovery.snapshot

    @property
    def code(self) -> ExitCode:
        """What the plan tells the shell: whether stock restores everything once it is carried out."""
        if holds_nothing(self.snapshot):
            return ExitCode.UNREACHABLE
        if self.plan.refusal is not None:
            return ExitCode.REFUSED
        return ExitCode.OK if self.after.stock_restores_latest else ExitCode.BROKEN

    @property
    def change(self) -> ChangeSet | None:
        """What is to be done, if anything is."""
        change = self.plan.change_set
        return None if change is None or change.is_empty or holds_nothing(self.snapshot) else change


@dataclass(frozen=True, slots=True)
class _Repair(Planning[_Planned]):
    """One repair that was asked for; `given` is the plan that it has to be, `plan_out` where it is written to.

    `accept_unused`: choices that can't be followed may be left aside.
    """

    wishes: Wishes
    park_tail: bool
    given: PlanFile | None
    plan_out: str | None
    accept_unused: bool
    mode: Mode

    word = "repair"

    def asked_word(self, planned: _Planned) -> tuple[str, str]:
        """As in `Planning`; another one where what was chosen can't be followed."""
        if self.accept_unused or not planned.plan.recovery.has_unused_choices:
            return Planning.asked_word(self, planned)
        return WITHOUT_CHOICES, "carry it out without what you chose and can't be followed"

    def plan(self, *, now: bool = False) -> _Planned:
        """As in `Planning`. Raises `PlanOutdated` where another plan was asked for."""
        snapshot = self.changes.look(accept=self.accept)
        if self.given is not None:
            self.given.require_store(snapshot)
        from tui.headless.progress import at_work

        engine = self.changes.engine
        options = self.given.options if self.given else self.wishes.options(snapshot)
        with at_work("looking for a chain"):
            recovery = engine.plan_recovery(snapshot, options, self.changes.watch)
        if now:
            self.wait_for_new_second(snapshot)
        with at_work("planning the repair"):
            plan = engine.plan_repair(recovery, park_tail=self.park_tail)
        require_plan(plan.change_set, self.if_plan)
        if self.given is not None and plan.change_set is not None:
            self.given.require_plan(plan.change_set, recovery)
        if self.mode is Mode.APPLY and not self.accept_unused:
            plan = _unless_choices_are_unused(plan, str(self._accepting(plan, options)))
        before = after = recovery.preview.verdict
        if plan.change_set is not None:
            after = engine.foresee(snapshot, plan.change_set, recovery.evidence)
        return _Planned(plan, options, before, after)

    def answer(self, planned: _Planned, applied: Applied | None = None, resumed: tuple[Applied, ...] = ()) -> int:
        """As in `Planning`; the plan is in its file before anything is said."""
        written = self._written(planned)
        plan, verdicts = planned.plan, (planned.before, planned.after)
        if self.as_json:
            from tui.headless.documents.repair import repair_document

            put_streamed(
                repair_document(
                    plan,
                    verdicts,
                    park_tail=self.park_tail,
                    applied=applied,
                    resumed=resumed,
                    interrupted=waiting_in(planned.snapshot),
                    plan_file=written,
                )
            )
        else:
            from tui.headless.printers.repair import repair_answer

            go = self.changes.undoing(applied.operation) if applied else self._go(planned, written)
            put_answer(
                repair_answer(plan, verdicts, str(go), park_tail=self.park_tail, applied=applied, plan_file=written)
            )
        return planned.code

    def _written(self, planned: _Planned) -> str | None:
        """The file that the plan was written to, if one was asked for and there is a plan."""
        change = planned.plan.change_set
        if self.plan_out is None or change is None:
            return None
        from tui.headless.plan_file import plan_text, write_plan

        text = plan_text(change, planned.plan.recovery, planned.options, park_tail=self.park_tail)
        write_plan(self.plan_out, text)
        return self.plan_out

    def _go(self, planned: _Planned, written: str | None) -> Invocation:
        """The command that carries out just this plan."""
        return self.go(planned.snapshot, self._accepting(planned.plan, planned.options, written))

    def _accepting(self, plan: RepairPlan, options: RestoreOptions, written: str | None = None) -> Repair:
        """The command that carries out a plan, choices that can't be followed left aside."""
        from core.invocation import Repair

        file = written or (self.given.path if self.given else None)
        change, is_by_id = plan.change_set, file is None
        return Repair(
            plan.recovery.snapshot.location,
            options if is_by_id else None,
            self.park_tail and is_by_id,
            self.changes.lease,
            plan.recovery.has_unused_choices,
            yes=is_by_id,
            plan_id=change.plan_id if change and is_by_id else None,
            plan=file,
        )


def _unless_choices_are_unused(plan: RepairPlan, accepting: str) -> RepairPlan:
    """The plan, or its refusal where it would pass over what the operator chose."""
    if plan.change_set is None or plan.change_set.is_empty or not plan.recovery.has_unused_choices:
        return plan
    from core.compaction.refusals import Refusal
    from core.recovery import UNUSED_CHOICE, unused_sentences

    why = " ".join(unused_sentences(plan.recovery))
    return replace(plan, change_set=None, refusal=Refusal(UNUSED_CHOICE, why, None, accepting, None))
