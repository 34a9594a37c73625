"""Whether the handles of a lane are those that stock gives: `transaction_<first>-.<4 hex>/transaction.manifest`.

A lane of a million entries is told apart by array operations: an ordinary row is one whose handle has stock's form with
the very numbers of its own entry. Only the other rows are looked at one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from core.columns import Lane, Texts
from core.model import LaneKind
from core.words import I64, U64, Mask, matching, words_of

_HEX_DIGITS: Final = 4
_PAIR: Final = np.uint64(0xFFFF)
_POWERS: Final = np.array([10**digits for digits in range(1, 20)], dtype=np.uint64)
_IS_HEX: Final = np.isin(np.arange(256), list(b"0123456789abcdef"))
_ARE_HEX: Final = np.logical_and.outer(_IS_HEX, _IS_HEX).ravel()
_MOST_DIGITS: Final = 16
#: So many rows at a time stay in the processor's cache.
_BLOCK_ROWS: Final = 1 << 14
_EIGHT_DIGITS: Final = np.uint64(10**8)


@dataclass(frozen=True, slots=True)
class _Form:
    """A handle of stock's: a number stands behind each literal, then `before_suffix`, four hex digits and `tail`."""

    literals: tuple[bytes, ...]
    before_suffix: bytes
    tail: bytes


_FORMS: Final = {
    LaneKind.TRANSACTIONS: _Form((b"transaction_",), b"-.", b"/transaction.manifest"),
    LaneKind.EPOCH_ENDINGS: _Form((b"epoch_ending_",), b"-.", b"/epoch_ending.manifest"),
    LaneKind.STATE_SNAPSHOTS: _Form((b"state_epoch_", b"_ver_"), b".", b"/state.manifest"),
}


def odd_rows(lane: Lane) -> I64:
    """The rows (int64) whose handle is not exactly the one that stock would give them, but for its random suffix."""
    form = _FORMS[lane.kind]
    numbers = (lane.first,) if lane.epoch is None else (lane.epoch, lane.first)
    odd = np.ones(len(lane), dtype=np.bool_)
    for start in range(0, len(lane), _BLOCK_ROWS):
        block = slice(start, start + _BLOCK_ROWS)
        texts = Texts(lane.manifests.buffer, lane.manifests.start[block], lane.manifests.length[block])
        odd[start + _ordinary_rows(texts, form, tuple(number[block] for number in numbers))] = False
    return np.flatnonzero(odd)


def _ordinary_rows(texts: Texts, form: _Form, numbers: tuple[U64, ...]) -> I64:
    words = words_of(texts.buffer)
    digits = tuple(_digits_of(number) for number in numbers)
    fixed = sum(map(len, form.literals)) + len(form.before_suffix) + _HEX_DIGITS + len(form.tail)
    fits = texts.length == sum(digits) + fixed
    for count in digits:
        fits &= count <= _MOST_DIGITS
    rows: I64 = np.flatnonzero(fits)
    at = texts.start[rows]
    for literal, number, count in zip(form.literals, numbers, digits, strict=True):
        rows, at = _past(words, rows, at, literal)
        reads = np.flatnonzero(_reads_as(words, at, number[rows], count[rows]))
        rows, at = _kept(reads, rows, at + count[rows])
    rows, at = _past(words, rows, at, form.before_suffix)
    suffix = words[at]
    pairs = _ARE_HEX[suffix & _PAIR] & _ARE_HEX[(suffix >> np.uint64(16)) & _PAIR]
    rows, at = _kept(np.flatnonzero(pairs), rows, at + _HEX_DIGITS)
    return _past(words, rows, at, form.tail)[0]


def _kept(keep: I64, rows: I64, at: I64) -> tuple[I64, I64]:
    return (rows, at) if len(keep) == len(rows) else (rows[keep], at[keep])


def _digits_of(number: U64) -> I64:
    """How many decimal digits each number has."""
    return np.searchsorted(_POWERS, number, side="right") + 1


def _past(words: U64, rows: I64, at: I64, literal: bytes) -> tuple[I64, I64]:
    """The rows that have `literal` at their place, and the places behind it."""
    return _kept(matching(words, at, literal), rows, at + len(literal))


def _reads_as(words: U64, at: I64, number: U64, digits: I64) -> Mask:
    """Whether the `digits` bytes (1 to 16) at each place are the decimal digits of `number`."""
    low = np.minimum(digits, 8)
    value, good = _read_eight(words[at + digits - low], low)
    wide = np.flatnonzero(digits > 8)
    if len(wide):
        high, high_good = _read_eight(words[at[wide]], digits[wide] - 8)
        value[wide] += high * _EIGHT_DIGITS
        good[wide] &= high_good
    good &= value == number
    return good


def _read_eight(word: U64, digits: I64) -> tuple[U64, Mask]:
    """The number that the first `digits` (1 to 8) bytes of each little-endian word spell, and whether all are digits.

    The bytes are moved to the end of the word with zeros before them, then pairs, fours and eights of digits are added
    up at once.
    """
    shift = ((8 - digits) * 8).astype(np.uint64)
    zeros = np.uint64(0x3030303030303030)
    word = (word << shift) | (zeros & ~(np.uint64(0xFFFFFFFFFFFFFFFF) << shift))
    # A digit has 3 as its upper half, and still has when 6 is added to it.
    upper = np.uint64(0xF0F0F0F0F0F0F0F0)
    good = ((word & upper) == zeros) & (((word + np.uint64(0x0606060606060606)) & upper) == zeros)
    word = word - zeros
    word = (word * np.uint64(10) + (word >> np.uint64(8))) & np.uint64(0x00FF00FF00FF00FF)
    word = (word * np.uint64(100) + (word >> np.uint64(16))) & np.uint64(0x0000FFFF0000FFFF)
    word = (word * np.uint64(10_000) + (word >> np.uint64(32))) & np.uint64(0x00000000FFFFFFFF)
    return word, good
