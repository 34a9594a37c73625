"""What stands in the way of a repair. Everything is refused that could lose a line or would not help."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from core.changes.model import Write
from core.codec import UNKNOWN_KIND
from core.compaction.moments import SET_CLOCK
from core.compaction.refusals import Refusal
from core.findings import commands
from core.form import NO_WAY_OF_READING, forms_of
from core.gather import MAX_FILE_BYTES, MAX_FILE_LINES
from core.invocation import Repair
from core.model import U64_MAX, RangeRecord
from core.names import handle_problem
from core.phrases import count, entries, shown
from core.repair.sides import Sides
from core.repair.times import RecordWork
from core.restore import RestoreOptions
from core.snapshot import Snapshot, judged_from
from core.stock.loading import index_load_error

#: So many bytes of entries that must not be seen again the journal keeps at most of one repair.
MAX_DENYLIST_BYTES: Final = 64 << 20
#: What a line takes beside the handle of its manifest.
_LINE_BYTES: Final = 160


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What is looked at: the sides, the files that go (numbers), `damaged` ones, the timestamps records, the time."""

    sides: Sides
    going: Collection[int]
    damaged: Collection[int]
    work: RecordWork
    now: int

    @property
    def snapshot(self) -> Snapshot:
        """The store as it was looked at."""
        return self.sides.recovery.snapshot

    @property
    def look_again(self) -> str:
        """The way on where nothing better is known."""
        return commands.check(self)

    @property
    def listing(self) -> str:
        """A command that shows what lies in `metadata/`."""
        return commands.listing(self, "metadata")


def refused(scene: Scene) -> Refusal | None:
    """The first thing that stands in the way, None if nothing does."""
    return next((reason for check in _CHECKS for reason in check(scene)), None)


def too_large(scene: Scene, writes: Iterable[Write]) -> Refusal | None:
    """A file that we could not read again."""
    for write in writes:
        if write.largest > MAX_FILE_BYTES or write.lines > MAX_FILE_LINES:
            text = f"{shown(write.handle)} would hold {write.lines:,} lines in {write.largest:,} bytes, and no "
            text += f"more than {MAX_FILE_LINES:,} lines and {MAX_FILE_BYTES:,} bytes of a file are read"
            return Refusal("own-bounded-memory", text, None, scene.look_again, None)
    return None


def _unread(scene: Scene) -> Iterator[Refusal]:
    """Nobody knows what a file holds that was not read."""
    for file in scene.sides.index.files:
        if file.fault is not None:
            text = f"{shown(file.handle)} was not read: {shown(file.fault.message)}"
            kind = "decompression-bomb" if file.gzip else "foreign-file-in-metadata"
            yield Refusal(kind, text, None, scene.listing, None)


def _two_forms(scene: Scene) -> Iterator[Refusal]:
    """Whatever were written, one of the ways of reading would not take it."""
    forms = forms_of(scene.sides.index)
    if forms.mixed:
        failure = index_load_error(scene.sides.index)
        said = failure.message if failure else None
        yield Refusal("plain-vs-gzip-store", f"{forms.told}. {NO_WAY_OF_READING}", said, scene.look_again, None)


def _unknown_kinds(scene: Scene) -> Iterator[Refusal]:
    """A newer tool may go by lines that this one can't read: a file that holds such is never rewritten."""
    unknown = next((each for each in scene.sides.index.problems if each.hazard == UNKNOWN_KIND), None)
    if unknown is not None:
        claim = unknown.claim
        file = next(file for file in scene.sides.index.files if file.handle == claim.file)
        text = f"{shown(str(claim))} is of a kind that is not known here: a newer tool wrote it, or it is no metadata; "
        text += "no file that holds such a line is rewritten"
        whole = file.bad_lines == file.lines
        step = commands.set_aside(scene, [claim.file]) if whole else commands.look_at(scene, claim.file, claim.line)
        then = commands.ASIDE if whole else commands.NEWER
        yield Refusal(UNKNOWN_KIND, text, unknown.message, step, None, then)


def _odd_names(scene: Scene) -> Iterator[Refusal]:
    for number in scene.going:
        handle = scene.sides.index.files[number].handle
        problem = handle_problem(handle)
        if problem is not None:
            text = f"{shown(handle)} has to be retired and can't be moved: as a handle, {problem}"
            yield Refusal("own-handle-rule", text, None, scene.listing, None)


