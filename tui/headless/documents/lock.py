"""The document of `lock`: the lease as its file says it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from core.lease import LeaseState, LeaseView
from tui.headless.json_text import SCHEMA

_WORDS: Final = {
    LeaseState.FREE: "free",
    LeaseState.HELD: "held",
    LeaseState.ENDED: "ended",
    LeaseState.UNREADABLE: "unreadable",
}


def lock_document(location: str, lease: LeaseView | None) -> dict[str, Any]:
    """`state`: free, held, ended (held by a process of this machine that runs no more) or unreadable.

    `alive`: true for a holder that is at work, false for one that has ended, null where one look can't tell.
    `lease` are the fields of the lock file, null where there is none or it can't be read; `why` says why it can't.
    """
    return {
        "schema": SCHEMA,
        "store": location,
        "state": "free" if lease is None else _WORDS[lease.state],
        "alive": _alive(lease),
        "why": lease.why or None if lease else None,
        "break_id": None if lease is None or lease.state is LeaseState.FREE else lease.break_word,
        "lease": asdict(lease.record) if lease and lease.record else None,
    }


def _alive(lease: LeaseView | None) -> bool | None:
    if lease is not None and lease.state is LeaseState.ENDED:
        return False
    return True if lease is not None and lease.is_alive else None
