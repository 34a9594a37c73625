"""A store whose files are gzip, as an adapter writes them, is changed like a plain one, and stays readable by stock."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core import form
from tests.support import stock_model
from tests.support.adapters import INFLATE, StockAdapter, write_adapter
from tests.support.change_sets import base_folder, metadata_of, tree
from tests.support.changed_stores import HUNDRED, every_file, handles
from tests.support.commands import LATER, seamline
from tests.support.gzipped import gzipped, is_zipped, unzipped, zip_up
from tests.support.repair_commands import repair
from tests.support.stores import lines, txn

#: Scenario: how far stock restores once it is repaired. The last one takes a derived manifest.
BROKEN = {"same-range": 11_999, "torn-compaction": 17_000, "everything": 18_000, "no-join": 12_500}


@pytest.fixture
def twins(tmp_path: Path) -> tuple[Path, Path]:
    """Base store B in plain files, and in gzip."""
    return base_folder(tmp_path / "plain"), zip_up(base_folder(tmp_path / "zipped"))


def of_the_store(folder: Path) -> dict[str, bytes]:
    """Every file that is not this tool's own."""
    return {name: content for name, content in every_file(folder).items() if not name.startswith("seamline/")}


def without_bytes(document: dict[str, Any]) -> list[tuple[str, int]]:
    return [(write["handle"], write["lines"]) for write in document["writes"]]


def stock_reads(store: Path, tmp_path: Path) -> dict[str, bytes]:
    """The metadata as stock gets it through an adapter that inflates."""
    adapter = StockAdapter(write_adapter(tmp_path / f"{store.name}.yaml", store, read=INFLATE), tmp_path)
    files = {handle: adapter.read(handle) for handle in adapter.listed()}
    assert not [ran.messages for ran in files.values() if ran.code]
    return {handle.removeprefix("metadata/"): ran.output for handle, ran in files.items()}


def test_a_compaction_writes_what_it_writes_into_a_plain_store_compressed(
    twins: tuple[Path, Path], tmp_path: Path
) -> None:
    plain, zipped = twins
    before = tree(zipped)
    preview = seamline("compact", zipped, *HUNDRED, "--dry-run", "--json").document
    done = seamline("compact", zipped, *HUNDRED, "--yes", "--if-plan", preview["plan_id"], "--json").document
    assert (done["writes"], done["plan_id"]) == (preview["writes"], preview["plan_id"])
    theirs = seamline("compact", plain, *HUNDRED, "--yes", "--json").document
    assert without_bytes(done) == without_bytes(theirs)
    after = tree(zipped)
    assert unzipped(after) == tree(plain)
    assert all(is_zipped([content]) for content in after.values())
    assert all(len(after[write["handle"]]) == write["bytes"] for write in done["writes"])
    assert stock_reads(zipped, tmp_path) == metadata_of(plain)
    assert seamline("compact", zipped, *HUNDRED, "--yes").out.startswith("NOTHING")
    for place in twins:
        assert seamline("compact", place, *HUNDRED, "--yes", now=LATER + 90_000).code == 0
    assert unzipped(tree(zipped)) == tree(plain)
    for _ in range(2):
        assert seamline("undo", zipped, "--yes").code == 0
    assert {name: content for name, content in tree(zipped).items() if name in before} == before
    assert metadata_of(zipped).keys() == {name.removeprefix("metadata/") for name in before}


def test_an_undo_takes_the_very_bytes_out_of_the_bundle(twins: tuple[Path, Path]) -> None:
    _, zipped = twins
    for now in (LATER, LATER + 90_000):
        assert seamline("compact", zipped, *HUNDRED, "--yes", now=now).code == 0
    moved = {path.name: path.read_bytes() for path in (zipped / "metadata_backup").iterdir()}
    assert len(moved) == 7
    shutil.rmtree(zipped / "metadata_backup")
    document = seamline("undo", zipped, "--yes", "--json").document
    assert [(write["lines"], write["bytes"]) for write in document["writes"]] == [
        (1, len(moved[write["handle"].removeprefix("metadata/")])) for write in document["writes"]
    ]
    assert {name: content for name, content in metadata_of(zipped).items() if name in moved} == moved


