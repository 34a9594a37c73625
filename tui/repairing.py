"""What the repair screen shows, worked out in a thread: the plan, and what stock says and sees before and after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from core.chain import named_rows
from core.changes.after import after
from core.invocation import Repair
from core.lod import Coverage, LaneIndex, build_coverage
from core.model import LaneKind
from core.picture import Picture, build_picture
from core.restore import verdict
from tui import proposal as proposals
from tui.proposal import Foreseen, Proposal
from tui.recovering import Patience, recovery_of
from tui.widgets.layers import masked
from tui.widgets.scene import LANES

if TYPE_CHECKING:
    from core.engine import Engine
    from core.ground import AddedLine
    from core.recovery import Recovery
    from core.repair import RepairPlan
    from core.restore import RestoreOptions, StoreVerdict
    from tui.state import Session
    from tui.widgets.prose import Paragraph


@dataclass(frozen=True, slots=True, eq=False)
class LaneChange:
    """One lane as stock sees it now and, None where nothing changes, afterwards.

    With `changes` others of its entries are visible then; `spliced` and `recovered` are where those lie that come.
    """

    kind: LaneKind
    before: LaneIndex
    after: LaneIndex | None
    spliced: Coverage
    recovered: Coverage
    changes: bool


@dataclass(frozen=True, slots=True, eq=False)
class RepairAnswer:
    """A repair, planned: `proposal` is what is opened to be carried out, None where there is nothing to do or no way.

    `now` and `then` are stock's verdicts before and after, the latter None without a change. `lanes` are in the order
    in which they are drawn, `end` is where their axis ends. Stock stops at `stops_at` now, and
    fails from `fails_from` on afterwards; each None if it does not. `story` is all that in words.
    """

    recovery: Recovery = field(repr=False)
    plan: RepairPlan = field(repr=False)
    parked: bool
    proposal: Proposal | None
    now: StoreVerdict
    then: StoreVerdict | None
    lanes: tuple[LaneChange, ...]
    end: int
    stops_at: int | None
    fails_from: int | None
    story: tuple[Paragraph, ...] = ()

    @property
    def tail(self) -> int:
        """How many visible entries lie behind a true gap."""
        return sum(len(rows) for rows in self.recovery.tail.values())

    @property
    def proven_minimal(self) -> bool:
        """Whether no other choice of the same worth retires fewer files."""
        return self.recovery.proven_minimal


def repair_answer(
    engine: Engine, session: Session, options: RestoreOptions, *, park: bool, watch: Patience
) -> RepairAnswer:
    """The repair under the operator's choices; with `park` of what lies behind a gap too. Raises `SeamlineError`."""
    snapshot, picture = session.snapshot, session.picture
    assert snapshot is not None and picture is not None
    recovery = recovery_of(engine, session, options, watch)
    plan = engine.plan_repair(recovery, park_tail=park)
    now, change = recovery.preview.verdict, plan.change_set
    if change is None or change.is_empty:
        proposal, later, then = None, None, None
    else:
        command = Repair(
            wishes=options,
            park_tail=park,
            accept_unused=recovery.has_unused_choices,
            yes=True,
            plan_id=change.plan_id,
        )
        afterwards = after(snapshot, change)
        later = verdict(afterwards, recovery.evidence)
        proposal = proposals.repair(session, plan, command, Foreseen(now, later))
        then = build_picture(afterwards.index)
    changed = {kind for kind, (was, is_then) in proposal.lanes.items() if was != is_then} if proposal else set()
    lanes = tuple(_lane_change(recovery, kind, picture, then, kind in changed) for kind in LANES)
    ends = [picture.near_end or picture.end, *([then.near_end or then.end] if then else [])]
    fails_from = later.stock_fails_from if later else None
    return RepairAnswer(recovery, plan, park, proposal, now, later, lanes, max(ends), _stops_at(recovery), fails_from)


def _stops_at(recovery: Recovery) -> int | None:
    """Where on the axis stock stops now."""
    stock, index = recovery.preview.stock, recovery.preview.index
    if stock.stops_row is None or stock.stops_lane is None:
        return None
    return int(index.lanes[stock.stops_lane].first_version[stock.stops_row])


def _lane_change(
    recovery: Recovery, kind: LaneKind, before: Picture, then: Picture | None, changes: bool
) -> LaneChange:
    lines = recovery.preview.ground.lines[kind] if then else ()
    later = then.lanes[kind] if then else None
    return LaneChange(
        kind,
        before.lanes[kind],
        later,
        _coverage(later, [line for line in lines if line.source is not None]),
        _coverage(later, [line for line in lines if line.source is None]),
        changes,
    )


def _coverage(index: LaneIndex | None, lines: Sequence[AddedLine]) -> Coverage:
    """Where some lines lie on the axis."""
    if index is None or not lines:
        return build_coverage(np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.uint64))
    wanted = frozenset(line.record.manifest for line in lines)
    places = masked(len(index.lane), named_rows(index.lane.manifests, wanted))[index.rows]
    return build_coverage(index.first[places], index.last[places])


def retired_rows(answer: RepairAnswer, most: int) -> tuple[list[tuple[LaneKind, int]], int]:
    """The first `most` entries that are seen no more, transactions first, and how many there are.

    Each as its lane, and its row of the recovery's preview.
    """
    recovery = answer.recovery
    found: list[tuple[LaneKind, int]] = []
    count = 0
    for kind in reversed(LANES):
        rows = recovery.rejected[kind]
        if answer.parked:
            rows = np.union1d(rows, recovery.tail[kind])
        visible = recovery.preview.ground.visible(kind)
        found += [(kind, row) for row in visible[rows[: most - len(found)]].tolist()]
        count += len(rows)
    return found, count
