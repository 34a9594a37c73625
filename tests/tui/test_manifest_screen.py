"""A range's manifest: what it says, its chunks with sizes, times and what is wrong between them, and who claims it."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from core.engine import Engine
from core.storage import Listed
from core.storage.protocol import FolderUnseen
from tests.tui.support import (
    NOW,
    LaterHost,
    NamedReader,
    assert_golden,
    demo_store,
    pressed,
    running,
    said,
    screen_text,
    settle,
)
from tui.app import SeamlineApp
from tui.screens.files import FilesScreen
from tui.screens.manifest import ManifestScreen
from tui.screens.timeline import TimelineScreen
from tui.widgets.rows import RowList

SIZES = {"80x24": (80, 24), "160x45": (160, 45)}


async def opened(app: SeamlineApp, pilot: Pilot[None], place: str, lane: str = "txn") -> ManifestScreen:
    """The manifest of the range at `place`, as an operator comes to it."""
    await pressed(app, pilot, "g", *place, "enter", *{"txn": "", "state": "k", "epoch": "kk"}[lane])
    await pressed(app, pilot, "full_stop", "comma", "enter")
    assert isinstance(app.screen, ManifestScreen), screen_text(app)
    return app.screen


def manifest_of(store: Path, folder: str) -> Path:
    """The one manifest in a folder that begins like this."""
    (path,) = store.glob(f"{folder}*/*.manifest")
    return path


def changed(path: Path, **fields: Any) -> None:
    """The manifest with other fields."""
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **fields}))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store of the test's own."""
    return Path(shutil.copytree(demo_store("clean"), tmp_path / "clean"))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("lane", ["txn", "state", "epoch"])
async def test_the_manifest_of_a_range_of_each_lane(lane: str, size: str) -> None:
    async with running(demo_store("clean"), SIZES[size]) as (app, pilot):
        await opened(app, pilot, "6500", lane)
        await assert_golden(app, f"manifest-{lane}-{size}")


async def test_enter_on_a_range_opens_its_manifest_and_o_the_file_that_claims_it() -> None:
    async with running(demo_store("clean")) as (app, pilot):
        screen = await opened(app, pilot, "6500")
        handle = screen.copy_text()
        assert handle.startswith("transaction_6001-") and handle.endswith("/transaction.manifest")
        assert handle in screen_text(app).splitlines()[-2]
        await pressed(app, pilot, "j", "y")
        assert app.clipboard.endswith("/6001-.chunk")
        await pressed(app, pilot, "j")
        assert screen.copy_text() in screen_text(app).splitlines()[-2]
        await pressed(app, pilot, "o")
        assert isinstance(app.screen, FilesScreen)
        claimed = said_by(screen, "claimed by")
        assert app.screen.copy_text() == f"metadata/{claimed.partition(' line ')[0]}"
        await pressed(app, pilot, "escape")
        assert app.screen is screen
        await pressed(app, pilot, "escape")
        assert isinstance(app.screen, TimelineScreen)


def said_by(screen: ManifestScreen, name: str) -> str:
    """What the facts say behind `name`."""
    paragraphs = screen.query_one("#facts-text").__dict__["_paragraphs"]
    texts = ("".join(words for words, _ in each.runs) for each in paragraphs)
    return next(each for each in texts if each.startswith(name)).removeprefix(name).strip()


def rows_of(screen: ManifestScreen) -> list[str]:
    """All rows of the list."""
    listed = screen.query_one("#chunk-list", RowList)
    return ["".join(words for words, _ in listed._rows.row(place, 100)).strip() for place in range(listed.row_count)]


async def test_gaps_overlaps_missing_and_empty_files_are_marked_with_exact_versions_and_n_steps_to_each(
    store: Path,
) -> None:
    path = manifest_of(store, "transaction_6001-")
    chunks = json.loads(path.read_bytes())["chunks"]
    assert [(each["first_version"], each["last_version"]) for each in chunks][:2] == [(6001, 6250), (6251, 6500)]
    chunks[1]["first_version"] = 6301
    chunks[2]["first_version"] = 6450
    changed(path, chunks=chunks)
    (store / chunks[0]["transactions"]).write_bytes(b"")
    (store / chunks[3]["transactions"]).unlink()
    (store / chunks[2]["proof"]).unlink()
    async with running(store) as (app, pilot):
        screen = await opened(app, pilot, "6500")
        rows = rows_of(screen)
        assert any(row.endswith("6,251 - 6,300 are in no chunk: 50 versions missing") for row in rows), rows
        assert any(row.endswith("6,450 - 6,500 are in two chunks: 51 versions twice") for row in rows), rows
        assert rows[1].endswith("0 B                        empty") or rows[1].endswith("empty"), rows
        assert any(row.startswith("2 ") and row.endswith("proof missing") for row in rows)
        assert any(row.startswith("3 ") and row.endswith("missing") for row in rows)
        facts = said(app, "facts-text")
        assert "chunk 1 begins at version 6,301 where 6,251 is next" in facts
        assert 'stock says "Chunk ranges not continuous. Expected first version: 6251, actual: 6301."' in facts
        assert "chunk 3 (6,751 to 7,000) is not in the store" in facts
        await pressed(app, pilot, "home")
        visited = []
        for _ in range(5):
            await pressed(app, pilot, "n")
            visited.append(rows[screen.query_one("#chunk-list", RowList).cursor])
        assert visited == [row for row in rows if row in visited] and len(set(visited)) == 5
        await pressed(app, pilot, "n")
        assert "from the first again" in screen_text(app)


