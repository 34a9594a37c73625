"""Looking ahead, in a thread: how far an overlay and a repair would bring the store, as far as its lines can't say.

Manifests are read where entries compete, which may take a while; whoever waits is told how far it is, and may stop it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from core.errors import SeamlineError
from core.stopping import stoppable
from tui.messages import LookedAhead, LookingAhead, NotLookedAhead

if TYPE_CHECKING:
    from textual.message import Message

    from core.engine import Engine
    from core.manifests import EvidenceProgress
    from core.recovery import Recovery
    from core.repair import RepairPlan
    from core.restore import RestoreOptions, StoreVerdict
    from core.snapshot import Snapshot
    from tui.state import Session, Wishes

#: Work that is done sooner tells nothing of its progress; later it does so no more often than every `TELL_SECONDS`.
SILENT_SECONDS: Final = 1.0
TELL_SECONDS: Final = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """What a store can still be brought to: the best restore, the repair that leads there, and stock after it.

    `repaired` is stock's verdict after the repair, None where that is refused.
    """

    recovery: Recovery = field(repr=False)
    repair: RepairPlan = field(repr=False)
    repaired: StoreVerdict | None

    @property
    def verdict(self) -> StoreVerdict:
        """Stock's verdict now, with all that is known of manifests."""
        return self.recovery.preview.verdict

    @property
    def overlay_to(self) -> int | None:
        """The version that stock restores to through an overlay; None if nothing can be restored."""
        best = self.recovery.preview.best
        return None if best is None else best.lands_at

    @property
    def repair_to(self) -> int | None:
        """The version that stock restores to after a repair; None if that is refused, or of no use."""
        return None if self.repaired is None else self.repaired.stock_restorable_to

    @property
    def repair_helps(self) -> bool:
        """Whether there is something to repair, and it can be."""
        change = self.repair.change_set
        return change is not None and not change.is_empty


class Patience:
    """Watches manifests being read: tells `tell` how far that is if it takes long, and asks `stopped`."""

    def __init__(self, tell: Callable[[EvidenceProgress], object], stopped: Callable[[], bool]) -> None:
        self._tell = tell
        self.stopped = stopped
        self._next = time.monotonic() + SILENT_SECONDS

    def progress(self, progress: EvidenceProgress) -> None:
        """Tell how far it is, now and then."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + TELL_SECONDS
            self._tell(progress)


def options_of(wishes: Wishes, target: int | None = None, history: int | None = None) -> RestoreOptions:
    """The best restore to a version that keeps to what the operator chose."""
    from core.chain import Policy
    from core.restore import RestoreOptions

    return RestoreOptions(target, history, Policy(wishes.policy), frozenset(wishes.pins))


def recovery_of(engine: Engine, session: Session, options: RestoreOptions, watch: Patience) -> Recovery:
    """The recovery under some choices, at the session's look at the store; nothing is read twice.

    Raises `SeamlineError`, `Stopped` among them.
    """
    assert session.snapshot is not None
    known = session.outlook.recovery if session.outlook else None
    if known is not None and options == type(options)():
        return known
    return engine.plan_recovery(session.snapshot, options, watch, known.evidence if known else None)


def targets_of(
    engine: Engine, session: Session, options: RestoreOptions, watch: Patience, everything: Recovery | None
) -> tuple[Recovery, Recovery]:
    """The recovery under some choices, and that of everything under the same ones, which may be known already.

    Raises `SeamlineError`, `Stopped` among them.
    """
    assert session.snapshot is not None
    everything = everything or recovery_of(engine, session, replace(options, target_version=None), watch)
    return engine.plan_target(session.snapshot, options, watch, everything=everything)


def outlook_of(engine: Engine, snapshot: Snapshot, watch: Patience) -> Outlook:
    """The outlook of a store that was read to its end. Raises `SeamlineError`, `Stopped` among them."""
    recovery = engine.plan_recovery(snapshot, watch=watch)
    plan = engine.plan_repair(recovery)
    change = plan.change_set
    if change is None:
        return Outlook(recovery, plan, None)
    unchanged = recovery.preview.verdict
    return Outlook(
        recovery, plan, unchanged if change.is_empty else engine.foresee(snapshot, change, recovery.evidence)
    )


def look_ahead(
    engine: Engine, snapshot: Snapshot, post: Callable[[Message], object], stopped: Callable[[], bool]
) -> None:
    """Look ahead, telling `post` what is seen, or why nothing is."""
    watch = Patience(lambda progress: post(LookingAhead(progress.done, progress.total)), stopped)
    try:
        with stoppable(stopped):
            post(LookedAhead(outlook_of(engine, snapshot, watch)))
    except SeamlineError as error:
        post(NotLookedAhead(error.message))
