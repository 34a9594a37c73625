"""The lines around the one at which a compaction stops, as a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from core.columns import Lane
from core.compaction import CompactionPreview, LineState, StopLine
from tui.glyphs import Glyphs
from tui.numbers import whole
from tui.safe_text import padded
from tui.texts.common import manifest_text
from tui.widgets.painted import Row
from tui.widgets.prose import Paragraph, line

WIDE_CELLS: Final = 120
#: What the line of each state is painted as.
_STYLES: Final = {LineState.OK: "text", LineState.STOPS: "conflict", LineState.NOT_LOOKED_AT: "skipped"}


def is_overlap(preview: CompactionPreview) -> bool:
    """Whether the run stops because a line begins inside the line before it."""
    return any(each.state is LineState.STOPS and each.offset < 0 for each in preview.stop_lines)


@dataclass(frozen=True)
class StopTable:
    """The table for a run that stops inside a group of `lane`, on a screen `width` cells wide.

    With `brief` only the nearest lines are shown.
    """

    preview: CompactionPreview
    lane: Lane
    width: int
    glyphs: Glyphs
    brief: bool

    @property
    def _wide(self) -> bool:
        return self.width >= WIDE_CELLS

    @cached_property
    def _lines(self) -> tuple[StopLine, ...]:
        lines = self.preview.stop_lines
        if not self.brief:
            return lines
        stop = next((place for place, each in enumerate(lines) if each.state is LineState.STOPS), 0)
        return lines[max(0, stop - 2) : stop + 2]

    @cached_property
    def _cells(self) -> int:
        """Cells of a version."""
        return max((13, *(len(whole(int(self.lane.last[each.row]))) for each in self._lines)))

    @property
    def _room(self) -> int:
        """Cells of a manifest."""
        check = self._cells + 46 if self._wide else 18
        return max(12, self.width - 6 - 2 * self._cells - 6 - check)

    def rows(self) -> Iterator[Paragraph]:
        """Heading and lines."""
        cells, room, unit = self._cells, self._room, self.lane.kind.unit
        expected = f"  {'next expected':>{cells}}  check" if self._wide else ""
        yield line(
            (f"   line  {'first ' + unit:>{cells}}  {'last ' + unit:>{cells}}  ", "dim"), *self._heading(expected)
        )
        for each in self._lines:
            yield line(*self._row(each, cells, room))

    def _heading(self, expected: str) -> Row:
        return ((f"{'manifest':<{self._room}}{expected}", "dim"),)

    def _row(self, each: StopLine, cells: int, room: int) -> Row:
        first, last = int(self.lane.first[each.row]), int(self.lane.last[each.row])
        letter, style = self._letter(each), _STYLES[each.state]
        manifest = manifest_text(self.lane.manifest(each.row), room, self.glyphs.ellipsis)
        following = whole(last + 1) if each.state is LineState.OK else ""
        expected = f"  {following:>{cells}}" if self._wide else ""
        return (
            (f"{letter} {whole(each.line):>5}", "dim" if letter == " " else "strong"),
            (f"  {whole(first):>{cells}}  {whole(last):>{cells}}  {padded(manifest, room)}{expected}", style),
            (f"  {self._check(each)}", style),
        )

    def _letter(self, each: StopLine) -> str:
        """A and B: the line before the one that stops the run, and that one, where they overlap."""
        stop = self.preview.stop
        if stop is None or stop.row is None or not is_overlap(self.preview):
            return " "
        return {stop.row - 1: "A", stop.row: "B"}.get(each.row, " ")

    def _check(self, each: StopLine) -> str:
        if each.state is LineState.OK:
            return "ok"
        if each.state is LineState.NOT_LOOKED_AT:
            missing = f" ({whole(each.offset)} missing before it)" if each.offset > 0 and self._wide else ""
            return f"not looked at{missing}"
        if each.offset < 0:
            return f"starts {whole(-each.offset)} inside A" if self._wide else "inside A"
        return f"{whole(each.offset)} missing before it" if each.offset else "overflows"
