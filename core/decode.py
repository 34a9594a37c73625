"""Bytes of metadata files → columns, many lines at a time.

Lines exactly as stock writes them (`format.md`, "Metadata lines") are taken apart with array operations, every byte of
them checked; all others are left to the strict parser of `core.codec`, which says what stock says. So nothing is
accepted here that the strict parser would refuse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.columns import I64, PADDING, U64, matching, read_numbers, words_of
from core.model import LaneKind

_SUFFIX: Final = b'"}}'
_QUOTE: Final = ord('"')
_BACKSLASH: Final = ord("\\")


@dataclass(frozen=True, slots=True)
class _Form:
    """The canonical text of one kind: a number stands behind each literal, then `before_manifest` and the handle."""

    kind: LaneKind
    literals: tuple[bytes, ...]
    before_manifest: bytes = b',"manifest":"'


_FORMS: Final = (
    _Form(LaneKind.TRANSACTIONS, (b'{"TransactionBackup":{"first_version":', b',"last_version":')),
    _Form(
        LaneKind.EPOCH_ENDINGS,
        (b'{"EpochEndingBackup":{"first_epoch":', b',"last_epoch":', b',"first_version":', b',"last_version":'),
    ),
    _Form(LaneKind.STATE_SNAPSHOTS, (b'{"StateSnapshotBackup":{"epoch":', b',"version":')),
)


#: How many quotation marks a canonical line of each kind holds.
_QUOTES: Final = {
    form.kind: sum(part.count(b'"') for part in (*form.literals, form.before_manifest, _SUFFIX)) for form in _FORMS
}


@dataclass(frozen=True, slots=True)
class CanonicalLines:
    """Lines of one kind in a block: `row` (int64) counts the block's lines from 0, places are byte offsets in it."""

    kind: LaneKind
    row: I64
    keys: tuple[U64, ...]
    text_start: I64
    text_length: I64

    def only(self, keep: NDArray[np.bool_]) -> CanonicalLines:
        """The lines for which `keep` is set."""
        keys = tuple(key[keep] for key in self.keys)
        return CanonicalLines(self.kind, self.row[keep], keys, self.text_start[keep], self.text_length[keep])


@dataclass(frozen=True, slots=True)
class Block:
    """A block taken apart: line i is `[line_start[i], line_end[i])`; the canonical lines in columns, all other rows."""

    line_start: I64
    line_end: I64
    canonical: tuple[CanonicalLines, ...]
    others: I64


def decode_block(block: bytes) -> Block:
    """Take apart a block of whole lines, each ended by a line feed, and `PADDING` behind the last."""
    raw = np.frombuffer(block, dtype=np.uint8)[: -len(PADDING)]
    words = words_of(block)
    line_end = np.flatnonzero(raw == ord("\n"))
    line_start = np.concatenate((np.zeros(1, dtype=np.int64), line_end + 1))[:-1]
    rows = _plain_rows(block, raw, line_end)
    found: list[CanonicalLines] = []
    for form in _FORMS:
        lines = _match_form(form, words, rows, line_start, line_end)
        if len(lines.row):
            found.append(lines)
        if len(lines.row) == len(rows):
            break
        rows = np.setdiff1d(rows, lines.row, assume_unique=True)
    others = _rows_besides(len(line_end), found)
    inside = sum(block.count(b'"', int(line_start[row]), int(line_end[row])) for row in others)
    if sum(_QUOTES[lines.kind] * len(lines.row) for lines in found) + inside != np.count_nonzero(raw == _QUOTE):
        found = _without_quoted_handles(found, raw)
        others = _rows_besides(len(line_end), found)
    return Block(line_start, line_end, tuple(found), others)


def _rows_besides(count: int, found: list[CanonicalLines]) -> I64:
    others = np.ones(count, dtype=np.bool_)
    for lines in found:
        others[lines.row] = False
    return np.flatnonzero(others)


def _without_quoted_handles(found: list[CanonicalLines], raw: NDArray[np.uint8]) -> list[CanonicalLines]:
    """Drop the lines with a quotation mark where only the handle may stand: they hold more than one handle."""
    quotes = np.flatnonzero(raw == _QUOTE)
    kept = []
    for lines in found:
        before = np.searchsorted(quotes, lines.text_start)
        kept.append(lines.only(before == np.searchsorted(quotes, lines.text_start + lines.text_length)))
    return kept


def _plain_rows(block: bytes, raw: NDArray[np.uint8], line_end: I64) -> I64:
    """The rows without a byte that needs the strict parser: not ASCII, a control character, an escape."""
    rows: I64 = np.arange(len(line_end), dtype=np.int64)
    if block.isascii() and b"\\" not in block and np.count_nonzero(raw < 32) == len(line_end):
        return rows
    odd = np.flatnonzero(((raw < 32) & (raw != ord("\n"))) | (raw >= 128) | (raw == _BACKSLASH))
    return np.setdiff1d(rows, np.searchsorted(line_end, odd))


def _match_form(form: _Form, words: U64, rows: I64, line_start: I64, line_end: I64) -> CanonicalLines:
    """Those of `rows` that have exactly the canonical text of `form`, but for quotation marks inside the handle."""
    at = line_start[rows]
    keys: list[U64] = []
    for literal in form.literals:
        keep = matching(words, at, literal)
        value, digits = read_numbers(words, at[keep] + len(literal))
        number = digits > 0
        keep = keep[number]
        rows, at = rows[keep], at[keep] + len(literal) + digits[number]
        keys = [*(key[keep] for key in keys), value[number]]
    keep = matching(words, at, form.before_manifest)
    rows, at = rows[keep], at[keep] + len(form.before_manifest)
    keys = [key[keep] for key in keys]
    length = line_end[rows] - len(_SUFFIX) - at
    good = length >= 0
    ends = np.flatnonzero(good)
    good[:] = False
    good[ends[matching(words, at[ends] + length[ends], _SUFFIX)]] = True
    return CanonicalLines(form.kind, rows, tuple(keys), at, length).only(good)
