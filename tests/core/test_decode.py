"""Files decoded many lines at a time give what the strict parser gives line by line."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.codec import MAX_LINE_BYTES, encode_record, parse_line, split_lines
from core.decode import decode_block
from core.gather import Limits
from core.model import (
    U64_MAX,
    Claim,
    EpochEndingRecord,
    RangeRecord,
    Record,
    StateSnapshotRecord,
    TransactionRecord,
)
from core.words import PADDING
from tests.support.odd_lines import (
    KIND_OF,
    LINE,
    assert_as_the_strict_parser_says,
    canonical,
    folders,
    gathered,
    odd,
    sizes,
)
from tests.support.soaking import examples

TINY = Limits(block_bytes=200, block_files=3)


@settings(max_examples=examples(300))
@given(folders, sizes)
@example({"a": b"", "b": b"", "c": LINE, "d": b""}, Limits(block_files=1))
@example({"a": LINE * 40 + b"x", "b": LINE}, TINY)
def test_files_cut_into_blocks_anyhow_read_as_the_strict_parser_reads_each_line(
    files: dict[str, bytes], limits: Limits
) -> None:
    index = gathered(files, limits)
    assert_as_the_strict_parser_says(files, index)
    assert index.complete
    assert (index.listed_count, [file.fault for file in index.files]) == (len(files), [None] * len(files))
    for number, data in enumerate(files.values()):
        assert index.content(number) == data + (b"" if not data or data.endswith(b"\n") else b"\n")
    for name, data in files.items():
        for line_number, line in split_lines(data):
            assert index.raw_line(Claim(f"metadata/{name}", line_number)) == line


@settings(max_examples=examples(300))
@given(st.lists(canonical | odd, min_size=1, max_size=12))
def test_whatever_the_quick_path_takes_the_strict_parser_calls_canonical(lines: list[bytes]) -> None:
    data = b"".join(line + b"\n" for line in lines)
    text = np.frombuffer(b"#" + data + PADDING, dtype=np.uint8)
    block = decode_block(text, 1, 1 + len(data))
    assert [data[a - 1 : b - 1] for a, b in zip(block.line_start, block.line_end, strict=True)] == lines
    taken = 0
    for found in block.canonical:
        for k, row in enumerate(found.row.tolist()):
            parsed = parse_line(lines[row])
            assert isinstance(parsed.record, RangeRecord)
            assert (KIND_OF[type(parsed.record)], parsed.notes) == (found.kind, ())
            numbers = [getattr(parsed.record, name) for name in parsed.record.__slots__][:-1]
            assert [int(key[k]) for key in found.keys] == numbers
            at = int(found.text_start[k])
            assert text[at : at + int(found.text_length[k])].tobytes() == parsed.record.manifest.encode()
            taken += 1
    assert sorted(block.others.tolist() + [row for found in block.canonical for row in found.row.tolist()]) == list(
        range(len(lines))
    )
    assert taken + len(block.others) == len(lines)


def test_plain_lines_of_all_three_lanes_are_taken_by_the_quick_path() -> None:
    records: list[Record] = [TransactionRecord(0, 9, "m"), EpochEndingRecord(0, 1, 2, 10**19 - 1, "")]
    records.append(StateSnapshotRecord(0, 7, "k"))
    data = b"".join(encode_record(record) for record in records * 5)
    block = decode_block(np.frombuffer(data + PADDING, dtype=np.uint8), 0, len(data))
    taken = {found.kind: len(found.row) for found in block.canonical}
    assert taken == dict.fromkeys(KIND_OF.values(), 5)
    assert len(block.others) == 0


@pytest.mark.parametrize(
    "line",
    [
        LINE[:-1].replace(b"a1b2", b'a"b2'),
        LINE[:-1].replace(b"a1b2", b'","manifest":"'),
        LINE[:-1].replace(b":0,", b":00,"),
        LINE[:-1].replace(b":9,", b":18446744073709551616,"),
        LINE[:-1].replace(b":9,", b":12345678901234567890123456,"),
        LINE[:-1] + b"}",
        LINE[:-1] + LINE[:-1],
        LINE[:-2],
        LINE[:-3],
        LINE[:-1] + b"\0",
        b"\0" + LINE[:-1],
        b'{"TransactionBackup":{"first_version":1,"last_version":2,"manifest":"}}',
    ],
)
def test_a_line_that_is_nearly_canonical_is_refused_among_good_ones(line: bytes) -> None:
    files = {"a.meta": LINE * 3 + line + b"\n" + LINE}
    index = gathered(files)
    assert_as_the_strict_parser_says(files, index)
    assert [problem.claim.line for problem in index.problems] == [4]
    assert len(index.transactions.claims(0)) == 4


def test_a_handle_may_look_like_the_end_of_its_own_line() -> None:
    records = [TransactionRecord(5, 6, handle) for handle in ("}}", "{", "a,b:c", "manifest", "}}}}")]
    index = gathered({"a.meta": b"".join(map(encode_record, records))})
    assert [entry.record for entry in index.transactions.entries()] == sorted(records)


def test_numbers_of_twenty_digits_are_exact() -> None:
    records = [TransactionRecord(10**19 - 1, 10**19, "m"), TransactionRecord(U64_MAX - 1, U64_MAX, "m")]
    index = gathered({"a.meta": b"".join(map(encode_record, records)) + LINE})
    assert [entry.record for entry in index.transactions.entries()][1:] == records


def test_a_line_beyond_the_limit_is_refused_though_it_is_canonical() -> None:
    longest = MAX_LINE_BYTES - len(LINE) + 1 + len("transaction_0-.a1b2/transaction.manifest")
    fits, too_long = (encode_record(TransactionRecord(0, 9, "m" * size)) for size in (longest, longest + 1))
    files = {"a.meta": LINE + fits + too_long + LINE}
    index = gathered(files)
    assert_as_the_strict_parser_says(files, index)
    assert [(problem.claim.line, len(index.transactions)) for problem in index.problems] == [(3, 2)]
