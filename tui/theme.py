"""Colours. Surfaces are exact greys that 256-colour terminals keep; statuses are Okabe-Ito hues.

Every theme, also a built-in one that an operator chooses, gets status colours that can be read on its own surfaces
(`status_colours`): the contrast is that of WCAG 2, 4.5 for what is read and 3 for what is only looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

from textual.color import BLACK, WHITE, Color
from textual.theme import BUILTIN_THEMES, Theme

#: The least contrast of text and of graphics with the ground that they stand on.
TEXT_CONTRAST: Final = 4.5
GRAPHICS_CONTRAST: Final = 3.0
#: What is a picture and no word: bars and dots.
GRAPHICS: Final = frozenset({"seam-covered", "seam-missing"})
#: A ground, on which words in the foreground's colour stand, and the lines around panels, which tell nothing.
GROUND: Final = "seam-view"
RULE: Final = "seam-rule"

_ON_DARK: Final = {
    "seam-covered": "#0178D4",
    "seam-conflict": "#D55E00",
    "seam-missing": "#767676",
    "seam-snapshot": "#E69F00",
    "seam-chosen": "#F0E442",
    "seam-skipped": "#949494",
    "seam-good": "#009E73",
    "seam-dim": "#949494",
    "seam-key": "#56B4E9",
}
_ON_LIGHT: Final = {
    "seam-covered": "#0068B8",
    "seam-conflict": "#B34700",
    "seam-missing": "#767676",
    "seam-snapshot": "#8A5A00",
    "seam-chosen": "#6B5900",
    "seam-skipped": "#767676",
    "seam-good": "#00704F",
    "seam-dim": "#626262",
    "seam-key": "#005A9E",
}
#: Of the terminal's own sixteen those that nearly every palette keeps readable on black, and on white.
_ANSI_ON_DARK: Final = {
    "seam-covered": "ansi_bright_blue",
    "seam-conflict": "ansi_bright_red",
    "seam-missing": "ansi_white",
    "seam-snapshot": "ansi_bright_magenta",
    "seam-chosen": "ansi_bright_yellow",
    "seam-skipped": "ansi_white",
    "seam-good": "ansi_bright_green",
    "seam-dim": "ansi_white",
    "seam-key": "ansi_bright_cyan",
    "seam-rule": "ansi_white",
    "seam-view": "ansi_default",
}
_ANSI_ON_LIGHT: Final = {
    "seam-covered": "ansi_blue",
    "seam-conflict": "ansi_red",
    "seam-missing": "ansi_bright_black",
    "seam-snapshot": "ansi_blue",
    "seam-chosen": "ansi_black",
    "seam-skipped": "ansi_black",
    "seam-good": "ansi_blue",
    "seam-dim": "ansi_black",
    "seam-key": "ansi_blue",
    "seam-rule": "ansi_bright_black",
    "seam-view": "ansi_default",
}


def status_colours(theme: Theme) -> Mapping[str, str]:
    """The variables of the statuses for a theme, each readable on every surface of it.

    The terminal's own colours can't be measured: there those are taken that suit the ground the theme is made for.
    """
    if theme.ansi:
        return _ANSI_ON_DARK if theme.dark else _ANSI_ON_LIGHT
    generated = theme.to_color_system().generate()
    grounds = tuple(Color.parse(generated[name]).rgb for name in ("background", "surface", "panel"))
    return _measured(grounds, generated["foreground"])


@cache
def _measured(grounds: tuple[tuple[int, int, int], ...], foreground: str) -> Mapping[str, str]:
    colours = [Color(*ground) for ground in grounds]
    is_dark = _reach(WHITE, colours) >= _reach(BLACK, colours)
    statuses = _ON_DARK if is_dark else _ON_LIGHT
    readable = {
        name: _readable(Color.parse(colour), colours, GRAPHICS_CONTRAST if name in GRAPHICS else TEXT_CONTRAST)
        for name, colour in statuses.items()
    }
    words = Color.parse(foreground)
    return {**readable, GROUND: _ground(colours[0], words), RULE: colours[0].blend(words, 0.35).hex6}


def contrast(one: Color, other: Color) -> float:
    """The contrast of two colours, from 1 to 21."""
    brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _luminance(colour: Color) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _reach(colour: Color, grounds: Iterable[Color]) -> float:
    return min(contrast(colour, ground) for ground in grounds)


def _readable(colour: Color, grounds: list[Color], least: float) -> str:
    """The colour, as much lighter or darker as it takes; black or white where nothing in between is enough."""
    end = max(WHITE, BLACK, key=lambda each: _reach(each, grounds))
    blends = (colour.blend(end, step / 25) for step in range(26))
    return next((each for each in blends if _reach(each, grounds) >= least), end).hex6


def _ground(background: Color, foreground: Color) -> str:
    """A ground that differs from the background, on which the foreground can still be read."""
    blends = (background.blend(foreground, step / 100) for step in range(14, 0, -1))
    return next((each for each in blends if contrast(each, foreground) >= TEXT_CONTRAST), background).hex6


DARK: Final = Theme(
    name="seamline-dark",
    primary="#0178D4",
    secondary="#56B4E9",
    warning="#E69F00",
    error="#D55E00",
    success="#009E73",
    accent="#56B4E9",
    foreground="#e4e4e4",
    background="#121212",
    surface="#1e1e1e",
    panel="#262626",
    boost="#303030",
    dark=True,
    variables={
        GROUND: "#303030",
        RULE: "#4e4e4e",
        "block-cursor-background": "#303030",
        "block-cursor-foreground": "#ffffff",
        "scrollbar": "#444444",
        "scrollbar-background": "#1e1e1e",
    },
)

LIGHT: Final = Theme(
    name="seamline-light",
    primary="#0068B8",
    secondary="#005A9E",
    warning="#8A5A00",
    error="#B34700",
    success="#00704F",
    accent="#005A9E",
    foreground="#1c1c1c",
    background="#ffffff",
    surface="#f6f6f6",
    panel="#eeeeee",
    boost="#e4e4e4",
    dark=False,
    variables={GROUND: "#dadada", RULE: "#a8a8a8"},
)

_ANSI_VARIABLES: Final = {
    "ansi-background": "ansi_black",
    "ansi-foreground": "ansi_white",
    "border-blurred": "ansi_black",
    "block-cursor-foreground": "ansi_black",
    "block-cursor-background": "ansi_white",
    "input-cursor-background": "ansi_black",
    "input-cursor-foreground": "ansi_bright_white",
    "input-cursor-text-style": "none",
    "input-selection-background": "ansi_bright_blue",
    "input-selection-foreground": "ansi_black",
    "screen-selection-background": "ansi_bright_blue",
    "screen-selection-foreground": "ansi_black",
}

_ANSI_LIGHT_VARIABLES: Final = {
    "ansi-background": "ansi_bright_white",
    "ansi-foreground": "ansi_black",
    "border-blurred": "ansi_black",
    "block-cursor-foreground": "ansi_bright_white",
    "block-cursor-background": "ansi_black",
    "input-cursor-background": "ansi_bright_white",
    "input-cursor-foreground": "ansi_black",
    "input-selection-background": "ansi_blue",
    "input-selection-foreground": "ansi_bright_white",
    "screen-selection-background": "ansi_blue",
    "screen-selection-foreground": "ansi_bright_white",
}


def _ansi(name: str, ground: str, words: str, bright: str, *, dark: bool) -> Theme:
    """A theme of the terminal's own colours that paints its own ground, whatever the terminal's is."""
    return Theme(
        name=name,
        primary=f"ansi_{bright}blue",
        secondary=f"ansi_{bright}cyan" if dark else "ansi_blue",
        warning="ansi_yellow" if dark else "ansi_red",
        error=f"ansi_{bright}red",
        success=f"ansi_{bright}green" if dark else "ansi_blue",
        accent=f"ansi_{bright}cyan" if dark else "ansi_blue",
        foreground=words,
        background=ground,
        surface=ground,
        panel=ground,
        boost=ground,
        dark=dark,
        ansi=True,
        variables=_ANSI_VARIABLES | ({} if dark else _ANSI_LIGHT_VARIABLES),
    )


ANSI: Final = _ansi("seamline-ansi", "ansi_black", "ansi_white", "bright_", dark=True)
ANSI_LIGHT: Final = _ansi("seamline-ansi-light", "ansi_bright_white", "ansi_black", "", dark=False)

THEMES: Final = (DARK, LIGHT, ANSI, ANSI_LIGHT)


def theme_names() -> list[str]:
    """All themes that there are: ours first."""
    return [*(theme.name for theme in THEMES), *sorted(BUILTIN_THEMES)]
