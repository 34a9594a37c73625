"""What a planned repair is, as a frozen value."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.changes.model import ChangeSet
from core.compaction.refusals import Refusal
from core.recovery.model import Recovery


@dataclass(frozen=True, slots=True, eq=False)
class RepairPlan:
    """What a repair would do, or why it must not.

    Exactly one of `change_set` (empty where there is nothing to do) and `refusal` is there. `side_effects` are
    sentences on what else happens, none where nothing is done.
    """

    recovery: Recovery = field(repr=False)
    change_set: ChangeSet | None
    refusal: Refusal | None
    side_effects: tuple[str, ...] = ()
