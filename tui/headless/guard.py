"""`seamline guard`: runs any command under the lease, and looks at the store before and after it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from core.errors import UsageError
from tui.headless.exit_codes import ExitCode
from tui.headless.json_text import json_text
from tui.headless.options import takes_lease, takes_store, wait_option
from tui.headless.output import note

if TYPE_CHECKING:
    from core.changes.apply import Applied
    from core.guard import Guarded
    from core.host import Machine
    from core.lease_choice import LeaseChoice
    from tui.headless.changing import Changing

_MARK: Final = "--"


class _WithCommand(click.Command):
    """Takes whatever stands behind `--` as it is, for a command of its own."""

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """As click tells them, and the command behind the mark."""
        return [*super().collect_usage_pieces(ctx), _MARK, "COMMAND..."]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the command's words away from the options. Raises `UsageError` where there are none."""
        mark = args.index(_MARK) if _MARK in args else len(args)
        ctx.meta[_MARK] = tuple(args[mark + 1 :])
        return super().parse_args(ctx, args[:mark])


@click.command(cls=_WithCommand, short_help="Run any command under the lease.")
@takes_store
@takes_lease
@wait_option
@click.option("--json-report", metavar="FILE", help="Write what came of it to FILE, as JSON.")
@click.pass_context
def guard(context: click.Context, store: str, wait: float, lease: LeaseChoice, json_report: str | None) -> int:
    """Run COMMAND while nobody else may write to STORE: seamline guard STORE -- COMMAND ...

    Everything in metadata/ is saved before. Signals go to the command; if the lease is lost it is ended. Its standard
    streams are its own; what seamline has to say goes to stderr.

    Exit code: the command's own, 128 + n when signal n ended it. 4: the command made the store worse; the output says
    how, and how to undo what it moved. 11: the lease is held. 12: it was lost. 126, 127: there is no such command.
    """
    command: tuple[str, ...] = context.meta[_MARK]
    if not command:
        raise UsageError("there is no command to run", hint="seamline guard STORE -- COMMAND ...")
    from core.child import require_command
    from core.guard import guard as run_guarded
    from tui.headless.changing import Quiet, Waiting, changing

    require_command(command)
    machine: Machine | None = context.obj
    changes = changing(store, machine, wait, lease)
    changes.operations.require_lease()
    with changes.stop.listening():
        resumed = changes.resume()
        guarded = run_guarded(
            changes.engine,
            changes.operations,
            command,
            wait=wait,
            watch=Quiet(changes.stop),
            waiting=Waiting(),
        )
    if json_report is not None:
        _write_report(json_report, _report(guarded, command, resumed))
    return _told(guarded, changes)


def _report(guarded: Guarded, command: tuple[str, ...], resumed: tuple[Applied, ...]) -> dict[str, Any]:
    from tui.headless.documents.guard import guard_document

    return guard_document(guarded, command, resumed)


def _write_report(file: str, document: dict[str, Any]) -> None:
    """A report that can't be written is said, and changes no exit code: the command has run."""
    try:
        Path(file).write_text(json_text(document) + "\n", encoding="ascii")
    except (OSError, ValueError) as error:
        note(f"the report could not be written: {error}")


def _told(guarded: Guarded, changes: Changing) -> int:
    """Say what came of it, as far as it is worth a line; returns the exit code."""
    from core.journal import Piece, piece_handle
    from core.phrases import quoted
    from core.storage.side import own_location

    outcome = guarded.applied.outcome
    if sys.stderr is not None and sys.stderr.isatty():
        moved = f"{len(outcome.came):,} files came, {len(outcome.gone):,} went, {len(outcome.changed):,} changed"
        note(f"the command ended with {guarded.exit_code}; {moved}")
    for each in outcome.notes:
        note(each)
    if not guarded.worse:
        return guarded.exit_code
    note(f"the command ended with {guarded.exit_code} and made the store worse")
    operation = guarded.applied.operation
    if outcome.gone:
        note(f"to put back what it moved: {changes.undoing(operation)}")
    if outcome.changed:
        place = own_location(changes.operations.reader).rstrip("/")
        saved = quoted(f"{place}/{piece_handle(operation, Piece.BUNDLE)}")
        note(f"the files that it changed are saved as they were before, in {saved}")
    return ExitCode.BROKEN
