"""One operation: its change set, the word that carries it out, the steps as they are taken, the outcome, and undo.

Every kind has this screen: compaction, undo, what was interrupted, what is over. Looking writes nothing: what can
write is made after the word has been typed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Vertical

from core.invocation import Undo
from tui import proposal as proposals
from tui.applying import PATIENCE
from tui.commands import BY_ID, Context, Hint, Screens
from tui.export import change_document
from tui.job import Job, JobPhase
from tui.proposal import Proposal
from tui.safe_text import safe
from tui.screens.ask import for_word
from tui.screens.preview import PreviewScreen
from tui.state import Session
from tui.texts import change as texts
from tui.texts.operation import why_wait
from tui.widgets.line import Line, Piece, piece
from tui.widgets.panel import Panel
from tui.widgets.prose import Prose
from tui.widgets.rows import RowList

if TYPE_CHECKING:
    from core.engine import Engine

_NOT_DONE: Final = "nothing was done"


class ChangeScreen(PreviewScreen[Proposal]):
    """Files, effect, and what becomes of it."""

    SCREEN = Screens.CHANGE
    CSS_PATH = "change.tcss"
    AUTO_FOCUS = "#change-list"

    def __init__(self, make: Callable[[Engine, Session], Proposal]) -> None:
        """`make` works the operation out, in a thread, on the session as it is when the screen asks."""
        super().__init__()
        self._make = make
        self._job: Job | None = None
        self._follows = False

    # --- asking ---------------------------------------------------------------------------------------------------

    def question(self) -> tuple[Hashable, Callable[[], Proposal]] | None:
        """The operation, once."""
        engine, session = self.seamline.engine, self.session
        if engine is None or session.snapshot is None:
            return None
        return session.snapshot, lambda: self._make(engine, session)

    def session_changed(self, before: Session, now: Session) -> None:
        """What is shown is what is carried out, so it stays as it was planned; only the way on may be another."""
        if self.result is None:
            super().session_changed(before, now)
        else:
            self._show_run()

    # --- what is shown --------------------------------------------------------------------------------------------

    def compose_preview(self) -> ComposeResult:
        """The files, and beside or below them the effect and the run."""
        with Container(id="parts"):
            yield Panel(RowList(id="change-list"), id="change-files")
            with Vertical(id="detail"):
                yield Panel(Prose(id="effect-text"), id="effect")
                yield Panel(Prose(id="run-text"), id="run")
        yield Line(id="twin")

    @property
    def _list(self) -> RowList:
        return self.query_one("#change-list", RowList)

    def show_result(self) -> None:
        """The operation, worked out."""
        proposal = self.result
        assert proposal is not None
        self._show_files(0)
        self.query_one("#change-files", Panel).label(f"Files  {texts.tally(proposal)}")
        self.query_one("#effect", Panel).label(texts.effect_title(proposal))
        self.query_one("#effect-text", Prose).show_text(texts.effect_text(proposal, self.glyphs))
        self._show_run()

    def _show_files(self, cursor: int) -> None:
        proposal, job, glyphs = self.result, self._job, self.glyphs
        assert proposal is not None
        rows = texts.FileRows(proposal.files, lambda index: texts.step_mark(proposal, index, job, glyphs), glyphs)
        self._list.show(rows, min(cursor, max(0, len(rows) - 1)))

    def _show_run(self) -> None:
        proposal, job = self.result, self._job
        if proposal is None:
            return
        self.set_class(job is not None, "-job")
        self.show_twin(self.copy_text())
        self.query_one("#run", Panel).label(texts.run_title(proposal, job))
        self.query_one("#run-text", Prose).show_text(texts.run_text(proposal, job, self.session, self.glyphs))

    @on(RowList.Moved, "#change-list")
    def _moved(self) -> None:
        self.refresh_lines()

    def header_pieces(self) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """What it is, and on which store."""
        proposal = self.result
        if proposal is None:
            return (piece("Change set", "title"),), ()
        what = piece(f"{proposal.kind} {safe(self.session.location)}", "strong", 8, proposal.kind)
        named = "Change set" if proposal.plan_id else "Operation"
        return (piece(named, "title"), what, piece(safe(proposal.title), "dim", 9)), ()

    def status_pieces(self) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """The file under the cursor."""
        if self.result is None:
            return (), ()
        words = texts.status_words(self.result, self._list.cursor)
        return [piece(safe(word), "text", number) for number, word in enumerate(words) if word], ()

    # --- carrying it out ------------------------------------------------------------------------------------------

    def context(self) -> Context:
        """What stands in the way of carrying it out, and of taking it back."""
        return replace(
            super().context(),
            obstacle=self._obstacle(),
            not_undone=None if self._undoable() else self._at_work() or "nothing of it is done, so nothing to undo",
        )

    def _at_work(self) -> str:
        """Why it is left to somebody else; empty if nobody is at work on it."""
        operation = self.result.operation if self.result else None
        return why_wait(operation) if operation is not None and operation.holder is not None else ""

    def hints(self) -> list[Hint]:
        """What is over is not offered to be carried out any more, and what is not done not to be undone."""
        untrue = {BY_ID["carry-out"].hint: self._is_over, BY_ID["undo"].hint: not self._undoable()}
        return [hint for hint in super().hints() if not untrue.get(hint)]

    @property
    def _is_over(self) -> bool:
        """Whether it is done, by this app or by whoever the journal tells of."""
        if self._job is not None:
            return self._job.phase is JobPhase.DONE
        return self.result is not None and not self.result.word

    def _obstacle(self) -> str | None:
        proposal, job = self.result, self._job
        if proposal is None:
            return "there is no change set to carry out"
        if job is not None and job.phase is JobPhase.DONE:
            return "it is done: u takes it back, Esc goes back"
        if job is not None and self.session.snapshot is None:
            return "the store is being read again"
        over = self._at_work() or "it is over: u takes it back, Esc goes back"
        return None if job is not None or proposal.word else over

    def _undoable(self) -> str:
        """The operation that `u` takes back; empty if there is none."""
        proposal, job = self.result, self._job
        if proposal is None:
            return ""
        if proposal.plan_id:
            return job.applied[0].operation if job and job.applied else ""
        return proposal.undoes

    def action_open(self) -> None:
        """Ask for the word; after a failure, go on as the screen says."""
        job, proposal = self._job, self.result
        assert proposal is not None
        if job is None or (texts.may_try_again(job) and (proposal.settles or not self.session.interrupted)):
            self._ask_for_word()
        elif self.session.interrupted:
            self.app.switch_screen(ChangeScreen(proposals.interrupted))
        else:
            self.seamline.leave_screen()

    def _ask_for_word(self) -> None:
        assert self.result is not None
        purpose = "to carry it out without what you chose" if self.result.unused else "to carry it out"
        self.app.push_screen(for_word(self.result.asked, purpose, _NOT_DONE), self._typed)

    def _typed(self, answer: str | None) -> None:
        proposal = self.result
        if proposal is None or proposal.work is None:
            return
        if answer is None:
            self.say(_NOT_DONE)
            return
        wait = PATIENCE if self._job is not None and texts.is_held(self._job) else 0.0
        self._follows, self._job = True, None
        self.seamline.start(proposal.word, proposal.work, wait)

    def job_changed(self, before: Job | None, now: Job | None) -> None:
        """Show how far the operation is that was confirmed here."""
        if self._follows and self.result is not None:
            self._job = now
            self._follows = now is not None and now.is_running
            place = texts.current_place(self.result, now)
            self._show_files(self._list.cursor if place is None else place)
            self._show_run()
            # What is in sight is to depend on the step alone, not on how high the list was when it was told.
            self.call_after_refresh(self._list.end_at_cursor)
        super().job_changed(before, now)

    def action_undo(self) -> None:
        """The change set that takes the operation back."""
        operation = self._undoable()
        self.app.push_screen(ChangeScreen(lambda engine, session: proposals.undo(engine, session, operation)))

    def action_leave(self) -> None:
        """While it runs, stop it between two steps; else back to the screen before."""
        if self._job is not None and self._job.is_running:
            self.seamline.stop_job()
        else:
            super().action_leave()

    # --- taking it along ------------------------------------------------------------------------------------------

    def copy_text(self) -> str:
        """The headless twin; of what this app has done the command that takes it back."""
        if self._job is not None and self._is_over and (operation := self._undoable()):
            return self.line(Undo(operation=operation))
        return self.line(self.result.twin) if self.result else ""

    def export_document(self) -> dict[str, Any]:
        """The operation as JSON values."""
        assert self.result is not None
        return change_document(self.result, self.session.location)
