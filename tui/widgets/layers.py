"""What becomes of a lane's entries, as cells: the worst status of a column wins, at every zoom.

A layer is a status and where it covers the axis; layers are given worst first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.columns import I64, Mask
from core.lod import NONE, PART, Bounds, Coverage, LaneIndex, build_coverage
from tui.glyphs import Glyphs
from tui.widgets.lanes import BLANK_CELL, Cell


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """Where entries of one status lie; `glyph` names a field of `Glyphs`."""

    coverage: Coverage
    glyph: str
    style: str


def layer_of(index: LaneIndex, mask: Mask, glyph: str, style: str) -> Layer:
    """The layer of the entries for which `mask` (bool, one for each row of the lane) is set."""
    places = mask[index.rows]
    return Layer(build_coverage(index.first[places], index.last[places]), glyph, style)


def masked(count: int, rows: I64 | Sequence[int]) -> Mask:
    """A mask of `count` rows with `rows` set."""
    mask = np.zeros(count, dtype=np.bool_)
    mask[np.asarray(rows, dtype=np.int64)] = True
    return mask


def layered_cells(whole: Coverage, layers: Sequence[Layer], bounds: Bounds, glyphs: Glyphs) -> list[Cell]:
    """For each column the first layer that touches it; missing where nothing does, blank beyond the last version.

    In the last, best layer a column of which something is missing is drawn as such.
    """
    cells = _ground(whole, bounds, glyphs)
    partly = (whole.cover(bounds) == PART).tolist()
    for number, layer in reversed(list(enumerate(layers))):
        glyph = getattr(glyphs, layer.glyph)
        best = number == len(layers) - 1
        for column, cover in enumerate(layer.coverage.cover(bounds).tolist()):
            if cover != NONE:
                cells[column] = (glyphs.part if best and partly[column] else glyph, layer.style)
    return cells


def _ground(whole: Coverage, bounds: Bounds, glyphs: Glyphs) -> list[Cell]:
    reach = whole.reach
    if reach is None:
        return [BLANK_CELL] * len(bounds)
    beyond = (bounds.lower > np.uint64(reach)).tolist()
    return [BLANK_CELL if each else (glyphs.missing, "missing") for each in beyond]
