"""Metadata lines: the same verdict, the same words and the same bytes as the stock tool.

`serde-verdicts.jsonl` holds what Rust's serde_json 1.0.87 (serde 1.0.152, features `preserve_order` and
`arbitrary_precision`) says about lines for the five record kinds: `line` is the line's bytes as Latin-1, `rewritten`
what serde writes for an accepted line, `message` why it refuses the others.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.codec import (
    MAX_LINE_BYTES,
    MAX_MESSAGE_CHARS,
    LineRefused,
    encode_record,
    parse_line,
    split_lines,
)
from core.model import (
    U64_MAX,
    EpochEndingRecord,
    IdentityRecord,
    Record,
    StateSnapshotRecord,
    TimestampsRecord,
    TransactionRecord,
)

VERDICTS = Path(__file__).parents[1] / "data" / "serde-verdicts.jsonl"
LINE = b'{"TransactionBackup":{"first_version":201,"last_version":300,"manifest":"m"}}'
RECORD = TransactionRecord(201, 300, "m")


def with_version(token: str) -> bytes:
    """The usual line with `token` in place of its first version."""
    return LINE.replace(b"201", token.encode())


def with_manifest(token: str) -> bytes:
    """The usual line with `token`, quotes included, in place of its manifest."""
    return LINE.replace(b'"m"', token.encode())


def refusal(line: bytes) -> LineRefused:
    """Why the line is refused."""
    with pytest.raises(LineRefused) as caught:
        parse_line(line)
    return caught.value


# The table of format.md, "Metadata lines"

REFUSED: Mapping[str, tuple[bytes, str, str]] = {
    "blank line": (b"", "blank-line", "EOF while parsing a value at line 1 column 0"),
    "blanks-only line": (b" \t ", "blank-line", "EOF while parsing a value at line 1 column 3"),
    "BOM": (b"\xef\xbb\xbf" + LINE, "bad-encoding", "expected value at line 1 column 1"),
    "not UTF-8": (LINE.replace(b'"m"', b'"\xff"'), "bad-encoding", "stream did not contain valid UTF-8"),
    "an id that is no hash": (
        b'{"Identity":{"id":"me"}}',
        "bad-json-line",
        "unable to parse HashValue at line 1 column 23",
    ),
    "missing field": (
        b'{"TransactionBackup":{"first_version":1,"last_version":2}}',
        "bad-json-line",
        "missing field `manifest` at line 1 column 57",
    ),
    "duplicate field": (
        b'{"TransactionBackup":{"first_version":1,"first_version":1,"last_version":2,"manifest":"m"}}',
        "duplicate-key",
        "duplicate field `first_version` at line 1 column 55",
    ),
    "unknown kind": (
        b'{"Foo":{}}',
        "unknown-variant",
        "unknown variant `Foo`, expected one of `EpochEndingBackup`, `StateSnapshotBackup`, `TransactionBackup`, "
        "`Identity`, `CompactionTimestamps` at line 1 column 6",
    ),
    "two kinds in one object": (
        LINE[:-1] + b',"Identity":{"id":"x"}}',
        "bad-json-line",
        "expected value at line 1 column 76",
    ),
    "201.0": (
        with_version("201.0"),
        "number-not-u64",
        "invalid type: floating point `201`, expected u64 at line 1 column 43",
    ),
    "-1": (with_version("-1"), "number-not-u64", "invalid value: integer `-1`, expected u64 at line 1 column 40"),
    "-0": (with_version("-0"), "number-not-u64", "invalid type: floating point `-0`, expected u64 at line 1 column 40"),
    "true": (
        with_version("true"),
        "number-not-u64",
        "invalid type: boolean `true`, expected u64 at line 1 column 42",
    ),
    '"201"': (
        with_version('"201"'),
        "number-not-u64",
        'invalid type: string "201", expected u64 at line 1 column 43',
    ),
    "2^64": (
        with_version("18446744073709551616"),
        "number-not-u64",
        "invalid type: floating point `18446744073709552000`, expected u64 at line 1 column 58",
    ),
    "5,000 digits": (with_version("5" * 5000), "number-not-u64", "number out of range at line 1 column 5038"),
    "NaN": (with_version("NaN"), "number-not-u64", "expected value at line 1 column 39"),
    "trailing text": (LINE + b" x", "bad-json-line", "trailing characters at line 1 column 79"),
    "two objects": (LINE + LINE, "bad-json-line", "trailing characters at line 1 column 78"),
    "pretty printed": (b"{", "bad-json-line", "EOF while parsing a value at line 1 column 1"),
    "lone surrogate": (
        with_manifest(r'"\ud800"'),
        "bad-json-line",
        "unexpected end of hex escape at line 1 column 80",
    ),
    "raw control character": (
        with_manifest('"\x01"'),
        "bad-json-line",
        "control character (\\u0000-\\u001F) found while parsing a string at line 1 column 74",
    ),
    "Identity as bare string": (
        b'"Identity"',
        "bad-json-line",
        "invalid type: unit variant, expected newtype variant",
    ),
}


@pytest.mark.parametrize("row", REFUSED)
def test_what_stock_refuses_is_refused_with_its_words_and_its_hazard(row: str) -> None:
    line, hazard, message = REFUSED[row]
    refused = refusal(line)
    assert (refused.hazard, refused.message) == (hazard, message)


ACCEPTED: Mapping[str, tuple[bytes, Record, tuple[str, ...]]] = {
    "canonical": (LINE, RECORD, ()),
    "CRLF": (LINE + b"\r", RECORD, ("crlf",)),
    "unknown field": (
        b'{"TransactionBackup":{"first_version":201,"new":[{"a":null}],"last_version":300,"manifest":"m"}}',
        RECORD,
        ("unknown-field", "not-canonical"),
    ),
    "array instead of object": (
        b'{"TransactionBackup":[201,300,"m"]}',
        RECORD,
        ("array-form-record", "not-canonical"),
    ),
    "2^64-1": (with_version(str(U64_MAX)), TransactionRecord(U64_MAX, 300, "m"), ()),
    r"\u0000 in string": (with_manifest(r'"a\u0000b"'), TransactionRecord(201, 300, "a\0b"), ()),
    "raw U+2028 in string": (
        with_manifest('"a\u2028b"'),
        TransactionRecord(201, 300, "a\u2028b"),
        ("line-separator-chars",),
    ),
    "raw U+0085 in string": (
        with_manifest('"a\u0085b"'),
        TransactionRecord(201, 300, "a\u0085b"),
        ("line-separator-chars",),
    ),
    "leading blanks": (b" \t" + LINE, RECORD, ("not-canonical",)),
    "fields in another order": (
        b'{"TransactionBackup":{"manifest":"m","last_version":300,"first_version":201}}',
        RECORD,
        ("not-canonical",),
    ),
    "a needless escape": (with_manifest(r'"\u006d"'), RECORD, ("not-canonical",)),
}


@pytest.mark.parametrize("row", ACCEPTED)
def test_what_stock_accepts_is_accepted_and_noted_where_it_is_unusual(row: str) -> None:
    line, record, notes = ACCEPTED[row]
    parsed = parse_line(line)
    assert (parsed.record, parsed.notes) == (record, notes)


# serde itself


def test_every_recorded_verdict_of_serde_is_matched_word_for_word() -> None:
    rows = [json.loads(row) for row in VERDICTS.read_bytes().split(b"\n") if row]
    assert len(rows) > 800
    assert 100 < sum(row["accepted"] for row in rows) < 400
    assert [row for row in rows if outcome(row["line"].encode("latin-1")) != expected(row)] == []


def outcome(line: bytes) -> Any:
    """Our rewritten line as a JSON value, or our message."""
    try:
        return json.loads(encode_record(parse_line(line).record))
    except LineRefused as refused:
        return refused.message


def expected(row: Mapping[str, Any]) -> Any:
    """Serde's rewritten line as a JSON value (the order of its hash map carries no meaning), or its message."""
    return json.loads(row["rewritten"]) if row["accepted"] else row["message"]


