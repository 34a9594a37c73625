"""Two manifests compared record by record: right wherever their chunks are cut, bounded, and honest about doubt."""

from __future__ import annotations

import os
import struct
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.manifests import (
    ChunkFormat,
    CompareProgress,
    ContentComparison,
    Doubt,
    EpochEndingChunk,
    EpochEndingManifest,
    StateChunk,
    StateManifest,
    TransactionChunk,
    TransactionManifest,
    Verdict,
    compare_contents,
)
from core.manifests.chunks import MAX_RECORD_BYTES
from core.model import U64_MAX
from core.storage import HandleUnreadable, Listed, LocalReader, ReadFault
from tests.support.backups import framed
from tests.support.gzipped import gzipped
from tests.support.soaking import examples
from tests.support.stores import MemoryReader
from tests.support.watching import Watcher

MIB = 1 << 20
ROOT = "ab" * 32


class Files(MemoryReader):
    """Chunk files in memory: remembers which were opened, and may tell another size of one once it was."""

    def __init__(self, files: Mapping[str, bytes], faults: Mapping[str, HandleUnreadable] | None = None) -> None:
        super().__init__(files, faults=faults)
        self.opened: list[str] = []
        self.later: dict[str, int] = {}

    def stat(self, handle: str) -> Listed:
        listed = super().stat(handle)
        changed = handle in self.later and handle in self.opened
        return Listed(handle, listed.kind, self.later[handle], listed.modified) if changed else listed

    def open(self, handle: str) -> BinaryIO:
        self.opened.append(handle)
        return super().open(handle)


class Backup:
    """The chunk files of one or two manifests while they are made up."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def transactions(
        self, name: str, first: int, records: Sequence[bytes], cuts: Sequence[int] = (), *, zipped: bool = False
    ) -> TransactionManifest:
        """A manifest of `records` from version `first` on, cut into chunks before each of `cuts`."""
        last = first + len(records) - 1
        bounds = [first, *sorted({cut for cut in cuts if first < cut <= last}), last + 1]
        chunks = tuple(
            self.chunk(name, low, high - 1, records[low - first : high - first], zipped=zipped)
            for low, high in pairwise(bounds)
        )
        return TransactionManifest(first, last, chunks)

    def chunk(
        self, name: str, first: int, last: int, records: Sequence[bytes], *, zipped: bool = False
    ) -> TransactionChunk:
        handle, content = f"{name}/{first}-.chunk", framed(records)
        self.files[handle] = gzipped(content) if zipped else content
        return TransactionChunk(first, last, handle, f"{name}/{first}-{last}.proof", ChunkFormat.V1)

    def reader(self) -> Files:
        return Files(self.files)


def some_records(count: int, start: int = 0) -> list[bytes]:
    return [b"record %d" % number for number in range(start, start + count)]


def compared(backup: Backup, a: TransactionManifest, b: TransactionManifest) -> ContentComparison:
    return compare_contents(backup.reader(), a, b)


# The truth, whatever the chunks


@pytest.fixture(params=[4, 5, 11, 64, 1 << 18])
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Blocks so small that everything lies across two of them, and the real ones."""
    size: int = request.param
    monkeypatch.setattr("core.manifests.sources._BLOCK", size)
    monkeypatch.setattr("core.manifests.content_chunk._BLOCK", size)
    monkeypatch.setattr("core.gzips._PIECE", size)
    return size


