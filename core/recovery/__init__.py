"""The way back that a store still holds: chains with splices and recovered lines (`recovery.md`)."""

from core.recovery.model import DerivedManifest, ReachCost, Recovery
from core.recovery.plan import plan_recovery
from core.recovery.words import UNUSED_CHOICE, choice_sentences, cost_sentences, looked_sentence, unused_sentences

__all__ = [
    "UNUSED_CHOICE",
    "DerivedManifest",
    "ReachCost",
    "Recovery",
    "choice_sentences",
    "cost_sentences",
    "looked_sentence",
    "plan_recovery",
    "unused_sentences",
]
