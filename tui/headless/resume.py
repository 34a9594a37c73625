"""`seamline resume`: finishes what was interrupted, whichever step it was in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tui.headless.exit_codes import ExitCode
from tui.headless.options import json_option, takes_lease, takes_store, wait_option
from tui.headless.output import put_answer, put_document

if TYPE_CHECKING:
    from core.host import Machine
    from core.lease_choice import LeaseChoice


@click.command(short_help="Finish an operation that was interrupted.")
@takes_store
@takes_lease
@wait_option
@json_option
@click.pass_obj
def resume(machine: Machine | None, store: str, wait: float, lease: LeaseChoice, as_json: bool) -> int:
    """Finish every operation on STORE that was interrupted. Where there is none, nothing is written.

    Exit code 0: done, or nothing to do. Others as those of compact.
    """
    from tui.headless.changing import changing

    changes = changing(store, machine, wait, lease)
    changes.operations.require_lease()
    resumed = changes.resume(quietly=True)
    if as_json:
        from tui.headless.documents.resume import resume_document

        put_document(resume_document(changes.engine.location, resumed))
    else:
        from tui.headless.printers.undo import resumed_answer

        put_answer(resumed_answer(changes.engine.location, resumed))
    return ExitCode.OK
