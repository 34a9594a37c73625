"""The comparison: what it shows of two manifests, what it says when one is not there, and what a choice does."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from core.manifests import Relation
from tests.tui.support import assert_golden, demo_store, running, screen_text, settle
from tui.app import AppOptions, SeamlineApp
from tui.commands import Screens
from tui.screens.compare import CompareScreen
from tui.screens.compare_reading import Compared, SidesRead
from tui.screens.restore import RestoreScreen
from tui.widgets.prose import Prose
from tui.widgets.rows import RowList

SIZES = {"80x24": (80, 24), "160x45": (160, 45)}


async def opened(app: SeamlineApp, pilot: Pilot[None], *keys: str) -> CompareScreen:
    """The comparison of the selected problem, once everything about it is known, after some more keys."""
    await pilot.press("enter")
    await known(app, pilot)
    for key in keys:
        await pilot.press(key)
        await known(app, pilot)
    assert isinstance(app.screen, CompareScreen)
    return app.screen


async def known(app: SeamlineApp, pilot: Pilot[None]) -> None:
    """Wait until the manifests are read, then their chunk files looked up."""
    for _ in range(3):
        await settle(app, pilot)


def said(screen: CompareScreen, name: str) -> str:
    """All paragraphs of a text, whether they are in sight or not."""
    paragraphs = screen.query_one(f"#{name}", Prose)._paragraphs
    return "\n".join("".join(words for words, _ in each.runs) for each in paragraphs)


def copy_of(name: str, folder: Path) -> Path:
    """A sample store that a test may damage."""
    return Path(shutil.copytree(demo_store(name), folder / name))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["same-range", "two-batch-sizes", "snapshot-tie"])
async def test_two_manifests_side_by_side(name: str, size: str) -> None:
    async with running(demo_store(name), SIZES[size]) as (app, pilot):
        await opened(app, pilot)
        await assert_golden(app, f"compare-{name}-{size}")


@pytest.mark.parametrize("size", SIZES)
async def test_with_ascii_nothing_else_is_on_the_comparison(size: str) -> None:
    async with running(demo_store("same-range"), SIZES[size], AppOptions(ascii=True)) as (app, pilot):
        await opened(app, pilot, "a")
        assert screen_text(app).isascii()


async def test_the_classic_case_says_who_claims_what_and_that_nothing_tells_which_is_right() -> None:
    async with running(demo_store("same-range")) as (app, pilot):
        screen = await opened(app, pilot)
        assert "transaction_compacted_0-1999.meta line 1" in said(screen, "text-a")
        assert "transaction_compacted_0-2999.meta line 1" in said(screen, "text-b")
        meaning = said(screen, "meaning-text")
        assert "Not proven equal: 1 of the 4 shared chunks differs in size." in meaning
        assert "Each manifest is complete by itself: nothing here says which one is right." in meaning
        assert '"Transaction backup ranges not continuous, expecting version 1000, got 0."' in meaning
        assert "Not checked: chunk bytes, proofs, signatures." in meaning


async def test_manifests_and_chunks_come_as_messages_of_the_pair_that_was_asked_for() -> None:
    messages: list[object] = []
    async with running(demo_store("same-range")) as (app, pilot):
        await opened(app, pilot)
        screen = app.screen
        assert isinstance(screen, CompareScreen) and screen.comparison is not None
        pair = screen.comparison.pair
        stale = SidesRead((pair[1], pair[0]), screen.comparison.sides)
        messages.append(screen.comparison)
        screen.post_message(stale)
        await pilot.pause()
        assert screen.comparison is messages[0], "an answer for another pair changes nothing"
        first, later = (Compared(pair, screen.comparison, ()) for _ in range(2))
        assert later.can_replace(first)


async def test_the_cursor_stands_on_the_first_difference_and_n_wraps() -> None:
    async with running(demo_store("same-range")) as (app, pilot):
        screen = await opened(app, pilot)
        rows = screen.query_one("#chunk-list", RowList)
        assert rows.cursor == 2
        await pilot.press("home", "n")
        assert rows.cursor == 2
        await pilot.press("n")
        assert rows.cursor == 2
        assert "from the first difference again" in screen_text(app)


async def test_i_shows_only_the_chunks_that_differ() -> None:
    async with running(demo_store("same-range")) as (app, pilot):
        screen = await opened(app, pilot, "i")
        assert screen.query_one("#chunk-list", RowList).row_count == 1
        await pilot.press("i")
        assert screen.query_one("#chunk-list", RowList).row_count == 4


async def test_a_choice_shows_at_once_what_it_does_and_is_taken_back_by_the_same_key() -> None:
    async with running(demo_store("same-range")) as (app, pilot):
        screen = await opened(app, pilot, "b")
        assert screen.comparison is not None
        assert [entry.manifest for entry in app.wishes.choices] == [screen.comparison.pair[1].manifest]
        meaning = said(screen, "meaning-text")
        assert "B is chosen: the chain uses it and restores to 11,999, with an overlay" in meaning
        assert "A left out of the metadata: nothing becomes a gap; stock restores to 11,999" in meaning
        await pilot.press("a")
        assert [entry.manifest for entry in app.wishes.choices] == [screen.comparison.pair[0].manifest]
        await pilot.press("a")
        assert app.wishes.choices == ()


async def test_the_restore_preview_follows_the_choice() -> None:
    async with running(demo_store("same-range")) as (app, pilot):
        screen = await opened(app, pilot, "b")
        assert screen.comparison is not None
        chosen = screen.comparison.pair[1].manifest
        await pilot.press("escape", "r")
        await settle(app, pilot)
        assert isinstance(app.screen, RestoreScreen)
        assert app.screen.result is not None
        preview = app.screen.result.preview
        assert preview.options.pins == {chosen}
        used = preview.transactions.rows
        assert chosen in {preview.transactions.lane.manifest(int(row)) for row in used}
        assert f"--pin {chosen}" in app.screen.copy_text()


async def test_leaving_out_the_only_cover_of_a_range_opens_a_gap() -> None:
    async with running(demo_store("two-batch-sizes"), SIZES["160x45"]) as (app, pilot):
        screen = await opened(app, pilot)
        meaning = said(screen, "meaning-text")
        assert "a  choose A: the chain uses it" in meaning
        assert "A left out of the metadata: nothing becomes a gap" in meaning


async def test_s_goes_through_the_pairs_that_compete() -> None:
    async with running(demo_store("two-batch-sizes")) as (app, pilot):
        screen = await opened(app, pilot)
        assert screen.comparison is not None
        first = screen.comparison.pair
        assert "pair 1 of" in screen_text(app)
        await pilot.press("s")
        await known(app, pilot)
        assert "pair 2 of" in screen_text(app)
        assert screen.comparison.pair != first
        assert screen.comparison.overlap is not None


async def test_a_manifest_that_is_not_there_is_said_plainly(tmp_path: Path) -> None:
    store = copy_of("same-range", tmp_path)
    absent = next(folder for folder in store.glob("transaction_0-.*") if "ac6c" in folder.name)
    shutil.rmtree(absent)
    async with running(store) as (app, pilot):
        screen = await opened(app, pilot)
        assert "manifest not read: it is not in the store" in said(screen, "text-b")
        meaning = said(screen, "meaning-text")
        assert "Nothing can be compared: the manifest of B can't be read." in meaning
        assert "Each manifest is complete" not in meaning


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "it can't be read: EOF while parsing"),
        (b'{"first_version":0,"last_version":999,"chunks":[]}', "A is not complete: the manifest lists no chunks"),
    ],
)
async def test_a_manifest_that_is_wrong_is_said_plainly(tmp_path: Path, content: bytes, words: str) -> None:
    store = copy_of("same-range", tmp_path)
    manifest = next(store.glob("transaction_0-.5c0a/transaction.manifest"))
    manifest.write_bytes(content)
    async with running(store) as (app, pilot):
        screen = await opened(app, pilot)
        assert words in said(screen, "meaning-text")


async def test_a_chunk_file_that_is_not_there_leaves_its_size_unknown(tmp_path: Path) -> None:
    store = copy_of("same-range", tmp_path)
    next(store.glob("transaction_0-.5c0a/250-.chunk")).unlink()
    async with running(store) as (app, pilot):
        screen = await opened(app, pilot)
        assert screen.comparison is not None and screen.comparison.chunks is not None
        assert screen.comparison.chunks.count(Relation.UNKNOWN) == 1
        assert "4 chunks, 1 not in the store" in said(screen, "text-a")


async def test_of_two_snapshots_it_says_who_takes_which() -> None:
    async with running(demo_store("snapshot-tie")) as (app, pilot):
        screen = await opened(app, pilot)
        meaning = said(screen, "meaning-text")
        assert (
            "A stock restore takes B, the greater name. Resume in replay-verify takes A, the smaller name." in meaning
        )
        assert "Both name the same root hash: the same state." in meaning
        assert "B is not complete: a restore that reads it fails." in meaning
        assert screen.comparison is not None
        a, b = screen.comparison.pair
        assert a.manifest < b.manifest


async def test_a_problem_without_two_manifests_says_so_and_the_next_one_is_shown() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        screen = await opened(app, pilot, "right_square_bracket")
        assert screen.has_class("-nothing")
        assert "no two manifests compete here" in screen_text(app)
        await pilot.press("right_square_bracket")
        await known(app, pilot)
        assert not screen.has_class("-nothing")
        assert screen.comparison is not None
        assert screen.comparison.overlap == (12_001, 13_000)


async def test_two_pins_are_compared_whatever_problem_is_selected() -> None:
    async with running(demo_store("clean")) as (app, pilot):
        await pilot.press("home", "full_stop", "space", "full_stop", "space", "enter")
        await known(app, pilot)
        screen = app.screen
        assert isinstance(screen, CompareScreen) and screen.comparison is not None
        assert set(screen.comparison.pair) == set(app.session.pins)
        assert "These two do not overlap" in said(screen, "meaning-text")


async def test_while_reading_was_stopped_the_sides_are_shown_and_the_effects_refused_with_that_reason() -> None:
    async with running(demo_store("same-range")) as (app, pilot):
        screen = await opened(app, pilot)
        assert app.session.snapshot is not None
        partial = replace(app.session.snapshot, index=replace(app.session.snapshot.index, complete=False))
        app.session = replace(app.session, snapshot=partial, done=3, total=12)
        await pilot.pause()
        meaning = said(screen, "meaning-text")
        assert "only 3 of 12 files were read: shift+r reads again" in meaning
        assert "choose A" not in meaning
        assert "4 chunks" in said(screen, "text-a")


async def test_a_fault_of_the_program_is_said_and_does_not_end_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr("tui.screens.compare.weigh", broken)
    async with running(demo_store("same-range")) as (app, pilot):
        screen = await opened(app, pilot)
        meaning = said(screen, "meaning-text")
        assert "RuntimeError: out of order" in meaning and "report it" in meaning


@pytest.mark.parametrize("size", SIZES)
async def test_e_gives_the_panel_in_focus_the_whole_screen_and_back(size: str) -> None:
    async with running(demo_store("same-range"), SIZES[size]) as (app, pilot):
        screen = await opened(app, pilot)
        before = screen_text(app)
        screen.query_one("#meaning-text").focus()
        await pilot.press("e")
        await pilot.pause()
        assert "can verify them" in screen_text(app)
        assert not screen.query_one("#chunk-list").region
        await pilot.press("e")
        screen.query_one("#chunk-list").focus()
        await pilot.pause()
        assert screen_text(app) == before


async def test_names_from_the_store_are_shown_harmlessly(tmp_path: Path) -> None:
    store = copy_of("clean", tmp_path)
    handle = "[red]a[/x]\\u202e\\u001b]52;c;aGk=\\u0007"
    line = f'{{"TransactionBackup":{{"first_version":0,"last_version":0,"manifest":"{handle}"}}}}\n'
    (store / "metadata" / "transaction_0-0.meta").write_text(line)
    async with running(store) as (app, pilot):
        screen = await opened(app, pilot)
        assert screen.SCREEN is Screens.COMPARE
        shown = screen_text(app)
        assert "[red]a[/x]\\u202e\\x1b]52;c;aGk=\\x07" in shown
        assert "\x1b" not in shown and "\u202e" not in shown


async def test_what_is_exported_holds_both_sides_and_every_chunk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(demo_store("same-range")) as (app, pilot):
        await opened(app, pilot, "a", "x")
        document = json.loads((tmp_path / "seamline-compare-1.json").read_text())
        assert document["chosen"] == "A"
        assert [row["relation"] for row in document["chunks"]] == ["same", "same", "other-size", "same"]
        assert [side["chunk_count"] for side in document["sides"]] == [4, 4]
        assert document["choices"][0]["without_the_other"]["stock_restorable_to"] == 11_999
