"""How the comparison reads: manifests without holding up the event loop, chunk files in a thread, told as messages."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import work
from textual.message import Message
from textual.worker import get_current_worker

from tui.comparison import Comparison, Pair, Side
from tui.manifest_reading import read_side, size_up
from tui.screens.preview import PreviewScreen
from tui.texts.compare import Effects
from tui.widgets.compare_bars import Agreement, agreement_of

if TYPE_CHECKING:
    from core.storage import StoreReader


@dataclass
class SidesRead(Message):
    """Both manifests are read, or it is known why not."""

    pair: Pair
    sides: tuple[Side, Side]


@dataclass
class Compared(Message):
    """The chunks as far as they are looked up; with all of them also where they agree."""

    pair: Pair
    comparison: Comparison
    agreement: Agreement

    def can_replace(self, message: Message) -> bool:
        """A flood of progress collapses to the newest."""
        return isinstance(message, Compared) and message.pair == self.pair


class ReadingScreen(PreviewScreen[Effects]):
    """The two readers of the comparison; only the newest of each goes on."""

    @work(exclusive=True, group="manifests", exit_on_error=False)
    async def read_sides(self, pair: Pair) -> None:
        """Read both manifests."""
        engine = self.seamline.engine
        if engine is not None:
            a, b = await asyncio.gather(*(read_side(engine.reader, entry) for entry in pair))
            self.post_message(SidesRead(pair, (a, b)))

    @work(thread=True, exclusive=True, group="chunks", exit_on_error=False)
    def look_up_chunks(self, reader: StoreReader, comparison: Comparison) -> None:
        """Look up the chunk files of both, telling progress."""
        worker = get_current_worker()
        for step in size_up(reader, comparison):
            if worker.is_cancelled:
                return
            agreement = agreement_of(step.chunks, step.lane) if step.chunks else ()
            self.post_message(Compared(comparison.pair, step, agreement))
