"""What a change must know of `metadata/` as it is now: which file claims which entries, decoded only where it is new.

Every look lists the folder and reads every byte of every file. A file whose mark (its name, its size and the digest of
all it says) is that of a file of the index which the change was planned on holds the very lines that stand there
decoded. Only the others are decoded, a few megabytes at a time, and each of their entries is found in the index and
compared to the last byte. Whatever does not fit that picture is decoded from the beginning: where a planned file is
gone or another, a file can't be read as a whole or holds a line that stock refuses, an entry is new to the index.

That is as safe as decoding everything: marks are what tells in any case whether a file is the one that was planned, and
no time, size or inode is taken for a proof of what a file says.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from core.changes.marks import Content, FileMark, marked, marks_of, require_had
from core.columns import Lane
from core.gather import LIMITS, index_of
from core.gzips import GzipFault, text_of
from core.index import Index, MetaFile
from core.lane_difference import most_alike, rows_in
from core.model import Claim, IdentityRecord, LaneKind
from core.snapshot import read_index
from core.storage.protocol import Listed, StoreReader
from core.words import I64, read_only

_METADATA: Final = "metadata"
#: Text that is decoded at once: little beside an index, and so little that the same memory serves again and again.
_BATCH_BYTES: Final = 4 << 20
#: Entries that begin alike, up to which looking for one of them is quick.
_MOST_ALIKE: Final = 16


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What has been decoded before: an index and the marks of its files, in its order."""

    index: Index
    marks: tuple[FileMark, ...]

    @property
    def is_sound(self) -> bool:
        """Whether every file was read to its end and understood, and has its mark; and entries are found at once."""
        files = self.index.files
        sound = self.index.complete and not any(file.fault or file.bad_lines for file in files)
        marked = [file.handle for file in files] == [mark.handle for mark in self.marks]
        return sound and marked and all(most_alike(lane) <= _MOST_ALIKE for lane in self.index.lanes.values())


class _Unlike(Exception):
    """A folder is not the known one with more files that repeat its entries."""


@dataclass(frozen=True, eq=False)
class Sight:
    """One look at `metadata/`: its files and their marks, in listing order.

    The distinct entries are those of `index`. It may be the index of an earlier look at fewer files; `places` says
    where its files are among `files`, and `others` what the rest of them claims.
    """

    files: tuple[MetaFile, ...]
    marks: tuple[FileMark, ...]
    index: Index
    places: I64
    others: Others

    @cached_property
    def lanes(self) -> dict[LaneKind, Lane]:
        """Every lane of `index`, with the claims of `files`."""
        return {kind: self._claimed(lane) for kind, lane in self.index.lanes.items()}

    @property
    def identities(self) -> tuple[tuple[IdentityRecord, Claim], ...]:
        """All identities, in the order of the files."""
        places = {file.handle: place for place, file in enumerate(self.files)}
        claims = [*self.index.identities, *self.others.identities]
        return tuple(sorted(claims, key=lambda each: (places[each[1].file], each[1].line)))

    def _claimed(self, lane: Lane) -> Lane:
        parts = self.others.claims[lane.kind]
        row = np.concatenate((np.repeat(np.arange(len(lane)), np.diff(lane.claim_start)), *(part[0] for part in parts)))
        file = np.concatenate((self.places[lane.claim_file], *(part[1] for part in parts)))
        line = np.concatenate((lane.claim_line, *(part[2] for part in parts)))
        # The lines of one file come in one piece and in order.
        order = np.argsort(row * max(1, len(self.files)) + file, kind="stable")
        return replace(
            lane,
            claim_start=read_only(np.append(0, np.cumsum(np.bincount(row, minlength=len(lane))))),
            claim_file=read_only(file[order].astype(np.int32)),
            claim_line=read_only(line[order].astype(np.int32)),
            file_handles=tuple(each.handle for each in self.files),
        )


