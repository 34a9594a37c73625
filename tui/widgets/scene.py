"""What the timeline shows, as one value; how it is drawn is in `tui.widgets.drawing`, which needs numpy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from core.model import LaneKind
from tui.state import View
from tui.widgets.painted import Row

if TYPE_CHECKING:
    from core.picture import Picture

#: The lanes from top to bottom.
LANES: Final = (LaneKind.EPOCH_ENDINGS, LaneKind.STATE_SNAPSHOTS, LaneKind.TRANSACTIONS)
GUTTER: Final = 8
WIDE_GUTTER: Final = 10


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that the timeline shows.

    `lane` has the cursor, `area` is the selected stretch, `picked` that of the selected problem or entry (inclusive
    versions) in `picked_lane` (None: a problem). With `annotated` each lane has a line of labels under it. Lanes of
    ranges are `lane_height` rows high; snapshots are points, and stay one row.
    """

    picture: Picture
    view: View
    lane: LaneKind = LaneKind.TRANSACTIONS
    area: tuple[int, int] | None = None
    picked: tuple[int, int] | None = None
    picked_lane: LaneKind | None = None
    annotated: bool = False
    lane_height: int = 1


@dataclass(frozen=True, slots=True)
class Drawn:
    """One row: its name in the gutter, the lane it belongs to, its cells. `main` rows take the cursor."""

    name: str
    lane: LaneKind | None
    cells: Row
    main: bool = False


def gutter_of(scene: Scene) -> int:
    """Cells for the names of the lanes."""
    return WIDE_GUTTER if scene.annotated else GUTTER


def without_cursor(scene: Scene) -> Scene:
    """What of a scene does not depend on where the cursor is."""
    return replace(scene, lane=LaneKind.TRANSACTIONS, view=replace(scene.view, cursor=scene.view.start))


def height_of_lane(scene: Scene, lane: LaneKind) -> int:
    """How many rows a main row takes; so does the row under it of what overlaps. An empty lane has a sentence."""
    points = lane is LaneKind.STATE_SNAPSHOTS or not len(scene.picture.lanes[lane].first)
    return 1 if points else scene.lane_height


def lane_height(height_at: Callable[[int], int], room: int) -> int:
    """How high lanes can be, three rows at most, for a picture to take no more than `room` rows.

    `height_at` gives the rows of the picture with lanes of that height.
    """
    return next((height for height in (3, 2) if height_at(height) <= room), 1)


def heightened(scene: Scene, room: int) -> Scene:
    """The scene with lanes as high as they can be in `room` rows."""
    height = lane_height(lambda height: height_of(replace(scene, lane_height=height)), room)
    return replace(scene, lane_height=height)


def _lane_rows(scene: Scene, lane: LaneKind) -> int:
    second = scene.picture.lanes[lane].second is not None and lane is not LaneKind.STATE_SNAPSHOTS
    return height_of_lane(scene, lane) * (1 + second) + (scene.annotated and 1)


def height_of(scene: Scene) -> int:
    """How many rows a scene takes, at any zoom."""
    between = 2 if scene.annotated else 0
    return 2 + sum(_lane_rows(scene, lane) for lane in LANES) + between + 1
