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

    `lease` are the fields of the lock file, null where there is none or it can't be read; `why` says why it can't.
    """
    return {
        "schema": SCHEMA,
        "store": location,
        "state": "free" if lease is None else _WORDS[lease.state],
        "why": lease.why or None if lease else None,
        "break_id": None if lease is None or lease.state is LeaseState.FREE else lease.break_word,
        "lease": asdict(lease.record) if lease and lease.record else None,
    }
