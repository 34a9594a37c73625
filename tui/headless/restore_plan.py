"""`seamline restore-plan`: what stock would do for a target, and the chain that works."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tui.headless.exit_codes import ExitCode
from tui.headless.options import accept_option, json_option, takes_store
from tui.headless.output import put_answer, put_streamed
from tui.headless.surroundings import connect, look, tell_what_waits
from tui.headless.wishes import Wishes, takes_wishes

if TYPE_CHECKING:
    from core.acceptance import Acceptance
    from core.engine import Engine
    from core.host import Machine
    from core.restore import RestorePreview


@click.command("restore-plan", short_help="What stock would restore, and the chain that works.")
@takes_store
@takes_wishes
@accept_option
@json_option
@click.pass_obj
def restore_plan(machine: Machine | None, store: str, wishes: Wishes, accept: Acceptance, as_json: bool) -> int:
    """Preview a restore of STORE into an empty database: stock's answer beside the chain that works.

    The chain may use what stock does not see: lines that only metadata_backup/ still holds, and runs of chunks of
    other manifests. For that the manifests that compete are read. seamline repair makes stock see it, seamline overlay
    shows it to stock without touching the store.

    Exit code 0: stock restores to the target. 3: it does, and there is something to know first. 4: it does not.
    20: the store can't be read, holds no ranges, or its listing shrank. 130: stopped early.
    """
    from core.restore import highest_targets
    from tui.headless.progress import at_work, follower

    engine = connect(store, machine)
    watch = follower()
    snapshot = look(engine, watch, accept=accept)
    tell_what_waits(snapshot, engine)
    with at_work("looking for a chain"):
        recovery, everything = engine.plan_target(snapshot, wishes.options(snapshot), watch)
    preview, highest = recovery.preview, highest_targets(everything.preview)
    if as_json:
        from tui.headless.documents.restore_plan import restore_document

        put_streamed(restore_document(recovery, highest))
    else:
        from tui.headless.printers.restore_plan import restore_answer

        put_answer(restore_answer(recovery, highest, _way_on(engine, preview)))
    return exit_code(preview)


def exit_code(preview: RestorePreview) -> ExitCode:
    """By whether stock lands on the version that was asked for (on the latest, if none was)."""
    from core.model import Severity
    from tui.headless.surroundings import holds_nothing

    if holds_nothing(preview.snapshot):
        return ExitCode.UNREACHABLE
    if not preview.stock.ok or preview.wanted is None or preview.stock.lands_at != preview.wanted:
        return ExitCode.BROKEN
    warned = any(note.severity.rank > Severity.INFO.rank for note in preview.notes)
    return ExitCode.FINDINGS if warned else ExitCode.OK


def _way_on(engine: Engine, preview: RestorePreview) -> str | None:
    """The next step of what is wrong at the first gap: its lines may survive, which is better than backing up again."""
    gap = preview.gaps[0] if preview.gaps else None
    if gap is None:
        return None
    from core.findings.leads import lead, spans

    zones = (zone for zone in engine.check(preview.snapshot).zones if zone.lane is gap.lane)
    finding = lead(next((zone for zone in zones if spans(zone, gap.first)), None))
    return finding.next_step if finding else None
