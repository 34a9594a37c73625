"""The document of `compact`: the change set, and what stock's own compaction would do to the same store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from core.changes.apply import Applied
from core.compaction import CompactionPlan, CompactionPreview
from core.compaction.hazards import CompactionHazard
from tui.headless.documents.changes import applied_fields, change_fields, refused_fields, resumed_fields
from tui.headless.json_text import SCHEMA


def compaction_document(
    plan: CompactionPlan,
    location: str,
    stock: dict[str, Any],
    applied: Applied | None,
    resumed: Iterable[Applied] = (),
    interrupted: Iterable[str] = (),
) -> dict[str, Any]:
    """`stock` is `check.stock`; it holds before and after, as every entry stays.

    `resumed` were finished first; `interrupted` are the operations that wait for that.
    """
    return {
        "schema": SCHEMA,
        "operation": "compact",
        "refused": refused_fields(plan.refusal),
        **change_fields(plan.change_set, plan.preview.files_before, location),
        "stock_before": stock,
        "stock_after": stock,
        "applied": applied_fields(applied),
        "resumed": resumed_fields(resumed),
        "interrupted": list(interrupted),
        "repairs": _hazards(plan.repairs),
        "stops": _stops(plan.preview),
        "hazards": _hazards(plan.preview.hazards),
    }


def _hazards(hazards: Iterable[CompactionHazard]) -> list[dict[str, Any]]:
    return [
        {"kind": each.id, "count": each.count, "explanation": each.text, "handles": list(each.handles)}
        for each in hazards
    ]


def _stops(preview: CompactionPreview) -> dict[str, Any] | None:
    stop = preview.stop
    if stop is None:
        return None
    return {
        "step": stop.step.value,
        "message": stop.message,
        "panic": stop.panic,
        "lane": stop.lane.value if stop.lane else None,
        "group": stop.group,
        "handle": stop.handle,
    }
