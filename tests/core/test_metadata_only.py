"""Manifests that are not there: one that was looked for counts as broken, a copy of metadata says nothing of any."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.engine import Engine
from core.host import FixedHost
from core.manifests import ManifestStatus
from core.model import Severity
from core.recovery import looked_sentence
from core.snapshot import metadata_only, take_snapshot
from core.storage.protocol import FolderUnseen, Listed
from tests.support.change_sets import engine_on
from tests.support.recoverable_stores import RecoverableStore
from tests.support.repaired_stores import conflicting_folder
from tests.support.stores import NOW, MemoryReader, base_store


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the metadata of a store in which two entries compete."""
    return conflicting_folder(tmp_path / "copy")


def kinds(engine: Engine, level: int = 1) -> set[str]:
    return {finding.kind for finding in engine.check(engine.look(), level).findings}


def test_a_copy_of_metadata_is_named_by_one_listing_of_the_top(copy: Path) -> None:
    engine = engine_on(copy)
    [found] = [each for each in engine.check(engine.look()).findings if each.kind == "metadata-only"]
    assert found.severity is Severity.WARNING
    assert "8 entries are visible, and at the top of the store lies no backup" in found.explanation
    assert found.next_step == f"ls -lab -- {copy}/"


@pytest.mark.parametrize("name", ["transaction_1-.aaaa", "transaction_7-.ffff"])
def test_a_store_with_one_backup_named_or_not_is_no_copy_of_metadata(copy: Path, name: str) -> None:
    (copy / name).mkdir()
    assert "metadata-only" not in kinds(engine_on(copy))


def test_a_folder_of_any_name_that_a_line_points_into_is_a_backup(copy: Path) -> None:
    (copy / "odd").mkdir()
    assert "metadata-only" in kinds(engine_on(copy))
    line = b'{"TransactionBackup":{"first_version":201,"last_version":300,"manifest":"odd/t.manifest"}}\n'
    (copy / "metadata" / "more.meta").write_bytes(line)
    assert "metadata-only" not in kinds(engine_on(copy))


class OnlyMetadata(MemoryReader):
    """A storage that can list nothing but `metadata/`, as a command adapter."""

    def list_folder(self, folder: str) -> list[Listed]:
        if folder == "metadata_backup":
            raise FolderUnseen("no command lists it")
        return super().list_folder(folder)


def test_of_a_storage_that_can_not_list_its_top_nothing_is_said() -> None:
    reader = OnlyMetadata({f"metadata/{name}": content for name, content in base_store().items()})
    assert not metadata_only(take_snapshot(reader, FixedHost(NOW)))
    assert metadata_only(take_snapshot(MemoryReader({"metadata/a.meta": base_store()["identity.meta"]} | {
        f"metadata/{name}": content for name, content in base_store().items()}), FixedHost(NOW)))  # fmt: skip


def test_a_repair_of_a_copy_says_that_the_policy_alone_chose(copy: Path) -> None:
    engine = engine_on(copy)
    recovery = engine.plan_recovery(engine.look())
    assert recovery.evidence is None or not recovery.evidence.manifests
    sentence = "The store holds its metadata only: no manifest could be looked at, and the policy alone chose."
    assert looked_sentence(recovery) == sentence
    assert sentence in engine.plan_repair(recovery).side_effects


def two_rivals() -> RecoverableStore:
    """Thirty versions with two manifests for the middle ten."""
    store = RecoverableStore()
    store.put_base(())
    around = [store.back_up(0, 9, "0000"), store.back_up(20, 29, "0000")]
    rivals = [store.back_up(10, 19, name) for name in ("aaaa", "bbbb")]
    store.put("metadata/all.meta", *around, *rivals)
    return store


@pytest.mark.parametrize(("gone", "kept"), [("aaaa", "bbbb"), ("bbbb", "aaaa")])
def test_a_rival_that_is_not_in_the_store_counts_as_broken_and_that_is_said(gone: str, kept: str) -> None:
    store = two_rivals()
    del store.files[f"transaction_10-.{gone}/transaction.manifest"]
    engine = store.engine()
    recovery = engine.plan_recovery(engine.look())
    assert recovery.evidence is not None
    missing = [
        handle
        for (_, handle), facts in recovery.evidence.manifests.items()
        if facts.status is ManifestStatus.MISSING and facts.broken
    ]
    assert missing == [f"transaction_10-.{gone}/transaction.manifest"]
    plan = engine.plan_repair(recovery)
    assert plan.change_set is not None
    assert [record.manifest for record in plan.change_set.rejected] == missing
    assert any("not in the store: whatever is not there counts as broken" in effect for effect in plan.side_effects)
    chain = recovery.preview.transactions
    assert f"transaction_10-.{kept}/transaction.manifest" in [chain.lane.manifest(row) for row in chain.rows.tolist()]


def test_where_both_rivals_are_gone_the_store_is_not_said_to_be_restorable() -> None:
    store = two_rivals()
    for name in ("aaaa", "bbbb"):
        del store.files[f"transaction_10-.{name}/transaction.manifest"]
    engine = store.engine()
    recovery = engine.plan_recovery(engine.look())
    assert recovery.preview.best is not None and recovery.preview.best.lands_at == 9
    assert looked_sentence(recovery).startswith("2 of ")
