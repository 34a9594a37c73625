"""What became of the operator's choices, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from core.phrases import listed, shown
from core.recovery.model import ReachCost, Recovery

#: What a refusal is called that asks for such choices to be accepted.
UNUSED_CHOICE: Final = "unused-choice"


def unused_sentences(recovery: Recovery) -> tuple[str, ...]:
    """Each choice that is not used, and why."""
    pins = (f"{shown(each.manifest)} is chosen and can't be used: {each.reason}." for each in recovery.unused_pins)
    vetoes = (f"The veto of {shown(each.manifest)} does nothing: {each.reason}." for each in recovery.unused_vetoes)
    return (*pins, *vetoes)


def choice_sentences(recovery: Recovery) -> tuple[str, ...]:
    """Each choice that is not used, then those that cost reach, from what to what."""
    return (*unused_sentences(recovery), *_costs(recovery))


def _costs(recovery: Recovery) -> Iterator[str]:
    for cost in recovery.costs:
        yield f"{_named(cost)}: the chain reaches {cost.without:,} without {_them(cost)}."


def _named(cost: ReachCost) -> str:
    return listed([shown(manifest) for manifest in cost.manifests])


def _them(cost: ReachCost) -> str:
    reached = "nothing" if cost.reached is None else f"{cost.reached:,}"
    return f"this choice, {reached} with it" if len(cost.manifests) == 1 else f"these choices, {reached} with them"
