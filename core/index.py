"""The decoded content of one metadata folder: entries in columns, and a record of everything that could not be read.

Stock refuses a whole store for one bad line (`format.md`, "Loading"); an `Index` shows what there is all the same, and
keeps in `problems` what decides stock's answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.columns import Lane
from core.model import Claim, IdentityRecord, LaneKind, TimestampsRecord
from core.storage.protocol import HandleUnreadable, Listed


@dataclass(frozen=True, slots=True)
class LineProblem:
    """A line that stock refuses: where, the hazard's id, and stock's own words.

    Of one file only the first few are kept, and the first of each hazard; `MetaFile.bad_lines` counts all.
    """

    claim: Claim
    hazard: str
    message: str


@dataclass(frozen=True, slots=True)
class LineNote:
    """A line that stock accepts but that is worth a word: where and which (an id, see `core.codec.ParsedLine`).

    Of one file only the first few of each kind are kept; `MetaFile.notes` counts all.
    """

    claim: Claim
    note: str


@dataclass(frozen=True, slots=True)
class MetaFile:
    """One listed name of a metadata folder and what came of reading it.

    `lines` counts all its lines, `bad_lines` those that stock refuses, `notes` the lines with each note. `fault` is
    None when it was read and kept as a whole.
    """

    listed: Listed
    lines: int = 0
    bad_lines: int = 0
    gzip: bool = False
    ends_with_newline: bool = True
    notes: Mapping[str, int] = field(default_factory=dict, hash=False)
    fault: HandleUnreadable | None = None

    @property
    def handle(self) -> str:
        """What stock calls the file."""
        return self.listed.handle


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """The decoded content of one metadata folder.

    `complete` is False while reading goes on and when it was stopped; `files` then holds only what was read, of
    `listed_count` listed, and of the last file perhaps its first lines only. `text` is all that was read (uint8), file
    i at `text_spans[i]`.
    """

    folder: str
    files: tuple[MetaFile, ...]
    lanes: dict[LaneKind, Lane]
    identities: tuple[tuple[IdentityRecord, Claim], ...]
    timestamps: tuple[tuple[TimestampsRecord, Claim], ...]
    problems: tuple[LineProblem, ...]
    notes: tuple[LineNote, ...]
    listed_count: int
    complete: bool
    text: NDArray[np.uint8]
    text_spans: tuple[tuple[int, int], ...]

    @property
    def epoch_endings(self) -> Lane:
        """The epoch ending entries, in stock's order."""
        return self.lanes[LaneKind.EPOCH_ENDINGS]

    @property
    def state_snapshots(self) -> Lane:
        """The state snapshot entries, in stock's order."""
        return self.lanes[LaneKind.STATE_SNAPSHOTS]

    @property
    def transactions(self) -> Lane:
        """The transaction entries, in stock's order."""
        return self.lanes[LaneKind.TRANSACTIONS]

    @property
    def line_count(self) -> int:
        """All lines of all files that were read."""
        return sum(file.lines for file in self.files)

    def content(self, file: int) -> bytes:
        """The (inflated) bytes of file number `file`; a missing last line feed is added. Empty if it was not read."""
        start, stop = self.text_spans[file]
        return self.text[start:stop].tobytes()

    def raw_line(self, claim: Claim) -> bytes:
        """The bytes of one line, without its line feed; empty if there is no such line."""
        number = next((i for i, file in enumerate(self.files) if file.handle == claim.file), None)
        if number is None or not 0 < claim.line <= self.files[number].lines:
            return b""
        start, stop = self.text_spans[number]
        ends = np.flatnonzero(self.text[start:stop] == ord("\n")) + start
        begin = start if claim.line == 1 else int(ends[claim.line - 2]) + 1
        return self.text[begin : int(ends[claim.line - 1])].tobytes()
