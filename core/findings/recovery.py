"""What survives of a range that `metadata/` has lost: lines in `metadata_backup/`, and the files to bring back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.chain.cost import claims_of
from core.columns import I64, Lane
from core.findings import commands
from core.findings.build import some_claims
from core.findings.case import Case
from core.findings.commands import MOST_FILES
from core.findings.filling import fills, rows_inside
from core.model import Claim, LaneKind
from core.phrases import count, listed, shown
from core.tools import then

_NOTHING: Final = "Nothing in metadata_backup/ fills it."
_UNSEEN: Final = "Whether metadata_backup/ holds what fills it can't be told here: it can't be listed."


@dataclass(frozen=True, slots=True)
class Survivors:
    """Entries of a range that survive only in `metadata_backup/`.

    `covers`: they fill the range without a gap. `files` are the retired files to bring back for that, none when that
    would bring other lines back as well, or too many files for one command.
    """

    text: str
    claims: tuple[Claim, ...]
    covers: bool
    files: tuple[str, ...]


def survivors(case: Case, kind: LaneKind, first: int, last: int) -> Survivors:
    """What survives of the closed range `first` to `last` of a lane."""
    lane, rows = case.retired.lanes[kind], case.recoverable[kind]
    inside = rows_inside(lane, rows, first, last)
    if not len(inside):
        nothing = _NOTHING if case.snapshot.retired_unseen is None else _UNSEEN
        return Survivors(nothing, (), False, ())
    claims = some_claims(lane, inside)
    covers = fills(lane, inside, first, last)
    what = "all of it" if covers else "parts of it"
    lines = count(len(inside), "line", "lines")
    where = listed([shown(str(claim)) for claim in claims], len(inside))
    text = f"{lines} in metadata_backup/ fill{'s' if len(inside) == 1 else ''} {what} and can be recovered: {where}."
    return Survivors(text, claims, covers, _files_to_bring_back(case, lane, inside))


def _files_to_bring_back(case: Case, lane: Lane, wanted: I64) -> tuple[str, ...]:
    """Retired files that together hold the wanted rows and whose other lines are all visible already."""
    which, file = claims_of(lane, wanted)
    harmless = np.bincount(file, minlength=len(case.hidden_lines))[file] == case.hidden_lines[file]
    held, place = np.unique(which[harmless], return_index=True)
    chosen = [lane.file_handles[number] for number in np.unique(file[harmless][place]).tolist()]
    taken = {known.listed.name for known in case.index.files if known.lines}
    free = all(handle.rpartition("/")[2] not in taken for handle in chosen)
    return tuple(chosen) if free and len(held) == len(wanted) and len(chosen) <= MOST_FILES else ()


def way_back(case: Case, kind: LaneKind, first: int, found: Survivors, otherwise: str) -> str:
    """How what survives of a range from `first` on comes back: by a repair, by hand where that can't, or `otherwise`.

    A repair takes lines, not files, so a conflict that stands beside them in `metadata_backup/` stays there.
    """
    if found.covers and case.repairs(kind, first):
        return commands.repair(case)
    return bring_back(case, found.files) if found.files else otherwise


def bring_back(case: Case, files: Sequence[str]) -> str:
    """The command that moves retired files back, after setting aside empty files that have their names."""
    names = {handle.rpartition("/")[2] for handle in files}
    empty = [known.handle for known in case.index.files if known.listed.name in names]
    move = commands.bring_back(case, files)
    return then(commands.set_aside(case, empty), move) if empty else move
