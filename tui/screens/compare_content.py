"""Comparing the records of both sides inside the screen: its size first, then progress, then what came of it.

Reading happens in a thread, and ends when somebody stops it, looks at another pair, or leaves.
"""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from textual import work
from textual.message import Message
from textual.worker import Worker, WorkerState, get_current_worker

from core.manifests.conflicts import Pair as ManifestPair
from tui.comparison import Comparison, Content, ContentPhase, Pair, to_read
from tui.screens.compare_reading import ReadingScreen, known_content
from tui.widgets.compare_bars import Agreement, agreement_of

if TYPE_CHECKING:
    from core.engine import Engine

#: Progress is told no more often than this.
TELL_SECONDS: Final = 0.2


@dataclass
class RecordsRead(Message):
    """So many bytes of both sides have been read."""

    pair: Pair
    done: int

    def can_replace(self, message: Message) -> bool:
        """A flood of progress collapses to the newest."""
        return isinstance(message, RecordsRead) and message.pair == self.pair


@dataclass
class RecordsCompared(Message):
    """What came of it; without a `content` it was stopped."""

    pair: Pair
    content: Content | None
    agreement: Agreement = ()


class ContentScreen(ReadingScreen):
    """`v` and Escape."""

    def __init__(self) -> None:
        super().__init__()
        self.comparison: Comparison | None = None
        self.agreement: Agreement = ()
        self._stop = threading.Event()

    @abstractmethod
    def show_everything(self) -> None:
        """Show the comparison anew."""

    @abstractmethod
    def show_meaning(self) -> None:
        """Show only the words anew."""

    def why_no_content(self) -> str | None:
        """Why records can't be compared now."""
        comparison = self.comparison
        if comparison is None:
            return "there is nothing to compare"
        if comparison.content and comparison.content.phase is ContentPhase.RUNNING:
            return "it is at work: Esc stops it"
        if any(not side.read for side in comparison.sides):
            return "the manifests are still being read"
        if any(side.manifest is None for side in comparison.sides):
            return "a manifest can't be read"
        if comparison.overlap is None:
            return "these two do not overlap"
        if comparison.chunks is None or any(side.chunk_bytes is None for side in comparison.sides):
            return "sizes are still being looked up"
        return None

    def action_compare_content(self) -> None:
        """Say what would be read; a second time, begin."""
        comparison, engine = self.comparison, self.seamline.engine
        assert comparison is not None and engine is not None
        before = comparison.content
        if before is None or before.phase is not ContentPhase.OFFERED:
            kept = before or Content(ContentPhase.OFFERED)
            self._take_content(replace(kept, phase=ContentPhase.OFFERED, to_read=to_read(comparison), done=0))
            return
        self._take_content(replace(before, phase=ContentPhase.RUNNING))
        self._stop = threading.Event()
        self._compare_records(engine, comparison, self._stop)

    def action_leave(self) -> None:
        """Stop comparing, or take the offer back, or else leave."""
        content = self.comparison.content if self.comparison else None
        if content is not None and content.phase is ContentPhase.RUNNING:
            self._stop.set()
            self.say("stopping")
        elif content is not None and content.phase is ContentPhase.OFFERED:
            known = replace(content, phase=ContentPhase.KNOWN) if content.result else None
            self._take_content(known)
        else:
            super().action_leave()

    def on_unmount(self) -> None:
        """Nobody waits any more."""
        self._stop.set()

    def _take_content(self, content: Content | None) -> None:
        if self.comparison is not None:
            self.comparison = replace(self.comparison, content=content)
            self.show_meaning()
            self.refresh_lines()

    @work(thread=True, exclusive=True, group="records", exit_on_error=False, description="records")
    def _compare_records(self, engine: Engine, comparison: Comparison, stop: threading.Event) -> None:
        worker, pair = get_current_worker(), comparison.pair
        told = _Told(lambda done: self.post_message(RecordsRead(pair, done)))
        wanted = ManifestPair(comparison.lane, *comparison.key)
        result = engine.compare_records(wanted, told, lambda: stop.is_set() or worker.is_cancelled)
        if result is None:
            self.post_message(RecordsCompared(pair, None))
            return
        content = known_content(comparison, result)
        assert content.chunks is not None
        self.post_message(RecordsCompared(pair, content, agreement_of(content.chunks, comparison.lane)))

    def on_records_read(self, message: RecordsRead) -> None:
        """Show how far it is."""
        content = self.comparison.content if self.comparison and self.comparison.pair == message.pair else None
        if content is not None and content.phase is ContentPhase.RUNNING:
            self._take_content(replace(content, done=message.done))

    def on_records_compared(self, message: RecordsCompared) -> None:
        """Show what came of it, and remember it."""
        comparison = self.comparison
        if comparison is None or comparison.pair != message.pair or comparison.content is None:
            return
        if message.content is None:
            self._take_content(replace(comparison.content, phase=ContentPhase.STOPPED))
            return
        self.comparison = replace(comparison, content=message.content)
        self.agreement = message.agreement or self.agreement
        assert message.content.result is not None
        session = self.session
        self.seamline.session = replace(session, compared={**session.compared, comparison.key: message.content.result})
        self.show_everything()
        self.go_to_difference()

    @abstractmethod
    def go_to_difference(self) -> None:
        """Bring the first difference into view."""

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A fault of the program ends the comparing as well."""
        super().on_worker_state_changed(event)
        if event.worker.group == "records" and event.state is WorkerState.ERROR and self.comparison is not None:
            content = self.comparison.content
            self._take_content(replace(content, phase=ContentPhase.STOPPED) if content else None)


class _Told:
    """Hears of bytes after each block, and tells of them now and then."""

    def __init__(self, tell: Callable[[int], object]) -> None:
        self._tell = tell
        self._next = 0.0

    def __call__(self, done: int) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + TELL_SECONDS
            self._tell(done)
