"""Lines copied out of the text that was read are the lines that stock writes, however the files spell them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from core.changes.lanes import lane_state, lane_states
from core.codec import encode_record
from core.content import lane_text
from core.index import Index
from core.model import U64_MAX, LaneKind, Record
from core.stock import LANE_ORDER
from tests.support.plans import Files, Store, plannable_stores
from tests.support.soaking import examples
from tests.support.stores import base_store, epoch, lines, numbered, snapshot_of, state, txn
from tests.support.strategies import compacting_stores

TXN = LaneKind.TRANSACTIONS
numbers = st.one_of(
    st.integers(0, 20), st.integers(0, U64_MAX), st.sampled_from([10**n - d for n in range(20) for d in (0, 1)])
)
manifests = st.sampled_from(["", "a", "ä", 'say "x"', "back\\slash", "\x7f", "tab\t", "x" * 300])
records = st.one_of(
    st.builds(txn, numbers, numbers, manifests),
    st.builds(state, numbers, numbers, manifests),
    st.builds(epoch, numbers, numbers, numbers, numbers, manifests),
)
files = st.lists(st.tuples(st.lists(records, max_size=6), st.sampled_from([b"\n", b"\r\n"])), max_size=5)


def index_of(metadata: Files) -> Index:
    return snapshot_of(metadata).index


def assert_as_stock_writes(index: Index, size: int) -> None:
    for kind in LANE_ORDER:
        lane = index.lanes[kind]
        expected = [encode_record(lane.record(row)) for row in range(len(lane))]
        text = lane_text(index, kind)
        assert text.content() == b"".join(expected)
        groups = text.groups(size)
        borders = range(0, len(lane), size)
        assert [groups.content(n) for n in range(len(groups))] == [b"".join(expected[at : at + size]) for at in borders]
        part = range(len(lane) // 3, len(lane) - len(lane) // 4)
        assert lane_text(index, kind, part).content() == b"".join(expected[part.start : part.stop])


@settings(max_examples=examples(300), deadline=None)
@given(files, st.integers(1, 7))
def test_any_entries_are_written_as_stock_writes_them(files: list[tuple[list[Record], bytes]], size: int) -> None:
    metadata = {f"{n:02}.meta": lines(*records).replace(b"\n", end) for n, (records, end) in enumerate(files)}
    assert_as_stock_writes(index_of(metadata), size)


@settings(max_examples=examples(150), deadline=None)
@given(plannable_stores(), compacting_stores(), st.integers(1, 7))
def test_hostile_stores_are_written_as_stock_writes_them(store: Store, other: Files, size: int) -> None:
    for metadata in (store.metadata, other):
        assert_as_stock_writes(index_of(metadata), size)


def test_an_empty_manifest_that_was_spelled_oddly_is_not_looked_for_in_the_next_file() -> None:
    odd = lines(txn(0, 9)).replace(b"transaction_0-.aaaa/transaction.manifest", b"")
    metadata = {"a.meta": odd.replace(b'":', b'" :'), "b.meta": lines(txn(10, 19)), "c.meta": b""}
    assert_as_stock_writes(index_of(metadata), 2)


def test_lines_behind_each_other_are_one_piece_and_others_are_not() -> None:
    chain = [txn(n, n) for n in range(10)]
    whole = lane_text(index_of({"a.meta": lines(*chain)}), TXN)
    assert [bytes(piece) for piece in whole.pieces()] == [lines(*chain)]
    assert [len(list(whole.groups(4).pieces(n))) for n in range(3)] == [1, 1, 1]
    torn = lane_text(index_of({"a.meta": lines(*chain[::2]), "b.meta": lines(*chain[1::2])}), TXN)
    assert len(list(torn.pieces())) == 10
    odd = lane_text(index_of({"a.meta": lines(*chain[:5]), "b.meta": lines(*chain[5:]).replace(b"\n", b"\r\n")}), TXN)
    assert len(list(odd.pieces())) == 6


def test_a_lane_is_the_same_wherever_and_however_often_its_entries_stand() -> None:
    entries = [txn(0, 0), txn(1, 100), txn(101, 200)]
    states = {
        lane_state(index_of(metadata), TXN)
        for metadata in (
            numbered(*entries),
            numbered(*reversed(entries)),
            {"a.meta": lines(*entries, entries[0]), "b.meta": lines(entries[1])},
            {"a.meta": lines(*entries).replace(b'":', b'" :')},
            base_store(),
        )
    }
    assert len(states) == 1
    assert states.pop().entries == 3


def test_every_other_lane_is_another() -> None:
    stores = [
        [],
        [txn(0, 0)],
        [txn(0, 1)],
        [txn(0, 0, "b")],
        [txn(0, 0), txn(1, 1)],
        [state(0, 0)],
        [epoch(0, 0, 0, 0)],
    ]
    found = [lane_states(index_of({"a.meta": lines(*records)})) for records in stores]
    assert len({repr(each) for each in found}) == len(stores)
    assert [each.entries for each in found[4].values()] == [0, 2, 0]
