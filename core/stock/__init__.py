"""What the unpatched stock tool would do with a store, in its own words. Nothing here reads or writes a store.

Proved against answers of the real tool; where stock loses data, so does this model.
"""

from __future__ import annotations

from core.stock.aging import Aging
from core.stock.compaction import (
    CHART_FACTORS,
    IDENTITY_HANDLE,
    LANE_ORDER,
    CompactionOptions,
    CompactionRun,
    group_content,
    newest_timestamps,
    simulate_compaction,
)
from core.stock.failure import StockFailure
from core.stock.groups import CompactedGroup, LaneGroups
from core.stock.loading import load_error
from core.stock.restore import (
    AcceptedTarget,
    StockPlan,
    greatest_accepted_target,
    greatest_working_target,
    restore_plan,
)
from core.stock.selection import (
    StorageState,
    max_transaction_version,
    select_epoch_endings,
    select_state_snapshot,
    select_transactions,
    storage_state,
)
from core.stock.stops import CompactionStop, Step

__all__ = [
    "CHART_FACTORS",
    "IDENTITY_HANDLE",
    "LANE_ORDER",
    "AcceptedTarget",
    "Aging",
    "CompactedGroup",
    "CompactionOptions",
    "CompactionRun",
    "CompactionStop",
    "LaneGroups",
    "Step",
    "StockFailure",
    "StockPlan",
    "StorageState",
    "greatest_accepted_target",
    "greatest_working_target",
    "group_content",
    "load_error",
    "max_transaction_version",
    "newest_timestamps",
    "restore_plan",
    "select_epoch_endings",
    "select_state_snapshot",
    "select_transactions",
    "simulate_compaction",
    "storage_state",
]
