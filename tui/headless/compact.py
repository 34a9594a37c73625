"""`seamline compact`: fewer metadata files with the same entries, previewed and then carried out as previewed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from core.errors import PlanOutdated
from tui.headless.asking import Mode, chosen_mode, require_word
from tui.headless.exit_codes import ExitCode
from tui.headless.options import (
    accept_option,
    dry_run_option,
    factor_option,
    json_option,
    takes_store,
    u64,
    wait_option,
    yes_option,
)
from tui.headless.output import put_answer, put_document
from tui.headless.surroundings import holds_nothing

if TYPE_CHECKING:
    from rich.console import Group

    from core.changes.apply import Applied
    from core.changes.model import ChangeSet
    from core.compaction import CompactionPlan
    from core.host import Machine
    from core.index import Index
    from core.restore import StoreVerdict
    from core.snapshot import Snapshot
    from core.stock import CompactionOptions
    from tui.headless.changing import Changing

#: Seconds that a clock which wrote the newest record may be ahead of this one, for its next second to be waited for.
_SOON: Final = 2


@click.command(short_help="Put metadata files together, set old ones aside.")
@takes_store
@factor_option("--epoch-ending-file-compact-factor", "Epoch endings in one file.")
@factor_option("--state-snapshot-file-compact-factor", "State snapshots in one file.")
@factor_option("--transaction-file-compact-factor", "Transaction entries in one file.")
@click.option(
    "--remove-compacted-file-after",
    type=u64,
    default="86400",
    show_default=True,
    metavar="S",
    help="Set a file aside so many seconds after it was compacted.",
)
@dry_run_option
@yes_option
@click.option("--if-plan", metavar="ID", help="Carry it out only if it is still the plan of this id.")
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
    accept_shrunk_listing: bool,
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
    changes = changing(store, machine, wait)
    job = _Compaction(changes, options, if_plan, accept_shrunk_listing, as_json)
    if mode is Mode.PREVIEW:
        return job.answer(job.plan())
    if mode is Mode.ASK:
        return job.ask()
    with changes.stop.listening():
        return job.carry_out(changes.resume())


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
class _Compaction:
    """One compaction that was asked for."""

    changes: Changing
    options: CompactionOptions
    if_plan: str | None
    accept: bool
    as_json: bool

    def plan(self, *, now: bool = False) -> _Planned:
        """Look and plan; if it is to be carried out `now`, in a second that has no record yet.

        Raises `PlanOutdated` where another plan was asked for.
        """
        from core.phrases import shown
        from core.restore import verdict

        snapshot = self.changes.look(accept=self.accept)
        engine = self.changes.engine
        if now:
            engine.host.sleep(seconds_taken(snapshot.index, engine.host.now()))
        plan = engine.plan_compaction(snapshot, self.options)
        if plan.refusal is not None:
            # Only a whole check knows in which zone the hazard lies, and the way on.
            report = engine.check(snapshot, factors=(self.options,))
            plan = engine.plan_compaction(snapshot, self.options, report)
        found = plan.change_set.plan_id if plan.change_set else None
        if self.if_plan is not None and found is not None and found != self.if_plan:
            raise PlanOutdated(
                f"what is planned now is {found}, not {shown(self.if_plan)}: the store has changed, or the wishes have",
                hint="preview again with --dry-run",
            )
        return _Planned(plan, snapshot, verdict(snapshot))

    def ask(self) -> int:
        """Preview, ask, and carry out what was shown."""
        if self.changes.interrupted():
            self.changes.ask_to_resume()
        planned = self.plan()
        code = self.answer(planned)
        if planned.change is None:
            return code
        require_word("compact", "carry this out")
        with self.changes.stop.listening():
            return self.answer(planned, self.changes.apply(planned.change))

    def carry_out(self, resumed: tuple[Applied, ...]) -> int:
        """Plan and carry out at once."""
        planned = self.plan(now=True)
        applied = self.changes.apply(planned.change) if planned.change else None
        return self.answer(planned, applied, resumed)

    def answer(self, planned: _Planned, applied: Applied | None = None, resumed: tuple[Applied, ...] = ()) -> int:
        """Say what is planned or was done; returns the exit code."""
        if self.as_json:
            from core.journal import interrupted_in
            from tui.headless.documents.check import stock_fields
            from tui.headless.documents.compaction import compaction_document

            waiting = [files.id for files in interrupted_in(planned.snapshot.journal)]
            stock = stock_fields(planned.verdict)
            put_document(compaction_document(planned.plan, stock, applied, resumed, waiting))
        else:
            put_answer(self._text(planned, applied))
        return planned.code

    def _text(self, planned: _Planned, applied: Applied | None) -> Group:
        from core.journal import interrupted_in
        from core.phrases import command
        from tui.headless.printers.compaction import compacted_answer, compaction_answer
        from tui.headless.surroundings import tell_what_waits

        snapshot = planned.snapshot
        location = snapshot.location
        if applied is not None and planned.change is not None:
            return compacted_answer(planned.plan, planned.change, applied, location)
        go = self._go(location, planned.plan)
        if interrupted_in(snapshot.journal):
            tell_what_waits(snapshot, self.changes.engine)
            go = command("seamline", "resume", location)
        return compaction_answer(planned.plan, location, go)

    def _go(self, location: str, plan: CompactionPlan) -> str:
        """The command that carries out just this plan."""
        from core.phrases import command

        options = self.options
        wishes = (
            ("--epoch-ending-file-compact-factor", options.epoch_ending_factor, 1),
            ("--state-snapshot-file-compact-factor", options.state_snapshot_factor, 1),
            ("--transaction-file-compact-factor", options.transaction_factor, 1),
            ("--remove-compacted-file-after", options.remove_compacted_after, 86_400),
        )
        given = [word for flag, value, usual in wishes if value != usual for word in (flag, value)]
        plan_id = plan.change_set.plan_id if plan.change_set else ""
        return command("seamline", "compact", location, *given, "--yes", "--if-plan", plan_id)


def seconds_taken(index: Index, now: float) -> float:
    """How long to wait for a second that no record has.

    Two records of one second are a tie between which stock takes any (`timestamps-same-second` in hazards.md).
    """
    ahead = (record.file_compacted_at + 1 - now for record, _ in index.timestamps)
    return max((seconds for seconds in ahead if 0 < seconds <= _SOON + 1), default=0.0)
