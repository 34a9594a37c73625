"""The document of `undo`: a change set as that of a compaction, and the operation that it takes back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from core.changes.apply import Applied
from core.changes.model import ChangeSet
from core.restore import StoreVerdict
from tui.headless.documents.changes import applied_fields, change_fields, resumed_fields
from tui.headless.documents.check import stock_fields
from tui.headless.json_text import SCHEMA


def undo_document(
    location: str,
    undoes: str,
    change: ChangeSet,
    verdicts: tuple[StoreVerdict, StoreVerdict],
    applied: Applied | None,
    resumed: Iterable[Applied],
    interrupted: Iterable[str],
) -> dict[str, Any]:
    """`verdicts` are those before and after the undo."""
    before, after = verdicts
    return {
        "schema": SCHEMA,
        "operation": "undo",
        "undoes": undoes,
        "refused": None,
        **change_fields(change, change.files_before, location),
        "stock_before": stock_fields(before),
        "stock_after": stock_fields(after),
        "applied": applied_fields(applied),
        "resumed": resumed_fields(resumed),
        "interrupted": list(interrupted),
    }
