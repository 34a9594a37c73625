"""A store to which everything happens that happens to stores: what a state machine or a soak is made of.

Backups and stock compactions only touch the files; our own operations run as processes that may die at any change.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from core.changes.model import ChangeSet
from core.codec import encode_record
from core.engine import Engine
from core.errors import SeamlineError
from core.journal import Operation, interrupted_in, read_log
from core.model import Record
from core.names import JOURNAL_FOLDER
from core.operations import Operations
from core.stock import CompactionOptions, CompactionRun, group_content, simulate_compaction
from tests.support.crash_looks import BACKUP, METADATA, Files, Watcher, lines_of, metadata_of
from tests.support.crash_scenes import LATER, Crew, WatchedStore, alone
from tests.support.machines import FakeMachine
from tests.support.memory_store import Crashed, MemoryStore, Mode
from tests.support.stores import lines, snapshot_of

_IDENTITY = b'{"Identity"'


class World:
    """The files of a store, the lines and names that it ever had, and the clock."""

    def __init__(self, records: list[Record]) -> None:
        self.files: Files = alone(records)
        self.moment = float(LATER)
        self.crew = Crew(self.moment)
        self.ever: frozenset[bytes] = frozenset()
        self.names: dict[str, set[bytes]] = {}
        self.remember()

    def remember(self) -> None:
        """Keep what is there now in mind."""
        self.ever |= lines_of(metadata_of(self.files))
        for name, content in metadata_of(self.files).items():
            self.names.setdefault(name, set()).add(content)

    def pass_time(self, seconds: float) -> None:
        """The clock goes on."""
        self.moment += seconds
        self.crew.moment = self.moment

    @property
    def visible(self) -> frozenset[bytes]:
        """Every entry that can be seen."""
        return frozenset(line for line in lines_of(metadata_of(self.files)) if not line.startswith(_IDENTITY))

    # What others do.

    def back_up(self, record: Record, name: str | None = None) -> None:
        """A backup adds a file, unless one of that name is there."""
        [(handle, content)] = alone([record]).items() if name is None else [(f"{METADATA}{name}", lines(record))]
        self.files.setdefault(handle, content)
        self.remember()

    def stock_run(self, options: CompactionOptions) -> CompactionRun:
        """What a stock compaction would do that looks at the store now."""
        return simulate_compaction(snapshot_of(dict(metadata_of(self.files))).index, options, int(self.moment))

    def compact_as_stock(self, run: CompactionRun) -> None:
        """Stock carries out what it made of an earlier look, as far as it gets, and whatever that costs."""
        for group in run.written:
            self.files.setdefault(group.handle, group_content(run.index, group))
        for handle in run.retired:
            if handle not in self.files:
                self.remember()
                return
            self.files[handle.replace(METADATA, BACKUP, 1)] = self.files.pop(handle)
        if run.timestamps is not None:
            self.files.setdefault(f"{METADATA}{run.timestamps_name}", encode_record(run.timestamps))
        self.remember()

    # What we do.

    @property
    def engine(self) -> Engine:
        """A look at the store."""
        return Engine(MemoryStore(self.files), FakeMachine(moment=self.moment))

    @property
    def log(self) -> tuple[Operation, ...]:
        """All operations, oldest first."""
        return read_log(MemoryStore(self.files))

    @property
    def interrupted(self) -> tuple[str, ...]:
        """The operations that did not end."""
        return tuple(each.id for each in interrupted_in(MemoryStore(self.files).list_folder(JOURNAL_FOLDER)))

    def compaction_plan(self, options: CompactionOptions) -> ChangeSet | None:
        """The plan of a compaction of the store as it is; None where there is none or nothing to do."""
        engine = self.engine
        change = engine.plan_compaction(engine.look(), options).change_set
        return None if change is None or change.is_empty else change

    def run(
        self,
        act: Callable[[Operations], object],
        *,
        at: int = 0,
        mode: Mode = "before",
        power: int | None = None,
        unlisted: int = 0,
        new: frozenset[bytes] = frozenset(),
    ) -> SeamlineError | None:
        """A new process acts; its `at`-th change goes wrong, its `unlisted`-th listing can't be had.

        With `power` the power goes afterwards.

        Checked after every change: nothing visible is lost, and nothing comes but lines that are `new`. Returns how
        the process failed.
        """
        store = MemoryStore(self.files)
        watcher = Watcher(self.files, new)
        watcher.names = {name: set(contents) for name, contents in self.names.items()}
        watched = WatchedStore(store, at, mode, watcher=watcher, unlisted=unlisted)
        error: SeamlineError | None = None
        try:
            act(Operations(watched, watched, watched, self.crew.next()))
        except SeamlineError as failed:
            error = failed
        except Crashed:
            error = SeamlineError("the process has died")
        if power is not None:
            store = store.power_loss(Random(power))
            watcher.look(store.files)
        self.files = store.files
        self.remember()
        return error
