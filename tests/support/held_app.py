"""The real command on a storage that is slow: `held_app GATE STEPS WORDS...`.

After so many steps each further one waits for a file called `go` in the folder GATE before it begins.
"""

from __future__ import annotations

import sys
import time
from itertools import count
from pathlib import Path

from core.storage.local.writer import LocalWriter
from tui.headless.main import main


def hold(gate: Path, steps: int) -> None:
    """Let so many steps pass."""
    passed, link, move = count(), LocalWriter.link, LocalWriter.move

    def wait() -> None:
        if next(passed) >= steps:
            while not (gate / "go").exists():
                time.sleep(0.01)

    def held_link(self: LocalWriter, source: str, handle: str) -> None:
        wait()
        link(self, source, handle)

    def held_move(self: LocalWriter, source: str, target: str) -> None:
        wait()
        move(self, source, target)

    LocalWriter.link, LocalWriter.move = held_link, held_move  # type: ignore[method-assign]


if __name__ == "__main__":
    hold(Path(sys.argv[1]), int(sys.argv[2]))
    sys.argv[1:] = sys.argv[3:]
    main()
