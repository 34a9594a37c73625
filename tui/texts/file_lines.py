"""The lines of one metadata file as they stand in it: cut for a row, in full for the selected one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from rich.cells import cell_len

from core.columns import I64
from core.files import FileFacts
from core.index import Index
from tui.glyphs import Glyphs
from tui.numbers import whole
from tui.safe_text import fit, safe
from tui.texts.common import quoted
from tui.widgets.painted import Row
from tui.widgets.prose import Paragraph, runs, text

#: A line is decoded up to here for its row, and up to there to be read in full.
ROW_BYTES: Final = 600
FULL_BYTES: Final = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class FileLines:
    """The lines of one file as they stand in it; `ends` (int64) are the offsets of their line feeds in the file."""

    facts: FileFacts
    content: bytes
    ends: I64

    def __len__(self) -> int:
        return len(self.ends)

    def raw(self, number: int, limit: int) -> str:
        """The first `limit` bytes of line `number` (from 0); bytes that are no UTF-8 become lone surrogates."""
        start = int(self.ends[number - 1]) + 1 if number else 0
        return self.content[start : min(int(self.ends[number]), start + limit)].decode("utf-8", "surrogateescape")

    def length(self, number: int) -> int:
        """The bytes of a line without its line feed."""
        start = int(self.ends[number - 1]) + 1 if number else 0
        return int(self.ends[number]) - start

    def message(self, number: int) -> str | None:
        """What stock says against a line, if it refuses it."""
        found = (each.message for each in self.facts.problems if each.claim.line == number + 1)
        return next(found, None)


def file_lines(index: Index, facts: FileFacts, number: int) -> FileLines:
    """The lines of file `number` of a folder: one pass over its bytes, meant for a worker thread."""
    content = index.content(number)
    ends = np.flatnonzero(np.frombuffer(content, dtype=np.uint8) == ord("\n"))
    return FileLines(facts, content, ends)


def line_row(lines: FileLines, number: int, width: int, glyphs: Glyphs) -> Row:
    """One line with its number, cut at the right."""
    digits = max(4, len(whole(len(lines))))
    refused = lines.message(number) is not None
    shown = lines.raw(number, ROW_BYTES)
    room = width - digits - 4
    cut = cell_len(safe(shown)) > room or lines.length(number) > ROW_BYTES
    if cut:
        shown = fit(safe(shown), room - 1) + glyphs.ellipsis
    return (
        (f"{whole(number + 1):>{digits}} ", "dim"),
        (f"{glyphs.problem} ", "conflict") if refused else ("  ", "text"),
        (shown, "conflict" if refused else "text"),
    )


def line_text(lines: FileLines, number: int) -> list[Paragraph]:
    """One line in full."""
    message, length = lines.message(number), lines.length(number)
    story = [runs(("stock says ", "dim"), (quoted(message), "conflict"))] if message else []
    shown = lines.raw(number, FULL_BYTES)
    story.append(text(shown) if shown else text("an empty line", "dim"))
    if length > FULL_BYTES:
        story.append(text(f"and {whole(length - FULL_BYTES)} more bytes", "dim"))
    return story
