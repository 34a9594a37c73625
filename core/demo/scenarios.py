"""The sample stores by name: each a short history that ends in the trouble it is named after, and in nothing else.

To add one is one decorated function. The histories only do what stock and operators can do to a store.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeAlias

from core.demo.metadata import Kill, KillAmongMoves
from core.demo.writer import FACTORS, Coordinator, DemoStore
from core.errors import SeamlineError, UsageError

Build: TypeAlias = Callable[[DemoStore], None]
#: What happens to the store in a folder, at a moment (unix seconds), on a machine in its present boot.
Afterwards: TypeAlias = Callable[[Path, int, str], None]

_registry: dict[str, Scenario] = {}
SCENARIOS: Final[Mapping[str, Scenario]] = MappingProxyType(_registry)
"""All scenarios by name, in the order in which a newcomer would look at them."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A sample store: its name, one line on what is wrong with it, its history, and what happens to it on disk."""

    name: str
    summary: str
    build: Build
    afterwards: Afterwards | None = None


def scenario(name: str, summary: str, afterwards: Afterwards | None = None) -> Callable[[Build], Build]:
    """Register the decorated history."""

    def register(build: Build) -> Build:
        _registry[name] = Scenario(name, summary, build, afterwards)
        return build

    return register


def build_demo_store(name: str, folder: Path, boot_id: str = "") -> None:
    """Write the sample store `name` into `folder`, which is created or must be empty; always the same bytes and times.

    `boot_id` of the machine that is to recognise a process of the store's past as ended stands in its lease.
    Raises UsageError for an unknown name and for a folder in use, SeamlineError when writing fails.
    """
    chosen = SCENARIOS.get(name)
    if chosen is None:
        raise UsageError(f"There is no sample store named {name!r}.", hint=f"Choose one of: {', '.join(SCENARIOS)}.")
    try:
        _make_empty(folder)
        store = DemoStore(seed=chosen.name)
        chosen.build(store)
        store.write_to(folder)
        if chosen.afterwards is not None:
            chosen.afterwards(folder, store.now, boot_id)
    except OSError as error:
        raise SeamlineError(
            f"The sample store can't be written to {folder}: {error.strerror}.", hint="Choose another folder."
        ) from error


