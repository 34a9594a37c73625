"""The first screen: the verdict, every range on the timeline, the problems, and the story of the selected one."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Vertical

from core.model import LaneKind, Zone
from tui.commands import Context, Screens
from tui.comparison import Pair, in_stock_order
from tui.export import timeline_document
from tui.here import competing_at, files_at
from tui.listing import ALL_PROBLEMS, Filter, Listing, filters
from tui.screens.marking import Marking
from tui.screens.timeline_moves import Moving
from tui.state import Phase, Session
from tui.texts import inspector, summary
from tui.texts.problem_rows import ZoneRows
from tui.widgets.line import Line, Piece, piece
from tui.widgets.overview import Overview
from tui.widgets.panel import Panel
from tui.widgets.prose import Prose
from tui.widgets.rows import RowList
from tui.widgets.scene import Scene, heightened
from tui.widgets.timeline import Timeline


class TimelineScreen(Moving, Marking):
    """Overview, lanes, problems and inspector."""

    SCREEN = Screens.TIMELINE
    CSS_PATH = "timeline.tcss"
    AUTO_FOCUS = "#timeline"

    def __init__(self) -> None:
        super().__init__()
        self._file = ""
        self._listed_of: tuple[Any, ...] = ()
        self._noted_before: tuple[Any, Any] = (None, {})

    # --- what is shown --------------------------------------------------------------------------------------------

    def compose_body(self) -> ComposeResult:
        """Verdict, pictures, panels."""
        yield Line(id="verdict")
        yield Overview(id="overview")
        yield Timeline(id="timeline")
        yield Panel(Prose(id="notice"), id="instead")
        with Container(id="panels"):
            with Vertical(id="found"):
                yield Panel(RowList(id="problem-list"), id="problems")
                yield Panel(Prose(id="totals"), title="Totals", id="totals-panel")
            yield Panel(Prose(id="story"), id="inspector")
            yield Panel(Prose(id="claim-text"), title="Claims", id="claims")

    def on_resize(self) -> None:
        """The pictures depend on the size, and whether the claims have a panel of their own."""
        self.draw()
        self._inspect()
        self.call_after_refresh(self.refresh_lines)

    def session_changed(self, before: Session, now: Session) -> None:
        """Something was read, found, noted or selected, or the operator moved."""
        if before.place != now.place:
            self.grow_area()
        self.draw()
        if before is now or replace(before, place=now.place) != now:
            self._list_problems()
            self._inspect()

    def on_screen_suspend(self) -> None:
        """Another screen comes in front: what is noted on there is told from what was before."""
        self._noted_before = (self.session.report, self.session.notes)

    def on_screen_resume(self) -> None:
        """In front again; from a problem that was decided meanwhile the operator goes on to the next open one."""
        super().on_screen_resume()
        report, notes = self._noted_before
        if report is self.session.report and self.session.zone not in notes and self._go_on():
            self.say("this is the next open problem: z goes back to the one that was decided")

    def _go_on(self) -> bool:
        """From a problem that is noted on to the next open one; whether there is one."""
        zone = self.session.zone
        following = self.session.listing.next_open(zone, 1) if zone in self.session.notes else None
        if following is not None:
            self.seamline.select_problem(following)
        return following is not None

    @property
    def _wide(self) -> bool:
        return self.size.width >= 140

    @property
    def _annotated(self) -> bool:
        return self._wide and self.size.height >= 36

    @property
    def lane_room(self) -> int:
        """Also all that verdict, overview and status leave of a low screen."""
        alone = self.has_class("-small") or self.has_class("-low")
        return self.size.height - 3 if alone else super().lane_room

    def draw(self) -> None:
        picture, view = self.session.picture, self.seamline.view
        sentence = self._sentence()
        self.set_class(bool(sentence), "-nothing")
        self.set_class(bool(self.session.zones), "-found")
        self.query_one("#notice", Prose).show_text(sentence)
        if picture is None or not picture.end:
            return
        self.query_one("#overview", Overview).show(picture, view, tall=self._annotated)
        picked, lane = self.picked()
        scene = Scene(picture, view, self.lane, self.area, picked, lane, self._annotated)
        self.timeline.show(heightened(scene, self.lane_room))

    def picked(self) -> tuple[tuple[int, int] | None, LaneKind | None]:
        """The versions of what is selected, and the lane if that is an entry."""
        session = self.session
        picture = session.picture
        assert picture is not None
        if session.selected is not None:
            return picture.entry_span(session.selected), session.selected.lane
        return picture.marks.spans[session.zone] if picture.marks and session.zone is not None else None, None

    def _sentence(self) -> Sequence[Any]:
        """What stands in place of empty axes."""
        return inspector.nothing_to_draw(self.session)

    def _list_problems(self) -> None:
        """Fill the list anew when there are other problems or another filter; else only its cursor moves."""
        session, problems = self.session, self.query_one("#problem-list", RowList)
        listing, shown_of = session.listing, (session.report, session.filter, session.triage)
        if self._listed_of != shown_of:
            self._listed_of = shown_of
            problems.show(ZoneRows(session, listing.shown, self.glyphs), 0)
        rank = None if session.zone is None else _rank_among(session.zone, listing)
        problems.point_at(rank)
        title = inspector.problems_title(session)
        if session.filter != ALL_PROBLEMS:
            title = f"Problems: {session.filter.name}, {len(listing.shown):,}"
        self.query_one("#problems", Panel).label(title, "] next  [ previous" if session.problem_count else "")
        self.query_one("#totals", Prose).show_text(inspector.totals_text(session))

    def _inspect(self) -> None:
        session = self.session
        title, story, entries = inspector.story(session, self.glyphs, with_claims=not self._wide)
        waits = summary.is_interruption(session.current_zone)
        ranged = "" if session.selected is None else "Enter manifest   o its file"
        hint = "Enter compare" if self._pair() else "Enter changes" if waits else ranged
        self.query_one("#inspector", Panel).label(title, hint)
        self.query_one("#story", Prose).show_text(story)
        self.query_one("#claim-text", Prose).show_text(inspector.claims_text(session, entries))

    def header_pieces(self) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """The store, and what was found in it."""
        return summary.header(self.session, self.glyphs, self.size.width)

    def status_pieces(self) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """The version under the cursor, or the totals of the selected area."""
        if self.area and self.session.picture:
            return summary.area_status(self.session, self.area, self.lane), (piece("Esc clears", "dim", 9),)
        return summary.status(self.session, self.columns)

    def refresh_lines(self) -> None:
        """The verdict as well."""
        super().refresh_lines()
        if self.is_mounted:
            self.query_one("#verdict", Line).show(summary.verdict(self.session, self.glyphs, self.size.width))

    def context(self) -> Context:
        """Facts of the timeline."""
        history = self.seamline.history
        return replace(
            super().context(),
            can_go_back=bool(history.back),
            can_go_forward=bool(history.forward),
            searching=bool(self.hits),
            has_entry=self.entry_here() is not None,
            has_zone=self.marked_zone() is not None,
            obstacle=self.why_not_open(),
        )

    def action_expand(self) -> None:
        """The focused panel, or else the inspector, over the whole body."""
        if self.focused_panel() is None:
            self.query_one("#story", Prose).focus()
        self.call_after_refresh(super().action_expand)

    def marked_zone(self) -> Zone | None:
        """The selected problem."""
        return self.session.current_zone

    def marked(self) -> None:
        """What is left alone is left."""
        self._go_on()

    # --- looking closer -------------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """The next choice of problems that has any."""
        session = self.session
        if session.filter == ALL_PROBLEMS:
            self._file = next(iter(files_at(session)), "")
        choices = filters(self._file)
        now = choices.index(session.filter)
        following = (*choices[now + 1 :], *choices[: now + 1])
        self.seamline.show_problems(next(filter(self._has_any, following), session.filter))
        self.say(f"problems: {self.session.filter.name}")

    def _has_any(self, kept: Filter) -> bool:
        return any(map(kept.keeps, self.session.zones))

    def action_stop(self) -> None:
        """Stop reading, or clear what is selected."""
        if self.session.phase is Phase.READING:
            self.seamline.stop_reading()
            self.say("stopping")
            return
        if self.session.ahead is not None:
            self.seamline.stop_reading()
        self.clear_area()
        self.remove_class("-expanded")
        self.draw()

    def action_pin(self) -> None:
        """Pin the entry under the cursor, or take its pin away."""
        entry = self.entry_here()
        if entry is not None:
            self.say(self.seamline.toggle_pin(entry))

    def action_open(self) -> None:
        """The comparison of a conflict or of two pins, the journal of an interruption, a manifest, or files."""
        from tui.screens.compare import CompareScreen

        pins = self._pinned_pair()
        if pins is not None:
            self.app.push_screen(CompareScreen(pins))
        elif self._pair():
            self.seamline.action_show_screen(Screens.COMPARE)
        elif summary.is_interruption(self.session.current_zone):
            self.seamline.action_show_screen(Screens.CHANGES)
        else:
            ranged = self.session.selected is not None
            self.seamline.action_show_screen(Screens.MANIFEST if ranged else Screens.FILES)

    def why_not_open(self) -> str | None:
        """Why there is nothing to open."""
        session = self.session
        if self._pair() or session.selected or summary.is_interruption(session.current_zone):
            return None
        if session.current_zone is None:
            return "no range is here: . goes to the next, ] to a problem"
        return None if files_at(session) else "this problem names no manifest and no file"

    def _pair(self) -> Pair | None:
        """The two that Enter compares: the pins if one of them is selected, else what competes at the cursor."""
        return self._pinned_pair() or competing_at(self.session)

    def _pinned_pair(self) -> Pair | None:
        pins = self.session.pins
        return in_stock_order(*pins) if len(pins) == 2 and self.session.selected in pins else None

    def copy_text(self) -> str:
        """The manifest of the selected range, or the next step of the selected problem."""
        session = self.session
        if session.selected is not None:
            return session.selected.manifest
        return inspector.next_step(session.current_zone) if session.current_zone else ""

    def export_document(self) -> dict[str, Any]:
        """The verdict, the problems and what is in view."""
        return timeline_document(self.session)

    # --- the mouse and the lists ----------------------------------------------------------------------------------

    @on(RowList.Moved, "#problem-list")
    @on(RowList.Opened, "#problem-list")
    def _problem_selected(self, event: RowList.Moved | RowList.Opened) -> None:
        shown = self.session.listing.shown
        if event.index >= len(shown):
            return  # The list has become shorter since.
        self.seamline.select_problem(shown[event.index])
        if isinstance(event, RowList.Opened) and self.why_not_open() is None:
            self.action_open()


def _rank_among(zone: int, listing: Listing) -> int | None:
    """The row of a problem in the list; None if the filter leaves it out."""
    rank = bisect_left(listing.shown, listing.ranks[zone], key=listing.ranks.__getitem__)
    return rank if rank < len(listing.shown) and listing.shown[rank] == zone else None
