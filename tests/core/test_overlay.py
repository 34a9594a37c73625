"""An overlay lets unpatched stock restore from a store that it can't restore from, and leaves the store alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from core.codec import encode_record
from core.demo import SCENARIOS, build_demo_store
from core.errors import Refused, StoreUnreachable, UsageError, WriteFailed
from core.host import FixedHost
from core.manifests import collect_evidence
from core.model import IdentityRecord, LaneKind, TransactionRecord
from core.overlay import Overlay, WrittenOverlay, describe, plan_overlay, restore_size, write_overlay
from core.recovery import Recovery, plan_recovery
from core.restore import RestoreOptions, verdict
from core.snapshot import Progress, Snapshot, take_snapshot
from core.stock import load_error
from core.storage import LocalReader, reader_for
from tests.support import stock_model
from tests.support.adapters import INFLATE, StockAdapter, write_adapter
from tests.support.backups import NOW, BackupStore
from tests.support.data import stock_vectors
from tests.support.gzipped import gzipped
from tests.support.recoveries import derived_transactions, no_records, recovery_of
from tests.support.soaking import examples
from tests.support.stores import base_store, epoch, lines, numbered, snapshot_of, state, txn
from tests.support.strategies import entries

HOST = FixedHost(NOW)
WRITING = ("create_backup", "create_for_write", "save_metadata_line", "backup_metadata_file")
#: A restore through `first_version` 101 is not possible: two entries begin there.
TWICE = txn(101, 150, "transaction_101-.bbbb/transaction.manifest")


@pytest.fixture(scope="module")
def demo_stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One sample store for each scenario, and a command adapter beside each. Never changed by a test."""
    folder = tmp_path_factory.mktemp("the demo stores")
    for name in SCENARIOS:
        build_demo_store(name, folder / name)
        write_adapter(folder / f"{name}.yaml", folder / name, variables={"SAS": "sig=hunter2"})
    return folder


@pytest.fixture
def store(tmp_path: Path) -> BackupStore:
    """A store of 201 versions in which stock stops at version 101."""
    backups = BackupStore(tmp_path / "store")
    backups.add_transactions(101, 150, "bbbb", line=False)
    backups.add_line(TWICE, "again.meta")
    return backups


def recovered(location: str, options: RestoreOptions | None = None) -> Recovery:
    reader = reader_for(location)
    return plan_recovery(reader, take_snapshot(reader, HOST), options)


def overlay_of(location: str, options: RestoreOptions | None = None) -> Overlay:
    return plan_overlay(recovered(location, options), location, int(NOW))


def written(location: str, folder: Path, options: RestoreOptions | None = None) -> WrittenOverlay:
    return write_overlay(overlay_of(location, options), str(folder))


def look(location: str) -> Snapshot:
    return take_snapshot(reader_for(location), HOST)


def everything_in(folder: Path) -> dict[str, tuple[int, ...]]:
    """All that a write anywhere below `folder` would change."""
    paths = {str(path): path.lstat() for path in [folder, *folder.rglob("*")]}
    return {
        path: (each.st_mode, each.st_ino, each.st_nlink, each.st_size, each.st_mtime_ns, each.st_ctime_ns)
        for path, each in paths.items()
    }


def entries_of(snapshot: Snapshot, kind: LaneKind) -> list[tuple[int, int]]:
    return [(entry.first, entry.last) for entry in snapshot.index.lanes[kind].entries()]


def metadata_of(overlay: Overlay) -> dict[str, bytes]:
    return {handle.removeprefix("metadata/"): overlay.files[handle] for handle in overlay.metadata}


# Stock restores through it.


