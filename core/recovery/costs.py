"""What the operator's choices cost: how far a restore would get without them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from core.manifests import Evidence
from core.recovery.model import ReachCost, Recovery
from core.restore import RestoreOptions

#: So many choices are weighed one by one; more only together, since each takes another plan.
_WEIGHED: Final = 8


def reach_costs(
    recovery: Recovery, recovery_with: Callable[[RestoreOptions, Evidence | None], Recovery]
) -> Iterator[ReachCost]:
    """The choices without which a restore lands higher up, each by itself where that is enough, else all together.

    A pin alone costs nothing: chains are compared by their reach first. It does where it leads over what is broken.
    """
    wishes = recovery.wishes
    if not wishes.vetoes and not (wishes.pins and recovery.preview.options.broken):
        return
    choices, landed = sorted(wishes.pins | wishes.vetoes), _landing(recovery)

    def without(*left_out: str) -> int:
        pins, vetoes = wishes.pins.difference(left_out), wishes.vetoes.difference(left_out)
        return _landing(recovery_with(replace(wishes, pins=pins, vetoes=vetoes), recovery.evidence))

    free = without(*choices)
    if free <= landed:
        return
    reached = None if landed < 0 else landed
    alone = [(each, without(each)) for each in choices] if 1 < len(choices) <= _WEIGHED else []
    costly = [ReachCost((each,), higher, reached) for each, higher in alone if higher > landed]
    yield from costly or [ReachCost(tuple(choices), free, reached)]


def _landing(recovery: Recovery) -> int:
    """Where the restore lands; -1 for nowhere."""
    best = recovery.preview.best
    return -1 if best is None else best.lands_at
