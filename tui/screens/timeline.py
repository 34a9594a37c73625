"""The first screen: the verdict, every range on the timeline, the problems, and the story of the selected one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Vertical

from core.model import LaneKind, Severity, Zone
from tui.commands import Context, Screens
from tui.export import timeline_document
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
from tui.widgets.scene import LANES, Scene
from tui.widgets.timeline import Timeline


class TimelineScreen(Moving, Marking):
    """Overview, lanes, problems and inspector."""

    SCREEN = Screens.TIMELINE
    CSS_PATH = "timeline.tcss"
    AUTO_FOCUS = "#timeline"

    def __init__(self) -> None:
        super().__init__()
        self._filter = 0
        self._file = ""
        self._listed: tuple[int, ...] = ()
        self._listed_of: tuple[Any, int, Any] = (None, -1, None)

    # --- what is shown --------------------------------------------------------------------------------------------

    def compose_body(self) -> ComposeResult:
        """Verdict, pictures, panels."""
        yield Line(id="verdict")
        yield Overview(id="overview")
        yield Timeline(id="timeline")
        yield Prose(id="notice")
        with Container(id="panels"):
            yield Panel(Vertical(RowList(id="problem-list"), Prose(id="totals")), id="problems")
            yield Panel(Prose(id="story"), id="inspector")
            yield Panel(Prose(id="claim-text"), title="Claims", id="claims")

    def on_mount(self) -> None:
        """Follow the viewport as well."""
        super().on_mount()
        for unmoved in ("#totals", "#notice"):
            self.query_one(unmoved, Prose).can_focus = False
        self.watch(self.app, "view", self._view_changed, init=False)

    def on_resize(self) -> None:
        """The pictures depend on the size."""
        self.draw()
        self.call_after_refresh(self.refresh_lines)

    def session_changed(self, before: Session, now: Session) -> None:
        """Something was read, found or selected."""
        if before is now or before.zones is not now.zones:
            self._filter, self._file = 0, ""
        zone = now.current_zone
        if zone is not None and zone.lane in LANES and before.current_zone is not zone:
            self.lane = zone.lane
        self.draw()
        self._list_problems()
        self._inspect()

    def _view_changed(self) -> None:
        self.draw()
        self.refresh_lines()

    @property
    def _wide(self) -> bool:
        return self.size.width >= 140

    @property
    def _annotated(self) -> bool:
        return self._wide and self.size.height >= 36

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
        self.timeline.show(Scene(picture, view, self.lane, self.area, picked, lane, self._annotated))

    def picked(self) -> tuple[tuple[int, int] | None, LaneKind | None]:
        session = self.session
        assert session.picture is not None
        if session.selected is not None:
            return session.picture.entry_span(session.selected), session.selected.lane
        zone = session.current_zone
        return (session.picture.zone_span(zone) if zone else None), None

    def _sentence(self) -> Sequence[Any]:
        """What stands in place of empty axes."""
        return inspector.nothing_to_draw(self.session)

    def _list_problems(self) -> None:
        """Fill the list anew when there are other problems or another filter; else only its cursor moves."""
        session, problems = self.session, self.query_one("#problem-list", RowList)
        name, keep = self._filters()[self._filter]
        if self._listed_of != (session.report, self._filter, session.triage):
            self._listed_of = (session.report, self._filter, session.triage)
            self._listed = tuple(index for index in session.order if keep(session.zones[index]))
            problems.show(ZoneRows(session, self._listed, self.glyphs), 0)
        if session.zone in self._listed:
            problems.point_at(self._listed.index(session.zone))
        title = inspector.problems_title(session) if not self._filter else f"Problems: {name}, {len(self._listed)}"
        self.query_one("#problems", Panel).label(title, "] next  [ previous" if session.problem_count else "")
        self.query_one("#totals", Prose).show_text(inspector.totals_text(session))

    def _filters(self) -> list[tuple[str, Any]]:
        """The choices of `i`: a name, and which zones are kept; last, the file that claims what was selected."""
        lanes = [(f"{lane.short} only", _in_lane(lane)) for lane in (*LANES, LaneKind.FILES)]
        file = self._file
        return [
            ("all", lambda _: True),
            ("errors only", lambda zone: zone.severity.rank >= Severity.ERROR.rank),
            *lanes,
            *([(f"claimed by {file.removeprefix('metadata/')}", lambda zone: names_file(zone, file))] if file else []),
        ]

    def _inspect(self) -> None:
        session = self.session
        title, story, entries = inspector.story(session, self.glyphs, with_claims=not self._wide)
        waits = session.selected is None and summary.is_interruption(session.current_zone)
        ranged = "" if session.selected is None else "Enter manifest   o its file"
        hint = "Enter compare" if self._can_compare() else "Enter changes" if waits else ranged
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
        return summary.status(self.session, self.seamline.view, self.lane, self.columns)

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
        )

    def action_expand(self) -> None:
        """The focused panel, or else the inspector, over the whole body."""
        if self.focused_panel() is None:
            self.query_one("#story", Prose).focus()
        self.call_after_refresh(super().action_expand)

    def marked_zone(self) -> Zone | None:
        """The selected problem."""
        return self.session.current_zone if self.session.selected is None else None

    # --- looking closer -------------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """The next choice of problems that has any."""
        if not self._filter:
            self._file = claiming_file(self.session)
        choices = self._filters()
        zones = self.session.zones
        for step in range(1, len(choices) + 1):
            candidate = (self._filter + step) % len(choices)
            if any(choices[candidate][1](zone) for zone in zones):
                self._filter = candidate
                break
        self._list_problems()
        self.say(f"problems: {choices[self._filter][0]}")

    def action_stop(self) -> None:
        """Stop reading, or clear what is selected."""
        if self.session.phase is Phase.READING:
            self.seamline.stop_reading()
            self.say("stopping")
            return
        if self.session.ahead is not None:
            self.seamline.stop_reading()
        self.area_from = self.area = None
        self.remove_class("-expanded")
        self.draw()

    def action_pin(self) -> None:
        """Pin the entry under the cursor, or take its pin away."""
        entry = self.entry_here()
        if entry is not None:
            self.say(self.seamline.toggle_pin(entry))

    def action_open(self) -> None:
        """The comparison of a problem or of two pins, the journal of an interruption, or the manifest of an entry."""
        if self._can_compare():
            self.seamline.action_show_screen(Screens.COMPARE)
            return
        if self.session.selected is None and summary.is_interruption(self.session.current_zone):
            self.seamline.action_show_screen(Screens.CHANGES)
            return
        entry = self.entry_here()
        if entry is None:
            self.seamline.action_show_screen(Screens.FILES)
            return
        self.seamline.select_entry(entry)
        self.seamline.action_show_screen(Screens.MANIFEST)

    def _can_compare(self) -> bool:
        """Whether two pins, or the entries of the selected problem, compete."""
        zone = self.session.current_zone if self.session.selected is None else None
        return len(self.session.pins) == 2 or (zone is not None and summary.is_overlap(zone))

    def copy_text(self) -> str:
        """The manifest of the selected range, or the next step of the selected problem."""
        entry = self.session.selected
        zone = self.session.current_zone
        if entry is not None:
            return entry.manifest
        if zone is not None:
            return inspector.next_step(zone)
        here = self.entry_here()
        return here.manifest if here else ""

    def export_document(self) -> dict[str, Any]:
        """The verdict, the problems and what is in view."""
        return timeline_document(self.session, self.seamline.view)

    # --- the mouse and the lists ----------------------------------------------------------------------------------

    @on(RowList.Moved, "#problem-list")
    @on(RowList.Opened, "#problem-list")
    def _problem_selected(self, event: RowList.Moved | RowList.Opened) -> None:
        if event.index >= len(self._listed):
            return  # The list has become shorter since.
        self.seamline.select_problem(self._listed[event.index])
        if isinstance(event, RowList.Opened):
            self.action_open()


def claiming_file(session: Session) -> str:
    """The metadata file that the selected range or problem leads to first; empty if it leads to none."""
    if session.selected is not None:
        return session.selected.claims[0].file if session.selected.claims else ""
    return next(iter(files_of(session.current_zone)), "") if session.current_zone else ""


def names_file(zone: Zone, file: str) -> bool:
    """Whether a problem, or an entry that it is about, is claimed by a metadata file."""
    return file in files_of(zone)


def files_of(zone: Zone) -> tuple[str, ...]:
    """The metadata files that a problem is about, in the order of its findings."""
    lines = (
        claim
        for finding in zone.findings
        for claim in (*finding.claims, *(each for entry in finding.entries for each in entry.claims))
    )
    return tuple(dict.fromkeys(claim.file for claim in lines))


def _in_lane(lane: LaneKind) -> Any:
    def keep(zone: Zone) -> bool:
        return zone.lane is lane

    return keep
