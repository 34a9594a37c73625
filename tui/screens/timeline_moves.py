"""Moving about on the timeline: cursor and viewport, ranges, the selected area, the mouse."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace

from textual import on

from core.model import Entry, LaneKind
from tui.numbers import whole
from tui.screens.timeline_search import Searching
from tui.selecting import drawn_cursor
from tui.state import View
from tui.widgets.overview import Overview
from tui.widgets.scene import LANES
from tui.widgets.timeline import Timeline


class Moving(Searching):
    """The selected area, and the commands and the mouse that move the cursor; what is selected follows it."""

    def __init__(self) -> None:
        super().__init__()
        self._area_from: int | None = None
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

    @abstractmethod
    def why_not_open(self) -> str | None:
        """Why what is selected can't be opened."""

    @property
    def timeline(self) -> Timeline:
        """The widget."""
        return self.query_one("#timeline", Timeline)

    @property
    def columns(self) -> int:
        """Cells for the versions."""
        return self.timeline.columns

    @property
    def lane(self) -> LaneKind:
        """The lane of the cursor."""
        return self.session.place.lane

    # --- by cells -------------------------------------------------------------------------------------------------

    def _show(self, view: View) -> None:
        """Another viewport; where that takes the cursor along, it goes onto what its cell is drawn as."""
        place = self.session.place
        if view.cursor != place.view.cursor:
            view = drawn_cursor(self.session, view, place.lane, self.columns)
        self.seamline.stand(place.at(view))

    def action_pan(self, quarters: int) -> None:
        """Pan a quarter view."""
        self._show(self.seamline.view.panned(quarters))

    def action_zoom(self, step: int) -> None:
        """Zoom by two about the cursor."""
        view = self.seamline.view
        zoomed = view.zoomed(self.columns, inwards=step > 0)
        if zoomed == view:
            self.say("this is the whole axis" if step < 0 else "one version per cell is the nearest")
        self._show(zoomed)

    def action_cursor(self, step: int) -> None:
        """One cell to the side; the view follows at its edge. What lies behind the cursor is not gone back to."""
        place, before = self.session.place, self.seamline.view.cursor
        view = place.view.stepped(self.columns, step)
        if view.cursor != before:
            beyond = (before, None) if step > 0 else (-1, before)
            view = drawn_cursor(self.session, view, place.lane, self.columns, *beyond)
        self.seamline.stand(place.at(view))

    def action_row(self, step: int) -> None:
        """Another lane, or another row of the list in focus."""
        if self.focused is self.timeline:
            lane = LANES[min(max(0, LANES.index(self.lane) + step), len(LANES) - 1)]
            self.seamline.stand(self.session.place.at(self.seamline.view, lane))
        else:
            super().action_row(step)

    def action_first(self) -> None:
        """The first version."""
        if self.focused is not self.timeline:
            super().action_first()
        else:
            self._show_version(0)

    def action_last(self) -> None:
        """The last version."""
        if self.focused is not self.timeline:
            super().action_last()
        else:
            self._show_version(self.seamline.view.whole - 1)

    def _show_version(self, version: int) -> None:
        self.seamline.stand(self.session.place.at(self.seamline.view.moved(version)))

    # --- by name --------------------------------------------------------------------------------------------------

    def action_range(self, step: int) -> None:
        """The entry of the lane after what is under the cursor, or before it."""
        picture, place = self.session.picture, self.session.place
        assert picture is not None
        index = picture.lanes[place.lane]
        entry = place.entry
        at = picture.place_of(entry) if entry is not None and entry == self.session.selected else None
        if at is None:
            beginning = index.place_after(place.view.cursor)
            here = index.covering(place.view.cursor)
            at = beginning - 1 if step > 0 else int(here[0]) if len(here) else beginning
        at += step
        if not 0 <= at < len(index.first):
            self.say(f"no {'further' if step > 0 else 'earlier'} range in this lane")
            return
        entry = index.lane.entry(int(index.rows[at]))
        self.seamline.go(place.on_entry(entry, place.view.moved(index.span(at)[0])))

    def action_fit_all(self) -> None:
        """The whole axis; first the part that chains can hold, where some entry reaches farther."""
        view = self.seamline.view
        end = view.whole if view.at_home else view.home
        self.seamline.go(self.session.place.at(view.shown(0, end)))
        if view.near is not None:
            rest = f"the part that a chain can hold, up to {whole(end - 1)}: = again shows all"
            self.say("the whole axis: = again shows the part that a chain can hold" if end == view.whole else rest)

    def action_fit(self) -> None:
        """Centre what is selected; when it is centred, fit it. The cursor stays on it."""
        span = self.area or self.picked()[0]
        if span is None:
            self.say("nothing on the timeline is selected")
            return
        view = self.seamline.view
        shown = view.about(view.centred(*span))
        if shown == view:
            shown = view.about(view.fitted(*span, self.columns))
        place = self.session.place
        self.seamline.go(place.at(shown) if self.area else replace(place, view=shown))

    def action_back(self, steps: int) -> None:
        """Back or forward in where the operator has been."""
        self.seamline.travel(steps)

    # --- the selected area ----------------------------------------------------------------------------------------

    def action_select_area(self) -> None:
        """Begin to select an area at the cursor, or keep the one there is."""
        if self._area_from is not None:
            self._area_from = None
            return
        self._area_from = self.seamline.view.cursor
        self.grow_area()
        self.draw()

    def grow_area(self) -> None:
        """Let the area that was begun reach to the cursor, wherever that has gone."""
        if self._area_from is None:
            return
        view = self.seamline.view
        cell = max(1, view.length // self.columns)
        low, high = sorted((self._area_from, view.cursor))
        self.area = low, min(high + cell, view.whole) - 1

    def clear_area(self) -> None:
        """No area is selected."""
        self._area_from = self.area = None

    # --- the mouse ------------------------------------------------------------------------------------------------

    def entry_here(self) -> Entry | None:
        """The selected entry, or the first one under the cursor."""
        return self.session.selected or next(iter(self.session.selection.here), None)

    @on(Timeline.Pointed)
    def _pointed(self, event: Timeline.Pointed) -> None:
        self.clear_area()
        place = self.session.place
        view, lane = place.view.moved(event.version), event.lane or place.lane
        marked = self._marked_in_column(view) if event.on_problem else None
        if marked is not None:
            zone, version = marked
            self.seamline.stand(place.on_zone(zone, view.moved(version), self.session.zones[zone].lane))
        else:
            self.seamline.stand(place.at(drawn_cursor(self.session, view, lane, self.columns), lane))
        self.draw()
        if event.twice and self.why_not_open() is None:
            self.action_open()

    def _marked_in_column(self, view: View) -> tuple[int, int] | None:
        """The first problem of the list that the cursor's column touches, in any lane, and its first version there."""
        marks = self.session.picture.marks if self.session.picture else None
        if marks is None:
            return None
        column = view.column(view.cursor, self.columns)
        last = max(view.cursor, (view.version(column + 1, self.columns) if column + 1 < self.columns else view.end) - 1)
        found = [zone for lane in marks.lanes.values() for zone in lane.touching(view.cursor, last)]
        zone = min(found, key=self.session.listing.ranks.__getitem__, default=None)
        span = marks.spans[zone] if zone is not None else None
        return None if zone is None or span is None else (zone, max(view.cursor, span[0]))

    @on(Timeline.Sized)
    def _sized(self) -> None:
        self.refresh_lines()

    @on(Timeline.Dragged)
    def _dragged(self, event: Timeline.Dragged) -> None:
        self._area_from, self.area = None, (event.first, event.last)
        self.draw()
        self.refresh_lines()

    @on(Timeline.Wheeled)
    def _wheeled(self, event: Timeline.Wheeled) -> None:
        view = self.seamline.view
        if event.zoom:
            self._show(view.zoomed(self.columns, inwards=event.step < 0, about=event.version))
        else:
            self._show(view.slid(event.step * max(1, view.length // 12)))

    @on(Overview.Pointed)
    def _overview_pointed(self, event: Overview.Pointed) -> None:
        view = self.seamline.view
        start = event.version - view.length // 2
        self._show(view.shown(start, start + view.length))
