"""The compaction preview: what stock would write, group by group, where it would stop and why; and what we do instead.

Nothing is written here: Enter opens the change set, where nothing stands in the way of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Container

from core.compaction import CompactionPlan, CompactionPreview
from core.errors import StoreUnreachable, UsageError
from core.index import Index
from core.invocation import Compact
from core.model import Entry, LaneKind
from core.picture import Picture
from core.stock import CompactionOptions
from tui import proposal as proposals
from tui.commands import Context, Screens
from tui.screens.ask import AskScreen
from tui.screens.preview import PreviewScreen
from tui.state import Session
from tui.texts import compaction as texts
from tui.texts.compaction_groups import GroupItem, GroupItems, group_row, tally_text
from tui.texts.compaction_plan import obstacle, plan_text
from tui.texts.compaction_stop import is_overlap
from tui.widgets.bands import Bands
from tui.widgets.compaction_strips import AfterLane, Strips, after_lane
from tui.widgets.line import Line, Piece, piece
from tui.widgets.panel import Panel
from tui.widgets.prose import Prose
from tui.widgets.rows import MadeRows, RowList

_SEPARATORS: Final = re.compile(r"[\s,]+")
_EXAMPLE: Final = "epoch, txn, state: 100, 100, 100"


@dataclass(frozen=True, slots=True, eq=False)
class CompactionAnswer:
    """What stock would do, ready to be drawn; and what we would do: `plan`, or why there is none, `unplanned`."""

    preview: CompactionPreview
    plan: CompactionPlan | None
    unplanned: str
    picture: Picture
    after: dict[LaneKind, AfterLane]


class CompactionScreen(PreviewScreen[CompactionAnswer]):
    """Groups, the reason of a stop, files."""

    SCREEN = Screens.COMPACTION
    CSS_PATH = "compaction.tcss"
    AUTO_FOCUS = "#group-list"

    def __init__(self) -> None:
        super().__init__()
        self._items: GroupItems | None = None
        self._file_numbers: dict[str, int] = {}
        self._before: list[str] = []

    # --- asking ---------------------------------------------------------------------------------------------------

    def question(self) -> tuple[Hashable, Callable[[], CompactionAnswer]] | None:
        """The preview at the factors that were wished for."""
        engine, snapshot, picture = self.seamline.engine, self.session.snapshot, self.session.picture
        report = self.session.report
        if engine is None or snapshot is None or picture is None:
            return None
        options = self._options

        def run() -> CompactionAnswer:
            plan, unplanned = None, ""
            try:
                plan = engine.plan_compaction(snapshot, options, report)
            except StoreUnreachable as unreachable:
                unplanned = unreachable.message
            preview = plan.preview if plan else engine.preview_compaction(snapshot, options)
            after = {lane.kind: after_lane(preview, picture.lanes[lane.kind], lane) for lane in preview.lanes}
            return CompactionAnswer(preview, plan, unplanned, picture, after)

        return (snapshot, options), run

    @property
    def _options(self) -> CompactionOptions:
        epochs, transactions, snapshots = self.seamline.wishes.factors
        return CompactionOptions(epochs, snapshots, transactions)

    def action_factors(self) -> None:
        """Ask for other factors."""
        now = ", ".join(str(factor) for factor in self.seamline.wishes.factors)
        question = AskScreen("Lines per file: epoch, txn, state", _EXAMPLE, now, _why_no_factors)
        self.app.push_screen(question, self._take_factors)

    def _take_factors(self, answer: str | None) -> None:
        if answer is not None:
            self.seamline.wishes = replace(self.seamline.wishes, factors=parse_factors(answer))
            self.ask()

    # --- what is shown --------------------------------------------------------------------------------------------

    def compose_preview(self) -> ComposeResult:
        """Strips and panels."""
        yield Bands(id="strips")
        with Container(id="parts"):
            yield Panel(RowList(selectable=False, id="before-list"), id="before")
            yield Panel(RowList(id="group-list"), id="groups")
            yield Panel(Prose(id="why-text"), id="why")
            yield Panel(Prose(id="files-text"), title="Files", id="files")
        yield Line(id="twin")

    @property
    def preview(self) -> CompactionPreview | None:
        """The preview that is shown."""
        return self.result.preview if self.result else None

    @property
    def _index(self) -> Index:
        assert self.result is not None
        return self.result.preview.run.index

    def show_result(self) -> None:
        """Another preview: the cursor goes to what is wrong in it."""
        assert self.result is not None
        preview, glyphs = self.result.preview, self.glyphs
        items = self._items = GroupItems(preview)
        self._file_numbers = {file.handle: number for number, file in enumerate(self._index.files)}
        rows = MadeRows(len(items), lambda index, width: group_row(items, index, width, glyphs))
        self.query_one("#group-list", RowList).show(rows, items.first_trouble)
        self.query_one("#groups", Panel).label("Groups, in stock's order", tally_text(preview))
        self._show_plan()
        self.show_twin(self.copy_text())
        self._show_group()

    def _show_plan(self) -> None:
        """What becomes of the files, with stock and with us."""
        assert self.result is not None
        brief = self.result.preview.stop is not None or not self.has_class("-tall")
        ours = plan_text(self.result.plan, self.result.unplanned, self.session, brief=brief)
        self.query_one("#files-text", Prose).show_text([*ours, *texts.files_text(self.result.preview)])
        self.query_one("#files", Panel).label("Files", "" if self._why_not() else "Enter compact now")

    def _why_not(self) -> str | None:
        """Why no change set can be opened; None also while an interrupted operation is to be finished first."""
        if self.result is None:
            return "there is no preview"
        return None if self.session.interrupted else obstacle(self.result.plan, self.result.unplanned)

    def _item(self) -> GroupItem | None:
        rows = self.query_one("#group-list", RowList)
        return self._items.item(rows.cursor) if self._items is not None and len(self._items) else None

    @on(RowList.Moved, "#group-list")
    def _group_selected(self) -> None:
        self._show_group()
        self.refresh_lines()

    def _show_group(self) -> None:
        """The strips, the story and the files of the selected row."""
        assert self.result is not None
        preview, item = self.result.preview, self._item()
        why = self.query_one("#why-text", Prose)
        self.query_one("#why", Panel).label(
            texts.why_title(item, preview), "Enter compare A and B" if self._pair() else ""
        )
        why.show_text(texts.why_text(preview, item, self.size.width, self.glyphs, brief=not self.has_class("-tall")))
        self._show_before(item)
        self._draw(item)

    def _show_before(self, item: GroupItem | None) -> None:
        self._before = [] if item is None or item.more else texts.holding_files(item.lane, item.number)
        index, names, numbers, glyphs = self._index, self._before, self._file_numbers, self.glyphs
        self.query_one("#before-list", RowList).show(texts.before_rows(names, index, numbers, glyphs), 0)
        title = f"Before: {len(names):,} of {len(index.files):,} metadata files hold these lines"
        self.query_one("#before", Panel).label(title)

    def _draw(self, item: GroupItem | None) -> None:
        assert self.result is not None
        preview = self.result.preview
        kind = item.lane.kind if item else LaneKind.TRANSACTIONS
        written = preview.written if preview.stop else preview.written_if_whole
        labelled = self.has_class("-tall")
        counts = (preview.files_before, written)
        strips = Strips(self.result.picture, kind, self.result.after[kind], counts, labelled, self.lane_room)
        self.query_one("#strips", Bands).show(lambda width: strips.rows(width, self.glyphs), strips.height)

    def on_resize(self) -> None:
        """The table around a stop is made for the width."""
        super().on_resize()
        if self.result is not None:
            self.call_after_refresh(self._show_plan)
            self.call_after_refresh(self._show_group)

    def session_changed(self, before: Session, now: Session) -> None:
        """Ask anew when the store was read anew; go to the group of a problem that is stepped to."""
        super().session_changed(before, now)
        if self.result is not None and before.zone != now.zone:
            self._go_to_zone()

    def _go_to_zone(self) -> None:
        zone, items = self.session.current_zone, self._items
        if zone is not None and items is not None and zone.first is not None:
            place = items.place_of_range(zone.lane, zone.first)
            if place is not None:
                self.query_one("#group-list", RowList).move_to(place)

    def header_pieces(self) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """That nothing is written, and the factors."""
        wide = self.size.width >= 120
        dry = "dry run: nothing is written, moved or deleted" if wide else "dry run, nothing is written"
        epochs, transactions, snapshots = (f"{factor:,}" for factor in self.seamline.wishes.factors)
        short = f"factors {epochs}, {transactions}, {snapshots}"
        usual = self._options.are_stocks
        factors = f"{short}: stock's" if usual else short
        if wide:
            whose = "   (stock's default)" if usual else ""
            factors = f"lines per file   epoch {epochs}   txn {transactions}   state {snapshots}{whose}   e change"
        return (piece("Compaction preview", "title"), piece(dry, "good", 1)), (piece(factors, "strong", 2, short),)

    def status_pieces(self) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """The selected group."""
        if self.result is None:
            return (), ()
        words = texts.status_text(self._item())
        return [piece(word, "text", number) for number, word in enumerate(words)], ()

    # --- what can be done -----------------------------------------------------------------------------------------

    def _pair(self) -> tuple[Entry, Entry] | None:
        """The two lines that stop the run, where they overlap and their group is selected."""
        preview, item = self.preview, self._item()
        stop = preview.stop if preview else None
        if preview is None or stop is None or stop.row is None or item is None or not is_overlap(preview):
            return None
        if item.more or (item.lane.kind, item.number) != (stop.lane, stop.group):
            return None
        lane = item.lane.groups.lane
        return lane.entry(stop.row - 1), lane.entry(stop.row)

    def context(self) -> Context:
        """Whether there is something to compare, and what stands in the way of compacting."""
        return replace(super().context(), has_entry=self._pair() is not None, obstacle=self._why_not())

    def action_open(self) -> None:
        """Compare A and B, or open the change set; what was interrupted comes first."""
        from tui.screens.change import ChangeScreen
        from tui.screens.compare import CompareScreen

        pair, answer = self._pair(), self.result
        if pair is not None:
            self.app.push_screen(CompareScreen(pair))
        elif self.session.interrupted:
            self.app.push_screen(ChangeScreen(proposals.interrupted))
        elif answer is not None and answer.plan is not None and answer.plan.change_set is not None:
            change, repairs, options = answer.plan.change_set, answer.plan.repairs, self._options
            self.app.push_screen(
                ChangeScreen(lambda _, session: proposals.compaction(session, change, repairs, options))
            )

    def copy_text(self) -> str:
        """The headless twin."""
        return self.line(Compact(options=self._options, dry_run=True, json=True))

    def export_document(self) -> dict[str, Any]:
        """The document of the headless twin."""
        from tui.headless.documents.check import stock_fields
        from tui.headless.documents.compaction import compaction_document

        report, answer = self.session.report, self.result
        assert report is not None and answer is not None
        if answer.plan is None:
            raise StoreUnreachable(answer.unplanned)
        waiting = [files.id for files in self.session.interrupted]
        stock = stock_fields(report.verdict)
        return compaction_document(answer.plan, self.session.location, stock, None, interrupted=waiting)


def _why_no_factors(answer: str) -> str:
    try:
        parse_factors(answer)
    except UsageError as error:
        return error.message
    return ""


def parse_factors(answer: str) -> tuple[int, int, int]:
    """Three factors in the tool's order, or one for all three. Raises `UsageError`."""
    words = [word.replace("_", "") for word in _SEPARATORS.split(answer.strip()) if word]
    if len(words) not in {1, 3} or not all(word.isdecimal() and word.isascii() for word in words):
        raise UsageError("type three numbers, for epoch, txn and state, or one for all three")
    if any(len(word) > 20 for word in words):
        raise UsageError("a factor has at most 20 digits")
    factors = [int(word) for word in words] * (3 // len(words))
    if 0 in factors:
        raise UsageError('0 is refused: with it stock aborts with "chunk size must be non-zero"')
    epochs, transactions, snapshots = factors
    CompactionOptions(epochs, snapshots, transactions)
    return epochs, transactions, snapshots
