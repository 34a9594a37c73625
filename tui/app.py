"""The app: it looks at the store in a thread, keeps the one shared session, and shows the screens.

Keys never wait for the store: the thread posts immutable results, and only the handlers here replace the session.
numpy and the engine are imported in that thread, after the first frame. Nothing moves by itself.
"""

from __future__ import annotations

import gc
import os
import shutil
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import work
from textual.app import App, SystemCommand
from textual.command import CommandPalette
from textual.message import Message
from textual.reactive import var
from textual.screen import Screen
from textual.system_commands import SystemCommandsProvider
from textual.worker import Worker, WorkerState, get_current_worker

from core.errors import SeamlineError
from tui.applying import Follower, Work, carry_out, operations_of
from tui.clipboard import native_tool, osc_sequence, run_tool
from tui.commands import Screens
from tui.export import write_export
from tui.glyphs import glyphs_for
from tui.job import Job, JobPhase
from tui.looking import PATIENCE_SECONDS, given_up, look_at_store
from tui.messages import (
    Checked,
    JobDone,
    JobFailed,
    JobProgress,
    JobWaits,
    LookedAhead,
    LookFailed,
    LookingAhead,
    NotLookedAhead,
    ReadAll,
    ReadSome,
)
from tui.numbers import counted
from tui.palette import CommandsProvider
from tui.recovering import look_ahead
from tui.screens import SCREENS
from tui.screens.base import SeamlineScreen
from tui.state import History, Phase, Session, View, Visit, Wishes
from tui.theme import STATUS_DEFAULTS, THEMES
from tui.triaging import Notes, noted, noting
from tui.widgets.scrollbar import use_whole_cells

if TYPE_CHECKING:
    from core.engine import Engine
    from core.model import Entry, Zone
    from core.operations import Operations
    from core.snapshot import Snapshot
    from core.triage import TriageNotes, ZoneState


@dataclass(frozen=True, slots=True)
class AppOptions:
    """How to run it: `ascii` glyphs only, `read_only` without what changes the store, `mouse` off gives it back."""

    ascii: bool = False
    read_only: bool = False
    mouse: bool = True
    theme: str = "seamline-dark"


