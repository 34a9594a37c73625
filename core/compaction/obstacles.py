"""What stands in the way of a compaction: a registry of checks, of which the first that finds something refuses.

A conflict or a gap is refused wherever the borders of groups lie, although stock notices it inside a group only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np

from core.changes.model import Write
from core.compaction.hazards import CompactionHazard
from core.compaction.moments import clock_behind, dated_ahead, in_flight
from core.compaction.names import compacted_name_of
from core.compaction.preview import CompactionPreview
from core.compaction.refusals import Refusal, Scene
from core.findings.leads import lead
from core.form import NO_WAY_OF_READING, forms_of
from core.gather import MAX_FILE_BYTES, MAX_FILE_LINES
from core.invocation import Compact
from core.model import Finding, LaneKind
from core.phrases import count, shown
from core.stock import CompactionStop, LaneGroups, Step
from core.stock.groups import name_ends, twins


def refused(scene: Scene) -> Refusal | None:
    """The first thing that stands in the way of a compaction by us, None if nothing does."""
    return next((reason for check in _CHECKS for reason in check(scene)), None)


#: What a stop means where no finding explains it.
_STOPS: Final = {
    Step.LOAD: "stock can't load the store",
    Step.COMPACT: "an entry does not begin where the one before it ends, or none can follow it",
}


def _of_stop(scene: Scene, stop: CompactionStop) -> Refusal:
    zone = None
    if stop.lane is not None and stop.row is not None:
        zone = scene.zone_at(stop.lane, stop.row)
    finding = lead(zone) or scene.finding(lambda each: each.stock_says == stop.message)
    explanation = finding.explanation if finding else _STOPS[stop.step]
    kind = finding.kind if finding else _kind_of_stop(scene.preview, stop)
    return Refusal(kind, explanation, stop.message, scene.way_on(finding), zone, scene.follows(finding))


def _kind_of_stop(preview: CompactionPreview, stop: CompactionStop) -> str:
    """The hazard behind a stop, told by the two entries at which it happens."""
    if stop.lane is None or stop.row is None:
        problem = next(iter(preview.run.index.problems), None)
        return problem.hazard if problem else "foreign-file-in-metadata"
    if stop.expected is None:
        return "version-u64-max"
    lane, row = preview.run.index.lanes[stop.lane], stop.row
    if int(lane.first[row]) > stop.expected:
        return "gap-range" if stop.lane is LaneKind.TRANSACTIONS else "epoch-gap"
    same = lane.first[row] == lane.first[row - 1] and lane.last[row] == lane.last[row - 1]
    return "overlap-manifest" if same else "overlap-nested"


def _of_hazard(scene: Scene, hazard: CompactionHazard) -> Refusal:
    zone = None
    if hazard.lane is not None and hazard.groups:
        zone = scene.zone_at(hazard.lane, scene.preview.run.lane(hazard.lane).rows(hazard.groups[0]).start)
    finding = lead(zone) or scene.finding(lambda each: each.kind == hazard.id)
    return Refusal(hazard.id, hazard.text, None, scene.way_on(finding), zone, scene.follows(finding))


def _two_forms(scene: Scene) -> Iterator[Refusal]:
    """Whatever were written, one of the ways of reading would not take it."""
    forms = forms_of(scene.snapshot.index)
    if forms.mixed:
        stop = scene.preview.stop
        said = stop.message if stop is not None and stop.step is Step.LOAD else None
        yield Refusal("plain-vs-gzip-store", f"{forms.told}. {NO_WAY_OF_READING}", said, scene.look_again, None)


def _does_not_load(scene: Scene) -> Iterator[Refusal]:
    stop = scene.preview.stop
    if stop is not None and stop.step is Step.LOAD:
        yield _of_stop(scene, stop)


def _not_read_whole(scene: Scene) -> Iterator[Refusal]:
    """Files that stock would read and we did not."""
    for file in scene.snapshot.index.files:
        if file.fault is not None:
            finding = scene.finding(partial(_claims, file.handle))
            kind = "decompression-bomb" if file.gzip else "foreign-file-in-metadata"
            text = f"{shown(file.handle)} was not read: {shown(file.fault.message)}"
            yield Refusal(
                finding.kind if finding else kind, text, None, scene.way_on(finding), None, scene.follows(finding)
            )


def _claims(handle: str, finding: Finding) -> bool:
    return any(claim.file == handle for claim in finding.claims)


def _empty(scene: Scene) -> Iterator[Refusal]:
    index = scene.snapshot.index
    if not index.files:
        text = "the listing is empty: where there was a store, that is a fault of the listing, not a fact to act on"
        yield Refusal("empty-listing-new-identity", text, None, scene.listing("metadata"), None, _SEEN_AGAIN)
    elif not any(map(len, index.lanes.values())):
        text = f"none of the {count(len(index.files), 'file')} of metadata/ holds an entry: there is nothing to compact"
        yield Refusal("vacuous-verify", text, None, scene.listing("metadata"), None, _SEEN_AGAIN)


_SEEN_AGAIN: Final = (
    "If backups are listed there, look again. If not, this is another folder than the one that is backed up to, a file "
    "system that is not mounted, or nothing was backed up yet."
)


def _does_not_follow(scene: Scene) -> Iterator[Refusal]:
    """Conflicts and gaps, wherever the borders of groups lie, and entries that end before they begin."""
    stop = scene.preview.stop
    if stop is not None and stop.step is Step.COMPACT:
        yield _of_stop(scene, stop)
    for kind in (LaneKind.EPOCH_ENDINGS, LaneKind.TRANSACTIONS):
        lane = scene.snapshot.index.lanes[kind]
        inverted = np.flatnonzero(lane.last < lane.first)
        if len(inverted):
            entry = lane.entry(int(inverted[0]))
            zone = scene.zone_at(kind, int(inverted[0]))
            text = (
                f"the entry from {entry.first:,} to {entry.last:,} ends before it begins: {shown(str(entry.claims[0]))}"
            )
            finding = lead(zone) or scene.finding(lambda each: each.kind == "inverted-range")
            yield Refusal("inverted-range", text, None, scene.way_on(finding), zone, scene.follows(finding))
    for hazard in scene.preview.hazards:
        if hazard.id in _BORDER_HAZARDS:
            yield _of_hazard(scene, hazard)


def too_large(scene: Scene, writes: Iterable[Write]) -> Refusal | None:
    """A file that we could not read again: nothing would be compacted beside it any more, or undone."""
    large = next((each for each in writes if each.largest > MAX_FILE_BYTES or each.lines > MAX_FILE_LINES), None)
    name = compacted_name_of(large.handle.rpartition("/")[2]) if large else None
    if large is None or name is None or not isinstance(name.kind, LaneKind):
        return None
    text = f"{shown(large.handle)} would hold {large.lines:,} lines in {large.largest:,} bytes, and of a metadata "
    text += f"file no more than {MAX_FILE_LINES:,} lines and {MAX_FILE_BYTES:,} bytes are read: take a smaller factor"
    # Half of what fits, as lines differ in length.
    factor = min(MAX_FILE_LINES, large.lines * MAX_FILE_BYTES // large.largest) // 2
    return Refusal("own-bounded-memory", text, None, _at_factor(scene, name.kind, max(1, factor)), None)


def _wider(scene: Scene, groups: LaneGroups) -> str:
    """The same preview at the least doubled factor that keeps the entries of one name together."""
    factor = groups.factor
    while (twins(*name_ends(groups.lane, factor)) >= 0).any():
        factor *= 2
    return _at_factor(scene, groups.kind, factor)


def _at_factor(scene: Scene, lane: LaneKind, factor: int) -> str:
    """The command of the same preview with another factor for one lane."""
    options = scene.preview.run.options
    return str(Compact(scene.snapshot.location, options.with_factor(lane, factor), dry_run=True))


_BORDER_HAZARDS: Final = frozenset({"compaction-bakes-conflict", "compaction-blind-gap"})


def _one_name(scene: Scene) -> Iterator[Refusal]:
    """Groups of one run that would have one name."""
    for groups in scene.preview.run.lanes:
        doubled = np.flatnonzero(groups.twin >= 0)
        if len(doubled):
            name = groups[int(doubled[0])].name
            text = f"{count(len(doubled), 'group')} would get the name of another group of this run, such as {name}: "
            text += "of each such pair stock drops one without a word"
            numbers = tuple(doubled[:1].tolist())
            hazard = CompactionHazard("compacted-name-collision", text, len(doubled), groups.kind, numbers)
            found = _of_hazard(scene, hazard)
            yield found if found.zone else replace(found, next_step=_wider(scene, groups))


#: In this order: what hides the store, what is wrong with its entries, what is wrong with the moment.
_CHECKS: Final[tuple[Callable[[Scene], Iterator[Refusal]], ...]] = (
    _two_forms,
    _does_not_load,
    _not_read_whole,
    _empty,
    _does_not_follow,
    _one_name,
    clock_behind,
    dated_ahead,
    in_flight,
)
