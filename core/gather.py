"""Gathers metadata files one by one and decodes them a block at a time into an `Index`.

However hostile the files are, what is kept of them stays within `Limits`; what is left out is counted or named.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from core.codec import LineRefused, parse_line
from core.columns import I64, build_lane
from core.decode import Block, decode_block
from core.growing import GrowingLines, GrowingText
from core.gzips import GZIP_MAGIC, GzipFault, text_of
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

#: `hazards.md`, `own-bounded-memory`. Bytes count after inflating.
MAX_FILE_BYTES: Final = 64 << 20
MAX_FILE_LINES: Final = 1_000_000
MAX_FOLDER_BYTES: Final = 4 << 30
#: More bad lines, or more notes of one kind, in one file are counted, not kept: stock stops at the first.
PROBLEMS_KEPT_PER_FILE: Final = 20
#: Once so many are kept of a folder, only the first of each kind in a file is.
PROBLEMS_KEPT: Final = 10_000
#: Once so many lines of a folder are refused, lines that would have to be looked at one by one are left out.
MAX_BAD_LINES: Final = 1_000_000
#: The gzip files of a folder may inflate to so many bytes, and so many more for each of theirs; real ones do to 15.
GZIP_FREE_BYTES: Final = 16 << 20
MAX_GZIP_RATIO: Final = 50
#: Identities, and the times in compaction timestamps: those of a hundred runs over 40,000 files.
MAX_OBJECTS: Final = 4_000_000
_KEY_COUNTS: Final = {LaneKind.EPOCH_ENDINGS: 4, LaneKind.STATE_SNAPSHOTS: 2, LaneKind.TRANSACTIONS: 2}


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of one metadata folder is kept, and how much of it is decoded at once."""

    file_bytes: int = MAX_FILE_BYTES
    file_lines: int = MAX_FILE_LINES
    folder_bytes: int = MAX_FOLDER_BYTES
    problems_per_file: int = PROBLEMS_KEPT_PER_FILE
    problems: int = PROBLEMS_KEPT
    bad_lines: int = MAX_BAD_LINES
    gzip_free_bytes: int = GZIP_FREE_BYTES
    gzip_ratio: int = MAX_GZIP_RATIO
    objects: int = MAX_OBJECTS
    block_bytes: int = 1 << 20
    block_files: int = 500
    block_odd_lines: int = 20_000


LIMITS: Final = Limits()


@dataclass(slots=True)
class _Taken:
    """A file that was read: its text stands at `[start, stop)`, and what was found in it so far."""

    listed: Listed
    start: int
    stop: int
    gzip: bool
    ends_with_newline: bool
    fault: HandleUnreadable | None
    lines: int = 0
    bad_lines: int = 0
    hazards: set[str] = field(default_factory=set)
    notes: dict[str, int] = field(default_factory=dict)

    def leave_out(self, line: int, limit: str) -> None:
        """The file has more than may be kept, from `line` on."""
        message = f"line {line} and more left out: above {limit}"
        self.fault = self.fault or HandleUnreadable(ReadFault.TOO_LARGE, message)

    def meta_file(self) -> MetaFile:
        """The file as it stands now."""
        notes = dict(self.notes)
        return MetaFile(
            self.listed, self.lines, self.bad_lines, self.gzip, self.ends_with_newline, notes=notes, fault=self.fault
        )


def index_of(
    folder: str, files: Sequence[tuple[Listed, bytes | HandleUnreadable]], zipped: Collection[str] = ()
) -> Index:
    """The index of a folder of `files`, whose content is at hand, in their order; `zipped` as in `index_of_stream`."""
    size = sum(len(content) for _, content in files if isinstance(content, bytes))
    return index_of_stream(folder, files, len(files), size, zipped)


