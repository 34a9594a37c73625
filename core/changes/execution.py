"""Carries out what an intent says, from whatever state the store is in: the first time, and when it is resumed.

Every step looks at what is there, so that it does not matter which of them an earlier try has done. At every instant
the lines that must survive are visible (`recovery.md`, "Changes"): new files come first and are read back, and each
file goes only while all its lines stand in other files that are listed now.

The timestamps file is saved before files are retired. The other way round, a cut between the two would leave a record
that names files which are gone, and that wedges stock's next compaction (`compaction-wedge-missing-file`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TypeAlias

from core.changes.ground import BACKUP, METADATA, ApplyProgress, Ground
from core.changes.lanes import lane_states
from core.changes.marks import FileMark, difference, mark_of_bytes, read_marks, read_marks_of, require_had, told
from core.changes.model import Move
from core.changes.sight import Known, Sight
from core.changes.survival import Survival, lost_entries, survival_of
from core.changes.together import raised, results, together, waves
from core.errors import AlreadyThere, PlanOutdated, Stopped
from core.gather import MAX_FILE_BYTES
from core.journal import Intent, PlannedWrite
from core.names import JOURNAL_FOLDER
from core.phrases import count, shown
from core.storage.protocol import HandleUnreadable, Listed

#: Each file of a look: as it was listed, and its mark.
_Seen: TypeAlias = dict[str, tuple[Listed, FileMark]]


class Execution:
    """One try at carrying out an intent.

    With `strict`, the first try, whatever is otherwise than planned ends it with `PlanOutdated`. Without, what somebody
    else has changed meanwhile is left as it is and noted. `notes` are those sentences. What is `known` need not be
    decoded again.
    """

    def __init__(self, ground: Ground, intent: Intent, *, strict: bool, known: Known | None = None) -> None:
        self.notes: list[str] = []
        self._ground = ground
        self._intent = intent
        self._strict = strict
        self._known = known
        self._done = 0
        self._together: list[bytes] | None = None
        self._let_go = intent.let_go
        self._unreadable = intent.expected_unreadable

    def run(self, marks: Iterable[FileMark]) -> None:
        """From a look taken under the lease, of which the `marks` are, to the end of the last step."""
        for write in self._intent.derived:
            self._derive(write)
        expected = self._bring({mark.handle: mark for mark in marks})
        after = self._ground.look(self._unreadable, self._known)
        # Whoever took the lease over may have gone on from here: then that is what there is to tell.
        self._ground.lease.check()
        there = {mark.handle: mark for mark in after.marks}
        self._check_readable(after)
        self._check_nothing_else(expected, there)
        self._ground.lease.renew()
        self._retire(after, there)
        self._settle(after, there)

    def _derive(self, write: PlannedWrite) -> None:
        """Make a derived manifest, and see that it is there for good: no line may name one that is not.

        So it is no matter of the first try alone that nothing else stands in its place.
        """
        handle = write.mark.handle
        if not self._says(handle, write.mark):
            self._begin(f"write {handle}")
            with suppress(AlreadyThere):
                self._ground.writer.link(write.staged, handle)
            if not self._says(handle, write.mark):
                raise PlanOutdated(f"{shown(handle)} was to be a derived manifest, but holds something else")
            self._end("write", handle)
        self._ground.writer.flush(handle.rpartition("/")[0])

    def _bring(self, there: dict[str, FileMark]) -> dict[str, FileMark]:
        """Write the new files and put back those that return; what `metadata/` holds then."""
        self._publish(self._intent.writes, there)
        if self._intent.restores:
            self._restore(there)
            self._ground.writer.flush(BACKUP)
        if self._intent.record:
            self._publish((self._intent.record,), there)
        self._ground.writer.flush(METADATA)
        return there

    def _publish(self, writes: Sequence[PlannedWrite], there: dict[str, FileMark]) -> None:
        for wave in waves(writes, self._ground.writer.at_once):
            staged = results([partial(self._is_staged, write) for write in wave])
            new = [write for write, ready in zip(wave, staged, strict=True) if self._is_to_be_made(write, ready, there)]
            made = self._carry_out("write", [(write.mark.handle, partial(self._link, write)) for write in new])
            for write, is_made in zip(new, made, strict=True):
                if is_made:
                    there[write.mark.handle] = write.mark
                else:
                    self._otherwise(f"{shown(write.mark.handle)} was to be new, but somebody else has just written it")

    def _is_to_be_made(self, write: PlannedWrite, is_staged: bool, there: dict[str, FileMark]) -> bool:
        handle = write.mark.handle
        if handle in there:
            if there[handle] != write.mark:
                self._otherwise(f"{shown(handle)} was to be new, but holds something else")
        elif not is_staged:
            self._otherwise(
                f"{shown(handle)} can't be written any more: its bytes no longer wait unharmed in seamline/staged/"
            )
        return is_staged and handle not in there

    def _link(self, write: PlannedWrite) -> bool:
        """Give staged bytes their name; False if somebody else has taken it."""
        try:
            self._ground.writer.link(write.staged, write.mark.handle)
        except AlreadyThere:
            return False
        return True

    def _is_staged(self, write: PlannedWrite) -> bool:
        """Whether the bytes to be written wait unharmed. The first try has just put them there."""
        return self._strict or self._reads_as(write.staged, write.mark)

    def _reads_as(self, handle: str, mark: FileMark) -> bool:
        """Whether a file holds the bytes of `mark`, whatever that is the mark of."""
        return self._mark_now(handle, mark, mark.size) == mark

    def _says(self, handle: str, mark: FileMark) -> bool:
        """Whether a file says, in the same form, what `mark` does: an earlier repair may have had another zlib."""
        now = self._mark_now(handle, mark, MAX_FILE_BYTES)
        return now is not None and now.digest == mark.digest

    def _mark_now(self, handle: str, mark: FileMark, limit: int) -> FileMark | None:
        """What a file would be marked as in the place of `mark`; None if it is not there. Raises `StoreUnreachable`."""
        try:
            with self._ground.reader.open(handle) as stream:
                return mark_of_bytes(mark.handle, stream.read(limit + 1))
        except (HandleUnreadable, OSError) as error:
            require_had(handle, error)
            return None

    def _restore(self, there: dict[str, FileMark]) -> None:
        """Put back what returns."""
        moves = self._intent.restores
        backup = read_marks_of(self._ground.reader, BACKUP, [move.source.rpartition("/")[2] for move in moves])
        for wave in waves(moves, self._ground.writer.at_once):
            back = [move for move in wave if self._is_to_come_back(move, there, backup)]
            self._carry_out("restore", [(move.target, partial(self._move_back, move)) for move in back])
            there |= {move.target: FileMark(move.target, move.mark.size, move.mark.digest) for move in back}

    def _is_to_come_back(self, move: Move, there: dict[str, FileMark], backup: dict[str, FileMark]) -> bool:
        if there.get(move.target) == FileMark(move.target, move.mark.size, move.mark.digest):
            if backup.get(move.source) == move.mark:
                # An earlier try may have been cut off while the file had both names; another file of that name stays.
                self._begin(f"restore {move.target}")
                with suppress(AlreadyThere):
                    self._ground.writer.move(move.source, move.target)
        elif move.target in there:
            self._otherwise(f"{shown(move.target)} can't come back: its name is taken by something else")
        elif backup.get(move.source) != move.mark:
            self._otherwise(f"{shown(move.source)} can't be put back: it is gone or has changed")
        else:
            return True
        return False

    def _move_back(self, move: Move) -> bool:
        self._ground.writer.move(move.source, move.target)
        return True

    def _check_readable(self, sight: Sight) -> None:
        """Stock must be able to load whatever stays (`recovery.md`, "Changes": run the whole loader).

        What an undo brings back is known to be no better.
        """
        going = {move.source for move in self._intent.retires}
        expected = going.union(self._intent.unreadable)
        bad = [file.handle for file in sight.files if (file.bad_lines or file.fault) and file.handle not in expected]
        if bad and going:
            raise PlanOutdated(
                f"nothing is retired while stock can't read {shown(bad[0])}",
                hint="when it is whole, or moved away, this goes on",
            )

    def _check_nothing_else(self, expected: dict[str, FileMark], there: dict[str, FileMark]) -> None:
        different = difference(expected.values(), there.values())
        if different:
            raise PlanOutdated(f"somebody else writes to this store: {told(different)}")

    def _retire(self, sight: Sight, there: dict[str, FileMark]) -> None:
        """Move what is to go, each file guarded, and take it out of `there`."""
        seen = {file.handle: (file.listed, mark) for file, mark in zip(sight.files, sight.marks, strict=True)}
        going = [move for move in self._intent.retires if self._is_as_planned(move, there)]
        survivals = survival_of(sight, {move.source for move in going}, self._let_go) if going else {}
        with self._journaled_together():
            self._retire_all(going, survivals, seen, there)
        self._ground.writer.flush(BACKUP)
        self._ground.writer.flush(METADATA)

    def _retire_all(
        self, going: Sequence[Move], survivals: Mapping[str, Survival], seen: _Seen, there: dict[str, FileMark]
    ) -> None:
        """Move one after the other, with nothing between them: whoever listed before may open what has moved."""
        for wave in waves(going, self._ground.writer.at_once):
            problems = results([partial(self._problem, move, survivals[move.source], seen) for move in wave])
            for problem in filter(None, problems):
                self._otherwise(problem)
            free = [move for move, problem in zip(wave, problems, strict=True) if not problem]
            went = self._carry_out(
                "retire",
                [(move.source, partial(self._set_aside, move, survivals[move.source], seen)) for move in free],
            )
            for move, has_gone in zip(free, went, strict=True):
                if has_gone:
                    del there[move.source]
                else:
                    self._otherwise(f"{shown(move.source)} stays: its place in metadata_backup/ is taken")

    @contextmanager
    def _journaled_together(self) -> Iterator[None]:
        """Inside, steps are put into the journal together at the end, also when the operator stops it.

        Nothing goes by those lines but who reads how far it came: after any other fault they are left out.
        """
        self._together = []
        try:
            yield
        except Stopped:
            self._tell_steps()
            self._ground.writer.flush(JOURNAL_FOLDER)
            raise
        else:
            self._tell_steps()
        finally:
            self._together = None

    def _tell_steps(self) -> None:
        if self._together:
            self._ground.note(self._intent.operation, self._together)

    def _set_aside(self, move: Move, survival: Survival, seen: _Seen) -> bool:
        # Others of the same wave may have taken their time.
        self._ground.lease.check()
        target = self._move_away(move)
        if target is not None:
            self._check_kept(move, target, survival, seen)
        return target is not None

    def _is_as_planned(self, move: Move, there: dict[str, FileMark]) -> bool:
        if move.source in there and there[move.source] != move.mark:
            self._otherwise(f"{shown(move.source)} stays: it is another file now")
        return there.get(move.source) == move.mark

    def _problem(self, move: Move, survival: Survival, seen: _Seen) -> str | None:
        """Why a file must not go just now."""
        if survival.orphans:
            return f"{shown(move.source)} stays: {count(len(survival.orphans), 'line')} of it would be nowhere else"
        other = self._other((move.source, *survival.keepers), seen)
        return f"{shown(move.source)} stays: {shown(other)} is gone or has changed" if other else None

    def _other(self, handles: Iterable[str], seen: _Seen) -> str | None:
        """The first of some files that is not as it was seen."""
        return next((handle for handle in handles if not self._is_as_seen(*seen[handle])), None)

    def _is_as_seen(self, listed: Listed, mark: FileMark) -> bool:
        """Whether a file is still what it was: its version tells, or, where a listing knows none, all that it says."""
        if not listed.tells_version:
            return self._reads_as(listed.handle, mark)
        try:
            return self._ground.reader.stat(listed.handle) == listed
        except HandleUnreadable as unreadable:
            require_had(listed.handle, unreadable)
            return False

    def _move_away(self, move: Move) -> str | None:
        """Retire one file; where it went, None where every name for it is taken."""
        try:
            self._ground.writer.move(move.source, move.target)
        except AlreadyThere:
            if self._strict:
                raise PlanOutdated(f"{shown(move.target)} was to be new, but is there") from None
            target = f"{move.target}.{self._ground.lease.token}"
            try:
                self._ground.writer.move(move.source, target)
            except AlreadyThere:
                return None
            return target
        return move.target

    def _check_kept(self, move: Move, target: str, survival: Survival, seen: _Seen) -> None:
        """Put a file back whose lines somebody took away elsewhere while it went.

        No guard before a move sees that, least of all when this process was paused in the middle of it, and whoever
        took the lease over has resumed and undone the operation.
        """
        other = self._other(survival.keepers, seen)
        if other:
            with suppress(AlreadyThere):
                self._ground.writer.move(target, move.source)
            self._ground.lease.check()
            raise PlanOutdated(f"{shown(move.source)} was put back: {shown(other)} is gone or has changed")

    def _settle(self, before: Sight, left: dict[str, FileMark]) -> None:
        """Look a last time: every line that must be visible is, and stock's selection is what the plan said.

        Files that are the same to the last byte need no second decoding; their lines are those of `before`, all of
        which live on in them, but those that are let go.
        """
        different = difference(left.values(), read_marks(self._ground.reader, METADATA, self._unreadable))
        end = self._ground.look(self._unreadable) if different or self._let_go else before
        if lane_states(end.index) != self._intent.lanes:
            self._refuse_loss(before, end)
            self.notes.append("the entries are others than planned, as other files came or went on the way")
        if different:
            self.notes.append(f"somebody else writes to this store: {told(different)}")

    def _refuse_loss(self, before: Sight, end: Sight) -> None:
        for kind, rows in lost_entries(before.index, end.index):
            gone = [row for row in rows.tolist() if before.index.lanes[kind].record(row) not in self._let_go]
            if gone:
                where = shown(before.index.lanes[kind].claims(gone[0])[0].file)
                raise PlanOutdated(f"somebody else took {count(len(gone), 'line')} away, first one of {where}")

    def _carry_out(self, verb: str, acts: Sequence[tuple[str, Callable[[], bool]]]) -> list[bool]:
        """Take one step for each handle, at the same time, and journal those of which it is true that they were taken.

        Raises the first error once all have ended.
        """
        for ahead, (handle, _) in enumerate(acts):
            self._begin(f"{verb} {handle}", ahead)
        outcomes = together([act for _, act in acts])
        for (handle, _), outcome in zip(acts, outcomes, strict=True):
            if outcome is True:
                self._end(verb, handle)
        return raised(outcomes)

    def _begin(self, step: str, ahead: int = 0) -> None:
        self._ground.step(ApplyProgress(self._done + ahead, self._intent.steps, step))

    def _end(self, step: str, handle: str) -> None:
        self._done += 1
        if self._together is None:
            self._ground.note(self._intent.operation, [self._ground.line(step, handle)])
        else:
            self._together.append(self._ground.line(step, handle))

    def _otherwise(self, what: str) -> None:
        """Something is not as planned."""
        if self._strict:
            raise PlanOutdated(what)
        self.notes.append(what)
