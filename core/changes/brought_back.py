"""Which young files an undo has brought back as they were: they look cut off since they are, not as they are written.

A file out of the undo bundle is new, and so is a copy in a bucket. The journal of the undo says what it was to hold: a
file that holds just that is whole, whatever its time says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from core.changes.marks import FileMark, mark_of
from core.changes.model import OperationKind
from core.journal.names import OperationFiles, Piece, operations_in
from core.journal.reading import read_operation
from core.names import JOURNAL_FOLDER
from core.snapshot import Snapshot
from core.storage.protocol import StoreReader

#: So many undos are looked at, the newest first, and so many bytes of what they meant to do.
_MOST_UNDOS: Final = 10
_MOST_BYTES: Final = 16 << 20


def brought_back(reader: StoreReader, snapshot: Snapshot, now: float) -> frozenset[str]:
    """The handles of files that are young at `now` (unix seconds) and are what an undo has put there.

    Nothing is read where there is no young file, or no undo.
    """
    young = {file.handle: number for number, file in enumerate(snapshot.index.files) if snapshot.in_flight(file, now)}
    if not young:
        return frozenset()
    marks = {mark.handle: mark for undo in _undos(snapshot) for mark in _returned(reader, undo)}
    return frozenset(
        handle for handle in young.keys() & marks.keys() if mark_of(snapshot.index, young[handle]) == marks[handle]
    )


def _undos(snapshot: Snapshot) -> Iterator[OperationFiles]:
    """The newest undos, the oldest of them first."""
    sizes = {listed.handle: listed.size for listed in snapshot.journal}
    undos = [files for files in operations_in(snapshot.journal) if files.kind is OperationKind.UNDO][-_MOST_UNDOS:]
    intents = (f"{JOURNAL_FOLDER}/{files.id}.{Piece.INTENT}" for files in undos)
    left = _MOST_BYTES - sum(sizes.get(handle, 0) for handle in intents)
    yield from undos if left >= 0 else undos[-1:]


def _returned(reader: StoreReader, files: OperationFiles) -> Iterator[FileMark]:
    """What `metadata/` was to hold of what an undo brings back."""
    intent = read_operation(reader, files).intent
    if intent is not None:
        yield from (write.mark for write in intent.writes)
        yield from (FileMark(move.target, move.mark.size, move.mark.digest) for move in intent.restores)
