"""Single lines of an index just as they stand in their files."""

from __future__ import annotations

import numpy as np

from core.columns import I64
from core.index import Index
from core.model import Claim


class RawLines:
    """Single lines of an index, by file and number; the ends of a file's lines are looked for once."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._numbers = {file.handle: number for number, file in enumerate(index.files)}
        self._ends: dict[int, I64] = {}

    def line(self, claim: Claim) -> bytes:
        """The bytes of a line that is there, its line feed included."""
        number = self._numbers[claim.file]
        start, stop = self._index.text_spans[number]
        ends = self._ends.get(number)
        if ends is None:
            ends = self._ends[number] = np.flatnonzero(self._index.text[start:stop] == ord("\n")) + start + 1
        begin = start if claim.line == 1 else int(ends[claim.line - 2])
        return self._index.text[begin : int(ends[claim.line - 1])].tobytes()
