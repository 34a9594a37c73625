"""A look that decodes only what is new tells the same of a store as one that decodes everything."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.changes import sight
from core.changes.lanes import lane_states
from core.changes.marks import FileMark, mark_of_bytes, marks_of, read_marks
from core.changes.sight import Known, look
from core.changes.survival import survival_of
from core.lane_difference import most_alike, rows_in
from core.model import IdentityRecord, Record
from core.storage.protocol import ListedKind
from tests.support.gzipped import gzipped, zipped
from tests.support.stores import MemoryReader, base_store, epoch, lines, numbered, reader_of, snapshot_of, state, txn

_RECORDS: list[Record] = [
    *(txn(0, 9), txn(0, 9, "other"), txn(0, 19), txn(10, 19)),
    *(epoch(0, 0, 5, 5), state(0, 5), state(0, 5, "other"), IdentityRecord("ab" * 32), IdentityRecord("cd" * 32)),
]
_FILES = st.dictionaries(st.integers(0, 8), st.lists(st.sampled_from(_RECORDS), max_size=5), max_size=6)


def _known(files: dict[str, bytes]) -> Known:
    index = snapshot_of(files).index
    return Known(index, marks_of(index))


def _store(files: dict[int, list[Record]]) -> dict[str, bytes]:
    return {f"f{number}.meta": lines(*records) for number, records in files.items()}


@pytest.mark.parametrize("batch", [1, 4 << 20])
@settings(max_examples=100)
@given(before=_FILES, more=_FILES, going=st.sets(st.integers(0, 8)), keep=st.booleans(), in_gzip=st.booleans())
def test_what_is_known_and_what_is_new_are_together_what_a_whole_look_sees(
    batch: int,
    before: dict[int, list[Record]],
    more: dict[int, list[Record]],
    going: set[int],
    keep: bool,
    in_gzip: bool,
) -> None:
    now = (before if keep else {}) | {number: records for number, records in more.items() if number not in before}
    form = zipped if in_gzip else dict
    known, reader = _known(form(_store(before))), reader_of(form(_store(now)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sight, "_BATCH_BYTES", batch)
        found, whole = look(reader, known), look(reader)
    assert (found.files, found.marks) == (whole.files, whole.marks)
    for kind, lane in whole.lanes.items():
        assert list(found.lanes[kind].entries()) == list(lane.entries())
    assert found.identities == whole.identities
    assert lane_states(found.index) == lane_states(whole.index)
    leaving = {f"metadata/f{number}.meta" for number in going}
    assert survival_of(found, leaving) == survival_of(whole, leaving)


@pytest.mark.parametrize("form", [dict, zipped])
def test_what_repeats_known_entries_is_not_kept_and_the_known_is_not_decoded_again(
    form: Callable[[dict[str, bytes]], dict[str, bytes]],
) -> None:
    known = _known(form(base_store()))
    more = form(base_store() | {"z.meta": lines(txn(0, 0), txn(1, 100))})
    found = look(reader_of(more), known)
    assert found.index is known.index
    assert found.files == look(reader_of(more)).files
    assert [file.handle for file in found.files] == sorted(f"metadata/{name}" for name in more)


@pytest.mark.parametrize(
    "change",
    [
        {"z.meta": lines(txn(201, 300))},
        {"z.meta": lines(txn(0, 0, "other"))},
        {"z.meta": gzipped(lines(txn(0, 0)) * 2_000)},
        {"z.meta": lines(txn(0, 0)) + b"torn"},
        {"transaction_0-0.meta": lines(txn(0, 0)) * 2},
    ],
    ids=["new entry", "other manifest", "gzip that grows much", "torn", "another file"],
)
def test_whatever_is_not_known_is_decoded_with_everything_else(change: dict[str, bytes]) -> None:
    known, reader = _known(base_store()), reader_of(base_store() | change)
    found, whole = look(reader, known), look(reader)
    assert found.index is not known.index
    assert (found.files, found.marks) == (whole.files, whole.marks)
    assert lane_states(found.index) == lane_states(whole.index)


def test_a_name_that_is_no_file_is_told_as_by_a_whole_look() -> None:
    files = {f"metadata/{name}": content for name, content in base_store().items()}
    reader = MemoryReader(files, kinds={"metadata/zz": ListedKind.FOLDER})
    [odd] = [file for file in look(reader, _known(base_store())).files if file.fault]
    assert (odd.handle, odd.listed.kind) == ("metadata/zz", ListedKind.FOLDER)


def test_an_index_with_a_line_that_stock_refuses_is_not_relied_on() -> None:
    torn = base_store() | {"torn.meta": b"torn"}
    known = _known(torn)
    assert look(reader_of(torn), known).index is not known.index


def test_marks_of_other_files_than_those_of_the_index_are_not_relied_on() -> None:
    index = snapshot_of(base_store()).index
    known = Known(index, marks_of(index)[1:])
    assert look(reader_of(base_store()), known).index is not index


def test_where_very_many_entries_begin_alike_nothing_is_looked_for() -> None:
    files = numbered(*(txn(0, last) for last in range(20)))
    known = _known(files)
    assert most_alike(known.index.transactions) == 20
    assert look(reader_of(files), known).index is not known.index


def test_the_row_of_an_entry_is_found_among_those_that_begin_alike() -> None:
    wanted = snapshot_of({"a.meta": lines(txn(0, 9, "b"), txn(0, 9, "c"), txn(0, 8), txn(1, 9), txn(2, 2))}).index
    other = snapshot_of({"a.meta": lines(txn(0, 9, "a"), txn(0, 9, "b"), txn(0, 8), txn(1, 8), txn(9, 9))}).index
    rows = rows_in(wanted.transactions, other.transactions)
    assert rows.tolist() == [0, 2, -1, -1, -1]
    assert rows_in(wanted.transactions, snapshot_of({}).index.transactions).tolist() == [-1] * 5


@settings(max_examples=50)
@given(st.lists(st.integers(0, 3 << 19), max_size=12))
def test_marks_are_those_of_the_bytes_in_listing_order_however_large_files_are(sizes: list[int]) -> None:
    files = {f"{number:02}.meta": bytes([number]) * size for number, size in enumerate(sizes)}
    expected: tuple[FileMark, ...] = tuple(
        mark_of_bytes(f"metadata/{name}", content) for name, content in files.items()
    )
    assert read_marks(reader_of(files), "metadata") == expected
