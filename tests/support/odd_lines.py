"""Metadata files of all sorts, and what the strict parser makes of them: what the quick path is held against."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from itertools import groupby

from hypothesis import strategies as st

from core.codec import LineRefused, encode_record, parse_line, split_lines
from core.gather import LIMITS, Gatherer, Limits
from core.index import Index, LineNote, LineProblem
from core.model import (
    U64_MAX,
    Claim,
    EpochEndingRecord,
    IdentityRecord,
    LaneKind,
    RangeRecord,
    Record,
    StateSnapshotRecord,
    TimestampsRecord,
    TransactionRecord,
)
from core.storage.protocol import HandleUnreadable, Listed, ListedKind

KIND_OF = {
    TransactionRecord: LaneKind.TRANSACTIONS,
    EpochEndingRecord: LaneKind.EPOCH_ENDINGS,
    StateSnapshotRecord: LaneKind.STATE_SNAPSHOTS,
}
LINE = encode_record(TransactionRecord(0, 9, "transaction_0-.a1b2/transaction.manifest"))

# Records as stock writes them.
u64 = (
    st.sampled_from([0, 1, 9, 10, 99_999_999, 100_000_000, 10**18, 10**19 - 1, 10**19, U64_MAX])
    | st.integers(0, 99)
    | st.integers(0, U64_MAX)
)
handles = (
    st.sampled_from(["transaction_1-.a1b2/transaction.manifest", "m", "", "a"])
    | st.text(alphabet='ab"\\/{}:,\0\x1f\x7fé\u2028😀', max_size=12)
    | st.text(max_size=40)
)
ranges: st.SearchStrategy[RangeRecord] = (
    st.builds(TransactionRecord, u64, u64, handles)
    | st.builds(EpochEndingRecord, u64, u64, u64, u64, handles)
    | st.builds(StateSnapshotRecord, u64, u64, handles)
)
others: st.SearchStrategy[Record] = st.builds(IdentityRecord, st.text(alphabet="0aF", max_size=64)) | st.builds(
    TimestampsRecord, u64, st.dictionaries(st.text(max_size=10), st.none() | u64, max_size=3)
)
canonical = (ranges | ranges | ranges | others).map(lambda record: encode_record(record)[:-1])


def as_list(record: RangeRecord) -> bytes:
    """The same record with its fields in an array, which stock accepts."""
    (tag, fields), *_ = json.loads(encode_record(record)).items()
    return json.dumps({tag: list(fields.values())}).encode()


@st.composite
def torn(draw: st.DrawFn) -> bytes:
    """A line with something cut out or put in."""
    line = draw(canonical)
    start, length = draw(st.integers(0, len(line))), draw(st.integers(0, 3))
    pieces = ["0", "00", "1", "9" * 19, "1" * 20, U64_MAX, U64_MAX + 1, "-1", "1.0", "1e3", " ", "\t", '"', '""', "}"]
    pieces += ["\\", '\\"', "\\u0041", "\\ud800", ",", ":", '"x":[1],', "null", "true", "\ufeff", "\u2028", "\0", "é"]
    raw = st.sampled_from([str(piece).encode() for piece in pieces] + [b"", b"\r", b"\xff", b"\x80"])
    return (line[:start] + draw(raw) + line[start + length :]).replace(b"\n", b"")


@st.composite
def zeros_before(draw: st.DrawFn) -> bytes:
    """A line with leading zeros before one of its numbers."""
    line = draw(ranges.map(encode_record))[:-1]
    colons = [
        place for place in range(len(line) - 1) if line[place : place + 1] == b":" and line[place + 1] in b"0123456789"
    ]
    place = draw(st.sampled_from(colons)) + 1
    return line[:place] + b"0" * draw(st.integers(1, 9)) + line[place:]


odd = (
    torn()
    | zeros_before()
    | ranges.map(as_list)
    | canonical.map(lambda line: line + b"\r")
    | canonical.map(lambda line: b"\xef\xbb\xbf" + line)
    | st.tuples(canonical, canonical).map(b"".join)
    | st.sampled_from([b"", b" ", b"\r", b"\0" * 9, b"{", b"[]", b'{"pid":1}', b'"Identity"', b"README"])
    | st.binary(max_size=30).map(lambda data: data.replace(b"\n", b""))
)
files_of_lines = st.lists(canonical | canonical | odd, max_size=8).flatmap(
    lambda lines: st.booleans().map(lambda ended: b"\n".join(lines) + (b"\n" if ended and lines else b""))
)
folders = st.lists(files_of_lines, max_size=6).map(
    lambda contents: {f"f{i}.meta": data for i, data in enumerate(contents)}
)
sizes = st.just(LIMITS) | st.builds(
    Limits, block_bytes=st.integers(1, 600), block_files=st.integers(1, 4), block_odd_lines=st.integers(1, 5)
)


def listed(name: str, size: int = 0) -> Listed:
    return Listed(f"metadata/{name}", ListedKind.FILE, size, 0.0)


def gatherer_of(
    files: Mapping[str, bytes | HandleUnreadable], limits: Limits = LIMITS, expected_bytes: int = 0
) -> tuple[Gatherer, list[bool]]:
    gatherer = Gatherer("metadata", len(files), expected_bytes, limits)
    return gatherer, list(gatherer.gather((listed(name), content) for name, content in files.items()))


def gathered(files: Mapping[str, bytes | HandleUnreadable], limits: Limits = LIMITS) -> Index:
    return gatherer_of(files, limits)[0].index()


def entries_of(index: Index) -> dict[LaneKind, list[tuple[RangeRecord, tuple[Claim, ...]]]]:
    return {kind: [(entry.record, entry.claims) for entry in lane.entries()] for kind, lane in index.lanes.items()}


class Reference:
    """What the strict parser makes of some files, one line after the other."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.records: list[tuple[Record, Claim]] = []
        self.problems: list[LineProblem] = []
        self.notes: list[LineNote] = []
        self.counts = {name: self._read(name, data) for name, data in files.items()}

    def _read(self, name: str, data: bytes) -> tuple[int, int, dict[str, int]]:
        lines, bad_lines, notes = 0, 0, Counter[str]()
        for number, line in split_lines(data):
            claim = Claim(f"metadata/{name}", number)
            lines = number
            try:
                parsed = parse_line(line)
            except LineRefused as refused:
                bad_lines += 1
                self.problems.append(LineProblem(claim, refused.hazard, refused.message))
                continue
            self.records.append((parsed.record, claim))
            self.notes.extend(LineNote(claim, note) for note in parsed.notes)
            notes.update(parsed.notes)
        return lines, bad_lines, dict(notes)

    def entries(self) -> dict[LaneKind, list[tuple[RangeRecord, tuple[Claim, ...]]]]:
        lanes: dict[LaneKind, list[tuple[RangeRecord, tuple[Claim, ...]]]] = {kind: [] for kind in KIND_OF.values()}
        for record_type, kind in KIND_OF.items():
            pairs = [(record, claim) for record, claim in self.records if isinstance(record, record_type)]
            # Code points and UTF-8 bytes sort alike, so the records' own order is stock's.
            for record, group in groupby(sorted(pairs), key=lambda pair: pair[0]):
                lanes[kind].append((record, tuple(claim for _, claim in group)))
        return lanes

    def all_of(self, record_type: type[Record]) -> list[tuple[Record, Claim]]:
        return [(record, claim) for record, claim in self.records if isinstance(record, record_type)]


def assert_as_the_strict_parser_says(files: Mapping[str, bytes], index: Index) -> None:
    reference = Reference(files)
    assert entries_of(index) == reference.entries()
    assert list(index.problems) == reference.problems
    assert list(index.notes) == reference.notes
    assert list(index.identities) == reference.all_of(IdentityRecord)
    assert list(index.timestamps) == reference.all_of(TimestampsRecord)
    counts = {file.listed.name: (file.lines, file.bad_lines, dict(file.notes)) for file in index.files}
    assert counts == reference.counts
    assert [file.ends_with_newline for file in index.files] == [
        not data or data.endswith(b"\n") for data in files.values()
    ]
    assert index.line_count == sum(lines for lines, _, _ in reference.counts.values())
