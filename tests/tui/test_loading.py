"""While a store is read the keys work, the picture grows, Escape stops; afterwards nothing moves by itself."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from core.engine import Engine
from core.host import FixedHost
from core.storage import HandleUnreadable, LocalReader
from tests.support.hazards import hazard_store
from tests.tui.support import NOW, assert_golden, demo_store, running, screen_text, settle
from tui.app import SeamlineApp
from tui.messages import ReadSome
from tui.state import Phase

FILES = 4
LINES = 11_000


class Permits(threading.Semaphore):
    """Permits that count how often one was asked for."""

    def __init__(self, given: int) -> None:
        super().__init__(given)
        self.asked = 0

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        self.asked += 1
        return super().acquire(blocking, timeout)


class GatedReader(LocalReader):
    """A reader that gives one file for each permit."""

    def __init__(self, folder: str, permits: threading.Semaphore) -> None:
        super().__init__(folder)
        self._permits = permits

    def read_many(self, folder: str, names: Iterable[str], limit: int) -> Iterator[bytes | HandleUnreadable]:
        for content in super().read_many(folder, names, limit):
            self._permits.acquire(timeout=10)
            yield content


@pytest.fixture(scope="module")
def large_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four files, each larger than what is decoded at once."""
    folder = tmp_path_factory.mktemp("large")
    (folder / "metadata").mkdir()
    for number in range(FILES):
        first = number * LINES
        lines = (
            json.dumps(
                {
                    "TransactionBackup": {
                        "first_version": at,
                        "last_version": at,
                        "manifest": f"transaction_{at}-.abcd/m",
                    }
                },
                separators=(",", ":"),
            )
            for at in range(first, first + LINES)
        )
        name = f"transaction_compacted_{first:06}-{first + LINES - 1:06}.meta"
        (folder / "metadata" / name).write_text("\n".join(lines) + "\n")
    return folder


def gated(folder: Path, permits: threading.Semaphore) -> SeamlineApp:
    return SeamlineApp("large", lambda: Engine(GatedReader(str(folder), permits), FixedHost(NOW)))


def every_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture after every block, however long it takes."""
    monkeypatch.setattr("tui.looking.PARTIAL_PICTURE_SECONDS", 0.0)
    monkeypatch.setattr("tui.looking.PICTURE_SHARE", 0.0)


async def until_read(app: SeamlineApp, pilot: Pilot[None], files: int) -> None:
    while app.session.done < files:
        await pilot.pause(0.01)


async def test_the_picture_fills_while_keys_work(large_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    every_picture(monkeypatch)
    permits = threading.Semaphore(0)
    app = gated(large_store, permits)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert app.session.phase is Phase.READING and app.session.picture is None
        permits.release(2)
        await until_read(app, pilot, 2)
        assert app.session.picture is not None and app.session.picture.end == 2 * LINES
        assert "2 of 4 files read" in screen_text(app).splitlines()[0]
        await pilot.press("w")
        assert app.view.length == LINES
        await pilot.press("r")
        assert "still reading" in screen_text(app)
        permits.release(10)
        await settle(app, pilot)
        assert app.session.phase is Phase.READY
        assert "still reading" not in screen_text(app)
        assert app.view.length == LINES and app.view.whole == FILES * LINES


@pytest.mark.parametrize("files", [0, 2])
async def test_escape_does_not_wait_for_a_storage_that_gives_no_answer(
    large_store: Path, monkeypatch: pytest.MonkeyPatch, files: int
) -> None:
    """What was read so far stays; the answer that comes late after all changes nothing."""
    every_picture(monkeypatch)
    monkeypatch.setattr("tui.app.PATIENCE_SECONDS", 0.05)
    permits = Permits(files)
    app = gated(large_store, permits)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_read(app, pilot, files)
        while permits.asked <= files:
            await pilot.pause(0.01)
        await pilot.press("escape")
        while app.session.phase is Phase.READING:
            await pilot.pause(0.01)
        left = screen_text(app)
        permits.release(10)
        await settle(app, pilot)
        assert screen_text(app) == left
        if files:
            assert (app.session.phase, app.session.done, app.session.complete) == (Phase.READY, files, False)
            assert "no verdict: reading was stopped before the end" in left
        else:
            assert "the storage gave no answer" in left and "shift+r reads again" in left
        await pilot.press("R")
        await settle(app, pilot)
        assert app.session.complete


async def test_escape_stops_reading_and_the_header_says_how_far_it_came(large_store: Path) -> None:
    permits = threading.Semaphore(0)
    app = gated(large_store, permits)
    async with app.run_test(size=(80, 24)) as pilot:
        permits.release(1)
        await until_read(app, pilot, 1)
        await pilot.press("escape")
        permits.release(10)
        await settle(app, pilot)
        shown = screen_text(app)
        assert f"{app.session.done} of 4 files read" in shown.splitlines()[0]
        assert app.session.done < 4 and app.session.report is None
        assert "no verdict: reading was stopped before the end" in shown.splitlines()[1]
        await pilot.press("c")
        assert f"Compaction: only {app.session.done} of 4 files were read" in screen_text(app)
        await pilot.press("R")
        permits.release(10)
        await settle(app, pilot)
        assert app.session.complete


async def test_a_fault_of_the_program_is_said_and_does_not_end_it() -> None:
    def broken() -> Engine:
        raise RuntimeError("[/x] no engine")

    app = SeamlineApp("x", broken)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(app, pilot)
        assert app.session.phase is Phase.FAILED
        assert "RuntimeError: [/x] no engine" in screen_text(app)


async def test_an_unreadable_file_is_counted_in_the_header(tmp_path: Path) -> None:
    (tmp_path / "metadata").mkdir()
    (tmp_path / "metadata" / "transaction_0-9.meta").symlink_to("/nowhere")
    async with running(tmp_path, (160, 45)) as (app, _):
        assert "1 metadata file   1 unreadable" in screen_text(app).splitlines()[0]


async def test_a_file_that_stock_refuses_counts_as_unreadable_on_a_small_screen_too(tmp_path: Path) -> None:
    async with running(hazard_store("bad-json-line", tmp_path)) as (app, pilot):
        assert "1 unreadable" in screen_text(app).splitlines()[0]
        for key, words in (("r", "Stock stops before it restores anything"), ("c", "while it loads the store")):
            await pilot.press(key)
            await settle(app, pilot)
            assert words in screen_text(app) and "EOF while parsing an object" in screen_text(app)
            await pilot.press("escape")


async def test_an_idle_app_paints_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(demo_store("everything")) as (app, pilot):
        painted: list[object] = []
        monkeypatch.setattr(app, "_display", lambda *args: painted.append(args))
        await pilot.pause(0.5)
        assert painted == []
        await pilot.press("l")
        assert painted


def test_a_picture_is_never_replaced_by_a_mere_count() -> None:
    count, picture = ReadSome(2, 3), ReadSome(1, 3, picture=object())  # type: ignore[arg-type]
    assert count.can_replace(ReadSome(3, 3))
    assert count.can_replace(picture)
    assert not picture.can_replace(count)


async def test_a_store_being_read_looks_like_this(large_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    every_picture(monkeypatch)
    permits = threading.Semaphore(3)
    app = gated(large_store, permits)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_read(app, pilot, 3)
        await pilot.pause()
        await assert_golden(app, "timeline-reading-80x24")
        permits.release(10)
