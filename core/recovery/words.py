"""What became of the operator's choices, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from core.manifests import ManifestStatus
from core.phrases import count, listed, shown
from core.recovery.model import ReachCost, Recovery
from core.snapshot import metadata_only

#: What a refusal is called that asks for such choices to be accepted.
UNUSED_CHOICE: Final = "unused-choice"


def unused_sentences(recovery: Recovery) -> tuple[str, ...]:
    """Each choice that is not used, and why."""
    pins = (f"{shown(each.manifest)} is chosen and can't be used: {each.reason}." for each in recovery.unused_pins)
    vetoes = (f"The veto of {shown(each.manifest)} does nothing: {each.reason}." for each in recovery.unused_vetoes)
    return (*pins, *vetoes)


def looked_sentence(recovery: Recovery) -> str:
    """What was looked into to choose among what competes, and what of it is not there; empty if nothing was."""
    if metadata_only(recovery.snapshot):
        return "The store holds its metadata only: no manifest could be looked at, and the policy alone chose."
    found = recovery.evidence.manifests.values() if recovery.evidence else ()
    missing = sum(facts.status is ManifestStatus.MISSING for facts in found)
    if not missing:
        return ""
    looked = count(len(found), "manifest that was looked at is", "manifests that were looked at are")
    return f"{missing:,} of {looked} not in the store: whatever is not there counts as broken."


def choice_sentences(recovery: Recovery) -> tuple[str, ...]:
    """Each choice that is not used, then those that cost reach, from what to what."""
    return (*unused_sentences(recovery), *cost_sentences(recovery))


def cost_sentences(recovery: Recovery) -> Iterator[str]:
    """Each choice that costs reach, from what to what."""
    for cost in recovery.costs:
        yield f"{_named(cost)}: the chain reaches {cost.without:,} without {_them(cost)}."


def _named(cost: ReachCost) -> str:
    return listed([shown(manifest) for manifest in cost.manifests])


def _them(cost: ReachCost) -> str:
    reached = "nothing" if cost.reached is None else f"{cost.reached:,}"
    return f"this choice, {reached} with it" if len(cost.manifests) == 1 else f"these choices, {reached} with them"
