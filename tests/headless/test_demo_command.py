"""`seamline demo`: sample stores to look at, in a folder of their own."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from core.demo import SCENARIOS
from core.model import LaneKind, Severity, Zone
from core.triage import Triage
from tests.support.commands import seamline
from tui.headless.surroundings import triage_notes


def test_the_list_names_every_sample_store_with_one_line() -> None:
    text = seamline("demo", "--list").out.splitlines()
    assert [re.split(r"  +", line) for line in text] == [[each.name, each.summary] for each in SCENARIOS.values()]
    document = seamline("demo", "--list", "--json").document
    assert document["schema"] == 1
    assert [each["name"] for each in document["scenarios"]] == list(SCENARIOS)


def test_a_store_is_built_where_it_is_wanted(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "store"
    outcome = seamline("demo", "--scenario", "gap", "--dir", folder, "--no-open")
    assert (outcome.code, outcome.out) == (0, f"{folder}\n")
    assert seamline("check", folder).code == 4


def test_without_a_folder_a_store_is_built_in_a_temporary_one() -> None:
    document = seamline("demo", "--scenario", "same-range", "--no-open", "--json").document
    store = Path(document["store"])
    try:
        assert document["scenario"] == "same-range"
        assert seamline("check", store).code == 4
    finally:
        shutil.rmtree(store)


def test_the_store_shown_by_default_has_everything(tmp_path: Path) -> None:
    seamline("demo", "--dir", tmp_path / "store", "--no-open")
    kinds = {each["kind"] for each in seamline("check", tmp_path / "store", "--json").document["findings"]}
    assert {"overlap-manifest", "overlap-nested", "gap-range", "partial-compacted-file", "snapshot-conflict"} <= kinds


@pytest.mark.parametrize("kind", ["in use", "file", "below a file"])
def test_nothing_that_is_there_is_touched(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    if kind == "in use":
        folder.mkdir()
        (folder / "precious").write_text("x")
    else:
        folder.write_text("x")
    outcome = seamline("demo", "--dir", folder / "below" if kind == "below a file" else folder, "--no-open")
    assert outcome.code in {1, 2}
    assert outcome.err.startswith("seamline: ")
    assert "hint: " in outcome.err
    assert len(list(tmp_path.rglob("*"))) == (2 if kind == "in use" else 1)


def test_a_store_that_is_built_anew_inherits_no_notes_of_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    notes = triage_notes()
    assert notes is not None
    folder = tmp_path / "store"
    for _ in range(2):
        assert seamline("demo", "--scenario", "gap", "--dir", folder, "--no-open").code == 0
        assert not notes.load(str(folder)).notes
        zone = Zone(LaneKind.TRANSACTIONS, 6_001, 7_000, "gap", Severity.ERROR, ())
        assert notes.save(str(folder), Triage().ignore(zone, "known"))
        shutil.rmtree(folder)
