"""The document of a change set: what is written and set aside, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from core.changes.apply import Applied
from core.changes.model import ChangeSet, Move
from core.changes.window import STOCK_SAYS, Window, window_of
from core.compaction.refusals import Refusal


def change_fields(change: ChangeSet | None, files: int, location: str) -> dict[str, Any]:
    """What a change does to the `files` of `metadata/` of the store at `location`; nothing if it was refused.

    `readers`: how many files move away from stock's readers at the end, and in about how many seconds.
    """
    if change is None:
        return {
            "writes": [],
            "restores": [],
            "retires": [],
            "expires": [],
            "kept": [],
            "files_before": files,
            "files_after": files,
            "plan_id": "",
            "readers": None,
        }
    return {
        "writes": [
            {"handle": each.handle, "lines": each.lines, "bytes": len(each.content)} for each in change.all_writes
        ],
        "restores": _moves(change.restores),
        "retires": _moves(change.retires),
        "expires": [{"handle": handle, "at": at} for handle, at in change.expires],
        "kept": [{"handle": handle, "because": why} for handle, why in change.kept],
        "files_before": change.files_before,
        "files_after": change.files_after,
        "plan_id": change.plan_id,
        "readers": _readers(window_of(change, location)),
    }


def _readers(window: Window | None) -> dict[str, Any] | None:
    if window is None:
        return None
    return {
        "moves": window.moves,
        "seconds": round(window.seconds, 3),
        "stock_says": STOCK_SAYS,
        "explanation": window.words,
    }


def refused_fields(refused: Refusal | None) -> dict[str, Any] | None:
    """Why there is no change; None if there is one."""
    if refused is None:
        return None
    return {
        "kind": refused.kind,
        "explanation": refused.explanation,
        "stock_says": refused.stock_says,
        "next_step": refused.next_step,
        "then": refused.then or None,
    }


def applied_fields(applied: Applied | None) -> dict[str, Any] | None:
    """What came of it; None if nothing was carried out."""
    if applied is None:
        return None
    return {
        "operation_id": applied.operation,
        "seconds": round(float(applied.seconds), 3),
        "notes": list(applied.outcome.notes),
    }


def resumed_fields(resumed: Iterable[Applied]) -> list[str]:
    """The operations that were interrupted and finished first."""
    return [each.operation for each in resumed]


def _moves(moves: Iterable[Move]) -> list[dict[str, str]]:
    """Files that move, under the name that they have in `metadata/` or had there."""
    return [
        {
            "handle": move.source if move.source.startswith("metadata/") else move.target,
            "because": move.because,
            "to" if move.source.startswith("metadata/") else "from": (
                move.target if move.source.startswith("metadata/") else move.source
            ),
        }
        for move in moves
    ]
