"""Moving about on the timeline: cursor and viewport, ranges, the selected area, the mouse."""

from __future__ import annotations

from abc import abstractmethod

from textual import on

from core.model import Entry, LaneKind
from tui.numbers import whole
from tui.screens.timeline_search import Searching
from tui.state import View
from tui.widgets.overview import Overview
from tui.widgets.scene import LANES
from tui.widgets.timeline import Timeline


class Moving(Searching):
    """The lane under the cursor, the selected area, and the commands and the mouse that move them."""

    def __init__(self) -> None:
        super().__init__()
        self.lane = LaneKind.TRANSACTIONS
        self.area_from: int | None = None
        self.area: tuple[int, int] | None = None

    @abstractmethod
    def draw(self) -> None:
        """Bring the pictures up to date."""

    @abstractmethod
    def picked(self) -> tuple[tuple[int, int] | None, LaneKind | None]:
        """The versions of what is selected, and the lane if that is an entry."""

    @abstractmethod
    def action_open(self) -> None:
        """Open what is selected."""

    @property
    def timeline(self) -> Timeline:
        """The widget."""
        return self.query_one("#timeline", Timeline)

    @property
    def columns(self) -> int:
        """Cells for the versions."""
        return self.timeline.columns

    def _set_view(self, view: View) -> None:
        """A step of the cursor or the viewport; the selected area follows the cursor."""
        self.seamline.view = view
        self._grow_area()

    def _grow_area(self) -> None:
        if self.area_from is not None:
            cursor = self.seamline.view.cursor
            cell = max(1, self.seamline.view.length // self.columns)
            low, high = sorted((self.area_from, cursor))
            self.area = low, min(high + cell, self.seamline.view.whole) - 1
            self.draw()
            self.refresh_lines()

    def action_pan(self, quarters: int) -> None:
        """Pan a quarter view."""
        self._set_view(self.seamline.view.panned(quarters))

    def action_zoom(self, step: int) -> None:
        """Zoom by two about the cursor."""
        view = self.seamline.view
        zoomed = view.zoomed(self.columns, inwards=step > 0)
        if zoomed == view:
            self.say("this is the whole axis" if step < 0 else "one version per cell is the nearest")
        self._set_view(zoomed)

    def action_cursor(self, step: int) -> None:
        """One cell to the side; the view follows at its edge."""
        view = self.seamline.view
        self._set_view(view.stepped(self.columns, step))

    def action_row(self, step: int) -> None:
        """Another lane, or another row of the list in focus."""
        if self.focused is self.timeline:
            place = min(max(0, LANES.index(self.lane) + step), len(LANES) - 1)
            self.lane = LANES[place]
            self.draw()
        else:
            super().action_row(step)

    def action_first(self) -> None:
        """The first version."""
        if self.focused is not self.timeline:
            super().action_first()
        else:
            self._set_view(self.seamline.view.moved(0))

    def action_last(self) -> None:
        """The last version."""
        if self.focused is not self.timeline:
            super().action_last()
        else:
            self._set_view(self.seamline.view.moved(self.seamline.view.whole - 1))

    def action_range(self, step: int) -> None:
        """The next or previous entry of the lane."""
        picture = self.session.picture
        assert picture is not None
        index = picture.lanes[self.lane]
        selected = self._selected_in_lane()
        place = picture.place_of(selected) if selected else None
        if place is None:
            place = index.place_after(self.seamline.view.cursor) - 1 + (step > 0)
            place = place if step > 0 else max(0, place)
        else:
            place += step
        if not 0 <= place < len(index.first):
            self.say(f"no {'further' if step > 0 else 'earlier'} range in this lane")
            return
        entry = index.lane.entry(int(index.rows[place]))
        self.seamline.go(self.seamline.view.moved(index.span(place)[0]), selected=entry)

    def _selected_in_lane(self) -> Entry | None:
        selected = self.session.selected
        return selected if selected is not None and selected.lane is self.lane else None

    def action_fit_all(self) -> None:
        """The whole axis; first the part that chains can hold, where some entry reaches farther."""
        view = self.seamline.view
        end = view.whole if view.at_home else view.home
        self.seamline.go(view.shown(0, end))
        if view.near is not None:
            rest = f"the part that a chain can hold, up to {whole(end - 1)}: = again shows all"
            self.say("the whole axis: = again shows the part that a chain can hold" if end == view.whole else rest)

    def action_fit(self) -> None:
        """Centre what is selected; when it is centred, fit it."""
        span = self.area or self.picked()[0]
        if span is None:
            self.say("nothing on the timeline is selected")
            return
        view = self.seamline.view
        centred = view.centred(*span)
        self.seamline.go(view.fitted(*span, self.columns) if centred == view else centred)

    def action_back(self, steps: int) -> None:
        """Back or forward in where the operator has been."""
        self.seamline.travel(steps)

    def action_select_area(self) -> None:
        """Begin to select an area at the cursor, or keep the one there is."""
        if self.area_from is not None:
            self.area_from = None
            return
        self.area_from = self.seamline.view.cursor
        self._grow_area()

    def entry_here(self) -> Entry | None:
        """The selected entry, or the one under the cursor."""
        picture = self.session.picture
        if picture is None or not picture.end:
            return None
        if selected := self._selected_in_lane():
            return selected
        index = picture.lanes[self.lane]
        places = index.covering(self.seamline.view.cursor)
        return index.lane.entry(int(index.rows[places[0]])) if len(places) else None

    @on(Timeline.Pointed)
    def _pointed(self, event: Timeline.Pointed) -> None:
        self.lane = event.lane or self.lane
        self.area_from = self.area = None
        self._set_view(self.seamline.view.moved(event.version))
        zone = self._zone_at(event.version, event.lane)
        entry = self._entry_at(event.version) if event.lane else None
        if zone is not None:
            self.seamline.select_problem(zone)
        elif entry is not None:
            self.seamline.select_entry(entry)
        self.draw()
        if event.twice and (zone is not None or entry is not None):
            self.action_open()

    def _zone_at(self, version: int, lane: LaneKind | None) -> int | None:
        """The first problem that the column of `version` touches, in a lane or in any."""
        picture, view = self.session.picture, self.seamline.view
        assert picture is not None
        last = version + max(1, view.length // self.columns) - 1
        for number, zone in enumerate(self.session.zones):
            span = picture.zone_span(zone)
            if span and span[0] <= last and span[1] >= version and lane in (None, zone.lane):
                return number
        return None

    def _entry_at(self, version: int) -> Entry | None:
        picture = self.session.picture
        assert picture is not None
        index = picture.lanes[self.lane]
        last = version + max(1, self.seamline.view.length // self.columns) - 1
        place = index.place_after(last) - 1
        if place < 0 or index.span(place)[1] < version:
            return None
        return index.lane.entry(int(index.rows[place]))

    @on(Timeline.Sized)
    def _sized(self) -> None:
        self.refresh_lines()

    @on(Timeline.Dragged)
    def _dragged(self, event: Timeline.Dragged) -> None:
        self.area_from, self.area = None, (event.first, event.last)
        self.draw()
        self.refresh_lines()

    @on(Timeline.Wheeled)
    def _wheeled(self, event: Timeline.Wheeled) -> None:
        view = self.seamline.view
        if event.zoom:
            self._set_view(view.zoomed(self.columns, inwards=event.step < 0, about=event.version))
        else:
            self._set_view(view.slid(event.step * max(1, view.length // 12)))

    @on(Overview.Pointed)
    def _overview_pointed(self, event: Overview.Pointed) -> None:
        view = self.seamline.view
        self.seamline.view = view.shown(
            event.version - view.length // 2, event.version - view.length // 2 + view.length
        )