@st.composite
def two_backups(draw: st.DrawFn) -> tuple[Backup, TransactionManifest, TransactionManifest, int | None, int, int]:
    """Two stretches of one history, one record altered in B or none; with the truth and the common range."""
    records = draw(st.lists(st.binary(min_size=1, max_size=12), min_size=1, max_size=24))
    altered = list(records)
    victim = draw(st.none() | st.integers(0, len(records) - 1))
    if victim is not None:
        altered[victim] = draw(st.binary(min_size=1, max_size=12))
    spots = st.integers(0, len(records))
    backup, manifests, ranges = Backup(), [], []
    for name, content in (("a", records), ("b", altered)):
        low, high = sorted((draw(spots), draw(spots)))
        low = min(low, len(records) - 1)
        high = max(high, low + 1)
        cuts = draw(st.lists(spots, max_size=5))
        manifests.append(backup.transactions(name, low, content[low:high], cuts, zipped=draw(st.booleans())))
        ranges.append((low, high - 1))
    first, last = max(low for low, _ in ranges), min(high for _, high in ranges)
    truth = next((at for at in range(first, last + 1) if records[at] != altered[at]), None)
    return backup, manifests[0], manifests[1], truth, first, last


@pytest.mark.usefixtures("block")
@settings(deadline=None, max_examples=examples(300))
@given(case=two_backups())
def test_the_verdict_is_what_comparing_lists_of_records_says(
    case: tuple[Backup, TransactionManifest, TransactionManifest, int | None, int, int],
) -> None:
    backup, a, b, truth, first, last = case
    for one, other in ((a, b), (b, a)):
        seen = compared(backup, one, other)
        if first > last:
            assert (seen.verdict, seen.doubt, seen.first) == (Verdict.UNKNOWN, Doubt.NOTHING_COMMON, None)
            continue
        assert (seen.first, seen.last, seen.at, seen.doubt) == (first, last, truth, None)
        assert seen.verdict is (Verdict.EQUAL if truth is None else Verdict.DIFFERS)
        assert seen.records == (last + 1 if truth is None else truth) - first


@pytest.mark.usefixtures("block")
@settings(deadline=None, max_examples=examples(200))
@given(case=two_backups(), data=st.data())
def test_no_damage_to_a_file_makes_equal_records_differ(
    case: tuple[Backup, TransactionManifest, TransactionManifest, int | None, int, int], data: st.DataObject
) -> None:
    """A file is cut, grows, or loses or repeats a record: equal, the true difference or a doubt, nothing made up."""
    backup, a, b, truth, _, _ = case
    handle = data.draw(st.sampled_from(sorted(backup.files)))
    content = backup.files[handle]
    cut = data.draw(st.integers(0, len(content)))
    backup.files[handle] = data.draw(st.sampled_from([content[:cut], content + content[:cut], content[cut:], b""]))
    seen = compared(backup, a, b)
    if seen.verdict is Verdict.DIFFERS:
        assert seen.at == truth or _still_has_its_count(backup, handle, a, b)


def _still_has_its_count(backup: Backup, handle: str, *manifests: TransactionManifest) -> bool:
    """Whether a file that was tampered with is by chance a whole chunk of other records."""
    (chunk,) = (each for manifest in manifests for each in manifest.chunks if each.transactions == handle)
    data = backup.files[handle]
    try:
        records = list(_unframed(data))
    except (struct.error, ValueError):
        return False
    return len(records) == chunk.last - chunk.first + 1


def _unframed(data: bytes) -> Iterator[bytes]:
    while data:
        (length,) = struct.unpack(">I", data[:4])
        if not 0 < length <= len(data) - 4:
            raise ValueError
        yield data[4 : 4 + length]
        data = data[4 + length :]


@pytest.mark.parametrize("cuts", [(), (137,), (101, 102, 150, 199)])
@pytest.mark.parametrize("zipped", [False, True])
def test_a_difference_names_version_chunk_and_byte_on_both_sides(cuts: Sequence[int], zipped: bool) -> None:
    records, backup = some_records(100, 100), Backup()
    altered = [*records]
    altered[43] += b"!!!!"
    a = backup.transactions("a", 100, records, (120,))
    b = backup.transactions("b", 100, altered, cuts, zipped=zipped)
    seen = compared(backup, a, b)
    assert (seen.verdict, seen.at, seen.unit, seen.first, seen.last) == (Verdict.DIFFERS, 143, "version", 100, 199)
    assert seen.records == 43
    assert seen.a is not None and seen.b is not None
    assert (seen.a.chunk, seen.a.file, seen.a.size) == (1, "a/120-.chunk", len(records[43]))
    assert seen.a.offset == len(framed(records[20:43]))
    begin = max((cut for cut in cuts if cut <= 143), default=100)
    assert (seen.b.file, seen.b.offset) == (f"b/{begin}-.chunk", len(framed(records[begin - 100 : 43])))
    assert seen.b.size == seen.a.size + 4


