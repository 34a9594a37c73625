"""Plans the undo of an operation: what it retired comes back with identical bytes, what it wrote goes.

Planned like any change, on a look at the store as it is now, so it takes back just what is still there to be taken
back; and never at the price of a line that would then be nowhere (`recovery.md`, "Changes"), unless the operation
itself had made it visible. Derived manifests stay where they are: nobody sees one that no line names, and the same
repair would write the very same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from core.changes.after import after
from core.changes.bundle import BundleFault, read_bundle
from core.changes.lanes import lane_states
from core.changes.marks import FileMark, marks_of
from core.changes.model import ChangeSet, Move, OperationKind, Write
from core.changes.survival import lost_entries
from core.changes.targets import free_targets
from core.errors import Refused, UsageError
from core.gather import MAX_FILE_BYTES
from core.gzips import GzipFault, text_of
from core.index import Index, MetaFile
from core.invocation import Advice, Check, Log, Resume
from core.journal import Intent, Operation, OperationState, Piece, piece_handle, records_in
from core.model import RangeRecord
from core.phrases import count, shown
from core.snapshot import Snapshot
from core.storage.protocol import StoreReader


@dataclass(frozen=True, slots=True)
class _Return:
    """A file that comes back: from `metadata_backup/` if `source` is given, else out of the undo bundle."""

    mark: FileMark
    source: str | None
    content: bytes


def plan_undo(reader: StoreReader, snapshot: Snapshot, operation: Operation) -> ChangeSet:
    """The change that takes back `operation`.

    Raises `UsageError` for one that is undone already, and `Refused` where its journal can't be read or lines would be
    lost.
    """
    intent = _intent_of(snapshot, operation)
    marks = marks_of(snapshot.index)
    there = {mark.handle: mark for mark in marks}
    returns = _returns(reader, snapshot, operation, there)
    spoilt = _changed_in_place(operation, there)
    if spoilt and not returns:
        raise _changed(operation, spoilt[0])
    going = [write.mark for write in intent.all_writes if there.get(write.mark.handle) == write.mark]
    going += [back for back in _brought_back(operation) if there.get(back.handle) == back]
    change = ChangeSet(
        kind=OperationKind.UNDO,
        label=f"undo {operation.id}",
        marks=marks,
        writes=tuple(
            Write(each.mark.handle, each.content, _lines_of(each.content)) for each in returns if not each.source
        ),
        restores=tuple(
            Move(each.source, each.mark.handle, _at(each.source, each.mark), "retired by it")
            for each in returns
            if each.source
        ),
        record=None,
        retires=tuple(_retire(snapshot, going)),
        lanes={},
        kept=tuple(_kept(intent, spoilt, there)),
        undoes=operation.id,
        index=snapshot.index,
    )
    index = after(snapshot, change).index
    change = replace(
        change,
        lanes=lane_states(index),
        rejected=_let_go(snapshot, index, records_in(intent.added)),
        added=tuple(_taken_back(snapshot, index, intent.let_go)),
        unreadable=tuple(_unreadable(index, operation)),
    )
    _refuse_unreadable(snapshot, change)
    return change


def _lines_of(content: bytes) -> int:
    """How many lines a file has, 0 if nobody can tell."""
    try:
        return text_of(content, MAX_FILE_BYTES).count(b"\n")
    except GzipFault:
        return 0


def _intent_of(snapshot: Snapshot, operation: Operation) -> Intent:
    """What an operation meant to do. Raises `UsageError` or `Refused` for one that can't be taken back."""
    if operation.state is OperationState.UNDONE:
        by = operation.undone.by if operation.undone else "another operation"
        raise UsageError(f"operation {operation.id} has been undone already, by {by}")
    if operation.kind is OperationKind.BREAK:
        raise UsageError(f"operation {operation.id} changed no file: a lease that was broken is not given back")
    if operation.intent is None:
        raise Refused(
            "interrupted-operation",
            f"its journal can't be read: {operation.fault}",
            hint=Advice(Resume(snapshot.location), " closes it; whatever it did lost no line"),
        )
    if operation.outcome is None and Piece.OUTCOME in operation.files.pieces:
        # What a guarded command took away stands there alone: without it an undo would bring nothing back.
        raise Refused(
            "interrupted-operation",
            f"its outcome can't be read: {operation.fault}",
            hint=f"what it saved is in {piece_handle(operation.id, Piece.BUNDLE)}, a tar file",
        )
    return operation.intent


def _changed(operation: Operation, handle: str) -> Refused:
    return Refused(
        "undo-name-taken",
        f"the command changed {shown(handle)} in place, so what it was can't come back under its name",
        hint=f"what it held is in {piece_handle(operation.id, Piece.BUNDLE)}, a tar file",
    )


def _brought_back(operation: Operation) -> Iterator[FileMark]:
    """What an undo had put back by moving it."""
    for move in operation.intent.restores if operation.intent else ():
        yield _at(move.target, move.mark)


def _gone(operation: Operation) -> tuple[tuple[FileMark, str], ...]:
    """The files that an operation took away, each with where it put them."""
    moved = [(move.mark, move.target) for move in (operation.intent.retires if operation.intent else ())]
    lost = operation.outcome.gone if operation.outcome else ()
    return (*moved, *((mark, f"metadata_backup/{mark.handle.rpartition('/')[2]}") for mark in lost))


