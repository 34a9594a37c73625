"""Ctrl-C, or being asked to end, while something is written: it ends between two steps, never in the middle of one.

SIGTERM is what Kubernetes sends, SIGHUP what a terminal that closes sends: both give the lease back, as Ctrl-C does.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

from tui.headless.capabilities import on_terminal, status_line

_ASKS_TO_END: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop:
    """Whether the operator wants no more; whoever writes looks at it between two steps."""

    def __init__(self) -> None:
        self.requested = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Inside, Ctrl-C and its like ask to stop and interrupt nothing; those that are ignored stay so."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in _ASKS_TO_END}
        heard = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
        for number in heard:
            signal.signal(number, self._request)
        try:
            yield
        finally:
            for number in heard:
                signal.signal(number, before[number])

    def _request(self, _signal: int, _frame: FrameType | None) -> None:
        self.requested = True
        if on_terminal():
            # Past the stream's buffer, which this may have interrupted; a terminal that hung up takes nothing.
            with suppress(OSError):
                os.write(sys.stderr.fileno(), f"{status_line('')}seamline: stopping after this step\n".encode())
