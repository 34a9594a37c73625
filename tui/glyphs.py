"""The characters of the pictures, once in Unicode and once in ASCII; a status is never told by colour alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of characters, each one cell wide. Names say what a cell means, the help shows them."""

    covered: str
    part: str
    begins: str
    missing: str
    conflict: str
    snapshot: str
    snapshot_skipped: str
    chosen: str
    spliced: str
    recovered: str
    skipped: str
    decided: str
    problem: str
    gap: str
    cursor: str
    tick: str
    half_tick: str
    same: str
    differs: str
    mark: str
    pointer: str
    target: str
    rule: str
    view_line: str
    view_left: str
    view_right: str
    divider: str
    dot: str
    ellipsis: str
    unreached: str = " "

    @property
    def is_ascii(self) -> bool:
        """Whether this is the set without any character beyond ASCII."""
        return self.covered.isascii()


UNICODE: Final = Glyphs(
    covered="█",
    part="▄",
    begins="▌",
    missing="·",
    conflict="▓",
    snapshot="◆",
    snapshot_skipped="◇",
    chosen="━",
    spliced="╍",
    recovered="═",
    skipped="░",
    decided="●",
    problem="▲",
    gap="○",
    cursor="┃",
    tick="│",
    half_tick="╵",
    same="=",
    differs="≠",
    mark=">",
    pointer="▲",
    target="▼",
    rule="─",
    view_line="━",
    view_left="┤",
    view_right="├",
    divider="│",
    dot="·",
    ellipsis="…",
)

ASCII: Final = Glyphs(
    covered="#",
    part="=",
    begins="|",
    missing=".",
    conflict="X",
    snapshot="*",
    snapshot_skipped="o",
    chosen="~",
    spliced="%",
    recovered="+",
    skipped="-",
    decided="@",
    problem="^",
    gap="o",
    cursor="!",
    tick="|",
    half_tick="'",
    same="=",
    differs="!",
    mark=">",
    pointer="^",
    target="v",
    rule="-",
    view_line="=",
    view_left="[",
    view_right="]",
    divider="|",
    dot="-",
    ellipsis="~",
)


def glyphs_for(ascii_only: bool, *, no_colour: bool = False) -> Glyphs:
    """The set to draw with. Without colours a conflict is a letter in reverse: a shade would be the faintest of all."""
    glyphs = ASCII if ascii_only else UNICODE
    return replace(glyphs, conflict=ASCII.conflict) if no_colour else glyphs