def test_only_the_common_range_counts() -> None:
    backup, records = Backup(), some_records(60)
    a = backup.transactions("a", 0, [b"other", *records[1:40]], (20, 30))
    b = backup.transactions("b", 10, [*records[10:40], *some_records(10, 90)], (25,))
    seen = compared(backup, a, b)
    assert (seen.verdict, seen.first, seen.last, seen.records) == (Verdict.EQUAL, 10, 39, 30)


def test_chunks_outside_the_common_range_are_not_opened() -> None:
    backup, records = Backup(), some_records(60)
    a = backup.transactions("a", 0, records[:40], (20, 30))
    b = backup.transactions("b", 30, records[30:], (40,))
    reader = backup.reader()
    assert compare_contents(reader, a, b).verdict is Verdict.EQUAL
    assert set(reader.opened) == {"a/30-.chunk", "b/30-.chunk"}


def test_chunk_files_that_both_name_are_equal_without_a_look() -> None:
    backup, records = Backup(), some_records(30)
    a = backup.transactions("a", 0, records, (10, 20))
    b = TransactionManifest(10, 29, a.chunks[1:])
    reader = backup.reader()
    seen = compare_contents(reader, a, b)
    assert (seen.verdict, seen.records, seen.bytes, reader.opened) == (Verdict.EQUAL, 20, 0, [])


def test_proofs_are_no_content() -> None:
    backup, records = Backup(), some_records(5)
    a, b = (backup.transactions(name, 0, records) for name in "ab")
    backup.files.update({"a/0-4.proof": b"one", "b/0-4.proof": b"another"})
    assert compared(backup, a, b).verdict is Verdict.EQUAL


def test_two_gzip_files_of_one_content_are_equal() -> None:
    backup, records = Backup(), some_records(500)
    a, b = (backup.transactions(name, 0, records, zipped=True) for name in "ab")
    backup.files["b/0-.chunk"] = gzipped(framed(records), level=1)
    assert backup.files["a/0-.chunk"] != backup.files["b/0-.chunk"]
    assert compared(backup, a, b).verdict is Verdict.EQUAL


def test_versions_up_to_the_greatest_are_told_apart() -> None:
    backup, first = Backup(), U64_MAX - 3
    a = backup.transactions("a", first, [b"w", b"x", b"y", b"z"], (U64_MAX - 1,))
    b = backup.transactions("b", first, [b"w", b"x", b"y", b"Z"], (U64_MAX,))
    assert compared(backup, a, b).at == U64_MAX


# The other kinds


def epochs(backup: Backup, name: str, infos: Sequence[bytes], waypoint: str = "0:aa") -> EpochEndingManifest:
    backup.files[f"{name}/5-.chunk"] = framed(infos)
    chunk = EpochEndingChunk(5, 4 + len(infos), f"{name}/5-.chunk")
    return EpochEndingManifest(5, 4 + len(infos), (waypoint,) * len(infos), (chunk,))


def test_ledger_infos_are_compared_by_epoch() -> None:
    backup = Backup()
    a, b = epochs(backup, "a", [b"x", b"y", b"z"]), epochs(backup, "b", [b"x", b"Y"])
    seen = compare_contents(backup.reader(), a, b)
    assert (seen.verdict, seen.unit, seen.first, seen.last, seen.at) == (Verdict.DIFFERS, "epoch", 5, 6, 6)


