"""One operation as a screen shows it, whatever kind it is: planned, interrupted or past.

Made in a thread from one look at the store and never changed: what is shown is what is carried out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Final

from core.changes.after import after
from core.changes.lanes import lane_states
from core.changes.marks import marks_of
from core.changes.model import ChangeSet, LaneState, Move, OperationKind, Write
from core.changes.window import window_of
from core.compaction import CompactionHazard
from core.errors import UsageError
from core.invocation import Compact, Invocation, Log, Repair, Resume, Undo
from core.journal import Operation, OperationState, PlannedWrite, operations_in, read_operation
from core.model import LaneKind
from core.recovery import cost_sentences, unused_sentences
from core.repair.hidden import hidden_words
from core.restore import StoreVerdict, verdict
from tui.applying import Follower, Work
from tui.headless.wishes import WITHOUT_CHOICES

if TYPE_CHECKING:
    from core.changes.apply import Applied
    from core.changes.marks import FileMark
    from core.engine import Engine
    from core.operations import Operations
    from core.recovery import DerivedManifest
    from core.repair import RepairPlan
    from core.snapshot import Snapshot
    from core.stock import CompactionOptions
    from tui.state import Session

RESUME: Final = "resume"


class Verb(StrEnum):
    """What becomes of a file; the first three are steps, in the words that the executor has for them."""

    WRITE = "write"
    RESTORE = "restore"
    RETIRE = "retire"
    KEEP = "keep"
    EXPIRE = "expire"


@dataclass(frozen=True, slots=True)
class FileItem:
    """One file of an operation: what becomes of it and why; `lines` and `size` (bytes) where it is new.

    `until` is when its grace ends (unix seconds), for a file that stays till then.
    """

    verb: Verb
    handle: str
    because: str = ""
    lines: int | None = None
    size: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Foreseen:
    """Stock's verdict on the store now, None if it has not been checked; and afterwards, None if it is the same."""

    now: StoreVerdict | None
    then: StoreVerdict | None


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """An operation with its files, steps first and in their order, and what is known of its effect.

    `title` says what of: the factors of a compaction, the name of an operation. `word` is what the operator types to
    have `work` done; both are empty for one that is over. `done` are the places in `files` of steps that an interrupted
    operation has taken already, `waiting` counts other such operations. `plan_id` is empty for what is not a plan.
    `verdict` is stock's verdict on the store now, None if it has not been checked, and `verdict_after` the one
    afterwards, None where it is the same because the same entries are visible. `lanes` are the entries visible now and
    afterwards, empty for what is not a plan. `side_effects` are sentences on what the files don't tell, where the plan
    knows better than that it is a change; `hides` those on entries that stock is to see no more, to be told first.
    `unused` are sentences on choices of the operator that it can't follow: they ask for a word of their own. `readers`
    is what it means for stock's own. `places` finds a step in `files` by the executor's words for it.
    """

    kind: OperationKind
    title: str
    word: str
    files: tuple[FileItem, ...]
    steps: int
    twin: Invocation
    work: Work | None = None
    plan_id: str = ""
    files_before: int = 0
    files_after: int = 0
    verdict: StoreVerdict | None = None
    verdict_after: StoreVerdict | None = None
    lanes: Mapping[LaneKind, tuple[LaneState, LaneState]] = field(default_factory=dict)
    repairs: tuple[CompactionHazard, ...] = ()
    side_effects: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    hides: tuple[str, ...] = ()
    readers: str = ""
    operation: Operation | None = None
    waiting: int = 0
    done: frozenset[int] = frozenset()
    places: Mapping[str, int] = field(default_factory=dict)

    @property
    def asked(self) -> str:
        """What is typed to have it carried out."""
        return WITHOUT_CHOICES if self.word and self.unused else self.word

    @property
    def undoes(self) -> str:
        """The operation that `u` takes back, if there is one."""
        over = {OperationState.DONE, OperationState.CLOSED, OperationState.INTERRUPTED}
        return self.operation.id if self.operation and self.operation.state in over else ""

    @property
    def settles(self) -> bool:
        """Whether it finishes or takes back what was interrupted, so that nothing has to be done before it."""
        return self.operation is not None and self.operation.state is OperationState.INTERRUPTED

    def count(self, verb: Verb) -> int:
        """How many files this becomes of."""
        return sum(item.verb is verb for item in self.files)


