"""Why an entry is not in a chain, in words with numbers: every such entry carries its reason (`recovery.md`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from core.chain.model import Chain, SkipReason
from core.model import LaneKind, end_of


def reason_text(chain: Chain, row: int) -> str:
    """Why entry `row` is not in the chain, in a few words; it names numbers, never text from the store."""
    return _TEXTS[SkipReason(int(chain.reason[row]))](chain, row)


def _numbers(chain: Chain, row: int) -> tuple[int, int]:
    return int(chain.lane.first[row]), int(chain.lane.last[row])


def _range(first: int, last: int) -> str:
    return f"{first:,}" if first == last else f"{first:,} - {last:,}"


def _inverted(chain: Chain, row: int) -> str:
    first, last = _numbers(chain, row)
    return f"ends before it begins: {first:,} - {last:,}"


def _below_start(chain: Chain, row: int) -> str:
    return f"begins at {int(chain.lane.first[row]):,}, below the start {chain.options.start:,}"


def _above_target(chain: Chain, row: int) -> str:
    return f"begins at {int(chain.lane.first[row]):,}, above the target {chain.target or 0:,}"


def _not_reached(chain: Chain, row: int) -> str:
    unit = "epoch" if chain.lane.kind is LaneKind.EPOCH_ENDINGS else "version"
    if chain.reaches is None:
        return f"not reached: nothing usable begins at {unit} {chain.options.start:,}"
    return f"not reached: the chain ends at {unit} {chain.reaches:,}"


def _inside(chain: Chain, row: int) -> str:
    """How the entry lies to the chosen one that covers its first version, with stock's two numbers."""
    got = int(chain.lane.first[row])
    used = chain.used_at(got)
    if used is None:
        return f"begins at {got:,}"
    first, last = _numbers(chain, used)
    where = "starts with" if first == got else "starts inside"
    return f"{where} the chosen {_range(first, last)}; expected {end_of(last):,}, got {got:,}"


def _does_not_join(chain: Chain, row: int) -> str:
    return f"{_inside(chain, row)}; no way leads to where it begins"


def _dead_end(chain: Chain, row: int) -> str:
    return f"{_inside(chain, row)}; no way leads on from {end_of(int(chain.lane.last[row])):,}"


def _same_range(chain: Chain, row: int) -> str:
    first, last = _numbers(chain, row)
    return f"another manifest is chosen for the same {_range(first, last)}; expected {end_of(last):,}, got {first:,}"


def _other_chosen(chain: Chain, row: int) -> str:
    return f"{_inside(chain, row)}; it would join, but the policy {chain.options.policy.value} prefers another way"


def _pin_excluded(chain: Chain, row: int) -> str:
    return f"pinned, but a chain with it gives up other pins: it {_inside(chain, row)}"


_TEXTS: Final[dict[SkipReason, Callable[[Chain, int], str]]] = {
    SkipReason.CHOSEN: lambda _chain, _row: "chosen",
    SkipReason.INVERTED: _inverted,
    SkipReason.ENDS_AT_LIMIT: lambda _chain, _row: "ends at 18446744073709551615, where stock's arithmetic overflows",
    SkipReason.VETOED: lambda _chain, _row: "vetoed",
    SkipReason.BELOW_START: _below_start,
    SkipReason.ABOVE_TARGET: _above_target,
    SkipReason.NOT_REACHED: _not_reached,
    SkipReason.DOES_NOT_JOIN: _does_not_join,
    SkipReason.DEAD_END: _dead_end,
    SkipReason.BROKEN: lambda chain, row: f"its manifest is known to be broken; it {_inside(chain, row)}",
    SkipReason.PIN_EXCLUDED: _pin_excluded,
    SkipReason.SAME_RANGE: _same_range,
    SkipReason.OTHER_CHOSEN: _other_chosen,
    SkipReason.NOT_NEEDED: lambda _chain, _row: "part of the chain, not read by this restore",
}