def test_a_canonical_line_is_rewritten_byte_for_byte_as_serde_does() -> None:
    rows = [json.loads(row) for row in VERDICTS.read_bytes().split(b"\n") if row]
    rewritten = [row["rewritten"].encode() for row in rows if row["accepted"]]
    assert all(encode_record(parse_line(line).record) == line + b"\n" for line in rewritten)


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("1844674407370955161.5e-3", "1844674407370955.3"),
        ("0.1e-5", "0.000001"),
        ("1e22", "10000000000000000000000"),
        ("5e-324", "0." + "0" * 323 + "5"),
        ("1e-99999999999", "0"),
        ("-18446744073709551615", "-18446744073709552000"),
    ],
)
def test_floats_are_shown_as_rust_shows_them(token: str, words: str) -> None:
    assert refusal(with_version(token)).message.startswith(f"invalid type: floating point `{words}`, expected u64")


def test_a_value_that_is_missing_or_torn_is_no_number_at_all() -> None:
    torn = (b"", b"-", b"2.", b"2e", b"tr", b'"20')
    assert {refusal(LINE[:38] + value).hazard for value in torn} == {"bad-json-line"}
    assert refusal(with_version("")).hazard == "bad-json-line"


def test_a_manifest_that_is_a_number_is_a_bad_line_and_not_a_bad_number() -> None:
    refused = refusal(with_manifest("1.5"))
    assert (refused.hazard, refused.message) == (
        "bad-json-line",
        "invalid type: number, expected a string at line 1 column 75",
    )


# Hostile lines


def test_an_unknown_field_may_nest_deeper_than_any_stack() -> None:
    depth = 200_000
    nested = b'{"x":[' * depth + b"]}" * depth
    parsed = parse_line(LINE.replace(b'"first_version"', b'"x":' + nested + b',"first_version"'))
    assert parsed.record == RECORD


