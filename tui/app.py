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
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from textual import work
from textual.app import App, SystemCommand
from textual.command import CommandPalette
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Event, Key
from textual.message import Message
from textual.reactive import var
from textual.screen import Screen
from textual.system_commands import SystemCommandsProvider
from textual.theme import ThemeProvider
from textual.widgets import Input
from textual.worker import Worker, WorkerState, get_current_worker

from core.errors import SeamlineError
from core.lease_choice import AS_USUAL, LeaseChoice
from tui.applying import Follower, Work, carry_out, operations_of
from tui.clipboard import native_tool, osc_sequence, run_tool
from tui.commands import Screens
from tui.export import write_export, write_new
from tui.faults import FaultyApp, named
from tui.glyphs import glyphs_for
from tui.job import Job, JobPhase
from tui.kept_theme import KeptTheme
from tui.leaving import last_word
from tui.listing import ALL_PROBLEMS, Filter
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
from tui.palette import CommandsProvider, Palette
from tui.recovering import look_ahead
from tui.screens import SCREENS
from tui.screens.ask import for_word
from tui.screens.base import SeamlineScreen
from tui.selecting import selecting
from tui.state import History, Phase, Place, Session, View, Wishes
from tui.terminal import Terminal
from tui.texts.summary import TWO_PINS, range_words
from tui.theme import DARK, THEMES, status_colours
from tui.triaging import Notes, noted, noting
from tui.widgets.letting_go import hold_no_closed_widgets
from tui.widgets.scrollbar import use_whole_cells

if TYPE_CHECKING:
    from core.engine import Engine
    from core.journal import Unfinished
    from core.model import Entry, Zone
    from core.operations import Operations
    from core.picture import Picture
    from core.snapshot import Snapshot
    from core.triage import TriageNotes, ZoneState


#: What the operator types to take what differs from the last look for the truth.
ACCEPT: Final = "accept"
_NOT_ACCEPTED: Final = "nothing was accepted"


@dataclass(frozen=True, slots=True)
class AppOptions:
    """How to run it: `ascii` glyphs only, `read_only` without what changes the store, `mouse` off gives it back.

    `lease` is where the lease of the store lies.
    """

    ascii: bool = False
    read_only: bool = False
    mouse: bool = True
    theme: str = DARK.name
    lease: LeaseChoice = AS_USUAL


