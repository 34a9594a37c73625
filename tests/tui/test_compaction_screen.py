"""The compaction preview: groups in stock's order, why one stops, what becomes of the files; nothing is written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from core.compaction import GroupStatus
from core.errors import UsageError
from core.model import LaneKind
from core.stock import CompactionOptions
from tests.tui.support import assert_golden, demo_store, pressed, running, screen_text, settle, take_few_files
from tui.app import AppOptions, SeamlineApp
from tui.screens.ask import AskScreen
from tui.screens.compaction import CompactionScreen, parse_factors
from tui.screens.compare import CompareScreen
from tui.screens.preview import Answered
from tui.texts.compaction_groups import GroupItems
from tui.widgets.prose import Prose
from tui.widgets.rows import RowList

SIZES = {"80x24": (80, 24), "160x45": (160, 45)}


async def opened(app: SeamlineApp, pilot: Pilot[None], *keys: str) -> CompactionScreen:
    """The preview at the factors of the official chart, once it is there, after some more keys."""
    take_few_files(app)
    for key in ("c", *keys):
        await pilot.press(key)
        await settle(app, pilot)
    assert isinstance(app.screen, CompactionScreen)
    return app.screen


async def answered(app: SeamlineApp, pilot: Pilot[None], text: str) -> None:
    """Type an answer to the question at the foot of the screen."""
    assert isinstance(app.screen, AskScreen)
    app.screen.query_one(Input).value = text
    await pilot.press("enter")
    await settle(app, pilot)


def said(screen: CompactionScreen, name: str) -> str:
    """All paragraphs of a text, whether they are in sight or not."""
    paragraphs = screen.query_one(f"#{name}", Prose)._paragraphs
    return "\n".join("".join(words for words, _ in each.runs) for each in paragraphs)


def tree_of(store: Path) -> dict[str, bytes]:
    """Every file of a store with its content."""
    return {str(path.relative_to(store)): path.read_bytes() for path in sorted(store.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["clean", "two-batch-sizes", "everything"])
async def test_the_preview_of_a_sample_store(name: str, size: str) -> None:
    async with running(demo_store(name), SIZES[size]) as (app, pilot):
        await opened(app, pilot)
        await assert_golden(app, f"compaction-{name}-{size}")


@pytest.mark.parametrize("size", SIZES)
async def test_with_ascii_nothing_else_is_on_the_preview(size: str) -> None:
    async with running(demo_store("everything"), SIZES[size], AppOptions(ascii=True)) as (app, pilot):
        await opened(app, pilot)
        assert screen_text(app).isascii()


async def test_the_cursor_stands_on_the_group_that_stops_with_the_lines_around_it_and_stocks_words() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        screen = await opened(app, pilot)
        item = screen._item()
        assert item is not None and item.lane[item.number].status is GroupStatus.STOPS
        why = said(screen, "why-text")
        assert '"txn backup ranges is not continuous expecting version 3001, got 2501."' in why
        assert "inside A" in why and "not looked at" in why
        assert "4 good lines, then line 5" in screen_text(app)


async def test_it_says_what_was_written_and_that_a_repair_comes_first() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        screen = await opened(app, pilot)
        files = said(screen, "files-text")
        assert "then nothing: no timestamps file is saved" in files
        assert files.startswith("refused ") and "Enter opens" not in files
        assert "p: repair first, which makes stock restore to 18,000" in files


async def test_a_clean_store_needs_no_repair_and_can_be_compacted_now() -> None:
    async with running(demo_store("clean")) as (app, pilot):
        screen = await opened(app, pilot)
        files = said(screen, "files-text")
        assert "repair first" not in files
        assert "writes 4, retires 23: 44 files become 25; Enter opens the change set" in files


async def test_previewing_leaves_every_byte_of_the_store_as_it_was() -> None:
    store = demo_store("everything")
    before = tree_of(store)
    async with running(store) as (app, pilot):
        await opened(app, pilot, "j", "k")
        await pilot.press("enter", "a")
        await settle(app, pilot)
        assert isinstance(app.screen, CompareScreen)
    assert tree_of(store) == before


async def test_enter_compares_the_two_lines_and_escape_comes_back() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await opened(app, pilot)
        await pilot.press("enter")
        await settle(app, pilot)
        assert isinstance(app.screen, CompareScreen) and app.screen.comparison is not None
        assert [(entry.first, entry.last) for entry in app.screen.comparison.pair] == [(2_001, 3_000), (2_501, 3_500)]
        await pilot.press("escape")
        assert isinstance(app.screen, CompactionScreen)


async def test_enter_on_a_group_that_does_not_stop_says_why_nothing_is_compacted() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await opened(app, pilot, "home", "enter")
        assert isinstance(app.screen, CompactionScreen)
        assert "Compact now: " in screen_text(app)


async def test_the_factors_are_stocks_until_others_are_asked_for_as_in_the_command() -> None:
    for size, words in (((80, 24), "factors 1, 1, 1: stock's"), ((160, 45), "state 1   (stock's default)   e change")):
        async with running(demo_store("clean"), size) as (app, pilot):
            await pressed(app, pilot, "c")
            assert words in screen_text(app)
            assert isinstance(app.screen, CompactionScreen) and app.screen.preview is not None
            assert app.screen.preview.run.options == CompactionOptions()
            await pressed(app, pilot, "e")
            await answered(app, pilot, "7")
            assert "stock's" not in screen_text(app).splitlines()[0]


async def test_other_factors_are_asked_for_and_kept_for_the_next_visit() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        screen = await opened(app, pilot)
        await pilot.press("e")
        await settle(app, pilot)
        await answered(app, pilot, "10, 3, 5")
        assert app.wishes.factors == (10, 3, 5)
        assert screen.preview is not None
        assert screen.preview.run.options.factor(LaneKind.TRANSACTIONS) == 3
        assert "factors 10, 3, 5" in screen_text(app)
        await pilot.press("escape")
        again = await opened(app, pilot)
        assert again.preview is not None
        assert again.preview.run.options.factor(LaneKind.STATE_SNAPSHOTS) == 5


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("0", "0 is refused"),
        ("100, 0, 100", "chunk size must be non-zero"),
        ("1, 2", "type three numbers"),
        ("ten", "type three numbers"),
        ("-1", "type three numbers"),
        ("1" * 21, "at most 20 digits"),
        (str(2**64), "factors and times must lie between"),
    ],
)
async def test_factors_that_stock_would_not_survive_are_refused(answer: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_factors(answer)
    async with running(demo_store("clean")) as (app, pilot):
        await opened(app, pilot)
        await pilot.press("e")
        await settle(app, pilot)
        await answered(app, pilot, answer)
        assert app.wishes.factors == (100, 100, 100)
        assert words in screen_text(app)


@pytest.mark.parametrize(
    ("answer", "factors"), [("7", (7, 7, 7)), ("1,2,3", (1, 2, 3)), (" 1_000 2 3 ", (1_000, 2, 3))]
)
def test_one_factor_stands_for_all_three(answer: str, factors: tuple[int, int, int]) -> None:
    assert parse_factors(answer) == factors


async def test_an_answer_to_an_older_question_is_not_shown() -> None:
    async with running(demo_store("clean")) as (app, pilot):
        screen = await opened(app, pilot)
        shown = screen.result
        screen.post_message(Answered(("another", "question"), None))
        await pilot.pause()
        assert screen.result is shown


async def test_stepping_to_a_problem_selects_its_group() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await opened(app, pilot)
        await pilot.press("e")
        await settle(app, pilot)
        await answered(app, pilot, "100, 2, 100")
        screen = app.screen
        assert isinstance(screen, CompactionScreen)
        await pilot.press("left_square_bracket")
        while app.session.current_zone is None or app.session.current_zone.lane is not LaneKind.STATE_SNAPSHOTS:
            await pilot.press("left_square_bracket")
        item = screen._item()
        assert item is not None and item.lane.kind is LaneKind.STATE_SNAPSHOTS


async def test_a_store_that_stock_can_not_load_stops_before_the_first_group(tmp_path: Path) -> None:
    store = Path(shutil.copytree(demo_store("clean"), tmp_path / "bad"))
    (store / "metadata" / "transaction_1-1.meta").write_text("{\n")
    async with running(store) as (app, pilot):
        screen = await opened(app, pilot)
        assert screen.preview is not None and screen.preview.written == 0
        item = screen._item()
        assert item is not None and item.more
        assert "not reached" in screen_text(app)
        assert "EOF while parsing" in said(screen, "why-text")


async def test_a_stop_behind_the_last_group_is_told_with_the_files(tmp_path: Path) -> None:
    store = Path(shutil.copytree(demo_store("clean"), tmp_path / "wedged"))
    lost = {"metadata/transaction_7-8.meta": 1_700_000_000}
    line = {"CompactionTimestamps": {"file_compacted_at": 1_780_000_000, "compaction_timestamps": lost}}
    name = "compaction_timestamps_1780000000.meta"
    (store / "metadata" / name).write_text(json.dumps(line, separators=(",", ":")) + "\n")
    async with running(store) as (app, pilot):
        files = said(await opened(app, pilot), "files-text")
        assert "when it sets old files aside at metadata/transaction_7-8.meta, with" in files
        assert "No such file or directory (os error 2)" in files


async def test_a_store_without_entries_has_nothing_to_compact(tmp_path: Path) -> None:
    (tmp_path / "empty" / "metadata").mkdir(parents=True)
    async with running(tmp_path / "empty") as (app, pilot):
        screen = await opened(app, pilot)
        assert "there is nothing to compact" in said(screen, "why-text")
        assert screen._item() is None


async def test_the_twin_is_shown_and_copied() -> None:
    async with running(demo_store("clean"), SIZES["160x45"]) as (app, pilot):
        screen = await opened(app, pilot, "y")
        command = screen.copy_text()
        assert command.startswith("seamline compact clean --epoch-ending-file-compact-factor 100")
        assert command.endswith("--dry-run --json")
        assert app.clipboard == command
        assert "y copies  seamline compact clean" in screen_text(app)


async def test_what_is_exported_is_the_document_of_the_twin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(demo_store("everything")) as (app, pilot):
        await opened(app, pilot, "x")
        document = json.loads((tmp_path / "seamline-compaction-1.json").read_text())
        assert document["operation"] == "compact"
        assert document["refused"]["stock_says"].startswith("txn backup ranges is not continuous")
        assert document["applied"] is None


@pytest.mark.parametrize("factor", [1, 2, 3, 7, 100])
async def test_every_row_of_the_list_leads_back_to_its_own_place(factor: int) -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await opened(app, pilot)
        await pilot.press("e")
        await settle(app, pilot)
        await answered(app, pilot, str(factor))
        screen = app.screen
        assert isinstance(screen, CompactionScreen) and screen.preview is not None
        items = GroupItems(screen.preview)
        counted = 0
        for index in range(len(items)):
            item = items.item(index)
            assert items.place(item.lane.kind, item.number) == index
            counted += item.more or 1
        assert counted == sum(len(lane) for lane in screen.preview.lanes)


async def test_while_reading_was_stopped_the_preview_refuses_with_that_reason() -> None:
    async with running(demo_store("clean")) as (app, pilot):
        screen = await opened(app, pilot)
        from dataclasses import replace

        assert app.session.snapshot is not None
        partial = replace(app.session.snapshot, index=replace(app.session.snapshot.index, complete=False))
        app.session = replace(app.session, snapshot=partial, done=3, total=12)
        await pilot.pause()
        assert "No preview: only 3 of 12 files were read: shift+r reads again." in screen_text(app)
        assert not screen.query_one("#group-list", RowList).region
