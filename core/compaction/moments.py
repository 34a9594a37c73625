"""When now is no time for a compaction: the clock is wrong, or somebody is writing (`own-time` in `hazards.md`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from core.compaction.names import compacted_name_of
from core.compaction.refusals import Refusal, Scene
from core.compaction.timestamps import records_of, times_only
from core.findings.contents import Agreement, agreement, contents_of
from core.findings.timestamps import CLOCK_SLACK
from core.index import MetaFile
from core.model import LaneKind
from core.phrases import count, shown
from core.snapshot import judged_from


def clock_behind(scene: Scene) -> Iterator[Refusal]:
    """`own-time`: what was written after now was written by a clock that is right, or ours is."""
    index, now = scene.snapshot.index, scene.now
    newest = max(index.files, key=lambda file: file.listed.modified)
    witness = records_of(index, now).witness
    if witness is not None:
        ahead, handle = witness.record.file_compacted_at - now, witness.claim.file
        what = f"{shown(handle)} is dated {ahead:,} seconds from now, and was written then"
    elif newest.listed.modified > now + CLOCK_SLACK:
        handle = newest.handle
        what = f"{shown(handle)} was written {int(newest.listed.modified) - now:,} seconds from now"
    else:
        return
    text = f"the clock of this machine is behind the store: {what}. Times that it gives now would make files expire "
    text += "too early, or be ignored"
    yield Refusal("timestamps-back", text, None, scene.dated(handle), None, SET_CLOCK)


#: What follows where this machine and a file disagree on the time.
SET_CLOCK: Final = (
    "If the first time is wrong, set the clock of this machine. If it is right, the machine that wrote the file was "
    "ahead: set that, and wait until the file's time has passed."
)
_OF_ITS_OWN: Final = (
    "Write the other lines of the file into a new one, under a name that was never used, and move the old file out of "
    "metadata/. Then the record no longer wins."
)


def dated_ahead(scene: Scene) -> Iterator[Refusal]:
    """A record that lies about its time can only be taken out with its file."""
    alone = times_only(scene.snapshot.index)
    for dated in records_of(scene.snapshot.index, scene.now).lying:
        if dated.number not in alone:
            ahead = dated.record.file_compacted_at - scene.now
            text = f"{shown(dated.claim.file)} holds a record dated {ahead:,} seconds from now, which would win over "
            text += "every later one, and other lines as well, so that it can't be set aside"
            step = scene.look_at(dated.claim.file)
            yield Refusal("timestamps-future", text, None, step, None, _OF_ITS_OWN)


def in_flight(scene: Scene) -> Iterator[Refusal]:
    """Compacted files that look cut off and are so young that somebody may still write them."""
    snapshot, now = scene.snapshot, scene.now
    torn = list(_torn(scene, [file for file in snapshot.index.files if snapshot.in_flight(file, now)]))
    for file in torn:
        age = max(0, scene.now - int(file.listed.modified))
        text = f"{shown(file.handle)} holds less than its name says, and was written {count(age, 'second')} ago: "
        text += "somebody may be writing it just now. Try again "
        text += judged_from((each.listed.modified for each in torn), scene.now)
        yield Refusal("read-while-written", text, None, scene.look_again, None)


def _torn(scene: Scene, files: Sequence[MetaFile]) -> Iterator[MetaFile]:
    """Those of some files that have the name of a compacted file and hold less than it says."""
    index = scene.snapshot.index
    named = {file.handle: name for file in files if (name := compacted_name_of(file.listed.name))}
    kinds = {name.kind for name in named.values()}
    contents = {kind: contents_of(lane, len(index.files)) for kind, lane in index.lanes.items() if kind in kinds}
    for number, file in enumerate(index.files):
        name = named.get(file.handle)
        if name is not None and isinstance(name.kind, LaneKind):
            held = contents[name.kind].range_of(number, name.unit)
            cut = not file.lines or not file.ends_with_newline
            if cut or agreement(name, held) is Agreement.SHORT:
                yield file
