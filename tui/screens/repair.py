"""The repair preview: the change set after which stock sees the chain, and both sides of it; nothing is written here.

Enter opens the change set, which is carried out once its word is typed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Container

from core.invocation import Repair
from tui import proposal as proposals
from tui.commands import Context, Screens
from tui.recovering import Patience, options_of
from tui.repairing import RepairAnswer, repair_answer
from tui.safe_text import safe
from tui.screens.recovering import RecoveryScreen
from tui.texts import repair as texts
from tui.texts.change import FileRows, status_words
from tui.widgets.bands import Bands
from tui.widgets.line import Line, Piece, piece
from tui.widgets.panel import Panel
from tui.widgets.prose import Prose
from tui.widgets.repair_strips import RepairStrips
from tui.widgets.rows import RowList


class RepairScreen(RecoveryScreen[RepairAnswer]):
    """The lanes before and after, the files, what else there is to know."""

    SCREEN = Screens.REPAIR
    CSS_PATH = "repair.tcss"
    AUTO_FOCUS = "#repair-list"

    def __init__(self) -> None:
        super().__init__()
        self._park = False

    # --- asking ---------------------------------------------------------------------------------------------------

    def recovery_question(self) -> tuple[Hashable, Callable[[Patience], RepairAnswer]] | None:
        """The repair under the operator's choices."""
        engine, session, park, glyphs = self.seamline.engine, self.session, self._park, self.glyphs
        if engine is None or session.snapshot is None or session.picture is None:
            return None
        options = options_of(self.seamline.wishes)

        def run(watch: Patience) -> RepairAnswer:
            answer = repair_answer(engine, session, options, park=park, watch=watch)
            return replace(answer, story=tuple(texts.effect_text(answer, session.location, glyphs)))

        return (session.snapshot, options, park), run

    def on_screen_resume(self) -> None:
        """Back from the comparison, where something may have been chosen."""
        super().on_screen_resume()
        self.ask()

    def action_park(self) -> None:
        """Set the tail aside, or keep it."""
        if self.result is None:
            self.say("there is no plan yet")
        elif not self.result.tail:
            self.say("nothing lies behind a gap")
        else:
            self._park = not self._park
            self.ask()

    # --- what is shown --------------------------------------------------------------------------------------------

    def compose_preview(self) -> ComposeResult:
        """Strips, files, effect."""
        yield Bands(id="strips")
        with Container(id="parts"):
            yield Panel(RowList(id="repair-list"), id="repair-files")
            yield Panel(Prose(id="repair-text"), title="What it does", id="repair-effect")
        yield Line(id="twin")

    def show_result(self) -> None:
        """Another plan."""
        answer, glyphs = self.result, self.glyphs
        assert answer is not None
        files = answer.proposal.files if answer.proposal else ()
        self.query_one("#repair-files", Panel).label(
            texts.files_title(answer), "" if self._obstacle() else "Enter repair now"
        )
        self.query_one("#repair-list", RowList).show(FileRows(files, lambda _: (), glyphs), 0)
        self.set_class(not files, "-no-files")
        self.query_one("#repair-text", Prose).show_text(answer.story)
        self.show_twin(self.copy_text())
        self._draw()

    def _draw(self) -> None:
        assert self.result is not None
        strips = RepairStrips(self.result, self.has_class("-tall"), self.lane_room)
        self.query_one("#strips", Bands).show(lambda width: strips.rows(width, self.glyphs), strips.height)

    def on_resize(self) -> None:
        """More lanes where there is room."""
        super().on_resize()
        if self.result is not None:
            self.call_after_refresh(self._draw)

    @on(RowList.Moved, "#repair-list")
    def _moved(self) -> None:
        self.refresh_lines()

    @on(RowList.Opened, "#repair-list")
    async def _opened(self) -> None:
        await self.action_command("repair-now")

    def header_pieces(self) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """That nothing is written, and what comes of it in a word."""
        wide = self.size.width >= 120
        dry = "dry run: nothing is written, moved or deleted" if wide else "nothing is written yet"
        left = [piece("Repair preview", "title", 5, "Repair"), piece(dry, "good", 6)]
        if self._park:
            left.append(piece("HIDES THE TAIL", "conflict", 2))
        if self.result is None:
            return left, ()
        word, style = texts.state_word(self.result)
        return left, (piece(word, style),)

    def status_pieces(self) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """The file under the cursor."""
        if self.result is None or self.result.proposal is None:
            return (), ()
        words = status_words(self.result.proposal, self.query_one("#repair-list", RowList).cursor)
        return [piece(safe(word), "text", number) for number, word in enumerate(words) if word], ()

    # --- what can be done -----------------------------------------------------------------------------------------

    def _obstacle(self) -> str | None:
        """Why no change set can be opened; None also while an interrupted operation is to be finished first."""
        return None if self.session.interrupted else texts.obstacle(self.result)

    def context(self) -> Context:
        """What stands in the way of repairing."""
        return replace(super().context(), obstacle=self._obstacle())

    def action_open(self) -> None:
        """Open the change set; what was interrupted comes first."""
        from tui.screens.change import ChangeScreen

        proposal = self.result.proposal if self.result else None
        if self.session.interrupted:
            self.app.push_screen(ChangeScreen(proposals.interrupted))
        elif proposal is not None:
            self.app.push_screen(ChangeScreen(lambda _engine, _session: proposal))

    def copy_text(self) -> str:
        """The headless twin."""
        wishes = options_of(self.seamline.wishes)
        return self.line(Repair(wishes=wishes, park_tail=self._park, dry_run=True, json=True))

    def export_document(self) -> dict[str, Any]:
        """The document of the headless twin."""
        from tui.headless.documents.repair import repair_document

        answer = self.result
        assert answer is not None
        waiting = [files.id for files in self.session.interrupted]
        verdicts = (answer.now, answer.then or answer.now)
        return repair_document(answer.plan, verdicts, park_tail=answer.parked, interrupted=waiting)