def test_waypoints_that_differ_over_equal_ledger_infos_are_a_difference() -> None:
    backup = Backup()
    a, b = epochs(backup, "a", [b"x", b"y"]), epochs(backup, "b", [b"x", b"y"], "0:bb")
    seen = compare_contents(backup.reader(), a, b)
    assert (seen.verdict, seen.at, seen.a) == (Verdict.DIFFERS, 5, None)
    assert "waypoints" in seen.why


def snapshot(backup: Backup, name: str, items: Sequence[bytes], cut: int, root: str = ROOT) -> StateManifest:
    chunks = []
    for low, high in ((0, cut), (cut, len(items))):
        backup.files[f"{name}/{low}-.chunk"] = framed(items[low:high])
        chunks.append(StateChunk(low, high - 1, "0", "f", f"{name}/{low}-.chunk", f"{name}/{low}.proof"))
    return StateManifest(100, 1, root, tuple(chunks), f"{name}/state.proof")


def test_snapshots_of_one_version_are_compared_item_by_item() -> None:
    backup, items = Backup(), some_records(50)
    a, b = snapshot(backup, "a", items, 10), snapshot(backup, "b", items, 31)
    seen = compare_contents(backup.reader(), a, b)
    assert (seen.verdict, seen.unit, seen.first, seen.last) == (Verdict.EQUAL, "item", 0, 49)


def test_snapshots_differ_by_an_item_by_their_number_and_by_the_root_hash() -> None:
    items = some_records(50)
    for other, root, at in (
        ([*items[:40], b"?", *items[41:]], ROOT, 40),
        (items[:45], ROOT, 45),
        (items, "cd" * 32, None),
    ):
        backup = Backup()
        a, b = snapshot(backup, "a", items, 10), snapshot(backup, "b", other, 31, root)
        seen = compare_contents(backup.reader(), a, b)
        assert (seen.verdict, seen.at) == (Verdict.DIFFERS, at)


def test_snapshots_of_two_versions_and_manifests_of_two_kinds_have_nothing_in_common() -> None:
    backup, items = Backup(), some_records(5)
    a = snapshot(backup, "a", items, 2)
    later = StateManifest(200, 2, ROOT, a.chunks, a.proof)
    for b in (later, epochs(backup, "b", items)):
        seen = compare_contents(backup.reader(), a, b)
        assert (seen.verdict, seen.doubt) == (Verdict.UNKNOWN, Doubt.NOTHING_COMMON)


# Doubt


def two_alike(cuts: Sequence[int] = (20,)) -> tuple[Backup, TransactionManifest, TransactionManifest]:
    backup, records = Backup(), some_records(40)
    return backup, backup.transactions("a", 0, records, (20,)), backup.transactions("b", 0, records, cuts)


@pytest.mark.parametrize("cuts", [(20,), (7, 33)])
@pytest.mark.parametrize(
    ("damage", "doubt", "words"),
    [
        (lambda data: data[:-3], Doubt.DAMAGED, "the file ends inside record 19"),
        (lambda data: data[: -4 - len(b"record 39")], Doubt.MISCOUNTED, "19 records"),
        (lambda data: data + framed([b"one more"]), Doubt.MISCOUNTED, "more than|21 records"),
        (lambda data: framed([b"one more"]) + data, Doubt.MISCOUNTED, "more than|21 records"),
        (lambda data: b"\xff\xff\xff\xff" + data[4:], Doubt.DAMAGED, "claims 4,294,967,295 bytes"),
        (lambda data: b"\0\0\0\0" + data, Doubt.DAMAGED, "record 0 at byte 0 is empty"),
        (lambda data: gzipped(data)[:-5], Doubt.DAMAGED, "damaged gzip|the gzip stream is damaged"),
        (lambda data: gzipped(data)[:-8] + b"\0" * 8, Doubt.DAMAGED, "crc error"),
        (lambda data: b"", Doubt.MISCOUNTED, "0 records"),
    ],
)
@pytest.mark.parametrize("side", ["a", "b"])
def test_a_damaged_chunk_leaves_a_doubt_and_says_why(
    cuts: Sequence[int], damage: Callable[[bytes], bytes], doubt: Doubt, words: str, side: str
) -> None:
    backup, a, b = two_alike(cuts)
    backup.files["a/20-.chunk"] = damage(backup.files["a/20-.chunk"])
    one, other = (a, b) if side == "a" else (b, a)
    seen = compared(backup, one, other)
    assert (seen.verdict, seen.doubt) == (Verdict.UNKNOWN, doubt)
    assert any(word in seen.why for word in words.split("|")), seen.why
    assert f"chunk 1 (20 to 39) of {side.upper()}" in seen.why
    assert seen.at is not None and 20 <= seen.at < 40