def test_a_line_beyond_the_limit_is_refused_before_it_is_read() -> None:
    refused = refusal(b" " * (MAX_LINE_BYTES + 1))
    assert refused.hazard == "bad-json-line"
    assert "16,777,217 bytes" in refused.message


def test_a_long_string_of_escapes_at_the_limit_is_read_whole() -> None:
    count = 800_000
    record = parse_line(with_manifest('"' + r"\u0041\n\ud83d\ude00" * count + '"')).record
    assert record == TransactionRecord(201, 300, "A\n\U0001f600" * count)


def test_a_message_that_quotes_a_huge_name_is_shortened_in_the_middle() -> None:
    message = refusal(b'{"' + b"x" * 100_000 + b'":{}}').message
    assert len(message) <= MAX_MESSAGE_CHARS
    assert message.startswith("unknown variant `xxx")
    assert message.endswith("`CompactionTimestamps` at line 1 column 100003")


# Round trip

U64S = st.integers(0, U64_MAX)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
RECORDS: st.SearchStrategy[Record] = st.one_of(
    st.builds(TransactionRecord, U64S, U64S, TEXTS),
    st.builds(EpochEndingRecord, U64S, U64S, U64S, U64S, TEXTS),
    st.builds(StateSnapshotRecord, U64S, U64S, TEXTS),
    st.builds(IdentityRecord, st.from_regex(r"[0-9a-f]{64}", fullmatch=True)),
    st.builds(TimestampsRecord, U64S, st.dictionaries(TEXTS, st.none() | U64S)),
)


@given(RECORDS)
def test_a_record_that_is_written_and_read_is_the_same_and_canonical(record: Record) -> None:
    line = encode_record(record)
    assert line.count(b"\n") == 1
    parsed = parse_line(line[:-1])
    assert parsed.record == record
    assert "not-canonical" not in parsed.notes
    assert encode_record(parsed.record) == line


@given(RECORDS, st.data())
def test_a_damaged_line_is_read_or_refused_and_never_anything_else(record: Record, data: st.DataObject) -> None:
    line = encode_record(record)[:-1]
    at = data.draw(st.integers(0, len(line)))
    damaged = line[:at] + data.draw(st.binary(max_size=3)) + line[at + data.draw(st.integers(0, 3)) :]
    try:
        parsed = parse_line(damaged)
    except LineRefused as refused:
        assert refused.message
        return
    assert parse_line(encode_record(parsed.record)[:-1]).record == parsed.record


def test_the_canonical_lines_are_those_of_stock() -> None:
    records: dict[Record, bytes] = {
        EpochEndingRecord(0, 1, 2, 3, "H"): b'{"EpochEndingBackup":{"first_epoch":0,"last_epoch":1,"first_version":2,'
        b'"last_version":3,"manifest":"H"}}\n',
        StateSnapshotRecord(1, 2, 'a"\\\x01\x1f\x7fé'): b'{"StateSnapshotBackup":{"epoch":1,"version":2,'
        b'"manifest":"a\\"\\\\\\u0001\\u001f\x7f\xc3\xa9"}}\n',
        IdentityRecord("\b\f\n\r\t"): b'{"Identity":{"id":"\\b\\f\\n\\r\\t"}}\n',
    }
    assert {record: encode_record(record) for record in records} == records
    stamps = TimestampsRecord(5, {"metadata/x.meta": 4, "metadata/a.meta": None})
    assert encode_record(stamps) == (
        b'{"CompactionTimestamps":{"file_compacted_at":5,'
        b'"compaction_timestamps":{"metadata/x.meta":4,"metadata/a.meta":null}}}\n'
    )


@pytest.mark.parametrize(
    "record", [TransactionRecord(-1, 0, "m"), TransactionRecord(0, U64_MAX + 1, "m"), IdentityRecord("\ud800")]
)
def test_a_record_that_stock_could_not_read_back_is_never_written(record: Record) -> None:
    with pytest.raises(ValueError, match=r"64-bit|surrogates"):
        encode_record(record)


# Lines of a file


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"\n", [(1, b"")]),
        (b"a", [(1, b"a")]),
        (b"a\n", [(1, b"a")]),
        (b"a\r\n\nb", [(1, b"a\r"), (2, b""), (3, b"b")]),
        ("a\u2028b\u0085\x0b\x0c\n".encode(), [(1, "a\u2028b\u0085\x0b\x0c".encode())]),
    ],
)
def test_lines_end_at_line_feeds_and_nowhere_else(data: bytes, lines: list[tuple[int, bytes]]) -> None:
    assert list(split_lines(data)) == lines


@given(st.lists(RECORDS, max_size=5))
def test_a_file_of_records_is_read_back_line_by_line(records: list[Record]) -> None:
    data = b"".join(map(encode_record, records))
    assert [parse_line(line).record for _, line in split_lines(data)] == records