class Others:
    """The files beside those of an index, all of whose entries it has: decoded as they come, `decode` being the end.

    `files` are they by their place in the folder. `claims` are, lane by lane and batch by batch, the row, the place of
    the file and the line of each of their claims, shape (n,), int64.
    """

    def __init__(self, index: Index) -> None:
        self.files: dict[int, MetaFile] = {}
        self.claims: dict[LaneKind, list[tuple[I64, I64, I64]]] = {kind: [] for kind in index.lanes}
        self.identities: list[tuple[IdentityRecord, Claim]] = []
        self._index = index
        self._room = LIMITS.folder_bytes - len(index.text)
        self._batch: list[tuple[Listed, bytes]] = []
        self._zipped: set[str] = set()
        self._places: list[int] = []
        self._size = 0

    def add(self, place: int, listed: Listed, content: Content) -> None:
        """Take one file. Raises `_Unlike`, also where bounds that hold for all of a folder would have to be shared."""
        text = _plain(content)
        if text is None or len(text) > self._room:
            raise _Unlike
        self._room -= len(text)
        self._batch.append((listed, text))
        if text is not content:
            self._zipped.add(listed.handle)
        self._places.append(place)
        self._size += len(text)
        if self._size >= _BATCH_BYTES:
            self.decode()

    def decode(self) -> None:
        """Decode what was taken since the last time. Raises `_Unlike`."""
        index, places = index_of(_METADATA, self._batch, self._zipped), np.array(self._places, dtype=np.int64)
        self.identities += index.identities
        too_many = len(self._index.identities) + len(self.identities) > LIMITS.objects
        if too_many or any(file.fault or file.bad_lines for file in index.files):
            raise _Unlike
        for kind, lane in index.lanes.items():
            rows = rows_in(lane, self._index.lanes[kind])
            if (rows < 0).any():
                raise _Unlike
            row = np.repeat(rows, np.diff(lane.claim_start))
            self.claims[kind].append((row, places[lane.claim_file], lane.claim_line.astype(np.int64)))
        self.files |= zip(self._places, index.files, strict=True)
        self._batch, self._places, self._size = [], [], 0
        self._zipped.clear()


def _plain(content: Content) -> bytes | None:
    """What a file says. None of one that can't be read, or would take more than its own share to inflate."""
    if not isinstance(content, bytes):
        return None
    try:
        return text_of(content, min(LIMITS.file_bytes, len(content) * LIMITS.gzip_ratio))
    except GzipFault:
        return None


def look(reader: StoreReader, known: Known | None = None, unreadable: Container[str] = ()) -> Sight:
    """`metadata/` as it is now; what is `known` is not decoded again.

    Raises `StoreUnreachable`, also where a file can't be had just now, unless its handle is one of the `unreadable`.
    """
    if known is not None and known.is_sound:
        try:
            return _look_beside(reader, known, unreadable)
        except _Unlike:
            return look(reader, None, unreadable)
    index = read_index(reader, _METADATA)
    for file in index.files:
        if file.fault is not None and file.handle not in unreadable:
            require_had(file.handle, file.fault)
    return Sight(index.files, marks_of(index), index, np.arange(len(index.files)), Others(index))


def _look_beside(reader: StoreReader, known: Known, unreadable: Container[str]) -> Sight:
    """The known folder with more files whose entries are known too. Raises `_Unlike` and `StoreUnreachable`."""
    index, numbers = known.index, {mark: number for number, mark in enumerate(known.marks)}
    others, places = Others(index), np.full(len(numbers), -1, dtype=np.int64)
    marks: list[FileMark] = []
    files: dict[int, MetaFile] = {}
    for place, (listed, content, mark) in enumerate(marked(reader, _METADATA, unreadable)):
        number = numbers.get(mark)
        if number is None:
            others.add(place, listed, content)
        else:
            files[place] = replace(index.files[number], listed=listed)
            places[number] = place
        marks.append(mark)
    others.decode()
    if (places < 0).any():
        raise _Unlike
    files |= others.files
    return Sight(tuple(files[place] for place in range(len(marks))), tuple(marks), index, places, others)
