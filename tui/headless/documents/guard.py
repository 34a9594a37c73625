"""The report of `guard`: how the command ended, what it did to the files, and in which ways the store is worse."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from core.changes.apply import Applied
from core.guard import Guarded, new_problems
from tui.headless.documents.changes import applied_fields, resumed_fields
from tui.headless.documents.check import finding_fields, stock_fields
from tui.headless.json_text import SCHEMA


def guard_document(guarded: Guarded, command: Sequence[str], resumed: Iterable[Applied]) -> dict[str, Any]:
    """`worse` is empty where the command did no harm."""
    outcome = guarded.applied.outcome
    return {
        "schema": SCHEMA,
        "operation": "guard",
        "store": guarded.after.snapshot.location,
        "command": list(command),
        "exit_code": guarded.exit_code,
        "worse": list(guarded.worse),
        "came": [mark.handle for mark in outcome.came],
        "gone": [mark.handle for mark in outcome.gone],
        "changed": [mark.handle for mark in outcome.changed],
        "new_findings": [finding_fields(each) for each in new_problems(guarded.before, guarded.after)],
        "stock_before": stock_fields(guarded.before.verdict),
        "stock_after": stock_fields(guarded.after.verdict),
        "applied": applied_fields(guarded.applied),
        "resumed": resumed_fields(resumed),
    }
