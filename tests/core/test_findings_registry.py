"""The catalogue and the registry: every hazard has its words, every detector is known, findings keep to the rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from core.findings import CATALOGUE, DETECTORS, Case, detector, find
from core.model import Finding, Severity
from tests.support.data import data_path
from tests.support.hazards import LOOKED_AT, hazard_store, look
from tests.support.stores import NOW, base_store, epoch, lines, numbered, snapshot_of, txn


def test_every_example_store_has_its_row() -> None:
    stores = {path.name for path in data_path("hazard-stores").iterdir() if path.is_dir()}
    assert stores <= set(CATALOGUE)


def test_the_rules_of_this_tool_are_no_hazards() -> None:
    assert not [id_ for id_ in CATALOGUE if id_.startswith("own-")]
    assert {"resurrected", "listing-shrank", "interrupted-operation"} <= set(CATALOGUE)


@pytest.mark.parametrize("id_", CATALOGUE)
def test_a_hazard_has_a_short_title_and_a_summary_for_the_help(id_: str) -> None:
    hazard = CATALOGUE[id_]
    assert hazard.id == id_
    assert 1 <= len(hazard.title.split()) <= 3
    assert len(hazard.title) <= 24
    assert hazard.summary.endswith(".") and 20 < len(hazard.summary) < 320
    assert hazard.level in (None, 0, 1, 2, 3, 4)


def test_titles_tell_hazards_apart() -> None:
    titles = [hazard.title for hazard in CATALOGUE.values()]
    assert len(set(titles)) == len(titles)


def test_what_one_look_can_show_has_a_detector_and_nothing_else_has() -> None:
    visible = {id_ for id_, hazard in CATALOGUE.items() if hazard.level is not None}
    detected = set().union(*(each.kinds for each in DETECTORS.values()))
    assert detected == visible


def test_a_detector_for_an_unknown_hazard_is_refused() -> None:
    with pytest.raises(ValueError, match="no-such-hazard"):
        detector("gap-range", "no-such-hazard")


def test_a_detector_for_what_no_look_can_show_needs_a_level() -> None:
    with pytest.raises(ValueError, match="no-stock-lock"):
        detector("no-stock-lock")


def every_finding(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Finding]]:
    for path in sorted(data_path("hazard-stores").iterdir()):
        if path.is_dir():
            store = hazard_store(path.name, tmp_path_factory.mktemp("stores"))
            for finding in find(Case(look(store), LOOKED_AT), 1):
                yield str(store), finding


def test_every_finding_says_what_why_and_what_next(tmp_path_factory: pytest.TempPathFactory) -> None:
    for store, finding in every_finding(tmp_path_factory):
        assert finding.explanation.endswith(".") and finding.explanation[0] not in " ."
        assert "  " not in finding.explanation
        assert finding.cause.endswith(".")
        assert store in finding.next_step
        assert finding.kind in set().union(*(each.kinds for each in DETECTORS.values()))
        assert (finding.first is None) == (finding.last is None)
        assert finding.first is None or finding.last is None or finding.first <= finding.last


def test_every_detector_reports_only_what_it_is_registered_for(tmp_path_factory: pytest.TempPathFactory) -> None:
    for path in sorted(data_path("hazard-stores").iterdir()):
        if path.is_dir():
            case = Case(look(hazard_store(path.name, tmp_path_factory.mktemp("stores"))), LOOKED_AT)
            for each in DETECTORS.values():
                assert {finding.kind for finding in each.detect(case)} <= each.kinds


def test_severity_follows_what_the_operator_loses(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Only what breaks restores is ever critical, and what is cosmetic is never more than information."""
    for _, finding in every_finding(tmp_path_factory):
        usual = CATALOGUE[finding.kind].severity
        if usual is Severity.INFO:
            assert finding.severity is Severity.INFO
        if finding.severity is Severity.CRITICAL:
            assert usual is Severity.ERROR


def test_findings_come_worst_first_and_have_ids_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    store = hazard_store("empty-meta-file", tmp_path_factory.mktemp("stores"))
    found = find(Case(look(store), LOOKED_AT), 1)
    ranks = [finding.severity.rank for finding in found]
    assert ranks == sorted(ranks, reverse=True) and len(set(ranks)) > 1
    assert len({finding.id for finding in found}) == len(found)


def test_a_check_of_level_0_reports_nothing_that_takes_reading_lines() -> None:
    snapshot = snapshot_of({**base_store(), "transaction_1-100.meta": b"", "x.meta": b"{}\n"})
    found = find(Case(snapshot, NOW + 9_000), 0)
    assert found and all((CATALOGUE[finding.kind].level or 0) == 0 for finding in found)


def test_of_a_stopped_look_nothing_is_said_to_be_missing() -> None:
    half = {
        **numbered(txn(0, 9), txn(20, 29), epoch(1, 1, 5, 5)),
        "transaction_compacted_30-49.meta": lines(txn(30, 39)),
    }
    whole = snapshot_of({**half, "bad.meta": "{}\n", "transaction_50-59.meta": ""})
    stopped = replace(whole, index=replace(whole.index, complete=False))
    found = {finding.kind for finding in find(Case(stopped, NOW + 9_000), 1)}
    assert found == {"bad-json-line", "error-names-no-file", "foreign-file-in-metadata"}
    assert len({finding.kind for finding in find(Case(whole, NOW + 9_000), 1)} - found) > 6
