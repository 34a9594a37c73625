"""One look at a store: told as it goes on, stopped at any time, and never changed afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core.codec import encode_record
from core.errors import StoreUnreachable
from core.gather import LIMITS, Limits
from core.host import FixedHost
from core.index import Index
from core.model import Claim, EpochEndingRecord, LaneKind, Record, StateSnapshotRecord, TransactionRecord
from core.snapshot import Progress, Snapshot, take_snapshot
from core.storage import HandleUnreadable, Listed, ListedKind, LocalReader, ReadFault
from tests.support.gzipped import gzipped
from tests.support.stores import MemoryReader, reader_of

HOST = FixedHost(1_700_000_000.5)
SMALL_BLOCKS = Limits(block_bytes=300, block_files=2)
FILES = 20


def file_of(number: int) -> bytes:
    """Two entries of each lane, one of them in every file."""
    records: tuple[Record, ...] = (
        TransactionRecord(number * 10, number * 10 + 9, f"transaction_{number * 10}-.a1b2/transaction.manifest"),
        TransactionRecord(0, 9, "transaction_0-.a1b2/transaction.manifest"),
        EpochEndingRecord(
            number, number, number * 10, number * 10, f"epoch_ending_{number}-.a1b2/epoch_ending.manifest"
        ),
        StateSnapshotRecord(number, number * 10, f"state_epoch_{number}_ver_{number * 10}.a1b2/state.manifest"),
    )
    return b"".join(encode_record(record) for record in records) + b"bad\n"


METADATA = {f"{number:03}.meta": file_of(number) for number in range(FILES)}
RETIRED = {f"{number:03}.meta": file_of(number + FILES) for number in range(FILES)}


def seen(index: Index) -> tuple[object, ...]:
    """All that an index says."""
    entries = {kind: tuple(lane.entries()) for kind, lane in index.lanes.items()}
    texts = tuple(index.content(number) for number in range(len(index.files)))
    return index.files, entries, index.problems, index.notes, index.complete, index.listed_count, texts


class Follower:
    """Keeps what it is told, and stops once `enough` says so of the number of times it was told."""

    def __init__(self, enough: Callable[[int], bool] = lambda _: False) -> None:
        self.told: list[Progress] = []
        self.partials: list[Snapshot] = []
        self.seen: list[tuple[object, ...]] = []
        self._enough = enough

    def progress(self, progress: Progress) -> None:
        self.told.append(progress)
        partial = progress.partial()
        self.partials.append(partial)
        self.seen.append(seen(partial.index) + seen(partial.retired))

    def stopped(self) -> bool:
        return self._enough(len(self.told))


def test_a_snapshot_knows_where_when_and_what_it_looked_at() -> None:
    reader = reader_of({"a.meta": file_of(1)}, {"b.meta": file_of(2)})
    snapshot = take_snapshot(reader, HOST)
    assert (snapshot.location, snapshot.taken_at, snapshot.one_device) == ("memory", 1_700_000_000.5, True)
    assert [each.handle for each in snapshot.root] == ["metadata", "metadata_backup"]
    assert [file.handle for file in snapshot.index.files] == ["metadata/a.meta"]
    assert [file.handle for file in snapshot.retired.files] == ["metadata_backup/b.meta"]
    assert (snapshot.index.folder, snapshot.retired.folder) == ("metadata", "metadata_backup")
    assert snapshot.complete


def test_retired_files_are_evidence_and_no_entries_of_the_store() -> None:
    snapshot = take_snapshot(reader_of({"a.meta": file_of(1)}, {"b.meta": file_of(2)}), HOST)
    claims = {claim.file for entry in snapshot.index.transactions.entries() for claim in entry.claims}
    retired = {claim.file for entry in snapshot.retired.transactions.entries() for claim in entry.claims}
    assert (claims, retired) == ({"metadata/a.meta"}, {"metadata_backup/b.meta"})


def test_a_store_without_retired_files_has_an_empty_and_whole_second_index() -> None:
    snapshot = take_snapshot(reader_of({"a.meta": file_of(1)}), HOST)
    assert (snapshot.retired.files, snapshot.retired.listed_count, snapshot.retired.complete) == ((), 0, True)


def test_progress_is_told_for_both_folders_and_ends_with_all_files() -> None:
    follower = Follower()
    take_snapshot(reader_of(METADATA, RETIRED), HOST, follower, SMALL_BLOCKS)
    for folder in ("metadata", "metadata_backup"):
        told = [(each.done, each.total) for each in follower.told if each.folder == folder]
        assert len(told) > 5
        assert told == sorted(told)
        assert told[-1] == (FILES, FILES)
    assert [each.folder for each in follower.told] == sorted(each.folder for each in follower.told)


@pytest.mark.parametrize("content", [b"", b"x", file_of(0)])
def test_small_files_are_told_of_one_by_one_long_before_they_make_up_a_block(content: bytes) -> None:
    """From a slow storage each of them may take a second."""
    follower = Follower()
    files = {f"{number:05}.meta": content for number in range(100)}
    assert len(files) < LIMITS.block_files
    take_snapshot(reader_of(files), HOST, follower)
    assert sorted({told.done for told in follower.told}) == list(range(1, 101))
    assert [len(partial.index.files) for partial in follower.partials] == [told.done for told in follower.told]


def test_a_partial_snapshot_holds_exactly_what_the_final_one_says_of_the_files_so_far() -> None:
    follower = Follower()
    final = take_snapshot(reader_of(METADATA, RETIRED), HOST, follower, SMALL_BLOCKS)
    for told, partial in zip(follower.told, follower.partials, strict=True):
        ours, whole = (partial.index, final.index) if told.folder == "metadata" else (partial.retired, final.retired)
        assert len(ours.files) in (told.done, told.done + 1)
        assert ours.files[: told.done] == whole.files[: told.done]
        lines = {file.handle: file.lines for file in ours.files}
        for kind in (LaneKind.TRANSACTIONS, LaneKind.EPOCH_ENDINGS, LaneKind.STATE_SNAPSHOTS):
            expected = [
                (entry.record, claims)
                for entry in whole.lanes[kind].entries()
                if (claims := tuple(claim for claim in entry.claims if claim.line <= lines.get(claim.file, 0)))
            ]
            assert [(entry.record, entry.claims) for entry in ours.lanes[kind].entries()] == expected
        assert list(ours.problems) == [
            each for each in whole.problems if each.claim.line <= lines.get(each.claim.file, 0)
        ]
        assert not partial.complete
    assert final.complete


def test_while_the_first_folder_is_read_nothing_is_said_of_the_second() -> None:
    follower = Follower()
    take_snapshot(reader_of(METADATA, RETIRED), HOST, follower, SMALL_BLOCKS)
    first = [
        partial for told, partial in zip(follower.told, follower.partials, strict=True) if told.folder == "metadata"
    ]
    assert {(partial.retired.files, partial.retired.complete) for partial in first} == {((), False)}


def test_an_earlier_partial_snapshot_is_still_the_same_at_the_end() -> None:
    follower = Follower()
    take_snapshot(reader_of(METADATA, RETIRED), HOST, follower, SMALL_BLOCKS)
    for partial, then in zip(follower.partials, follower.seen, strict=True):
        assert seen(partial.index) + seen(partial.retired) == then


def test_nobody_need_take_the_partial_snapshots() -> None:
    class Counter(Follower):
        def progress(self, progress: Progress) -> None:
            self.told.append(progress)

    counter = Counter()
    alone = take_snapshot(reader_of(METADATA, RETIRED), HOST)
    followed = take_snapshot(reader_of(METADATA, RETIRED), HOST, counter, SMALL_BLOCKS)
    assert counter.told
    assert seen(alone.index) == seen(followed.index)


@pytest.mark.parametrize("after", [1, 2, 5])
def test_a_stop_leaves_what_was_read_and_says_how_much_that_is(after: int) -> None:
    follower = Follower(lambda told: told >= after)
    snapshot = take_snapshot(reader_of(METADATA, RETIRED), HOST, follower, SMALL_BLOCKS)
    assert len(follower.told) == after
    assert (snapshot.complete, snapshot.index.complete, snapshot.retired.complete) == (False, False, False)
    assert (snapshot.index.listed_count, snapshot.retired.listed_count) == (FILES, FILES)
    assert 0 < len(snapshot.index.files) < FILES
    assert snapshot.retired.files == ()
    assert seen(snapshot.index) == seen(follower.partials[-1].index)


def test_a_stop_before_anything_was_read_reads_nothing() -> None:
    class Unopened(MemoryReader):
        def _content(self, handle: str, limit: int) -> bytes:
            raise AssertionError(f"{handle} was read")

    reader = Unopened({f"metadata/{name}": data for name, data in METADATA.items()})
    snapshot = take_snapshot(reader, HOST, Follower(lambda _: True))
    assert (snapshot.complete, snapshot.index.files, snapshot.index.listed_count) == (False, (), FILES)


def test_a_stop_among_the_retired_files_marks_the_whole_look() -> None:
    follower = Follower(lambda _: any(each.folder == "metadata_backup" for each in follower.told))
    snapshot = take_snapshot(reader_of(METADATA, RETIRED), HOST, follower, SMALL_BLOCKS)
    assert (snapshot.complete, snapshot.index.complete, snapshot.retired.complete) == (False, True, False)


def test_a_stop_comes_through_within_one_large_odd_file() -> None:
    data = file_of(3).replace(b"\n", b"\r\n") * 20_000
    follower = Follower(lambda told: told >= 1)
    snapshot = take_snapshot(reader_of({"a.meta": data}), HOST, follower)
    assert not snapshot.complete
    assert [file.lines < 50_000 for file in snapshot.index.files] == [True]


def test_files_that_cannot_be_read_do_not_hide_the_others() -> None:
    reader = MemoryReader(
        {"metadata/a.meta": file_of(1), "metadata/c.meta": gzipped(file_of(2))[:-1], "metadata/d.meta": b"x"},
        kinds={"metadata/b": ListedKind.FOLDER, "metadata/e": ListedKind.LINK, "metadata/f": ListedKind.OTHER},
        faults={"metadata/d.meta": HandleUnreadable(ReadFault.FAILED, "Input/output error (os error 5)")},
    )
    index = take_snapshot(reader, HOST).index
    assert [(file.listed.name, file.fault and str(file.fault)) for file in index.files] == [
        ("a.meta", None),
        ("b", "not opened: it is a folder"),
        ("c.meta", "gzip: unexpected end of file"),
        ("d.meta", "Input/output error (os error 5)"),
        ("e", "not opened: it is a link, and links are not followed"),
        ("f", "not opened: it is a fifo, a socket or a device"),
    ]
    assert len(index.transactions) == 2
    assert index.complete


def test_a_listing_that_fails_is_no_empty_store(tmp_path: Path) -> None:
    (tmp_path / "metadata").mkdir()
    reader = LocalReader(str(tmp_path))
    (tmp_path / "metadata").rmdir()
    with pytest.raises(StoreUnreachable):
        take_snapshot(reader, HOST)


def test_retired_files_that_cannot_be_listed_are_said_to_be_unread() -> None:
    class Half(MemoryReader):
        def list_folder(self, folder: str) -> list[Listed]:
            if folder == "metadata_backup":
                raise StoreUnreachable("can't list metadata_backup")
            return super().list_folder(folder)

    snapshot = take_snapshot(Half({"metadata/a.meta": file_of(1)}), HOST)
    (itself,) = snapshot.retired.files
    assert (itself.handle, str(itself.fault)) == ("metadata_backup", "can't list metadata_backup")
    assert len(snapshot.index.transactions) == 2


def test_claims_name_file_and_line_also_across_blocks() -> None:
    snapshot = take_snapshot(reader_of(METADATA), HOST, limits=SMALL_BLOCKS)
    everywhere = snapshot.index.transactions.claims(0)
    assert everywhere[:2] == (Claim("metadata/000.meta", 1), Claim("metadata/000.meta", 2))
    assert everywhere[2:] == tuple(Claim(f"metadata/{number:03}.meta", 2) for number in range(1, FILES))
    assert snapshot.index.raw_line(everywhere[-1]) == file_of(0).split(b"\n")[1]
