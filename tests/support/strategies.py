"""Small random stores (hypothesis), good and bad: ranges that meet, overlap, leave gaps, and reach the greatest u64."""

from __future__ import annotations

from hypothesis import strategies as st

from core.model import U64_MAX, Record, TimestampsRecord
from tests.support.stores import epoch, lines, state, txn

#: Few numbers, so that ranges meet; the last ones make sums overflow.
numbers = st.sampled_from([*range(7), U64_MAX - 1, U64_MAX])
manifests = st.sampled_from(["a", "b", "ä"])

transactions = st.builds(txn, numbers, numbers, manifests)
epochs = st.builds(epoch, numbers, numbers, numbers, numbers, manifests)
snapshots = st.builds(state, numbers, numbers, manifests)


def _chain(lengths: list[int]) -> list[Record]:
    """Transactions that follow each other from 0, of the given lengths."""
    records: list[Record] = []
    start = 0
    for length in lengths:
        records.append(txn(start, start + length, "c"))
        start += length + 1
    return records


def _epoch_chain(lengths: list[int]) -> list[Record]:
    records: list[Record] = []
    start = version = 0
    for length in lengths:
        records.append(epoch(start, start + length, version, version + length, "c"))
        start, version = start + length + 1, version + length + 2
    return records


_lengths = st.lists(st.integers(0, 2), max_size=6)

#: Entries of one store: mostly chains, with a few odd entries among them.
entries = st.tuples(
    _lengths.map(_chain),
    _lengths.map(_epoch_chain),
    st.one_of(st.just([]), st.lists(transactions, max_size=3)),
    st.one_of(st.just([]), st.lists(epochs, max_size=2)),
    st.lists(snapshots, max_size=3),
).map(lambda parts: [record for part in parts for record in part])

#: Names for the files of a store, some of which a compaction wants for itself.
NAMES = (
    "a.meta",
    "b.meta",
    "epoch_ending_compacted_0-0.meta",
    "state_snapshot_compacted_epoch_0_0.meta",
    "transaction_compacted_0-0.meta",
    "transaction_compacted_0-2.meta",
)

#: Times of files: mostly long past, some near the end of the numbers.
_stamps = st.one_of(st.integers(0, 20), st.integers(0, 40), st.none(), st.sampled_from([*range(9), U64_MAX - 3]))


@st.composite
def compacting_stores(draw: st.DrawFn) -> dict[str, bytes]:
    """Metadata of a few files, some of them under names that a compaction wants, with times for some of them."""
    records = draw(st.permutations(draw(entries)))
    wanted = st.sampled_from(NAMES)
    metadata: dict[str, bytes] = {}
    for record in records:
        name = draw(wanted)
        metadata[name] = metadata.get(name, b"") + lines(record)
    keys = st.sampled_from([f"metadata/{name}" for name in (*metadata, "gone.meta", "transaction_compacted_0-2.meta")])
    for number in range(draw(st.sampled_from([0, 1, 1, 1, 2]))):
        at = draw(st.integers(0, 40))
        stamps = TimestampsRecord(at, draw(st.dictionaries(keys, _stamps, min_size=1, max_size=4)))
        metadata[draw(st.sampled_from([f"times{number}.meta", f"compaction_timestamps_{at}.meta"]))] = lines(stamps)
    return metadata
