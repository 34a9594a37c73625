"""The metadata files: what each holds beside what its name promises, what is wrong in it, and its lines."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.tui.support import assert_golden, demo_store, running, screen_text, settle
from tui.app import AppOptions, SeamlineApp
from tui.glyphs import Glyphs
from tui.screens.ask import AskScreen
from tui.screens.files import FilesScreen
from tui.screens.timeline import TimelineScreen
from tui.texts import files as texts
from tui.widgets.painted import Row
from tui.widgets.prose import Prose
from tui.widgets.rows import RowList

SIZES = {"80x24": (80, 24), "160x45": (160, 45)}
#: Two weeks in the life of a store, as the sample stores have it.
SAMPLE_TIME = 1_767_500_000


async def opened(app: SeamlineApp, pilot: Pilot[None], *keys: str) -> FilesScreen:
    """The files, once they are there, after some more keys."""
    for key in ("o", *keys):
        await pilot.press(key)
        await settle(app, pilot)
    assert isinstance(app.screen, FilesScreen)
    return app.screen


async def find(app: SeamlineApp, pilot: Pilot[None], text: str) -> None:
    """Find a part of a name."""
    await pilot.press("slash")
    await settle(app, pilot)
    assert isinstance(app.screen, AskScreen)
    app.screen.query_one(Input).value = text
    await pilot.press("enter")
    await settle(app, pilot)


def said(screen: FilesScreen) -> str:
    """All that is said of the selected file or line, whether it is in sight or not."""
    paragraphs = screen.query_one("#about-text", Prose)._paragraphs
    return "\n".join("".join(words for words, _ in each.runs) for each in paragraphs)


def selected(screen: FilesScreen) -> str:
    """The name of the selected file."""
    assert screen.result is not None and screen._number is not None
    return screen.result.facts(screen._number).file.listed.name


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A store with everything in `metadata/` that does not belong there."""
    store = Path(shutil.copytree(demo_store("clean"), tmp_path / "hostile"))
    good = b'{"TransactionBackup":{"first_version":1,"last_version":2,"manifest":"[red]"}}\n'
    files = {
        b"x[@click=app.quit]y[b].meta": good + b"{bad\n\n",
        b"a\x1b]52;c;aGk=\x07b.meta": b"\x1f\x8b\x08\x00broken",
        b"\xff\xfe.meta": b"",
        b"transaction_7-8.meta": b'{"TransactionBackup":{"first_version":7,"last_version":9,"manifest":"%s"}}\r\n'
        % (b"\xe2\x80\xae" + b"A" * 100_000),
    }
    for name, content in files.items():
        path = store / "metadata" / os.fsdecode(name)
        path.write_bytes(content)
        os.utime(path, (SAMPLE_TIME, SAMPLE_TIME))
    (store / "metadata" / "link.meta").symlink_to("/etc/passwd")
    (store / "metadata" / "folder.meta").mkdir()
    os.mkfifo(store / "metadata" / "fifo.meta")
    return store


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["torn-compaction", "clean"])
async def test_the_files_of_a_sample_store(name: str, size: str) -> None:
    async with running(demo_store(name), SIZES[size]) as (app, pilot):
        await opened(app, pilot)
        await assert_golden(app, f"files-{name}-{size}")


@pytest.mark.parametrize("size", SIZES)
async def test_the_lines_of_a_file(size: str) -> None:
    async with running(demo_store("torn-compaction"), SIZES[size]) as (app, pilot):
        await opened(app, pilot, "enter")
        await assert_golden(app, f"files-lines-{size}")


@pytest.mark.parametrize("size", SIZES)
async def test_with_ascii_nothing_else_is_on_the_screen(hostile: Path, size: str) -> None:
    async with running(hostile, SIZES[size], AppOptions(ascii=True)) as (app, pilot):
        await opened(app, pilot, "i", "enter")
        assert screen_text(app).isascii()