def _changed_in_place(operation: Operation, there: dict[str, FileMark]) -> list[str]:
    """The files that a guarded command wrote over and that still are not as they were."""
    changed = operation.outcome.changed if operation.outcome else ()
    return [mark.handle for mark in changed if mark.handle in there and there[mark.handle] != mark]


def _kept(intent: Intent, spoilt: Sequence[str], there: dict[str, FileMark]) -> Iterator[tuple[str, str]]:
    """What stays although the operation had to do with it, each with why."""
    for handle in spoilt:
        yield handle, "it was changed in place; what it held is in the undo bundle"
    for write in intent.all_writes:
        if write.mark.handle in there and there[write.mark.handle] != write.mark:
            yield write.mark.handle, "it was to be written, but holds something else than was meant: look at it"


def _returns(
    reader: StoreReader, snapshot: Snapshot, operation: Operation, there: dict[str, FileMark]
) -> tuple[_Return, ...]:
    backup = {mark.handle: mark for mark in marks_of(snapshot.retired)}
    absent = [(mark, source) for mark, source in _gone(operation) if there.get(mark.handle) != mark]
    taken = [mark.handle for mark, _ in absent if mark.handle in there]
    if taken:
        raise Refused(
            "undo-name-taken",
            f"{shown(taken[0])} was written anew since, so {count(len(taken), 'file')} can't come back under its name",
            hint=Advice(Log(snapshot.location)),
        )
    bundled = [mark for mark, source in absent if backup.get(source) != _at(source, mark)]
    contents = _out_of_bundle(reader, operation, bundled)
    return tuple(
        _Return(mark, None, contents[mark]) if mark in contents else _Return(mark, source, b"")
        for mark, source in absent
    )


def _at(handle: str, mark: FileMark) -> FileMark:
    return FileMark(handle, mark.size, mark.digest)


def _out_of_bundle(reader: StoreReader, operation: Operation, marks: Sequence[FileMark]) -> dict[FileMark, bytes]:
    if not marks:
        return {}
    try:
        contents = read_bundle(reader, operation.id, marks)
    except BundleFault as fault:
        raise Refused("undo-bundle-lost", f"{count(len(marks), 'file')} can't be had back: {fault}") from None
    missing = [mark.handle for mark in marks if mark not in contents]
    if missing:
        what = f"{shown(missing[0])} is neither in metadata_backup/ nor, unharmed, in the undo bundle"
        raise Refused("undo-bundle-lost", what)
    return contents


def _let_go(snapshot: Snapshot, index: Index, added: Collection[RangeRecord]) -> tuple[RangeRecord, ...]:
    """The entries that are visible now and not afterwards. Refuses where the operation did not make them so."""
    log = Log(snapshot.location)
    gone: list[RangeRecord] = []
    for kind, rows in lost_entries(snapshot.index, index):
        lane = snapshot.index.lanes[kind]
        records = {row: lane.record(row) for row in rows.tolist()}
        lost = [row for row, record in records.items() if record not in added]
        if lost:
            raise Refused(
                "undo-loses-lines",
                f"{count(len(lost), 'line')}, the first of them in {shown(lane.claims(lost[0])[0].file)}, would be "
                "nowhere else",
                hint=f"undo the later operation that set the originals aside first: {log}",
            )
        gone += records.values()
    return tuple(gone)


def _taken_back(snapshot: Snapshot, index: Index, let_go: Collection[RangeRecord]) -> Iterator[RangeRecord]:
    """The entries that the operation let go and that will be visible again."""
    for kind, rows in lost_entries(index, snapshot.index) if let_go else ():
        records = map(index.lanes[kind].record, rows.tolist())
        yield from (record for record in records if record in let_go)


def _unreadable(index: Index, operation: Operation) -> Iterator[str]:
    """The files that stock can't read and that the operation had taken away, or was to: they are what is wanted."""
    wanted = {mark.handle for mark, _ in _gone(operation)}
    for file in index.files:
        if _is_bad(file) and file.handle in wanted:
            yield file.handle


def _is_bad(file: MetaFile) -> bool:
    return bool(file.bad_lines or file.fault)


def _refuse_unreadable(snapshot: Snapshot, change: ChangeSet) -> None:
    """Refuse what could not be carried out to its end: nothing is retired beside other files that stock can't read."""
    going = {move.source for move in change.retires}
    expected = going.union(change.unreadable)
    bad = next((file for file in snapshot.index.files if _is_bad(file) and file.handle not in expected), None)
    if going and bad is not None:
        raise Refused(
            "foreign-file-in-metadata",
            f"stock can't read {shown(bad.handle)}, and beside it nothing is set aside",
            hint=Advice("see to it first: ", Check(snapshot.location)),
        )


def _retire(snapshot: Snapshot, going: Sequence[FileMark]) -> Iterator[Move]:
    names = [mark.handle.rpartition("/")[2] for mark in going]
    for mark, target in zip(going, free_targets(snapshot.retired, names), strict=True):
        yield Move(mark.handle, target, mark, "written by it")
