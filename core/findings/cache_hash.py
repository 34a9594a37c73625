"""The name under which stock's cache keeps a metadata file: SipHash-1-3 of its handle, zero keys (`hazards.md`).

All handles of a store are hashed side by side, one array operation for a step of the algorithm.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from core.words import U64

#: "somepseudorandomlygeneratedbytes", the constants of SipHash, under a key of zeros.
_START: Final = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
_WORD: Final = 8
#: Rust's `Hash` of a string puts this byte behind it.
_END_OF_STRING: Final = b"\xff"


def cache_hashes(handles: Sequence[str]) -> U64:
    """The 64-bit cache hash of each handle, uint64, shape (n,); stock prints it as lower-case hex without padding."""
    texts = [handle.encode("utf-8", "surrogateescape") + _END_OF_STRING for handle in handles]
    lengths = np.array([len(text) for text in texts], dtype=np.uint64)
    blocks = (lengths // np.uint64(_WORD)).astype(np.int64)
    words = _words(texts, int(blocks.max()) + 1 if texts else 0)
    words[np.arange(len(texts)), blocks] |= lengths << np.uint64(56)
    state = tuple(np.full(len(texts), start, dtype=np.uint64) for start in _START)
    for step in range(words.shape[1]):
        live = np.flatnonzero(blocks >= step)
        mixed = _absorbed(tuple(part[live] for part in state), words[live, step])
        for part, new in zip(state, mixed, strict=True):
            part[live] = new
    v0, v1, v2, v3 = state
    v2 = v2 ^ np.uint64(0xFF)
    for _ in range(3):
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    return v0 ^ v1 ^ v2 ^ v3


def _words(texts: Sequence[bytes], count: int) -> U64:
    """The texts as rows of `count` little-endian words, filled up with zeros."""
    padded = b"".join(text.ljust(count * _WORD, b"\0") for text in texts)
    return np.frombuffer(padded, dtype="<u8").reshape(len(texts), count).copy()


def _absorbed(state: tuple[U64, ...], word: U64) -> tuple[U64, U64, U64, U64]:
    v0, v1, v2, v3 = state
    v0, v1, v2, v3 = _round(v0, v1, v2, v3 ^ word)
    return v0 ^ word, v1, v2, v3


def _round(v0: U64, v1: U64, v2: U64, v3: U64) -> tuple[U64, U64, U64, U64]:
    v0 = v0 + v1
    v1 = _rotated(v1, 13) ^ v0
    v0 = _rotated(v0, 32)
    v2 = v2 + v3
    v3 = _rotated(v3, 16) ^ v2
    v0 = v0 + v3
    v3 = _rotated(v3, 21) ^ v0
    v2 = v2 + v1
    v1 = _rotated(v1, 17) ^ v2
    v2 = _rotated(v2, 32)
    return v0, v1, v2, v3


def _rotated(value: U64, bits: int) -> U64:
    return (value << np.uint64(bits)) | (value >> np.uint64(64 - bits))
