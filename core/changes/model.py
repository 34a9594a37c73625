"""What a change to a store is made of, before anything is written: frozen values that a preview shows unchanged.

Compaction, repair and undo all plan a `ChangeSet`; one executor carries it out (`recovery.md`, "Changes").
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from hashlib import blake2b

from core.changes.marks import FileMark, digest_of, mark_of_bytes
from core.form import Form
from core.index import Index
from core.model import LaneKind, RangeRecord


class OperationKind(StrEnum):
    """What the journal calls an operation."""

    COMPACT = "compact"
    REPAIR = "repair"
    UNDO = "undo"
    GUARD = "guard"
    BREAK = "break"


@dataclass(frozen=True)
class Write:
    """A new file: its handle (`metadata/…`, or that of a derived manifest), what it says, and in how many lines.

    Its bytes are `text` in the `form`; with PLAIN they may be anything, such as what an undo brings back.
    """

    handle: str
    text: bytes
    lines: int
    form: Form = Form.PLAIN

    @cached_property
    def content(self) -> bytes:
        """The bytes of the file."""
        return self.form.stored(self.text)

    @property
    def largest(self) -> int:
        """How many bytes the file has, or what it says, whichever are more."""
        return max(len(self.text), len(self.content))

    @cached_property
    def mark(self) -> FileMark:
        """The file as a look at the store will see it."""
        return mark_of_bytes(self.handle, self.content)

    @property
    def saying(self) -> FileMark:
        """The mark with the size of what the file says: how far that shrinks differs from one zlib to the next."""
        if self.form is Form.PLAIN:
            return self.mark
        return FileMark(self.handle, len(self.text), digest_of(self.text, gzip=True))


@dataclass(frozen=True, slots=True)
class Move:
    """A file that goes from `source` to `target`, both handles, because of something; `mark` is the file as planned."""

    source: str
    target: str
    mark: FileMark
    because: str


@dataclass(frozen=True, slots=True)
class LaneState:
    """The distinct entries of one lane: how many, and a digest of them all in stock's order and form."""

    entries: int
    digest: str


@dataclass(frozen=True, slots=True, eq=False)
class ChangeSet:
    """A change, planned on one look at a store.

    `marks` are all files of `metadata/` as they were then. Carried out in this order: `derived` (manifests, outside of
    `metadata/`; no undo takes them back, as nobody sees them until a line names them), `writes`, `restores` (files that
    come back from `metadata_backup/`), `record` (the timestamps file), `retires`. Of the lines of retired files all
    must survive elsewhere but the `rejected`, which must not come back by themselves, and the `parked`, which are
    welcome to; `added` are entries that were not visible before, which an undo may let go. `lanes` are the entries that
    are visible afterwards, `unreadable` the handles of files that stand there then although stock can't read them.
    `expires` says of files that stay when (unix seconds) their grace ends; `kept` of files that would go why they do
    not. `undoes` is the operation that is taken back. `index` is what that look decoded, each of its files having its
    mark in `marks`: without it the files are decoded once more.
    """

    kind: OperationKind
    label: str
    marks: tuple[FileMark, ...]
    writes: tuple[Write, ...]
    restores: tuple[Move, ...]
    record: Write | None
    retires: tuple[Move, ...]
    lanes: dict[LaneKind, LaneState]
    rejected: tuple[RangeRecord, ...] = ()
    parked: tuple[RangeRecord, ...] = ()
    expires: tuple[tuple[str, int], ...] = ()
    kept: tuple[tuple[str, str], ...] = ()
    undoes: str | None = None
    derived: tuple[Write, ...] = ()
    added: tuple[RangeRecord, ...] = ()
    unreadable: tuple[str, ...] = ()
    index: Index | None = field(default=None, repr=False)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.derived or self.writes or self.restores or self.record or self.retires)

    @property
    def files_before(self) -> int:
        """How many files `metadata/` holds."""
        return len(self.marks)

    @property
    def files_after(self) -> int:
        """How many it will hold."""
        return len(self.marks) + len(self.all_writes) + len(self.restores) - len(self.retires)

    @property
    def all_writes(self) -> tuple[Write, ...]:
        """The new metadata files, the timestamps file last."""
        return (*self.writes, self.record) if self.record else self.writes

    @property
    def all_new(self) -> tuple[Write, ...]:
        """Everything that is written: the derived manifests, then the new metadata files."""
        return (*self.derived, *self.all_writes)

    @property
    def plan_id(self) -> str:
        """Equal for plans that do the same to the same store; when a plan was made is no part of it.

        The timestamps file is named after that moment, so it counts as there or not.
        """
        digest = blake2b(repr((self.kind.value, self.undoes, self.record is not None)).encode(), digest_size=8)
        for mark in (*self.marks, *(write.saying for write in (*self.derived, *self.writes))):
            digest.update(repr(mark).encode("utf-8", "surrogatepass"))
        for move in (*self.restores, *self.retires):
            digest.update(repr((move.source, move.target)).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()
