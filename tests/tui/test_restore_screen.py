"""The restore preview: what stock does for a target, the chain that works, what is left out and why."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from core.lod import columns_of
from core.model import LaneKind
from core.restore import Needs
from tests.tui.support import assert_golden, demo_store, running, screen_text, settle
from tui.app import AppOptions, SeamlineApp
from tui.glyphs import UNICODE
from tui.screens.ask import AskScreen
from tui.screens.compare import CompareScreen
from tui.screens.restore import RestoreAnswer, RestoreScreen
from tui.screens.timeline import TimelineScreen
from tui.state import View
from tui.texts.restore import best_targets, state_word
from tui.widgets.layers import layered_cells
from tui.widgets.prose import Prose
from tui.widgets.rows import RowList

SIZES = {"80x24": (80, 24), "160x45": (160, 45)}


async def opened(app: SeamlineApp, pilot: Pilot[None], *keys: str) -> RestoreScreen:
    """The preview for everything, once it is there, after some more keys."""
    for key in ("end", "r", *keys):
        await pilot.press(key)
        await settle(app, pilot)
    assert isinstance(app.screen, RestoreScreen)
    return app.screen


async def ask(app: SeamlineApp, pilot: Pilot[None], key: str, text: str) -> None:
    """Press a key that asks, and answer."""
    await pilot.press(key)
    await settle(app, pilot)
    assert isinstance(app.screen, AskScreen)
    app.screen.query_one(Input).value = text
    await pilot.press("enter")
    await settle(app, pilot)


def answer_of(screen: RestoreScreen) -> RestoreAnswer:
    """What is shown."""
    assert screen.result is not None
    return screen.result


def said(screen: RestoreScreen) -> str:
    """All of the verdict, whether it is in sight or not."""
    paragraphs = screen.query_one("#verdict-text", Prose)._paragraphs
    return "\n".join("".join(words for words, _ in each.runs) for each in paragraphs)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["clean", "same-range", "everything"])
async def test_the_preview_of_a_sample_store(name: str, size: str) -> None:
    async with running(demo_store(name), SIZES[size]) as (app, pilot):
        await opened(app, pilot)
        assert_golden(app, f"restore-{name}-{size}")


@pytest.mark.parametrize("size", SIZES)
async def test_a_target_with_history_has_both_snapshots(size: str) -> None:
    async with running(demo_store("two-batch-sizes"), SIZES[size]) as (app, pilot):
        screen = await opened(app, pilot)
        await ask(app, pilot, "T", "11,500")
        await ask(app, pilot, "H", "4_000")
        assert_golden(app, f"restore-history-{size}")
        steps = [chosen.step.mark for chosen in screen._steps]
        assert steps.count("K") == steps.count("T") == 1


@pytest.mark.parametrize("size", SIZES)
async def test_with_ascii_nothing_else_is_on_the_preview(size: str) -> None:
    async with running(demo_store("everything"), SIZES[size], AppOptions(ascii=True)) as (app, pilot):
        await opened(app, pilot, "enter")
        assert screen_text(app).isascii()


@pytest.mark.parametrize(
    ("name", "word"),
    [("clean", "OK"), ("same-range", "STOPS, works with a chain"), ("everything", "STOPS"), ("gap", "STOPS")],
)
async def test_the_state_is_told_in_a_word(name: str, word: str) -> None:
    async with running(demo_store(name)) as (app, pilot):
        screen = await opened(app, pilot)
        assert state_word(answer_of(screen).preview)[0] == word
        assert word in screen_text(app).splitlines()[0]


async def test_a_target_above_the_latest_version_is_never_called_ok() -> None:
    async with running(demo_store("clean")) as (app, pilot):
        screen = await opened(app, pilot)
        await ask(app, pilot, "T", "1b")
        assert answer_of(screen).preview.needs is Needs.NOTHING
        assert "LANDS SHORT" in screen_text(app).splitlines()[0]
        assert "Asked for 1,000,000,000, it ends there without an error: 13,000 is the latest version." in said(screen)


async def test_it_opens_at_the_version_under_the_cursor() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await pilot.press("right_square_bracket", "r")
        await settle(app, pilot)
        assert isinstance(app.screen, RestoreScreen)
        assert answer_of(app.screen).preview.requested == app.view.cursor


async def test_the_classic_case_stops_with_stocks_words_and_shows_the_chain_that_works() -> None:
    async with running(demo_store("same-range")) as (app, pilot):
        screen = await opened(app, pilot)
        preview = answer_of(screen).preview
        assert preview.needs is Needs.OVERLAY
        assert '"Transaction backup ranges not continuous, expecting version 1000, got 0."' in said(screen)
        assert "Works with an overlay" in said(screen)
        assert "Writing one comes with a later version." in said(screen)


async def test_gaps_come_with_stocks_own_command_for_this_store() -> None:
    async with running(demo_store("gap")) as (app, pilot):
        screen = await opened(app, pilot)
        assert "6,001 - 7,000, 1,000 versions, no manifest" in said(screen)
        assert "aptos-db-tool backup oneoff transaction --start-version 6001" in said(screen)
        assert "--local-fs-dir gap" in said(screen)


async def test_versions_that_are_covered_but_do_not_join_are_told_apart_from_a_gap() -> None:
    async with running(demo_store("no-join")) as (app, pilot):
        screen = await opened(app, pilot)
        assert "covered, but nothing joins there" in said(screen)


async def test_b_takes_the_highest_target_that_works_with_stock_then_the_one_along_the_chain() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        screen = await opened(app, pilot, "b")
        assert best_targets(answer_of(screen).preview) == (2_500, 6_000)
        assert answer_of(screen).preview.requested == 2_500
        assert state_word(answer_of(screen).preview)[0] == "OK"
        await pilot.press("b")
        await settle(app, pilot)
        assert answer_of(screen).preview.requested == 6_000
        assert state_word(answer_of(screen).preview)[0] == "STOPS, works with a chain"


async def test_enter_says_why_then_compares_with_what_is_used_and_escape_goes_back_step_by_step() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        screen = await opened(app, pilot, "enter")
        assert "starts inside the chosen 2,001 - 3,000" in said(screen)
        assert "used here    transaction_2001-.5eae/transaction.manifest" in said(screen)
        await pilot.press("enter")
        await settle(app, pilot)
        assert isinstance(app.screen, CompareScreen)
        await pilot.press("escape")
        await settle(app, pilot)
        assert app.screen is screen
        await pilot.press("escape")
        assert "Lowest target that fails" in said(screen)
        assert app.screen is screen
        await pilot.press("escape")
        assert isinstance(app.screen, TimelineScreen)


async def test_enter_on_a_step_lists_what_it_reads() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        screen = await opened(app, pilot)
        screen.query_one("#chosen-list", RowList).focus()
        await pilot.press("end", "enter")
        assert "transactions behind the snapshot: executed again" in said(screen)
        assert "transaction_5001-" in said(screen)


@pytest.mark.parametrize("typed", ["nonsense", "1..5", str(2**64)])
async def test_what_is_no_version_is_refused_and_the_target_stays(typed: str) -> None:
    async with running(demo_store("clean")) as (app, pilot):
        screen = await opened(app, pilot)
        await ask(app, pilot, "T", typed)
        assert "type one version" in screen_text(app)
        assert answer_of(screen).preview.requested is None


async def test_an_epoch_is_a_target_too_and_an_unknown_one_is_said_to_be() -> None:
    async with running(demo_store("clean")) as (app, pilot):
        screen = await opened(app, pilot)
        await ask(app, pilot, "T", "epoch 5")
        picture = app.session.picture
        assert picture is not None
        span = picture.versions_of_epochs(5, 5)
        assert span is not None and answer_of(screen).preview.requested == span[1]
        await ask(app, pilot, "T", "epoch 4000")
        assert "epoch 4,000 is not in this store" in screen_text(app)


async def test_the_greatest_version_there_can_be_overflows_nothing() -> None:
    async with running(demo_store("clean")) as (app, pilot):
        screen = await opened(app, pilot)
        await ask(app, pilot, "T", str(2**64 - 1))
        await ask(app, pilot, "H", "0")
        assert answer_of(screen).preview.requested == 2**64 - 1
        assert "[18,446,744,073,709,551,615]" in screen_text(app)


async def test_stepping_to_a_problem_selects_what_is_left_out_there() -> None:
    async with running(demo_store("everything"), SIZES["160x45"]) as (app, pilot):
        screen = await opened(app, pilot)
        for _ in range(3):
            await pilot.press("right_square_bracket")
        zone = app.session.current_zone
        assert zone is not None and zone.first is not None
        selected = screen._selected()
        assert isinstance(selected, tuple)
        kind, run = selected
        assert kind is zone.lane and run.last >= zone.first


@pytest.mark.parametrize("name", ["everything", "same-range", "no-join", "snapshot-tie", "clean"])
async def test_the_rows_of_stock_and_chain_agree_with_the_plan_version_by_version(name: str) -> None:
    async with running(demo_store(name)) as (app, pilot):
        screen = await opened(app, pilot)
        answer = answer_of(screen)
        preview, picture = answer.preview, answer.scene.picture
        end = picture.end
        lane = preview.snapshot.index.transactions
        read = preview.best.transactions if preview.best else lane.first[:0].astype(np.int64)
        whole = picture.lanes[LaneKind.TRANSACTIONS].whole
        for begin in range(0, end, 2_000):
            bounds = columns_of(begin, min(begin + 2_000, end), min(2_000, end - begin))
            chain = layered_cells(whole, answer.scene.chain, bounds, UNICODE)
            stock = layered_cells(whole, answer.scene.stock, bounds, UNICODE)
            for version, (glyph, _), (other, _) in zip(bounds.lower.tolist(), chain, stock, strict=True):
                covering = [row for row in range(len(lane)) if int(lane.first[row]) <= version <= int(lane.last[row])]
                if not covering:
                    assert glyph in (UNICODE.missing, " ")
                elif set(covering) & set(read.tolist()):
                    assert glyph == UNICODE.chosen
                elif set(covering) & set(preview.transactions.rows.tolist()):
                    assert glyph == UNICODE.covered
                else:
                    assert glyph == UNICODE.skipped
                if preview.stock.stops_row in covering:
                    assert other == UNICODE.conflict
                elif covering and set(covering) & set(preview.stock.transactions.tolist()):
                    assert other == UNICODE.chosen


async def test_every_entry_is_either_read_or_in_the_list_of_what_is_left_out() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        answer = answer_of(await opened(app, pilot))
        listed: dict[LaneKind, set[int]] = {}
        for index in range(len(answer.skipped)):
            kind, run = answer.skipped.run(index)
            rows = set(range(run.first_row, run.last_row + 1))
            assert not rows & listed.setdefault(kind, set())
            listed[kind] |= rows
        for kind, left_out in answer.preview.left_out.items():
            assert listed.get(kind, set()) == set(left_out.rows().tolist())


async def test_the_picture_follows_the_timeline_unless_the_target_is_out_of_its_view() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await pilot.press("home", "w", "w", "r")
        await settle(app, pilot)
        screen = app.screen
        assert isinstance(screen, RestoreScreen)
        assert screen._view == app.view
        await ask(app, pilot, "T", "20000")
        assert screen._view == View.of_all(app.view.whole)


async def test_the_twin_names_target_and_history() -> None:
    async with running(demo_store("clean")) as (app, pilot):
        screen = await opened(app, pilot)
        await ask(app, pilot, "T", "5000")
        await ask(app, pilot, "H", "3000")
        await pilot.press("y")
        wanted = "seamline restore-plan clean --target-version 5000 --ledger-history-start-version 3000 --json"
        assert screen.copy_text() == app.clipboard == wanted


async def test_what_is_exported_is_the_document_of_the_twin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(demo_store("same-range")) as (app, pilot):
        await opened(app, pilot, "x")
        document = json.loads((tmp_path / "seamline-restore-1.json").read_text())
        assert document["stock"]["ok"] is False
        assert document["chain"]["complete"] is True


async def test_while_reading_was_stopped_the_preview_refuses_with_that_reason() -> None:
    async with running(demo_store("clean")) as (app, pilot):
        await opened(app, pilot)
        assert app.session.snapshot is not None
        partial = replace(app.session.snapshot, index=replace(app.session.snapshot.index, complete=False))
        app.session = replace(app.session, snapshot=partial, done=3, total=12)
        await pilot.pause()
        assert "No preview: only 3 of 12 files were read: shift+r reads again." in screen_text(app)


async def test_a_store_without_transactions_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty" / "metadata").mkdir(parents=True)
    async with running(tmp_path / "empty") as (app, pilot):
        await pilot.press("r")
        await settle(app, pilot)
        assert isinstance(app.screen, RestoreScreen)
        assert "No transaction backup found." in said(app.screen)
        assert "nothing can be restored" in said(app.screen)


async def test_manifest_names_from_the_store_are_shown_harmlessly(tmp_path: Path) -> None:
    store = Path(shutil.copytree(demo_store("clean"), tmp_path / "hostile"))
    line = '{"TransactionBackup":{"first_version":0,"last_version":0,"manifest":"[red]a[/x]\\u202e\\u001b[31m"}}\n'
    (store / "metadata" / "transaction_0-0.meta").write_text(line)
    async with running(store) as (app, pilot):
        await opened(app, pilot, "enter")
        shown = screen_text(app)
        assert "[red]a[/x]\\u202e\\x1b[31m" in shown
        assert "\x1b" not in shown and "\u202e" not in shown