async def test_a_manifest_that_is_not_in_the_store_is_said_to_be_so_and_nothing_else_is_claimed(store: Path) -> None:
    manifest_of(store, "transaction_6001-").unlink()
    async with running(store) as (app, pilot):
        screen = await opened(app, pilot, "6500")
        facts = said(app, "facts-text")
        assert "The manifest is not in the store: nothing is known of its chunks." in facts
        assert "NOT READ" in screen_text(app)
        assert screen.copy_text().startswith("transaction_6001-")
        await pressed(app, pilot, "n")
        assert "Next flaw: nothing wrong was seen in it" in screen_text(app)


async def test_a_hostile_manifest_is_shown_harmlessly_and_opens_nothing_outside_the_store(store: Path) -> None:
    path = manifest_of(store, "transaction_6001-")
    chunks = json.loads(path.read_bytes())["chunks"]
    chunks[0]["transactions"] = "../../etc/passwd"
    chunks[1]["transactions"] = "transaction_x/\x1b[2J[red]6251-.chunk"
    chunks[2] |= {"first_version": 2**64 - 1, "last_version": 0}
    changed(path, chunks=chunks)
    async with running(store) as (app, pilot):
        screen = await opened(app, pilot, "6500")
        rows = rows_of(screen)
        assert rows[1].endswith("not opened")
        assert any(row.endswith("inverted") for row in rows)
        await pressed(app, pilot, "j", "j")
        shown = screen_text(app)
        assert "\x1b" not in shown and "\\x1b[2J[red]" in shown
        assert "are in no chunk" in "\n".join(rows)


async def test_a_manifest_of_many_chunks_opens_with_all_of_them(store: Path) -> None:
    path = manifest_of(store, "transaction_6001-")
    chunk = json.loads(path.read_bytes())["chunks"][0]
    many = [{**chunk, "first_version": 6001 + number, "last_version": 6001 + number} for number in range(25_000)]
    changed(path, first_version=6001, last_version=31_000, chunks=many)
    async with running(store) as (app, pilot):
        screen = await opened(app, pilot, "6500")
        assert screen.query_one("#chunk-list", RowList).row_count == 25_001
        assert "its line says" in said(app, "facts-text")
        await pressed(app, pilot, "end")
        assert "chunk 24,999" in screen_text(app).splitlines()[-2]


async def test_what_is_shown_is_exported_with_nulls_for_what_was_not_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(demo_store("clean")) as (app, pilot):
        await opened(app, pilot, "6500")
        await pressed(app, pilot, "x")
        document = json.loads((tmp_path / "seamline-manifest-1.json").read_bytes())
        assert document["range"] == [6001, 7000] and document["problem_count"] == 0
        assert [row["chunk"] for row in document["rows"] if "chunk" in row] == [0, 1, 2, 3]
        assert all(row["size"] for row in document["rows"] if "chunk" in row)


class HeldReader(NamedReader):
    """A storage that lists no folder of a backup, and waits at the `held`th file that is looked up."""

    held = 10

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        self.begun, self.going_on = threading.Event(), threading.Event()
        self._count = 0

    def list_folder(self, folder: str) -> Iterator[Listed]:
        """Only what holds metadata."""
        if folder.startswith("transaction_"):
            raise FolderUnseen("this storage lists no folder")
        return super().list_folder(folder)

    def stat(self, handle: str) -> Listed:
        """One file after the other."""
        if handle.endswith(".chunk"):
            self._count += 1
            if self._count == self.held:
                self.begun.set()
                assert self.going_on.wait(30)
        return super().stat(handle)


async def test_escape_stops_looking_and_only_the_next_one_leaves(store: Path) -> None:
    path = manifest_of(store, "transaction_6001-")
    chunk = json.loads(path.read_bytes())["chunks"][0]
    many = [{**chunk, "first_version": v, "last_version": v, "transactions": f"{path.parent.name}/{v}-.chunk"}
            for v in range(6001, 7001)]  # fmt: skip
    changed(path, chunks=many)
    reader = HeldReader(str(store))
    app = SeamlineApp("clean", lambda: Engine(reader, LaterHost(NOW)))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(app, pilot)
        reader._count = 0
        await pressed(app, pilot, "g", *"6500", "enter", "full_stop", "comma")
        await pilot.press("enter")
        while not reader.begun.is_set():
            await pilot.pause(0.01)
        assert isinstance(app.screen, ManifestScreen)
        await pilot.press("escape")
        reader.going_on.set()
        await settle(app, pilot)
        assert isinstance(app.screen, ManifestScreen)
        facts = said(app, "facts-text")
        assert "1,000 chunks, " in facts and "not looked at" in facts
        assert "stopped: not all looked at" in screen_text(app) or "problem" in screen_text(app).splitlines()[0]
        assert any(row.endswith("?") for row in rows_of(app.screen))
        await pressed(app, pilot, "escape")
        assert isinstance(app.screen, TimelineScreen)
