"""Bytes of metadata files → columns, many lines at a time.

Lines exactly as stock writes them (`format.md`, "Metadata lines") are taken apart with array operations, every byte of
them checked; all others are left to the strict parser of `core.codec`, which says what stock says. So nothing is
accepted here that the strict parser would refuse.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.codec import MAX_LINE_BYTES
from core.model import LaneKind
from core.words import I64, U64, Mask, all_match, matching, read_numbers, words_of

_SUFFIX: Final = b'"}}'
_FIRST_PRINTABLE: Final = 32
_LINE_FEED: Final = ord("\n")
_QUOTE: Final = ord('"')
_BACKSLASH: Final = ord("\\")


@dataclass(frozen=True, slots=True)
class _Form:
    """The canonical text of one kind: a number stands behind each literal, then `before_manifest` and the handle."""

    kind: LaneKind
    literals: tuple[bytes, ...]
    before_manifest: bytes = b',"manifest":"'

    @property
    def quotes(self) -> int:
        """How many quotation marks a line holds."""
        return sum(part.count(b'"') for part in (*self.literals, self.before_manifest, _SUFFIX))


_FORMS: Final = (
    _Form(LaneKind.TRANSACTIONS, (b'{"TransactionBackup":{"first_version":', b',"last_version":')),
    _Form(
        LaneKind.EPOCH_ENDINGS,
        (b'{"EpochEndingBackup":{"first_epoch":', b',"last_epoch":', b',"first_version":', b',"last_version":'),
    ),
    _Form(LaneKind.STATE_SNAPSHOTS, (b'{"StateSnapshotBackup":{"epoch":', b',"version":')),
)
_QUOTES: Final = {form.kind: form.quotes for form in _FORMS}


@dataclass(frozen=True, slots=True)
class CanonicalLines:
    """Lines of one kind in a block: `row` counts the block's lines from 0, the handle is at a place in the text.

    All columns have shape (n,): `row` and the places int64, `keys` (the numbers in declaration order) uint64.
    """

    kind: LaneKind
    row: I64
    keys: tuple[U64, ...]
    text_start: I64
    text_length: I64

    def only(self, keep: I64) -> CanonicalLines:
        """The lines with the indices `keep`, which are distinct and in order."""
        if len(keep) == len(self.row):
            return self
        keys = tuple(key[keep] for key in self.keys)
        return CanonicalLines(self.kind, self.row[keep], keys, self.text_start[keep], self.text_length[keep])

    def between(self, first: int, stop: int) -> CanonicalLines:
        """The lines of the rows from `first` up to `stop`, counted from `first`."""
        low, high = np.searchsorted(self.row, (first, stop))
        keys = tuple(key[low:high] for key in self.keys)
        places = self.text_start[low:high], self.text_length[low:high]
        return CanonicalLines(self.kind, self.row[low:high] - first, keys, *places)


@dataclass(frozen=True, slots=True)
class Block:
    """A block taken apart: line i is `[line_start[i], line_end[i])`; the canonical lines in columns, all other rows."""

    line_start: I64
    line_end: I64
    canonical: tuple[CanonicalLines, ...]
    others: I64

    def parts(self, most_others: int) -> Iterator[Block]:
        """The same lines in parts of at most so many other rows each, as these take their time."""
        first = 0
        for stop in (*self.others[most_others::most_others].tolist(), len(self.line_start)):
            yield self._rows(first, stop)
            first = stop

    def _rows(self, first: int, stop: int) -> Block:
        if stop - first == len(self.line_start):
            return self
        canonical = tuple(lines.between(first, stop) for lines in self.canonical)
        low, high = np.searchsorted(self.others, (first, stop))
        return Block(self.line_start[first:stop], self.line_end[first:stop], canonical, self.others[low:high] - first)


def decode_block(text: NDArray[np.uint8], start: int, stop: int) -> Block:
    """Take apart `text[start:stop]`: one or more whole lines, each ended by a line feed.

    `PADDING` or other text stands behind `stop`. All places in the answer are places in `text`.
    """
    raw = text[start:stop]
    controls = np.flatnonzero(raw < _FIRST_PRINTABLE)
    feeds = raw[controls] == _LINE_FEED
    line_end = (controls if feeds.all() else controls[feeds]) + start
    line_start = np.concatenate((np.array([start]), line_end[:-1] + 1))
    rows = _plain_rows(raw, line_start, line_end, bool(feeds.all()))
    found: list[CanonicalLines] = []
    for form in _FORMS:
        lines = _match_form(form, text, rows, line_start, line_end)
        if len(lines.row):
            found.append(lines)
        if len(lines.row) == len(rows):
            break
        rows = np.setdiff1d(rows, lines.row, assume_unique=True)
    found = _without_quoted_handles(found, raw == _QUOTE, line_start - start)
    return Block(line_start, line_end, tuple(found), _rows_besides(len(line_end), found))


def _plain_rows(raw: NDArray[np.uint8], line_start: I64, line_end: I64, feeds_only: bool) -> I64:
    """The rows of fair length without a byte for the strict parser: not ASCII, a control character, an escape."""
    piece = raw.tobytes()
    if feeds_only and piece.isascii() and b"\\" not in piece and len(piece) <= MAX_LINE_BYTES:
        return np.arange(len(line_end), dtype=np.int64)
    odd = ((raw < _FIRST_PRINTABLE) & (raw != _LINE_FEED)) | (raw >= 128) | (raw == _BACKSLASH)
    has_odd = np.logical_or.reduceat(odd, line_start - line_start[0])
    return np.flatnonzero(~has_odd & (line_end - line_start <= MAX_LINE_BYTES))


def _match_form(form: _Form, text: NDArray[np.uint8], rows: I64, line_start: I64, line_end: I64) -> CanonicalLines:
    """Those of `rows` that have exactly the canonical text of `form`, but for quotation marks inside the handle."""
    words = words_of(text)
    lines = CanonicalLines(form.kind, rows, (), line_start[rows], line_end[rows] - line_start[rows])
    for literal in form.literals:
        lines = _past(lines, text, words, literal)
        value, digits = read_numbers(words, lines.text_start)
        lines = _from(lines, digits, (*lines.keys, value)).only(np.flatnonzero(digits))
    lines = _past(lines, text, words, form.before_manifest)
    lines = _from(lines, 0, lines.keys, after=len(_SUFFIX))
    lines = lines.only(np.flatnonzero(lines.text_length >= 0))
    suffix_at = lines.text_start + lines.text_length
    return lines if all_match(text, suffix_at, _SUFFIX) else lines.only(matching(words, suffix_at, _SUFFIX))


def _past(lines: CanonicalLines, text: NDArray[np.uint8], words: U64, literal: bytes) -> CanonicalLines:
    """The lines that go on with `literal`, behind it."""
    if not all_match(text, lines.text_start, literal):
        lines = lines.only(matching(words, lines.text_start, literal))
    return _from(lines, len(literal), lines.keys)


def _from(lines: CanonicalLines, skip: I64 | int, keys: tuple[U64, ...], after: int = 0) -> CanonicalLines:
    """The same lines with `skip` bytes fewer before and `after` bytes fewer behind."""
    return CanonicalLines(lines.kind, lines.row, keys, lines.text_start + skip, lines.text_length - skip - after)


def _without_quoted_handles(found: list[CanonicalLines], quotes: Mask, line_start: I64) -> list[CanonicalLines]:
    """Drop the lines with a quotation mark where only the handle may stand.

    All marks of a block together add up when it holds nothing else than such lines, as nearly every block does.
    """
    matched = sum(len(lines.row) for lines in found)
    expected = sum(_QUOTES[lines.kind] * len(lines.row) for lines in found)
    if matched == len(line_start) and expected == np.count_nonzero(quotes):
        return found
    counts = np.add.reduceat(quotes, line_start, dtype=np.int32)
    return [lines.only(np.flatnonzero(counts[lines.row] == _QUOTES[lines.kind])) for lines in found]


def _rows_besides(count: int, found: list[CanonicalLines]) -> I64:
    others: Mask = np.ones(count, dtype=np.bool_)
    for lines in found:
        others[lines.row] = False
    return np.flatnonzero(others)
