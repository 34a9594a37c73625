"""`seamline restore-plan`: what stock would do for a target, and the chain that works."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from core.errors import UsageError
from tui.headless.exit_codes import ExitCode
from tui.headless.options import json_option, takes_store, u64
from tui.headless.output import put_answer, put_document
from tui.headless.surroundings import connect, look, tell_what_waits

if TYPE_CHECKING:
    from core.engine import Engine
    from core.host import Machine
    from core.restore import RestorePreview
    from core.snapshot import Snapshot

#: `core.chain.Policy`, spelled out so that `--help` needs no engine.
POLICIES: Final = ("verified", "fewest-changes", "newest", "longest", "stock-like", "first-encountered")


@click.command("restore-plan", short_help="What stock would restore, and the chain that works.")
@takes_store
@click.option("--target-version", type=u64, metavar="V", help="Restore to this version; default: everything.")
@click.option(
    "--ledger-history-start-version", type=u64, metavar="V", help="Keep history from here; default: the target."
)
@click.option(
    "--policy",
    type=click.Choice(POLICIES),
    default=POLICIES[0],
    show_default=True,
    help="What to prefer where manifests compete.",
)
@click.option("--pin", "pins", multiple=True, metavar="M", help="Use this manifest (a whole handle, or its end).")
@click.option("--veto", "vetoes", multiple=True, metavar="M", help="Never use this manifest.")
@json_option
@click.pass_obj
def restore_plan(
    machine: Machine | None,
    store: str,
    target_version: int | None,
    ledger_history_start_version: int | None,
    policy: str,
    pins: tuple[str, ...],
    vetoes: tuple[str, ...],
    as_json: bool,
) -> int:
    """Preview a restore of STORE into an empty database: stock's answer beside the chain that works.

    Exit code 0: stock restores to the target. 3: it does, and there is something to know first. 4: it does not.
    20: the store can't be read or holds no ranges.
    """
    from core.chain import Policy
    from core.restore import RestoreOptions

    engine = connect(store, machine)
    snapshot = look(engine)
    tell_what_waits(snapshot, engine)
    options = RestoreOptions(
        target_version=target_version,
        ledger_history_start=ledger_history_start_version,
        policy=Policy(policy),
        pins=_named(snapshot, pins, "--pin"),
        vetoes=_named(snapshot, vetoes, "--veto"),
    )
    preview = engine.plan_restore(snapshot, options)
    if as_json:
        from tui.headless.documents.restore_plan import restore_document

        put_document(restore_document(preview))
    else:
        from tui.headless.printers.restore_plan import restore_answer

        put_answer(restore_answer(preview, _way_on(engine, preview)))
    return exit_code(preview)


def exit_code(preview: RestorePreview) -> ExitCode:
    """By whether stock lands on the version that was asked for (on the latest, if none was)."""
    from core.model import Severity
    from tui.headless.surroundings import holds_nothing

    if holds_nothing(preview.snapshot):
        return ExitCode.UNREACHABLE
    wanted = preview.goal if preview.requested is None else preview.requested
    if not preview.stock.ok or wanted is None or preview.stock.lands_at != wanted:
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


def _named(snapshot: Snapshot, wishes: tuple[str, ...], flag: str) -> frozenset[str]:
    """The handles that some words name. Raises `UsageError` for a word that names none, or several."""
    if not wishes:
        return frozenset()
    lanes = snapshot.index.lanes.values()
    handles = {lane.manifest(row) for lane in lanes for row in range(len(lane))}
    return frozenset(_handle(handles, wish, flag) for wish in wishes)


def _handle(handles: set[str], wish: str, flag: str) -> str:
    if wish in handles:
        return wish
    found = sorted(handle for handle in handles if wish and (handle.endswith(wish) or handle.startswith(f"{wish}/")))
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{flag} {wish!r} names {len(found)} manifests", hint=f"for example {found[0]} and {found[1]}")
    raise UsageError(f"{flag} {wish!r} names no manifest of this store", hint="seamline check shows the handles")