def _make_empty(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is not a folder.", hint="Name a new or empty folder for the sample store.")
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty.", hint="Name a new or empty folder for the sample store.")


def _begin(store: DemoStore) -> Coordinator:
    store.mint_identity()
    return Coordinator(store)


def _compact_daily(store: DemoStore, host: Coordinator, *until_versions: int) -> None:
    """A good day per version: backups until then, then compaction; in the end `identity.meta` is where it belongs."""
    for version in until_versions:
        host.run_to(version)
        store.compact()
    store.put_identity_back()


@scenario("clean", "nothing is wrong: two days of backups, compacted every day, and some hours since")
def clean(store: DemoStore) -> None:
    host = _begin(store)
    _compact_daily(store, host, 5_000, 10_000)
    host.run_to(13_000)


@scenario("same-range", "versions 0-999 twice: two hosts raced, two compactions each kept another manifest")
def same_range(store: DemoStore) -> None:
    """Two hosts seed a fresh bucket by hand; the later upload takes over the name `transaction_0-999.meta`.

    The first compaction has seen A. The second has a listing that breaks off before its last names, so it does not
    see the first one's file, and compacts B. No compaction gets past the conflict after that, so none is told.
    """
    store.mint_identity()
    store.wait_for(999)
    store.back_up_transactions(0, 999, writer="A")
    host = Coordinator(store, next_version=1_000)
    host.run_to(2_000)
    store.compact()
    store.back_up_transactions(0, 999, writer="B", replace=True, altered={613: 4, 871: 0})
    host.run_to(3_000)
    store.compact(sees=lambda name: not name.startswith("transaction_compacted_"))
    host.run_to(12_000)


@scenario("two-batch-sizes", "a second coordinator with batches of 250 wrote beside the first between 5,001 and 8,000")
def two_batch_sizes(store: DemoStore) -> None:
    host = _begin(store)
    host.run_to(5_000)
    store.compact()
    for first in range(5_001, 8_001, 250):
        host.run_to(first + 249)
        store.back_up_transactions(first, first + 249, writer="B")
    host.run_to(12_000)


@scenario("started-over", "the coordinator saw an empty listing and began again at 0, with a new identity")
def started_over(store: DemoStore) -> None:
    """The old entries live on in the compacted files; all single-line files are written again under their names."""
    host = _begin(store)
    host.run_to(8_000)
    store.compact()
    store.wait(hours=6)
    store.mint_identity(replace=True)
    again = Coordinator(store, writer="B", replace=True)
    again.run_to(12_000)


@scenario("torn-compaction", "a compacted file lost its tail and was trusted: the lines survive in metadata_backup/")
def torn_compaction(store: DemoStore) -> None:
    """A compaction is killed while it writes; the next ones trust the torn file and retire the whole originals."""
    host = _begin(store)
    _tear_a_compaction(store, host)
    host.run_to(17_000)


def _tear_a_compaction(store: DemoStore, host: Coordinator) -> None:
    """Lose 6,001 to 9,000 from `metadata/`; ends with the good compaction of 15,000."""
    host.run_to(5_000)
    store.compact()
    host.run_to(10_000)
    store.compact(kill=Kill("transaction_compacted_4001-9000.meta", lines=2))
    store.compact()
    _compact_daily(store, host, 15_000)


@scenario("gap", "versions 6,001-7,000 are gone, line and folder: only a new backup closes the gap")
def gap(store: DemoStore) -> None:
    host = _begin(store)
    host.run_to(5_000)
    store.compact()
    host.run_to(12_000)
    store.lose_transactions(6_001, 7_000)


@scenario("no-join", "all versions are there, but around 5,500 no two manifests meet: only chunk splices join them")
def no_join(store: DemoStore) -> None:
    host = _begin(store)
    host.run_to(5_000)
    store.compact()
    host.run_to(6_000)
    _resume_after_one_off(host, first=5_501)
    host.run_to(12_500)


def _resume_after_one_off(host: Coordinator, *, first: int) -> None:
    """The coordinator is down; a one-off backup by hand begins too early; the restart resumes where that one ends."""
    last = first + host.batch_size - 1
    host.store.wait_for(last)
    host.store.back_up_transactions(first, last, writer="operator")
    host.next_version = last + 1


@scenario("snapshot-tie", "the newest snapshot was taken twice: stock picks the second, which lacks a chunk")
def snapshot_tie(store: DemoStore) -> None:
    host = _begin(store)
    _compact_daily(store, host, 5_000, 11_000)
    _break_second_snapshot(store)
    host.run_to(12_000)


def _break_second_snapshot(store: DemoStore) -> None:
    """A snapshot again; its line takes over the file name while the first lives on in a compacted file."""
    store.wait(hours=3)
    record = store.take_snapshot(max(store.snapshot_epochs), writer="B", replace=True, suffix="fd27")
    store.lose_file(record.manifest.replace("state.manifest", "100-.chunk"))


@scenario("everything", "a torn compaction, an overlap, a race, two batch sizes, a gap, no join and a snapshot tie")
def everything(store: DemoStore) -> None:
    """The troubles of the other stores, one after the other along 24,500 versions."""
    host = _begin(store)
    _tear_a_compaction(store, host)
    _break_second_snapshot(store)
    store.back_up_transactions(2_501, 3_500, writer="operator")
    store.back_up_transactions(12_001, 13_000, writer="B", replace=True, altered={12_345: 7})
    for first in range(15_001, 17_001, 250):
        host.run_to(first + 249)
        store.back_up_transactions(first, first + 249, writer="B")
    host.run_to(22_000)
    store.lose_transactions(18_001, 19_000)
    _resume_after_one_off(host, first=21_501)
    host.run_to(24_500)


def _die_compacting(folder: Path, moment: int, boot_id: str) -> None:
    # Only this store takes the engine, and with it numpy, to be built.
    from core.demo.race import die_compacting

    die_compacting(folder, moment, FACTORS, boot_id)


@scenario(
    "race", "two compactions were interrupted half way: stock's among its moves, ours among its writes", _die_compacting
)
def race(store: DemoStore) -> None:
    """Stock's compaction is killed while it sets old files aside, so their times are not saved; ours follows it."""
    host = _begin(store)
    _compact_daily(store, host, 5_000, 10_000)
    host.run_to(15_000)
    store.compact(kill=KillAmongMoves(moved=9))
    host.run_to(20_000)
