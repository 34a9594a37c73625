"""A thousand conflicts are a thousand problems, whichever way they are told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.change_sets import with_a_backup
from tests.support.commands import seamline
from tests.support.crowded_stores import STEP, write_conflicts

CONFLICTS = 1_000


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4,000 entries, every fourth of which is there twice."""
    return with_a_backup(write_conflicts(tmp_path_factory.mktemp("conflicts") / "store", 4 * CONFLICTS, CONFLICTS))


def test_the_words_tell_the_first_problems_count_all_and_name_the_way_to_the_rest(store: Path) -> None:
    told = seamline("check", store).out
    assert "1,000 problems" in told
    assert told.count("same range, two manifests") == 40
    assert "and 960 more: --all tells of them, --json lists them for scripts" in told


def test_as_many_problems_are_told_as_are_asked_for(store: Path) -> None:
    assert seamline("check", store, "--limit", "150").out.count("same range, two manifests") == 150
    assert "and 1,000 more" in seamline("check", store, "--limit", "0").out
    everything = seamline("check", store, "--all").out
    assert everything.count("same range, two manifests") == CONFLICTS
    assert "more: --all" not in everything


def test_the_document_has_every_conflict_where_it_is_and_nothing_between_them(store: Path) -> None:
    document = seamline("check", store, "--json").document
    zones = [zone for zone in document["zones"] if zone["title"] == "same range, two manifests"]
    starts = [STEP * (4 * number + 2) for number in range(CONFLICTS)]
    assert [(zone["first"], zone["last"]) for zone in zones] == [(start, start + STEP - 1) for start in starts]
    findings = {finding["id"]: finding for finding in document["findings"]}
    assert len(findings) == len(document["findings"])
    assert {identity for zone in document["zones"] for identity in zone["findings"]} == findings.keys()
    assert sum(finding["kind"] == "overlap-manifest" for finding in findings.values()) == CONFLICTS


def test_the_stream_has_a_record_for_every_finding_and_the_summary_every_problem(store: Path) -> None:
    records = [json.loads(line) for line in seamline("check", store, "--json-lines").out.splitlines()]
    document = seamline("check", store, "--json").document
    found = [record for record in records if record["message_type"] == "finding"]
    assert [record["id"] for record in found] == [finding["id"] for finding in document["findings"]]
    assert records[-1]["message_type"] == "summary"
    assert records[-1]["zones"] == document["zones"]