def compaction(
    session: Session, change: ChangeSet, repairs: Sequence[CompactionHazard], options: CompactionOptions
) -> Proposal:
    """A compaction that was planned on the session's look at the store."""
    assert session.snapshot is not None
    command = Compact(options=options, yes=True, plan_id=change.plan_id)
    return _planned(session, session.snapshot, change, command, tuple(repairs), None)


def repair(session: Session, plan: RepairPlan, command: Repair, then: Foreseen) -> Proposal:
    """A repair that was planned on the session's look at the store; `command` is its headless twin."""
    change = plan.change_set
    assert session.snapshot is not None and change is not None
    proposal = _planned(session, session.snapshot, change, command, (), None, then)
    sources = {each.record.manifest: _cut(each) for each in plan.recovery.derived}
    files = tuple(replace(item, because=sources.get(item.handle, item.because)) for item in proposal.files)
    effects = (*cost_sentences(plan.recovery), *plan.side_effects)
    unused = unused_sentences(plan.recovery)
    hides = tuple(hidden_words(change.parked, then.then.stock_restorable_to if then.then else None))
    return replace(proposal, files=files, side_effects=effects, unused=unused, hides=hides)


def _cut(derived: DerivedManifest) -> str:
    source = derived.source.rpartition("/")[0] or derived.source
    return f"{chunks_words(derived)} of {source}"


def chunks_words(derived: DerivedManifest) -> str:
    """`chunks 3 - 7`, counted from 0 as on the comparison: those that a derived manifest lists."""
    first, last = derived.begin, derived.end - 1
    return f"chunk {first:,}" if first == last else f"chunks {first:,} - {last:,}"


def undo(engine: Engine, session: Session, operation_id: str) -> Proposal:
    """The change that takes back an operation. Raises `UsageError` or `Refused` where there is none."""
    snapshot = session.snapshot
    assert snapshot is not None
    operation = operation_of(engine, snapshot, operation_id)
    change = engine.plan_undo(snapshot, operation)
    command = Undo(operation=operation_id, yes=True, plan_id=change.plan_id)
    return _planned(session, snapshot, change, command, (), operation)


def operation_of(engine: Engine, snapshot: Snapshot, operation_id: str) -> Operation:
    """One operation of the journal. Raises `UsageError` if it holds none of that name."""
    files = next((each for each in operations_in(snapshot.journal) if each.id == operation_id), None)
    if files is None:
        raise UsageError(f"the journal holds no operation {operation_id}", hint="shift+r reads the store again")
    return read_operation(engine.reader, files, engine.unfinished(snapshot).holder_of(files))


def interrupted(engine: Engine, session: Session) -> Proposal:
    """What was interrupted, to be resumed: the newest such operation; `waiting` counts those behind it.

    Raises `UsageError` if nothing is interrupted any more.
    """
    if not session.interrupted:
        raise UsageError("nothing is interrupted any more", hint="somebody has finished it, or taken it back")
    files = session.interrupted[-1]
    operation = read_operation(engine.reader, files)
    return recorded(session, operation)


def recorded(session: Session, operation: Operation) -> Proposal:
    """An operation as the journal tells it; one that did not end can be resumed."""
    waits = operation.state is OperationState.INTERRUPTED
    files = tuple(_steps_of_intent(operation))
    return Proposal(
        kind=operation.kind,
        title=operation.id,
        word=RESUME if waits else "",
        work=_resumed if waits else None,
        files=files,
        steps=len(files),
        twin=Resume() if waits else Log(json=True),
        operation=operation,
        waiting=len(session.interrupted) - 1 if waits else 0,
        done=done_steps(operation, session.snapshot) if waits else frozenset(),
        places=_places(files),
    )


