"""What this tool's own journal and memory say of a store: operations that did not end, files that are gone."""

from __future__ import annotations

from collections.abc import Iterator

from core.findings import commands
from core.findings.build import finding
from core.findings.case import Case
from core.findings.registry import detector
from core.journal.names import interrupted_in
from core.last_look import accept_command, gone_words
from core.lease import LOCK_HANDLE, held_words
from core.model import Claim, Finding, Severity
from core.names import JOURNAL_FOLDER, OWN_FOLDER
from core.phrases import command, count, listed, shown


@detector("interrupted-operation")
def interrupted_operations(case: Case) -> Iterator[Finding]:
    """Operations that began and did not end, and a journal that can't be listed, so that nobody knows."""
    if case.snapshot.journal_fault is not None:
        yield finding(
            "interrupted-operation",
            explanation="The journal of this tool can't be listed, so nobody knows whether an operation was "
            f"interrupted: {shown(case.snapshot.journal_fault)}.",
            cause=f"Something else stands at {OWN_FOLDER}/ in the store, or it may not be read.",
            next_step=commands.listing(case, OWN_FOLDER),
            claims=[Claim(OWN_FOLDER, 0)],
        )
    interrupted = interrupted_in(case.snapshot.journal)
    if interrupted and case.lease is not None and case.lease.is_at_work(case.now) and case.lease.record:
        yield finding(
            "interrupted-operation",
            severity=Severity.INFO,
            explanation=f"An operation is under way: {held_words(case.lease.record)}.",
            cause="Somebody writes to this store just now.",
            next_step=command("seamline", "lock", case.snapshot.location, "show"),
            claims=[Claim(LOCK_HANDLE, 0)],
        )
    elif interrupted:
        ids = [files.id for files in interrupted]
        yield finding(
            "interrupted-operation",
            explanation=f"{count(len(ids), 'operation')} began and did not end: {listed(ids)}. No line is lost; "
            "nothing else is written to this store until it is finished or taken back (seamline undo).",
            cause="The process or the machine ended while it wrote, it was stopped, or it lost the lease.",
            next_step=command("seamline", "resume", case.snapshot.location),
            claims=[Claim(f"{JOURNAL_FOLDER}/{each}.intent.json", 0) for each in ids],
        )


@detector("listing-shrank")
def shrunk_listing(case: Case) -> Iterator[Finding]:
    """Files that the last look saw, and that no folder and no journal accounts for."""
    gone = case.snapshot.gone
    if gone:
        yield finding(
            "listing-shrank",
            explanation=f"Since the last look from here {gone_words(gone)}. Neither metadata_backup/ nor the journal "
            "tells where to, and nothing is planned on such a listing.",
            cause="A mount or a bucket that shows only a part, a failing listing, or somebody who deleted them.",
            next_step=accept_command(case.snapshot.location),
            claims=[Claim(handle, 0) for handle in gone],
        )
