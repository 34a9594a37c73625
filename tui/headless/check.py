"""`seamline check`: what is wrong with a store, and whether stock can restore it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from core.errors import Stopped, UsageError
from core.invocation import Flag
from tui.headless.exit_codes import OF_VERDICT, ExitCode
from tui.headless.json_text import SCHEMA
from tui.headless.options import accept_option, factor, json_option, takes_store
from tui.headless.output import put_lines, put_record, put_streamed
from tui.headless.surroundings import connect, holds_nothing, look

if TYPE_CHECKING:
    from core.acceptance import Acceptance
    from core.engine import Report
    from core.host import Machine
    from tui.headless.documents.check import Notes


#: So many problems are told in words unless more are asked for.
ZONES_SHOWN: Final = 40


@click.command(short_help="Findings, and whether stock can restore this store.")
@takes_store
@click.option(
    Flag.LEVEL,
    type=click.IntRange(0),
    default=1,
    show_default=True,
    metavar="0..5",
    help="How deep: 0 names and sizes, 1 lines, 2 manifests, 3 chunk files, 4 records in chunk files, "
    "5 conflicting manifests compared record by record.",
)
@click.option(
    Flag.MANIFESTS,
    type=click.Choice(["all", "conflicting"]),
    default="all",
    show_default=True,
    help="Which manifests levels 2 to 5 look at.",
)
@click.option("--afresh", is_flag=True, help="Read again what has not changed since an earlier check read it.")
@click.option(
    "--compact-factor",
    "compact_factors",
    type=factor,
    multiple=True,
    metavar="N",
    help="Also simulate compaction at N entries in a file (1 and 100 always are).",
)
@click.option("--summary", is_flag=True, help="One line a problem, then the verdict.")
@click.option("--no-pager", is_flag=True, help="Print a long answer on a terminal as it is, not through $PAGER.")
@json_option
@accept_option
@click.option(
    "--limit",
    type=click.IntRange(0),
    default=ZONES_SHOWN,
    show_default=True,
    metavar="N",
    help="How many problems are told in words, the worst first.",
)
@click.option("--all", "show_all", is_flag=True, help="Tell all problems in words.")
@click.option("--json-lines", is_flag=True, help="Stream JSON records: progress, findings, then a summary.")
@click.pass_obj
def check(
    machine: Machine | None,
    store: str,
    level: int,
    manifests: str,
    afresh: bool,
    compact_factors: tuple[int, ...],
    summary: bool,
    no_pager: bool,
    accept: Acceptance,
    limit: int,
    show_all: bool,
    as_json: bool,
    json_lines: bool,
) -> int:
    """Check STORE: can stock restore it, to which version, and what is wrong with it.

    Exit code 0: nothing above info. 3: findings, and stock restores the latest version. 4: findings, and it can't.
    20: the store can't be read, or holds nothing that could be checked. 130: stopped early.
    """
    if as_json and json_lines:
        raise UsageError("--json and --json-lines ask for different answers", hint="give one of them")
    if summary and (as_json or json_lines):
        raise UsageError("--summary is for people, JSON for scripts", hint="give one of them")
    _require_level(level)
    from core.manifests import conflicting
    from core.stock import CompactionOptions
    from tui.headless.progress import announce, at_work, follower

    engine = connect(store, machine)
    watch = follower(json_lines)
    snapshot = look(engine, watch, accept=accept)
    chosen = conflicting(snapshot) if manifests == "conflicting" else None
    if level > 1:
        announce(engine.reader, snapshot, level, json_lines, chosen)
    factors = tuple(CompactionOptions(number, number, number) for number in compact_factors)
    with at_work("looking for problems"):
        report = engine.check(snapshot, level, factors, watch, chosen, afresh=afresh)
    _require_whole(report)
    notes = _notes(report)
    if as_json or json_lines:
        _put_json(report, notes, stream=json_lines)
    else:
        from tui.headless.printers.check import check_answer, summary_answer

        shown = None if show_all else limit
        answer = summary_answer(report, notes) if summary else check_answer(report, notes, shown)
        put_lines(answer, pager=not no_pager)
    return ExitCode.UNREACHABLE if holds_nothing(snapshot) else OF_VERDICT[report.word]


def _notes(report: Report) -> Notes:
    """What was decided about the problems on this machine: it marks them, and changes no verdict."""
    from tui.headless.documents.check import NO_NOTES, notes_on
    from tui.headless.surroundings import triage_notes

    kept = triage_notes()
    snapshot = report.snapshot
    return notes_on(report, kept.load(snapshot.location, snapshot.identities)) if kept else NO_NOTES


def _put_json(report: Report, notes: Notes, *, stream: bool) -> None:
    from tui.headless.documents.check import check_document, finding_fields, summary_fields

    if not stream:
        put_streamed(check_document(report, notes))
        return
    for finding in report.findings:
        put_record({"schema": SCHEMA, "message_type": "finding"} | finding_fields(finding, notes))
    put_streamed({"message_type": "summary"} | summary_fields(report, notes))


def _require_whole(report: Report) -> None:
    """Raises `Stopped` when manifests were left unread."""
    if report.evidence is not None and not report.evidence.complete:
        raise Stopped("stopped before all manifests were read: a partial look gives no answer", hint="run it again")


def _require_level(level: int) -> None:
    from core.engine import MAX_LEVEL

    if level > MAX_LEVEL:
        raise UsageError(
            f"there is no level {level}",
            hint=f"the deepest is --level {MAX_LEVEL}",
        )
