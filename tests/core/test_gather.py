"""What is kept of many files, however hostile: in order, within limits, counted where it is left out."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given, settings

from core.codec import encode_record
from core.gather import LIMITS, MAX_FILE_BYTES, Gatherer, Limits
from core.growing import GrowingText
from core.model import (
    Claim,
    IdentityRecord,
    TimestampsRecord,
    TransactionRecord,
)
from core.storage.protocol import HandleUnreadable, ReadFault
from core.words import PADDING
from tests.support.gzipped import gzipped
from tests.support.odd_lines import (
    LINE,
    entries_of,
    folders,
    gathered,
    gatherer_of,
    listed,
)

TINY = Limits(block_bytes=200, block_files=3)


def test_other_things_in_the_folder_stay_in_place_with_their_reason() -> None:
    refused = HandleUnreadable(ReadFault.REFUSED, "not opened: it is a folder")
    index = gathered({"a.meta": LINE, "b": refused, "c.meta": b"x\n" + LINE}, Limits(block_files=1))
    assert [str(file.fault) for file in index.files] == ["None", "not opened: it is a folder", "None"]
    assert index.content(1) == b""
    assert index.transactions.claims(0) == (Claim("metadata/a.meta", 1), Claim("metadata/c.meta", 2))


def test_a_line_that_is_not_there_has_no_bytes() -> None:
    index = gathered({"a.meta": LINE + b"x", "b.meta": LINE})
    assert index.raw_line(Claim("metadata/a.meta", 2)) == b"x"
    assert [index.raw_line(Claim("metadata/a.meta", line)) for line in (0, 3, -1)] == [b"", b"", b""]
    assert index.raw_line(Claim("metadata/none.meta", 1)) == b""


@settings(max_examples=100)
@given(folders)
def test_what_was_seen_on_the_way_is_a_part_of_the_end_and_never_changes(files: dict[str, bytes]) -> None:
    gatherer = Gatherer("metadata", len(files), 0, Limits(block_bytes=1, block_files=1))
    steps = gatherer.gather((listed(name), content) for name, content in files.items())
    partials = [(index, entries_of(index)) for _ in steps for index in [gatherer.index()]]
    final = gatherer.index()
    whole_lines = {claim for lane in entries_of(final).values() for _, claims in lane for claim in claims}
    for index, entries in partials:
        assert not index.complete
        assert entries_of(index) == entries
        claims = {claim for lane in entries.values() for _, claims in lane for claim in claims}
        read = {file.handle: file.lines for file in index.files}
        assert claims == {claim for claim in whole_lines if claim.line <= read.get(claim.file, 0)}
        assert index.files[:-1] == final.files[: len(index.files[:-1])]
        assert index.problems == final.problems[: len(index.problems)]
        for number, file in enumerate(index.files):
            content = final.content(number).split(b"\n")[: file.lines]
            assert index.content(number) == b"".join(line + b"\n" for line in content)
    assert final.complete


def test_a_large_file_is_taken_piece_by_piece_and_its_lines_keep_their_numbers() -> None:
    records = [TransactionRecord(version, version, f"m{version}") for version in range(1_000)]
    files = {"a.meta": b"\n".join(encode_record(record)[:-1] for record in records), "b.meta": LINE}
    gatherer, steps = gatherer_of(files, TINY)
    assert steps.count(True) > 100
    lane = gatherer.index().transactions
    assert [lane.claims(row) for row in (0, 500, 1_000)] == [
        (Claim("metadata/a.meta", 1),),
        (Claim("metadata/a.meta", 500),),
        (Claim("metadata/a.meta", 1_000),),
    ]


def test_of_many_bad_lines_the_first_are_kept_and_all_are_counted() -> None:
    limits = Limits(problems_per_file=3, problems=5)
    index = gathered({f"{i}.meta": b"x\n" * 10 + LINE for i in range(4)}, limits)
    assert [(problem.claim.file[-6:], problem.claim.line) for problem in index.problems] == [
        ("0.meta", 1),
        ("0.meta", 2),
        ("0.meta", 3),
        ("1.meta", 1),
        ("1.meta", 2),
        ("2.meta", 1),
        ("3.meta", 1),
    ]
    assert [file.bad_lines for file in index.files] == [10] * 4


def test_of_many_notes_the_first_of_each_kind_are_kept_and_all_are_counted() -> None:
    crlf = LINE[:-1] + b"\r\n"
    spaced = b" " + LINE
    index = gathered({"a.meta": (crlf + spaced) * 50, "b.meta": crlf}, Limits(problems_per_file=2, problems=4))
    assert [(note.claim, note.note) for note in index.notes] == [
        (Claim("metadata/a.meta", 1), "crlf"),
        (Claim("metadata/a.meta", 2), "not-canonical"),
        (Claim("metadata/a.meta", 3), "crlf"),
        (Claim("metadata/a.meta", 4), "not-canonical"),
        (Claim("metadata/b.meta", 1), "crlf"),
    ]
    assert [dict(file.notes) for file in index.files] == [{"crlf": 50, "not-canonical": 50}, {"crlf": 1}]


def test_a_file_of_too_many_lines_is_not_taken() -> None:
    limits = Limits(file_lines=3)
    index = gathered({"a": LINE * 3, "b": LINE * 3 + LINE[:-1], "c": LINE * 4, "d": b"\n\n\nx"}, limits)
    assert [file.fault and file.fault.fault for file in index.files] == [None, *[ReadFault.TOO_LARGE] * 3]
    assert str(index.files[1].fault) == "more than 3 lines"
    assert len(index.transactions.claims(0)) == 3


def test_what_is_not_taken_is_not_held_either() -> None:
    files: dict[str, bytes | HandleUnreadable] = {f"{i}.meta": gzipped(b"\n" * 10_000_000) for i in range(3)}
    tracemalloc.start()
    index = gathered(files, Limits(gzip_free_bytes=1 << 30))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [str(file.fault) for file in index.files] == ["more than 1,000,000 lines"] * 3
    assert held < 1 << 20


def test_gzip_files_share_what_they_may_inflate_to() -> None:
    bombs: dict[str, bytes | HandleUnreadable] = {f"{i}.meta": gzipped(LINE * 2_000) for i in range(3)}
    whole = len(LINE) * 2_000
    index = gathered(bombs, Limits(gzip_free_bytes=2 * whole, gzip_ratio=0))
    assert [file.lines for file in index.files] == [2_000, 2_000, 0]
    assert index.files[2].fault is not None and index.files[2].fault.fault is ReadFault.TOO_LARGE
    assert all(file.lines == 2_000 for file in gathered(bombs, Limits(gzip_free_bytes=0, gzip_ratio=2_000)).files)


def test_beyond_so_many_bad_lines_the_odd_ones_are_left_out_and_each_file_says_from_where() -> None:
    files: dict[str, bytes | HandleUnreadable] = {"a.meta": LINE + b"x\n" * 3, "b.meta": LINE + b"x\n" + b" " + LINE}
    index = gathered(files, Limits(bad_lines=3))
    assert [file.bad_lines for file in index.files] == [3, 0]
    assert index.files[0].fault is None
    assert str(index.files[1].fault) == "line 2 and more left out: above 3 lines that can't be read in all"
    assert len(index.transactions.claims(0)) == 2


def test_a_listing_may_promise_any_size() -> None:
    text = GrowingText(1 << 60)
    assert (text.append(b"abc"), text.append(b"de"), bytes(text.view())) == (0, 3, b"abcde" + PADDING)


def test_text_seen_earlier_stays_as_it_was_when_more_comes() -> None:
    text = GrowingText(0)
    views = []
    for number in range(200):
        text.append(b"%d" % number * 50)
        views.append((text.view(), bytes(text.view()[: len(text)])))
    assert all(bytes(view[: len(content)]) == content for view, content in views)
    with pytest.raises(ValueError, match="read-only"):
        views[0][0][0] = 1


def test_files_beyond_the_folders_limit_are_left_out_by_name() -> None:
    limits = Limits(folder_bytes=len(LINE) * 2)
    index = gathered({"a": LINE, "b": LINE, "c": LINE, "d": b""}, limits)
    assert [file.fault and file.fault.fault for file in index.files] == [None, None, ReadFault.TOO_LARGE, None]
    assert str(index.files[2].fault) == (
        f"left out: the files of metadata/ hold more than {len(LINE) * 2:,} bytes together"
    )
    assert len(index.transactions.claims(0)) == 2


def test_more_identities_and_times_than_can_be_kept_mark_their_file() -> None:
    stamps = encode_record(TimestampsRecord(7, {"a": 1, "b": None}))
    identity = encode_record(IdentityRecord("0" * 64))
    index = gathered({"a": stamps + identity, "b": identity + stamps + LINE, "c": identity}, Limits(objects=5))
    assert [len(index.timestamps), len(index.identities)] == [1, 2]
    assert [file.fault and file.fault.fault for file in index.files] == [None, ReadFault.TOO_LARGE, ReadFault.TOO_LARGE]
    assert str(index.files[1].fault) == "line 2 and more left out: above 5 identities and times in all"
    assert len(index.transactions) == 1


def test_gzip_content_is_inflated_whatever_the_files_name() -> None:
    whole = gzipped(LINE * 3)
    index = gathered({"a.meta": whole, "b.meta": whole + gzipped(LINE) + b"\0" * 512, "c.meta": LINE})
    assert [(file.gzip, file.lines, file.fault) for file in index.files] == [
        (True, 3, None),
        (True, 4, None),
        (False, 1, None),
    ]
    assert index.content(0) == LINE * 3


@pytest.mark.parametrize(
    ("damaged", "words"),
    [
        (lambda whole: whole[:-1], "unexpected end of file"),
        (lambda whole: whole[:2], "unexpected end of file"),
        (lambda whole: whole + b"xyz", "decompression OK, trailing garbage ignored"),
        (lambda whole: whole[:-8] + b"\0\0\0\0" + whole[-4:], "invalid compressed data--crc error"),
        (lambda whole: whole[:-4] + b"\0\0\0\0", "invalid compressed data--length error"),
        (lambda whole: whole[:10] + b"\xff" + whole[11:], "invalid compressed data--format violated"),
    ],
)
def test_damaged_gzip_yields_nothing_and_says_what_gzip_says(damaged: object, words: str) -> None:
    assert callable(damaged)
    index = gathered({"a.meta": damaged(gzipped(LINE * 3)), "b.meta": LINE})
    fault = index.files[0].fault
    assert fault is not None
    assert (fault.fault, fault.message, index.files[0].gzip) == (ReadFault.BAD_GZIP, f"gzip: {words}", True)
    assert (index.files[0].lines, index.content(0), index.line_count) == (0, b"", 1)


def test_zeros_that_inflate_without_end_are_refused_and_not_kept() -> None:
    bomb = gzipped(bytes(MAX_FILE_BYTES + 1), level=1)
    tracemalloc.start()
    index = gathered({f"{i}.meta": bomb for i in range(3)} | {"z.meta": LINE})
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [file.fault and file.fault.fault for file in index.files] == [*[ReadFault.TOO_LARGE] * 3, None]
    assert held < 1 << 20
    assert peak < 2.5 * MAX_FILE_BYTES


def test_a_gzip_file_of_very_many_members_is_refused_in_time() -> None:
    fault = gathered({"a.meta": gzipped(b"") * 200_000}).files[0].fault
    assert str(fault) == "gzip: more than 100,000 gzip members"


def test_lines_with_carriage_returns_make_no_object_each() -> None:
    data = LINE.replace(b"\n", b"\r\n") * 10_000
    tracemalloc.start()
    index = gathered({"a.meta": data})
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert dict(index.files[0].notes) == {"crlf": 10_000}
    assert len(index.notes) == LIMITS.problems_per_file
    # The text, and 40 bytes of columns and at most as many of a manifest for each line.
    assert held < len(data) * 2 + 300_000


@pytest.mark.parametrize("line", [LINE.replace(b"\n", b"\r\n"), b"\n", b"x\n"])
def test_decoding_pauses_within_a_large_file_that_only_the_strict_parser_can_read(line: bytes) -> None:
    gatherer = Gatherer("metadata", 1, 0, Limits(block_odd_lines=1_000))
    steps = gatherer.gather([(listed("a.meta"), line * 50_000)])
    assert any(steps)
    index = gatherer.index()
    assert (index.complete, len(index.files), index.files[0].lines) == (False, 1, 1_000)
    notes = dict(index.files[0].notes)
    assert any(steps)
    assert dict(index.files[0].notes) == notes
    assert len(index.transactions.claim_line) == 1_000 - index.files[0].bad_lines
