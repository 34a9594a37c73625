"""What every screen has: a header, a status line and a footer of one row each, the commands, and the shared session.

A screen overrides `compose_body`, `header_pieces`, `status_pieces`, `session_changed`, `copy_text`,
`export_document` and the `action_…` methods that the commands of `tui.commands` name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from core.invocation import Invocation
from tui.commands import BY_ID, Context, Hint, Screens, bindings_on, hints_on
from tui.faults import KeepsGoing
from tui.glyphs import Glyphs
from tui.job import Job
from tui.state import Session
from tui.texts.standing import standing
from tui.widgets.line import Line, Piece, fitted, piece
from tui.widgets.painted import STYLE_CLASSES
from tui.widgets.panel import Panel
from tui.widgets.rows import RowList

if TYPE_CHECKING:
    from tui.app import SeamlineApp

FOOTER_GAP = 2
#: At most so many hints at 80 columns, so that the footer reads at a glance.
FOOTER_HINTS = 8


class SeamlineScreen(KeepsGoing, Screen[None]):
    """The base of all screens."""

    SCREEN: ClassVar[Screens]
    COMPONENT_CLASSES: ClassVar[set[str]] = {*STYLE_CLASSES}
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (40, "-small"), (60, "-normal"), (140, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-tiny-height"), (10, "-low"), (16, "-short"), (22, "-usual"), (36, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give each screen the bindings that the registry has for it."""
        if "SCREEN" in cls.__dict__:
            cls.BINDINGS = [*bindings_on(cls.SCREEN)]
        super().__init_subclass__(**kwargs)

    def __init__(self) -> None:
        super().__init__()
        self._message = ""

    @property
    def seamline(self) -> SeamlineApp:
        """The app, by its own type."""
        from tui.app import SeamlineApp

        assert isinstance(self.app, SeamlineApp)
        return self.app

    @property
    def session(self) -> Session:
        """The shared session."""
        return self.seamline.session

    @property
    def glyphs(self) -> Glyphs:
        """The characters to draw with."""
        return self.seamline.glyphs

    @property
    def lane_room(self) -> int:
        """Rows for a picture with lanes that are higher than one: a quarter of a tall screen."""
        return self.size.height // 4 if self.has_class("-tall") else 0

    def compose(self) -> ComposeResult:
        """Header, the screen's own widgets, status and footer."""
        yield Line(id="header")
        yield from self.compose_body()
        yield Line(id="status")
        yield Line(id="footer")
        yield Line(id="too-small")

    def compose_body(self) -> ComposeResult:
        """The widgets between header and status line."""
        return iter(())

    def header_pieces(self) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """The header's pieces on the left and on the right."""
        return (piece("seamline", "title"),), ()

    def status_pieces(self) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """The status line's pieces on the left and on the right."""
        return (), ()

    def session_changed(self, before: Session, now: Session) -> None:
        """The shared session is another one; called with the same one twice when the screen appears."""

    def job_changed(self, before: Job | None, now: Job | None) -> None:
        """The operation at work is further, or another one."""
        self.refresh_lines()

    def copy_text(self) -> str:
        """What `y` copies."""
        return ""

    def export_document(self) -> dict[str, Any]:
        """What `x` writes: JSON values, with the number of the schema."""
        return {"schema": 1}

    def context(self) -> Context:
        """What decides which commands are enabled."""
        job = self.seamline.job
        return Context(screen=self.SCREEN, session=self.session, running=job is not None and job.is_running)

    def on_mount(self) -> None:
        """Show the session as it is; the app tells of every other one, and of the operation at work."""
        self.session_changed(self.session, self.session)
        self.refresh_lines()

    def on_screen_resume(self) -> None:
        """In front again."""
        self.refresh_lines()

    def on_resize(self) -> None:
        """More or less room for header, status and footer."""
        self.refresh_lines()

    def follow_session(self, before: Session, now: Session) -> None:
        """Another session: whatever shows it is brought up to date."""
        if before.phase is not now.phase:
            self._message = ""
        self.session_changed(before, now)
        self.refresh_lines()

    def on_mouse_down(self) -> None:
        """Whoever presses a button has read what was said, as with a key."""
        self.say("")

    def say(self, message: str) -> None:
        """Show a sentence in the status line until the next key or click."""
        self._message = message
        self.refresh_lines()

    def refresh_lines(self) -> None:
        """Bring header, status line and footer up to date."""
        if not self.is_mounted:
            return
        left, right = self.header_pieces()
        self.query_one("#header", Line).show(left, [*right, *standing(self.session, self.seamline.job, self.glyphs)])
        status = ((piece(self._message, "strong"),), ()) if self._message else self.status_pieces()
        self.query_one("#status", Line).show(*status)
        self.query_one("#footer", Line).show(*self._footer_pieces())
        self.query_one("#too-small", Line).show((piece("seamline needs 40x10", "text"),))

    def _footer_pieces(self) -> tuple[Sequence[Piece], Sequence[Piece]]:
        width = self.size.width
        hints = self.hints()
        if width < 140:
            hints = hints[:FOOTER_HINTS]
        order = {hint.keys: index for index, hint in enumerate(hints)}
        pieces = [
            Piece(((hint.keys, "key"), (f" {hint.label}", "dim")), drop=1 + order[hint.keys])
            for hint in _help_last(hints)
        ]
        right = [Piece((("^p", "key"), (" Commands", "dim")), drop=9)] if width >= 140 else []
        rows = fitted((*pieces, *right), max(0, width - 2), FOOTER_GAP)
        shown = [row for row in rows[: len(pieces)] if row is not None]
        joined = tuple(run for index, row in enumerate(shown) for run in _spaced(row, index))
        return (Piece(joined),), right if rows[-1] is not None else ()

    def hints(self) -> list[Hint]:
        """What the footer names, most important first."""
        return hints_on(self.SCREEN)

    async def action_command(self, command_id: str) -> None:
        """Run a command of the registry, or say why it can't be run now."""
        command = BY_ID[command_id]
        self._message = ""
        reason = command.enabled(self.context())
        if reason:
            self.say(f"{command.label}: {reason}")
            return
        await self.run_action(command.action)
        self.refresh_lines()

    def focused_list(self) -> RowList | None:
        """The list or text that has the focus, or else the first one in sight."""
        if isinstance(self.focused, RowList):
            return self.focused
        return next((rows for rows in self.query(RowList) if rows.is_on_screen), None)

    def action_row(self, step: int) -> None:
        """Next or previous row of the list."""
        if rows := self.focused_list():
            rows.move(step)

    def action_page(self, step: int) -> None:
        """A page up or down in the list."""
        if rows := self.focused_list():
            rows.move(step * rows.page)

    def action_first(self) -> None:
        """First row of the list."""
        if rows := self.focused_list():
            rows.move_to(0)

    def action_last(self) -> None:
        """Last row of the list."""
        if rows := self.focused_list():
            rows.move_to(rows.row_count - 1)

    def action_problem(self, step: int) -> None:
        """Next or previous open problem of those that the list shows; wraps, and says so."""
        self.say(self.seamline.step_problem(step))

    def action_any_problem(self, step: int) -> None:
        """Next or previous problem of all, decided or not, shown or not."""
        self.say(self.seamline.step_through_all(step))

    def action_leave(self) -> None:
        """Back to the screen before."""
        self.seamline.leave_screen()

    def line(self, command: Invocation) -> str:
        """A command on the store that is shown, with the lease that the app was given, ready to paste."""
        return str(command.at(self.session.location, self.seamline.options.lease))

    def action_copy(self) -> None:
        """Copy what `copy_text` gives."""
        self.say(self.seamline.copy(self.copy_text()))

    def action_export(self) -> None:
        """Write what `export_document` gives into the current folder."""
        self.say(self.seamline.export(self.SCREEN.value, self.export_document()))

    def action_expand(self) -> None:
        """Give the focused panel the whole body, or its place again."""
        panel = self.focused_panel()
        if not self.has_class("-expanded") and panel is None:
            self.say("move to a panel first: Tab")
            return
        self.toggle_class("-expanded")

    def focused_panel(self) -> Panel | None:
        """The panel that has the focus."""
        return next((each for each in self.query(Panel) if each.has_focus_within), None)


def _help_last(hints: Iterable[Any]) -> list[Any]:
    """In order of importance, but `?` at the end, where people look for it."""
    ordered = list(hints)
    return sorted(ordered, key=lambda hint: hint.keys == "?")


def _spaced(row: Sequence[tuple[str, str]], index: int) -> Sequence[tuple[str, str]]:
    return ((" " * FOOTER_GAP, "text"), *row) if index else row
