"""Repairs by the command line, whole and cut off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.change_sets import engine_on
from tests.support.changed_stores import cut_off
from tests.support.commands import Outcome, seamline


def repair(store: Path, *words: str | Path, **how: Any) -> Outcome:
    """`seamline repair` in this process."""
    return seamline("repair", store, *words, **how)


def cut_off_repair(store: Path, steps: int) -> str:
    """A repair that was stopped after so many steps; its id."""
    engine = engine_on(store)
    change = engine.plan_repair(engine.plan_recovery(engine.look())).change_set
    assert change is not None
    return cut_off(store, change, steps)
