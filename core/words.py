"""Text read eight bytes at a time: is a literal there, and which decimal number begins here, for many places at once.

All functions take positions in one byte buffer that ends with `PADDING`. No position is read beyond the buffer.
"""

from __future__ import annotations

from typing import Final, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

U64: TypeAlias = NDArray[np.uint64]
I64: TypeAlias = NDArray[np.int64]
I32: TypeAlias = NDArray[np.int32]
Mask: TypeAlias = NDArray[np.bool_]
Buffer: TypeAlias = bytes | NDArray[np.uint8]
_Number = TypeVar("_Number", bound=np.generic)

WORD: Final = 8
#: Zero bytes that stand behind every text buffer, so that a whole word can be loaded at its last byte.
PADDING: Final = bytes(WORD)
#: The first n bytes of a little-endian word, for n from 0 to 8.
BYTE_MASKS: Final = np.array([(1 << (8 * n)) - 1 for n in range(WORD)] + [2**64 - 1], dtype=np.uint64)
_MOST_DIGITS: Final = 19
_POWERS: Final = np.array([10**n for n in range(WORD + 1)], dtype=np.uint64)
_ZEROS: Final = np.uint64(0x3030303030303030)
_TOP_BITS: Final = np.uint64(0x8080808080808080)
#: Lifts every byte above 9 to its top bit.
_ABOVE_NINE: Final = np.uint64(0x7676767676767676)


def read_only(array: NDArray[_Number]) -> NDArray[_Number]:
    """A view of `array` through which nothing can be written."""
    view = array.view()
    view.flags.writeable = False
    return view


def words_of(buffer: Buffer) -> U64:
    """A view of `buffer` as one little-endian 64-bit word for each byte position that has a whole word behind it."""
    return np.ndarray(shape=(max(0, len(buffer) - WORD + 1),), dtype="<u8", buffer=buffer, strides=(1,))


def all_match(buffer: Buffer, at: I64, literal: bytes) -> bool:
    """Whether `literal` stands at every position; one comparison for the usual case that it does."""
    if not len(at) or int(at.max()) + len(literal) > len(buffer):
        return not len(at)
    count = len(buffer) - len(literal) + 1
    pieces = np.ndarray(shape=(count,), dtype=f"V{len(literal)}", buffer=buffer, strides=(1,))
    return pieces[at].tobytes() == literal * len(at)


def matching(words: U64, at: I64, literal: bytes) -> I64:
    """The indices k for which `literal` stands at position `at[k]`, as int64.

    `words` is the view of a buffer that ends with `PADDING`; every position must lie before that padding or at its
    start. A literal holds no NUL, so it never matches into the padding.
    """
    keep: I64 = np.arange(len(at), dtype=np.int64)
    for offset in range(0, len(literal), WORD):
        part = literal[offset : offset + WORD]
        word = words[at + offset]
        if len(part) < WORD:
            word &= BYTE_MASKS[len(part)]
        hit = word == np.uint64(int.from_bytes(part, "little"))
        if not hit.all():
            keep, at = keep[hit], at[hit]
    return keep


def read_numbers(words: U64, at: I64) -> tuple[U64, I64]:
    """The decimal number that starts at each position (uint64), and how many digits it has (int64).

    0 digits: none there, a leading zero, or more than 19 digits (callers take the exact slow path for those, so a
    number never wraps). `words` is the view of a buffer that ends with `PADDING`; every position must lie before that
    padding or at its start.
    """
    word = words[at] ^ _ZEROS
    value, count = _up_to_eight_digits(word)
    digits = count.astype(np.int64)
    for _ in range(2):
        if not (count == WORD).any():
            break
        # Behind a shorter number stands no digit: for such rows this adds nothing.
        more, count = _up_to_eight_digits(words[at + digits] ^ _ZEROS)
        value = value * _POWERS[count] + more
        digits += count
    digits[(word & BYTE_MASKS[1] == 0) & (digits > 1) | (digits > _MOST_DIGITS)] = 0
    return value, digits


def _up_to_eight_digits(word: U64) -> tuple[U64, NDArray[np.uint8]]:
    """The number made by the leading digits within each word, "0" taken off each byte already, and their count.

    Digits are then bytes 0..9; adding 0x76 sets the top bit of every other byte (what it carries into higher bytes
    comes behind the first of those). The digits are moved to the end of the word, none at all by shifting everything
    out, and summed pair by pair.
    """
    stops = ((word + _ABOVE_NINE) | word) & _TOP_BITS
    below = (stops & (~stops + np.uint64(1))) - np.uint64(1)
    bits = np.bitwise_count(below) & np.uint8(0xF8)
    word = word << (np.uint64(64) - bits)
    word = (word * np.uint64(10) + (word >> np.uint64(8))) & np.uint64(0x00FF00FF00FF00FF)
    word = (word * np.uint64(100) + (word >> np.uint64(16))) & np.uint64(0x0000FFFF0000FFFF)
    word = (word * np.uint64(10000) + (word >> np.uint64(32))) & np.uint64(0xFFFFFFFF)
    return word, bits >> np.uint8(3)