class SeamlineApp(FaultyApp):
    """Seamline on one store."""

    TITLE = "seamline"
    CSS_PATH = "app.tcss"
    COMMANDS: ClassVar[set[Any]] = {CommandsProvider, SystemCommandsProvider}
    ENABLE_COMMAND_PALETTE = True

    session: var[Session] = var(Session(""), init=False)
    wishes: var[Wishes] = var(Wishes(), init=False)
    job: var[Job | None] = var(None, init=False)

    def __init__(
        self,
        location: str,
        connect: Callable[[], Engine],
        options: AppOptions | None = None,
        operate: Callable[[Engine], Operations] = operations_of,
        notes: TriageNotes | None = None,
        fault_log: Path | None = None,
        kept_theme: KeptTheme | None = None,
    ) -> None:
        """`location` is what the header shows; `connect` runs in the loading thread and may import what it needs.

        `operate` gives what can write to the store; it is called once an operation has been confirmed, in its thread.
        `notes` keeps what the operator decides about problems; None for somebody who has no home to keep it in.
        `fault_log` is the file for the traces of faults in the program itself, `kept_theme` keeps the chosen colours.
        """
        self.options = options or AppOptions()
        use_whole_cells()
        hold_no_closed_widgets()
        super().__init__(fault_log)
        if self.driver_class is LinuxDriver:
            self.driver_class = Terminal
        self.glyphs = glyphs_for(self.options.ascii, no_colour=self.no_color)
        self.animation_level = "none"
        self.connect = connect
        self.operate = operate
        self.notes = Notes(notes)
        self._noted = False
        self._has_moved = False
        self._left: tuple[Place | None, tuple[Zone, ...]] = (None, ())
        self.engine: Engine | None = None
        self.history = History()
        self._stop = threading.Event()
        self._read_last: ReadSome | None = None
        self._stop_job = threading.Event()
        self._end_cause = ""
        self._ends_by_fault = False
        #: What is to be said once the app has ended, if it did not end by the operator's key.
        self.last_word: SeamlineError | None = None
        self.set_reactive(SeamlineApp.session, Session(location, read_only=self.options.read_only))
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = self.options.theme
        self._kept_theme = kept_theme
        self.set_class(self.options.ascii, "-ascii")

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the palette has beside the commands of the registry."""
        yield SystemCommand("Theme", "Choose other colours", self.search_themes)
        yield SystemCommand("Screenshot", "Save the screen as an SVG file in the current folder", self.save_picture)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The status colours that can be read on the surfaces of the theme."""
        return dict(status_colours(self.current_theme))

    def watch_theme(self, before: str, now: str) -> None:
        """Keep what was chosen; what it began with, from wherever it came, is not the operator's choice."""
        if self._is_mounted and self._kept_theme is not None and before != now:
            self._kept_theme.write(now)

    def on_mount(self) -> None:
        """The timeline first, then the store."""
        self.push_screen(SCREENS[Screens.TIMELINE]()())
        self.look()

    # The screens are told here and not through `watch`: of closed ones Textual keeps hold until the value changes.

    def watch_session(self, before: Session, now: Session) -> None:
        """Tell every screen."""
        for screen in self._screens():
            screen.follow_session(before, now)

    def watch_job(self, before: Job | None, now: Job | None) -> None:
        """Tell every screen."""
        for screen in self._screens():
            screen.job_changed(before, now)

    def _screens(self) -> list[SeamlineScreen]:
        if not self.is_running:
            return []  # An app that is ending still hears messages, while its screens lose one widget after the other.
        return [each for each in self.screen_stack if isinstance(each, SeamlineScreen) and each.is_mounted]

    async def on_event(self, event: Event) -> None:
        """A key has done what it does before the next one is looked at: what follows one that asks is the answer.

        Textual alone would bring a key to the screen that was in front when it came, and lose it there; and what is
        typed behind a key that edits would overtake it.
        """
        if isinstance(event, Key) and not event.is_forwarded:
            await self.screen._mounted_event.wait()
            if isinstance(self.focused, Input) and event.is_printable:
                await self.focused._on_key(event)
                return
            if await self._check_bindings(event.key):
                return
        await super().on_event(event)

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
        place = self._place_on(message.picture) if message.picture else self.session.place
        self.session = replace(self.session, done=message.done, total=message.total, picture=picture, place=place)

    def on_read_all(self, message: ReadAll) -> None:
        """Reading is over."""
        parts = (message.snapshot.index, message.snapshot.retired)
        self.session = replace(
            self.session,
            phase=Phase.CHECKING if message.snapshot.complete else Phase.READY,
            done=sum(len(part.files) for part in parts),
            total=sum(part.listed_count for part in parts),
            unreadable=message.unreadable,
            snapshot=message.snapshot,
            picture=message.picture,
            place=self._place_on(message.picture),
            lease=message.unfinished.lease,
            held=message.unfinished.held,
            interrupted=message.unfinished.interrupted,
        )

    def seen_again(self, unfinished: Unfinished) -> None:
        """Lease and journal were looked at anew, alone: who is at work may be another, or nobody."""
        self.session = replace(
            self.session, lease=unfinished.lease, held=unfinished.held, interrupted=unfinished.interrupted
        )

    def on_checked(self, message: Checked) -> None:
        """The check is done: the worst problem is selected, unless the operator has gone anywhere."""
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
        checked = noted(checked)
        numbers = self._new_numbers(checked.zones)
        self.history = self.history.renumbered(numbers)
        checked = replace(checked, place=checked.place.renumbered(numbers))
        worst = next(iter(checked.listing.problems), None)
        if worst is not None and not self._has_moved:
            checked = replace(checked, place=self._place_of(worst, checked))
        self.session = checked
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
        message, please = named(fault), self.keep_fault(fault)
        hint = f"this is a fault in seamline; {please}"
        if event.worker.group == "look":
            self.post_message(LookFailed(message, hint))
        elif event.worker.group == "job":
            self.post_message(JobFailed("fault", message, f"{hint}. No line is lost; the journal says how far it came"))
        else:
            self.say(f"fault in seamline: {message}; {please}")

    def action_read_again(self) -> None:
        """Look at the store anew; the operator stays where they are."""
        now = self.session
        if now.report is not None:
            self._left = now.place, now.zones
        self.session = Session(now.location, read_only=now.read_only, triage=now.triage, place=now.place)
        self.look()

    def action_accept_look(self) -> None:
        """Ask for the word that takes what differs from the last look for the truth."""
        self.push_screen(for_word(ACCEPT, "if that is right", _NOT_ACCEPTED), self._accept_typed)

    def _accept_typed(self, answer: str | None) -> None:
        snapshot = self.session.snapshot
        if answer is not None and self.engine is not None and snapshot is not None:
            self._accept(self.engine, snapshot)
        else:
            self.say(_NOT_ACCEPTED)

    @work(thread=True, exclusive=True, group="accept", exit_on_error=False, description="accept")
    def _accept(self, engine: Engine, snapshot: Snapshot) -> None:
        engine.accept(snapshot)
        self.call_from_thread(self.action_read_again)

    # --- notes on problems ----------------------------------------------------------------------------------------

    def note(self, zone: Zone, state: ZoneState | None) -> str:
        """Note something on a problem (None: it is open again) and keep it; the answer is why that can't be, or empty.

        Nothing is written to the store.
        """
        try:
            triage = noting(self.session.triage, zone, state)
        except SeamlineError as error:
            return error.message
        self.session = noted(replace(self.session, triage=triage))
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
        if self._end_cause:
            self._end_now(was_changing=True)
        else:
            self.action_read_again()

    @property
    def is_changing(self) -> bool:
        """Whether an operation is at work."""
        return self.job is not None and self.job.is_running

    # --- leaving --------------------------------------------------------------------------------------------------

    async def action_quit(self) -> None:
        """Leave, unless an operation is running: it must not be cut off by a slip of a finger."""
        if self.is_changing:
            self.say("an operation is running: Esc stops it between two steps")
            return
        await super().action_quit()

    def end(self, cause: str, *, by_fault: bool = False) -> None:
        """End for a cause which is not the operator's key: an operation stops before its next step first."""
        if self._end_cause:
            return
        self._end_cause, self._ends_by_fault = cause, by_fault
        self._stop.set()
        if not self.is_changing:
            self._end_now(was_changing=False)
            return
        self.stop_job()
        self.say(f"{cause}: stopping after this step; once more ends it at once")

    def _end_now(self, was_changing: bool) -> None:
        where = self.session.location
        self.last_word = last_word(self._end_cause, self.job, was_changing, where, by_fault=self._ends_by_fault)
        self.exit()

    def say(self, words: str) -> None:
        """Say it in the status line of the uppermost screen that has one."""
        screens = [each for each in self.screen_stack if isinstance(each, SeamlineScreen)]
        if screens:
            screens[-1].say(words)

    # --- moving about ---------------------------------------------------------------------------------------------

    @property
    def view(self) -> View:
        """The viewport of the timeline with its cursor."""
        return self.session.place.view

    def validate_session(self, session: Session) -> Session:
        """Whatever becomes of the session, what is selected in it follows from where the operator is."""
        return selecting(session)

    def stand(self, place: Place) -> None:
        """Be at another place: the one road on which the operator moves cursor, viewport and lane."""
        self._has_moved, self._left = True, (None, self._left[1])
        self.session = replace(self.session, place=place)

    def go(self, place: Place) -> None:
        """Jump to another place; `z` comes back."""
        self.history = self.history.went(self.session.place)
        self.stand(place)

    def travel(self, steps: int) -> bool:
        """Back (1) or forward (-1) in where the operator has been. False at the end."""
        now = self.session.place
        moved = self.history.undone(now) if steps > 0 else self.history.redone(now)
        if moved is None:
            return False
        self.history, there = moved
        self.stand(there.at(there.view.rescaled(self.view.whole, self.view.near)))
        return True

    def step_problem(self, step: int) -> str:
        """Go to the next or previous open problem that the list shows; the answer says when it wrapped, or why not."""
        listing, now = self.session.listing, self.session.place.last
        following = listing.next_open(now, step)
        if following is None:
            passes = "" if self.session.filter == ALL_PROBLEMS else f" passes the filter ({self.session.filter.name})"
            return f"no open problem{passes}: {'}' if step > 0 else '{'} goes through all"
        self.select_problem(following)
        return "this is the only open problem" if following == now else self._wrapped(now, following, step)

    def step_through_all(self, step: int) -> str:
        """Go to the next or previous problem, decided or not, shown or not; the answer says when it wrapped."""
        listing, now = self.session.listing, self.session.place.last
        following = listing.next_of_all(now, step)
        if following is None:
            return ""
        self.select_problem(following)
        ranks = listing.ranks
        return self._wrapped(None if now is None else ranks[now], ranks[following], step)

    @staticmethod
    def _wrapped(before: int | None, now: int, step: int) -> str:
        if before is None or (now > before if step > 0 else now < before):
            return ""
        return f"from the {'first' if step > 0 else 'last'} problem again"

    def select_problem(self, zone: int) -> None:
        """Go to a problem: the cursor on its first version, which comes into view."""
        self.go(self._place_of(zone, self.session))

    @staticmethod
    def _place_of(zone: int, session: Session) -> Place:
        """Where a problem lies; one that takes no version leaves the cursor where it is."""
        marks, place = session.picture.marks if session.picture else None, session.place
        span, view = marks.spans[zone] if marks else None, place.view
        if span is None:
            return place.on_zone(zone, view, place.lane)
        begins = view.start <= span[0] < view.end
        fills = span[1] - span[0] >= view.length
        view = view.moved(span[0]) if begins and (fills or span[1] < view.end) else view.centred(*span)
        return place.on_zone(zone, view, session.zones[zone].lane)

    def _place_on(self, picture: Picture) -> Place:
        """Where the operator is on an axis that has grown or shrunk; while the store is read again, where they were."""
        place = self._left[0] or self.session.place
        return place.at(place.view.rescaled(picture.end, picture.near_end))

    def _new_numbers(self, zones: tuple[Zone, ...]) -> dict[int, int]:
        """Under the old place of each problem in its report, the new one; those that are gone are left out."""
        (_, before), self._left = self._left, (None, ())
        places = {zone.id: place for place, zone in reversed(tuple(enumerate(zones)))}
        return {old: places[zone.id] for old, zone in enumerate(before) if zone.id in places}

    def show_problems(self, kept: Filter) -> None:
        """Cut the list of problems down."""
        self.session = noted(replace(self.session, filter=kept))

    def toggle_pin(self, entry: Entry) -> str:
        """Keep an entry in the inspector, the oldest of two giving way, or no longer; the answer says which."""
        pins = self.session.pins
        if entry in pins:
            self.session = replace(self.session, pins=tuple(pin for pin in pins if pin != entry))
            return f"no longer kept: {range_words(entry)}"
        pins = (*pins, entry)[-2:]
        self.session = replace(self.session, pins=pins)
        kept = f"kept: {range_words(entry)}"
        return f"{kept}; keep another range to compare the two" if len(pins) == 1 else f"{kept}; {TWO_PINS}"

    def action_show_screen(self, name: str) -> None:
        """Another screen in front; the timeline is always the one underneath."""
        while len(self.screen_stack) > 2:
            self.pop_screen()
        if Screens(name) is not Screens.TIMELINE:
            self.push_screen(SCREENS[Screens(name)]()())

    def action_command_palette(self) -> None:
        """All commands by name; the question has no character beyond ASCII."""
        if not CommandPalette.is_open(cast("App[object]", self)):
            self.push_screen(Palette(placeholder="A command, or a word of what it does", id="--command-palette"))

    def search_themes(self) -> None:
        """All themes by name."""
        self.push_screen(Palette(providers=[ThemeProvider], placeholder="A theme"))

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
        return write_export(Path(), Path(self.session.location), name, document)

    def save_picture(self) -> None:
        """Write the screen as an SVG file where `export` writes, and say where that is, or why there is none."""
        name = self.screen.SCREEN.value.replace(" ", "-") if isinstance(self.screen, SeamlineScreen) else "screen"
        self.say(write_new(Path(), Path(self.session.location), name, "svg", self.export_screenshot()))
