"""What every command that reads a store needs: the clock, an engine on the store, a whole look at it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.engine import Engine
    from core.host import Host
    from core.snapshot import Snapshot, Watch


class SystemHost:
    """The machine that the command runs on."""

    def now(self) -> float:
        """Wall clock, unix seconds."""
        return time.time()


def connect(store: str, host: Host) -> Engine:
    """An engine on a store. Raises `UsageError` or `StoreUnreachable`; imports numpy."""
    from core.engine import Engine
    from core.storage import reader_for

    return Engine(reader_for(store), host)


def look(engine: Engine, watch: Watch | None = None) -> Snapshot:
    """Read all metadata. Raises `StoreUnreachable`, and `Stopped` when not everything was read."""
    from core.errors import Stopped
    from tui.headless.progress import follower

    snapshot = engine.look(watch or follower())
    if not snapshot.complete:
        read, listed = len(snapshot.index.files), snapshot.index.listed_count
        raise Stopped(
            f"stopped after {read:,} of {listed:,} metadata files: a partial look gives no answer",
            hint="run it again",
        )
    return snapshot


def holds_nothing(snapshot: Snapshot) -> bool:
    """Whether there is nothing to judge: no entry, and no line that is refused (`hazards.md`, `own-exit-codes`).

    An empty listing looks like this, and so does a folder whose files can't be read.
    """
    index = snapshot.index
    return not any(map(len, index.lanes.values())) and not any(file.bad_lines for file in index.files)
