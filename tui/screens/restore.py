"""The restore preview: what stock would do for a target, and the chain that works. Nothing is restored or written."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Container

from core.invocation import RestorePlan
from core.model import Entry, LaneKind
from core.recovery import Recovery
from core.restore import HighestTargets, RestoreOptions, RestorePreview, SkippedRun, highest_targets
from tui.commands import Screens
from tui.numbers import EpochPlace, VersionPlace, parse_place, span, whole
from tui.recovering import Patience, options_of, targets_of
from tui.safe_text import cut
from tui.screens.ask import AskScreen
from tui.screens.overlaying import OverlayScreen
from tui.state import Session, View
from tui.texts import restore as texts
from tui.texts.restore_lists import (
    ChosenStep,
    SkippedRows,
    chosen_rows,
    chosen_steps,
    chosen_title,
    skipped_row,
    skipped_rows,
    skipped_story,
    step_story,
    used_instead,
)
from tui.widgets.bands import Bands
from tui.widgets.line import Line, Piece, piece
from tui.widgets.panel import Panel
from tui.widgets.prose import Paragraph, Prose
from tui.widgets.restore_bands import RestorePicture, RestoreScene, restore_scene
from tui.widgets.rows import MadeRows, RowList

if TYPE_CHECKING:
    pass

_EXAMPLE: Final = "1_185_000_000   1.185b   epoch 4377   or nothing for everything"
_HISTORY_EXAMPLE: Final = "the version from which history is kept, or nothing for none"


@dataclass(frozen=True, slots=True, eq=False)
class RestoreAnswer:
    """The best restore, ready to be listed and drawn; `story` is its verdict in words.

    `options` are what was asked. `everything` is the restore of everything under the same choices, from which the
    `highest` targets follow.
    """

    options: RestoreOptions
    recovery: Recovery
    everything: Recovery
    highest: HighestTargets
    steps: tuple[ChosenStep, ...]
    skipped: SkippedRows
    scene: RestoreScene
    story: tuple[Paragraph, ...]

    @property
    def preview(self) -> RestorePreview:
        """Stock's answer and the chain."""
        return self.recovery.preview


