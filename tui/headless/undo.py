"""`seamline undo`: takes an operation back, previewed first; what it set aside returns with identical bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from core.errors import UsageError
from core.invocation import Advice, Log
from tui.headless.asking import Mode, chosen_mode, require_word
from tui.headless.exit_codes import ExitCode
from tui.headless.options import (
    accept_option,
    dry_run_option,
    if_plan_option,
    json_option,
    takes_lease,
    takes_store_and,
    wait_option,
    yes_option,
)
from tui.headless.output import note, put_answer, put_document
from tui.headless.planning import require_plan

if TYPE_CHECKING:
    from core.acceptance import Acceptance
    from core.changes.apply import Applied
    from core.changes.model import ChangeSet
    from core.host import Machine
    from core.invocation import Undo
    from core.journal import Operation
    from core.lease_choice import LeaseChoice
    from core.restore import StoreVerdict
    from core.snapshot import Snapshot
    from tui.headless.changing import Changing


def _is_operation(word: str) -> bool:
    from core.journal.names import is_operation_id

    return is_operation_id(word)


@click.command(short_help="Take back an operation that changed the store.")
@takes_store_and(_is_operation, "operation")
@takes_lease
@dry_run_option
@yes_option
@if_plan_option
@wait_option
@accept_option
@json_option
@click.pass_obj
def undo(
    machine: Machine | None,
    store: str,
    operation: str | None,
    dry_run: bool,
    yes: bool,
    if_plan: str | None,
    wait: float,
    lease: LeaseChoice,
    accept: Acceptance,
    as_json: bool,
) -> int:
    """Take back OPERATION on STORE: by default one that was interrupted, else the newest that was not undone yet.

    What it set aside comes back under its own name with identical bytes, then what it wrote is set aside. Without
    --dry-run and --yes it previews and asks for the word `undo`. seamline log names the operations.

    Exit codes as those of compact; 2: there is no such operation, or it was undone already.
    """
    mode = chosen_mode(dry_run=dry_run, yes=yes, as_json=as_json)
    from tui.headless.changing import changing

    changes = changing(store, machine, wait, lease)
    job = _Undo(changes, operation, if_plan, accept, as_json)
    if mode is Mode.PREVIEW:
        return job.preview()
    if mode is Mode.ASK:
        return job.ask()
    return job.carry_out()


@dataclass(frozen=True, slots=True)
class _Planned:
    """An undo, and what stock says before and after it."""

    snapshot: Snapshot
    operation: Operation
    change: ChangeSet
    before: StoreVerdict
    after: StoreVerdict


@dataclass(frozen=True, slots=True)
class _Undo:
    """One undo that was asked for."""

    changes: Changing
    wanted: str | None
    if_plan: str | None
    accept: Acceptance
    as_json: bool

    def preview(self) -> int:
        """Plan and show; nothing is written."""
        operation = self._target()
        waiting = [each for each in self.changes.interrupted() if each != operation.id]
        for each in waiting:
            note(f"operation {each} was interrupted and is finished first")
        return self._answer(self._plan(operation), waiting=waiting)

    def ask(self) -> int:
        """Preview, ask, and carry out what was shown."""
        self.changes.operations.require_lease()
        if self._must_resume_first(self._target()):
            self.changes.ask_to_resume()
        planned = self._plan(self._target())
        self._answer(planned)
        require_word("undo", "carry this out")
        with self.changes.stop.listening():
            return self._answer(planned, self.changes.apply(planned.change))

    def carry_out(self) -> int:
        """Finish what stands in the way, plan, and carry out. Only what writes goes on to the end of its step."""
        self.changes.operations.require_lease()
        operation = self._target()
        resumed = self.changes.resume() if self._must_resume_first(operation) else ()
        if resumed:
            operation = self._named(operation.id)
            if operation.undone is not None:
                # What was interrupted was the very undo that is asked for.
                note(f"operation {operation.id} is undone now")
                return self._answer_done(operation, resumed)
        planned = self._plan(operation)
        with self.changes.stop.listening():
            return self._answer(planned, self.changes.apply(planned.change), resumed)

    def _must_resume_first(self, operation: Operation) -> bool:
        """Whether something else was interrupted."""
        return any(each != operation.id for each in self.changes.interrupted())

    def _plan(self, operation: Operation) -> _Planned:
        snapshot = self.changes.look(accept=self.accept)
        engine = self.changes.engine
        change = engine.plan_undo(snapshot, operation)
        require_plan(change, self.if_plan)
        before = engine.check(snapshot).verdict
        return _Planned(snapshot, operation, change, before, engine.foresee(snapshot, change))

    def _target(self) -> Operation:
        """The operation to take back. Raises `UsageError` where there is none."""
        operation = self._chosen()
        if operation.holder is not None:
            self.changes.wait_for_holder()
            operation = self._chosen()
        return operation

    def _chosen(self) -> Operation:
        if self.wanted is not None:
            return self._named(self.wanted)
        operations = self.changes.engine.log()
        chosen = default_target(operations)
        if chosen is None:
            raise UsageError("there is nothing to take back", hint=Advice(self._log(), " shows what was done"))
        return chosen

    def _log(self) -> Log:
        return Log(self.changes.engine.location, self.changes.lease)

    def _named(self, name: str) -> Operation:
        from core.phrases import shown

        found = next((each for each in self.changes.engine.log() if each.id == name), None)
        if found is None:
            raise UsageError(f"there is no operation {shown(name)!r}", hint=Advice(self._log(), " names them"))
        return found

    def _answer(
        self,
        planned: _Planned,
        applied: Applied | None = None,
        resumed: tuple[Applied, ...] = (),
        waiting: list[str] | None = None,
    ) -> int:
        if self.as_json:
            from tui.headless.documents.undo import undo_document

            put_document(
                undo_document(
                    planned.snapshot.location,
                    planned.operation.id,
                    planned.change,
                    (planned.before, planned.after),
                    applied,
                    resumed,
                    waiting or (),
                )
            )
        else:
            from tui.headless.printers.undo import undo_answer

            put_answer(
                undo_answer(
                    planned.snapshot.location,
                    planned.operation,
                    planned.change,
                    (planned.before, planned.after),
                    applied,
                    str(self._go(planned, applied)),
                )
            )
        return ExitCode.OK

    def _go(self, planned: _Planned, applied: Applied | None) -> Undo:
        """The command that carries out just this, or takes back what was done."""
        if applied is not None:
            return self.changes.undoing(applied.operation)
        return self.changes.undoing(planned.operation.id, yes=True)

    def _answer_done(self, operation: Operation, resumed: tuple[Applied, ...]) -> int:
        """The undo was there already, half done, and was finished."""
        from tui.headless.documents.resume import resume_document
        from tui.headless.printers.undo import resumed_answer

        if self.as_json:
            put_document(resume_document(self.changes.engine.location, resumed) | {"undoes": operation.id})
        else:
            put_answer(resumed_answer(self.changes.engine.location, resumed))
        return ExitCode.OK


def default_target(operations: tuple[Operation, ...]) -> Operation | None:
    """What is undone when nothing is named: what did not end, else the newest operation that was not undone.

    An interrupted undo stands for the operation that it takes back. An undo that is done is taken back by name only;
    what left nothing to take back is passed over.
    """
    by_id = {each.id: each for each in operations}
    for each in reversed(operations):
        if each.files.interrupted:
            undoes = each.intent.undoes if each.intent else None
            return by_id.get(undoes or "", each)
    return next(filter(_has_something_to_take_back, reversed(operations)), None)


def _has_something_to_take_back(operation: Operation) -> bool:
    from core.changes.model import OperationKind
    from core.journal import OperationState

    passed_over = (OperationKind.UNDO, OperationKind.BREAK)
    if operation.state is OperationState.UNDONE or operation.kind in passed_over or operation.intent is None:
        return False
    return operation.kind is not OperationKind.GUARD or bool(operation.outcome and operation.outcome.gone)
