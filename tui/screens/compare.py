"""Two competing manifests side by side: what they hold, what it means, and what choosing either of them does.

The manifests are read without holding up the event loop, their chunk files looked up in a thread, their records
compared in another once somebody wishes so. Nothing is written to the store: a choice is noted on this machine, and the
previews of restore and repair follow it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Vertical

from core.choices import neighbours, weigh
from core.invocation import Check, RestorePlan
from core.model import Finding
from tui.commands import Context, Screens
from tui.comparison import LETTERS, Comparison, Pair, Side, in_stock_order
from tui.here import pairs_at
from tui.numbers import counted
from tui.recovering import options_of
from tui.screens.compare_choosing import ChoosingScreen
from tui.screens.compare_reading import Compared, SidesRead
from tui.state import Session, Wishes
from tui.texts.common import lane_span
from tui.texts.compare import Effects, compare_document, meaning_text
from tui.texts.compare_chunks import ChunkTable
from tui.texts.compare_side import side_text
from tui.texts.notes import note_words
from tui.texts.summary import ordinal
from tui.widgets.bands import Bands
from tui.widgets.compare_bars import CompareBars
from tui.widgets.line import Line, Piece, piece
from tui.widgets.panel import Panel
from tui.widgets.prose import Paragraph, Prose, text
from tui.widgets.rows import FixedRows, MadeRows, RowList


class CompareScreen(ChoosingScreen):
    """Bars, both sides, chunks, meaning."""

    SCREEN = Screens.COMPARE
    CSS_PATH = "compare.tcss"
    AUTO_FOCUS = "#chunk-list"

    def __init__(self, pair: Pair | None = None) -> None:
        """Compare `pair`; without one, what competes at the cursor."""
        super().__init__()
        self._pairs: tuple[Pair, ...] = () if pair is None else (in_stock_order(*pair),)
        self._only_differing = False
        self._waiting = ""
        self._table: ChunkTable | None = None
        self._row_chosen = False

    # --- which two ------------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """The pair that was given, else the one at the cursor."""
        number = 0
        if not self._pairs:
            self._pairs, number = pairs_at(self.session)
        self._take(number)
        super().on_mount()

    def session_changed(self, before: Session, now: Session) -> None:
        """Another problem: its entries; another look at the store: what it does to the choices."""
        if before.place != now.place and before.zones is now.zones and now.zone is not None:
            self._pairs, number = pairs_at(now)
            self._take(number)
        elif before.zones is not now.zones:
            self.find_zone()
        super().session_changed(before, now)
        self.weigh_repairs()

    def action_other_side(self) -> None:
        """The next two entries of this problem that compete."""
        if len(self._pairs) < 2:
            self.say("these are the only two of this problem that compete")
            return
        assert self.comparison is not None
        self._take(self.comparison.number % len(self._pairs))
        self.ask()

    def _take(self, number: int) -> None:
        """Begin with another pair."""
        self.result = None
        self._asked = None
        self.agreement = ()
        self._stop.set()
        self._row_chosen = False
        if not self._pairs:
            self.comparison = None
            self.find_zone()
            zone = self.session.current_zone
            what = (
                f"{zone.title}: no two manifests compete here"
                if zone
                else "no problem is selected, and no two ranges are kept"
            )
            super()._notice([text(f"Nothing to compare. {what[:1].upper()}{what[1:]}.", "strong")])
            return
        a, b = self._pairs[number]
        self.comparison = Comparison((Side(a), Side(b)), number + 1, len(self._pairs))
        self.find_zone()
        self.remove_class("-nothing")
        self.weigh_repairs()
        self.show_everything()
        self.read_sides((a, b))

    # --- reading --------------------------------------------------------------------------------------------------

    def on_sides_read(self, message: SidesRead) -> None:
        """Show them, and look up their chunk files."""
        comparison = self.comparison
        if comparison is not None and comparison.pair == message.pair:
            self.comparison = replace(comparison, sides=message.sides)
            self.show_everything()
            assert self.seamline.engine is not None
            known = self.session.compared.get(self.comparison.key)
            self.look_up_chunks(self.seamline.engine, self.comparison, known)

    def on_compared(self, message: Compared) -> None:
        """Show how far it is."""
        if self.comparison is not None and self.comparison.pair == message.pair:
            known = message.comparison
            if known.chunks is None:
                known = replace(known, chunks=self.comparison.chunks)
            if self.comparison.content is not None:
                known = replace(known, content=self.comparison.content)
            self.comparison = known
            self.agreement = message.agreement or self.agreement
            self.show_everything()

    def question(self) -> tuple[Hashable, Callable[[], Effects]] | None:
        """What choosing either of the two does."""
        snapshot, comparison = self.session.snapshot, self.comparison
        if snapshot is None or comparison is None:
            return None
        a, b = comparison.pair
        lane = snapshot.index.lanes[comparison.lane]

        def run() -> Effects:
            return Effects(weigh(snapshot, a, b), (neighbours(lane, a), neighbours(lane, b)))

        return (snapshot, a, b), run

    def _notice(self, sentence: list[Paragraph]) -> None:
        """Without the effects the comparison is still worth showing: the sentence stands in their place."""
        if self.comparison is None:
            super()._notice(sentence)
        else:
            self._waiting = " ".join("".join(words for words, _ in each.runs) for each in sentence)
            self.show_meaning()

    # --- what is shown --------------------------------------------------------------------------------------------

    def compose_preview(self) -> ComposeResult:
        """Bars and panels."""
        yield Bands(id="bars")
        with Container(id="parts"):
            with Container(id="sides"):
                yield Panel(Prose(id="text-a"), title="A", id="side-a")
                yield Panel(Prose(id="text-b"), title="B", id="side-b")
            with Container(id="below"):
                yield Panel(Vertical(Bands(id="chunk-heading"), RowList(id="chunk-list")), id="chunks")
                yield Panel(Prose(id="meaning-text"), title="What this means", id="meaning")
        yield Line(id="twin")

    def show_result(self) -> None:
        """The effects are known."""
        self.show_everything()

    def show_everything(self) -> None:
        comparison = self.comparison
        if comparison is None or not self.is_mounted:
            return
        bars = CompareBars(
            comparison, self.agreement, agreeing=self._tall and bool(self.agreement), room=self.lane_room
        )
        self.query_one("#bars", Bands).show(lambda width: bars.rows(width, self.glyphs), bars.height)
        self._show_sides(comparison)
        self._show_chunks(comparison)
        self.show_meaning()
        self.show_twin(self.copy_text())
        self.refresh_lines()

    @property
    def _tall(self) -> bool:
        return self.has_class("-tall") and self.has_class("-wide")

    def _show_sides(self, comparison: Comparison) -> None:
        chosen = self.chosen
        for place, name in enumerate("ab"):
            around = self.result.around[place] if self.result else None
            prose = self.query_one(f"#text-{name}", Prose)
            prose.show_text(side_text(comparison, place, around, prose.size.width, self.glyphs))
            mark = LETTERS[place]
            if place == chosen:
                mark += "  chosen, can't be used" if self.chosen_chain and not self.chosen_chain.used else "  chosen"
            self.query_one(f"#side-{name}", Panel).label(mark, "" if place == chosen else f"{name} choose")

    def _show_chunks(self, comparison: Comparison) -> None:
        panel, listed = self.query_one("#chunks", Panel), self.query_one("#chunk-list", RowList)
        heading = self.query_one("#chunk-heading", Bands)
        chunks = comparison.known_chunks
        if chunks is None:
            self._table = None
            listed.show(FixedRows(), 0)
            heading.show(lambda width: (), 1)
            panel.label("Chunks in the overlap")
            return
        table = self._table = ChunkTable(chunks, comparison.lane, self.glyphs, self._only_differing)
        start = listed.cursor if self._row_chosen else table.first_difference
        listed.show(MadeRows(len(table.shown), table.row), start)
        heading.show(lambda _: (table.heading(listed.row_width),), 1)
        panel.label(f"Chunks in the overlap  {len(chunks.rows):,}", table.counts())

    def show_meaning(self) -> None:
        comparison = self.comparison
        if comparison is None or not self.is_mounted:
            return
        story = meaning_text(comparison, self.result, self.repairs, self._findings(), self.chosen, self._waiting)
        self.query_one("#meaning-text", Prose).show_text(story)
        hint = "" if comparison.content else "v compare the records"
        self.query_one("#meaning", Panel).label("What this means", hint)

    def _findings(self) -> Sequence[Finding]:
        """The findings of the problem that both entries are in."""
        zone = self.marked_zone()
        return zone.findings if zone else ()

    def go_to_difference(self) -> None:
        """The first chunks whose records differ."""
        if self._table is not None and self._table.differing:
            self.query_one("#chunk-list", RowList).move_to(self._table.first_difference)

    def context(self) -> Context:
        """Why records can't be compared, and whether there is a problem to note on."""
        return replace(super().context(), obstacle=self.why_no_content(), has_zone=self._zone is not None)

    @on(RowList.Moved, "#chunk-list")
    def _chunk_selected(self) -> None:
        self._row_chosen = True
        self.refresh_lines()

    def on_resize(self) -> None:
        """Other panels where there is room."""
        super().on_resize()
        self.call_after_refresh(self.show_everything)

    def header_pieces(self) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """The problem, the lane, what both cover."""
        comparison, zone = self.comparison, self.session.current_zone
        if comparison is None:
            return (piece("Compare", "title"),), ()
        title = "Compare"
        if zone is not None and self._findings() is zone.findings:
            title = f"{zone.title[:1].upper()}{zone.title[1:]} {ordinal(self.session, self.session.zone)}"
        left = [piece(title, "title", 4, "Compare"), piece(comparison.lane.short, "dim", 3)]
        if comparison.overlap is None:
            left.append(piece("no overlap", "text"))
        else:
            first, last = comparison.overlap
            left.append(piece(lane_span(comparison.lane, first, last), "strong"))
            left.append(piece(counted(last + 1 - first, comparison.lane.unit), "text", 2))
        right = [piece(f"pair {comparison.number} of {comparison.count}", "dim", 5)] if comparison.count > 1 else []
        noted = note_words(self.session, self._zone, self.glyphs)
        return left, [*right, *([piece(*noted, 6, noted[0].partition(":")[0])] if noted else [])]

    def status_pieces(self) -> tuple[Sequence[Piece], Sequence[Piece]]:
        """The selected chunks."""
        if self._table is None or not self._table.shown:
            return (), ()
        cursor = self.query_one("#chunk-list", RowList).cursor
        words = self._table.status(min(cursor, len(self._table.shown) - 1))
        return [piece(each, "text", number) for number, each in enumerate(words)], ()

    # --- what can be done -----------------------------------------------------------------------------------------

    def action_difference(self, step: int) -> None:
        """The next or previous row that neither seems equal nor is; wraps, and says so."""
        table, listed = self._table, self.query_one("#chunk-list", RowList)
        if table is None or not table.differing:
            self.say("no chunks differ")
            return
        beyond = [at for at in table.differing if (at > listed.cursor if step > 0 else at < listed.cursor)]
        if not beyond:
            self.say(f"from the {'first' if step > 0 else 'last'} difference again")
        listed.move_to((beyond or table.differing)[0 if step > 0 else -1])

    def action_only_differences(self) -> None:
        """Only the rows that differ, or all again."""
        if self.comparison is None or self.comparison.chunks is None:
            return
        self._only_differing = not self._only_differing
        self._row_chosen = False
        self._show_chunks(self.comparison)
        self.say("only chunks that differ" if self._only_differing else "all chunks")

    def copy_text(self) -> str:
        """The headless twin: with a choice the restore plan that follows it, else the check that looks as deep."""
        if self.comparison is not None and self.chosen is not None:
            wishes = options_of(Wishes(choices=(self.comparison.pair[self.chosen],)))
            return self.line(RestorePlan(wishes=wishes, json=True))
        if self.comparison is not None and self.comparison.content is not None:
            return self.line(Check(level=5, manifests="conflicting", json=True))
        return self.line(Check(level=3, json=True))

    def action_export(self) -> None:
        """Write the comparison, whether its effects are known or not."""
        if self.comparison is None:
            self.say("nothing to export")
        else:
            self._export()

    def export_document(self) -> dict[str, Any]:
        """Both sides, their chunks, and what a choice does."""
        assert self.comparison is not None
        return compare_document(self.comparison, self.result, self.chosen, self.session.location)
