"""What each metadata file holds, beside what its name promises; and which findings name it. Pure array operations.

Stock never reads names, only lines (`hazards.md`, `name-content-disagree`): both are shown side by side.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from core.columns import I64, U64, Lane
from core.index import Index, LineNote, LineProblem, MetaFile
from core.model import U64_MAX, Finding, LaneKind
from core.names import MetadataName, NameKind, parse_metadata_name

_Line = TypeVar("_Line", LineProblem, LineNote)
_LANES: Final = (LaneKind.EPOCH_ENDINGS, LaneKind.STATE_SNAPSHOTS, LaneKind.TRANSACTIONS)


@dataclass(frozen=True, slots=True, eq=False)
class LaneShare:
    """What each file holds of one lane, shape (files,): its lines (int64) and the ends of their ranges (uint64).

    `first` and `last` are in the lane's own unit, `first_epoch` and `last_epoch` in epochs where the lane has them.
    Ends mean nothing where a file holds no line of the lane.
    """

    lines: I64
    first: U64
    last: U64
    first_epoch: U64
    last_epoch: U64


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One metadata file: what its name promises (None for a name that stock never gives) and what its lines hold.

    `lines` counts its entries by kind. `held` are the least first and the greatest last of its entries, in the unit of
    the name; None if it has none, or entries of several lanes. `agrees` is None where there is nothing to compare.
    """

    file: MetaFile
    name: MetadataName | None
    lines: tuple[tuple[NameKind, int], ...]
    held: tuple[int, int] | None
    problems: tuple[LineProblem, ...]
    notes: tuple[LineNote, ...]
    findings: tuple[Finding, ...]

    @property
    def agrees(self) -> bool | None:
        """Whether the lines are of the kind and the range that the name promises."""
        if self.name is None or self.file.fault is not None or not isinstance(self.name.kind, LaneKind):
            return None
        return self.held == (self.name.first, self.name.last) and [kind for kind, _ in self.lines] == [self.name.kind]

    @property
    def troubled(self) -> bool:
        """Whether something is wrong with the file itself."""
        bad = self.file.fault is not None or self.file.bad_lines > 0
        return bad or self.name is None or self.agrees is False


class FileTable:
    """The files of one metadata folder; facts of one file are made when they are asked for.

    Building takes a few array operations over all entries: meant for a worker thread.
    """

    def __init__(self, index: Index, findings: Iterable[Finding] = ()) -> None:
        self.index = index
        self._shares = {kind: _share(index.lanes[kind], len(index.files)) for kind in _LANES}
        self._problems = _by_file(index.problems)
        self._notes = _by_file(index.notes)
        self._findings = _findings_by_file(findings)
        self._others = _other_lines(index)

    def __len__(self) -> int:
        return len(self.index.files)

    def facts(self, number: int) -> FileFacts:
        """All that is known of file `number`."""
        file = self.index.files[number]
        name = parse_metadata_name(file.listed.name)
        held = [kind for kind in _LANES if self._shares[kind].lines[number]]
        lines: list[tuple[NameKind, int]] = [(kind, int(self._shares[kind].lines[number])) for kind in held]
        lines.extend(self._others.get(file.handle, ()))
        return FileFacts(
            file=file,
            name=name,
            lines=tuple(lines),
            held=self._held(held[0], number, name) if len(held) == 1 else None,
            problems=tuple(self._problems.get(file.handle, ())),
            notes=tuple(self._notes.get(file.handle, ())),
            findings=tuple(self._findings.get(file.handle, ())),
        )

    def _held(self, kind: LaneKind, number: int, name: MetadataName | None) -> tuple[int, int]:
        share = self._shares[kind]
        if name is not None and name.kind is kind and name.unit == "epoch" != kind.unit:
            return int(share.first_epoch[number]), int(share.last_epoch[number])
        return int(share.first[number]), int(share.last[number])


def _share(lane: Lane, files: int) -> LaneShare:
    row = np.repeat(np.arange(len(lane), dtype=np.int64), np.diff(lane.claim_start))
    file = lane.claim_file.astype(np.int64)
    epoch = lane.first if lane.epoch is None else lane.epoch
    last_epoch = lane.last if lane.epoch is None else lane.epoch
    return LaneShare(
        lines=np.bincount(file, minlength=files),
        first=_least(lane.first[row], file, files),
        last=_greatest(lane.last[row], file, files),
        first_epoch=_least(epoch[row], file, files),
        last_epoch=_greatest(last_epoch[row], file, files),
    )


def _least(values: U64, file: I64, files: int) -> U64:
    result = np.full(files, U64_MAX, dtype=np.uint64)
    np.minimum.at(result, file, values)
    return result


def _greatest(values: U64, file: I64, files: int) -> U64:
    result = np.zeros(files, dtype=np.uint64)
    np.maximum.at(result, file, values)
    return result


def _by_file(lines: Iterable[_Line]) -> dict[str, list[_Line]]:
    found: dict[str, list[_Line]] = defaultdict(list)
    for line in lines:
        found[line.claim.file].append(line)
    return found


def _findings_by_file(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        claims = [*finding.claims, *(claim for entry in finding.entries for claim in entry.claims)]
        for handle in dict.fromkeys(claim.file for claim in claims):
            found[handle].append(finding)
    return found


def _other_lines(index: Index) -> dict[str, list[tuple[NameKind, int]]]:
    """Files with lines of no lane: identities and compaction timestamps."""
    counted: dict[str, dict[NameKind, int]] = defaultdict(lambda: defaultdict(int))
    for _, claim in index.identities:
        counted[claim.file]["identity"] += 1
    for _, claim in index.timestamps:
        counted[claim.file]["timestamps"] += 1
    return {handle: list(kinds.items()) for handle, kinds in counted.items()}
