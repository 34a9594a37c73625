"""The ground on which a chain is looked for: the visible entries, and beside them lines that could become visible."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.codec import encode_record
from core.columns import I64, Lane
from core.gather import index_of
from core.index import Index
from core.model import Claim, LaneKind, RangeRecord
from core.storage.protocol import HandleUnreadable, Listed, ListedKind
from core.words import I32, read_only


@dataclass(frozen=True, slots=True)
class AddedLine:
    """A line that is to become visible: its entry, and its bytes without the line feed.

    `claim` is where a recovered line stands in `metadata_backup/`; None for the line of a derived manifest, of which
    `source` is the manifest that it was cut from.
    """

    record: RangeRecord
    line: bytes
    claim: Claim | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """An index of visible and added entries.

    `added` are for each lane the rows (int64) that stand in no file of `metadata/`, in ascending order; `lines` are
    what they are made of, row by row.
    """

    index: Index
    added: Mapping[LaneKind, I64]
    lines: Mapping[LaneKind, tuple[AddedLine, ...]]

    def visible(self, kind: LaneKind) -> I64:
        """For each row of the lane without additions the row (int64) of the same entry here."""
        rows = np.arange(len(self.index.lanes[kind]), dtype=np.int64)
        return np.delete(rows, self.added[kind])

    @property
    def sources(self) -> dict[str, str]:
        """For each derived manifest the one that it was cut from."""
        added = (line for lines in self.lines.values() for line in lines)
        return {line.record.manifest: line.source for line in added if line.source is not None}


def bare_ground(index: Index) -> Ground:
    """A store to which nothing is added."""
    nothing = {kind: np.empty(0, dtype=np.int64) for kind in index.lanes}
    return Ground(index, nothing, dict.fromkeys(index.lanes, ()))


def with_lines(index: Index, lines: Sequence[AddedLine]) -> Ground:
    """The ground with `lines`, which must not be visible, added to what `index` holds.

    A recovered line is claimed by its file in `metadata_backup/`, that of a derived manifest by the manifest.
    """
    if not lines:
        return bare_ground(index)
    sources: dict[str, list[AddedLine]] = defaultdict(list)
    for line in lines:
        sources[line.claim.file if line.claim else line.record.manifest].append(line)
    zipped = {file.handle for file in index.files if file.gzip}
    whole = index_of(index.folder, tuple(_files(index, sources)), zipped)
    lanes = {
        kind: _with_true_lines(lane, len(index.files), tuple(sources.values())) for kind, lane in whole.lanes.items()
    }
    added = {kind: _added_rows(lane, len(index.files)) for kind, lane in lanes.items()}
    known = {line.record: line for line in lines}
    return Ground(
        replace(whole, lanes=lanes),
        added,
        {kind: tuple(known[lanes[kind].record(row)] for row in rows.tolist()) for kind, rows in added.items()},
    )


def _files(
    index: Index, sources: Mapping[str, Sequence[AddedLine]]
) -> Iterator[tuple[Listed, bytes | HandleUnreadable]]:
    for number, file in enumerate(index.files):
        yield file.listed, file.fault or index.content(number)
    for handle, lines in sources.items():
        content = b"".join(encode_record(line.record) for line in lines)
        yield Listed(handle, ListedKind.FILE, len(content), 0.0), content


def _with_true_lines(lane: Lane, files: int, sources: Sequence[Sequence[AddedLine]]) -> Lane:
    """Number the claims of added lines as their own files do."""
    number = lane.claim_line.copy()
    for place in np.flatnonzero(lane.claim_file >= files).tolist():
        line = sources[int(lane.claim_file[place]) - files][int(number[place]) - 1]
        number[place] = line.claim.line if line.claim else 1
    numbers: I32 = read_only(number)
    return replace(lane, claim_line=numbers)


def _added_rows(lane: Lane, files: int) -> I64:
    """The rows none of whose claims is in one of the first `files` files."""
    if not len(lane):
        return np.empty(0, dtype=np.int64)
    visible = np.logical_or.reduceat(lane.claim_file < files, lane.claim_start[:-1])
    return np.flatnonzero(~visible)
