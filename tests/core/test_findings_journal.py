"""Findings that this tool's own journal and memory give: nobody has to know that an operation was cut off."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.findings import Case, find
from core.lease import hold
from core.model import Finding, Severity
from core.storage.local.conditional import LocalConditional
from tests.support.change_sets import base_folder, engine_on, look_at
from tests.support.changed_stores import cut_off, planned
from tests.support.machines import FakeMachine
from tests.support.stores import NOW


def found(store: Path, kind: str, level: int = 0) -> list[Finding]:
    return find_of(kind, Case(look_at(store), NOW), level)


def find_of(kind: str, case: Case, level: int = 0) -> list[Finding]:
    return [each for each in find(case, level) if each.kind == kind]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return base_folder(tmp_path / "store")


@pytest.mark.parametrize("level", [0, 1])
def test_an_interrupted_operation_is_an_error_that_names_the_way_on(store: Path, level: int) -> None:
    assert found(store, "interrupted-operation", level) == []
    operation = cut_off(store, planned(store))
    [finding] = found(store, "interrupted-operation", level)
    assert finding.severity is Severity.ERROR
    assert operation in finding.explanation
    assert finding.next_step == f"seamline resume {store}"
    assert [claim.file for claim in finding.claims] == [f"seamline/journal/{operation}.intent.json"]


@pytest.mark.parametrize("age", [60, 4_000, 10**9])
def test_an_operation_whose_holder_is_at_work_is_no_alarm_however_long_it_takes(store: Path, age: int) -> None:
    operation = cut_off(store, planned(store))
    with hold(LocalConditional(str(store)), FakeMachine(moment=NOW - age), purpose="resume"):
        unfinished = engine_on(store).unfinished()
        [finding] = find_of("interrupted-operation", Case(look_at(store), NOW, unfinished=unfinished))
    assert finding.severity is Severity.INFO
    assert operation in finding.explanation and "operator@alpha" in finding.explanation


@pytest.mark.parametrize("place", ["seamline", "seamline/journal"])
@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_journal_that_can_not_be_listed_is_told(store: Path, place: str, kind: str) -> None:
    path = store / place
    path.parent.mkdir(exist_ok=True)
    if kind == "file":
        path.write_text("mine")
    else:
        path.symlink_to("/tmp")
    [finding] = found(store, "interrupted-operation")
    assert "can't be listed" in finding.explanation
    assert finding.next_step == f"ls -lab -- {store}/seamline"


def test_files_that_are_gone_since_the_last_look_are_named(store: Path) -> None:
    snapshot = replace(look_at(store), gone=tuple(f"metadata/{number}.meta" for number in range(200)))
    [finding] = [each for each in find(Case(snapshot, NOW), 0) if each.kind == "listing-shrank"]
    assert finding.severity is Severity.ERROR
    assert "200 files are gone from metadata/ (0.meta, 1.meta, 2.meta and 197 more)" in finding.explanation
    assert len(finding.claims) == 50
    assert finding.next_step == f"seamline check {store} --accept-shrunk-listing"
