"""The names in a journal: from one listing they tell which operations there were, in order, and which did not end."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from core.changes.model import OperationKind
from core.names import JOURNAL_FOLDER
from core.storage.protocol import Listed, ListedKind

__all__ = [
    "OperationFiles",
    "Piece",
    "greatest_token",
    "interrupted_in",
    "is_operation_id",
    "new_operation_id",
    "operations_in",
    "piece_handle",
]

#: When, under which token of the lease, what, and a few random digits. The token orders: no clock can.
_ID: Final = r"(?:[0-9]{8}T[0-9]{6}Z)-([0-9]{6,19})-(compact|repair|undo|guard|break)-[0-9a-f]{8}"
_ID_RE: Final = re.compile(_ID)
_PIECE_RE: Final = re.compile(rf"({_ID})\.([a-z]+\.[a-z]+)")
_GREATEST_MOMENT: Final = 253_402_300_799


class Piece(StrEnum):
    """The files of an operation, in the order in which they come."""

    BUNDLE = "undo.tar"
    INTENT = "intent.json"
    STEPS = "steps.jsonl"
    OUTCOME = "outcome.json"
    UNDONE = "undone.json"


@dataclass(frozen=True, slots=True)
class OperationFiles:
    """What the journal's listing says of one operation."""

    id: str
    token: int
    kind: OperationKind
    pieces: frozenset[Piece]

    @property
    def interrupted(self) -> bool:
        """Whether it began and neither ended nor was undone."""
        return Piece.INTENT in self.pieces and self.pieces.isdisjoint({Piece.OUTCOME, Piece.UNDONE})


def new_operation_id(moment: float, token: int, kind: OperationKind, fresh: str) -> str:
    """The name of a new operation; `moment` in unix seconds, `fresh` random hex digits."""
    when = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(min(max(moment, 0), _GREATEST_MOMENT)))
    return f"{when}-{token:06d}-{kind}-{fresh[:8]}"


def is_operation_id(text: str) -> bool:
    """Whether an operation can be named so."""
    return _ID_RE.fullmatch(text) is not None


def piece_handle(operation: str, piece: Piece) -> str:
    """The handle of one file of an operation."""
    return f"{JOURNAL_FOLDER}/{operation}.{piece}"


def operations_in(journal: Iterable[Listed]) -> tuple[OperationFiles, ...]:
    """The operations that began, oldest first, from the listing of `JOURNAL_FOLDER`; other names are passed over."""
    found: dict[tuple[int, str, str], set[Piece]] = defaultdict(set)
    for listed in journal:
        match = _PIECE_RE.fullmatch(listed.name)
        if match and listed.kind is ListedKind.FILE and match[4] in set(Piece):
            found[int(match[2]), match[1], match[3]].add(Piece(match[4]))
    return tuple(
        OperationFiles(operation, token, OperationKind(kind), frozenset(pieces))
        for (token, operation, kind), pieces in sorted(found.items())
        if Piece.INTENT in pieces
    )


def interrupted_in(journal: Iterable[Listed]) -> tuple[OperationFiles, ...]:
    """The operations that did not end, oldest first."""
    return tuple(files for files in operations_in(journal) if files.interrupted)


def greatest_token(journal: Iterable[Listed]) -> int:
    """The greatest token of the lease that the journal knows of, also of an operation that never began; 0 for none."""
    matches = (_PIECE_RE.fullmatch(listed.name) for listed in journal)
    return max((int(match[2]) for match in matches if match), default=0)
