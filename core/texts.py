"""A column of strings as places in one byte buffer: compared, hashed and sorted eight bytes at a time."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from core.words import BYTE_MASKS, I32, I64, U64, WORD, Buffer, Mask, words_of

_HASH_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)
#: Texts are taken word by word up to here and as a whole beyond, so that one huge text does not take a million steps.
_WORDWISE_BYTES: Final = 1_024
#: So many rows are compared or hashed at a time: what that takes beside the result does not grow with the column.
_BLOCK_ROWS: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Texts:
    """A column of byte strings: row i is `buffer[start[i] : start[i] + length[i]]`.

    `buffer` is uint8 and ends with `PADDING`; `start` (int64) and `length` (int32) have one shape (n,).
    """

    buffer: Buffer
    start: I64
    length: I32

    def __len__(self) -> int:
        return len(self.start)

    def raw(self, row: int) -> bytes:
        """The bytes of one row."""
        return self._tail(row, 0)

    def __getitem__(self, row: int) -> str:
        return self.raw(row).decode("utf-8")

    def take(self, rows: I64) -> Texts:
        """The same texts in another order or selection; the buffer is shared."""
        return Texts(self.buffer, self.start[rows], self.length[rows])

    def equal(self, left: I64, right: I64, other: Texts | None = None) -> Mask:
        """Whether row `left[k]` equals row `right[k]` (of `other`, if that is given), for each k."""
        other = self if other is None else other
        blocks = (slice(at, at + _BLOCK_ROWS) for at in range(0, len(left), _BLOCK_ROWS))
        same = [self._equal(left[block], right[block], other) for block in blocks]
        return np.concatenate(same) if same else np.zeros(0, dtype=np.bool_)

    def _equal(self, left: I64, right: I64, other: Texts) -> Mask:
        result: Mask = self.length[left] == other.length[right]
        our_words, their_words = words_of(self.buffer), words_of(other.buffer)
        live = np.flatnonzero(result)
        for offset in range(0, _WORDWISE_BYTES, WORD):
            rest = self.length[left[live]] - offset
            live, rest = live[rest > 0], rest[rest > 0]
            if not len(live):
                return result
            ours, theirs = our_words[self.start[left[live]] + offset], their_words[other.start[right[live]] + offset]
            differs = (ours ^ theirs) & BYTE_MASKS[np.minimum(rest, WORD)] != 0
            result[live[differs]] = False
            live = live[~differs]
        for k in live.tolist():
            result[k] = self._tail(left[k], _WORDWISE_BYTES) == other._tail(right[k], _WORDWISE_BYTES)
        return result

    def hashes(self) -> U64:
        """A 64-bit hash for each row, for grouping; equal hashes must still be compared. Not keyed, not stored."""
        blocks = (np.arange(at, min(at + _BLOCK_ROWS, len(self))) for at in range(0, len(self), _BLOCK_ROWS))
        states = [self.take(block)._hashes() for block in blocks]
        return np.concatenate(states) if states else np.zeros(0, dtype=np.uint64)

    def _hashes(self) -> U64:
        words = words_of(self.buffer)
        state = _mixed(self.length.astype(np.uint64), _HASH_FACTOR)
        live: I64 = np.arange(len(self.start), dtype=np.int64)
        for offset in range(0, _WORDWISE_BYTES, WORD):
            rest = self.length[live] - offset
            live, rest = live[rest > 0], rest[rest > 0]
            if not len(live):
                return state
            word = words[self.start[live] + offset] & BYTE_MASKS[np.minimum(rest, WORD)]
            state[live] = _mixed(state[live], word)
        tails = [zlib.crc32(self._tail(row, _WORDWISE_BYTES)) for row in live.tolist()]
        state[live] = _mixed(state[live], np.array(tails, dtype=np.uint64))
        return state

    def distinct(self) -> I64:
        """The first row of each text, ascending (int64)."""
        hashes = self.hashes()
        order = np.argsort(hashes, kind="stable")
        again = np.append(False, hashes[order][1:] == hashes[order][:-1])[: len(order)]
        shared = order[again | np.append(again[1:], False)[: len(order)]]
        first: dict[bytes, int] = {}
        for row in np.sort(shared).tolist():
            first.setdefault(self.raw(row), row)
        alone = np.ones(len(self), dtype=np.bool_)
        alone[shared] = False
        alone[list(first.values())] = True
        return np.flatnonzero(alone)

    def sorted_within(self, groups: I64, rows: I64) -> I64:
        """`rows` sorted by bytes within each group, stable: `rows[k]` belongs to the group `groups[k]`.

        The members of a group stand next to each other.
        """
        words, rows = words_of(self.buffer), rows.copy()
        place: I64 = np.arange(len(rows), dtype=np.int64)
        for offset in range(0, _WORDWISE_BYTES, WORD):
            together = groups[1:] == groups[:-1]
            if not together.any():
                return rows
            shared = np.append(False, together) | np.append(together, False)
            place, groups = place[shared], groups[shared]
            live = rows[place]
            rest = np.clip(self.length[live] - offset, 0, WORD)
            word = (words[self.start[live] + np.minimum(offset, self.length[live])] & BYTE_MASKS[rest]).byteswap()
            order = np.lexsort((rest, word, groups))
            rows[place], word, rest = live[order], word[order], rest[order]
            # Rows stay together as long as their words are the same and neither of them ends here.
            apart = (word[1:] != word[:-1]) | (np.minimum(rest[1:], rest[:-1]) < WORD) | (groups[1:] != groups[:-1])
            groups = np.append(0, np.cumsum(apart))
        for run in _runs(groups):
            rows[place[run]] = sorted(rows[place[run]].tolist(), key=lambda row: self._tail(row, _WORDWISE_BYTES))
        return rows

    def _tail(self, row: int, offset: int) -> bytes:
        """The bytes of one row from `offset` on."""
        start = int(self.start[row])
        return bytes(self.buffer[start + offset : start + int(self.length[row])])


def _mixed(state: U64, word: U64 | np.uint64) -> U64:
    mixed = (state ^ word) * _HASH_FACTOR
    return mixed ^ (mixed >> np.uint64(29))


def _runs(groups: I64) -> Iterator[slice]:
    """The stretches of equal values, none of them negative."""
    edges = np.flatnonzero(np.diff(groups, prepend=-1, append=-1))
    for start, stop in pairwise(edges.tolist()):
        yield slice(start, stop)
