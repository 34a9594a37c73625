"""Restore plans: what stock would do with a request, and the restore that works on what a store holds."""

from core.restore.highest import HighestTargets, highest_targets
from core.restore.model import (
    BestRestore,
    Needs,
    RestoreNote,
    RestoreOptions,
    RestorePreview,
    RestoreStep,
    StepKind,
    StepStatus,
    StockAnswer,
    StoreVerdict,
    WayThrough,
)
from core.restore.plan import plan_restore
from core.restore.skipped import LeftOut, Runs, SkippedRun
from core.restore.unused import UnusedChoice, unused_pins, unused_vetoes, why_unused
from core.restore.verdict import verdict
from core.restore.words import gap_commands, lower_failure, preview_sentences, stock_words, verdict_sentence

__all__ = [
    "BestRestore",
    "HighestTargets",
    "LeftOut",
    "Needs",
    "RestoreNote",
    "RestoreOptions",
    "RestorePreview",
    "RestoreStep",
    "Runs",
    "SkippedRun",
    "StepKind",
    "StepStatus",
    "StockAnswer",
    "StoreVerdict",
    "UnusedChoice",
    "WayThrough",
    "gap_commands",
    "highest_targets",
    "lower_failure",
    "plan_restore",
    "preview_sentences",
    "stock_words",
    "unused_pins",
    "unused_vetoes",
    "verdict",
    "verdict_sentence",
    "why_unused",
]