def index_of_stream(
    folder: str,
    files: Iterable[tuple[Listed, bytes | HandleUnreadable]],
    count: int,
    size: int,
    zipped: Collection[str] = (),
) -> Index:
    """The index of `count` files that are made one after the other, of about `size` bytes together.

    `zipped` are handles of gzip files whose content is given as they inflate to.
    """
    gatherer = Gatherer(folder, count, size)
    for _ in gatherer.gather(files):
        pass
    index = gatherer.index()
    if not zipped:
        return index
    marked = (replace(file, gzip=True) if file.handle in zipped else file for file in index.files)
    return replace(index, files=tuple(marked))


class Gatherer:
    """The one mutable thing behind an `Index`.

    `gather` takes the files; while it pauses, `index()` tells what is there so far. An index never changes later.
    """

    def __init__(self, folder: str, listed_count: int, expected_bytes: int, limits: Limits = LIMITS) -> None:
        self._folder = folder
        self._listed_count = listed_count
        self._limits = limits
        self._complete = False
        self._text = GrowingText(min(expected_bytes, limits.folder_bytes))
        self._files: list[MetaFile] = []
        self._spans: list[tuple[int, int]] = []
        self._waiting: deque[_Taken] = deque()
        self._decoded = 0
        self._decoding = False
        self._cuts: list[int] = []
        self._lines = {kind: GrowingLines(tuple([] for _ in range(count))) for kind, count in _KEY_COUNTS.items()}
        self._odd_rows: dict[LaneKind, list[tuple[tuple[int, ...], tuple[int, int, int, int]]]] = {
            kind: [] for kind in _KEY_COUNTS
        }
        self._identities: list[tuple[IdentityRecord, Claim]] = []
        self._timestamps: list[tuple[TimestampsRecord, Claim]] = []
        self._objects = 0
        self._bad_lines = 0
        self._gzip_room = limits.gzip_free_bytes
        self._problems: list[LineProblem] = []
        self._notes: list[LineNote] = []

    @property
    def done(self) -> int:
        """How many listed names have been taken, all of whose lines `index()` then holds."""
        return len(self._files) + (0 if self._decoding else len(self._waiting))

    @property
    def has_begun(self) -> bool:
        """Whether anything has been taken."""
        return bool(self._files or self._waiting)

    def gather(self, contents: Iterable[tuple[Listed, bytes | HandleUnreadable]]) -> Iterator[bool]:
        """Take every file. Pauses after each (False) and after each block decoded (True); may be left then for good."""
        for listed, content in contents:
            self._take(listed, content)
            pending = self._cuts[-1] - self._decoded if self._cuts else 0
            if pending >= self._limits.block_bytes or len(self._waiting) >= self._limits.block_files:
                yield from self._decode_waiting()
            else:
                yield False
        yield from self._decode_waiting()
        self._complete = True

    def index(self) -> Index:
        """Everything taken so far; of a large file that may be its first lines only."""
        if not self._decoding:
            list(self._decode_waiting())
        half = [taken for taken in self._waiting if taken.start < self._decoded]
        files = (*self._files, *(taken.meta_file() for taken in half))
        text = self._text.view()
        handles = tuple(file.handle for file in files)
        return Index(
            folder=self._folder,
            files=files,
            lanes={kind: build_lane(lines.lines(kind, text), handles) for kind, lines in self._lines.items()},
            identities=tuple(self._identities),
            timestamps=tuple(self._timestamps),
            problems=tuple(self._problems),
            notes=tuple(self._notes),
            listed_count=self._listed_count,
            complete=self._complete,
            text=text,
            text_spans=(*self._spans, *((taken.start, self._decoded) for taken in half)),
        )

    def _take(self, listed: Listed, content: bytes | HandleUnreadable) -> None:
        """Put the text of one file behind what is there, to be decoded later."""
        fault = None
        try:
            data = self._text_of(content)
        except HandleUnreadable as unreadable:
            # A new one, as the old one's traceback would keep all that its frames held.
            data, fault = b"", HandleUnreadable(unreadable.fault, unreadable.message)
        whole = not data or data.endswith(b"\n")
        data = data if whole else data + b"\n"
        start = self._text.append(data)
        if not self._waiting:
            self._decoded = start
        zipped = isinstance(content, bytes) and content.startswith(GZIP_MAGIC)
        if isinstance(content, bytes) and not listed.tells_version:
            # A listing that tells no version tells no size either.
            listed = replace(listed, size=len(content))
        self._waiting.append(_Taken(listed, start, start + len(data), zipped, whole, fault))
        self._cuts.extend(start + cut for cut in _line_ends(data, self._limits.block_bytes // 2))

    def _text_of(self, content: bytes | HandleUnreadable) -> bytes:
        """The text of a file, inflated when it is gzip. Raises `HandleUnreadable`."""
        if isinstance(content, HandleUnreadable):
            raise content
        limits = self._limits
        data = self._inflated(content) if content.startswith(GZIP_MAGIC) else content
        if len(data) > limits.file_lines and data.count(b"\n", 0, -1) >= limits.file_lines:
            raise HandleUnreadable(ReadFault.TOO_LARGE, f"more than {limits.file_lines:,} lines")
        if len(self._text) + len(data) > limits.folder_bytes:
            message = f"left out: the files of {self._folder}/ hold more than {limits.folder_bytes:,} bytes together"
            raise HandleUnreadable(ReadFault.TOO_LARGE, message)
        return data

    def _inflated(self, content: bytes) -> bytes:
        """The content of a gzip file, within what is left for all of the folder. Raises `HandleUnreadable`."""
        self._gzip_room += len(content) * self._limits.gzip_ratio
        data = _inflated(content, min(self._gzip_room, self._limits.file_bytes))
        self._gzip_room -= len(data)
        return data

    def _decode_waiting(self) -> Iterator[bool]:
        """Decode what was taken, block by block, each of whole lines and of `block_bytes` or somewhat more."""
        cuts, self._cuts = self._cuts, []
        self._decoding = True
        for cut in cuts:
            if cut - self._decoded >= self._limits.block_bytes or cut == cuts[-1]:
                block = decode_block(self._text.view(), self._decoded, cut)
                for part in block.parts(self._limits.block_odd_lines):
                    self._add_lines(part)
                    self._finish_files()
                    yield True
        if self._waiting:
            # None of them has any text.
            self._finish_files()
            yield True
        self._decoding = False

    def _finish_files(self) -> None:
        while self._waiting and self._waiting[0].stop <= self._decoded:
            taken = self._waiting.popleft()
            self._files.append(taken.meta_file())
            self._spans.append((taken.start, taken.stop))

    def _add_lines(self, block: Block) -> None:
        """Take over the lines that come next."""
        stop = int(block.line_end[-1]) + 1
        files = [taken for taken in self._waiting if taken.start < stop]
        first_rows = np.searchsorted(block.line_start, np.array([taken.start for taken in files]))
        counts = np.diff(first_rows, append=len(block.line_start))
        file_of = np.repeat(np.arange(len(files)), counts)
        line_of = np.arange(len(block.line_start)) - np.repeat(first_rows, counts) + 1
        line_of[: counts[0]] += files[0].lines
        for taken, count in zip(files, counts.tolist(), strict=True):
            taken.lines += count
        for found in block.canonical:
            places = (found.text_start, found.text_length, file_of[found.row] + len(self._files), line_of[found.row])
            self._lines[found.kind].add(found.keys, *places)
        text = self._text.view()
        for place, row in enumerate(block.others.tolist()):
            if self._bad_lines >= self._limits.bad_lines:
                self._leave_out(files, file_of, line_of, block.others[place:])
                break
            line = text[int(block.line_start[row]) : int(block.line_end[row])].tobytes()
            file = int(file_of[row])
            self._add_odd_line(line, files[file], len(self._files) + file, int(line_of[row]))
        self._add_odd_rows()
        self._decoded = stop

    def _leave_out(self, files: list[_Taken], file_of: I64, line_of: I64, rows: I64) -> None:
        """Say of each file which of its lines is the first that was not looked at."""
        numbers, first = np.unique(file_of[rows], return_index=True)
        for number, place in zip(numbers.tolist(), first.tolist(), strict=True):
            line = int(line_of[rows[place]])
            files[number].leave_out(line, f"{self._limits.bad_lines:,} lines that can't be read in all")

    def _add_odd_line(self, line: bytes, taken: _Taken, file: int, number: int) -> None:
        """One line that is not in stock's own canonical form, through the strict parser."""
        claim = Claim(taken.listed.handle, number)
        try:
            parsed = parse_line(line)
        except LineRefused as refused:
            if refused.hazard not in taken.hazards or self._is_kept(taken.bad_lines, len(self._problems)):
                self._problems.append(LineProblem(claim, refused.hazard, refused.message))
            taken.hazards.add(refused.hazard)
            taken.bad_lines += 1
            self._bad_lines += 1
            return
        for note in parsed.notes:
            seen = taken.notes.get(note, 0)
            if self._is_kept(seen, len(self._notes)):
                self._notes.append(LineNote(claim, note))
            taken.notes[note] = seen + 1
        if isinstance(parsed.record, IdentityRecord | TimestampsRecord):
            self._add_object(parsed.record, claim, taken)
        else:
            self._add_record(parsed.record, file, number)

    def _is_kept(self, seen_in_file: int, kept: int) -> bool:
        return seen_in_file == 0 or (seen_in_file < self._limits.problems_per_file and kept < self._limits.problems)

    def _add_object(self, record: IdentityRecord | TimestampsRecord, claim: Claim, taken: _Taken) -> None:
        size = 1 if isinstance(record, IdentityRecord) else 1 + len(record.compaction_timestamps)
        if self._objects + size > self._limits.objects:
            taken.leave_out(claim.line, f"{self._limits.objects:,} identities and times in all")
            return
        self._objects += size
        if isinstance(record, IdentityRecord):
            self._identities.append((record, claim))
        else:
            self._timestamps.append((record, claim))

    def _add_record(self, record: RangeRecord, file: int, number: int) -> None:
        """An entry on its own; its manifest goes behind the files' text, as the line may spell it with escapes."""
        kind, keys = _fields(record)
        manifest = record.manifest.encode("utf-8")
        start = self._text.append(manifest)
        self._odd_rows[kind].append((keys, (start, len(manifest), file, number)))

    def _add_odd_rows(self) -> None:
        for kind, rows in self._odd_rows.items():
            if rows:
                keys = np.array([keys for keys, _ in rows], dtype=np.uint64)
                places = np.array([places for _, places in rows], dtype=np.int64)
                self._lines[kind].add(tuple(keys.T), *places.T, in_order=False)
                rows.clear()


def _fields(record: RangeRecord) -> tuple[LaneKind, tuple[int, ...]]:
    """The lane of a record and its numbers in declaration order."""
    if isinstance(record, TransactionRecord):
        return LaneKind.TRANSACTIONS, (record.first_version, record.last_version)
    if isinstance(record, StateSnapshotRecord):
        return LaneKind.STATE_SNAPSHOTS, (record.epoch, record.version)
    numbers = (record.first_epoch, record.last_epoch, record.first_version, record.last_version)
    return LaneKind.EPOCH_ENDINGS, numbers


def _line_ends(data: bytes, size: int) -> Iterator[int]:
    """Where text (empty, or ended by a line feed) can be cut: behind a line, every `size` bytes or so, and its end."""
    at = 0
    while len(data) - at > size:
        at = data.rfind(b"\n", at, at + size) + 1 or data.find(b"\n", at + size) + 1
        yield at
    if at < len(data):
        yield len(data)


def _inflated(data: bytes, limit: int) -> bytes:
    """The content of a gzip file. Raises `HandleUnreadable` where gzip would complain, and beyond `limit` bytes."""
    try:
        return text_of(data, limit)
    except GzipFault as damage:
        fault = ReadFault.TOO_LARGE if damage.hazard == "decompression-bomb" else ReadFault.BAD_GZIP
        raise HandleUnreadable(fault, f"gzip: {damage.message}") from damage
