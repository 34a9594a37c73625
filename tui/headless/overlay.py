"""`seamline overlay`: a folder through which unpatched stock restores now, the store itself left as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from core.errors import Refused, StoreUnreachable, UsageError
from core.invocation import Flag
from tui.headless.exit_codes import ExitCode
from tui.headless.options import accept_option, accept_unused_option, json_option, takes_store_and
from tui.headless.output import put_answer, put_document
from tui.headless.surroundings import connect, holds_nothing, look, tell_what_waits
from tui.headless.wishes import Wishes, takes_wishes

if TYPE_CHECKING:
    from core.acceptance import Acceptance
    from core.host import Machine
    from core.overlay import Overlay


@click.command(short_help="Show stock the chain, without touching the store.")
@takes_store_and(lambda _: True, "folder")
@takes_wishes
@accept_option
@accept_unused_option
@json_option
@click.pass_obj
def overlay(
    machine: Machine | None,
    store: str,
    folder: str | None,
    wishes: Wishes,
    accept: Acceptance,
    accept_unused_choices: bool,
    as_json: bool,
) -> int:
    """Write an overlay of STORE into FOLDER, which is new or empty, and name the stock command that restores with it.

    The folder holds metadata with the best chain and nothing else, the manifests that the chain derives, and an
    adapter.yaml through which stock reads them first and the store otherwise. Nothing is written to the store, nor
    through the adapter. The manifests that compete are read.

    Exit code 0: with it stock restores to the target. 4: to a lower version only, which the output names, as
    something is missing. 6: no restore is possible, or a choice that can't be followed was not accepted, and nothing
    is written. 20: the store can't be read, holds no
    ranges, or its listing shrank. 130: stopped early.
    """
    if folder is None:
        raise UsageError("no folder was named to write to", hint="name a new one, outside of the store")
    from core.overlay import write_overlay
    from core.recovery import UNUSED_CHOICE, unused_sentences
    from tui.headless.progress import at_work, follower

    engine = connect(store, machine)
    watch = follower()
    snapshot = look(engine, watch, accept=accept)
    tell_what_waits(snapshot, engine)
    if holds_nothing(snapshot):
        raise StoreUnreachable("metadata/ holds no entry that could be shown", hint="is the store all there?")
    with at_work("looking for a chain"):
        recovery = engine.plan_recovery(snapshot, wishes.options(snapshot), watch)
    if recovery.has_unused_choices and not accept_unused_choices:
        why = " ".join(unused_sentences(recovery))
        raise Refused(UNUSED_CHOICE, why, hint=f"{Flag.ACCEPT_UNUSED_CHOICES} writes the overlay without")
    planned = engine.plan_overlay(recovery)
    written = write_overlay(planned, folder)
    if as_json:
        from tui.headless.documents.overlay import overlay_document

        put_document(overlay_document(planned, written))
    else:
        from tui.headless.printers.overlay import overlay_answer

        put_answer(overlay_answer(planned, written))
    return exit_code(planned)


def exit_code(planned: Overlay) -> ExitCode:
    """By whether stock lands on the version that was asked for (on the latest, if none was)."""
    landed = planned.best.lands_at == planned.recovery.preview.wanted
    return ExitCode.OK if landed else ExitCode.BROKEN
