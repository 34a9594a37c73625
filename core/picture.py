"""A store as it is drawn: all lanes on one axis of versions, the epochs beside them, and where the problems lie."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from core.columns import I32, Mask
from core.index import Index
from core.lod import FULL, Bounds, Cover, Coverage, LaneIndex, build_coverage, index_lane
from core.model import Entry, EpochEndingRecord, LaneKind, Zone, end_of
from core.spans import Spans

#: No chain has so many versions: an entry that reaches this far comes from a damaged or hostile line.
FAR: Final = 2**48


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """Where the problems lie: those with entries, and those that are holes.

    `spans` are the versions that each takes on the axis, in the order in which they were given, None for one that takes
    none; `lanes` the same lane by lane, under the places of the problems in that order.
    """

    problems: Coverage
    gaps: Coverage
    spans: tuple[tuple[int, int] | None, ...]
    lanes: dict[LaneKind, Spans]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """All lanes of a store on one axis of versions `[0, end)`, and the problems on it.

    Beyond `near_end` lies only the rest of entries that reach farther than any chain; None if there are none.
    """

    lanes: dict[LaneKind, LaneIndex]
    end: int
    marks: Marks | None = None
    near_end: int | None = None

    @property
    def epochs(self) -> LaneIndex:
        """The epoch endings."""
        return self.lanes[LaneKind.EPOCH_ENDINGS]

    def with_zones(self, zones: Sequence[Zone]) -> Picture:
        """The same picture with these problems marked."""
        spans = tuple(self._on_axis(self.zone_span(zone)) for zone in zones)
        placed = [(*span, number) for number, span in enumerate(spans) if span is not None]
        holes = [self.is_gap(zones[number]) for _, _, number in placed]
        problems = [each[:2] for each, hole in zip(placed, holes, strict=True) if not hole]
        gaps = [each[:2] for each, hole in zip(placed, holes, strict=True) if hole]
        lanes = {kind: Spans(each for each in placed if zones[each[2]].lane is kind) for kind in self.lanes}
        return replace(self, marks=Marks(_coverage_of(problems), _coverage_of(gaps), spans, lanes))

    def _on_axis(self, span: tuple[int, int] | None) -> tuple[int, int] | None:
        return None if span is None or span[0] >= self.end else (span[0], min(span[1], self.end - 1))

    def zone_span(self, zone: Zone) -> tuple[int, int] | None:
        """The versions that a zone takes on the axis; None if it concerns files only."""
        if zone.first is None or zone.last is None or zone.lane is LaneKind.FILES or zone.first > zone.last:
            return None
        if zone.lane is LaneKind.EPOCH_ENDINGS:
            return self.versions_of_epochs(zone.first, zone.last)
        return zone.first, zone.last

    def place_of(self, entry: Entry) -> int | None:
        """Where an entry stands in the order of its lane on the axis; None if it takes no version or is gone."""
        span = self._axis_first(entry)
        index = self.lanes[entry.lane]
        if span is None:
            return None
        return next((place for place in index.covering(span).tolist() if self._is_at(entry, index, place)), None)

    def entry_span(self, entry: Entry) -> tuple[int, int] | None:
        """The versions that an entry takes on the axis."""
        place = self.place_of(entry)
        return None if place is None else self.lanes[entry.lane].span(place)

    def takes_none(self, entry: Entry) -> bool:
        """Whether an entry is in its lane and takes no version of the axis, as it ends before it begins."""
        index = self.lanes[entry.lane]
        rows = index.inverted[index.lane.first[index.inverted] == np.uint64(entry.first)]
        return any(
            int(index.lane.last[row]) == entry.last and index.lane.manifest(row) == entry.manifest
            for row in rows.tolist()
        )

    def _axis_first(self, entry: Entry) -> int | None:
        """A version that the entry surely holds."""
        if isinstance(entry.record, EpochEndingRecord):
            return entry.record.last_version
        return entry.first if entry.first <= entry.last else None

    def _is_at(self, entry: Entry, index: LaneIndex, place: int) -> bool:
        row = int(index.rows[place])
        same = (int(index.lane.first[row]), int(index.lane.last[row])) == (entry.first, entry.last)
        return same and index.lane.manifest(row) == entry.manifest

    def is_gap(self, zone: Zone) -> bool:
        """Whether no entry of its lane holds any version of the zone."""
        span = self.zone_span(zone)
        if span is None or zone.lane is LaneKind.STATE_SNAPSHOTS:
            return False
        return self.lanes[zone.lane].whole.measure(*span).covered == 0

    def versions_of_epochs(self, first: int, last: int) -> tuple[int, int] | None:
        """The versions of the entries that hold these epochs, or of the hole where they are missing."""
        lanes = self.epochs
        held_first, held_last = lanes.lane.first[lanes.rows], lanes.lane.last[lanes.rows]
        inside = (held_last >= np.uint64(first)) & (held_first <= np.uint64(last))
        if inside.any():
            return int(lanes.first[inside].min()), int(lanes.last[inside].max())
        before, after = held_last < np.uint64(first), held_first > np.uint64(last)
        if not after.any():
            return None
        start = end_of(int(lanes.last[before].max())) if before.any() else 0
        return min(start, int(lanes.first[after].min())), max(start, int(lanes.first[after].min()) - 1)

    def epochs_at(self, version: int) -> tuple[int, int] | None:
        """The first and the last epoch of the entry that holds `version`; None if none does."""
        places = self.epochs.covering(version)
        if not len(places):
            return None
        row = int(self.epochs.rows[places[0]])
        return int(self.epochs.lane.first[row]), int(self.epochs.lane.last[row])

    def worst(self, bounds: Bounds) -> tuple[Cover, Mask]:
        """For each column the least cover of the epoch and transaction lanes, and whether any lane has a conflict.

        A lane without entries does not count, and no lane counts beyond its last version.
        """
        cover = np.full(len(bounds), FULL, dtype=np.uint8)
        conflict = np.zeros(len(bounds), dtype=np.bool_)
        for kind, index in self.lanes.items():
            columns = index.columns(bounds)
            conflict |= columns.conflict
            if kind is not LaneKind.STATE_SNAPSHOTS:
                cover = np.where(columns.beyond, cover, np.minimum(cover, columns.cover))
        return cover, conflict


def find_entries(picture: Picture, wanted: str, limit: int = 1_000) -> tuple[Entry, ...]:
    """The first `limit` entries with `wanted` in the name of their manifest or of a file that claims them.

    Letters match in either case. In the order of the lanes on the axis; entries that take no version come last.
    """
    needle = wanted.casefold()
    found: list[Entry] = []
    for index in picture.lanes.values():
        lane = index.lane
        files = {number for number, handle in enumerate(lane.file_handles) if needle in handle.casefold()}
        claimed = set(
            np.repeat(np.arange(len(lane)), np.diff(lane.claim_start))[_is_in(lane.claim_file, files)].tolist()
        )
        for row in (*index.rows.tolist(), *index.inverted.tolist()):
            if row in claimed or needle in lane.manifest(row).casefold():
                found.append(lane.entry(row))
                if len(found) == limit:
                    return tuple(found)
    return tuple(found)


def _is_in(column: I32, wanted: set[int]) -> Mask:
    return np.isin(column, np.array(sorted(wanted), dtype=np.int32))


def _coverage_of(spans: Sequence[tuple[int, int]]) -> Coverage:
    ordered = np.array(sorted(spans), dtype=np.uint64).reshape(-1, 2)
    return build_coverage(np.ascontiguousarray(ordered[:, 0]), np.ascontiguousarray(ordered[:, 1]))


def build_picture(index: Index) -> Picture:
    """The picture of a store. Its axis ends after the greatest version of any entry; `end` is 0 for an empty store."""
    lanes = {kind: index_lane(lane) for kind, lane in index.lanes.items()}
    reaches = [lane.whole.reach for lane in lanes.values() if lane.whole.reach is not None]
    end = end_of(max(reaches)) if reaches else 0
    return Picture(lanes, end, near_end=_near_end(lanes.values()) if end > FAR else None)


def _near_end(lanes: Iterable[LaneIndex]) -> int | None:
    """Where the axis may be cut so that all that any chain can hold is in sight, and where the rest begins."""
    far = np.uint64(FAR)
    inside = [places[places < far] for lane in lanes for places in (lane.first, lane.last)]
    greatest = max((int(places.max()) for places in inside if len(places)), default=0)
    return greatest + 1 + greatest // 8 if greatest else None
