"""`seamline log`: what was done to a store, by whom, and what did not end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tui.headless.exit_codes import ExitCode
from tui.headless.options import json_option, takes_lease, takes_store
from tui.headless.output import put_answer, put_document
from tui.headless.surroundings import connect

if TYPE_CHECKING:
    from core.host import Machine
    from core.lease_choice import LeaseChoice


@click.command(short_help="What was done to the store, newest first.")
@takes_store
@takes_lease
@json_option
@click.pass_obj
def log(machine: Machine | None, store: str, lease: LeaseChoice, as_json: bool) -> int:
    """Show the journal of STORE, newest first: what changed it, who did, and whether it ended.

    Exit code 0, also where something was interrupted. 20: the journal can't be listed.
    """
    engine = connect(store, machine, lease)
    operations = engine.log()[::-1]
    if as_json:
        from tui.headless.documents.log import log_document

        put_document(log_document(engine.location, operations))
    else:
        from tui.headless.printers.log import log_answer

        put_answer(log_answer(engine.location, operations))
    return ExitCode.OK