def test_a_record_beyond_the_cap_is_refused_with_its_length(tmp_path: Path) -> None:
    (tmp_path / "metadata").mkdir()
    chunks = []
    for name in "ab":
        with (tmp_path / name).open("wb") as file:
            file.write(framed([b"x"]) + struct.pack(">I", MAX_RECORD_BYTES + 1))
            file.truncate(9 + MAX_RECORD_BYTES + 1)
            file.seek(20 if name == "b" else 30)
            file.write(name.encode())
        chunks.append(TransactionChunk(0, 1, name, "p"))
    a, b = (TransactionManifest(0, 1, (chunk,)) for chunk in chunks)
    seen = compare_contents(LocalReader(str(tmp_path)), a, b)
    assert (seen.verdict, seen.doubt) == (Verdict.UNKNOWN, Doubt.DAMAGED)
    assert f"claims {MAX_RECORD_BYTES + 1:,} bytes" in seen.why


def test_a_chunk_that_is_missing_or_can_t_be_read_leaves_a_doubt() -> None:
    backup, a, b = two_alike()
    content = backup.files.pop("b/20-.chunk")
    seen = compared(backup, a, b)
    assert (seen.doubt, seen.at) == (Doubt.UNREADABLE, 20)
    assert seen.why == "chunk 1 (20 to 39) of B is not in the store"
    backup.files["b/20-.chunk"] = content
    refused = {"b/20-.chunk": HandleUnreadable(ReadFault.FAILED, "Input/output error (os error 5)")}
    seen = compare_contents(Files(backup.files, refused), a, b)
    assert seen.why == "chunk 1 (20 to 39) of B can't be read: Input/output error (os error 5)"


def test_what_is_no_plain_file_and_what_lies_outside_are_never_opened(tmp_path: Path) -> None:
    (tmp_path / "metadata").mkdir()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "plain").write_bytes(framed([b"x"]))
    b = TransactionManifest(0, 0, (TransactionChunk(0, 0, "plain", "p"),))
    for handle in ("fifo", "link", "metadata", "../x", "/etc/passwd", "a//b"):
        a = TransactionManifest(0, 0, (TransactionChunk(0, 0, handle, "p"),))
        seen = compare_contents(LocalReader(str(tmp_path)), a, b)
        assert (seen.verdict, seen.doubt) == (Verdict.UNKNOWN, Doubt.UNREADABLE)
        assert "not opened" in seen.why


def test_chunks_of_two_formats_can_t_be_compared() -> None:
    backup, a, b = two_alike()
    old = TransactionChunk(20, 39, "b/20-.chunk", "p", ChunkFormat.V0)
    seen = compared(backup, a, TransactionManifest(0, 39, (b.chunks[0], old)))
    assert (seen.verdict, seen.doubt, seen.at, seen.records) == (Verdict.UNKNOWN, Doubt.FORMATS, 20, 20)
    assert seen.why == "at version 20 the records of A are written in format V1, of B in V0"


