"""What the last look saw: gone is only what nothing accounts for, and a memory that fails is no memory."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from core.engine import Engine
from core.errors import StoreUnreachable
from core.last_look import MAX_NAMES, LastLooks, compared, require_as_before
from core.model import IdentityRecord
from core.stock import CompactionOptions
from core.storage import LocalReader
from tests.support.change_sets import base_folder, look_at, merge_transactions, operations_on
from tests.support.machines import FakeMachine
from tests.support.stores import base_store, lines, snapshot_of, txn

GONE = "transaction_101-200.meta"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return base_folder(tmp_path / "store")


@pytest.fixture
def memory(tmp_path: Path) -> LastLooks:
    return LastLooks(tmp_path / "state" / "seamline")


def engine(store: Path, memory: LastLooks) -> Engine:
    return Engine(LocalReader(str(store)), FakeMachine(), memory)


def missed(store: Path, memory: LastLooks) -> tuple[str, ...]:
    return engine(store, memory).look().gone


def test_a_first_look_misses_nothing(store: Path, memory: LastLooks) -> None:
    assert missed(store, memory) == ()
    assert memory.names_of(str(store)) == set(base_store())


def test_a_file_that_is_gone_is_missed_until_that_is_accepted(store: Path, memory: LastLooks) -> None:
    missed(store, memory)
    (store / "metadata" / GONE).unlink()
    (store / "metadata" / "new.meta").write_bytes(lines(txn(201, 300)))
    assert missed(store, memory) == missed(store, memory) == (f"metadata/{GONE}",)
    seen = engine(store, memory)
    snapshot = seen.look()
    with pytest.raises(StoreUnreachable, match=GONE):
        require_as_before(snapshot)
    with pytest.raises(StoreUnreachable, match=GONE):
        seen.plan_compaction(snapshot, CompactionOptions())
    assert seen.accept(snapshot).gone == ()
    assert missed(store, memory) == ()


def test_a_file_that_comes_back_is_missed_no_more(store: Path, memory: LastLooks) -> None:
    missed(store, memory)
    path = store / "metadata" / GONE
    content = path.read_bytes()
    path.unlink()
    assert missed(store, memory)
    path.write_bytes(content)
    assert missed(store, memory) == ()


@pytest.mark.parametrize("folder", ["metadata_backup", "metadata_quarantine"])
@pytest.mark.parametrize("name", [GONE, f"{GONE}.7", f"{GONE}.12345"])
def test_what_was_set_aside_is_accounted_for(folder: str, name: str, store: Path, memory: LastLooks) -> None:
    missed(store, memory)
    (store / folder).mkdir()
    (store / "metadata" / GONE).rename(store / folder / name)
    assert missed(store, memory) == ()
    assert GONE not in memory.names_of(str(store))


def test_what_the_journal_says_was_taken_away_is_accounted_for(store: Path, memory: LastLooks) -> None:
    missed(store, memory)
    operations_on(store).apply(merge_transactions(look_at(store)))
    for path in (store / "metadata_backup").iterdir():
        path.unlink()
    assert missed(store, memory) == ()


def test_a_journal_that_is_damaged_accounts_for_nothing(store: Path, memory: LastLooks) -> None:
    missed(store, memory)
    operation = operations_on(store).apply(merge_transactions(look_at(store))).operation
    for path in (store / "metadata_backup").iterdir():
        path.unlink()
    (store / "seamline" / "journal" / f"{operation}.intent.json").write_bytes(b"{")
    assert len(missed(store, memory)) == 3


def test_of_a_look_that_did_not_see_all_nothing_is_said(store: Path) -> None:
    snapshot, names = look_at(store), {*base_store(), "x.meta"}
    reader = LocalReader(str(store))
    assert compared(snapshot, reader, names) == ("metadata/x.meta",)
    partial = replace(snapshot, index=replace(snapshot.index, complete=False))
    assert compared(partial, reader, names) == ()


def test_while_set_aside_files_can_not_be_listed_nothing_is_said_or_remembered(store: Path, memory: LastLooks) -> None:
    missed(store, memory)
    (store / "metadata" / GONE).unlink()
    (store / "metadata_backup").write_text("no folder")
    assert missed(store, memory) == ()
    assert GONE in memory.names_of(str(store))


def test_two_names_of_one_store_share_a_memory_and_two_stores_do_not(
    store: Path, memory: LastLooks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = base_folder(tmp_path / "other")
    missed(store, memory)
    (store / "metadata" / GONE).unlink()
    (tmp_path / "link").symlink_to(store)
    monkeypatch.chdir(tmp_path)
    assert missed(other, memory) == ()
    for name in (tmp_path / "link", Path("store"), tmp_path / "other" / ".." / "store"):
        assert missed(name, memory) == (f"metadata/{GONE}",)
    assert Engine(LocalReader(str(store)), FakeMachine(), memory).look().gone


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"v":2}', b'{"v":1,"store":7,"names":[1]}', b"null", b"1e999"],
    ids=range(9),
)
def test_a_damaged_memory_is_none(content: bytes, store: Path, memory: LastLooks) -> None:
    missed(store, memory)
    [path] = memory.folder.iterdir()
    path.write_bytes(content)
    (store / "metadata" / GONE).unlink()
    assert missed(store, memory) == ()
    assert json.loads(path.read_text())["store"] == str(store)


def test_a_memory_of_another_store_under_its_name_is_none(store: Path, memory: LastLooks) -> None:
    missed(store, memory)
    [path] = memory.folder.iterdir()
    path.write_text(path.read_text().replace(str(store), "/elsewhere"))
    assert memory.names_of(str(store)) == frozenset()


def test_a_memory_is_for_its_owner_alone_and_replaced_in_one_step(store: Path, memory: LastLooks) -> None:
    missed(store, memory)
    (store / "metadata" / "new.meta").write_bytes(lines(txn(201, 300)))
    missed(store, memory)
    [path] = memory.folder.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert memory.folder.stat().st_mode & 0o777 == 0o700


def test_nothing_is_written_when_nothing_changed(store: Path, memory: LastLooks) -> None:
    missed(store, memory)
    [path] = memory.folder.iterdir()
    os.utime(path, (1, 1))
    missed(store, memory)
    assert path.stat().st_mtime == 1


@pytest.mark.parametrize("kind", ["file", "dangling", "loop"])
def test_a_home_that_can_not_be_written_is_no_error(kind: str, store: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    if kind == "file":
        home.write_text("")
    else:
        home.symlink_to("/no/such/place" if kind == "dangling" else home)
    assert missed(store, LastLooks(home / "seamline")) == ()


def test_names_that_are_no_utf8_are_remembered(store: Path, memory: LastLooks) -> None:
    odd = store / "metadata" / "\udcff.meta"
    odd.touch()
    missed(store, memory)
    odd.unlink()
    assert missed(store, memory) == ("metadata/\udcff.meta",)


def test_a_store_too_large_is_not_remembered(memory: LastLooks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.last_look.MAX_NAMES", 2)
    assert MAX_NAMES > 2
    memory.remember(snapshot_of({"a.meta": "", "b.meta": "", "c.meta": ""}))
    assert memory.names_of("memory") == frozenset()
    memory.remember(snapshot_of({"a.meta": "", "b.meta": ""}))
    assert memory.names_of("memory") == {"a.meta", "b.meta"}
    memory.remember(snapshot_of({"a.meta": "", "b.meta": "", "c.meta": ""}))
    assert memory.names_of("memory") == frozenset()


def other_store(store: Path, *, keep: bool = False) -> None:
    """Lay another store at the path of one: another identity, other files unless those are to be kept."""
    for path in (store / "metadata").iterdir():
        if not keep or path.name == "identity.meta":
            path.unlink()
    (store / "metadata" / "identity.meta").write_bytes(lines(IdentityRecord("cd" * 32)))
    (store / "metadata" / "of_the_other.meta").write_bytes(lines(txn(0, 9)))


@pytest.mark.parametrize("keep", [False, True], ids=["other files", "the same files"])
def test_another_store_at_the_same_path_is_told_as_that(keep: bool, store: Path, memory: LastLooks) -> None:
    missed(store, memory)
    other_store(store, keep=keep)
    seen = engine(store, memory)
    snapshot = seen.look()
    assert snapshot.gone == () and snapshot.other is not None
    told = (
        "another store lies at this path: identity cdcdcdcdcdcdcdcd, seen abababababababab at 2023-11-14 22:13:20 UTC"
    )
    with pytest.raises(StoreUnreachable, match=told) as caught:
        seen.plan_compaction(snapshot, CompactionOptions())
    assert "--accept-other-store" in caught.value.hint
    assert ("written anew" in caught.value.message) == keep
    assert seen.check(snapshot).findings[0].kind == "other-store"
    assert engine(store, memory).look().other is not None
    assert seen.accept(snapshot).other is None
    assert engine(store, memory).look().other is None


def test_a_store_without_identity_that_lost_files_has_shrunk(store: Path, memory: LastLooks) -> None:
    missed(store, memory)
    other_store(store)
    (store / "metadata" / "identity.meta").unlink()
    snapshot = engine(store, memory).look()
    assert snapshot.other is None and f"metadata/{GONE}" in snapshot.gone


def test_an_identity_that_was_moved_away_is_that_of_the_store_still(store: Path, memory: LastLooks) -> None:
    missed(store, memory)
    (store / "metadata_backup").mkdir()
    (store / "metadata" / "identity.meta").rename(store / "metadata_backup" / "identity.meta")
    assert engine(store, memory).look().other is None


def test_a_memory_of_an_older_version_knows_no_identity(store: Path, memory: LastLooks) -> None:
    missed(store, memory)
    [path] = memory.folder.iterdir()
    kept = json.loads(path.read_text())
    path.write_text(json.dumps({key: kept[key] for key in ("v", "store", "names")}))
    other_store(store)
    assert f"metadata/{GONE}" in missed(store, memory)
