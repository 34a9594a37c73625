"""Every example store of the catalogue is named by its own id, or a table says which other covers it and why."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from core.findings import CATALOGUE
from core.model import Severity
from core.stock import CompactionOptions
from tests.support.data import data_path
from tests.support.hazards import WRITTEN_AT, check, check_snapshot, hazard_store, kinds, look

#: Stores that show their hazard in the names and lines, and the least level that sees it.
NAMED = {
    "array-form-record": 1,
    "backup-dir-overwrite": 0,
    "bad-encoding": 1,
    "bad-json-line": 1,
    "blank-line": 1,
    "compaction-abort-midway": 1,
    "compaction-blind-gap": 1,
    "compaction-wedge-missing-file": 1,
    "duplicate-line": 1,
    "empty-meta-file": 0,
    "epoch-gap": 1,
    "foreign-file-in-metadata": 0,
    "gap-range": 1,
    "inverted-range": 1,
    "line-separator-chars": 1,
    "list-name-with-space": 0,
    "list-placeholder": 0,
    "localfs-skip-existing": 0,
    "manifest-name-disagree": 1,
    "max-by-first": 1,
    "name-content-disagree": 1,
    "no-zero-start": 1,
    "rebackup-after-compaction": 1,
    "shared-manifest": 1,
    "snapshot-ahead-of-transactions": 1,
    "snapshot-conflict": 1,
    "snapshot-epoch-order": 1,
    "snapshot-none-for-history": 1,
    "snapshot-not-epoch-end": 1,
    "timestamps-back": 1,
    "timestamps-future": 1,
    "timestamps-overflow": 1,
    "timestamps-tie": 1,
    "two-coordinators": 1,
    "vacuous-verify": 1,
    "version-u64-max": 1,
}

#: Stores that are shown by another id, and why; None: nothing in the store shows it.
ELSEWHERE: dict[str, tuple[str | None, str]] = {
    "boundary-shift": (
        "two-coordinators",
        "the extra entry is there, but no compacted file whose borders it would shift",
    ),
    "compaction-bakes-conflict": ("overlap-manifest", "only a factor of 2 puts this conflict on a border, see below"),
    "plain-vs-gzip-store": ("foreign-file-in-metadata", "README.md is plain text, but no file of the store is gzip"),
    "resume-other-manifest": ("snapshot-conflict", "it is what a resumed run makes of that conflict"),
    "backup-dir-cross-device": (None, "the second file system can't travel, see below"),
    "identity-evicted": (None, "the store is as it was before a compaction moved identity.meta, see below"),
    "restore-store-changed": (None, "it takes the version of the restore that is to be resumed"),
}

#: Stores whose hazard is in manifests and chunks: see `test_findings_manifests.py`. Most hold the bad file at their
#: top, where no entry names it.
DEEPER = {
    "chunk-empty-record",
    "chunk-format-unknown",
    "chunk-length-bomb",
    "chunk-truncated",
    "dangling-manifest",
    "epoch-cut-panic",
    "manifest-bad-json",
    "manifest-chunk-gap",
    "manifest-last-mismatch",
    "manifest-overflow",
    "manifest-range-mismatch",
    "manifest-waypoint-count",
    "snapshot-empty-chunks",
}


def test_every_example_store_is_accounted_for_once() -> None:
    stores = {path.name for path in data_path("hazard-stores").iterdir() if path.is_dir()} | {"vacuous-verify"}
    tables = [set(NAMED), set(ELSEWHERE), DEEPER]
    assert set.union(*tables) == stores
    assert sum(map(len, tables)) == len(stores)


@pytest.mark.parametrize("name", NAMED)
def test_an_example_store_is_named_by_its_own_id(name: str, tmp_path: Path) -> None:
    store = hazard_store(name, tmp_path)
    assert name in kinds(check(store))


@pytest.mark.parametrize("name", NAMED)
def test_its_hazard_is_seen_from_its_level_on_and_not_below(name: str, tmp_path: Path) -> None:
    store = hazard_store(name, tmp_path)
    assert [level for level in (0, 1) if name in kinds(check(store, level))] == list(range(NAMED[name], 2))
    assert CATALOGUE[name].level == NAMED[name]


@pytest.mark.parametrize("name", ELSEWHERE)
def test_what_its_store_does_not_show_is_covered_by_another_id_or_by_none(name: str, tmp_path: Path) -> None:
    found = check(hazard_store(name, tmp_path))
    covered_by, _ = ELSEWHERE[name]
    assert name not in kinds(found)
    assert covered_by is None or covered_by in kinds(found)
    if covered_by is None:
        assert all(finding.severity is Severity.INFO for finding in found)


@pytest.mark.parametrize("name", sorted(DEEPER - {"epoch-cut-panic"}))
def test_what_is_wrong_with_manifests_is_not_seen_in_the_lines(name: str, tmp_path: Path) -> None:
    assert check(hazard_store(name, tmp_path)) == ()


def test_the_epoch_entry_that_makes_stock_panic_shows_in_its_own_versions_already(tmp_path: Path) -> None:
    assert kinds(check(hazard_store("epoch-cut-panic", tmp_path))) == {"epoch-version-disorder"}


def test_a_dangling_manifest_is_named_at_level_2(tmp_path: Path) -> None:
    assert "dangling-manifest" in kinds(check(hazard_store("dangling-manifest", tmp_path), 2))


def test_a_conflict_on_a_group_border_is_named_for_the_factor_that_puts_it_there(tmp_path: Path) -> None:
    store = hazard_store("compaction-bakes-conflict", tmp_path)
    (found,) = (each for each in check(store, factors=(CompactionOptions(2, 2, 2),)) if each.kind == store.name)
    assert "factor 2" in found.explanation
    assert (found.first, found.last) == (1, 100)


def test_a_range_that_was_compacted_after_both_were_written_was_not_backed_up_again(tmp_path: Path) -> None:
    store = hazard_store("rebackup-after-compaction", tmp_path)
    os.utime(store / "metadata/transaction_compacted_0-200.meta", (WRITTEN_AT + 9_000, WRITTEN_AT + 9_000))
    assert store.name not in kinds(check(store))
    assert "overlap-manifest" in kinds(check(store))


def test_a_backup_folder_on_another_file_system_is_named(tmp_path: Path) -> None:
    store = hazard_store("backup-dir-cross-device", tmp_path)
    snapshot = replace(look(store), one_device=False)
    (found,) = check_snapshot(snapshot)
    assert found.kind == store.name
    assert found.stock_says == "Invalid cross-device link (os error 18)"


def test_an_identity_that_compaction_moved_away_is_named_and_harmless(tmp_path: Path) -> None:
    store = hazard_store("identity-evicted", tmp_path)
    (store / "metadata_backup").mkdir()
    shutil.move(store / "metadata/identity.meta", store / "metadata_backup/identity.meta")
    (found,) = check(store)
    assert (found.kind, found.severity) == (store.name, Severity.INFO)


def test_nothing_in_an_example_store_is_ever_written(tmp_path: Path) -> None:
    store = hazard_store("localfs-skip-existing", tmp_path)
    before = sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*"))
    check(store, 4)
    assert sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*")) == before
