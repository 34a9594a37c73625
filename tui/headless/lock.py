"""`seamline lock`: who may write to a store, and how a lease is freed that nobody will give back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from core.errors import UsageError
from tui.headless.exit_codes import ExitCode
from tui.headless.options import json_option, takes_lease, takes_store_and
from tui.headless.output import put_answer, put_document
from tui.headless.surroundings import connect, this_machine

if TYPE_CHECKING:
    from core.host import Machine
    from core.lease import LeaseView
    from core.lease_choice import LeaseChoice

ACTIONS: Final = ("show", "release", "break")


@click.command(short_help="Who may write just now; free a lease that is left over.")
@takes_store_and(lambda word: word in ACTIONS, "action", "owner")
@takes_lease
@json_option
@click.pass_obj
def lock(
    machine: Machine | None,
    store: str,
    action: str | None,
    owner: str | None,
    lease: LeaseChoice,
    as_json: bool,
) -> int:
    """Show the lease of STORE (show, the default), free it if its holder has ended (release), or break it (break ID).

    ID is the owner as `show` tells it, typed in full; `unreadable` for a lock file that can't be read. Break a lease
    only where you know that its holder writes no more.

    Exit code 0: free. 11: held. 2: the owner is another one, or nobody holds it.
    """
    if action not in (None, *ACTIONS):
        raise UsageError(f"there is no lock {action!r}", hint=f"one of: {', '.join(ACTIONS)}")
    if (action == "break") != (owner is not None):
        raise UsageError("break takes the owner's id, and nothing else does", hint="seamline lock STORE show tells it")
    machine = machine or this_machine()
    engine = connect(store, machine, lease)
    if action in ("release", "break"):
        from core.operations import operations_for

        operations = operations_for(store, machine, lease)
        if owner is not None:
            operations.break_lease(owner)
        else:
            operations.release_dead_lease()
    return _answer(engine.location, engine.lease(), as_json)


def _answer(location: str, lease: LeaseView | None, as_json: bool) -> int:
    from core.lease import LeaseState

    if as_json:
        from tui.headless.documents.lock import lock_document

        put_document(lock_document(location, lease))
    else:
        from tui.headless.printers.lock import lock_answer

        put_answer(lock_answer(location, lease))
    return ExitCode.OK if lease is None or lease.state is LeaseState.FREE else ExitCode.HELD
