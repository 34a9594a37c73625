"""Arrays that grow while files come in, and views of them that later growth never changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.columns import I32, I64, PADDING, U64, LaneLines, Texts
from core.model import LaneKind
from core.words import read_only

#: A listing may promise anything; more than this is allocated only for text that really came.
_MAX_FIRST_BYTES: Final = 1 << 30
_Number = TypeVar("_Number", np.uint64, np.int64, np.int32)


class GrowingText:
    """Bytes in one array, made large enough for `expected_bytes` (at most 1 GiB) at once."""

    def __init__(self, expected_bytes: int) -> None:
        self._bytes = np.empty(min(expected_bytes, _MAX_FIRST_BYTES) + (1 << 12), dtype=np.uint8)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def append(self, data: bytes) -> int:
        """Add text; returns where it begins."""
        start, stop = self._length, self._length + len(data)
        end = stop + len(PADDING)
        if end > len(self._bytes):
            larger = np.empty(max(end, len(self._bytes) * 3 // 2), dtype=np.uint8)
            larger[:start] = self._bytes[:start]
            self._bytes = larger
        self._bytes[start:stop] = np.frombuffer(data, dtype=np.uint8)
        self._bytes[stop:end] = 0
        self._length = stop
        return start

    def view(self) -> NDArray[np.uint8]:
        """All bytes so far and as many as `PADDING` behind them, which alone may change later."""
        return read_only(self._bytes[: self._length + len(PADDING)])


@dataclass(slots=True)
class GrowingLines:
    """The lines of one kind, gathered block by block; they may come in any order of files and lines."""

    keys: tuple[list[U64], ...]
    text_start: list[I64] = field(default_factory=list)
    text_length: list[I32] = field(default_factory=list)
    file: list[I32] = field(default_factory=list)
    line: list[I32] = field(default_factory=list)
    in_order: bool = True

    def add(self, keys: tuple[U64, ...], text_start: I64, *columns: I64, in_order: bool = True) -> None:
        """Add lines: their numbers, where their handles begin, and how long these are, files and lines.

        `in_order` says that all of them come after the lines added before.
        """
        for gathered, key in zip(self.keys, keys, strict=True):
            gathered.append(key)
        self.text_start.append(text_start)
        for target, values in zip((self.text_length, self.file, self.line), columns, strict=True):
            target.append(values.astype(np.int32))
        self.in_order = self.in_order and in_order

    def lines(self, kind: LaneKind, text: NDArray[np.uint8]) -> LaneLines:
        """All lines so far in order; what is added later leaves them as they are."""
        keys = tuple(_joined(key, np.uint64) for key in self.keys)
        texts = Texts(text, _joined(self.text_start, np.int64), _joined(self.text_length, np.int32))
        lines = LaneLines(kind, keys, texts, _joined(self.file, np.int32), _joined(self.line, np.int32))
        return lines if self.in_order else lines.take(np.lexsort((lines.line, lines.file)))


def _joined(parts: list[NDArray[_Number]], dtype: type[_Number]) -> NDArray[_Number]:
    """All parts in one array, which then stands for them in the list too, so that nothing is held twice."""
    parts[:] = [np.concatenate(parts) if parts else np.empty(0, dtype=dtype)]
    return parts[0]