@pytest.mark.parametrize(
    "chunks",
    [
        (),
        (TransactionChunk(0, 19, "b/0-.chunk", "p", ChunkFormat.V1),),
        (TransactionChunk(20, 39, "b/20-.chunk", "p", ChunkFormat.V1),),
        (TransactionChunk(0, 19, "b/0-.chunk", "p", ChunkFormat.V1), TransactionChunk(21, 39, "b/20-.chunk", "p")),
        (TransactionChunk(0, 19, "b/0-.chunk", "p", ChunkFormat.V1), TransactionChunk(20, 5, "b/20-.chunk", "p")),
    ],
)
def test_chunks_that_do_not_follow_each_other_leave_a_doubt(chunks: tuple[TransactionChunk, ...]) -> None:
    backup, a, b = two_alike()
    seen = compared(backup, a, TransactionManifest(b.first_version, b.last_version, chunks))
    assert (seen.verdict, seen.doubt) == (Verdict.UNKNOWN, Doubt.MISCOUNTED)


@pytest.mark.parametrize("cuts", [(20,), (7,)])
def test_a_file_that_changes_while_it_is_read_leaves_a_doubt(cuts: Sequence[int]) -> None:
    backup, a, b = two_alike(cuts)
    reader = backup.reader()
    reader.later["a/20-.chunk"] = 12_345
    seen = compare_contents(reader, a, b)
    assert (seen.verdict, seen.doubt) == (Verdict.UNKNOWN, Doubt.CHANGED)
    assert seen.why == "chunk 1 (20 to 39) of A changed while it was read"


# Watched, stopped, bounded


@pytest.mark.parametrize("cut", [(), (300_000,)])
def test_progress_rises_to_all_records_and_bytes_and_a_stop_is_heeded(cut: Sequence[int]) -> None:
    backup, records = Backup(), [b"%07d" % number for number in range(400_000)]
    a, b = backup.transactions("a", 0, records), backup.transactions("b", 0, records, cut)
    told = Watcher[CompareProgress]()
    assert compare_contents(backup.reader(), a, b, told).verdict is Verdict.EQUAL
    done, read = ([getattr(each, what) for each in told.told] for what in ("done", "bytes"))
    assert done == sorted(done) and read == sorted(read)
    assert done[-1] == told.told[0].total == 400_000
    assert read[-1] == sum(map(len, backup.files.values()))
    assert len(set(done)) > 10
    for after in (0, 1, 5):
        watcher = Watcher[CompareProgress](after)
        seen = compare_contents(backup.reader(), a, b, watcher)
        assert (seen.verdict, seen.doubt) == (Verdict.UNKNOWN, Doubt.STOPPED)
        assert len(watcher.told) <= after + 1


@pytest.mark.parametrize("cuts", [(2,), (1, 3)])
def test_chunks_of_hundreds_of_megabytes_take_a_few_blocks_of_memory(tmp_path: Path, cuts: Sequence[int]) -> None:
    """Four records of 50 MiB, on either side, sparse but for their lengths and the last byte."""
    (tmp_path / "metadata").mkdir()
    manifests = []
    for name, bounds in (("a", [0, 2, 4]), ("b", [0, *cuts, 4])):
        chunks = []
        for low, high in pairwise(bounds):
            chunks.append(TransactionChunk(low, high - 1, f"{name}{low}", "p"))
            with (tmp_path / f"{name}{low}").open("wb") as file:
                for place in range(high - low):
                    file.seek(place * (4 + 50 * MIB))
                    file.write(struct.pack(">I", 50 * MIB))
                file.truncate((high - low) * (4 + 50 * MIB))
                if high == 4 and name == "b":
                    file.seek(-1, os.SEEK_END)
                    file.write(b"!")
        manifests.append(TransactionManifest(0, 3, tuple(chunks)))
    tracemalloc.start()
    a, b = manifests
    seen = compare_contents(LocalReader(str(tmp_path)), a, b)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (seen.verdict, seen.at) == (Verdict.DIFFERS, 3)
    assert peak < 4 * MIB