def _nothing_left(scene: Scene) -> Iterator[Refusal]:
    """Stock takes an empty store for a new one, and one without snapshots or epoch endings for lost."""
    for kind, side in scene.sides.lanes.items():
        if len(side.gone) and side.gone.all() and not side.added:
            text = f"no {entries(2, kind).removeprefix('2 ')} would be left: all {len(side.gone):,} are to be set aside"
            yield Refusal("vacuous-verify", text, None, scene.look_again, None)
    if not any(side.kept.any() or side.added for side in scene.sides.lanes.values()):
        text = "no entry would be left in metadata/, and stock would take the store for a new one"
        yield Refusal("vacuous-verify", text, None, scene.listing, None)


def _two_of_one_epoch(scene: Scene) -> Iterator[Refusal]:
    """Stock's compaction loses one of two snapshots of one epoch, and nothing here tells which is right."""
    twins = scene.sides.twin_snapshots
    if not twins:
        return
    versions = f"{twins[0].version:,} and {twins[-1].version:,}"
    text = f"epoch {twins[0].epoch:,} has snapshots of {len(twins):,} versions, {versions}: stock's compaction loses "
    text += "all but one of them, and nothing here tells which is right. Choose one, with --pin or in a comparison"
    recovery = scene.sides.recovery
    lands = recovery.preview.best.lands_at if recovery.preview.best else U64_MAX
    kept = max(twins, key=lambda each: (each.version <= lands, each.version))
    pins = {kept.manifest, *recovery.wishes.pins} - {each.manifest for each in twins if each is not kept}
    wishes = RestoreOptions(pins=frozenset(pins), vetoes=recovery.wishes.vetoes)
    step = str(Repair(scene.snapshot.location, wishes, dry_run=True))
    yield Refusal("snapshot-conflict", text, None, step, None)


def _in_flight(scene: Scene) -> Iterator[Refusal]:
    """Files that look damaged and are so young that somebody may still write them."""
    snapshot, now = scene.snapshot, scene.now
    damaged = (scene.sides.index.files[number] for number in sorted(scene.damaged))
    young = [file for file in damaged if snapshot.in_flight(file, now)]
    for file in young:
        age = max(0, int(now - file.listed.modified))
        text = f"{shown(file.handle)} looks cut off and was written {count(age, 'second')} ago: somebody may be "
        text += f"writing it just now. Try again {judged_from((each.listed.modified for each in young), now)}"
        yield Refusal("read-while-written", text, None, scene.look_again, None)


def _clock_behind(scene: Scene) -> Iterator[Refusal]:
    witness = scene.work.records.witness
    if scene.work.needed and witness is not None:
        ahead = witness.record.file_compacted_at - scene.now
        text = f"the clock of this machine is behind the store: {shown(witness.claim.file)} is dated {ahead:,} seconds "
        text += "from now, and was written then; a new record would be ignored beside it"
        step = commands.dated(scene, witness.claim.file)
        yield Refusal("timestamps-back", text, None, step, None, SET_CLOCK)


def _too_much(scene: Scene) -> Iterator[Refusal]:
    """What the journal could not hold, or not give back."""
    sides = scene.sides
    gone = (*sides.rejected, *sides.parked)
    if _bytes_of((*gone, *sides.added)) > MAX_DENYLIST_BYTES:
        text = f"{count(len(gone), 'entry', 'entries')} are to be set aside: more than a journal can hold"
        yield Refusal("own-bounded-memory", text, None, scene.look_again, None)
    for manifest in scene.sides.recovery.derived:
        if len(manifest.content) > MAX_FILE_BYTES:
            text = f"{shown(manifest.record.manifest)} would hold {len(manifest.content):,} bytes, and no more than "
            text += f"{MAX_FILE_BYTES:,} are written at once"
            yield Refusal("own-bounded-memory", text, None, scene.look_again, None)


def _bytes_of(records: Iterable[RangeRecord]) -> int:
    return sum(len(record.manifest) + _LINE_BYTES for record in records)


#: In this order: what hides the store, what can't be done, what is wrong with the moment.
_CHECKS: Final[tuple[Callable[[Scene], Iterator[Refusal]], ...]] = (
    _unread,
    _two_forms,
    _unknown_kinds,
    _nothing_left,
    _two_of_one_epoch,
    _odd_names,
    _too_much,
    _clock_behind,
    _in_flight,
)
