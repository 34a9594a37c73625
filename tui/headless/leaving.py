"""How the process ends: soon, also where threads still wait for answers of a storage that nobody wants any more."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Final, NoReturn

#: Seconds for which threads are waited for that were told to stop.
_PATIENCE: Final = 2.0


def leave(code: int) -> NoReturn:
    """End the process with an exit code, what was printed being out."""
    if not _is_said() or (threading.active_count() > 1 and not _are_over()):
        if "core.storage.command.process" in sys.modules:
            from core.storage.command.process import end_all

            end_all()
        os._exit(code)
    sys.exit(code)


def _is_said() -> bool:
    """Whether what was printed is out: Python would try again at its end, and end with another code."""
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except (OSError, ValueError):
        return False
    return True


def _are_over() -> bool:
    """Whether all threads have ended that Python would wait for; those of an object store are not waited for."""
    from core.storage.objects.waiting import some_left_behind

    deadline = time.monotonic() + _PATIENCE
    while not some_left_behind():
        alive = [each for each in threading.enumerate() if not each.daemon and each is not threading.main_thread()]
        if not alive:
            return True
        alive[0].join(max(0.0, deadline - time.monotonic()))
        if time.monotonic() >= deadline:
            return False
    return False
