"""What is visible once a repair has been carried out, told from the columns that are decoded already."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, replace
from typing import Final

import numpy as np

from core.changes.lanes import state_of_pieces
from core.changes.model import LaneState, Write
from core.columns import I64, Lane
from core.content import lane_text
from core.form import Form
from core.gather import index_of
from core.index import Index, MetaFile
from core.lane_difference import absent_rows
from core.model import LaneKind, RangeRecord
from core.repair.sides import Sides
from core.storage.protocol import Listed, ListedKind
from core.words import read_only

_PART_BYTES: Final = 8 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Foreseen:
    """The entries that are visible then: in `index`, whose claims and text are those of now, and each lane's state."""

    index: Index
    lanes: Mapping[LaneKind, LaneState]


def foresee(sides: Sides, going: Collection[int], writes: Iterable[Write]) -> Foreseen:
    """All entries that are visible now or come, but those that go."""
    ground = sides.recovery.preview.ground
    rows = {
        kind: np.delete(np.arange(len(lane), dtype=np.int64), ground.visible(kind)[sides.lanes[kind].gone])
        for kind, lane in ground.index.lanes.items()
    }
    files = [file for number, file in enumerate(sides.index.files) if number not in going]
    files += [MetaFile(_listed(write), write.lines, gzip=write.form is Form.GZIP) for write in writes]
    index = replace(
        ground.index,
        files=tuple(files),
        lanes={kind: _taken(lane, rows[kind]) for kind, lane in ground.index.lanes.items()},
        problems=(),
    )
    pieces = {kind: lane_text(ground.index, kind).pieces_of(some) for kind, some in rows.items()}
    return Foreseen(index, {kind: state_of_pieces(len(rows[kind]), pieces[kind]) for kind in sides.lanes})


def spoils(foreseen: Foreseen, writes: Iterable[Write]) -> bool:
    """Whether new files would hold anything but whole lines of entries that are to be visible, each once.

    Of files that hold lines of one lane each has to go on behind the one before, and so has each part of a file; they
    are decoded one by one.
    """
    last: dict[LaneKind, RangeRecord] = {}
    for listed, text in ((_listed(write), text) for write in writes if write.lines for text in _parts(write.text)):
        index = index_of("metadata", [(listed, text)])
        entries = sum(map(len, index.lanes.values())) + len({record.id for record, _ in index.identities})
        lanes = {kind: lane for kind, lane in index.lanes.items() if len(lane)}
        if (
            any(file.bad_lines or file.fault for file in index.files)
            or entries != text.count(b"\n")
            or any(len(absent_rows(lane, foreseen.index.lanes[kind])) for kind, lane in lanes.items())
            or any(kind in last and astuple(lane.record(0)) <= astuple(last[kind]) for kind, lane in lanes.items())
        ):
            return True
        last |= {kind: lane.record(len(lane) - 1) for kind, lane in lanes.items()}
    return False


def _parts(text: bytes) -> Iterator[bytes]:
    """A file in whole lines, so many bytes at a time that what decoding takes does not grow with the store."""
    at = 0
    while at < len(text):
        end = text.rfind(b"\n", at, at + _PART_BYTES) + 1 or text.find(b"\n", at + _PART_BYTES) + 1 or len(text)
        yield text[at:end]
        at = end


def _listed(write: Write) -> Listed:
    return Listed(write.handle, ListedKind.FILE, len(write.content), 0.0)


def _taken(lane: Lane, rows: I64) -> Lane:
    """Some rows (int64, ascending) of a lane."""
    if len(rows) == len(lane):
        return lane
    counts = np.diff(lane.claim_start)
    kept = np.zeros(len(lane), dtype=np.bool_)
    kept[rows] = True
    claims = np.repeat(kept, counts)
    return replace(
        lane,
        first=read_only(lane.first[rows]),
        last=read_only(lane.last[rows]),
        first_version=read_only(lane.first_version[rows]),
        last_version=read_only(lane.last_version[rows]),
        epoch=None if lane.epoch is None else read_only(lane.epoch[rows]),
        manifests=lane.manifests.take(rows),
        claim_start=read_only(np.append(0, np.cumsum(counts[rows]))),
        claim_file=read_only(lane.claim_file[claims]),
        claim_line=read_only(lane.claim_line[claims]),
    )
