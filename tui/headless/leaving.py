"""How the process ends: at once, also where threads still wait for answers of a storage that nobody wants any more."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from typing import NoReturn


def leave(code: int) -> NoReturn:
    """End the process with an exit code, what was printed being out."""
    if threading.active_count() > 1:
        from core.storage.objects.waiting import some_left_behind

        if some_left_behind():
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError, ValueError, AttributeError):
                    stream.flush()
            os._exit(code)
    sys.exit(code)
