"""Phrases that several screens share."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final

from rich.cells import cell_len

from core.model import LaneKind
from tui.safe_text import safe, shorten


@cache
def _standard_names() -> frozenset[str]:
    """What stock calls a manifest file; asked for late, as it brings numpy, which the first frame does without."""
    from core.manifests.model import MANIFEST_NAMES

    return frozenset(MANIFEST_NAMES.values())


#: So many rows of a list set the widths of its columns.
MEASURED: Final = 500


def widest(words: Iterable[str]) -> int:
    """Cells of the longest of them."""
    return max((cell_len(safe(each)) for each in words), default=0)


def lane_span(kind: LaneKind, first: int, last: int) -> str:
    """A range in the lane's own unit: `1,000 - 1,999`, `epoch 7`, `epochs 3 - 7`."""
    numbers = f"{first:,}" if first == last else f"{first:,} - {last:,}"
    if kind is not LaneKind.EPOCH_ENDINGS:
        return numbers
    return f"epoch {numbers}" if first == last else f"epochs {numbers}"


def manifest_text(handle: str, width: int, ellipsis: str) -> str:
    """A handle in at most `width` cells: without the file's name where that is stock's own, then cut in the middle."""
    folder, _, name = handle.rpartition("/")
    if len(handle) > width and name in _standard_names():
        return shorten(folder, width, ellipsis)
    return shorten(handle, width, ellipsis)


def duration(seconds: int) -> str:
    """A number of seconds in the largest unit that it fills: `24 h`, `90 min`, `45 s`."""
    for unit, length in (("h", 3_600), ("min", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds // length:,} {unit}"
    return f"{seconds:,} s"


def quoted(message: str) -> str:
    """Stock's own words."""
    return f'"{message}"'


def named(handles: tuple[str, ...] | list[str], total: int, most: int = 3) -> str:
    """The names of the first few files, and how many more there are."""
    names = [handle.rpartition("/")[2] for handle in handles[:most]]
    more = total - len(names)
    return ", ".join(names) + (f" and {more:,} more" if more > 0 else "")
