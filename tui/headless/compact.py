"""`seamline compact --dry-run`: what stock's compaction would write, retire and stumble over. Nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from core.errors import UsageError
from tui.headless.exit_codes import ExitCode
from tui.headless.options import factor_option, json_option, takes_store, u64
from tui.headless.output import put_answer, put_document
from tui.headless.surroundings import SystemHost, connect, holds_nothing, look

if TYPE_CHECKING:
    from core.host import Host


@click.command(short_help="What compaction would write, and where it would stop (--dry-run).")
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
@click.option("--dry-run", is_flag=True, help="Only preview (all that this version can do).")
@click.option("--yes", is_flag=True, help="Carry it out (not in this version).")
@json_option
@click.pass_obj
def compact(
    host: Host | None,
    store: str,
    epoch_ending_file_compact_factor: int,
    state_snapshot_file_compact_factor: int,
    transaction_file_compact_factor: int,
    remove_compacted_file_after: int,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Preview stock's compaction of STORE with the given factors.

    Exit code 0: it would run through and lose nothing. 6: a hazard stands in the way; the output names it and the way
    on. 20: the store can't be read or holds no ranges.
    """
    if yes or not dry_run:
        raise UsageError("this version only previews compaction", hint="add --dry-run, without --yes")
    from core.stock import CompactionOptions
    from tui.headless.refusal import refusal

    options = CompactionOptions(
        epoch_ending_factor=epoch_ending_file_compact_factor,
        state_snapshot_factor=state_snapshot_file_compact_factor,
        transaction_factor=transaction_file_compact_factor,
        remove_compacted_after=remove_compacted_file_after,
    )
    engine = connect(store, host or SystemHost())
    snapshot = look(engine)
    preview = engine.preview_compaction(snapshot, options)
    report = engine.check(snapshot, factors=(options,))
    refused = refusal(preview, report)
    if as_json:
        from tui.headless.documents.check import stock_fields
        from tui.headless.documents.compaction import compaction_document

        put_document(compaction_document(preview, refused, stock_fields(report.verdict)))
    else:
        from tui.headless.printers.compaction import compaction_answer

        put_answer(compaction_answer(preview, refused, snapshot.location))
    if holds_nothing(snapshot):
        return ExitCode.UNREACHABLE
    return ExitCode.REFUSED if refused else ExitCode.OK
