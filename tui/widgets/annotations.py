"""Labels under the lanes of a tall timeline: epochs, and the first version of each range that has room for one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from core.lod import LaneIndex
from core.model import LaneKind
from core.picture import Picture
from tui.numbers import short, whole
from tui.state import View

#: More entries than this in view have no room for labels.
_MOST_LABELS: Final = 64


def annotation(picture: Picture, lane: LaneKind, view: View, width: int) -> str:
    """One line of labels, each right of where its entry begins and clear of the next one."""
    index = picture.lanes[lane]
    start = max(0, index.place_after(view.start - 1) if view.start else 0)
    stop = index.place_after(view.end - 1)
    if stop - start > _MOST_LABELS:
        return ""
    columns = [view.column(int(index.first[place]), width) for place in range(start, stop)]
    line = [" "] * width
    free = 0
    for number, place in enumerate(range(start, stop)):
        at = max(columns[number] + (lane is not LaneKind.STATE_SNAPSHOTS), free)
        following = columns[number + 1] if number + 1 < len(columns) else width
        if columns[number] < free - 1:
            continue
        for label in _labels(index, lane, place):
            if at + len(label) <= min(following if lane is not LaneKind.STATE_SNAPSHOTS else following - 1, width):
                line[at : at + len(label)] = label
                free = at + len(label) + 1
                break
    return "".join(line)


def _labels(index: LaneIndex, lane: LaneKind, place: int) -> Iterator[str]:
    """What an entry may be called, longest first."""
    row = int(index.rows[place])
    if lane is LaneKind.TRANSACTIONS:
        yield whole(int(index.first[place]))
        yield short(int(index.first[place]))
    elif index.lane.epoch is not None:
        yield f"epoch {whole(int(index.lane.epoch[row]))}"
        yield whole(int(index.lane.epoch[row]))
    else:
        first, last = int(index.lane.first[row]), int(index.lane.last[row])
        yield whole(first) if first == last else f"{whole(first)} - {whole(last)}"
        yield whole(first)
