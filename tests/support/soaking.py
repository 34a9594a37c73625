"""How much of a long proof is done: a bounded sample in the suite, all of it with `SEAMLINE_SOAK` in the environment.

Its value is for how many seconds a test goes on that could go on for ever.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final, TypeVar

SOAKED: Final = "SEAMLINE_SOAK" in os.environ
_T = TypeVar("_T")


def soak_seconds(usual: float) -> float:
    """For how many seconds a test may go on: `usual`, or as long as a soak says."""
    return float(os.environ.get("SEAMLINE_SOAK", usual))


def sampled(cases: Sequence[_T], every: int = 2) -> Sequence[_T]:
    """All cases in a soak, otherwise each `every`-th from the first on."""
    return cases if SOAKED else cases[::every]


def examples(number: int) -> int:
    """How many examples a property is tried on: so many in a soak, otherwise a third of them."""
    return number if SOAKED else number // 3
