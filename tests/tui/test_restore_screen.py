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

from core.chain import Policy
from core.errors import Stopped
from core.ground import AddedLine
from core.lod import columns_of
from core.model import LaneKind
from core.restore import Needs
from tests.tui.support import assert_golden, copied, demo_store, running, screen_text, settle, tree_of
from tui import recovering
from tui.app import AppOptions, SeamlineApp
from tui.glyphs import UNICODE
from tui.screens.ask import AskScreen
from tui.screens.compare import CompareScreen
from tui.screens.restore import RestoreAnswer, RestoreScreen
from tui.screens.timeline import TimelineScreen
from tui.state import View
from tui.texts.restore import state_word
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
@pytest.mark.parametrize("name", ["clean", "same-range", "no-join", "everything"])
async def test_the_preview_of_a_sample_store(name: str, size: str) -> None:
    async with running(demo_store(name), SIZES[size]) as (app, pilot):
        await opened(app, pilot)
        await assert_golden(app, f"restore-{name}-{size}")


@pytest.mark.parametrize("size", SIZES)
async def test_a_target_with_history_has_both_snapshots(size: str) -> None:
    async with running(demo_store("two-batch-sizes"), SIZES[size]) as (app, pilot):
        screen = await opened(app, pilot)
        await ask(app, pilot, "T", "11,500")
        await ask(app, pilot, "H", "4_000")
        await assert_golden(app, f"restore-history-{size}")
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
        assert "o writes one, and the store is not touched; p repairs the store." in said(screen)


async def test_gaps_come_with_stocks_own_command_for_this_store() -> None:
    async with running(demo_store("gap")) as (app, pilot):
        screen = await opened(app, pilot)
        assert "6,001 - 7,000, 1,000 versions, no manifest" in said(screen)
        assert "aptos-db-tool backup oneoff transaction --start-version 6001" in said(screen)
        assert "--local-fs-dir gap" in said(screen)


async def test_where_nothing_joins_the_splice_says_what_it_is_cut_from() -> None:
    async with running(demo_store("no-join")) as (app, pilot):
        screen = await opened(app, pilot)
        (derived,) = answer_of(screen).recovery.derived
        assert f"spliced    txn 5,001 - 5,500  chunks 0 - 1 of {derived.source}, as they are" in said(screen)
        assert UNICODE.spliced in screen_text(app)
        await ask(app, pilot, "H", "4000")
        assert "10  1 spliced  stock stops" in screen_text(app)
        screen.query_one("#chosen-list", RowList).focus()
        await pilot.press("j", "j", "j", "enter")
        story = said(screen)
        assert f"{derived.record.manifest}  spliced from {derived.source}, chunks 0 - 1" in story


def put_into_one_chunk(folder: Path) -> None:
    """Let a manifest list all its versions as one chunk, so that no part of it can be had alone."""
    path = folder / "transaction.manifest"
    manifest = json.loads(path.read_bytes())
    first, last = manifest["first_version"], manifest["last_version"]
    chunk, proof = f"{folder.name}/{first}-.chunk", f"{folder.name}/{first}-{last}.proof"
    (folder / f"{first}-{last}.proof").write_bytes(b"proof")
    whole = {"first_version": first, "last_version": last, "transactions": chunk, "proof": proof, "format": "V1"}
    path.write_text(json.dumps({**manifest, "chunks": [whole]}))


async def test_versions_that_are_covered_but_do_not_join_are_told_apart_from_a_gap(tmp_path: Path) -> None:
    store = Path(shutil.copytree(demo_store("no-join"), tmp_path / "no-join"))
    for folder in store.glob("transaction_5*-*"):
        put_into_one_chunk(folder)
    async with running(store) as (app, pilot):
        screen = await opened(app, pilot)
        assert "covered, but nothing joins there" in said(screen)


async def test_lines_that_only_retired_files_hold_are_lit_and_named() -> None:
    async with running(demo_store("torn-compaction")) as (app, pilot):
        screen = await opened(app, pilot)
        assert "recovered  txn 6,001 - 7,000  1 line of metadata_backup/transaction_6001-7000.meta" in said(screen)
        assert UNICODE.recovered in screen_text(app)


async def test_how_much_is_read_is_told_as_far_as_anybody_has_looked() -> None:
    async with running(demo_store("same-range")) as (app, pilot):
        screen = await opened(app, pilot)
        assert "It reads                   31 manifests; " in said(screen)
        assert "in the 1 that was looked into, the rest is not known" in said(screen)


async def test_b_takes_one_highest_target_whatever_was_typed_and_says_with_what_it_works() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        screen = await opened(app, pilot)
        assert "2,500 with stock alone   18,000 with an overlay or a repair   b  use it" in said(screen)
        for typed in (None, "500", "2500", "6000", "20000", "18000"):
            if typed is not None:
                await pilot.press("T", "ctrl+u", *typed, "enter")
                await settle(app, pilot)
            for _ in range(2):
                await pilot.press("b")
                await settle(app, pilot)
                preview = answer_of(screen).preview
                assert preview.requested == 18_000
                assert preview.best is not None and preview.best.lands_at == 18_000
                assert "highest: 18,000 with an overlay or a repair; 2,500 with stock alone" in screen_text(app)


async def test_with_a_history_b_takes_a_target_that_is_restored_exactly_with_that_history() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        screen = await opened(app, pilot)
        for history in ("0", "2400", "12345", "99999"):
            await pilot.press("H", "ctrl+u", *history, "enter")
            await settle(app, pilot)
            await pilot.press("b")
            await settle(app, pilot)
            preview = answer_of(screen).preview
            assert preview.options.ledger_history_start == int(history)
            assert preview.best is not None and preview.best.kv_snapshot is not None
            assert preview.best.lands_at == preview.requested == 18_000
            assert "highest: 18,000 with an overlay or a repair" in screen_text(app)
            assert "Highest with that history" in said(screen)


