"""Comparing records inside the comparison: its size first, progress, a stop, and each verdict; what is remembered."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path
from typing import BinaryIO

import pytest
from textual.pilot import Pilot

from core.engine import Engine
from core.manifests import Relation, Verdict
from tests.tui.support import (
    LATER,
    LaterHost,
    NamedReader,
    assert_golden,
    copied,
    demo_store,
    pressed,
    running,
    said,
    screen_text,
    settle,
)
from tui.app import SeamlineApp
from tui.comparison import ContentPhase
from tui.screens.compare import CompareScreen
from tui.widgets.rows import RowList

SIZES = {"80x24": (80, 24), "160x45": (160, 45)}


async def opened(app: SeamlineApp, pilot: Pilot[None], *keys: str) -> CompareScreen:
    """The comparison of the selected problem, once all about it is known, after some more keys."""
    await pressed(app, pilot, "enter", *keys)
    assert isinstance(app.screen, CompareScreen)
    return app.screen


def relations(screen: CompareScreen) -> list[Relation]:
    """How the rows of the table stand."""
    assert screen.comparison is not None and screen.comparison.known_chunks is not None
    return [row.relation for row in screen.comparison.known_chunks.rows]


class GatedReader(NamedReader):
    """A reader that opens chunk files only while its gate is open, and counts them."""

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        self.gate = threading.Event()
        self.opened: list[str] = []

    def open(self, handle: str) -> BinaryIO:
        if handle.endswith(".chunk"):
            assert self.gate.wait(30)
            self.opened.append(handle)
        return super().open(handle)


@pytest.mark.parametrize("size", SIZES)
async def test_the_records_are_compared_inside_the_screen(size: str) -> None:
    async with running(demo_store("same-range"), SIZES[size]) as (app, pilot):
        await opened(app, pilot, "v")
        await assert_golden(app, f"compare-offer-same-range-{size}")
        await pressed(app, pilot, "v")
        await assert_golden(app, f"compare-records-same-range-{size}")


async def test_first_it_says_how_many_bytes_of_both_sides_it_would_read_and_reads_nothing() -> None:
    async with running(demo_store("same-range")) as (app, pilot):
        screen = await opened(app, pilot, "v")
        assert screen.comparison is not None and screen.comparison.content is not None
        assert screen.comparison.content.phase is ContentPhase.OFFERED
        assert screen.comparison.content.to_read == (35_568, 35_572)
        assert "reads at most 34.7 KiB of A and 34.7 KiB of B: v again begins" in said(app, "meaning-text")
        await pressed(app, pilot, "escape")
        assert app.screen is screen and screen.comparison.content is None, "Escape only takes the offer back"
        await pressed(app, pilot, "escape")
        assert app.screen is not screen


async def test_different_records_are_named_with_the_chunks_of_both_and_n_leads_to_them() -> None:
    async with running(demo_store("same-range")) as (app, pilot):
        screen = await opened(app, pilot, "home", "v", "v")
        story = said(app, "meaning-text")
        assert "Different at version 613: chunk 2 of A, chunk 2 of B." in story
        assert "Every version before 613 is equal." in story
        assert "A differs: 35 bytes at byte 3,995 of transaction_0-.5c0a/500-.chunk" in story
        assert "Not checked: what follows the difference, proofs, signatures." in story
        assert "Not proven equal" not in story
        assert relations(screen) == [Relation.EQUAL, Relation.EQUAL, Relation.OTHER_RECORDS, Relation.SAME]
        rows = screen.query_one("#chunk-list", RowList)
        assert rows.cursor == 2
        await pressed(app, pilot, "home", "n")
        assert rows.cursor == 2
        assert "other records" in screen_text(app)


async def test_a_difference_that_no_size_shows_is_found_and_leads_there(tmp_path: Path) -> None:
    store = copied("two-batch-sizes", tmp_path)
    chunk = store / "transaction_5001-.02b7" / "5001-.chunk"
    content = bytearray(chunk.read_bytes())
    content[-1] ^= 1
    chunk.write_bytes(content)
    async with running(store) as (app, pilot):
        screen = await opened(app, pilot, "n")
        assert "no chunks differ" in screen_text(app)
        await pressed(app, pilot, "v", "v")
        assert relations(screen) == [Relation.OTHER_RECORDS]
        assert "Different at version 5,250: chunk 0 of A, chunk 0 of B." in said(app, "meaning-text")
        await pressed(app, pilot, "i")
        assert screen.query_one("#chunk-list", RowList).row_count == 1


async def test_equal_records_are_said_and_only_proofs_and_signatures_stay_unchecked() -> None:
    async with running(demo_store("two-batch-sizes")) as (app, pilot):
        screen = await opened(app, pilot, "v", "v")
        story = said(app, "meaning-text")
        assert "Equal: both hold the same records in all 250 shared versions. Either may be chosen." in story
        assert "\nNot checked: proofs, signatures." in story
        assert "nothing here says which one is right" not in story
        assert relations(screen) == [Relation.EQUAL]


async def test_a_chunk_that_is_not_there_leaves_it_open_and_says_why(tmp_path: Path) -> None:
    store = copied("same-range", tmp_path)
    (store / "transaction_0-.5c0a" / "500-.chunk").unlink()
    async with running(store) as (app, pilot):
        screen = await opened(app, pilot, "v", "v")
        story = said(app, "meaning-text")
        assert "Can't tell whether the records are equal: chunk 2 (500 to 749) of A is not in the store." in story
        assert "Every version before 500 is equal." in story
        assert "Not checked: chunk bytes, proofs, signatures." in story
        assert relations(screen)[:3] == [Relation.EQUAL, Relation.EQUAL, Relation.UNKNOWN]


async def test_snapshots_are_compared_by_their_items(tmp_path: Path) -> None:
    store = copied("snapshot-tie", tmp_path)
    for chunk in store.glob("state_epoch_25_ver_10873.286a/*.chunk"):
        other = store / "state_epoch_25_ver_10873.fd27" / chunk.name
        if not other.exists():
            shutil.copy(chunk, other)
    async with running(store) as (app, pilot):
        await opened(app, pilot, "v", "v")
        assert "Equal: both hold the same records in all 311 shared items." in said(app, "meaning-text")


async def test_without_both_manifests_no_records_are_compared(tmp_path: Path) -> None:
    store = copied("same-range", tmp_path)
    (store / "transaction_0-.5c0a" / "transaction.manifest").unlink()
    async with running(store) as (app, pilot):
        await opened(app, pilot, "v")
        assert "Compare records: a manifest can't be read" in screen_text(app)


async def test_escape_stops_comparing_and_leaves_the_screen_only_then() -> None:
    reader = GatedReader(str(demo_store("same-range")))
    app = SeamlineApp("same-range", lambda: Engine(reader, LaterHost(LATER)))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(app, pilot)
        screen = await opened(app, pilot, "v")
        await pilot.press("v")
        await pilot.pause()
        assert "Comparing the records: 0 B of 69.5 KiB, 0% read. Esc stops." in said(app, "meaning-text")
        await pilot.press("v")
        assert "Compare records: it is at work: Esc stops it" in screen_text(app)
        await pilot.press("escape")
        assert app.screen is screen and "stopping" in screen_text(app)
        reader.gate.set()
        await settle(app, pilot)
        assert "Stopped after 0 B of 69.5 KiB, 0%: nothing was found out." in said(app, "meaning-text")
        assert app.session.compared == {}
        await pressed(app, pilot, "v", "v")
        assert "Different at version 613" in said(app, "meaning-text")
        await pressed(app, pilot, "escape")
        assert app.screen is not screen


async def test_leaving_for_another_screen_stops_comparing() -> None:
    reader = GatedReader(str(demo_store("same-range")))
    app = SeamlineApp("same-range", lambda: Engine(reader, LaterHost(LATER)))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(app, pilot)
        await opened(app, pilot, "v")
        await pilot.press("v", "t")
        reader.gate.set()
        await settle(app, pilot)
        assert app.session.compared == {}
        assert len(reader.opened) <= 2


async def test_what_was_found_out_is_shown_again_without_reading() -> None:
    reader = GatedReader(str(demo_store("same-range")))
    reader.gate.set()
    app = SeamlineApp("same-range", lambda: Engine(reader, LaterHost(LATER)))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(app, pilot)
        await opened(app, pilot, "v", "v")
        await pressed(app, pilot, "escape")
        reader.opened.clear()
        screen = await opened(app, pilot)
        assert "Different at version 613" in said(app, "meaning-text")
        assert relations(screen)[2] is Relation.OTHER_RECORDS
        assert reader.opened == []


async def test_it_is_remembered_from_one_session_to_the_next_until_a_file_changes(tmp_path: Path) -> None:
    store = copied("same-range", tmp_path)
    later = LaterHost(LATER)
    async with running(store, host=later, kept_in=tmp_path / "kept") as (app, pilot):
        await opened(app, pilot, "v", "v")
    async with running(store, host=later, kept_in=tmp_path / "kept") as (app, pilot):
        screen = await opened(app, pilot)
        assert screen.comparison is not None and screen.comparison.result is not None
        assert screen.comparison.result.verdict is Verdict.DIFFERS
    (store / "transaction_0-.5c0a" / "0-.chunk").touch()
    async with running(store, host=later, kept_in=tmp_path / "kept") as (app, pilot):
        screen = await opened(app, pilot)
        assert screen.comparison is not None and screen.comparison.result is None


async def test_what_is_exported_tells_of_the_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(demo_store("same-range")) as (app, pilot):
        await opened(app, pilot, "v", "v", "x")
        document = json.loads((tmp_path / "seamline-compare-1.json").read_text())
        records = document["records"]
        assert (records["verdict"], records["differs_at"], records["a"]["chunk"]) == ("differs", 613, 2)
        assert [row["relation"] for row in document["chunks"]][1:3] == ["equal-records", "other-records"]


async def test_a_fault_of_the_program_while_comparing_is_said_and_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr(Engine, "compare_records", broken)
    async with running(demo_store("same-range")) as (app, pilot):
        screen = await opened(app, pilot, "v", "v")
        assert "RuntimeError: out of order" in screen_text(app)
        assert screen.comparison is not None and screen.comparison.content is not None
        assert screen.comparison.content.phase is ContentPhase.STOPPED