@pytest.mark.parametrize("name", BROKEN)
def test_a_repair_writes_what_it_writes_into_a_plain_store_compressed(
    name: str, copy_of: Callable[[str], Path], tmp_path: Path
) -> None:
    plain = copy_of(name)
    zipped = zip_up(Path(shutil.copytree(plain, tmp_path / "zipped")))
    before = of_the_store(zipped)
    ours, theirs = (repair(place, "--yes", "--json").document for place in (zipped, plain))
    same = ("derived", "recovered", "rejected", "parked", "side_effects", "files_after")
    assert {field: ours[field] for field in same} == {field: theirs[field] for field in same}
    assert ours["stock_after"]["restorable_to"] == BROKEN[name]
    after = of_the_store(zipped)
    assert unzipped(after) == of_the_store(plain)
    assert all(is_zipped([after[handle]]) for handle in handles([*ours["writes"], *ours["derived"]]))
    view = stock_model.load(stock_reads(zipped, tmp_path))
    assert stock_model.restore_plan(view, BROKEN[name]).covered >= BROKEN[name]
    adapter = StockAdapter(str(tmp_path / "zipped.yaml"), tmp_path)
    for derived in ours["derived"]:
        assert len(json.loads(adapter.read(derived["handle"]).output)["chunks"]) == derived["chunks"]
    assert repair(zipped, "--yes").out.startswith("NOTHING")
    assert seamline("undo", zipped, "--yes").code == 0
    left = of_the_store(zipped)
    assert {path: left[path] for path in before} == before
    assert metadata_of(zipped).keys() == {path.removeprefix("metadata/") for path in before if "metadata/" in path}


def test_a_plan_is_carried_out_where_another_zlib_is(
    copy_of: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a file will say is the plan; how far it shrinks is not."""
    store, plan = zip_up(copy_of("no-join")), tmp_path / "plan.json"
    preview = repair(store, "--plan-out", plan, "--json").document
    document = json.loads(plan.read_bytes())
    with monkeypatch.context() as other_zlib:
        other_zlib.setattr(form, "_LEVEL", 0)
        done = repair(store, "--plan", plan, "--json").document
    assert (done["plan_id"], without_bytes(done)) == (preview["plan_id"], without_bytes(preview))
    assert done["writes"] != preview["writes"]
    for write in [*document["writes"], *document["derived"]]:
        content = (store / write["handle"]).read_bytes()
        assert is_zipped([content]) and unzipped({"": content})[""].decode() == write["content"]
    assert seamline("undo", store, "--yes").code == 0
    assert repair(store, "--yes").code == 0


@pytest.mark.parametrize("rare", ["gzip", "plain"])
@pytest.mark.parametrize("words", [("compact", *HUNDRED), ("repair",)])
def test_a_store_of_both_forms_is_refused_and_left_as_it_is(
    twins: tuple[Path, Path], words: tuple[str, ...], rare: str
) -> None:
    store = twins[rare == "plain"]
    rejected = lines(txn(0, 0, "transaction_0-.bbbb/transaction.manifest"))
    odd = store / "metadata/x.meta"
    odd.write_bytes(gzipped(rejected) if rare == "gzip" else rejected)
    os.utime(odd, (LATER - 900, LATER - 900))
    before = every_file(store)
    name, *options = words
    outcome = seamline(name, store, *options, "--yes", "--json")
    assert outcome.code == 6
    refused = outcome.document["refused"]
    assert refused["kind"] == "plain-vs-gzip-store"
    assert f"In {rare} form: metadata/x.meta. " in refused["explanation"]
    assert refused["next_step"] == f"seamline check {store}"
    assert every_file(store) == before
    check = seamline("check", store, "--json").document
    [found] = [each for each in check["findings"] if each["kind"] == "plain-vs-gzip-store"]
    assert f"In {rare} form: metadata/x.meta. " in found["explanation"]


def test_an_overlay_of_a_gzip_store_gives_its_own_files_and_the_stores_inflated(
    copy_of: Callable[[str], Path], tmp_path: Path
) -> None:
    store = zip_up(copy_of("no-join"))
    before = every_file(store)
    place = tmp_path / "overlay"
    assert seamline("overlay", store, place).code == 0
    adapter = StockAdapter(str(place / "adapter.yaml"), tmp_path)
    files = {handle.removeprefix("metadata/"): adapter.read(handle).output for handle in adapter.listed()}
    view = stock_model.load(files)
    assert stock_model.restore_plan(view, 12_500).covered >= 12_500
    manifests = {
        record["manifest"]
        for line in b"".join(files.values()).splitlines()
        for record in json.loads(line).values()
        if "manifest" in record
    }
    assert any(".splice_" in handle for handle in manifests)
    assert all(json.loads(adapter.read(handle).output)["chunks"] for handle in manifests)
    assert every_file(store) == before
