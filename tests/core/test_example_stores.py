"""Stores that the real stock tool wrote, compacted and retired: what is wrong with each is told in one problem."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.findings import group
from core.model import Finding, LaneKind, Severity, Zone
from tests.support.hazards import check, example_store, look

STORES = ("mainnet-shape", "two-coordinators", "started-over", "torn-compacted", "factor-one")


def problems(name: str, folder: Path) -> list[Zone]:
    """The zones of a store that are more than information."""
    store = example_store(name, folder)
    return [zone for zone in group(check(store), look(store)) if zone.severity is not Severity.INFO]


def of_kind(zone: Zone, kind: str) -> Finding:
    (found,) = (finding for finding in zone.findings if finding.kind == kind)
    return found


def test_a_store_of_the_mainnet_shape_is_clean(tmp_path: Path) -> None:
    found = check(example_store("mainnet-shape", tmp_path))
    assert {finding.kind: finding.severity for finding in found} == {
        "identity-evicted": Severity.INFO,
        "duplicate-line": Severity.INFO,
        "snapshot-ahead-of-transactions": Severity.INFO,
    }


def test_a_second_coordinator_with_a_tenth_of_the_batch_size_joined_at_30_000_001(tmp_path: Path) -> None:
    (zone,) = problems("two-coordinators", tmp_path)
    assert (zone.lane, zone.first, zone.title) == (LaneKind.TRANSACTIONS, 30_000_001, "second batch size")
    assert zone.severity is Severity.CRITICAL
    overlap = of_kind(zone, "overlap-nested")
    assert overlap.shape == "contained"
    assert overlap.stock_says == ("Transaction backup ranges not continuous, expecting version 30100001, got 30000001.")
    assert "up to version 30,000,000" in overlap.explanation
    cause = of_kind(zone, "two-coordinators")
    assert "1,000,000" in cause.explanation and "100,000" in cause.explanation
    stop = of_kind(zone, "compaction-abort-midway")
    assert stop.stock_says == "txn backup ranges is not continuous expecting version 30100001, got 30000001."


def test_a_coordinator_began_again_on_an_empty_listing_after_a_compaction(tmp_path: Path) -> None:
    (zone,) = problems("started-over", tmp_path)
    assert (zone.lane, zone.first, zone.last) == (LaneKind.EPOCH_ENDINGS, 0, 6)
    assert zone.title == "began again at 0"
    overlap = of_kind(zone, "overlap-manifest")
    assert overlap.stock_says == "Epoch ending backup ranges not continuous, expecting epoch 1, got 0."
    assert "Today stock restores nothing." in overlap.explanation


def test_a_torn_compacted_file_was_trusted_and_the_lost_lines_are_in_metadata_backup(tmp_path: Path) -> None:
    (zone,) = problems("torn-compacted", tmp_path)
    assert (zone.first, zone.last, zone.title) == (23_000_001, 36_000_000, "torn compacted file")
    torn = of_kind(zone, "partial-compacted-file")
    assert torn.claims[0].file == "metadata/transaction_compacted_0-36000000.meta"
    recoverable = {claim.file for claim in torn.claims[1:]}
    assert len(recoverable) == 13
    assert all(file.startswith("metadata_backup/transaction_") for file in recoverable)
    assert "13 lines in metadata_backup/ fill all of it and can be recovered" in torn.explanation
    assert torn.stock_says is None


def test_factor_one_silently_dropped_one_manifest_of_each_pair(tmp_path: Path) -> None:
    (zone,) = problems("factor-one", tmp_path)
    assert (zone.first, zone.last, zone.title) == (2_000_001, 5_000_000, "manifest dropped")
    dropped = of_kind(zone, "compacted-name-collision")
    assert dropped.severity is Severity.ERROR
    assert {claim.file for claim in dropped.claims} == {
        "metadata_backup/transaction_compacted_2000001-5000000.meta",
        "metadata_backup/transaction_4000001-5000000.meta",
    }
    manifests = {entry.manifest.partition("/")[0] for entry in dropped.entries}
    assert {"transaction_2000001-.45a6", "transaction_2000001-.e3e1"} <= manifests
    assert dropped.stock_says is None


@pytest.mark.parametrize("name", STORES)
def test_findings_keep_their_ids_from_look_to_look(name: str, tmp_path: Path) -> None:
    store = example_store(name, tmp_path)
    first, second = check(store), check(store, now=1_900_000_000)
    assert [finding.id for finding in first] == [finding.id for finding in second]
    assert len({finding.id for finding in first}) == len(first)
