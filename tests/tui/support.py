"""Running the app on sample stores in tests, and comparing what is on the screen with plain-text goldens."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from difflib import unified_diff
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from textual.pilot import Pilot
from textual.widgets import Input
from textual.worker import WorkerFailed

from core.demo import build_demo_store
from core.engine import Engine
from core.host import Machine
from core.last_look import LastLooks
from core.manifests import KeptEvidence
from core.operations import Operations
from core.storage import LocalReader
from core.storage.local.conditional import LocalConditional
from core.storage.local.writer import LocalWriter
from core.triage import TriageNotes
from tests.support.machines import LaterHost
from tui.app import AppOptions, SeamlineApp
from tui.screens.ask import AskScreen
from tui.state import Wishes
from tui.widgets.prose import Prose

GOLDENS = Path(__file__).parent.parent / "goldens"
#: How often, and every so many seconds, a screen is looked at before it is taken for wrong.
_LOOKS, _PAUSE = 50, 0.1
#: Later than everything that happens in the sample stores.
NOW = 1_790_000_000.0
#: Later than any clock that dates the files which a test writes.
LATER = 1_900_000_000.0


@cache
def demo_store(name: str) -> Path:
    """The sample store of that name, built once for all tests."""
    folder = Path(mkdtemp(prefix="seamline-test-")) / name
    build_demo_store(name, folder)
    return folder


def copied(name: str, folder: Path) -> Path:
    """A sample store of that name of the test's own, to be changed."""
    return Path(shutil.copytree(demo_store(name), folder / name))


def metadata_of(store: Path) -> dict[str, bytes]:
    """Every file of `metadata/` with its content."""
    return {path.name: path.read_bytes() for path in sorted((store / "metadata").iterdir())}


def tree_of(store: Path) -> dict[str, tuple[int, int]]:
    """Every file of a store with its size and its time."""
    return {
        str(path.relative_to(store)): (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in sorted(store.rglob("*"))
        if path.is_file()
    }


class WatchedWriter(LocalWriter):
    """A writer that calls `before` with what it is about to do and the handle it makes or takes away."""

    def __init__(self, folder: str, before: Callable[[str, str], None]) -> None:
        super().__init__(folder)
        self._before = before

    def link(self, source: str, handle: str) -> None:
        self._before("link", handle)
        super().link(source, handle)

    def move(self, source: str, target: str) -> None:
        self._before("move", source)
        super().move(source, target)


def nothing_before(_what: str, _handle: str) -> None:
    """The writer just writes."""


class NamedReader(LocalReader):
    """A reader that calls its store by a name that is the same on every machine."""

    @property
    def location(self) -> str:
        """The name of the folder alone."""
        return Path(super().location).name


def connected(
    folder: Path,
    host: Machine | None = None,
    evidence: KeptEvidence | None = None,
    looks: LastLooks | None = None,
) -> Callable[[], Engine]:
    """How the app gets its engine, at a fixed time."""
    return lambda: Engine(NamedReader(str(folder)), host or LaterHost(NOW), looks, evidence)


def operating(folder: Path, before: Callable[[str, str], None] = nothing_before) -> Callable[[Engine], Operations]:
    """How the app gets what can write; `before` is called by the writer before it makes or moves a file."""

    def operate(engine: Engine) -> Operations:
        writer = WatchedWriter(str(folder), before)
        return Operations(engine.reader, writer, LocalConditional(str(folder)), engine.host)

    return operate


@asynccontextmanager
async def running(
    folder: Path,
    size: tuple[int, int] = (80, 24),
    options: AppOptions | None = None,
    location: str | None = None,
    host: Machine | None = None,
    before: Callable[[str, str], None] = nothing_before,
    kept_in: Path | None = None,
) -> AsyncIterator[tuple[SeamlineApp, Pilot[None]]]:
    """The app on a store, once it is read and checked; what it keeps of a store is kept below `kept_in`, if given."""
    notes = TriageNotes(kept_in / "triage") if kept_in else None
    evidence = KeptEvidence(kept_in / "evidence") if kept_in else None
    looks = LastLooks(kept_in / "looks") if kept_in else None
    connect, operate = connected(folder, host, evidence, looks), operating(folder, before)
    app = SeamlineApp(location or folder.name, connect, options, operate, notes)
    async with app.run_test(size=size) as pilot:
        await settle(app, pilot)
        yield app, pilot


async def settle(app: SeamlineApp, pilot: Pilot[None]) -> None:
    """Wait for the threads, for those that they led to, and for what they said to be shown."""
    while True:
        with suppress(WorkerFailed):
            await app.workers.wait_for_complete()
        # Each time all messages are handled, which may lead to more; only the last time it takes a while to see that
        # the process rests.
        for delay in (0, 0, None):
            await pilot.pause(delay)
        if all(worker.is_finished for worker in app.workers) and not is_pending(app):
            return


def is_pending(app: SeamlineApp) -> bool:
    """Whether anything waits to be handled or drawn on the screen in front."""
    screen = app.screen
    waiting = (each.message_queue_size or each._next_callbacks for each in (app, *screen.walk_children(with_self=True)))
    undrawn = screen._callbacks or screen._layout_required or screen._repaint_required or screen._dirty_widgets
    return bool(app._resize_timer or undrawn or any(waiting))


def take_few_files(app: SeamlineApp) -> None:
    """As if somebody had asked for the factors of the official chart, unless others were asked for."""
    if app.wishes == Wishes():
        app.wishes = Wishes(factors=(100, 100, 100))


async def pressed(app: SeamlineApp, pilot: Pilot[None], *keys: str) -> None:
    """Press keys, each when what came of the one before is shown."""
    for key in keys:
        await pilot.press(key)
        await settle(app, pilot)


async def answered(app: SeamlineApp, pilot: Pilot[None], text: str) -> None:
    """Type an answer to the question at the foot of the screen; does not wait for what comes of it."""
    assert isinstance(app.screen, AskScreen)
    app.screen.query_one(Input).value = text
    await pilot.press("enter")
    await pilot.pause()


def said(app: SeamlineApp, name: str) -> str:
    """All paragraphs of a text on the screen in front, whether they are in sight or not."""
    paragraphs = app.screen.query_one(f"#{name}", Prose)._paragraphs
    return "\n".join("".join(words for words, _ in each.runs) for each in paragraphs)


def screen_text(app: SeamlineApp) -> str:
    """The cells on the screen, one line a row, without spaces at the ends."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips) + "\n"


async def assert_golden(app: SeamlineApp, name: str) -> None:
    """The screen comes to equal `tests/goldens/NAME.txt`; SEAMLINE_UPDATE_GOLDENS=1 writes it anew."""
    path = GOLDENS / f"{name}.txt"
    if os.environ.get("SEAMLINE_UPDATE_GOLDENS") == "1":
        path.write_text(screen_text(app), encoding="utf-8")
    assert path.exists(), f"no golden {path.name}: run with SEAMLINE_UPDATE_GOLDENS=1"
    golden = path.read_text(encoding="utf-8")
    # On a busy machine the last of what was asked for may not be drawn yet.
    for _ in range(_LOOKS):
        if screen_text(app) == golden:
            return
        await asyncio.sleep(_PAUSE)
    shown = screen_text(app)
    assert shown == golden, "\n".join(["", *unified_diff(golden.splitlines(), shown.splitlines(), lineterm="")])