async def test_the_file_of_the_selected_problem_is_under_the_cursor() -> None:
    async with running(demo_store("torn-compaction")) as (app, pilot):
        zone = app.session.current_zone
        assert zone is not None
        claimed = {claim.file for finding in zone.findings for claim in finding.claims}
        claimed |= {claim.file for finding in zone.findings for entry in finding.entries for claim in entry.claims}
        screen = await opened(app, pilot)
        assert f"metadata/{selected(screen)}" in claimed


async def test_where_a_storage_tells_no_times_none_is_shown(tmp_path: Path) -> None:
    store = shutil.copytree(demo_store("torn-compaction"), tmp_path / "store")
    for file in (store / "metadata").iterdir():
        os.utime(file, (0, 0))
    async with running(store) as (app, pilot):
        assert "time not known" in said(await opened(app, pilot))
        assert "1970" not in screen_text(app)


async def test_name_and_lines_stand_side_by_side_where_they_disagree() -> None:
    async with running(demo_store("torn-compaction")) as (app, pilot):
        screen = await opened(app, pilot)
        await find(app, pilot, "transaction_compacted_4001-9000")
        assert "by name    versions 4,001 - 9,000   txn, compacted" in said(screen)
        assert "by lines   versions 4,001 - 6,000   ≠" in said(screen)
        assert "name differs" in screen_text(app)


async def test_hostile_names_and_lines_are_shown_harmlessly(hostile: Path) -> None:
    async with running(hostile) as (app, pilot):
        screen = await opened(app, pilot, "i")
        shown = screen_text(app)
        assert "a\\x1b]52;c;aGk=\\x07b.meta" in shown
        assert "x[@click=app.quit]y[b].meta" in shown
        assert "\\xff\\xfe.meta" in shown
        await find(app, pilot, "click")
        await pilot.press("enter")
        await settle(app, pilot)
        assert "\x1b" not in screen_text(app)
        assert screen.has_class("-lines")


async def test_what_can_not_be_read_says_why_and_is_never_dropped(hostile: Path) -> None:
    async with running(hostile) as (app, pilot):
        screen = await opened(app, pilot, "i")
        assert screen.result is not None
        assert len(screen._kept) == 7
        expected = {
            "link": "not opened: it is a link",
            "folder": "not opened: it is a folder",
            "fifo": "not opened",
            "aGk": "gzip: unexpected end of file",
        }
        for name, words in expected.items():
            await find(app, pilot, name)
            assert words in said(screen)
            await pilot.press("enter")
            await settle(app, pilot)
            assert "no lines to show" in screen_text(app)


async def test_a_bad_line_has_its_number_the_parsers_words_and_the_cursor(hostile: Path) -> None:
    async with running(hostile) as (app, pilot):
        screen = await opened(app, pilot, "i")
        await find(app, pilot, "click")
        assert 'line 2     "expected value at line 1 column 2"' in said(screen)
        assert "line 3" in said(screen) and "blank line" in said(screen)
        await pilot.press("enter")
        await settle(app, pilot)
        assert screen.query_one("#line-list", RowList).cursor == 1
        assert "stock says" in said(screen) and "{bad" in said(screen)
        await pilot.press("j")
        assert "an empty line" in said(screen)


async def test_a_line_of_a_hundred_thousand_characters_is_cut_not_swallowed(hostile: Path) -> None:
    async with running(hostile) as (app, pilot):
        screen = await opened(app, pilot, "i")
        await find(app, pilot, "transaction_7-8")
        assert "ends in a carriage return" in said(screen)
        await pilot.press("enter")
        await settle(app, pilot)
        assert "more bytes" in said(screen)
        assert "\\u202e" in screen_text(app)


async def test_escape_leaves_the_lines_first_and_the_screen_then() -> None:
    async with running(demo_store("clean")) as (app, pilot):
        screen = await opened(app, pilot, "enter")
        assert screen.has_class("-lines")
        await pilot.press("escape")
        assert app.screen is screen and not screen.has_class("-lines")
        await pilot.press("escape")
        assert isinstance(app.screen, TimelineScreen)


