"""One manifest: what it says, the chunks that it lists, what of them is in the store. Nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.message import Message

from core.invocation import Check
from core.model import Entry, LaneKind
from tui.commands import Context, Screens
from tui.manifest_view import ManifestView, look_at
from tui.screens.preview import PreviewScreen
from tui.texts import manifest as texts
from tui.texts.common import lane_span
from tui.widgets.bands import Bands
from tui.widgets.line import Line, Piece, piece
from tui.widgets.panel import Panel
from tui.widgets.prose import Prose
from tui.widgets.rows import FixedRows, MadeRows, RowList


@dataclass
class Seen(Message):
    """The answer to the question `key` as far as it is; a flood of them collapses to the newest."""

    key: Hashable
    view: ManifestView

    def can_replace(self, message: Message) -> bool:
        """Whether `message`, which is newer, makes this one needless."""
        return isinstance(message, Seen)


class ManifestScreen(PreviewScreen[ManifestView]):
    """The facts, and a list of the chunks with what lies between them."""

    SCREEN = Screens.MANIFEST
    CSS_PATH = "manifest.tcss"
    AUTO_FOCUS = "#chunk-list"
    NEEDS_ALL = False

    def __init__(self, entry: Entry | None = None) -> None:
        """The manifest that `entry` names; without one that of the range that is selected."""
        super().__init__()
        self._entry = entry
        self._stopped: Hashable = None

    # --- asking ---------------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """The entry is the one that was given, or else the selected one."""
        self._entry = self._entry or self.session.selected
        super().on_mount()
        if self._entry is None:
            self.say_instead("No range is selected: go to one on the timeline first.")

    def question(self) -> tuple[Hashable, Callable[[], ManifestView]] | None:
        """The manifest, read anew with each look at the store."""
        engine, entry = self.seamline.engine, self._entry
        if engine is None or entry is None:
            return None
        key = (self.session.snapshot, entry)

        def run() -> ManifestView:
            view = ManifestView(entry)
            for view in look_at(engine.reader, entry, lambda: self._asked != key or self._stopped == key):
                self.post_message(Seen(key, view))
            return view

        return key, run

    def on_seen(self, message: Seen) -> None:
        """Show how far it is."""
        if message.key == self._asked and (message.view.stopped or not self._is_stopped):
            self._take(message.view)

    @property
    def _is_stopped(self) -> bool:
        return self._asked is not None and self._stopped == self._asked

    def _take(self, view: ManifestView) -> None:
        self.result = view
        self.remove_class("-nothing")
        self.show_result()
        self.refresh_lines()

    def on_unmount(self) -> None:
        """Nobody waits any more."""
        self._asked = None

    # --- what is shown --------------------------------------------------------------------------------------------

    def compose_preview(self) -> ComposeResult:
        """The facts above or beside the chunks."""
        with Container(id="parts"):
            yield Panel(Prose(id="facts-text"), title="Manifest", id="facts")
            yield Panel(Vertical(Bands(id="chunk-heading"), RowList(id="chunk-list")), id="chunks")
        yield Line(id="twin")

    @property
    def _list(self) -> RowList:
        return self.query_one("#chunk-list", RowList)

    def show_result(self) -> None:
        """What is known by now; the cursor stays."""
        view = self.result
        assert view is not None
        listed, glyphs = self._list, self.glyphs
        self.query_one("#facts-text", Prose).show_text(list(texts.manifest_text(view)))
        self.query_one("#facts", Panel).label("Manifest", "o its metadata file")
        if view.lines:
            rows = MadeRows(len(view.lines), lambda place, width: texts.line_row(view, place, width, glyphs))
            listed.show(rows)
        else:
            listed.show(FixedRows())
        heading = self.query_one("#chunk-heading", Bands)
        heading.show(lambda _: (texts.chunk_heading(view, listed.row_width),) if view.lines else (), 1)
        hint = "n next that is wrong" if view.flawed else ""
        self.query_one("#chunks", Panel).label(f"Chunks {len(view.chunks):,}", hint)
        self.show_twin(self.line(Check(level=3, json=True)), copied=False)

    def header_pieces(self) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """The range, and what came of looking."""
        left = [piece("Manifest", "title")]
        if self._entry is not None:
            kind = self._entry.lane
            left += [] if kind is LaneKind.EPOCH_ENDINGS else [piece(kind.short, "dim", 3)]
            left.append(piece(lane_span(kind, self._entry.first, self._entry.last), "strong", 1))
        return left, [piece(*texts.state_word(self.result), 2)] if self.result else []

    def status_pieces(self) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """The row under the cursor, or how far looking is."""
        view = self.result
        if view is None or not view.lines:
            return ([piece(texts.far_words(view), "text")] if view and view.looking else []), ()
        line = view.lines[min(self._list.cursor, len(view.lines) - 1)]
        left = [piece(words, style, number) for number, (words, style) in enumerate(texts.line_words(view, line))]
        return left, ((piece(texts.far_words(view), "dim", 9),) if view.looking else ())

    @on(RowList.Moved, "#chunk-list")
    def _moved(self) -> None:
        self.refresh_lines()

    def context(self) -> Context:
        """Whether anything is wrong to go to."""
        return replace(super().context(), searching=bool(self.result and self.result.flawed))

    # --- what can be done -----------------------------------------------------------------------------------------

    def action_flaw(self, step: int) -> None:
        """The next or previous row in which something is wrong; wraps, and says so."""
        flawed = self.result.flawed if self.result else ()
        cursor = self._list.cursor
        beyond = [place for place in flawed if (place > cursor if step > 0 else place < cursor)]
        if not beyond:
            self.say(f"from the {'first' if step > 0 else 'last'} again")
        self._list.move_to((beyond or flawed)[0 if step > 0 else -1])
        self._list.focus()

    def action_metadata_file(self) -> None:
        """The metadata file whose line names this manifest."""
        from tui.screens.files import FilesScreen

        if self._entry is not None:
            self.app.push_screen(FilesScreen(self._entry))

    def action_leave(self) -> None:
        """Stop looking; else back to the screen before."""
        view = self.result
        if self._asked is not None and not self._is_stopped and (view is None or view.looking):
            self._stopped = self._asked
            self.say("stopped; Esc again leaves")
            if view is None or view.loaded is None:
                assert self._entry is not None
                self._take(ManifestView(self._entry, stopped=True))
        else:
            super().action_leave()

    def copy_text(self) -> str:
        """The file that the status line speaks of: the chunk's under the cursor, or the manifest."""
        view = self.result
        if view is None or not view.lines:
            return self._entry.manifest if self._entry else ""
        return texts.handle_of(view, view.lines[min(self._list.cursor, len(view.lines) - 1)])

    def export_document(self) -> dict[str, Any]:
        """Everything that is shown."""
        assert self.result is not None
        return texts.manifest_document(self.result, self.session.location)