@pytest.mark.parametrize("suffix", ["", ".yaml"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_stock_restores_every_sample_store_as_far_as_the_overlay_says(
    demo_stores: Path, tmp_path: Path, name: str, suffix: str
) -> None:
    location = str(demo_stores / f"{name}{suffix}")
    before = verdict(look(location)).stock_restorable_to
    overlay = overlay_of(location)
    place = write_overlay(overlay, str(tmp_path / "overlay"))
    seen = look(place.adapter)
    assert load_error(seen) is None
    after = verdict(seen)
    assert after.stock_restorable_to == overlay.best.lands_at == after.latest
    assert after.stock_error is None
    assert before is None or before <= overlay.best.lands_at
    assert after == overlay.verdict
    adapter = StockAdapter(place.adapter, tmp_path)
    assert adapter.listed() == list(overlay.metadata)
    files = {handle: adapter.read(handle).output for handle in adapter.listed()}
    plan = stock_model.restore_plan(stock_model.load(files), overlay.best.lands_at)
    assert plan.covered == overlay.best.lands_at


@pytest.mark.parametrize("suffix", ["", ".yaml"])
@pytest.mark.parametrize("name", ["no-join", "snapshot-tie"])
def test_every_manifest_chunk_and_proof_of_the_restore_is_read_through_the_overlay(
    demo_stores: Path, tmp_path: Path, name: str, suffix: str
) -> None:
    place = written(str(demo_stores / f"{name}{suffix}"), tmp_path / "overlay")
    reader = reader_for(place.adapter)
    evidence = collect_evidence(reader, take_snapshot(reader, HOST), 4)
    assert len(evidence.manifests) > 20
    assert [facts.handle for facts in evidence.faulty] == []
    derived = [handle for _, handle in evidence.manifests if "splice" in handle]
    assert len(derived) == (1 if name == "no-join" else 0)


def test_stock_reads_every_file_through_the_overlay_byte_for_byte(demo_stores: Path, tmp_path: Path) -> None:
    folder = demo_stores / "same-range"
    adapter = StockAdapter(written(str(folder), tmp_path / "overlay").adapter, tmp_path)
    index = look(adapter.path).index
    handles = [index.transactions.manifest(row) for row in range(len(index.transactions))]
    chunk = json.loads((folder / handles[-1]).read_bytes())["chunks"][0]
    for handle in (handles[0], handles[-1], chunk["transactions"], chunk["proof"]):
        ran = adapter.read(handle)
        assert (ran.code, ran.output) == (0, (folder / handle).read_bytes())


@pytest.mark.parametrize("case", range(4))
def test_stock_shown_the_overlay_of_any_store_of_the_vectors_restores_what_was_planned(case: int) -> None:
    restored = 0
    for vector in stock_vectors("selection")[case::4]:
        snapshot = snapshot_of(vector["metadata"])
        plans = [query for query in vector["queries"] if query["call"] == "restore_plan"]
        wishes = {(query["target_version"], query.get("ledger_history_start_version")) for query in plans}
        for target, start in ((None, None), *sorted(wishes, key=str)):
            recovery = recovery_of(snapshot, options=RestoreOptions(target, start))
            restored += assert_stock_restores(recovery)
    assert restored > 50


_manifests = st.frozensets(st.sampled_from(["a", "b", "c", "ä"]), max_size=2)
_options = st.builds(
    RestoreOptions,
    target_version=st.none() | st.integers(0, 12),
    ledger_history_start=st.none() | st.integers(0, 12),
    pins=_manifests,
    vetoes=_manifests,
    broken=_manifests,
    unverified=_manifests,
)


@settings(max_examples=examples(150))
@given(entries, _options)
def test_stock_shown_the_overlay_of_a_random_store_restores_what_was_planned(
    records: list[TransactionRecord], options: RestoreOptions
) -> None:
    assert_stock_restores(recovery_of(snapshot_of(numbered(*records)), options=options))


def assert_stock_restores(recovery: Recovery) -> bool:
    """An independent model of stock, given the overlay's files, plans the best restore; False if there is none."""
    best, index = recovery.preview.best, recovery.index
    if best is None:
        with pytest.raises(Refused, match="no restore is possible"):
            plan_overlay(recovery, "memory", int(NOW))
        return False
    overlay = plan_overlay(recovery, "memory", int(NOW))
    view = stock_model.load(metadata_of(overlay))
    plan = stock_model.restore_plan(view, best.lands_at, overlay.history_start)
    assert plan.covered == best.lands_at
    assert plan.transactions == [index.transactions.record(row) for row in best.transactions.tolist()]
    assert plan.epochs == [index.epoch_endings.record(row) for row in best.epoch_endings.tolist()]
    assert stock_model.select_snapshot(view, best.lands_at) == index.state_snapshots.record(best.tree_snapshot)
    if overlay.history_start is not None and best.kv_snapshot is not None:
        chosen = index.state_snapshots.record(best.kv_snapshot)
        assert stock_model.select_snapshot(view, overlay.history_start) == chosen
    for target in {record.version for record in view.snapshots} | {best.lands_at}:
        stock_model.restore_plan(view, target)
    return True


# What is in it.


def test_only_the_chain_is_shown_and_everything_above_where_it_lands_is_left_out() -> None:
    snapshot = snapshot_of(
        {
            **base_store(),
            "gap.meta": lines(txn(301, 400), state(2, 350), epoch(2, 2, 180, 180)),
            "twice.meta": lines(TWICE),
            "late.meta": lines(state(1, 205)),
        }
    )
    overlay = plan_overlay(recovery_of(snapshot), "memory", int(NOW))
    assert overlay.best.lands_at == 200
    seen = snapshot_of(metadata_of(overlay))
    assert entries_of(seen, LaneKind.TRANSACTIONS) == [(0, 0), (1, 100), (101, 200)]
    assert entries_of(seen, LaneKind.EPOCH_ENDINGS) == [(0, 0), (1, 1), (2, 2)]
    assert entries_of(seen, LaneKind.STATE_SNAPSHOTS) == [(0, 0), (100, 100)]
    assert [record for record, _ in seen.index.identities] == [IdentityRecord("ab" * 32)]
    assert not seen.index.timestamps


def test_lower_targets_work_as_well_with_the_snapshots_below(demo_stores: Path) -> None:
    overlay = overlay_of(str(demo_stores / "same-range"))
    view = stock_model.load(metadata_of(overlay))
    assert len(view.snapshots) > 2
    for snapshot in view.snapshots:
        assert stock_model.restore_plan(view, snapshot.version).covered == snapshot.version


def test_a_snapshot_that_is_rejected_or_broken_or_that_stock_would_prefer_is_not_shown() -> None:
    rejected, broken, tied = state(1, 100, "z.bad/m"), state(1, 120, "z.broken/m"), state(1, 100, "z.tie/m")
    snapshot = snapshot_of({**base_store(), "more.meta": lines(rejected, broken, tied)})
    options = RestoreOptions(
        broken=frozenset({"z.broken/m"}), pins=frozenset({"state_epoch_1_ver_100.aaaa/state.manifest"})
    )
    recovery = recovery_of(snapshot, no_records(rejected), options=options)
    overlay = plan_overlay(recovery, "memory", int(NOW))
    view = stock_model.load(metadata_of(overlay))
    assert [record.manifest for record in view.snapshots] == [
        "state_epoch_0_ver_0.aaaa/state.manifest",
        "state_epoch_1_ver_100.aaaa/state.manifest",
    ]


def test_the_identity_comes_from_where_compaction_has_retired_it_to() -> None:
    metadata = base_store()
    identity = metadata.pop("identity.meta")
    overlay = plan_overlay(recovery_of(snapshot_of(metadata, {"identity.meta": identity})), "memory", int(NOW))
    assert identity in overlay.files.values()
    without = plan_overlay(recovery_of(snapshot_of(metadata)), "memory", int(NOW))
    assert len(without.metadata) == len(overlay.metadata) - 1


def test_names_are_the_overlays_own_and_change_with_what_is_in_them() -> None:
    """Stock keeps metadata files by name and never reads one again."""
    snapshot = snapshot_of({**base_store(), "twice.meta": lines(txn(101, 200, "other/transaction.manifest"))})
    by_pin = {
        pin: plan_overlay(recovery_of(snapshot, options=RestoreOptions(pins=frozenset({pin}))), "memory", int(NOW))
        for pin in ("other/transaction.manifest", "transaction_101-.aaaa/transaction.manifest")
    }
    one, other = (set(overlay.metadata) for overlay in by_pin.values())
    assert len(one ^ other) == 2
    assert all(handle.startswith("metadata/transaction_overlay_0-200_") for handle in one ^ other)
    assert not {file.handle for file in snapshot.index.files} & (one | other)


def test_the_same_recovery_gives_the_same_overlay_whenever_it_is_made() -> None:
    recovery = recovery_of(snapshot_of(base_store()))
    one, later = plan_overlay(recovery, "memory", int(NOW)), plan_overlay(recovery, "memory", int(NOW) + 5_000)
    assert dict(one.files) == dict(later.files)
    assert one.adapter("/o") == later.adapter("/o")


def test_lines_that_stock_would_spell_otherwise_are_spelled_as_stock_does() -> None:
    metadata = {name: content.replace(b'":', b'": ') for name, content in base_store().items()}
    metadata["transaction_0-0.meta"] = b'{"TransactionBackup":[0,0,"transaction_0-.aaaa\\/transaction.manifest"]}'
    overlay = plan_overlay(recovery_of(snapshot_of(metadata)), "memory", int(NOW))
    assert b"".join(overlay.files.values()) == b"".join(
        plan_overlay(recovery_of(snapshot_of(base_store())), "memory", int(NOW)).files.values()
    )


def test_many_lines_are_spread_over_several_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.overlay.metadata.LINES_PER_FILE", 10)
    records = [txn(10 * number, 10 * number + 9) for number in range(35)]
    snapshot = snapshot_of(numbered(*records, epoch(0, 0, 0, 0), state(0, 0), txn(5, 7)))
    overlay = plan_overlay(recovery_of(snapshot), "memory", int(NOW))
    ranges = [handle.split("_")[-2] for handle in overlay.metadata if "transaction" in handle]
    assert ranges == ["0-99", "100-199", "200-299", "300-349"]
    assert overlay.verdict.stock_restorable_to == 349


def test_a_derived_manifest_is_answered_from_the_folder_and_no_other_is_taken_along(
    store: BackupStore, tmp_path: Path
) -> None:
    source = "transaction_101-.bbbb/transaction.manifest"
    joining = derived_transactions(151, 200, source)
    unused = derived_transactions(300, 400, source)
    keeper = no_records(txn(101, 200))
    recovery = recovery_of(store.look(), keeper, derived=[joining, unused])
    overlay = plan_overlay(recovery, str(store.folder), int(NOW))
    assert overlay.derived == (joining.record.manifest,)
    place = write_overlay(overlay, str(tmp_path / "overlay"))
    assert StockAdapter(place.adapter, tmp_path).read(joining.record.manifest).output == joining.content
    assert encode_record(joining.record) in b"".join(overlay.files.values())


def test_the_history_before_the_snapshot_is_restored_when_it_is_wished(demo_stores: Path, tmp_path: Path) -> None:
    location = str(demo_stores / "same-range")
    versions = [first for first, _ in entries_of(look(location), LaneKind.STATE_SNAPSHOTS)]
    overlay = overlay_of(location, RestoreOptions(ledger_history_start=versions[1] + 1))
    assert overlay.best.kv_snapshot is not None
    assert overlay.best.kv_snapshot != overlay.best.tree_snapshot
    assert f"--ledger-history-start-version {versions[1] + 1} " in overlay.command("/o")
    too_early = plan_overlay(
        recovery_of(
            snapshot_of(numbered(txn(0, 50), txn(51, 99), epoch(0, 0, 0, 0), state(0, 60))),
            options=RestoreOptions(ledger_history_start=10),
        ),
        "memory",
        int(NOW),
    )
    assert "--ledger-history-start-version" not in too_early.command("/o")


# What it costs.


def test_what_is_known_of_the_size_of_a_restore_is_told_and_no_more(store: BackupStore) -> None:
    recovery = recovered(str(store.folder))
    bare, full = restore_size(recovery), restore_size(recovery, store.evidence(3))
    assert (bare.manifests, bare.chunks_known, bare.bytes_known) == (5, 0, 0)
    assert (full.manifests, full.chunks_known, full.bytes_known) == (5, 5, 5)
    assert full.chunks == 2 + 2 + 2 + 1 + 1
    assert full.chunk_bytes > 1_000
    overlay = plan_overlay(recovery, str(store.folder), int(NOW))
    assert "Through the overlay unpatched stock restores to version 200; as things are it restores to 100." in describe(
        overlay, bare
    )
    assert "The restore reads 5 manifests; nobody has looked at their chunks." in describe(overlay, bare)
    assert f"The restore reads 5 manifests and 8 chunks; the chunks take {full.chunk_bytes:,} bytes." in describe(
        overlay, full
    )


def test_that_secrets_are_copied_is_said(demo_stores: Path) -> None:
    overlay = overlay_of(str(demo_stores / "clean.yaml"))
    said = " ".join(describe(overlay, restore_size(overlay.recovery)))
    assert "holds the variables of that configuration, secrets among them: only its owner may read it" in said
    assert "hunter2" not in f"{said} {overlay!r} {overlay.command('/o')}"


# Where it is written.


def test_the_store_is_not_touched(store: BackupStore, tmp_path: Path) -> None:
    before = everything_in(store.folder)
    place = written(str(store.folder), tmp_path / "overlay")
    look(place.adapter)
    assert everything_in(store.folder) == before


@pytest.mark.parametrize(("suffix", "mode"), [("", 0o644), (".yaml", 0o600)])
def test_the_adapter_is_for_its_owner_alone_where_it_holds_the_variables_of_another(
    demo_stores: Path, tmp_path: Path, suffix: str, mode: int
) -> None:
    umask = os.umask(0o022)
    try:
        place = written(str(demo_stores / f"clean{suffix}"), tmp_path / "new" / "overlay")
    finally:
        os.umask(umask)
    modes = {path.name: path.stat().st_mode & 0o777 for path in Path(place.folder).rglob("*") if path.is_file()}
    assert modes.pop("adapter.yaml") == mode
    assert set(modes.values()) == {0o644}
    assert ("hunter2" in Path(place.adapter).read_text()) == bool(suffix)


def test_the_command_to_paste_names_the_adapter_and_where_the_restore_ends(store: BackupStore, tmp_path: Path) -> None:
    place = written(str(store.folder), tmp_path / "my overlay")
    assert place.command == (
        f"aptos-db-tool restore bootstrap-db --command-adapter-config '{tmp_path}/my overlay/adapter.yaml' "
        "--target-version 200 --target-db-dir NEW_DB_DIR"
    )


def unfit_folders(store: Path, tmp_path: Path) -> Iterator[tuple[str, str]]:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(store)
    yield str(store), "lies inside the store"
    yield str(store / "overlay"), "lies inside the store"
    yield str(store / "metadata" / "overlay"), "lies inside the store"
    yield str(tmp_path / "link" / "overlay"), "lies inside the store"
    yield str(tmp_path / "x" / ".." / "store" / "overlay"), "lies inside the store"
    yield str(tmp_path / "full"), "is no new or empty folder"
    yield str(tmp_path / "file"), "is no new or empty folder"
    yield str(tmp_path / "file" / "below"), "can't be"
    yield "", "can't be a folder"
    yield "a\0b", "can't be a folder"
    yield f"{tmp_path}/\udcff", "is not UTF-8"


def test_a_folder_that_is_not_new_and_apart_is_refused_and_left_as_it_is(store: BackupStore, tmp_path: Path) -> None:
    overlay = overlay_of(str(store.folder))
    folders = list(unfit_folders(store.folder, tmp_path))
    before = everything_in(tmp_path)
    for folder, why in folders:
        with pytest.raises((UsageError, WriteFailed), match=why):
            write_overlay(overlay, folder)
        assert everything_in(tmp_path) == before, folder


def test_an_empty_folder_will_do_and_a_second_overlay_in_it_will_not(store: BackupStore, tmp_path: Path) -> None:
    (tmp_path / "overlay").mkdir()
    overlay = overlay_of(str(store.folder))
    write_overlay(overlay, str(tmp_path / "overlay"))
    with pytest.raises(UsageError, match="is no new or empty folder"):
        write_overlay(overlay, str(tmp_path / "overlay"))


@pytest.mark.parametrize("left", range(7))
def test_a_disk_that_fails_leaves_nothing_behind(
    store: BackupStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    overlay = overlay_of(str(store.folder))
    before = sorted(tmp_path.rglob("*"))
    real, calls = os.fsync, iter(range(left))

    def failing(descriptor: int) -> None:
        if next(calls, None) is None:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr("core.overlay.write.os.fsync", failing)
    with pytest.raises(WriteFailed, match="No space left on device"):
        write_overlay(overlay, str(tmp_path / "deep" / "overlay"))
    assert sorted(tmp_path.rglob("*")) == before


def test_the_adapter_comes_last_and_all_is_flushed(
    store: BackupStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[str] = []
    real = os.fsync

    def watching(descriptor: int) -> None:
        flushed.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        real(descriptor)

    monkeypatch.setattr("core.overlay.write.os.fsync", watching)
    place = written(str(store.folder), tmp_path / "overlay")
    files = [str(path) for path in Path(place.folder).rglob("*") if path.is_file()]
    assert sorted(flushed[: len(files)]) == sorted(files)
    assert flushed[len(files) - 1] == place.adapter
    assert {place.folder, f"{place.folder}/metadata", str(tmp_path)} <= set(flushed[len(files) :])


# Its commands, as stock runs them.


@pytest.mark.parametrize("suffix", ["", ".yaml"])
@pytest.mark.parametrize("command", WRITING)
def test_commands_that_write_refuse(demo_stores: Path, tmp_path: Path, suffix: str, command: str) -> None:
    place = written(str(demo_stores / f"clean{suffix}"), tmp_path / "overlay")
    before = everything_in(tmp_path)
    names = {"BACKUP_NAME": "transaction_1-", "BACKUP_HANDLE": "x", "FILE_NAME": "identity.meta"}
    ran = StockAdapter(place.adapter, tmp_path).run(command, b"{}\n" * 100_000, **names)
    assert ran.code == 1
    assert ran.output == b""
    assert ran.messages == "seamline overlay: for restores only; nothing is written through it\n"
    assert everything_in(tmp_path) == before


HOSTILE = (
    "../outside",
    "metadata/../../outside",
    "..",
    "/etc/passwd",
    "-n",
    "--help",
    "$(touch pwned)",
    "`touch pwned`",
    "x; touch pwned",
    "x\ntouch pwned",
    "a b/$(touch pwned)/'\"",
    "*",
    "metadata/*",
    "adapter.yaml",
    "./adapter.yaml/..",
    "",
    "metadata",
    "x" * 5_000,
)


@pytest.mark.parametrize("suffix", ["", ".yaml"])
def test_hostile_handles_are_neither_run_nor_read(demo_stores: Path, tmp_path: Path, suffix: str) -> None:
    place = written(str(demo_stores / f"clean{suffix}"), tmp_path / "overlay")
    (tmp_path / "outside").write_text("secret")
    adapter = StockAdapter(place.adapter, tmp_path)
    before = everything_in(tmp_path)
    for handle in HOSTILE:
        ran = adapter.read(handle)
        assert ran.code != 0, handle
        assert ran.output == b"", handle
    assert everything_in(tmp_path) == before
    assert not list(demo_stores.rglob("pwned"))


@pytest.mark.parametrize(
    "name", ["-n", "--", "$(touch pwned)", "a b.chunk", "x\ny", 'it\'s "so"', "é\u202e", "*", "adapter.yaml"]
)
@pytest.mark.parametrize("folder", ["", "transaction_0-.aaaa/"])
def test_a_file_of_an_odd_name_is_read_from_the_store(
    store: BackupStore, tmp_path: Path, folder: str, name: str
) -> None:
    store.put(f"{folder}{name}", b"content of it")
    adapter = StockAdapter(written(str(store.folder), tmp_path / "overlay").adapter, tmp_path)
    ran = adapter.read(f"{folder}{name}")
    assert (ran.code, ran.output) == (0, b"content of it")


@pytest.mark.parametrize(
    "name",
    [
        "with space",
        "it's",
        'a "b"',
        "é ü 漢 \U0001f600",
        "$(touch pwned)",
        "-n",
        "#: - x",
        "a\nb",
        "tab\t",
        "%s\\n",
        "~",
        "x: y",
    ],
)
def test_odd_folders_of_store_and_overlay_do_no_harm(tmp_path: Path, name: str) -> None:
    backups = BackupStore(tmp_path / name / "store")
    place = written(str(backups.folder), tmp_path / name / "overlay")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    adapter = StockAdapter(place.adapter, elsewhere)
    assert adapter.listed()
    files = {handle: adapter.read(handle).output for handle in adapter.listed()}
    assert stock_model.restore_plan(stock_model.load(files), 200).covered == 200
    assert adapter.read(backups.newest).output == (backups.folder / backups.newest).read_bytes()
    assert verdict(look(place.adapter)).stock_restorable_to == 200
    assert not list(tmp_path.rglob("pwned"))
    assert not list(elsewhere.iterdir())


def test_a_store_named_by_a_relative_path_is_found_from_anywhere(
    store: BackupStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = written("store", Path("overlay"))
    assert place.folder == str(tmp_path / "overlay")
    ran = StockAdapter(place.adapter, Path("/")).read(store.newest)
    assert ran.output == (store.folder / store.newest).read_bytes()


def test_metadata_is_never_taken_from_the_store(store: BackupStore, tmp_path: Path) -> None:
    """Should somebody take the overlay apart, stock must fail rather than see a part of it."""
    place = written(str(store.folder), tmp_path / "overlay")
    adapter = StockAdapter(place.adapter, tmp_path)
    listed = adapter.listed()
    shutil.rmtree(Path(place.folder) / "metadata")
    assert adapter.listed() == listed
    assert all(adapter.read(handle).code != 0 for handle in listed)


# Stores in gzip, and stores behind adapters.


def zipped_store(folder: Path) -> BackupStore:
    backups = BackupStore(folder)
    backups.add_line(TWICE, "again.meta")
    for path in folder.rglob("*"):
        if path.is_file():
            path.write_bytes(gzipped(path.read_bytes()))
    return backups


@pytest.mark.parametrize("through_commands", [True, False])
def test_of_a_gzip_store_stock_gets_plain_content(tmp_path: Path, through_commands: bool) -> None:
    """A folder of gzip files is a copy of what an adapter once wrote: stock needs one to read it."""
    backups = zipped_store(tmp_path / "store")
    location = str(backups.folder)
    if through_commands:
        location = write_adapter(tmp_path / "gzip.yaml", backups.folder, read=INFLATE)
    adapter = StockAdapter(written(location, tmp_path / "overlay").adapter, tmp_path)
    assert json.loads(adapter.read(backups.newest).output)["last_version"] == 200
    files = {handle: adapter.read(handle).output for handle in adapter.listed()}
    assert stock_model.restore_plan(stock_model.load(files), 200).covered == 200
    assert adapter.read("transaction_0-.aaaa/none").code != 0


ORIGINAL = """
# The operator's own, with all that bash can do.
fetch() { local where="$1"; cat -- "$STORE_DIR/$where"; }
case "$FILE_HANDLE" in
  none) exit 17 ;;
esac
fetch "$FILE_HANDLE" | { cat; } # and a word in the end
cat <<END >&2
done with "$FILE_HANDLE"
END
"""


def test_the_operators_own_command_is_taken_over_as_it_is(store: BackupStore, tmp_path: Path) -> None:
    location = write_adapter(tmp_path / "own.yaml", store.folder, read=ORIGINAL, variables={"A": "x'y\"$z\n\u00e9"})
    adapter = StockAdapter(written(location, tmp_path / "overlay").adapter, tmp_path)
    assert adapter.config["commands"]["open_for_read"].endswith(ORIGINAL)
    assert {"key": "A", "value": "x'y\"$z\n\u00e9"} in adapter.config["env_vars"]
    assert adapter.read(store.newest).output == (store.folder / store.newest).read_bytes()
    assert adapter.read("none").code == 17


def test_handles_of_another_form_reach_the_operators_command_unchanged(store: BackupStore, tmp_path: Path) -> None:
    """Adapters may use URIs; what they mean is the operator's affair."""
    read = 'case "$FILE_HANDLE" in gs://*) printf %s "$FILE_HANDLE" ;; *) cat -- "$STORE_DIR/$FILE_HANDLE" ;; esac'
    location = write_adapter(tmp_path / "own.yaml", store.folder, read=read)
    adapter = StockAdapter(written(location, tmp_path / "overlay").adapter, tmp_path)
    for handle in ("gs://bucket/a b/$(x)", "gs://bucket/../x"):
        assert adapter.read(handle).output.decode() == handle


def test_an_overlay_of_an_overlay_restores_as_well(store: BackupStore, tmp_path: Path) -> None:
    location = str(store.folder)
    for number in range(4):
        location = written(location, tmp_path / f"overlay{number}").adapter
    assert verdict(look(location)).stock_restorable_to == 200
    adapter = StockAdapter(location, tmp_path)
    assert adapter.read(store.newest).output == (store.folder / store.newest).read_bytes()
    keys = [each["key"] for each in adapter.config["env_vars"]]
    assert len(keys) == len(set(keys)) == 3 + 3 * 2


def test_yaml_readers_of_both_kinds_read_the_same_configuration(demo_stores: Path) -> None:
    text = overlay_of(str(demo_stores / "no-join.yaml")).adapter("/a: #b/0x1F\n'\"é\U0001f600")
    typed, bare = yaml.safe_load(text), yaml.load(text, Loader=yaml.BaseLoader)
    assert typed == bare
    assert text.isascii()
    assert set(typed["commands"]) == {*WRITING, "open_for_read", "list_metadata_files"}


# When there is none.


def test_where_nothing_can_be_restored_there_is_no_overlay() -> None:
    stores: list[Mapping[str, bytes]] = [
        numbered(txn(5, 9), state(0, 5), epoch(0, 0, 0, 0)),
        numbered(txn(0, 9), epoch(0, 0, 0, 0)),
        numbered(txn(0, 9), state(0, 0)),
        {},
    ]
    for metadata in stores:
        with pytest.raises(Refused, match="no restore is possible") as caught:
            plan_overlay(recovery_of(snapshot_of(dict(metadata))), "my store", int(NOW))
        assert caught.value.exit_code == 6
        assert caught.value.hint == "seamline restore-plan 'my store' says what is missing"


class Stopping:
    """Stops a look before its first file."""

    def progress(self, progress: Progress) -> None:
        """Nothing to tell."""

    def stopped(self) -> bool:
        return True


def test_no_overlay_is_made_of_a_look_that_was_stopped(store: BackupStore) -> None:
    partial = take_snapshot(LocalReader(str(store.folder)), HOST, Stopping())
    with pytest.raises(StoreUnreachable, match="only a part of metadata/ has been read"):
        plan_overlay(recovery_of(partial), str(store.folder), int(NOW))


def test_planning_an_overlay_of_a_folder_needs_no_yaml() -> None:
    script = "import core.overlay, core.storage, sys; print('yaml' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, timeout=60, check=True)
    assert run.stdout == "False\n"