async def test_i_goes_through_the_filters_that_keep_a_file_and_comes_round() -> None:
    async with running(demo_store("clean")) as (app, pilot):
        screen = await opened(app, pilot)
        seen = []
        for _ in range(7):
            await pilot.press("i")
            seen.append((screen._filter, len(screen._kept)))
        names = [name for name, _ in seen]
        assert names == ["epoch", "state", "txn", "of no lane", "retired", "all", "epoch"]
        assert all(count for _, count in seen)


async def test_retired_files_are_listed_as_evidence() -> None:
    async with running(demo_store("torn-compaction")) as (app, pilot):
        screen = await opened(app, pilot)
        await find(app, pilot, "metadata_backup/transaction_6001-7000")
        assert "retired: stock never reads this folder" in said(screen)


async def test_n_steps_through_the_hits_and_wraps() -> None:
    async with running(demo_store("clean")) as (app, pilot):
        screen = await opened(app, pilot)
        await find(app, pilot, "identity")
        first = screen.query_one("#file-list", RowList).cursor
        await pilot.press("n")
        assert screen.query_one("#file-list", RowList).cursor == first or len(screen._hits) > 1
        await find(app, pilot, "no such name")
        assert "no file here has 'no such name' in its name" in screen_text(app)


async def test_the_selected_entry_of_the_timeline_leads_to_its_file() -> None:
    async with running(demo_store("clean")) as (app, pilot):
        await pilot.press("home", "full_stop", "o")
        await settle(app, pilot)
        screen = app.screen
        assert isinstance(screen, FilesScreen) and app.session.selected is not None
        assert f"metadata/{selected(screen)}" == app.session.selected.claims[0].file


async def test_y_copies_the_handle_and_in_the_lines_the_line() -> None:
    async with running(demo_store("clean")) as (app, pilot):
        screen = await opened(app, pilot)
        await find(app, pilot, "identity.meta")
        await pilot.press("y")
        assert app.clipboard == "metadata/identity.meta"
        await pilot.press("enter")
        await settle(app, pilot)
        await pilot.press("y")
        assert app.clipboard.startswith('{"Identity":{"id":"')
        assert screen.has_class("-lines")


async def test_what_is_exported_holds_every_file_that_the_filter_keeps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(demo_store("torn-compaction")) as (app, pilot):
        screen = await opened(app, pilot, "i", "x")
        document = json.loads((tmp_path / "seamline-files-1.json").read_text())
        assert document["filter"] == "with problems"
        assert len(document["files"]) == len(screen._kept) == 1
        assert document["files"][0]["agrees"] is False


async def test_after_reading_was_stopped_the_files_that_were_read_are_listed() -> None:
    async with running(demo_store("clean")) as (app, pilot):
        await opened(app, pilot)
        assert app.session.snapshot is not None
        partial = replace(app.session.snapshot, index=replace(app.session.snapshot.index, complete=False))
        app.session = replace(app.session, snapshot=partial, report=None, done=3, total=12)
        await settle(app, pilot)
        shown = screen_text(app)
        assert "3 of 12 files read" in shown and "Metadata files" in shown


async def test_of_ten_thousand_files_only_those_in_sight_are_made_into_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "many"
    (store / "metadata").mkdir(parents=True)
    for number in range(10_000):
        line = f'{{"TransactionBackup":{{"first_version":{number},"last_version":{number},"manifest":"m{number}"}}}}\n'
        (store / "metadata" / f"transaction_{number}-{number}.meta").write_text(line)
    async with running(store, SIZES["160x45"]) as (app, pilot):
        screen = await opened(app, pilot)
        rows = screen.query_one("#file-list", RowList)
        assert rows.row_count == 10_000
        made: list[int] = []
        make = texts.file_row

        def counting(answer: texts.FilesAnswer, number: int, width: int, glyphs: Glyphs) -> Row:
            made.append(number)
            return make(answer, number, width, glyphs)

        monkeypatch.setattr(texts, "file_row", counting)
        for _ in range(5):
            await pilot.press("pagedown")
        await pilot.press("end")
        await pilot.pause()
        assert "file 10,000 of 10,000" in screen_text(app)
        assert 0 < len(made) <= 8 * rows.page
