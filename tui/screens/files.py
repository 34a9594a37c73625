"""The metadata files: what each holds beside what its name promises, what is wrong in it, and its lines."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.message import Message

from core.invocation import Check
from core.model import Entry
from tui.commands import Context, Screens
from tui.safe_text import safe
from tui.screens.ask import AskScreen
from tui.screens.preview import PreviewScreen
from tui.state import Session
from tui.texts import files as texts
from tui.texts.file_lines import FULL_BYTES, FileLines, file_lines, line_row, line_text
from tui.texts.files import FilesAnswer
from tui.widgets.line import Line, Piece, piece
from tui.widgets.panel import Panel
from tui.widgets.prose import Prose, text
from tui.widgets.rows import MadeRows, RowList


@dataclass
class LinesRead(Message):
    """The lines of file `number` of `answer` are taken apart."""

    answer: FilesAnswer
    number: int
    lines: FileLines


class FilesScreen(PreviewScreen[FilesAnswer]):
    """A list of files, one of them in full; Enter shows its lines."""

    SCREEN = Screens.FILES
    CSS_PATH = "files.tcss"
    AUTO_FOCUS = "#file-list"
    NEEDS_ALL = False

    def __init__(self, entry: Entry | None = None) -> None:
        """Begin at the file that claims `entry`; without one at that of what is selected."""
        super().__init__()
        self._entry = entry
        self._filter = "all"
        self._hits: tuple[int, ...] = ()
        self._wanted = ""
        self._lines: FileLines | None = None

    # --- asking ---------------------------------------------------------------------------------------------------

    def question(self) -> tuple[Hashable, Callable[[], FilesAnswer]] | None:
        """The files of the last look, with what was found in them so far."""
        snapshot, report = self.session.snapshot, self.session.report
        if snapshot is None:
            return None
        findings = report.findings if report else ()
        return (snapshot, report), lambda: texts.files_answer(snapshot, findings)

    def session_changed(self, before: Session, now: Session) -> None:
        """Ask anew when the store was read anew; go to the file of a problem that is stepped to."""
        if now.snapshot is None:
            self.result = None
            self.say_instead(f"No files yet: {now.why_incomplete or 'nothing is read'}.")
        super().session_changed(before, now)
        if self.result is not None and before.zone != now.zone:
            self._go_to(self._handles_of_zone())

    def _handles_of_zone(self) -> list[str]:
        """The files that the findings of the selected problem name."""
        zone = self.session.current_zone
        findings = zone.findings if zone else ()
        claims = [*(claim for each in findings for claim in each.claims)]
        claims += [claim for each in findings for entry in each.entries for claim in entry.claims]
        return [claim.file for claim in claims]

    # --- what is shown --------------------------------------------------------------------------------------------

    def compose_preview(self) -> ComposeResult:
        """The list, and beside or below it what is selected in it."""
        with Container(id="parts"):
            yield Panel(RowList(id="file-list"), id="files")
            with Vertical(id="detail"):
                yield Panel(RowList(id="line-list"), id="lines")
                yield Panel(Prose(id="about-text"), id="about")
        yield Line(id="twin")

    @property
    def _list(self) -> RowList:
        return self.query_one("#file-list", RowList)

    @property
    def _kept(self) -> Sequence[int]:
        return self.result.kept[self._filter] if self.result else ()

    @property
    def _number(self) -> int | None:
        """The selected file."""
        kept, cursor = self._kept, self._list.cursor
        return kept[cursor] if cursor < len(kept) else None

    def show_result(self) -> None:
        """Another look at the files."""
        self._close_lines()
        self._hits = ()
        self._show_list(0)
        entry = self._entry or self.session.selected
        self._go_to([claim.file for claim in entry.claims] if entry else self._handles_of_zone())
        self.show_twin(self.line(Check(level=1, json=True)), copied=False)

    def _show_list(self, cursor: int) -> None:
        answer, kept, glyphs = self.result, self._kept, self.glyphs
        assert answer is not None
        rows = MadeRows(len(kept), lambda index, width: texts.file_row(answer, kept[index], width, glyphs))
        self._list.show(rows, cursor)
        title = "Metadata files" if self._filter == "all" else f"Metadata files {self._filter}"
        self.query_one("#files", Panel).label(f"{title}  {len(kept):,}", "i filter   / find")
        self._show_file()

    def _show_file(self) -> None:
        number = self._number
        about = self.query_one("#about", Panel)
        if self.result is None or number is None:
            about.label("No file")
            self.query_one("#about-text", Prose).show_text([text("No file passes this filter.", "dim")])
            return
        about.label(self.result.facts(number).file.listed.name, "Enter lines")
        self.query_one("#about-text", Prose).show_text(texts.file_text(self.result, number, self.glyphs))

    def _go_to(self, handles: Sequence[str]) -> None:
        """Select the first file that one of these handles names."""
        number = self.result.number_of(handles) if self.result else None
        if number is None:
            return
        if number not in self._kept:
            self._filter = "all"
            self._show_list(0)
        self._list.move_to(self._kept.index(number))

    @on(RowList.Moved, "#file-list")
    def _file_selected(self) -> None:
        self._close_lines()
        self._show_file()
        self.refresh_lines()

    def header_pieces(self) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """How many files, and how many have problems."""
        session, answer = self.session, self.result
        right = []
        if session.snapshot is not None and not session.snapshot.complete:
            right.append(piece(f"{session.done:,} of {session.total:,} files read", "conflict"))
        if answer is not None:
            troubled = len(answer.kept["with problems"])
            right.append(piece(f"{len(answer.listed):,} in metadata/", "text", 2))
            right.append(piece(f"{len(answer.retired):,} retired", "dim", 3))
            right.append(piece(f"{troubled:,} with problems", "conflict" if troubled else "good", 1))
        return (piece("Files", "title"),), right

    def status_pieces(self) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """The selected file."""
        number = self._number
        if self.result is None or number is None:
            return (), ()
        facts = self.result.facts(number)
        place = f"file {self._list.cursor + 1:,} of {len(self._kept):,}"
        return (piece(place, "strong"), piece(safe(facts.file.handle), "text", 1)), ()

    # --- lines ----------------------------------------------------------------------------------------------------

    def action_open(self) -> None:
        """The lines of the selected file, or the list again."""
        if self._lines is not None:
            self._close_lines()
            return
        number = self._number
        if self.result is None or number is None:
            return
        table, place = self.result.place(number)
        facts = table.facts(place)
        if facts.file.fault is not None:
            self.say(f"no lines to show: {safe(facts.file.fault.message)}")
        elif not facts.file.lines:
            self.say("the file is empty")
        else:
            self._take_apart(self.result, number)

    @work(thread=True, exclusive=True, group="lines", exit_on_error=False, description="lines")
    def _take_apart(self, answer: FilesAnswer, number: int) -> None:
        table, place = answer.place(number)
        self.post_message(LinesRead(answer, number, file_lines(table.index, answer.facts(number), place)))

    def on_lines_read(self, message: LinesRead) -> None:
        """Show them, the cursor on the first line that is wrong."""
        if message.answer is not self.result or message.number != self._number:
            return
        lines, glyphs = message.lines, self.glyphs
        self._lines = lines
        self.add_class("-lines")
        wrong = next((each.claim.line - 1 for each in lines.facts.problems), 0)
        rows = MadeRows(len(lines), lambda index, width: line_row(lines, index, width, glyphs))
        listed = self.query_one("#line-list", RowList)
        listed.show(rows, min(wrong, len(lines) - 1))
        name = lines.facts.file.listed.name
        self.query_one("#lines", Panel).label(f"Lines of {name}  {len(lines):,}", "Esc files")
        listed.focus()
        self._show_line()

    @on(RowList.Moved, "#line-list")
    def _show_line(self) -> None:
        if self._lines is None:
            return
        cursor = self.query_one("#line-list", RowList).cursor
        self.query_one("#about", Panel).label(f"Line {cursor + 1:,} in full")
        self.query_one("#about-text", Prose).show_text(line_text(self._lines, cursor))

    def _close_lines(self) -> None:
        if self._lines is not None:
            self._lines = None
            self.remove_class("-lines")
            self._list.focus()
            self._show_file()

    @on(RowList.Opened, "#file-list")
    def _opened(self) -> None:
        self.action_open()

    def action_leave(self) -> None:
        """Back to the list, then to the screen before."""
        if self._lines is not None:
            self._close_lines()
        else:
            super().action_leave()

    # --- finding --------------------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """The next filter that keeps a file."""
        if self.result is None:
            return
        names = list(self.result.kept)
        after = [*names[names.index(self._filter) + 1 :], *names]
        self._close_lines()
        self._filter = next(name for name in after if self.result.kept[name] or name == "all")
        self._hits = ()
        self._show_list(0)
        self.say(f"files: {self._filter}")

    def action_find(self) -> None:
        """Ask for a part of a name."""
        question = AskScreen("Find", "a part of a metadata file's name", check=self._why_not_found)
        self.app.push_screen(question, self._find)

    def _find(self, answer: str | None) -> None:
        if answer and (hits := self._hits_of(answer)):
            self._hits, self._wanted = hits, answer
            self._show_hit(next((at for at in hits if at >= self._list.cursor), hits[0]))

    def _why_not_found(self, answer: str) -> str:
        """Why there is nothing to go to; empty for what is found, and for nothing."""
        return f"no file here has {answer!r} in its name" if answer and not self._hits_of(answer) else ""

    def _hits_of(self, wanted: str) -> tuple[int, ...]:
        """The rows of the list whose names have `wanted` in them."""
        if self.result is None:
            return ()
        names = map(self.result.place, self._kept)
        return tuple(at for at, (table, place) in enumerate(names) if wanted in table.index.files[place].handle)

    def action_find_next(self, step: int) -> None:
        """The next hit; wraps."""
        cursor = self._list.cursor
        behind = [at for at in self._hits if (at > cursor if step > 0 else at < cursor)]
        self._show_hit((behind or self._hits)[0 if step > 0 else -1])

    def _show_hit(self, at: int) -> None:
        self._list.move_to(at)
        self.say(f"{self._hits.index(at) + 1} of {len(self._hits):,}: {safe(self._wanted)}")

    def context(self) -> Context:
        """Whether something was found."""
        return replace(super().context(), searching=bool(self._hits))

    def copy_text(self) -> str:
        """The selected line, or the handle of the selected file."""
        if self._lines is not None:
            return safe(self._lines.raw(self.query_one("#line-list", RowList).cursor, FULL_BYTES))
        number = self._number
        return safe(self.result.facts(number).file.handle) if self.result and number is not None else ""

    def export_document(self) -> dict[str, Any]:
        """Every file that the filter keeps."""
        assert self.result is not None
        return texts.files_document(self.result, self._filter, self.session.location)
