"""How the comparison reads: manifests without holding up the event loop, chunk files in a thread, told as messages."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from textual import work
from textual.message import Message
from textual.worker import get_current_worker

from core.manifests import ContentComparison, judged
from core.manifests.conflicts import Pair as ManifestPair
from tui.comparison import Comparison, Content, ContentPhase, Pair, Side
from tui.manifest_reading import read_side, size_up
from tui.screens.preview import PreviewScreen
from tui.texts.compare import Effects
from tui.widgets.compare_bars import Agreement, agreement_of

if TYPE_CHECKING:
    from core.engine import Engine


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

    @work(exclusive=True, group="manifests", exit_on_error=False, description="manifests")
    async def read_sides(self, pair: Pair) -> None:
        """Read both manifests."""
        engine = self.seamline.engine
        if engine is not None:
            a, b = await asyncio.gather(*(read_side(engine.reader, entry) for entry in pair))
            self.post_message(SidesRead(pair, (a, b)))

    @work(thread=True, exclusive=True, group="chunks", exit_on_error=False, description="chunks")
    def look_up_chunks(self, engine: Engine, comparison: Comparison, known: ContentComparison | None) -> None:
        """Look up the chunk files of both, telling progress; then what is known of their records, if anything is."""
        worker = get_current_worker()
        step = comparison
        for step in size_up(engine.reader, comparison):
            if worker.is_cancelled:
                return
            agreement = agreement_of(step.chunks, step.lane) if step.chunks else ()
            self.post_message(Compared(comparison.pair, step, agreement))
        known = known or engine.known_comparison(ManifestPair(comparison.lane, *comparison.key))
        if known is not None and step.chunks is not None and not worker.is_cancelled:
            content = known_content(step, known)
            agreement = agreement_of(content.chunks or step.chunks, step.lane)
            self.post_message(Compared(comparison.pair, replace(step, content=content), agreement))


def known_content(comparison: Comparison, result: ContentComparison) -> Content:
    """What is known once the records were compared. Goes over all chunks: meant for a worker thread."""
    chunks = judged(comparison.chunks, result) if comparison.chunks else None
    return Content(ContentPhase.KNOWN, result=result, chunks=chunks)
