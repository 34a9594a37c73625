"""What the files of an operation say, as frozen values, and how they are spelled: JSON, read strictly.

A journal is a file like any other in a store: whatever it says is checked before anything is done by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Final, TypeVar

import msgspec

from core.changes.marks import FileMark
from core.changes.model import LaneState, Move, OperationKind
from core.codec import LineRefused, parse_line
from core.gather import MAX_FILE_BYTES
from core.model import EpochEndingRecord, LaneKind, RangeRecord, StateSnapshotRecord, TransactionRecord
from core.names import STAGED_FOLDER, handle_problem, is_derived_manifest

VERSION: Final = 1
_T = TypeVar("_T")
_Token = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]


class JournalFault(Exception):
    """A file of the journal can't be understood; the message says why."""


class PlannedWrite(msgspec.Struct, frozen=True):
    """A file to be made: what it will be, how many lines it has, and the handle where its bytes wait."""

    mark: FileMark
    lines: int
    staged: str


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """All that an operation will do, written down before its first step.

    `at` in unix seconds, `user`, `host` and `pid` say who. Of the lines of retired files all must survive but the
    `rejected`, which are denied from then on, and the `parked`, which are not; `added` were not visible before, and an
    undo may let them go (all three are lines as stock spells them).
    `derived` are manifests outside of `metadata/`, which an undo leaves where they are. `lanes` are the entries visible
    afterwards, `unreadable` the handles of files that stand there then although stock can't read them. `undoes` is the
    operation that is taken back, `command` what a guard runs.
    """

    v: int
    operation: str
    kind: OperationKind
    label: str
    token: _Token
    at: float
    user: str
    host: str
    pid: int
    app: str
    plan_id: str
    writes: tuple[PlannedWrite, ...] = ()
    restores: tuple[Move, ...] = ()
    record: PlannedWrite | None = None
    retires: tuple[Move, ...] = ()
    lanes: dict[LaneKind, LaneState] = {}
    rejected: tuple[str, ...] = ()
    parked: tuple[str, ...] = ()
    undoes: str | None = None
    command: tuple[str, ...] = ()
    derived: tuple[PlannedWrite, ...] = ()
    added: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()

    @property
    def all_writes(self) -> tuple[PlannedWrite, ...]:
        """The metadata files to be made, the timestamps file last."""
        return (*self.writes, self.record) if self.record else self.writes

    @property
    def all_new(self) -> tuple[PlannedWrite, ...]:
        """Everything that is to be made: the derived manifests, then the metadata files."""
        return (*self.derived, *self.all_writes)

    @property
    def let_go(self) -> frozenset[RangeRecord]:
        """The entries that need not survive."""
        return records_in((*self.rejected, *self.parked))

    @property
    def expected_unreadable(self) -> frozenset[str]:
        """The handles of files that are known not to be readable: those that stay so, and those that go for it."""
        return frozenset((*self.unreadable, *(move.source for move in self.retires if move.mark.is_unreadable)))

    @property
    def steps(self) -> int:
        """How many steps it has."""
        return len(self.all_new) + len(self.restores) + len(self.retires)


def records_in(lines: Iterable[str]) -> frozenset[RangeRecord]:
    """The entries among lines as an intent holds them."""
    records = (parse_line(line.encode()).record for line in lines)
    return frozenset(
        each for each in records if isinstance(each, TransactionRecord | EpochEndingRecord | StateSnapshotRecord)
    )


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How an operation ended: when, under which token, and what was otherwise than planned, in sentences.

    `finished` is False when it was closed without being carried out. What a guarded command did stands in `came` (new
    files), `gone` (files no longer there, which can be put back) and `changed`; `exit_code` is the command's own.
    """

    v: int
    operation: str
    finished: bool
    at: float
    token: _Token
    notes: tuple[str, ...] = ()
    came: tuple[FileMark, ...] = ()
    gone: tuple[FileMark, ...] = ()
    changed: tuple[FileMark, ...] = ()
    exit_code: int | None = None


class Undone(msgspec.Struct, frozen=True, kw_only=True):
    """By which operation another one was taken back."""

    v: int
    operation: str
    by: str
    at: float


def encode(document: Intent | Outcome | Undone) -> bytes:
    """The bytes of a document, ended by a line feed."""
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def decode(data: bytes, kind: type[_T], operation: str) -> _T:
    """The document in `data`. Raises `JournalFault` where it is none, or speaks of another operation."""
    try:
        version = msgspec.json.decode(data, type=_Versioned)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise JournalFault(str(error)) from None
    if version.v != VERSION:
        raise JournalFault(f"it is of version {version.v}, and this is a seamline that reads version {VERSION}")
    if version.operation != operation:
        raise JournalFault("it speaks of another operation than its name")
    try:
        document = msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise JournalFault(str(error)) from None
    problem = next(_problems(document), None)
    if problem:
        raise JournalFault(problem)
    return document


class _Versioned(msgspec.Struct):
    v: int
    operation: str


def _problems(document: object) -> Iterator[str]:
    """What in a document must not be acted on."""
    if isinstance(document, Intent):
        yield from _odd_handles(document)
        yield from _no_entries(document)
        yield from _no_sizes(document)
    elif isinstance(document, Outcome):
        # An undo puts back what went; what came may have any name.
        for mark in document.gone:
            yield from _outside(mark.handle, "metadata/")


def _no_entries(intent: Intent) -> Iterator[str]:
    for what, lines in (("rejects", intent.rejected), ("parks", intent.parked), ("adds", intent.added)):
        for line in lines:
            try:
                parse_line(line.encode())
            except (LineRefused, ValueError):
                yield f"it {what} {line[:200]!r}, which is no entry"


def _no_sizes(intent: Intent) -> Iterator[str]:
    for write in intent.all_new:
        if not 0 <= write.mark.size <= MAX_FILE_BYTES:
            yield f"it writes a file of {write.mark.size:,} bytes"


def _odd_handles(intent: Intent) -> Iterator[str]:
    """What in an intent reaches for places where no operation has anything to do."""
    staged = f"{STAGED_FOLDER}/{intent.operation}/"
    for write in intent.all_new:
        yield from _outside(write.staged, staged)
    for write in intent.derived:
        if not is_derived_manifest(write.mark.handle):
            yield f"it names {write.mark.handle[:200]!r}, which is no derived manifest"
    for write in intent.all_writes:
        yield from _outside(write.mark.handle, "metadata/")
    for move in intent.restores:
        yield from _outside(move.source, "metadata_backup/")
        yield from _outside(move.target, "metadata/")
    for move in intent.retires:
        yield from _outside(move.source, "metadata/")
        yield from _outside(move.target, "metadata_backup/")


def _outside(handle: str, folder: str) -> Iterator[str]:
    name = handle.removeprefix(folder)
    if name == handle or "/" in name or handle_problem(handle):
        yield f"it names {handle[:200]!r}, which is no file in {folder}"
