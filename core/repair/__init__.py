"""Repair: the change after which stock sees the chosen chain and nothing else (`recovery.md`, "Repair").

Planning only: the change set is carried out, journaled and taken back like every other one (`core.changes`).
"""

from core.repair.model import RepairPlan
from core.repair.plan import plan_repair

__all__ = ["RepairPlan", "plan_repair"]
