"""Walking chunk files: every fault is named with its record and byte, and nothing they say is believed."""

from __future__ import annotations

import io
import os
import struct
import tracemalloc
from pathlib import Path

import pytest

from core.manifests import ChunkWalk, walk_chunk
from core.manifests.chunks import MAX_RECORD_BYTES
from tests.support.backups import framed, records
from tests.support.data import data_path
from tests.support.gzipped import gzipped

MIB = 1 << 20


def walk(content: bytes, expected: int = 2) -> ChunkWalk:
    return walk_chunk(io.BytesIO(content), expected)


def walk_file(path: Path, expected: int = 2) -> tuple[ChunkWalk, int]:
    """A walk over a real file, and the most memory (bytes) that it took."""
    with path.open("rb") as stream:
        tracemalloc.start()
        try:
            return walk_chunk(stream, expected), tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("zipped", [False, True])
def test_records_are_counted_in_plain_and_in_gzip_files(zipped: bool) -> None:
    content = framed([b"abc", b"d", b"e" * 300_000])
    seen = walk(gzipped(content) if zipped else content, 3)
    assert seen == ChunkWalk(records=3, content_bytes=len(content), gzip=zipped)


def test_an_empty_file_holds_no_records() -> None:
    assert walk(b"") == ChunkWalk(0, 0, gzip=False)
    assert walk(gzipped(b"")) == ChunkWalk(0, 0, gzip=True)


def test_records_may_end_anywhere_in_a_block() -> None:
    for size in (1, 3, 127, 128 * 1024 - 8, 128 * 1024 - 4, 128 * 1024 - 1, 128 * 1024, 300_000):
        content = framed([b"x" * size] * 5)
        assert walk(content, 5) == ChunkWalk(5, len(content), gzip=False)
        assert walk(gzipped(content, 1), 5) == ChunkWalk(5, len(content), gzip=True)


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(
    ("tail", "hazard", "stock_says"),
    [
        (b"\0\0\0\5abc", "chunk-truncated", "Hit EOF before filling the whole buffer, read 3, expected 5"),
        (b"\0\0\0\5", "chunk-truncated", "Hit EOF when reading record."),
        (b"\0\0\5", "chunk-truncated", "Hit EOF before filling the whole buffer, read 3, expected 4"),
        (b"\0", "chunk-truncated", "Hit EOF before filling the whole buffer, read 1, expected 4"),
        (b"\0\0\0\0", "chunk-empty-record", "unexpected end of input"),
        (b"\0\0\0\0more", "chunk-empty-record", "unexpected end of input"),
    ],
)
def test_a_fault_behind_good_records_is_placed(tail: bytes, hazard: str, stock_says: str, zipped: bool) -> None:
    good = framed([b"first", b"second"])
    content = good + tail
    seen = walk(gzipped(content) if zipped else content, 9)
    assert seen.fault is not None
    assert (seen.fault.hazard, seen.fault.stock_says) == (hazard, stock_says)
    assert (seen.records, seen.fault.record, seen.fault.offset) == (2, 2, len(good))


def test_every_cut_of_a_chunk_is_noticed() -> None:
    content = framed([b"a", b"bcd", b"efghij"])
    ends = {0: 0, 5: 1, 12: 2, 22: 3}
    for cut in range(len(content) + 1):
        seen = walk(content[:cut], 3)
        if cut in ends:
            assert (seen.fault, seen.records) == (None, ends[cut])
        else:
            assert seen.fault is not None and seen.fault.hazard == "chunk-truncated"
            assert seen.fault.offset in ends and seen.records == ends[seen.fault.offset]


def test_a_length_of_4_gib_is_a_bomb_and_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "1-.chunk"
    path.write_bytes(framed([b"good"]) + b"\xff\xff\xff\xffabc")
    seen, peak = walk_file(path)
    assert seen.fault is not None and seen.fault.hazard == "chunk-length-bomb"
    assert seen.fault.stock_says == "Hit EOF before filling the whole buffer, read 3, expected 4294967295"
    assert (seen.fault.record, seen.fault.offset) == (1, 8)
    assert peak < MIB


def test_a_record_beyond_the_cap_is_not_walked_even_if_it_is_there(tmp_path: Path) -> None:
    path = tmp_path / "1-.chunk"
    with path.open("wb") as file:
        file.write(struct.pack(">I", MAX_RECORD_BYTES + 1))
        file.truncate(4 + MAX_RECORD_BYTES + 1)
    seen, peak = walk_file(path, 1)
    assert seen.fault is not None and seen.fault.hazard == "chunk-length-bomb"
    assert seen.fault.stock_says is None
    assert peak < MIB


def test_a_record_of_the_cap_is_walked(tmp_path: Path) -> None:
    path = tmp_path / "1-.chunk"
    with path.open("wb") as file:
        file.write(struct.pack(">I", MAX_RECORD_BYTES))
        file.truncate(4 + MAX_RECORD_BYTES)
    seen, peak = walk_file(path, 1)
    assert seen == ChunkWalk(1, 4 + MAX_RECORD_BYTES, gzip=False)
    assert peak < MIB


