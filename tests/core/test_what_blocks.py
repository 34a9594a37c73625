"""What no change is planned beside heads everything: findings, problems, and the first next step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.findings import CATALOGUE, Case, find, group
from core.findings.leads import is_blocking, lead
from core.model import Severity
from core.snapshot import Snapshot
from tests.support.change_sets import base_folder, look_at
from tests.support.changed_stores import cut_off, planned
from tests.support.commands import seamline
from tests.support.stores import NOW, lines, txn


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with a conflict before its end, which is critical, and an operation that was cut off."""
    store = base_folder(tmp_path / "store")
    cut_off(store, planned(store))
    (store / "metadata" / "again.meta").write_bytes(lines(txn(1, 150, "again/transaction.manifest")))
    return store


def heads(snapshot: Snapshot) -> str:
    """The kind of finding that speaks for the first problem."""
    findings = find(Case(snapshot, NOW + 9_000), 1)
    zones = group(findings, snapshot)
    first = lead(zones[0])
    assert first is not None and is_blocking(zones[0]) and findings[0].kind == first.kind
    return first.kind


def test_an_interrupted_operation_comes_before_a_worse_conflict(store: Path) -> None:
    assert heads(look_at(store)) == "interrupted-operation"


def test_a_listing_that_shrank_comes_before_an_interrupted_operation(store: Path) -> None:
    assert heads(replace(look_at(store), gone=("metadata/x.meta",))) == "listing-shrank"


@pytest.mark.parametrize("name", ["notes.txt", "folder"])
def test_what_stops_stock_altogether_comes_before_conflicts(store: Path, name: str) -> None:
    for journal in (store / "seamline" / "journal").iterdir():
        journal.unlink()
    if name == "folder":
        (store / "metadata" / name).mkdir()
    else:
        (store / "metadata" / name).write_text("by hand\n")
    assert heads(look_at(store)) in {"list-placeholder", "foreign-file-in-metadata"}


def test_mere_information_blocks_nothing(store: Path) -> None:
    for finding in find(Case(look_at(store), NOW + 9_000), 1):
        if finding.severity is Severity.INFO:
            assert not is_blocking(group([finding], look_at(store))[0])
    assert CATALOGUE["overlap-nested"].blocks is None


def test_the_first_next_step_of_a_check_is_that_of_what_blocks(store: Path) -> None:
    text, document = seamline("check", store).out, seamline("check", store, "--json").document
    assert f"  now      seamline resume {store}\n" in text
    assert text.partition("  next     ")[2].startswith(f"seamline resume {store}\n")
    assert document["findings"][0]["kind"] == "interrupted-operation" and document["findings"][0]["blocks"]
    assert document["zones"][0]["title"] == "interrupted"
