"""The way back that a store still holds: chains with splices and recovered lines (`recovery.md`)."""

from core.recovery.model import DerivedManifest, Recovery
from core.recovery.plan import plan_recovery

__all__ = ["DerivedManifest", "Recovery", "plan_recovery"]