def test_a_sparse_file_of_5_gb_ends_at_its_first_empty_record(tmp_path: Path) -> None:
    path = tmp_path / "1-.chunk"
    path.touch()
    os.truncate(path, 5 << 30)
    seen, peak = walk_file(path, 100)
    assert seen.fault is not None and (seen.fault.hazard, seen.fault.record) == ("chunk-empty-record", 0)
    assert peak < MIB


def test_a_sparse_file_of_huge_records_is_seeked_over(tmp_path: Path) -> None:
    """80 records of 60 MiB: 4.7 GiB, of which only the blocks at their lengths are read."""
    path, size = tmp_path / "1-.chunk", 60 * MIB
    with path.open("wb") as file:
        for number in range(80):
            file.seek(number * (4 + size))
            file.write(struct.pack(">I", size))
        file.truncate(80 * (4 + size))
    seen, peak = walk_file(path, 80)
    assert seen == ChunkWalk(80, 80 * (4 + size), gzip=False)
    assert peak < MIB


@pytest.mark.parametrize("member_mib", [16])
def test_ten_gigabytes_of_zeros_in_gzip_are_not_inflated(tmp_path: Path, member_mib: int) -> None:
    member = gzipped(bytes(member_mib * MIB))
    path = tmp_path / "1-.chunk"
    path.write_bytes(member * (10_240 // member_mib))
    seen, peak = walk_file(path, 10)
    assert seen.fault is not None and seen.fault.hazard == "chunk-empty-record"
    assert peak < 4 * MIB


def test_a_bomb_that_looks_like_one_long_record_after_another_is_cut_off(tmp_path: Path) -> None:
    record = struct.pack(">I", 8 * MIB) + bytes(8 * MIB)
    member = gzipped(record)
    path = tmp_path / "1-.chunk"
    path.write_bytes(member * 1_280)
    seen, peak = walk_file(path, 1_280)
    assert seen.fault is not None and seen.fault.hazard == "decompression-bomb"
    assert seen.records <= 9
    assert peak < 4 * MIB


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda data: data[:-1], "unexpected end of file"),
        (lambda data: data[: len(data) // 2], "unexpected end of file"),
        (lambda data: data[:-8] + b"\0\0\0\0" + data[-4:], "invalid compressed data--crc error"),
        (lambda data: data[:-4] + b"\1\2\3\4", "invalid compressed data--length error"),
        (lambda data: data + b"junk", "decompression OK, trailing garbage ignored"),
        (lambda data: data[:3] + b"\xe0" + data[4:], "invalid compressed data--format violated"),
    ],
)
def test_damaged_gzip_is_told_apart_in_gzips_words(damage, words: str) -> None:  # type: ignore[no-untyped-def]
    whole = gzipped(framed([os.urandom(50), os.urandom(60)]))
    seen = walk(damage(whole))
    assert seen.fault is not None
    assert (seen.fault.hazard, seen.fault.stock_says) == ("gzip-damaged", f"gzip: stdin: {words}")


def test_members_one_after_another_and_padding_are_whole_gzip() -> None:
    content = gzipped(framed([b"abc"])) + gzipped(framed([b"d"])) + bytes(512)
    assert walk(content) == ChunkWalk(2, 12, gzip=True)


def test_too_many_records_are_counted_exactly_for_a_while_and_then_no_more() -> None:
    few = walk(records(500), 10)
    assert (few.records, few.complete) == (500, True)
    endless = walk(framed([b"x"]) * 300_000, 10)
    assert endless.complete is False
    assert 100_010 < endless.records < 300_000


def test_a_stop_is_heeded_between_blocks() -> None:
    content = framed([b"x" * 1000]) * 5_000
    asked: list[None] = []

    def stopped() -> bool:
        asked.append(None)
        return len(asked) == 3

    seen = walk_chunk(io.BytesIO(content), 5_000, stopped)
    assert seen.complete is False
    assert 0 < seen.records < 5_000


@pytest.mark.parametrize(
    ("store", "hazard", "stock_says"),
    [
        ("chunk-truncated", "chunk-truncated", "Hit EOF before filling the whole buffer, read 3, expected 5"),
        (
            "chunk-length-bomb",
            "chunk-length-bomb",
            "Hit EOF before filling the whole buffer, read 3, expected 4294967295",
        ),
        ("chunk-empty-record", "chunk-empty-record", "unexpected end of input"),
    ],
)
def test_the_chunks_of_the_hazard_stores_show_their_hazard(store: str, hazard: str, stock_says: str) -> None:
    with data_path("hazard-stores", store, "1-.chunk").open("rb") as stream:
        seen = walk_chunk(stream, 1)
    assert seen.fault is not None
    assert (seen.fault.hazard, seen.fault.stock_says) == (hazard, stock_says)
