"""Draws every screen from the sample stores: `make screenshots` writes the SVG files that the README shows.

Each scene is a store, a terminal size and the keys that lead to the screen. Stores, clock and names are fixed, so the
files change only when a screen does.
"""

from __future__ import annotations

import asyncio
import html
import re
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from textual.pilot import Pilot

from core.demo import build_demo_store
from core.engine import Engine
from core.host import FixedHost, Process
from core.storage import LocalReader
from tui.app import AppOptions, SeamlineApp

SMALL: Final = (80, 24)
LARGE: Final = (160, 45)
#: Later than everything that happens in the sample stores.
NOW: Final = 1_790_000_000.0
FOLDER: Final = Path(__file__).parent
#: How wide the pictures draw a terminal's cell, in the units of their coordinates.
CELL: Final = 12.2
_SPACE: Final = "\u00a0"
_WORDS_RE: Final = re.compile(
    r'(<text class="[^"]*r\d+" x=")([\d.]+)(" y="[^"]*" textLength=")[\d.]+("[^>]*>)([^<]*)</text>'
)


@dataclass(frozen=True, slots=True)
class Scene:
    """One picture: the file's name, the sample store, the terminal's size in cells, and what is pressed."""

    name: str
    scenario: str
    size: tuple[int, int]
    keys: tuple[str, ...] = ()
    options: AppOptions = field(default_factory=AppOptions)


SCENES: Final = (
    Scene("timeline", "everything", LARGE),
    Scene("timeline-small", "same-range", SMALL),
    Scene("timeline-clean", "clean", SMALL),
    Scene("timeline-gap", "gap", SMALL),
    Scene("timeline-light", "everything", SMALL, options=AppOptions(theme="seamline-light")),
    Scene("compare", "same-range", LARGE, ("enter",)),
    Scene("compare-small", "same-range", SMALL, ("enter",)),
    Scene("compaction", "two-batch-sizes", LARGE, ("c",)),
    Scene("compaction-small", "two-batch-sizes", SMALL, ("c",)),
    Scene("compare-records", "same-range", LARGE, ("enter", "v", "v")),
    Scene("repair", "everything", LARGE, ("p",)),
    Scene("repair-small", "no-join", SMALL, ("p",)),
    Scene("restore", "no-join", LARGE, ("end", "r")),
    Scene("restore-small", "two-batch-sizes", SMALL, ("end", "r")),
    Scene("files", "torn-compaction", LARGE, ("o",)),
    Scene("help", "everything", LARGE, ("question_mark",)),
    Scene("timeline-race", "race", SMALL),
    Scene("change-set", "clean", LARGE, ("c", "enter")),
    Scene("change-set-small", "clean", SMALL, ("c", "enter")),
    Scene("interrupted-small", "race", SMALL, ("u", "enter")),
    Scene("changes", "race", LARGE, ("u",)),
    Scene("changes-small", "race", SMALL, ("u",)),
)


class LaterHost(FixedHost):
    """The machine on which the past of the sample stores happened: no process of then runs any more."""

    def has_ended(self, process: Process) -> bool:
        """All but this one."""
        return process != self.process()


class NamedReader(LocalReader):
    """A reader that calls its store by the name of its folder, so that pictures show no temporary path."""

    @property
    def location(self) -> str:
        """The name of the folder alone."""
        return Path(super().location).name


async def draw(scene: Scene, store: Path) -> str:
    """The scene as SVG."""
    app = SeamlineApp(scene.scenario, lambda: Engine(NamedReader(str(store)), LaterHost(NOW)), scene.options)
    async with app.run_test(size=scene.size) as pilot:
        await _settled(app, pilot)
        for key in scene.keys:
            await pilot.press(key)
            await _settled(app, pilot)
        return _WORDS_RE.sub(_anchored, app.export_screenshot(title="seamline"))


def _anchored(text: re.Match[str]) -> str:
    """One text of the picture as a text for each stretch of words, each at its own column.

    Renderers differ in what they make of leading spaces and of lengths; a column is a column to all of them.
    """
    head, column, middle, tail, words = text.groups()
    pieces, cells = [], 0
    for stretch in re.split(f"((?:{_SPACE})+)", html.unescape(words)):
        if stretch.strip(_SPACE):
            place, length = round(float(column) + cells * CELL, 1), round(len(stretch) * CELL, 1)
            pieces.append(f"{head}{place:g}{middle}{length:g}{tail}{html.escape(stretch, quote=False)}</text>")
        cells += len(stretch)
    return "".join(pieces)


async def _settled(app: SeamlineApp, pilot: Pilot[None]) -> None:
    """Wait for the threads of the app, and for what they said to be shown."""
    await app.workers.wait_for_complete()
    for _ in range(3):
        await pilot.pause()


async def _draw_all(stores: Path) -> None:
    for scenario in {scene.scenario for scene in SCENES}:
        build_demo_store(scenario, stores / scenario)
    for scene in SCENES:
        (FOLDER / f"{scene.name}.svg").write_text(await draw(scene, stores / scene.scenario), encoding="utf-8")


def main() -> None:
    """Draw all scenes into the folder of this file."""
    with TemporaryDirectory() as stores:
        asyncio.run(_draw_all(Path(stores)))


if __name__ == "__main__":
    main()
