"""The document of `log`: every operation of a store's journal, newest first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from core.changes.marks import FileMark
from core.journal import Intent, Operation, Outcome
from core.lease import LeaseView
from tui.headless.json_text import SCHEMA


def log_document(location: str, operations: Iterable[Operation]) -> dict[str, Any]:
    """Handles only: what stood in the files is in the journal itself.

    `state`: done, closed, undone, interrupted, running (the lease is held for it, by somebody who is alive) or held (by
    somebody of whom one look can't tell); `holder` says who, null where nobody is at work.
    """
    return {
        "schema": SCHEMA,
        "store": location,
        "operations": [_operation_fields(each) for each in operations],
    }


def _operation_fields(operation: Operation) -> dict[str, Any]:
    return {
        "operation_id": operation.id,
        "kind": operation.kind.value,
        "state": operation.state.value,
        "token": operation.files.token,
        "fault": operation.fault,
        **_intent_fields(operation.intent),
        **_outcome_fields(operation.outcome),
        "undone_by": operation.undone.by if operation.undone else None,
        "holder": _holder_fields(operation.lease),
    }


def _holder_fields(lease: LeaseView | None) -> dict[str, Any] | None:
    """Who is at work on an operation, or may be; `alive` is null where one look can't tell."""
    holder = lease.holder if lease else None
    if lease is None or holder is None:
        return None
    return {
        "owner": holder.owner,
        "user": holder.user,
        "host": holder.host,
        "pid": holder.pid,
        "since": holder.timestamp,
        "purpose": holder.purpose,
        "progress": holder.progress,
        "alive": True if lease.is_alive else None,
    }


def _intent_fields(intent: Intent | None) -> dict[str, Any]:
    return {
        "at": intent.at if intent else None,
        "user": intent.user if intent else None,
        "host": intent.host if intent else None,
        "pid": intent.pid if intent else None,
        "label": intent.label if intent else None,
        "plan_id": intent.plan_id if intent else None,
        "writes": [write.mark.handle for write in intent.all_writes] if intent else [],
        "derived": [write.mark.handle for write in intent.derived] if intent else [],
        "restores": [move.target for move in intent.restores] if intent else [],
        "retires": [move.source for move in intent.retires] if intent else [],
        "undoes": intent.undoes if intent else None,
        "command": list(intent.command) if intent else [],
    }


def _outcome_fields(outcome: Outcome | None) -> dict[str, Any]:
    return {
        "ended_at": outcome.at if outcome else None,
        "finished": outcome.finished if outcome else None,
        "notes": list(outcome.notes) if outcome else [],
        "came": _handles(outcome.came if outcome else ()),
        "gone": _handles(outcome.gone if outcome else ()),
        "changed": _handles(outcome.changed if outcome else ()),
        "exit_code": outcome.exit_code if outcome else None,
    }


def _handles(marks: Iterable[FileMark]) -> list[str]:
    return [mark.handle for mark in marks]