class RestoreScreen(OverlayScreen[RestoreAnswer]):
    """The picture, the steps, what is left out, the verdict."""

    SCREEN = Screens.RESTORE
    CSS_PATH = "restore.tcss"
    AUTO_FOCUS = "#skipped-list"

    def __init__(self) -> None:
        super().__init__()
        self._target: int | None = None
        self._history: int | None = None
        self._steps: tuple[ChosenStep, ...] = ()
        self._why = False

    def on_mount(self) -> None:
        """The target is the version under the cursor; the last one means everything."""
        view = self.seamline.view
        self._target = None if view.cursor >= view.whole - 1 else view.cursor
        super().on_mount()

    # --- asking ---------------------------------------------------------------------------------------------------

    def recovery_question(self) -> tuple[Hashable, Callable[[Patience], RestoreAnswer]] | None:
        """The best restore for the target and the history that are wished for, under the operator's choices."""
        engine, session, picture = self.seamline.engine, self.session, self.session.picture
        if engine is None or session.snapshot is None or picture is None:
            return None
        options = options_of(self.seamline.wishes, self._target, self._history)
        known = self._everything_under(options)

        def run(watch: Patience) -> RestoreAnswer:
            recovery, everything = targets_of(engine, session, options, watch, known)
            preview, highest = recovery.preview, highest_targets(everything.preview)
            scene = restore_scene(preview, picture)
            story = tuple(texts.verdict_text(recovery, highest, session.location))
            return RestoreAnswer(
                options, recovery, everything, highest, chosen_steps(preview), skipped_rows(preview), scene, story
            )

        return (session.snapshot, options), run

    def _everything_under(self, options: RestoreOptions) -> Recovery | None:
        """The restore of everything, if the answer shown holds it for the same look and choices."""
        answer = self.result
        if answer is None or answer.everything.snapshot is not self.session.snapshot:
            return None
        same = replace(answer.options, target_version=None) == replace(options, target_version=None)
        return answer.everything if same else None

    def on_screen_resume(self) -> None:
        """Back from the comparison, where something may have been chosen."""
        super().on_screen_resume()
        self.ask()

    def action_target(self) -> None:
        """Ask for the target."""
        value = "" if self._target is None else str(self._target)
        self.app.push_screen(AskScreen("Target version", _EXAMPLE, value, self._why_no_version), self._take_target)

    def action_history(self) -> None:
        """Ask for the start of history."""
        value = "" if self._history is None else str(self._history)
        self.app.push_screen(
            AskScreen("History from", _HISTORY_EXAMPLE, value, self._why_no_version), self._take_history
        )

    def _take_target(self, answer: str | None) -> None:
        if answer is not None and not isinstance(taken := self._version(answer), str):
            self._target = taken
            self.ask()

    def _take_history(self, answer: str | None) -> None:
        if answer is not None and not isinstance(taken := self._version(answer), str):
            self._history = taken
            self.ask()

    def _why_no_version(self, answer: str) -> str:
        taken = self._version(answer)
        return taken if isinstance(taken, str) else ""

    def _version(self, answer: str) -> int | str | None:
        """The version that was typed, None for an empty answer; why it is none."""
        place, picture = parse_place(answer), self.session.picture
        if place is None:
            return None
        if isinstance(place, VersionPlace):
            return place.version
        if isinstance(place, EpochPlace) and picture is not None:
            found = picture.versions_of_epochs(place.epoch, place.epoch)
            if found is not None:
                return found[1]
            return f"epoch {whole(place.epoch)} is not in this store"
        return "type one version, from 0 to 18,446,744,073,709,551,615, or an epoch"

    def action_best_target(self) -> None:
        """The highest target that works, with stock as it is or with what this screen proposes; says with which."""
        if self.result is None:
            return
        highest = self.result.highest
        if highest.best is not None:
            self._target = highest.best
        self.say(texts.highest_words(highest, self._history))
        self.ask()

    # --- what is shown --------------------------------------------------------------------------------------------

    def compose_preview(self) -> ComposeResult:
        """Picture and panels."""
        yield Bands(id="picture")
        with Container(id="parts"):
            yield Panel(RowList(id="chosen-list"), title="Chosen", id="chosen")
            yield Panel(RowList(id="skipped-list"), title="Left out", id="skipped")
            yield Panel(Prose(id="verdict-text"), title="Verdict", id="outcome")
        yield Line(id="twin")

    def show_result(self) -> None:
        """Another preview."""
        assert self.result is not None
        preview, skipped, glyphs = self.result.preview, self.result.skipped, self.glyphs
        self._why, self.overlay = False, None
        steps = self._steps = self.result.steps
        self.query_one("#chosen", Panel).label(*chosen_title(preview))
        self.query_one("#chosen-list", RowList).show(chosen_rows(steps, preview), 0)
        self.query_one("#skipped", Panel).label(f"Left out {len(skipped):,}", "Enter why")
        self.query_one("#skipped-list", RowList).show(
            MadeRows(len(skipped), lambda index, width: skipped_row(skipped, index, width, glyphs)), 0
        )
        self._show_verdict()
        self.show_twin(self.copy_text())
        self._draw()

    def _show_verdict(self) -> None:
        assert self.result is not None
        self._why = False
        self.query_one("#outcome", Panel).label("Verdict", "" if self.no_overlay() else "o write an overlay")
        self.query_one("#verdict-text", Prose).show_text(self.result.story)

    def _draw(self) -> None:
        assert self.result is not None
        tall = self.has_class("-tall") and self.has_class("-wide")
        picture = RestorePicture(self.result.scene, self._view, tall, self.lane_room)
        self.query_one("#picture", Bands).show(lambda width: picture.rows(width, self.glyphs), picture.height)

    @property
    def _view(self) -> View:
        """The viewport of the timeline if the target lies in it, else the whole axis."""
        view = self.seamline.view
        target = view.whole - 1 if self._target is None else min(self._target, view.whole - 1)
        return view if view.start <= target < view.end else View.of_all(view.whole)

    def on_resize(self) -> None:
        """The picture is higher where there is room."""
        super().on_resize()
        if self.result is not None:
            self.call_after_refresh(self._draw)

    def session_changed(self, before: Session, now: Session) -> None:
        """Ask anew when the store was read anew; go to what is left out at a problem that is stepped to."""
        super().session_changed(before, now)
        zone = now.current_zone
        if self.result is None or before.zone == now.zone or zone is None or zone.first is None:
            return
        place = self.result.skipped.place_of(zone.lane, zone.first)
        if place is not None:
            self.query_one("#skipped-list", RowList).move_to(place)

    def header_pieces(self) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """What is asked for, and the answer in a word."""
        target = "everything" if self._target is None else whole(self._target)
        history = "none" if self._history is None else whole(self._history)
        wide = self.size.width >= 120
        asked = (
            piece("Restore preview", "title", 5, "Restore"),
            piece(f"target{' version' if wide else ''} [{target}]", "strong", 1),
            piece(f"history{' from' if wide else ''} [{history}]", "strong", 6 if self._history is None else 3),
        )
        if self.result is None:
            return asked, ()
        word, style = texts.state_word(self.result.preview)
        return asked, (piece(word, style),)

    def status_pieces(self) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """The selected row, and how far the store reaches."""
        if self.result is None:
            return (), ()
        verdict = self.result.preview.verdict
        newest = "no transactions" if verdict.latest is None else f"newest version {whole(verdict.latest)}"
        selected = self._selected()
        left = []
        if isinstance(selected, ChosenStep):
            left = [piece(selected.step.kind.value, "strong"), piece(selected.stock, "text", 1)]
            left += [piece(selected.coming, "snapshot", 1)] if selected.coming else []
        elif selected is not None:
            kind, run = selected
            place = f"{kind.short} {span(run.first, run.last)}"
            why = cut(run.why, max(0, self.size.width - len(place) - 5), self.glyphs.ellipsis)
            left = [piece(place, "strong"), piece(why, "text", 1)]
        return left, (piece(newest, "dim", 2),)

    # --- why ------------------------------------------------------------------------------------------------------

    def _selected(self) -> ChosenStep | tuple[LaneKind, SkippedRun] | None:
        """The row under the cursor of the list in focus."""
        chosen = self.query_one("#chosen-list", RowList)
        if self.focused is chosen:
            return self._steps[chosen.cursor] if self._steps else None
        skipped = self.query_one("#skipped-list", RowList)
        if self.result is None or not len(self.result.skipped):
            return None
        return self.result.skipped.run(skipped.cursor)

    @on(RowList.Moved, "#chosen-list, #skipped-list")
    def _moved(self) -> None:
        if self._why:
            self._show_why()
        self.refresh_lines()

    @on(RowList.Opened, "#chosen-list, #skipped-list")
    def _opened(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        """Say why; when it is said, compare with what is used instead."""
        pair = self._pair()
        if self._why and pair is not None:
            from tui.screens.compare import CompareScreen

            self.app.push_screen(CompareScreen(pair))
        elif self._why:
            self._show_verdict()
        else:
            self._show_why()

    def _show_why(self) -> None:
        selected = self._selected()
        if self.result is None or selected is None:
            return
        preview = self.result.preview
        story: list[Paragraph]
        if isinstance(selected, ChosenStep):
            title, story = "What it reads", list(step_story(selected, self.result.recovery))
        else:
            title, story = "Why it is left out", list(skipped_story(preview, *selected))
        self._why = True
        self.query_one("#outcome", Panel).label(title, "Enter compare" if self._pair() else "Enter verdict")
        self.query_one("#verdict-text", Prose).show_text(story)

    @property
    def recovery(self) -> Recovery | None:
        """What is shown."""
        return self.result.recovery if self.result else None

    def tell(self, title: str, story: Sequence[Paragraph]) -> None:
        """Something in place of the verdict, until Escape."""
        self._why = True
        self.query_one("#outcome", Panel).label(title, "Esc verdict")
        self.query_one("#verdict-text", Prose).show_text(story)
        self.show_twin(self.copy_text())

    def _pair(self) -> tuple[Entry, Entry] | None:
        """The selected entry and the one that is used in its place."""
        selected = self._selected()
        if self.result is None or selected is None or isinstance(selected, ChosenStep):
            return None
        kind, run = selected
        used = used_instead(self.result.preview, kind, run.first_row)
        lane = self.result.preview.index.lanes[kind]
        return None if used is None else (lane.entry(used), lane.entry(run.first_row))

    # --- leaving and taking along -------------------------------------------------------------------------------------

    def action_leave(self) -> None:
        """Back to the verdict, then to the screen before."""
        if self._why:
            self._show_verdict()
        else:
            super().action_leave()

    def copy_text(self) -> str:
        """The headless twin; once an overlay is written, stock's command that restores with it."""
        if self.overlay is not None:
            return self.overlay.command
        wishes = options_of(self.seamline.wishes, self._target, self._history)
        return self.line(RestorePlan(wishes=wishes, json=True))

    def export_document(self) -> dict[str, Any]:
        """The document of the headless twin."""
        from tui.headless.documents.restore_plan import restore_document

        assert self.result is not None
        return restore_document(self.result.recovery, self.result.highest)