async def test_where_no_snapshot_is_old_enough_for_the_history_b_offers_nothing(tmp_path: Path) -> None:
    store = Path(shutil.copytree(demo_store("clean"), tmp_path / "clean"))
    for file in [*store.glob("metadata*/state_snapshot_*")]:
        kept = [line for line in file.read_text().splitlines(keepends=True) if '"version":0,' not in line]
        file.write_text("".join(kept)) if kept else file.unlink()
    async with running(store) as (app, pilot):
        screen = await opened(app, pilot, "H", "5", "enter")
        before = answer_of(screen).preview.requested
        await pilot.press("b")
        await settle(app, pilot)
        assert answer_of(screen).preview.requested == before
        assert "no target works with history from 5" in screen_text(app)
        assert "Highest with that history  none" in said(screen)


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
        assert screen.is_current
        await pilot.press("escape")
        assert "Lowest target that fails" in said(screen)
        assert screen.is_current
        await pilot.press("escape")
        assert isinstance(app.screen, TimelineScreen)


async def test_enter_on_a_step_lists_what_it_reads() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        screen = await opened(app, pilot)
        screen.query_one("#chosen-list", RowList).focus()
        await pilot.press("end", "enter")
        assert "transactions behind the snapshot: executed again" in said(screen)
        assert "transaction_17001-" in said(screen)


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
        preview, picture = answer.preview, answer.scene.ground
        end = picture.end
        lane = preview.index.transactions
        coming = {UNICODE.spliced if line.source else UNICODE.recovered: set[int]() for line in _lines(answer)}
        for row, line in zip(preview.ground.added[LaneKind.TRANSACTIONS].tolist(), _lines(answer), strict=True):
            coming[UNICODE.spliced if line.source else UNICODE.recovered].add(row)
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
                elif rows := [rows for rows in coming.values() if rows & set(covering)]:
                    assert coming[glyph] == rows[0]
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


def _lines(answer: RestoreAnswer) -> tuple[AddedLine, ...]:
    """The transaction lines that come anew."""
    return answer.preview.ground.lines[LaneKind.TRANSACTIONS]


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


# --- the overlay ------------------------------------------------------------------------------------------------------


async def test_an_overlay_is_written_into_a_folder_of_its_own_and_its_command_can_be_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = copied("no-join", tmp_path)
    before = tree_of(store)
    async with running(store) as (app, pilot):
        screen = await opened(app, pilot)
        await ask(app, pilot, "o", str(tmp_path / "overlay"))
        assert "aptos-db-tool restore bootstrap-db --command-adapter-config" in said(screen)
        await pilot.press("y")
        assert app.clipboard.startswith(f"aptos-db-tool restore bootstrap-db --command-adapter-config {tmp_path}")
        assert "--target-version 12500" in app.clipboard
        await pilot.press("escape")
        assert "Works with an overlay" in said(screen)
        derived = answer_of(screen).recovery.derived[0]
    assert (tmp_path / "overlay" / "adapter.yaml").is_file()
    assert (tmp_path / "overlay" / derived.record.manifest).read_bytes() == derived.content
    assert tree_of(store) == before


async def test_no_overlay_is_written_into_the_store_or_over_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = copied("same-range", tmp_path)
    before = tree_of(store)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("mine")
    async with running(store) as (app, pilot):
        screen = await opened(app, pilot)
        for folder, reason in (
            (store / "overlay", "lies inside the store"),
            (tmp_path / "mine", "is no new or empty folder"),
        ):
            await ask(app, pilot, "o", str(folder))
            assert reason in " ".join(screen_text(app).split())
            await pilot.press("escape")
            assert "no overlay was written" in screen_text(app)
            assert screen.copy_text().startswith("seamline restore-plan")
    assert tree_of(store) == before and sorted(path.name for path in (tmp_path / "mine").iterdir()) == ["file"]


async def test_where_nothing_can_be_restored_an_overlay_is_refused_with_that_reason(tmp_path: Path) -> None:
    (tmp_path / "empty" / "metadata").mkdir(parents=True)
    async with running(tmp_path / "empty") as (app, pilot):
        await opened(app, pilot, "o")
        assert "Overlay: nothing can be restored from what is here" in screen_text(app)


# --- looking into manifests -------------------------------------------------------------------------------------------


async def test_the_policy_decides_where_manifests_compete_and_stands_in_the_twin() -> None:
    async with running(demo_store("two-batch-sizes")) as (app, pilot):
        screen = await opened(app, pilot)
        usual = answer_of(screen).preview.transactions.rows.tolist()
        await ask(app, pilot, "P", "newest")
        assert answer_of(screen).preview.options.policy is Policy.NEWEST
        assert answer_of(screen).preview.transactions.rows.tolist() != usual
        assert "--policy newest" in screen.copy_text()


async def test_reading_manifests_that_takes_long_is_told_and_stops_when_the_screen_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovering, "SILENT_SECONDS", 0.0)
    monkeypatch.setattr(recovering, "TELL_SECONDS", 0.0)
    async with running(demo_store("everything")) as (app, pilot):
        app.session = replace(app.session, outlook=None)
        await pilot.press("end", "r")
        screen = app.screen
        assert isinstance(screen, RestoreScreen)
        screen.result = None
        asked = screen.recovery_question()
        assert asked is not None
        await pilot.press("escape")
        await settle(app, pilot)
        with pytest.raises(Stopped):
            asked[1](recovering.Patience(lambda _: None, lambda: screen._asked != asked[0]))
        told: list[int] = []
        asked[1](recovering.Patience(lambda progress: told.append(progress.done), lambda: False))
        assert max(told) > 0
