"""Colours that can be read: on every theme that can be chosen, and without any colour at all."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from tests.support.commands import seamline
from tests.support.windows import Terminal
from tests.tui.support import connected, demo_store, pressed, running, said, settle
from tui.app import AppOptions, SeamlineApp
from tui.theme import GRAPHICS, GROUND, RULE, THEMES, contrast

CHOSEN = {theme.name: theme for theme in (*BUILTIN_THEMES.values(), *THEMES)}
MEASURED = [name for name, theme in CHOSEN.items() if not theme.ansi]
#: Two palettes of terminals: xterm's and the one of VGA, which the Linux console has.
PALETTES = {
    "xterm": "000000 cd0000 00cd00 cdcd00 0000ee cd00cd 00cdcd e5e5e5 7f7f7f ff0000 00ff00 ffff00 5c5cff ff00ff 00ffff "
    "ffffff",
    "vga": "000000 aa0000 00aa00 aa5500 0000aa aa00aa 00aaaa aaaaaa 555555 ff5555 55ff55 ffff55 5555ff ff55ff 55ffff "
    "ffffff",
}
NAMES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
ANSI_NAMES = [*(f"ansi_{name}" for name in NAMES), *(f"ansi_bright_{name}" for name in NAMES)]


def least(name: str) -> float:
    return 3.0 if name in GRAPHICS else 4.5


def statuses(variables: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name.startswith("seam-") and name not in (GROUND, RULE)}


@pytest.mark.parametrize("name", MEASURED)
async def test_every_status_can_be_read_on_every_surface_of_every_theme(name: str) -> None:
    app = SeamlineApp("clean", connected(demo_store("clean")), AppOptions(theme=name))
    variables = app.get_css_variables()
    grounds = [Color.parse(variables[ground]) for ground in ("background", "surface", "panel")]
    colours = {each: Color.parse(value) for each, value in statuses(variables).items()}
    assert len(colours) == 9
    poor = {
        (each, colour.hex): round(contrast(colour, ground), 2)
        for each, colour in colours.items()
        for ground in grounds
        if contrast(colour, ground) < least(each)
    }
    assert not poor
    assert contrast(Color.parse(variables["foreground"]), Color.parse(variables[GROUND])) >= 4.5


@pytest.mark.parametrize("palette", PALETTES)
@pytest.mark.parametrize("theme", [theme for theme in CHOSEN.values() if theme.ansi], ids=lambda theme: theme.name)
def test_every_status_can_be_read_in_the_colours_of_a_terminal(theme: Theme, palette: str) -> None:
    colours = {
        name: Color.parse(f"#{value}") for name, value in zip(ANSI_NAMES, PALETTES[palette].split(), strict=True)
    }
    app = SeamlineApp("clean", connected(demo_store("clean")), AppOptions(theme=theme.name))
    ground = colours["ansi_black" if theme.dark else "ansi_bright_white"]
    for name, value in statuses(app.get_css_variables()).items():
        assert contrast(colours[value], ground) >= least(name), name


async def test_ours_paint_their_own_ground_so_that_no_yellow_stands_on_white() -> None:
    for name, ground in (("seamline-ansi", "black"), ("seamline-ansi-light", "bright_white")):
        async with running(demo_store("same-range"), options=AppOptions(theme=name)) as (app, _):
            background = app.screen.styles.background
            assert background == Color.parse(f"ansi_{ground}")


async def test_without_colours_a_conflict_is_the_brightest_thing_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(demo_store("everything"), (120, 40)) as (app, pilot):
        assert app.no_color
        strips = app.screen._compositor.render_strips()
        segments = [segment for strip in strips for segment in strip if segment.style and segment.text.strip()]
        conflicts = [segment for segment in segments if set(segment.text.strip()) == {"X"}]
        foreground = Color.parse(app.theme_variables["foreground"]).rgb
        assert conflicts
        for segment in conflicts:
            style = segment.style
            assert style and style.bold and style.reverse
            assert style.color and tuple(style.color.get_truecolor()) == foreground
        await pressed(app, pilot, "question_mark")
        assert "X   conflict" in help_of(app)


async def test_another_theme_changes_every_status_at_once() -> None:
    async with running(demo_store("same-range")) as (app, pilot):
        app.theme = "solarized-light"
        await settle(app, pilot)
        assert contrast(Color.parse(app.theme_variables["seam-chosen"]), Color.parse("#fdf6e3")) >= 4.5


def help_of(app: SeamlineApp) -> str:
    """The whole help."""
    return said(app, "help-text")


def kept(folder: Path, *words: str, theme: str | None = None) -> Terminal:
    folder.mkdir()
    variables = {"XDG_STATE_HOME": str(folder.parent / "state"), "COLORTERM": "truecolor"} | (
        {"SEAMLINE_THEME": theme} if theme else {}
    )
    return Terminal(folder, [sys.executable, "-m", "tui.headless", "open", *words], (100, 30), **variables)


def test_the_chosen_theme_is_kept(tmp_path: Path) -> None:
    store = str(demo_store("gap"))
    window = kept(tmp_path / "first", store)
    try:
        window.wait_for_text("Problems 1")
        window.press("C-p")
        window.wait_for_text("A command")
        window.press("Theme")
        window.wait_for_text("Choose other colours")
        window.press("Enter")
        window.wait_for_text("A theme", "atom-one-dark")
        window.press("seamline-light")
        window.wait_for_text("seamline-light")
        window.press("Enter")
        window.wait_for(lambda: "48;2;255;255;255" in window.colours(), "a white ground")
        window.press("q")
        window.wait_for(lambda: window.ended() == "0", "the end of the program")
    finally:
        window.close()
    for number, (words, theme, ground) in enumerate(
        (
            ((store,), None, "48;2;255;255;255"),
            ((store,), "seamline-dark", "48;2;18;18;18"),
            ((store, "--theme", "solarized-light"), "seamline-dark", "48;2;253;246;227"),
        )
    ):
        window = kept(tmp_path / f"later-{number}", *words, **({"theme": theme} if theme else {}))
        try:
            window.wait_for_text("Problems 1")
            assert ground in window.colours()
        finally:
            window.close()


def test_an_unknown_theme_is_refused_with_the_names_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.headless.open_app.require_terminal", lambda: None)
    outcome = seamline("open", demo_store("gap"), "--theme", "no-such")
    assert outcome.code == 2
    assert "there is no theme 'no-such'" in outcome.err
    assert all(re.search(rf"\b{name}\b", outcome.err) for name in CHOSEN)
