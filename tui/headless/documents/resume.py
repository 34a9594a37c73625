"""The document of `resume`: the operations that were interrupted, and how each ended."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from core.changes.apply import Applied
from tui.headless.documents.changes import applied_fields
from tui.headless.json_text import SCHEMA


def resume_document(location: str, resumed: Iterable[Applied]) -> dict[str, Any]:
    """Empty `resumed`: nothing was interrupted."""
    return {
        "schema": SCHEMA,
        "operation": "resume",
        "store": location,
        "resumed": [(applied_fields(each) or {}) | {"finished": each.outcome.finished} for each in resumed],
    }
