"""Compaction plans in tests: carried out on dictionaries of files, and random stores that give them trouble."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hypothesis import strategies as st

from core.changes.model import ChangeSet
from core.host import FixedHost
from core.model import U64_MAX, EpochEndingRecord, IdentityRecord, Record, TimestampsRecord
from core.snapshot import Snapshot, take_snapshot
from core.storage.protocol import Listed
from tests.support.gzipped import said
from tests.support.stores import NOW, MemoryReader, epoch, lines, state, txn

Files = dict[str, bytes]


def planned_outcome(
    change: ChangeSet, metadata: Mapping[str, bytes], backup: Mapping[str, bytes]
) -> tuple[Files, Files]:
    """`metadata/` and `metadata_backup/` after `change`. Asserts that no name is ever written over."""
    listed, retired = dict(metadata), dict(backup)
    for write in change.all_writes:
        name = write.handle.removeprefix("metadata/")
        assert name not in listed, f"{name} is there already"
        assert write.lines == said(write.content).count(b"\n") > 0
        listed[name] = write.content
    for move in change.retires:
        source, target = move.source.removeprefix("metadata/"), move.target.removeprefix("metadata_backup/")
        assert target not in retired, f"{target} is there already"
        retired[target] = listed.pop(source)
    return listed, retired


class TimedReader(MemoryReader):
    """A reader over files that were written when `written` says (by name of a metadata file), else an hour ago."""

    def __init__(self, files: Mapping[str, bytes], written: Mapping[str, float], usual: float) -> None:
        super().__init__(files)
        self._written = written
        self._usual = usual

    def stat(self, handle: str) -> Listed:
        listed = super().stat(handle)
        modified = self._written.get(listed.name, self._usual)
        return Listed(listed.handle, listed.kind, listed.size, modified)


def timed_snapshot(
    metadata: Mapping[str, bytes],
    backup: Mapping[str, bytes] | None = None,
    written: Mapping[str, float] | None = None,
    now: float = NOW,
) -> Snapshot:
    """A snapshot of files that are an hour old at `now`, unless `written` says otherwise (unix seconds)."""
    files = {f"metadata/{name}": content for name, content in metadata.items()}
    files |= {f"metadata_backup/{name}": content for name, content in (backup or {}).items()}
    return take_snapshot(TimedReader(files, written or {}, now - 3_600), FixedHost(now))


@dataclass
class Store:
    """The two folders of a random store, and when files were written that were not written an hour ago."""

    metadata: Files
    backup: Files = field(default_factory=dict)
    written: dict[str, float] = field(default_factory=dict)


#: Names that a compaction at small factors wants, ours among them, and some that nobody wants.
WANTED = (
    "a.meta",
    "b.meta",
    "c.meta",
    "epoch_ending_compacted_0-1.meta",
    "state_snapshot_compacted_epoch_0_0.meta",
    "state_snapshot_compacted_epoch_0_2.meta",
    "state_snapshot_compacted_epoch_0_2_0badcafe.meta",
    "transaction_compacted_0-2.meta",
    "transaction_compacted_0-1.meta",
    "transaction_compacted_0-1_0badcafe.meta",
)
DAY = 86_400
_lengths = st.lists(st.integers(0, 2), min_size=1, max_size=8)
_stamps = st.sampled_from(
    [None, NOW - 3 * DAY, NOW - 2 * DAY, NOW - DAY, NOW - 5, NOW + 5_000, 7, U64_MAX - 3, U64_MAX]
)


def _transactions(lengths: list[int]) -> list[Record]:
    ends = [sum(length + 1 for length in lengths[: n + 1]) - 1 for n in range(len(lengths))]
    return [txn(end - length, end, "t") for end, length in zip(ends, lengths, strict=True)]


def _epochs(lengths: list[int]) -> list[Record]:
    records: list[EpochEndingRecord] = []
    for length in lengths:
        first = records[-1].last_epoch + 1 if records else 0
        records.append(epoch(first, first + length, first * 10, (first + length) * 10, "e"))
    return [*records]


_states = st.lists(st.builds(state, st.integers(0, 4), st.integers(0, 9), st.sampled_from(["a", "é"])), max_size=4)
_spellings = st.sampled_from([(b"", b""), (b"\n", b"\r\n"), (b'":', b'" :')])


@st.composite
def plannable_stores(draw: st.DrawFn) -> Store:
    """Stores whose lanes are in order, with nearly everything else wrong that compaction can meet."""
    chained = _transactions(draw(_lengths)) + _epochs(draw(_lengths))
    records: list[Record] = [*chained, *draw(_states), *draw(st.lists(st.sampled_from(chained), max_size=4))]
    if draw(st.booleans()):
        records += [IdentityRecord("ab" * 32), *draw(st.lists(st.just(IdentityRecord("cd" * 32)), max_size=2))]
    names = st.sampled_from(WANTED)
    store = Store({})
    for record in draw(st.permutations(records)):
        name = "identity.meta" if isinstance(record, IdentityRecord) and draw(st.booleans()) else draw(names)
        line = lines(record).replace(*draw(_spellings))
        store.metadata[name] = store.metadata.get(name, b"") + line
    for name in draw(st.lists(names, max_size=2)):
        store.metadata.setdefault(name, b"")
    for name in draw(st.lists(names, max_size=2)):
        store.backup[name] = lines(txn(0, 1, "gone"))
    keys = st.sampled_from(
        [f"metadata/{name}" for name in (*store.metadata, "identity.meta", "gone.meta")] + ["x.manifest"]
    )
    for number in range(draw(st.integers(0, 3))):
        at = draw(st.sampled_from([NOW - 2 * DAY, NOW - DAY, NOW - DAY, NOW, NOW + 9 * DAY, U64_MAX]))
        name = draw(st.sampled_from([f"times{number}.meta", f"compaction_timestamps_{min(at, NOW)}.meta"]))
        stamps = draw(st.dictionaries(keys, _stamps, max_size=6))
        store.metadata[name] = store.metadata.get(name, b"") + lines(TimestampsRecord(at, stamps))
        store.written[name] = NOW - 5 * DAY if draw(st.booleans()) else NOW - 10
    return store
