"""Small stores that a compaction has work with, planned once, and machines whose processes die one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from core.changes.model import ChangeSet
from core.engine import Engine
from core.errors import SeamlineError, StoreUnreachable
from core.journal import Operation, interrupted_in, read_log
from core.model import IdentityRecord, Record, TimestampsRecord
from core.names import JOURNAL_FOLDER, alone_name
from core.operations import Operations
from core.stock import CompactionOptions
from core.storage.protocol import Listed
from tests.support.crash_looks import Files, Watcher
from tests.support.gzipped import zipped
from tests.support.machines import FakeMachine
from tests.support.memory_store import Crashed, FaultyStore, MemoryStore, Mode
from tests.support.soaking import SOAKED
from tests.support.stores import NOW, epoch, lines, state, txn

#: All scenes take place a month after the files of a store in memory were written.
LATER = NOW + 30 * 86_400
LONG_AGO = NOW + 86_400


def factors(epochs: int, transactions: int, snapshots: int, grace: int = 86_400) -> CompactionOptions:
    """Compaction options by position."""
    return CompactionOptions(epochs, snapshots, transactions, grace)


def chain(count: int) -> list[Record]:
    """A healthy store of so many epochs, each with two backups of transactions and a snapshot."""
    records: list[Record] = [IdentityRecord("ab" * 32)]
    for number in range(count):
        start, end = number * 100, number * 100 + 99
        records += [epoch(number, number, start, end), state(number, end)]
        records += [txn(start, start + 49), txn(start + 50, end)]
    return records


def alone(records: list[Record]) -> Files:
    """A file for each record, as a backup writes it."""
    return {f"metadata/{alone_name(record)}": lines(record) for record in records}


class Crew:
    """One machine, on which one process after the other runs: `next` is a new one that knows that all others ended."""

    def __init__(self, moment: float = LATER) -> None:
        self.moment = moment
        self._before: list[FakeMachine] = []

    def next(self) -> FakeMachine:
        """The machine as a new process sees it."""
        machine = FakeMachine(moment=self.moment, pid=5_000 + len(self._before))
        machine.ended = {each.me for each in self._before}
        self._before.append(machine)
        return machine


def operations_in(store: MemoryStore | FaultyStore, machine: FakeMachine) -> Operations:
    """The operations on a store in memory."""
    return Operations(store, store, store, machine)


@dataclass(slots=True)
class WatchedStore(FaultyStore):
    """A store that fails on demand and is looked at after every change, done or not.

    The `unlisted`-th listing (from 1; 0 for none) can't be had.
    """

    watcher: Watcher | None = None
    unlisted: int = 0
    listings: int = 0

    def list_folder(self, folder: str) -> list[Listed]:
        self.listings += 1
        if self.listings == self.unlisted:
            raise StoreUnreachable(f"{folder} can't be listed")
        return FaultyStore.list_folder(self, folder)

    def _change(self, what: tuple[str, ...], do: Callable[[], None], half: Callable[[], None] | None = None) -> None:
        with self._guard:
            try:
                FaultyStore._change(self, what, do, half)
            finally:
                if self.watcher is not None:
                    self.watcher.look(self.store.files)


def try_plan(files: Mapping[str, bytes], options: CompactionOptions, moment: float = LATER) -> ChangeSet | None:
    """The plan of a compaction of such a store, None where it is refused."""
    engine = Engine(MemoryStore(files), FakeMachine(moment=moment))
    return engine.plan_compaction(engine.look(), options).change_set


def plan_of(files: Mapping[str, bytes], options: CompactionOptions, moment: float = LATER) -> ChangeSet:
    """The plan of a compaction that nothing speaks against."""
    change = try_plan(files, options, moment)
    assert change is not None
    return change


def compacted(files: Mapping[str, bytes], options: CompactionOptions, moment: float) -> Files:
    """The store after a compaction of it at `moment`, without the journal."""
    store, crew = MemoryStore(files), Crew(moment)
    change = plan_of(files, options, moment)
    if not change.is_empty:
        operations_in(store, crew.next()).apply(change)
    return {handle: content for handle, content in store.files.items() if handle.startswith("metadata")}


@dataclass(frozen=True, slots=True)
class Scene:
    """A store and a compaction of it."""

    name: str
    files: Files
    change: ChangeSet = field(repr=False)


def _scene(name: str, files: Files, options: CompactionOptions) -> Scene:
    change = plan_of(files, options)
    assert change.all_writes and change.retires, f"{name} does not do enough"
    return Scene(name, files, change)


def expired_scene() -> Scene:
    """Files that were compacted long ago and whose grace is over, and newer ones that are compacted now."""
    old = compacted(alone(chain(1)), factors(1, 2, 2), LONG_AGO)
    return _scene("expired", old | alone(chain(2)[5:]), factors(1, 2, 2))


def many_factors_scene() -> Scene:
    """A store that was compacted with other factors every time."""
    files = compacted(alone(chain(2)), factors(1, 2, 1), LONG_AGO)
    files = compacted(files | alone(chain(3)[9:]), factors(2, 3, 2), LONG_AGO + 100_000)
    files = compacted(files, factors(3, 5, 1), LONG_AGO + 200_000)
    return _scene("many factors", files, factors(2, 2, 3))


def torn_scene() -> Scene:
    """A compacted file that holds less than its name says, and whose sources are past their grace."""
    files = compacted(alone(chain(2)), factors(1, 4, 2), LONG_AGO)
    name = "metadata/transaction_compacted_0-199.meta"
    files[name] = b"".join(files[name].splitlines(keepends=True)[:2])
    return _scene("torn", files, factors(1, 4, 2))


def ghost_scene() -> Scene:
    """A record that names files which are not there, one that belongs elsewhere, and one file that may go."""
    files = alone(chain(2))
    times: dict[str, int | None] = {
        "metadata/gone.meta": LONG_AGO,
        "elsewhere/x.meta": LONG_AGO,
        "metadata/transaction_0-49.meta": LONG_AGO,
        "metadata/transaction_50-99.meta": LONG_AGO,
    }
    return _scene("ghosts", files | alone([TimestampsRecord(LONG_AGO, times)]), factors(1, 2, 1))


def gzip_scene() -> Scene:
    """The first scene, in gzip."""
    return _scene("gzip", zipped(expired_scene().files), factors(1, 2, 2))


SCENES: tuple[Callable[[], Scene], ...] = (expired_scene, many_factors_scene, torn_scene, ghost_scene, gzip_scene)


@dataclass(slots=True)
class Play:
    """A store in memory on which processes come and go."""

    store: MemoryStore
    crew: Crew = field(default_factory=Crew)

    def operations(self) -> Operations:
        """Those of a new process."""
        return operations_in(self.store, self.crew.next())

    @property
    def log(self) -> tuple[Operation, ...]:
        """All operations, oldest first."""
        return read_log(self.store)

    def copy(self) -> Play:
        """The same store, all of it on disk, with the same processes dead."""
        return Play(MemoryStore(self.store.files, at_once=self.store.at_once), self.crew)

    @property
    def engine(self) -> Engine:
        """A look at the store."""
        return Engine(self.store, FakeMachine(moment=LATER))

    @property
    def interrupted(self) -> tuple[str, ...]:
        """The operations that did not end."""
        return tuple(each.id for each in interrupted_in(self.store.list_folder(JOURNAL_FOLDER)))

    def undo_plan(self) -> ChangeSet:
        """What takes back the newest operation."""
        return self.engine.plan_undo(self.engine.look(), self.log[-1])

    def undo(self, watcher: Watcher) -> None:
        """Take back the newest operation."""
        change = self.undo_plan()
        self.fails(0, "before", watcher, lambda operations: operations.apply(change))

    def finish(self, watcher: Watcher) -> None:
        """Resume in new processes until nothing is interrupted any more."""
        while self.interrupted:
            operations_in(WatchedStore(self.store, watcher=watcher), self.crew.next()).resume()

    def fails(self, at: int, mode: Mode, watcher: Watcher, act: Callable[[Operations], object]) -> FaultyStore:
        """Let a new process `act` on the store, in which its `at`-th change goes wrong."""
        store = WatchedStore(self.store, at, mode, watcher=watcher)
        try:
            act(operations_in(store, self.crew.next()))
        except (SeamlineError, Crashed):
            watcher.look(self.store.files)
        return store


def every_change(act: Callable[[int], FaultyStore], one_in: int = 1, turn: int = 0) -> Iterator[int]:
    """1, 2, … for as long as a run has as many changes; `act` carries out the k-th run.

    Outside a soak it may be but one number in so many; which ones depends on the `turn`.
    """
    step = 1 if SOAKED else one_in
    at = 1 + turn % step
    while act(at).changes >= at:
        yield at
        at += step
