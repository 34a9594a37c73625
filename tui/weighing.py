"""What the repair that goes with each of two choices would do to the files, worked out in a thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.choices import in_chain
from tui.recovering import Patience, options_of, recovery_of

if TYPE_CHECKING:
    from core.choices import WithEntry
    from core.engine import Engine
    from core.model import Entry
    from core.restore import StoreVerdict
    from tui.comparison import Pair
    from tui.state import Session, Wishes


@dataclass(frozen=True, slots=True)
class RepairWith:
    """The repair when one entry is chosen, and what the `chain` then is, retired lines and splices included.

    `unused` are the choices that it does without. So many metadata files are `written` and `retired`, so many `stay`;
    `derived` manifests are written beside them. `verdict` is stock's afterwards. With a `refusal` there is no such
    repair, and nothing is said of files.
    """

    chain: WithEntry
    unused: frozenset[str] = frozenset()
    written: int = 0
    retired: int = 0
    stay: int = 0
    derived: int = 0
    verdict: StoreVerdict | None = None
    refusal: str = ""

    @property
    def has_work(self) -> bool:
        """Whether it would do anything."""
        return bool(self.written or self.retired or self.derived)


def repairs_with(
    engine: Engine, session: Session, wishes: Wishes, pair: Pair, watch: Patience
) -> tuple[RepairWith, RepairWith]:
    """The repairs with A chosen and with B chosen, all other choices being as they are. Raises `SeamlineError`."""
    a, b = pair
    return (
        _repair_with(engine, session, wishes.with_choice(a, (b,)), a, watch),
        _repair_with(engine, session, wishes.with_choice(b, (a,)), b, watch),
    )


def _repair_with(engine: Engine, session: Session, wishes: Wishes, entry: Entry, watch: Patience) -> RepairWith:
    recovery = recovery_of(engine, session, options_of(wishes), watch)
    plan = engine.plan_repair(recovery)
    chain, change = in_chain(recovery.preview, entry), plan.change_set
    unused = frozenset(each.manifest for each in recovery.unused_pins)
    if change is None:
        assert plan.refusal is not None
        return RepairWith(chain, unused, refusal=plan.refusal.explanation)
    unchanged = recovery.preview.verdict
    return RepairWith(
        chain,
        unused,
        written=len(change.all_writes),
        retired=len(change.retires),
        stay=change.files_before - len(change.retires),
        derived=len(change.derived),
        verdict=unchanged if change.is_empty else engine.foresee(recovery.snapshot, change, recovery.evidence),
    )