def _planned(
    session: Session,
    snapshot: Snapshot,
    change: ChangeSet,
    command: Invocation,
    repairs: tuple[CompactionHazard, ...],
    operation: Operation | None,
    foreseen: Foreseen | None = None,
) -> Proposal:
    now = lane_states(snapshot.index)
    steps = tuple(_steps_of_change(change))
    if foreseen is None:
        then = None if now == change.lanes else verdict(after(snapshot, change))
        foreseen = Foreseen(session.report.verdict if session.report else None, then)
    window = window_of(change, session.location)
    return Proposal(
        kind=change.kind,
        title=change.undoes or change.label,
        word=change.kind.value,
        work=partial(_applied, change),
        files=(*steps, *_stays(change)),
        steps=len(steps),
        twin=command,
        plan_id=change.plan_id,
        files_before=change.files_before,
        files_after=change.files_after,
        verdict=foreseen.now,
        verdict_after=foreseen.then,
        lanes={kind: (now[kind], state) for kind, state in change.lanes.items()},
        repairs=repairs,
        readers=window.words if window else "",
        operation=operation,
        places=_places(steps),
    )


def _applied(change: ChangeSet, operations: Operations, follower: Follower, wait: float) -> tuple[Applied, ...]:
    return (operations.apply(change, wait=wait, watch=follower, waiting=follower.waiting),)


def _resumed(operations: Operations, follower: Follower, wait: float) -> tuple[Applied, ...]:
    return operations.resume(wait=wait, watch=follower, waiting=follower.waiting)


def _steps_of_change(change: ChangeSet) -> Iterator[FileItem]:
    yield from (_derived(write.handle, len(write.content)) for write in change.derived)
    yield from map(_write, change.writes)
    yield from (_restore(move) for move in change.restores)
    yield from map(_write, [change.record] if change.record else [])
    yield from (FileItem(Verb.RETIRE, move.source, move.because) for move in change.retires)


def _stays(change: ChangeSet) -> Iterator[FileItem]:
    yield from (FileItem(Verb.KEEP, handle, why) for handle, why in change.kept)
    yield from (FileItem(Verb.EXPIRE, handle, until=at) for handle, at in change.expires)


def _steps_of_intent(operation: Operation) -> Iterator[FileItem]:
    intent = operation.intent
    if intent is not None:
        yield from (_derived(write.mark.handle, write.mark.size) for write in intent.derived)
        yield from map(_planned_write, intent.writes)
        yield from (_restore(move) for move in intent.restores)
        yield from map(_planned_write, [intent.record] if intent.record else [])
        yield from (FileItem(Verb.RETIRE, move.source, move.because) for move in intent.retires)


def _derived(handle: str, size: int) -> FileItem:
    return FileItem(Verb.WRITE, handle, "a manifest of chunks that are there already", size=size)


def _write(write: Write) -> FileItem:
    return FileItem(Verb.WRITE, write.handle, lines=write.lines, size=len(write.content))


def _planned_write(write: PlannedWrite) -> FileItem:
    return FileItem(Verb.WRITE, write.mark.handle, lines=write.lines, size=write.mark.size)


def _restore(move: Move) -> FileItem:
    return FileItem(Verb.RESTORE, move.target, move.because, size=move.mark.size)


def _places(files: Sequence[FileItem]) -> dict[str, int]:
    """Where in the list each step of the executor is, by the executor's words for it."""
    return {f"{item.verb} {item.handle}": place for place, item in enumerate(files)}


def done_steps(operation: Operation, snapshot: Snapshot | None) -> frozenset[int]:
    """The steps of an interrupted operation that the store shows to have been taken, by their places."""
    intent, files = operation.intent, _steps_of_intent(operation)
    if intent is None or snapshot is None:
        return frozenset()
    there = {mark.handle: mark for mark in marks_of(snapshot.index)}
    marks: dict[str, FileMark] = {write.mark.handle: write.mark for write in intent.all_writes}
    found = {place for place, item in enumerate(files) if _is_done(item, there, marks)}
    # Derived manifests lie outside of `metadata/`, which alone was listed; nothing else begins before they are written.
    return frozenset(found | set(range(len(intent.derived)))) if found else frozenset()


def _is_done(item: FileItem, there: Mapping[str, FileMark], marks: Mapping[str, FileMark]) -> bool:
    if item.verb is Verb.RETIRE:
        return item.handle not in there
    return item.handle in there and there[item.handle] == marks.get(item.handle, there[item.handle])
