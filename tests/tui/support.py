"""Running the app on sample stores in tests, and comparing what is on the screen with plain-text goldens."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from textual.pilot import Pilot

from core.demo import build_demo_store
from core.engine import Engine
from core.host import FixedHost
from core.storage import LocalReader
from tui.app import AppOptions, SeamlineApp

GOLDENS = Path(__file__).parent.parent / "goldens"
#: Later than everything that happens in the sample stores.
NOW = 1_790_000_000.0


@cache
def demo_store(name: str) -> Path:
    """The sample store of that name, built once for all tests."""
    folder = Path(mkdtemp(prefix="seamline-test-")) / name
    build_demo_store(name, folder)
    return folder


class NamedReader(LocalReader):
    """A reader that calls its store by a name that is the same on every machine."""

    @property
    def location(self) -> str:
        """The name of the folder alone."""
        return Path(super().location).name


def connected(folder: Path) -> Callable[[], Engine]:
    """How the app gets its engine, at a fixed time."""
    return lambda: Engine(NamedReader(str(folder)), FixedHost(NOW))


@asynccontextmanager
async def running(
    folder: Path, size: tuple[int, int] = (80, 24), options: AppOptions | None = None, location: str | None = None
) -> AsyncIterator[tuple[SeamlineApp, Pilot[None]]]:
    """The app on a store, once it is read and checked."""
    app = SeamlineApp(location or folder.name, connected(folder), options)
    async with app.run_test(size=size) as pilot:
        await settle(app, pilot)
        yield app, pilot


async def settle(app: SeamlineApp, pilot: Pilot[None]) -> None:
    """Wait for the threads, and for what they said to be shown."""
    await app.workers.wait_for_complete()
    for _ in range(3):
        await pilot.pause()


def screen_text(app: SeamlineApp) -> str:
    """The cells on the screen, one line a row, without spaces at the ends."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips) + "\n"


def assert_golden(app: SeamlineApp, name: str) -> None:
    """The screen equals `tests/goldens/NAME.txt`; SEAMLINE_UPDATE_GOLDENS=1 writes it anew."""
    path = GOLDENS / f"{name}.txt"
    shown = screen_text(app)
    if os.environ.get("SEAMLINE_UPDATE_GOLDENS") == "1":
        path.write_text(shown, encoding="utf-8")
    assert path.exists(), f"no golden {path.name}: run with SEAMLINE_UPDATE_GOLDENS=1"
    assert shown == path.read_text(encoding="utf-8")
