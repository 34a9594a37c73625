"""Gathers metadata files one by one and decodes them a block at a time into an `Index`."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.codec import LineRefused, parse_line
from core.columns import I32, I64, PADDING, U64, LaneLines, Texts, build_lane
from core.decode import decode_block
from core.index import Index, LineNote, LineProblem, MetaFile
from core.model import (
    Claim,
    IdentityRecord,
    LaneKind,
    RangeRecord,
    StateSnapshotRecord,
    TimestampsRecord,
    TransactionRecord,
)
from core.storage.protocol import HandleUnreadable, Listed, ReadFault

#: `hazards.md`, `own-bounded-memory`.
MAX_FILE_BYTES: Final = 64 << 20
MAX_FILE_LINES: Final = 1_000_000
#: More bad lines than this in one file are counted, not kept: stock stops at the first.
PROBLEMS_KEPT_PER_FILE: Final = 20
_BLOCK_BYTES: Final = 1 << 20
_GZIP_MAGIC: Final = b"\x1f\x8b"
_Number = TypeVar("_Number", np.uint64, np.int64, np.int32)
_KEY_COUNTS: Final = {LaneKind.EPOCH_ENDINGS: 4, LaneKind.STATE_SNAPSHOTS: 2, LaneKind.TRANSACTIONS: 2}


class _Text:
    """Bytes that only grow, in one array made large enough for what the listing promises.

    Views taken earlier stay valid: nothing before their end is written again.
    """

    def __init__(self, expected_bytes: int) -> None:
        self._bytes = np.empty(expected_bytes + (1 << 12), dtype=np.uint8)
        self._length = 0

    def append(self, padded: bytes) -> int:
        """Add text that ends with `PADDING`, which the next text overwrites; returns where it begins."""
        start, stop = self._length, self._length + len(padded)
        if stop > len(self._bytes):
            larger = np.empty(max(stop, len(self._bytes) * 3 // 2), dtype=np.uint8)
            larger[:start] = self._bytes[:start]
            self._bytes = larger
        self._bytes[start:stop] = np.frombuffer(padded, dtype=np.uint8)
        self._length = stop - len(PADDING)
        return start

    def view(self) -> NDArray[np.uint8]:
        """All bytes so far with `PADDING` behind them."""
        return self._bytes[: self._length + len(PADDING)]


@dataclass(slots=True)
class _Columns:
    """The lines of one kind, gathered block by block. `in_order` is False once a line came out of file order."""

    keys: tuple[list[U64], ...]
    text_start: list[I64] = field(default_factory=list)
    text_length: list[I32] = field(default_factory=list)
    file: list[I32] = field(default_factory=list)
    line: list[I32] = field(default_factory=list)
    in_order: bool = True

    def add(self, keys: tuple[U64, ...], text_start: I64, *columns: I64) -> None:
        for gathered, key in zip(self.keys, keys, strict=True):
            gathered.append(key)
        self.text_start.append(text_start)
        for target, values in zip((self.text_length, self.file, self.line), columns, strict=True):
            target.append(values.astype(np.int32))

    def lines(self, kind: LaneKind, text: NDArray[np.uint8]) -> LaneLines:
        keys = tuple(_joined(key, np.uint64) for key in self.keys)
        texts = Texts(text, _joined(self.text_start, np.int64), _joined(self.text_length, np.int32))
        lines = LaneLines(kind, keys, texts, _joined(self.file, np.int32), _joined(self.line, np.int32))
        return lines if self.in_order else lines.take(np.lexsort((lines.line, lines.file)))


def _joined(parts: list[NDArray[_Number]], dtype: type[_Number]) -> NDArray[_Number]:
    """All parts in one array, which then stands for them in the list too, so that nothing is held twice."""
    parts[:] = [np.concatenate(parts) if parts else np.empty(0, dtype=dtype)]
    return parts[0]


class Gatherer:
    """The one mutable thing behind an `Index`; `index()` may be called at any time for what is there so far."""

    def __init__(self, folder: str, listed_count: int, expected_bytes: int) -> None:
        self._folder = folder
        self._listed_count = listed_count
        self._files: list[MetaFile] = []
        self._text = _Text(expected_bytes)
        self._spans: list[tuple[int, int]] = []
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._pending_from = 0
        self._columns = {kind: _Columns(tuple([] for _ in range(count))) for kind, count in _KEY_COUNTS.items()}
        self._odd_rows: dict[LaneKind, list[tuple[tuple[int, ...], tuple[int, int, int, int]]]] = {
            kind: [] for kind in _KEY_COUNTS
        }
        self._identities: list[tuple[IdentityRecord, Claim]] = []
        self._timestamps: list[tuple[TimestampsRecord, Claim]] = []
        self._problems: list[LineProblem] = []
        self._notes: list[LineNote] = []

    @property
    def done(self) -> int:
        """How many listed names have been taken."""
        return len(self._files)

    def add(self, listed: Listed, content: bytes | HandleUnreadable) -> bool:
        """Take one file. True when a block was decoded, a good moment to tell how far it is."""
        data, file = _plain_content(listed, content)
        if data and not data.endswith(b"\n"):
            data += b"\n"
        self._files.append(file)
        self._pending.append(data)
        self._pending_bytes += len(data)
        if self._pending_bytes < _BLOCK_BYTES:
            return False
        self._decode_pending()
        return True

    def index(self) -> Index:
        """Everything taken so far, decoded; more may be taken afterwards."""
        self._decode_pending()
        text = self._text.view()
        handles = tuple(file.handle for file in self._files)
        lanes = {kind: build_lane(columns.lines(kind, text), handles) for kind, columns in self._columns.items()}
        return Index(
            folder=self._folder,
            files=tuple(self._files),
            lanes=lanes,
            identities=tuple(self._identities),
            timestamps=tuple(self._timestamps),
            problems=tuple(self._problems),
            notes=tuple(self._notes),
            listed_count=self._listed_count,
            complete=len(self._files) == self._listed_count,
            text=text,
            text_spans=tuple(self._spans),
        )

    def _decode_pending(self) -> None:
        """Decode the files taken since the last block and note how many lines each has."""
        block = b"".join((*self._pending, PADDING))
        base = self._text.append(block)
        first_file = self._pending_from
        starts = np.cumsum([0, *map(len, self._pending)], dtype=np.int64)
        self._spans.extend((base + int(a), base + int(b)) for a, b in pairwise(starts))
        lines = decode_block(block)
        first_rows = np.searchsorted(lines.line_start, starts)
        for offset, count in enumerate(np.diff(first_rows)):
            self._files[first_file + offset] = replace(self._files[first_file + offset], lines=int(count))
        file_of = np.searchsorted(starts, lines.line_start, side="right") - 1
        line_of = np.arange(len(lines.line_start)) - first_rows[file_of] + 1
        for found in lines.canonical:
            places = (found.text_start + base, found.text_length, file_of[found.row] + first_file, line_of[found.row])
            self._columns[found.kind].add(found.keys, *places)
        for row in lines.others.tolist():
            line = block[int(lines.line_start[row]) : int(lines.line_end[row])]
            self._add_odd_line(line, int(file_of[row]) + first_file, int(line_of[row]))
        self._add_odd_rows()
        self._pending, self._pending_bytes, self._pending_from = [], 0, len(self._files)

    def _add_odd_line(self, line: bytes, file: int, number: int) -> None:
        """One line that is not in stock's own canonical form, through the strict parser."""
        claim = Claim(self._files[file].handle, number)
        try:
            parsed = parse_line(line)
        except LineRefused as refused:
            bad_lines = self._files[file].bad_lines + 1
            self._files[file] = replace(self._files[file], bad_lines=bad_lines)
            if bad_lines <= PROBLEMS_KEPT_PER_FILE:
                self._problems.append(LineProblem(claim, refused.hazard, refused.message))
            return
        self._notes.extend(LineNote(claim, note) for note in parsed.notes)
        if isinstance(parsed.record, IdentityRecord):
            self._identities.append((parsed.record, claim))
        elif isinstance(parsed.record, TimestampsRecord):
            self._timestamps.append((parsed.record, claim))
        else:
            self._add_record(parsed.record, file, number)

    def _add_record(self, record: RangeRecord, file: int, number: int) -> None:
        """An entry on its own; its manifest goes behind the files' text, as the line may spell it with escapes."""
        kind, keys = _fields(record)
        manifest = record.manifest.encode("utf-8")
        start = self._text.append(manifest + PADDING)
        self._odd_rows[kind].append((keys, (start, len(manifest), file, number)))

    def _add_odd_rows(self) -> None:
        for kind, rows in self._odd_rows.items():
            if rows:
                keys = np.array([keys for keys, _ in rows], dtype=np.uint64)
                places = np.array([places for _, places in rows], dtype=np.int64)
                self._columns[kind].in_order = False
                self._columns[kind].add(tuple(keys.T), *places.T)
                rows.clear()