class SeamlineApp(App[None]):
    """Seamline on one store."""

    TITLE = "seamline"
    CSS_PATH = "app.tcss"
    COMMANDS: ClassVar[set[Any]] = {CommandsProvider, SystemCommandsProvider}
    ENABLE_COMMAND_PALETTE = True

    session: var[Session] = var(Session(""), init=False)
    view: var[View] = var(View.of_all(1), init=False)
    wishes: var[Wishes] = var(Wishes(), init=False)
    job: var[Job | None] = var(None, init=False)

    def __init__(
        self,
        location: str,
        connect: Callable[[], Engine],
        options: AppOptions | None = None,
        operate: Callable[[Engine], Operations] = operations_of,
        notes: TriageNotes | None = None,
    ) -> None:
        """`location` is what the header shows; `connect` runs in the loading thread and may import what it needs.

        `operate` gives what can write to the store; it is called once an operation has been confirmed, in its thread.
        `notes` keeps what the operator decides about problems; None for somebody who has no home to keep it in.
        """
        self.options = options or AppOptions()
        self.glyphs = glyphs_for(self.options.ascii)
        use_whole_cells()
        super().__init__()
        self.animation_level = "none"
        self.connect = connect
        self.operate = operate
        self.notes = Notes(notes)
        self._noted = False
        self._sunk: int | None = None
        self.engine: Engine | None = None
        self.history = History()
        self._stop = threading.Event()
        self._read_last: ReadSome | None = None
        self._stop_job = threading.Event()
        self.set_reactive(SeamlineApp.session, Session(location, read_only=self.options.read_only))
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = self.options.theme
        self.set_class(self.options.ascii, "-ascii")

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the palette has beside the commands of the registry."""
        yield SystemCommand("Theme", "Choose other colours", self.action_change_theme)
        yield SystemCommand("Screenshot", "Save the screen as an SVG file", self.deliver_screenshot)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The status colours for themes that know nothing of them."""
        return dict(STATUS_DEFAULTS)

    def on_mount(self) -> None:
        """The timeline first, then the store."""
        self.push_screen(SCREENS[Screens.TIMELINE]()())
        self.look()

    # --- looking at the store -------------------------------------------------------------------------------------

    def look(self) -> None:
        """Read and check the store, from the beginning."""
        self._stop = threading.Event()
        self._read_last = None
        self.workers.cancel_group(self, "ahead")
        self._look(self._stop)

    @work(thread=True, exclusive=True, group="look", exit_on_error=False, description="look")
    def _look(self, stop: threading.Event) -> None:
        worker = get_current_worker()

        def post(message: Message) -> None:
            if not worker.is_cancelled:
                self.post_message(message)

        notes = None if self._noted else self.notes
        look_at_store(self._connected, post, lambda: stop.is_set() or worker.is_cancelled, notes)

    def _connected(self) -> Engine:
        self.engine = self.engine or self.connect()
        return self.engine

    def stop_reading(self) -> None:
        """Stop reading; what is there stays, and the header says how much that is."""
        self._stop.set()
        self.set_timer(PATIENCE_SECONDS, partial(self._give_up, self._stop))

    def _give_up(self, look: threading.Event) -> None:
        """Wait no more for a storage that keeps a look which was to stop; its thread ends when it has its answer."""
        if look is not self._stop:
            return
        if self.session.phase is Phase.READING:
            self.workers.cancel_group(self, "look")
            self.post_message(given_up(self._read_last))
        elif self.session.ahead is not None:
            self.workers.cancel_group(self, "ahead")
            self.post_message(NotLookedAhead("stopped"))

    def on_read_some(self, message: ReadSome) -> None:
        """More files are read."""
        if message.snapshot is not None:
            self._read_last = message
        picture = message.picture or self.session.picture
        if message.picture:
            self.view = self.view.rescaled(message.picture.end, message.picture.near_end)
        self.session = replace(self.session, done=message.done, total=message.total, picture=picture)

    def on_read_all(self, message: ReadAll) -> None:
        """Reading is over."""
        parts = (message.snapshot.index, message.snapshot.retired)
        self.view = self.view.rescaled(message.picture.end, message.picture.near_end)
        self.session = replace(
            self.session,
            phase=Phase.CHECKING if message.snapshot.complete else Phase.READY,
            done=sum(len(part.files) for part in parts),
            total=sum(part.listed_count for part in parts),
            unreadable=message.unreadable,
            snapshot=message.snapshot,
            picture=message.picture,
            lease=message.lease,
            interrupted=message.interrupted,
        )

    def on_checked(self, message: Checked) -> None:
        """The check is done: the worst problem is selected."""
        checked = replace(
            self.session,
            phase=Phase.READY,
            report=message.report,
            picture=message.picture,
            tally=message.tally,
        )
        if message.triage is not None:
            self._noted = True
            checked = replace(checked, triage=message.triage)
            if not self.wishes.choices:
                self.wishes = replace(self.wishes, choices=message.chosen)
        self.session = noted(checked)
        if self.session.problem_count and self.session.zone is None and self.session.selected is None:
            self._point_at(self.session.problems[0])
        gc.collect()
        gc.freeze()
        self.look_ahead()

    def look_ahead(self) -> None:
        """Find out how far overlay and repair would bring the store, which the lines alone can't say."""
        if self.engine is not None and self.session.snapshot is not None:
            self._stop = threading.Event()
            self._look_ahead(self.engine, self.session.snapshot, self._stop)

    @work(thread=True, exclusive=True, group="ahead", exit_on_error=False, description="ahead")
    def _look_ahead(self, engine: Engine, snapshot: Snapshot, stop: threading.Event) -> None:
        worker = get_current_worker()

        def post(message: Message) -> None:
            if not worker.is_cancelled:
                self.post_message(message)

        look_ahead(engine, snapshot, post, lambda: stop.is_set() or worker.is_cancelled)

    def on_looking_ahead(self, message: LookingAhead) -> None:
        """It takes long."""
        if self.session.phase is Phase.READY and self.session.outlook is None:
            self.session = replace(self.session, ahead=(message.done, message.total))

    def on_looked_ahead(self, message: LookedAhead) -> None:
        """The verdict now says how far overlay and repair lead."""
        if message.outlook.recovery.snapshot is self.session.snapshot:
            self.session = replace(self.session, outlook=message.outlook, ahead=None)

    def on_not_looked_ahead(self, message: NotLookedAhead) -> None:
        """What the lines alone say has to do."""
        self.session = replace(self.session, no_outlook=message.reason, ahead=None)

    def on_look_failed(self, message: LookFailed) -> None:
        """Say why, and what to do."""
        self.session = replace(self.session, phase=Phase.FAILED, error=message.error, hint=message.hint)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A fault in the program itself is said, not hidden, and does not end the app."""
        fault = event.worker.error
        if event.state is not WorkerState.ERROR or fault is None:
            return
        message = f"{type(fault).__name__}: {fault}"
        if event.worker.group == "look":
            self.post_message(LookFailed(message, "this is a fault in seamline: report it"))
        elif event.worker.group == "job":
            hint = "this is a fault in seamline: report it. No line is lost; the journal says how far it came"
            self.post_message(JobFailed("fault", message, hint))
        elif isinstance(self.screen, SeamlineScreen):
            self.screen.say(f"a fault in seamline, report it: {message}")

    def action_read_again(self) -> None:
        """Look at the store anew."""
        now = self.session
        self.session = Session(now.location, read_only=now.read_only, triage=now.triage)
        self.look()

    # --- notes on problems ----------------------------------------------------------------------------------------

    def note(self, zone: Zone, state: ZoneState | None) -> str:
        """Note something on a problem (None: it is open again) and keep it; the answer is why that can't be, or empty.

        Nothing is written to the store.
        """
        try:
            triage = noting(self.session.triage, zone, state)
        except SeamlineError as error:
            return error.message
        zones = self.session.zones
        self.session = noted(replace(self.session, triage=triage))
        self._sunk = next((index for index, each in enumerate(zones) if each is zone), None)
        if self.notes.lasting and self.engine is not None and self.session.snapshot is not None:
            self._keep_note(self.engine.location, self.session.snapshot, zone)
        return ""

    @work(thread=True, group="notes", exit_on_error=False, description="notes")
    def _keep_note(self, location: str, snapshot: Snapshot, zone: Zone) -> None:
        if not self.notes.keep(location, snapshot, zone, lambda: self.session.triage):
            self.call_from_thread(self._not_kept)

    def _not_kept(self) -> None:
        if isinstance(self.screen, SeamlineScreen):
            self.screen.say("noted for this session only: it could not be written down on this machine")

    # --- changing the store ---------------------------------------------------------------------------------------

    def start(self, word: str, task: Work, wait: float = 0.0) -> None:
        """Begin an operation that was confirmed with `word`; nothing happens while another one runs.

        `wait` is how many seconds it waits for a lease that somebody holds.
        """
        if self.session.read_only or (self.job and self.job.is_running) or self.engine is None:
            return
        self._stop_job = threading.Event()
        self.job = Job(word)
        self._carry_out(task, self.engine, Follower(self.post_message, self._stop_job.is_set), wait)

    @work(thread=True, group="job", exit_on_error=False, description="job")
    def _carry_out(self, task: Work, engine: Engine, follower: Follower, wait: float) -> None:
        carry_out(lambda: self.operate(engine), task, follower, wait)

    def stop_job(self) -> None:
        """Stop the operation before its next step; it then waits to be resumed or undone."""
        if self.job and self.job.is_running:
            self._stop_job.set()
            self.job = replace(self.job, phase=JobPhase.STOPPING)

    def on_job_progress(self, message: JobProgress) -> None:
        """The next step."""
        if self.job and self.job.is_running:
            self.job = replace(self.job, progress=message.progress, waits_for="")

    def on_job_waits(self, message: JobWaits) -> None:
        """Somebody holds the lease."""
        if self.job and self.job.is_running:
            self.job = replace(self.job, waits_for=message.holder)

    def on_job_done(self, message: JobDone) -> None:
        """It is done: look at the store again."""
        self._end_job(phase=JobPhase.DONE, applied=message.applied)

    def on_job_failed(self, message: JobFailed) -> None:
        """It was refused, stopped or failed: look at the store again, which says where it stands now."""
        self._end_job(phase=JobPhase.FAILED, kind=message.kind, error=message.error, hint=message.hint)

    def _end_job(self, **ended: Any) -> None:
        if self.job is not None:
            self.job = replace(self.job, **ended)
        self.action_read_again()

    async def action_quit(self) -> None:
        """Leave, unless an operation is running: it must not be cut off by a slip of a finger."""
        if self.job and self.job.is_running:
            if isinstance(self.screen, SeamlineScreen):
                self.screen.say("an operation is running: Esc stops it between two steps")
            return
        await super().action_quit()

    # --- moving about ---------------------------------------------------------------------------------------------

    def visit(self) -> Visit:
        """Where the operator is."""
        return Visit(self.view, self.session.zone, self.session.selected)

    def go(self, view: View, *, zone: int | None = None, selected: Entry | None = None) -> None:
        """Jump: another viewport, perhaps with another selection; `z` comes back."""
        self._sunk = None if zone is not None else self._sunk
        self.history = self.history.went(self.visit())
        self.view = view
        if zone is not None:
            self.session = replace(self.session, zone=zone, selected=None)
        elif selected is not None:
            self.session = replace(self.session, selected=selected)

    def travel(self, steps: int) -> bool:
        """Back (1) or forward (-1) in where the operator has been. False at the end."""
        moved = self.history.undone(self.visit()) if steps > 0 else self.history.redone(self.visit())
        if moved is None:
            return False
        self.history, visit = moved
        self.view = visit.view.rescaled(self.view.whole, self.view.near)
        self.session = replace(self.session, zone=visit.zone, selected=visit.selected)
        return True

    def step_problem(self, step: int) -> str:
        """Select the next or previous problem and bring it into view; the answer says when it wrapped."""
        problems, now = self.session.problems, self.session.zone
        if now is not None and now == self._sunk:
            return self._step_from_noted(now, step)
        place = problems.index(now) if now in problems else None
        following = (place + step) % len(problems) if place is not None else 0 if step > 0 else len(problems) - 1
        wrapped = place is not None and following != place + step
        self.select_problem(problems[following])
        return f"from the {'first' if step > 0 else 'last'} problem again" if wrapped else ""

    def _step_from_noted(self, zone: int, step: int) -> str:
        """The next or previous open problem, seen from where one was in the list before something was noted on it."""
        self._sunk = None
        there = [index for index in self.session.problems if index not in self.session.notes]
        if not there:
            return self.step_problem(step)
        beyond = [index for index in there if (index > zone if step > 0 else index < zone)]
        self.select_problem((beyond or there)[0 if step > 0 else -1])
        return "" if beyond else f"from the {'first' if step > 0 else 'last'} problem again"

    def _point_at(self, zone: int) -> None:
        """Select a problem, with the cursor on it if it is in view; nothing else moves."""
        picture = self.session.picture
        span = picture.zone_span(self.session.zones[zone]) if picture else None
        if span is not None and self.view.start <= span[0] < self.view.end and not self.history.back:
            self.view = self.view.moved(span[0])
        self.session = replace(self.session, zone=zone)

    def select_problem(self, zone: int) -> None:
        """Select a problem and bring it into view."""
        span = self.session.picture.zone_span(self.session.zones[zone]) if self.session.picture else None
        view = self.view
        if span is not None:
            begins = view.start <= span[0] < view.end
            fills = span[1] - span[0] >= view.length
            view = view.moved(span[0]) if begins and (fills or span[1] < view.end) else view.centred(*span)
        self.go(view, zone=zone)

    def select_entry(self, entry: Entry) -> None:
        """Select an entry; the inspector tells about it."""
        self.session = replace(self.session, selected=entry)

    def toggle_pin(self, entry: Entry) -> str:
        """Keep an entry in the inspector, the oldest of two giving way, or no longer; the answer says which."""
        pins = self.session.pins
        if entry in pins:
            self.session = replace(self.session, pins=tuple(pin for pin in pins if pin != entry))
            return "no longer kept"
        pins = (*pins, entry)[-2:]
        self.session = replace(self.session, pins=pins)
        return "kept; keep another range to compare the two" if len(pins) == 1 else "two are kept: Enter compares them"

    def action_show_screen(self, name: str) -> None:
        """Another screen in front; the timeline is always the one underneath."""
        while len(self.screen_stack) > 2:
            self.pop_screen()
        if Screens(name) is not Screens.TIMELINE:
            self.push_screen(SCREENS[Screens(name)]()())

    def action_command_palette(self) -> None:
        """All commands by name; the question has no character beyond ASCII."""
        if not CommandPalette.is_open(cast("App[object]", self)):
            self.push_screen(CommandPalette(placeholder="A command, or a word of what it does", id="--command-palette"))

    def leave_screen(self) -> None:
        """Back to the screen underneath."""
        if len(self.screen_stack) > 2:
            self.pop_screen()

    def action_toggle_help(self) -> None:
        """Show or hide the help."""
        from tui.screens.help import HelpScreen

        screen = self.screen
        if isinstance(screen, SeamlineScreen):
            self.push_screen(HelpScreen(screen))

    # --- taking things along --------------------------------------------------------------------------------------

    def copy(self, text: str) -> str:
        """Put text on the clipboard; the answer says how many characters went which way, or why none did."""
        if not text:
            return "nothing to copy here"
        tool = None if self.is_headless else native_tool(os.environ, shutil.which)
        if tool is None:
            return self._copy_through_terminal(text)
        self._copy_with(tool, text)
        return f"giving {counted(len(text), 'character')} to {tool[0]}"

    def _copy_through_terminal(self, text: str) -> str:
        sequence = osc_sequence(text, os.environ)
        if sequence is None:
            return f"{len(text):,} characters are too many for a terminal's clipboard: x writes a file"
        self._clipboard = text
        if self._driver is not None:
            self._driver.write(sequence)
        by = "tmux and the terminal" if os.environ.get("TMUX") else "the terminal"
        return f"copied {counted(len(text), 'character')} through {by} (OSC 52)"

    @work(thread=True, exclusive=True, group="copy", exit_on_error=False, description="copy")
    def _copy_with(self, tool: tuple[str, ...], text: str) -> None:
        taken = run_tool(tool, text)
        self.call_from_thread(self._copied_with, tool, text, taken)

    def _copied_with(self, tool: tuple[str, ...], text: str, taken: bool) -> None:
        done = f"copied {counted(len(text), 'character')} with {tool[0]}"
        said = done if taken else f"{tool[0]} failed: {self._copy_through_terminal(text)}"
        if isinstance(self.screen, SeamlineScreen):
            self.screen.say(said)

    def export(self, name: str, document: dict[str, Any]) -> str:
        """Write a JSON file into the current folder, never over another and never into the store."""
        return write_export(Path.cwd(), Path(self.session.location), name, document)
