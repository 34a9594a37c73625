"""Colours. Surfaces are exact greys that 256-colour terminals keep; statuses are Okabe-Ito hues.

`STATUS_DEFAULTS` gives every theme, also the built-in ones an operator may choose, the variables that the widgets use.
"""

from __future__ import annotations

from typing import Final

from textual.theme import Theme

STATUS_DEFAULTS: Final = {
    "seam-covered": "#0178D4",
    "seam-conflict": "#D55E00",
    "seam-missing": "#6a6a6a",
    "seam-snapshot": "#E69F00",
    "seam-chosen": "#F0E442",
    "seam-skipped": "#8a8a8a",
    "seam-good": "#009E73",
    "seam-dim": "#8a8a8a",
    "seam-key": "#56B4E9",
    "seam-rule": "#4e4e4e",
    "seam-view": "#303030",
}

_LIGHT: Final = {
    "seam-covered": "#0068B8",
    "seam-conflict": "#B34700",
    "seam-missing": "#767676",
    "seam-snapshot": "#8A5A00",
    "seam-chosen": "#6B5900",
    "seam-skipped": "#767676",
    "seam-good": "#00704F",
    "seam-dim": "#626262",
    "seam-key": "#005A9E",
    "seam-rule": "#a8a8a8",
    "seam-view": "#dadada",
}

_ANSI: Final = {
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
    "seam-covered": "ansi_blue",
    "seam-conflict": "ansi_red",
    "seam-missing": "ansi_bright_black",
    "seam-snapshot": "ansi_yellow",
    "seam-chosen": "ansi_bright_yellow",
    "seam-skipped": "ansi_bright_black",
    "seam-good": "ansi_green",
    "seam-dim": "ansi_bright_black",
    "seam-key": "ansi_cyan",
    "seam-rule": "ansi_bright_black",
    "seam-view": "ansi_default",
}

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
        **STATUS_DEFAULTS,
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
    variables=_LIGHT,
)

ANSI: Final = Theme(
    name="seamline-ansi",
    primary="ansi_blue",
    secondary="ansi_cyan",
    warning="ansi_yellow",
    error="ansi_red",
    success="ansi_green",
    accent="ansi_cyan",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    dark=True,
    ansi=True,
    variables=_ANSI,
)

THEMES: Final = (DARK, LIGHT, ANSI)
