"""What `x` writes: the facts of a screen as JSON values, in a file of their own outside the store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from core.lease import held_words
from core.model import Entry, Finding, Zone
from core.triage import OPEN
from tui.state import Session, View

if TYPE_CHECKING:
    from core.journal import Operation
    from tui.proposal import Proposal

#: More entries than this in view are counted, not listed.
ENTRIES_EXPORTED: Final = 10_000


#: So many exports of one screen may lie in one folder.
_MOST_FILES: Final = 10_000


def write_export(folder: Path, store: Path, name: str, document: dict[str, Any]) -> str:
    """Write `document` into `folder` under a new name; the answer says where it is, or why it was not written."""
    text = json.dumps(document, indent=2, ensure_ascii=True, default=list) + "\n"
    return write_new(folder, store, name, "json", text)


def write_new(folder: Path, store: Path, name: str, kind: str, content: str) -> str:
    """Write a file of a new name with the ending `kind`; the answer says where it is, or why it was not written."""
    try:
        where = folder.resolve()
        is_inside = where.is_relative_to(store.resolve())
    except (OSError, RuntimeError) as error:
        return f"not exported: {_why(error)}"
    if is_inside:
        return "not exported: the current folder is inside the store, and nothing is written there"
    for number in range(1, _MOST_FILES):
        path = where / f"seamline-{name}-{number}.{kind}"
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(content)
        except FileExistsError:
            continue
        except OSError as error:
            return f"not exported: {_why(error)}"
        return f"wrote {path.name}, {len(content):,} bytes, into {where}"
    return "not exported: remove some of the exports in this folder first"


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def entry_value(entry: Entry) -> dict[str, Any]:
    """One entry with the files and lines that claim it."""
    return {
        "lane": entry.lane.value,
        "first": entry.first,
        "last": entry.last,
        "manifest": entry.manifest,
        "claims": [{"file": claim.file, "line": claim.line} for claim in entry.claims],
    }


def finding_value(finding: Finding) -> dict[str, Any]:
    """One finding."""
    return {
        "id": finding.id,
        "kind": finding.kind,
        "severity": finding.severity.value,
        "lane": finding.lane.value,
        "first": finding.first,
        "last": finding.last,
        "stock_says": finding.stock_says,
        "explanation": finding.explanation,
        "cause": finding.cause,
        "next_step": finding.next_step,
        "then": finding.then or None,
        "entries": [entry_value(entry) for entry in finding.entries],
        "claims": [{"file": claim.file, "line": claim.line} for claim in finding.claims],
    }


def zone_value(zone: Zone) -> dict[str, Any]:
    """One problem with its findings."""
    return {
        "lane": zone.lane.value,
        "first": zone.first,
        "last": zone.last,
        "title": zone.title,
        "severity": zone.severity.value,
        "findings": [finding_value(finding) for finding in zone.findings],
    }


def timeline_document(session: Session) -> dict[str, Any]:
    """The timeline: what is in view and what is selected there, and every problem of the store."""
    report, view = session.report, session.place.view
    return {
        "schema": 1,
        "screen": "timeline",
        "store": session.location,
        "complete": session.complete,
        "verdict": report.word if report else None,
        "view": {"first": view.start, "last": view.end - 1, "cursor": view.cursor},
        "selected": {
            "lane": session.place.lane.value,
            "problem": session.zone,
            "entry": entry_value(session.selected) if session.selected else None,
        },
        "lanes": _lanes_in_view(session, view),
        "problems": [zone_value(zone) | _note_value(session, index) for index, zone in enumerate(session.zones)],
    }


def _note_value(session: Session, zone: int) -> dict[str, Any]:
    """What the operator noted on a problem."""
    state = session.notes.get(zone, OPEN)
    return {
        "standing": state.standing.value,
        "pins": sorted(state.pins),
        "vetoes": sorted(state.vetoes),
        "reason": state.reason or None,
        "until": state.until,
    }


def _lanes_in_view(session: Session, view: View) -> dict[str, Any]:
    if session.picture is None or not session.picture.end:
        return {}
    lanes: dict[str, Any] = {}
    for kind, index in session.picture.lanes.items():
        totals = index.whole.measure(view.start, view.end - 1)
        places = index.within(view.start, view.end - 1)
        rows = [int(index.rows[place]) for place in places[:ENTRIES_EXPORTED]]
        lanes[kind.value] = {
            "missing": totals.missing,
            "covered": totals.covered,
            "conflict": totals.conflict,
            "entry_count": len(places),
            "entries": [entry_value(entry) for entry in index.lane.entries(rows)],
        }
    return lanes


def change_document(proposal: Proposal, location: str) -> dict[str, Any]:
    """One operation with all its files."""
    return {
        "schema": 1,
        "screen": "change set",
        "store": location,
        "operation": proposal.kind.value,
        "about": proposal.title,
        "operation_id": proposal.operation.id if proposal.operation else None,
        "plan_id": proposal.plan_id or None,
        "files_before": proposal.files_before,
        "files_after": proposal.files_after,
        "files": [
            {
                "what": item.verb.value,
                "handle": item.handle,
                "because": item.because or None,
                "lines": item.lines,
                "bytes": item.size,
                "until": item.until,
            }
            for item in proposal.files
        ],
        "repairs": [{"kind": each.id, "count": each.count, "explanation": each.text} for each in proposal.repairs],
    }


def journal_document(operations: Sequence[Operation], location: str) -> dict[str, Any]:
    """The journal, newest operation first."""
    return {
        "schema": 1,
        "screen": "changes",
        "store": location,
        "operations": [
            {
                "operation_id": each.id,
                "kind": each.kind.value,
                "state": each.state.value,
                "at": each.intent.at if each.intent else None,
                "user": each.intent.user if each.intent else None,
                "host": each.intent.host if each.intent else None,
                "notes": list(each.outcome.notes) if each.outcome else [],
                "fault": each.fault,
                "held_by": held_words(each.holder) if each.holder else None,
            }
            for each in operations
        ],
    }