def _fields(record: RangeRecord) -> tuple[LaneKind, tuple[int, ...]]:
    """The lane of a record and its numbers in declaration order."""
    if isinstance(record, TransactionRecord):
        return LaneKind.TRANSACTIONS, (record.first_version, record.last_version)
    if isinstance(record, StateSnapshotRecord):
        return LaneKind.STATE_SNAPSHOTS, (record.epoch, record.version)
    numbers = (record.first_epoch, record.last_epoch, record.first_version, record.last_version)
    return LaneKind.EPOCH_ENDINGS, numbers


def _plain_content(listed: Listed, content: bytes | HandleUnreadable) -> tuple[bytes, MetaFile]:
    """The text of a file, inflated when it is gzip, or nothing with the reason."""
    if isinstance(content, HandleUnreadable):
        return b"", MetaFile(listed, fault=content)
    zipped = content.startswith(_GZIP_MAGIC)
    try:
        data = _inflated(content) if zipped else content
    except HandleUnreadable as fault:
        return b"", MetaFile(listed, gzip=True, fault=fault)
    if len(data) > MAX_FILE_LINES and data.count(b"\n") > MAX_FILE_LINES:
        too_long = HandleUnreadable(ReadFault.TOO_LARGE, f"more than {MAX_FILE_LINES:,} lines")
        return b"", MetaFile(listed, gzip=zipped, fault=too_long)
    return data, MetaFile(listed, gzip=zipped, ends_with_newline=not data or data.endswith(b"\n"))


def _inflated(data: bytes) -> bytes:
    """A whole gzip stream (members one after another), never more than `MAX_FILE_BYTES`. Raises `HandleUnreadable`."""
    parts: list[bytes] = []
    room = MAX_FILE_BYTES
    try:
        while data:
            member = zlib.decompressobj(wbits=31)
            part = member.decompress(data, room + 1)
            room -= len(part)
            if room < 0:
                raise HandleUnreadable(ReadFault.TOO_LARGE, f"inflates to more than {MAX_FILE_BYTES:,} bytes")
            if not member.eof:
                raise HandleUnreadable(ReadFault.BAD_GZIP, "gzip: unexpected end of file")
            parts.append(part)
            data = member.unused_data
    except zlib.error as error:
        raise HandleUnreadable(ReadFault.BAD_GZIP, f"gzip: {error}") from error
    return b"".join(parts)
