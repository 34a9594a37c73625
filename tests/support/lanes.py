"""Lanes for tests, made from plain tuples through the same door as those read from a store."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.columns import PADDING, Lane, LaneLines, Texts, build_lane
from core.model import LaneKind

#: One line: first, last, manifest. On the lane of epoch endings first_version and last_version may stand behind, else
#: epoch e ends at version 100 e; a state snapshot is (epoch, version, manifest).
Line = tuple[int, int, str] | tuple[int, int, str, int, int]


def lane_of(kind: LaneKind, lines: Sequence[Line], files: Sequence[Sequence[int]] | None = None) -> Lane:
    """A lane of `lines` in any order. `files` says which lines (by index) each file holds, else each has its own."""
    layout = [[index] for index in range(len(lines))] if files is None else [list(file) for file in files]
    held = [(lines[index], file, number) for file, held in enumerate(layout) for number, index in enumerate(held, 1)]
    keys = np.array([_keys(kind, line) for line, _, _ in held], dtype=np.uint64)
    texts = [line[2].encode() for line, _, _ in held]
    length = np.array([len(text) for text in texts], dtype=np.int32)
    read = LaneLines(
        kind,
        tuple(keys.reshape(len(held), _KEY_COUNTS[kind]).T.copy()),
        Texts(
            np.frombuffer(b"".join(texts) + PADDING, dtype=np.uint8), np.cumsum(length, dtype=np.int64) - length, length
        ),
        np.array([file for _, file, _ in held], dtype=np.int32),
        np.array([number for _, _, number in held], dtype=np.int32),
    )
    return build_lane(read, [f"metadata/file_{number}.meta" for number in range(len(layout))])


def transactions(*lines: Line, files: Sequence[Sequence[int]] | None = None) -> Lane:
    """A lane of transactions."""
    return lane_of(LaneKind.TRANSACTIONS, lines, files)


_KEY_COUNTS = {LaneKind.TRANSACTIONS: 2, LaneKind.STATE_SNAPSHOTS: 2, LaneKind.EPOCH_ENDINGS: 4}


def _keys(kind: LaneKind, line: Line) -> tuple[int, ...]:
    if kind is not LaneKind.EPOCH_ENDINGS:
        return line[:2]
    versions = line[3:] if len(line) == 5 else (100 * line[0], 100 * line[1])
    return (*line[:2], *versions)
