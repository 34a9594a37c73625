"""Where a finding advises a repair, there is one; when it is done, nothing advises it any more."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.demo import SCENARIOS, build_demo_store
from core.engine import Engine
from core.model import Finding
from core.operations import Operations
from core.storage import LocalReader
from core.storage.local.conditional import LocalConditional
from core.storage.local.writer import LocalWriter
from tests.support.data import data_path
from tests.support.hazards import LOOKED_AT, hazard_store
from tests.support.machines import FakeMachine

HAZARDS = sorted(path.name for path in data_path("hazard-stores").iterdir() if path.is_dir())


def advised(engine: Engine) -> list[Finding]:
    """The findings that end in a repair."""
    return [each for each in engine.check(engine.look()).findings if each.next_step.startswith("seamline repair ")]


@pytest.mark.parametrize("name", [*SCENARIOS, *HAZARDS])
def test_what_a_finding_advises_to_repair_is_repaired(name: str, tmp_path: Path) -> None:
    if name in SCENARIOS:
        build_demo_store(name, tmp_path / name)
    store = tmp_path / name if name in SCENARIOS else hazard_store(name, tmp_path)
    machine, where = FakeMachine(LOOKED_AT), str(store)
    engine = Engine(LocalReader(where), machine)
    if not advised(engine):
        return
    plan = engine.plan_repair(engine.plan_recovery(engine.look()))
    assert plan.refusal is None
    assert plan.change_set is not None and not plan.change_set.is_empty
    Operations(LocalReader(where), LocalWriter(where), LocalConditional(where), machine).apply(plan.change_set)
    machine.pass_time(3_600)
    assert advised(engine) == []
