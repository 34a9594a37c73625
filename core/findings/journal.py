"""What this tool's own journal and memory say of a store: operations that did not end, files that are gone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from core.changes.model import OperationKind
from core.columns import Lane
from core.findings import commands
from core.findings.build import finding, some_claims, some_entries
from core.findings.case import ENTRY_LANES, Case
from core.findings.registry import detector
from core.invocation import Lock, Resume
from core.journal.denylist import denied_rows
from core.journal.holding import Unfinished, unfinished_in
from core.journal.names import interrupted_in
from core.last_look import accept_command, gone_words, other_store_words
from core.lease import LOCK_HANDLE, held_words, life_words
from core.model import Claim, Finding, Severity, end_of
from core.names import JOURNAL_FOLDER, OWN_FOLDER
from core.phrases import count, entries, listed, shown, span

#: The shapes of an operation that has no end as somebody is at work on it, or may be.
AT_WORK: Final = "at-work"
HELD: Final = "held"
#: More stretches than this of one lane are told as one.
_MOST_STRETCHES: Final = 200


@detector("interrupted-operation")
def interrupted_operations(case: Case) -> Iterator[Finding]:
    """Operations that began and did not end, whose they are, and a journal that can't be listed, so nobody knows."""
    if case.snapshot.journal_fault is not None:
        yield finding(
            "interrupted-operation",
            explanation="The journal of this tool can't be listed, so nobody knows whether an operation was "
            f"interrupted: {shown(case.snapshot.journal_fault)}.",
            cause=f"Something else stands at {OWN_FOLDER}/ in the store, or it may not be read.",
            next_step=commands.listing(case, OWN_FOLDER),
            then="If it is a folder that may not be read, give the right to read it. If it is anything else, move it "
            "out of the way. Then check again: nothing is written before that.",
            claims=[Claim(OWN_FOLDER, 0)],
        )
    unfinished = case.unfinished or unfinished_in(case.snapshot.journal, None)
    yield from _at_work(case, unfinished)
    if unfinished.interrupted:
        ids = [files.id for files in unfinished.interrupted]
        yield finding(
            "interrupted-operation",
            explanation=f"{count(len(ids), 'operation')} began and did not end: {listed(ids)}. No line is lost; "
            "nothing else is written to this store until it is finished or taken back (seamline undo).",
            cause="The process or the machine ended while it wrote, it was stopped, or it lost the lease.",
            next_step=str(Resume(case.snapshot.location)),
            claims=[Claim(f"{JOURNAL_FOLDER}/{each}.intent.json", 0) for each in ids],
        )


def _at_work(case: Case, unfinished: Unfinished) -> Iterator[Finding]:
    """The operation of whoever holds the lease: no alarm while that is known to be alive."""
    lease, held = unfinished.lease, unfinished.held
    holder = lease.holder if lease else None
    if lease is None or held is None or holder is None:
        return
    under_way = "is under way" if lease.is_alive else "has no end yet, and the lease is held"
    yield finding(
        "interrupted-operation",
        severity=Severity.INFO if lease.is_alive else Severity.WARNING,
        shape=AT_WORK if lease.is_alive else HELD,
        explanation=f"Operation {held.id} {under_way}: {held_words(holder)}; "
        f"{life_words(holder, alive=lease.is_alive)}. Nothing else is written to this store meanwhile; "
        "--wait 5m waits for it.",
        cause="Somebody writes to this store just now."
        if lease.is_alive
        else "Somebody writes to this store from another machine, or did, and ended without giving the lease back.",
        next_step=str(Lock(case.snapshot.location, "show"))
        if lease.is_alive
        else str(Resume(case.snapshot.location, "5m")),
        claims=[Claim(LOCK_HANDLE, 0)],
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
            next_step=str(accept_command(case.snapshot)),
            claims=[Claim(handle, 0) for handle in gone],
        )


@detector("other-store")
def another_store(case: Case) -> Iterator[Finding]:
    """A store of another identity than the last look from here saw at the same path."""
    other = case.snapshot.other
    if other is not None:
        words = other_store_words(other)
        yield finding(
            "other-store",
            explanation=f"{words[:1].upper()}{words[1:]}. Nothing is planned on it until that is said to be right.",
            cause="A mount that went elsewhere, a path or a prefix that was used again, a store that was replaced by "
            "a copy of another one.",
            next_step=str(accept_command(case.snapshot)),
            claims=[claim for _, claim in (*case.index.identities, *case.retired.identities)],
        )


@detector("resurrected")
def resurrected_entries(case: Case) -> Iterator[Finding]:
    """Entries that a repair rejected and that are visible again, one finding for those that lie together.

    While an undo is under way, or was cut off, they are meant to come back.
    """
    if not case.denylist or any(files.kind is OperationKind.UNDO for files in interrupted_in(case.snapshot.journal)):
        return
    for kind in ENTRY_LANES:
        lane = case.lane(kind)
        stretches = list(_together(lane, denied_rows(lane, case.denylist).tolist()))
        rest = [row for stretch in stretches[_MOST_STRETCHES:] for row in stretch]
        for rows in (*stretches[:_MOST_STRETCHES], *([rest] if rest else [])):
            yield _resurrected(case, lane, rows)


def _together(lane: Lane, rows: list[int]) -> Iterator[list[int]]:
    """Runs of rows that touch or overlap."""
    run: list[int] = []
    reached = 0
    for row in rows:
        if run and int(lane.first[row]) > end_of(reached):
            yield run
            run, reached = [], 0
        run.append(row)
        reached = max(reached, int(lane.last[row]))
    if run:
        yield run


def _resurrected(case: Case, lane: Lane, rows: list[int]) -> Finding:
    first = min(int(min(lane.first[row], lane.last[row])) for row in rows)
    last = max(int(max(lane.first[row], lane.last[row])) for row in rows)
    operations = list(dict.fromkeys(case.denylist[lane.record(row)] for row in rows))
    claims = some_claims(lane, rows)
    where = listed([shown(str(claim)) for claim in claims])
    is_back = "is" if len(rows) == 1 else "are"
    return finding(
        "resurrected",
        lane=lane.kind,
        range_=(first, last),
        explanation=f"{entries(len(rows), lane.kind)} for {span(lane.kind, first, last)} that a repair rejected "
        f"{is_back} visible again: {where}. The repair was {listed(operations)}.",
        cause="A compaction that had loaded the lines before the repair wrote them back, or somebody moved a retired "
        "file back.",
        next_step=commands.repair(case),
        entries=some_entries(lane, rows),
        claims=claims,
    )
