"""Compaction: what stock's would do (`preview`), and what ours does instead (`plan`). Pure; nothing is written."""

from __future__ import annotations

from core.compaction.hazards import CompactionHazard
from core.compaction.plan import CompactionPlan, plan_compaction
from core.compaction.preview import (
    CompactionPreview,
    GroupStatus,
    LineState,
    PreviewGroup,
    PreviewLane,
    RetiredFile,
    StopLine,
    preview_compaction,
)
from core.compaction.refusals import Refusal

__all__ = [
    "CompactionHazard",
    "CompactionPlan",
    "CompactionPreview",
    "GroupStatus",
    "LineState",
    "PreviewGroup",
    "PreviewLane",
    "Refusal",
    "RetiredFile",
    "StopLine",
    "plan_compaction",
    "preview_compaction",
]
