"""Every next step is one that works as printed, and none is a mere look from which nothing follows."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

import core
from core.demo import SCENARIOS
from core.engine import MAX_LEVEL
from core.findings import Case, find
from core.manifests import collect_evidence
from core.storage import LocalReader
from tests.support.commands import LATER, seamline
from tests.support.data import data_path
from tests.support.hazards import hazard_store, look
from tests.support.machines import LaterHost
from tests.support.steps import is_dead_end, parts

HAZARD_STORES = sorted(folder.name for folder in data_path("hazard-stores").iterdir() if folder.is_dir())
#: The levels that read metadata alone, and those that look for every file of a backup.
LEVELS = (1, 3)
HERE = LaterHost(LATER)


@pytest.fixture(params=[*SCENARIOS, *HAZARD_STORES])
def store(request: pytest.FixtureRequest, demo_stores: Path, tmp_path: Path) -> Path:
    name: str = request.param
    if name in SCENARIOS:
        return Path(shutil.copytree(demo_stores / name, tmp_path / name))
    return hazard_store(name, tmp_path)


@pytest.mark.parametrize("level", LEVELS)
def test_no_printed_command_is_refused_or_has_nothing_to_do(store: Path, level: int) -> None:
    document = seamline("check", store, "--json", "--level", str(level), machine=HERE).document
    steps = {*document["next_steps"], *(each["next_step"] for each in document["findings"])}
    commands = {tuple(words[1:]) for step in steps for words in parts(step) if words[0] == "seamline"}
    for words in sorted(commands):
        if "--wait" not in words:
            answer = seamline(*words, machine=HERE)
            assert answer.code in {0, 3, 4}, words
            assert not answer.out.startswith(("NOTHING", "REFUSED")), words


@pytest.mark.parametrize("level", LEVELS)
def test_what_follows_from_a_look_is_said(store: Path, level: int) -> None:
    snapshot = look(store)
    evidence = collect_evidence(LocalReader(str(store)), snapshot, level) if level > 1 else None
    assert [each for each in find(Case(snapshot, HERE.now(), evidence=evidence), level) if is_dead_end(each)] == []


def test_a_sentence_stands_beside_the_look_wherever_it_is_printed(tmp_path: Path) -> None:
    store = hazard_store("backup-dir-overwrite", tmp_path)
    text = seamline("check", store).out
    whole = " ".join(text.split())
    (finding,) = (
        each
        for each in seamline("check", store, "--json").document["findings"]
        if each["kind"] == "backup-dir-overwrite"
    )
    assert finding["then"].startswith("If the retired file has lines that are nowhere else")
    assert whole.count(finding["then"]) == 3


def test_no_finding_promises_a_check_that_there_is_not() -> None:
    """Read in the code, as no sample has every finding."""
    files = sorted((Path(core.__file__).parent / "findings").rglob("*.py"))
    named = {int(number) for file in files for number in re.findall(r"\blevel (\d+)", file.read_text())}
    assert named and named <= set(range(MAX_LEVEL + 1))
