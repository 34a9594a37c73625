"""A repair is carried out like every change, found when it was cut off, and taken back to the last byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.changes.model import ChangeSet, OperationKind
from core.errors import PlanOutdated, Refused, WriteFailed
from core.journal import OperationState, interrupted_in
from core.journal.documents import Intent, JournalFault, decode, encode
from core.model import Finding, LaneKind, Severity
from core.names import is_derived_manifest, parse_backup_folder
from core.stock import load_error, restore_plan
from tests.support.change_sets import engine_on, look_at, meddled, metadata_of, operations_on, tree
from tests.support.changed_stores import cut_off
from tests.support.gzipped import gzipped, is_zipped
from tests.support.recoveries import entries_in
from tests.support.repair_scenes import (
    CUT,
    GZIP_SCENES,
    LOSER,
    REPAIR_SCENES,
    RIVAL,
    RepairScene,
    mixed_scene,
    splice_gzip_scene,
    splice_scene,
    torn_scene,
)
from tests.support.stores import lines, txn

LANDS_AT = {"mixed": 299, "torn": 399, "splice": 699}


@pytest.fixture(params=(*REPAIR_SCENES, *GZIP_SCENES), ids=lambda make: make.__name__)
def scene(request: pytest.FixtureRequest) -> RepairScene:
    made: RepairScene = request.param()
    return made


def undo(store: Path) -> ChangeSet:
    """Take back the newest operation."""
    engine = engine_on(store)
    change = engine.plan_undo(engine.look(), engine.log()[-1])
    operations_on(store).apply(change)
    return change


def test_a_repaired_store_is_what_was_planned_and_stock_restores_it(tmp_path: Path, scene: RepairScene) -> None:
    store = scene.write_to(tmp_path)
    change = scene.change(look_at(store))
    applied = operations_on(store).apply(change)
    assert not applied.outcome.notes
    snapshot = look_at(store)
    assert load_error(snapshot) is None
    assert restore_plan(snapshot.index, None).lands_at == LANDS_AT[scene.name]
    assert not set(change.rejected) & entries_in(snapshot.index)
    assert set(change.added) <= entries_in(snapshot.index)
    assert len({is_zipped([content]) for content in metadata_of(store).values()}) == 1
    [operation] = engine_on(store).log()
    assert (operation.kind, operation.state) == (OperationKind.REPAIR, OperationState.DONE)
    assert operation.intent is not None and len(operation.intent.rejected) == len(change.rejected)
    assert not list((store / "seamline/staged").iterdir())


def test_an_undo_leaves_metadata_as_it_was_to_the_last_byte(tmp_path: Path, scene: RepairScene) -> None:
    store = scene.write_to(tmp_path)
    before, backup = metadata_of(store), tree(store)
    operations_on(store).apply(scene.change(look_at(store)))
    change = undo(store)
    assert metadata_of(store) == before
    assert {handle: content for handle, content in tree(store).items() if handle in backup} == backup
    assert engine_on(store).log()[0].state is OperationState.UNDONE
    bad = {file.handle for file in look_at(store).index.files if file.bad_lines}
    assert set(change.unreadable) == bad


def test_an_undo_can_be_undone_and_that_as_well(tmp_path: Path, scene: RepairScene) -> None:
    store = scene.write_to(tmp_path)
    before = metadata_of(store)
    operations_on(store).apply(scene.change(look_at(store)))
    repaired = metadata_of(store)
    for wanted in (before, repaired, before, repaired):
        undo(store)
        assert metadata_of(store) == wanted


def test_a_repair_can_be_done_again_after_its_undo(tmp_path: Path, scene: RepairScene) -> None:
    store = scene.write_to(tmp_path)
    operations_on(store).apply(scene.change(look_at(store)))
    repaired = metadata_of(store)
    undo(store)
    change = scene.change(look_at(store))
    operations_on(store).apply(change)
    again = metadata_of(store)
    assert {write.handle for write in change.writes} <= {f"metadata/{name}" for name in repaired}
    assert sorted(again.keys() ^ repaired.keys()) == sorted(
        name
        for name in again.keys() | repaired.keys()
        if name.startswith("compaction_timestamps") and name not in again.keys() & repaired.keys()
    )


@pytest.mark.parametrize("steps", range(1, 6))
def test_an_interrupted_repair_is_resumed_or_undone(tmp_path: Path, scene: RepairScene, steps: int) -> None:
    store, other = scene.write_to(tmp_path / "a"), scene.write_to(tmp_path / "b")
    before = metadata_of(store)
    for folder in (store, other):
        change = scene.change(look_at(folder))
        if len(change.all_new) + len(change.retires) <= steps:
            return
        cut_off(folder, change, steps)
    undo(store)
    assert metadata_of(store) == before
    assert not interrupted_in(look_at(store).journal)
    [done] = operations_on(other).resume()
    assert not done.outcome.notes
    assert restore_plan(look_at(other).index, None).lands_at == LANDS_AT[scene.name]


def test_derived_manifests_are_there_before_any_line_names_them(tmp_path: Path) -> None:
    scene = splice_scene()
    store = scene.write_to(tmp_path)
    seen: list[bool] = []
    operations = meddled(
        store,
        lambda step, handle: step == "link" and handle.startswith("metadata/"),
        lambda: seen.append((store / CUT.record.manifest).read_bytes() == CUT.content),
    )
    operations.apply(scene.change(look_at(store)))
    assert seen == [True]


def test_an_undo_leaves_derived_manifests_and_the_repair_takes_them_again(tmp_path: Path) -> None:
    scene = splice_scene()
    store = scene.write_to(tmp_path)
    operations_on(store).apply(scene.change(look_at(store)))
    undo(store)
    assert place_of(store).read_bytes() == CUT.content
    assert not complaints(store, 1) and not complaints(store, 2)
    operations_on(store).apply(scene.change(look_at(store)))
    assert restore_plan(look_at(store).index, None).lands_at == 699


def test_a_derived_manifest_that_no_line_ever_named_is_told_and_no_more(tmp_path: Path) -> None:
    store = splice_scene().write_to(tmp_path)
    place_of(store).parent.mkdir()
    place_of(store).write_bytes(CUT.content)
    for level in (1, 2):
        [about] = complaints(store, level)
        assert about.severity is Severity.INFO
        assert "the same repair would use it again" in about.explanation


def complaints(store: Path, level: int) -> list[Finding]:
    """The findings on derived manifests."""
    found = engine_on(store).check(look_at(store), level).findings
    return [each for each in found if any("splice_" in handle for handle in each.manifests)]


def test_nothing_complains_of_a_repaired_store_but_what_stays_in_metadata_backup(
    tmp_path: Path, scene: RepairScene
) -> None:
    store = scene.write_to(tmp_path)
    operations_on(store).apply(scene.change(look_at(store)))
    report = engine_on(store).check(look_at(store), 1)
    kinds = {each.kind for each in report.findings if each.severity is not Severity.INFO}
    assert not kinds & {
        "name-content-disagree",
        "foreign-file-in-metadata",
        "partial-compacted-file",
        "overlap-manifest",
    }


def test_a_derived_manifest_that_another_zlib_made_is_taken_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = splice_gzip_scene()
    store = scene.write_to(tmp_path)
    place_of(store).parent.mkdir()
    place_of(store).write_bytes(gzipped(CUT.content + b" " * 999, level=0))
    with pytest.raises(PlanOutdated, match="holds something else"):
        operations_on(store).apply(scene.change(look_at(store)))
    undo(store)
    place_of(store).write_bytes(gzipped(CUT.content, level=0))
    operations_on(store).apply(scene.change(look_at(store)))
    assert restore_plan(look_at(store).index, None).lands_at == 699
    assert place_of(store).read_bytes() == gzipped(CUT.content, level=0)


def test_another_file_in_the_place_of_a_derived_manifest_stops_the_repair(tmp_path: Path) -> None:
    scene = splice_scene()
    store = scene.write_to(tmp_path)
    place = store / CUT.record.manifest
    place.parent.mkdir()
    place.write_bytes(b"something else")
    before = metadata_of(store)
    with pytest.raises(PlanOutdated, match="was to be a derived manifest, but holds something else"):
        operations_on(store).apply(scene.change(look_at(store)))
    assert metadata_of(store) == before and place.read_bytes() == b"something else"
    with pytest.raises(PlanOutdated, match="was to be a derived manifest"):
        operations_on(store).resume()
    undo(store)
    assert metadata_of(store) == before
    assert not interrupted_in(look_at(store).journal)


def test_a_derived_manifest_that_is_there_already_is_taken_as_done(tmp_path: Path) -> None:
    scene = splice_scene()
    store = scene.write_to(tmp_path)
    place = store / CUT.record.manifest
    place.parent.mkdir()
    place.write_bytes(CUT.content)
    operations_on(store).apply(scene.change(look_at(store)))
    assert restore_plan(look_at(store).index, None).lands_at == 699


def test_a_store_whose_folder_may_not_be_changed_gets_no_derived_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = splice_scene()
    store = scene.write_to(tmp_path)
    change, before = scene.change(look_at(store)), tree(store)
    operations = operations_on(store)
    may_change = operations.reader.may_change
    monkeypatch.setattr(operations.reader, "may_change", lambda folder: folder != "." and may_change(folder))
    with pytest.raises(WriteFailed, match="nothing was changed"):
        operations.apply(change)
    assert tree(store) == before and not place_of(store).exists()


def place_of(store: Path) -> Path:
    """Where the derived manifest goes."""
    return store / CUT.record.manifest


@pytest.mark.parametrize("when", ["link", "move"])
def test_a_rejected_line_that_comes_back_meanwhile_stays_and_is_told(tmp_path: Path, when: str) -> None:
    scene = mixed_scene()
    store = scene.write_to(tmp_path)

    def write_back() -> None:
        (store / "metadata/back.meta").write_bytes(lines(RIVAL))

    operations = meddled(store, lambda step, _handle: step == when, write_back)
    change = scene.change(look_at(store))
    if when == "link":
        with pytest.raises(PlanOutdated, match=r"metadata/back.meta came"):
            operations.apply(change)
        return
    applied = operations.apply(change)
    assert any("back.meta came" in note for note in applied.outcome.notes)
    assert (store / "metadata/back.meta").exists()


def test_a_line_that_an_undo_would_lose_is_not_lost(tmp_path: Path) -> None:
    scene = torn_scene()
    store = scene.write_to(tmp_path)
    operations_on(store).apply(scene.change(look_at(store)))
    # Somebody sets a file aside whose lines now stand only in what the repair wrote, and which the repair never knew.
    [written] = [name for name in metadata_of(store) if name.startswith("transaction_repair")]
    path = store / "metadata" / written
    path.write_bytes(path.read_bytes() + lines(txn(400, 499)))
    undo(store)
    assert txn(400, 499) in entries_in(look_at(store).index)


def test_entries_of_a_later_backup_survive_the_undo_of_a_repair(tmp_path: Path) -> None:
    scene = mixed_scene()
    store = scene.write_to(tmp_path)
    before = metadata_of(store)
    operations_on(store).apply(scene.change(look_at(store)))
    (store / "metadata/transaction_300-399.meta").write_bytes(lines(txn(300, 399)))
    undo(store)
    assert metadata_of(store) == before | {"transaction_300-399.meta": lines(txn(300, 399))}
    assert {RIVAL, LOSER} <= entries_in(look_at(store).index)


def test_a_bad_file_of_somebody_else_still_stands_in_the_way_of_an_undo(tmp_path: Path) -> None:
    scene = torn_scene()
    store = scene.write_to(tmp_path)
    operations_on(store).apply(scene.change(look_at(store)))
    (store / "metadata/other.meta").write_bytes(b"{")
    engine = engine_on(store)
    with pytest.raises(Refused, match=r"other\.meta"):
        engine.plan_undo(engine.look(), engine.log()[-1])


def _intent(tmp_path: Path) -> tuple[str, Intent]:
    scene = splice_scene()
    store = scene.write_to(tmp_path)
    operations_on(store).apply(scene.change(look_at(store)))
    [operation] = engine_on(store).log()
    assert operation.intent is not None
    return operation.id, operation.intent


@pytest.mark.parametrize(
    "handle",
    [
        "metadata/x.meta",
        "transaction_1-.splice_0123abcd/epoch_ending.manifest",
        "transaction_1-.splice_0123abcd/transaction.manifest/x",
        "transaction_1-.splice_0123abcd/../transaction.manifest",
        "transaction_1-.splice_0123ABCD/transaction.manifest",
        "transaction_1-.abcd/transaction.manifest",
        "x/transaction_1-.splice_0123abcd/transaction.manifest",
        "/transaction_1-.splice_0123abcd/transaction.manifest",
        "state_epoch_1_ver_1.splice_0123abcd/state.manifest",
        "",
    ],
)
def test_a_journal_that_derives_anything_but_a_derived_manifest_is_not_acted_on(tmp_path: Path, handle: str) -> None:
    identifier, intent = _intent(tmp_path)
    assert decode(encode(intent), Intent, identifier) == intent
    hostile = encode(intent).replace(CUT.record.manifest.encode(), handle.encode(), 1)
    with pytest.raises(JournalFault, match="no derived manifest"):
        decode(hostile, Intent, identifier)


def test_handles_of_derived_manifests_are_told_from_all_others() -> None:
    assert is_derived_manifest(CUT.record.manifest)
    folder = parse_backup_folder(CUT.record.manifest)
    assert folder is not None and folder.derived and folder.kind is LaneKind.TRANSACTIONS and folder.first == 400
    assert is_derived_manifest("epoch_ending_7-.splice_01234567/epoch_ending.manifest")
    assert not is_derived_manifest("epoch_ending_7-.0123/epoch_ending.manifest")
