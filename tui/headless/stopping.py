"""Ctrl-C while something is written: it ends between two steps, never in the middle of one."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stop:
    """Whether the operator wants no more; whoever writes looks at it between two steps."""

    def __init__(self) -> None:
        self.requested = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Inside, Ctrl-C asks to stop and interrupts nothing."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGINT, self._request)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _request(self, _signal: int, _frame: FrameType | None) -> None:
        self.requested = True
        if sys.stderr is not None and sys.stderr.isatty():
            sys.stderr.write("\r\x1b[2Kseamline: stopping after this step\n")
