"""What the screens share: one immutable session, and in it where the operator is on the timeline.

A screen never changes these; it asks the app to replace them. Versions are Python ints, ends are half-open and may be
2**64.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from core.model import STOCK_FACTOR, LaneKind
from core.triage import Triage, ZoneState
from tui.listing import ALL_PROBLEMS, Filter, Listing

if TYPE_CHECKING:
    from core.engine import Report
    from core.journal import OperationFiles
    from core.lease import LeaseView
    from core.lod import LaneIndex
    from core.manifests import ContentComparison
    from core.model import Entry, Zone
    from core.picture import Picture
    from core.snapshot import Snapshot
    from tui.recovering import Outlook

HISTORY_KEPT: Final = 200


class Phase(StrEnum):
    """How far looking at the store has come."""

    READING = "reading"
    CHECKING = "checking"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Tally:
    """The zones of a report counted: problems (more than a notice), and of those overlaps and gaps.

    `metadata_only`: one of them is that no backup lies in the store.
    """

    problems: int = 0
    overlaps: int = 0
    gaps: int = 0
    metadata_only: bool = False

    @property
    def others(self) -> int:
        """Problems of any other kind."""
        return self.problems - self.overlaps - self.gaps


NO_TALLY: Final = Tally()


@dataclass(frozen=True, slots=True)
class Selection:
    """What is selected: the problem `zone` (its place in the report), or else `entry`, or else nothing.

    `apart` is set if that takes no version, so that the cursor says nothing about it. `within` is the problem in which
    an entry lies that was gone to as such. `here` are the first few of the
    `held` entries that hold the cursor in its lane. Where none does, `before` is the last version that the lane holds
    before the cursor, `after` the first one behind it; None at the ends. `places` of the lane `index` are those of
    `here`.
    """

    zone: int | None = None
    entry: Entry | None = None
    apart: bool = False
    within: int | None = None
    here: tuple[Entry, ...] = ()
    held: int = 0
    before: int | None = None
    after: int | None = None
    places: tuple[int, ...] = ()
    index: LaneIndex | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """One look at one store. `picture`, `snapshot` and `report` fill in as they come; `done` of `total` files are read.

    `unreadable` files of `metadata/` could not be read, or hold lines that stock refuses.

    `outlook` says how far overlay and repair would bring the store; until it is there, `ahead` may say how many
    manifests of how many are read for it, and `no_outlook` why it does not come.

    `lease` is the store's lease as it was seen at that look, `held` the operation without an end that its holder is at
    work on, or may be, `interrupted` the others that did not end, oldest first. `error` and `hint` are set when the
    phase is FAILED.

    `place` is where the operator is, and `selection` what is selected there: it follows from the place and from what is
    known of the store whenever the app takes another session (`tui.selecting`), and is never set otherwise. `pins` are
    entries kept in the inspector.

    `triage` are the operator's notes on problems; `notes` what they say of each that is not open, by its place in
    `report.zones`. `listing` is the list of problems, of which `filter` says what is shown. `compared` are the
    comparisons of records by the handles of A and B.
    """

    location: str
    phase: Phase = Phase.READING
    read_only: bool = False
    done: int = 0
    total: int = 0
    unreadable: int = 0
    snapshot: Snapshot | None = None
    picture: Picture | None = None
    report: Report | None = None
    tally: Tally = NO_TALLY
    outlook: Outlook | None = None
    ahead: tuple[int, int] | None = None
    no_outlook: str = ""
    lease: LeaseView | None = None
    held: OperationFiles | None = None
    interrupted: tuple[OperationFiles, ...] = ()
    error: str = ""
    hint: str = ""
    place: Place = field(default_factory=lambda: Place(View.of_all(1)))
    selection: Selection = field(default_factory=Selection)
    pins: tuple[Entry, ...] = ()
    triage: Triage = field(default_factory=Triage)
    notes: Mapping[int, ZoneState] = field(default_factory=dict)
    filter: Filter = ALL_PROBLEMS
    listing: Listing = field(default_factory=Listing)
    compared: Mapping[tuple[str, str], ContentComparison] = field(default_factory=dict)

    @property
    def zones(self) -> tuple[Zone, ...]:
        """The problems found so far."""
        return self.report.zones if self.report else ()

    @property
    def problem_count(self) -> int:
        """How many zones are more than a notice; they come first."""
        return self.tally.problems

    @property
    def zone(self) -> int | None:
        """The selected problem, as its place in `report.zones`."""
        return self.selection.zone

    @property
    def current_zone(self) -> Zone | None:
        """The selected problem."""
        return None if self.zone is None else self.zones[self.zone]

    @property
    def selected(self) -> Entry | None:
        """The selected entry; None while a problem is selected, or nothing."""
        return self.selection.entry

    @property
    def complete(self) -> bool:
        """Whether all files were read, so that previews may be trusted."""
        return self.phase is Phase.READY and self.snapshot is not None and self.snapshot.complete

    @property
    def why_incomplete(self) -> str | None:
        """Why previews refuse, or None when they need not."""
        if self.phase is Phase.FAILED:
            return "the store could not be read"
        if self.phase in {Phase.READING, Phase.CHECKING}:
            return f"still {self.phase.value}: wait; on the timeline Escape stops it"
        if self.snapshot is not None and not self.snapshot.complete:
            return f"only {self.done:,} of {self.total:,} files were read: shift+r reads again"
        return None


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the operator asked of the previews; kept while the app runs, also when the store is read anew.

    `factors` are how many lines go into one compacted file: epoch endings, transactions, state snapshots. `choices` are
    the entries chosen on the comparison, which the chain is to use; no two of them compete. `policy` is the value of
    the `core.chain.Policy` by which the rest is chosen.
    """

    factors: tuple[int, int, int] = (STOCK_FACTOR, STOCK_FACTOR, STOCK_FACTOR)
    choices: tuple[Entry, ...] = ()
    policy: str = "verified"

    @property
    def pins(self) -> tuple[str, ...]:
        """The handles of the manifests that were chosen."""
        return tuple(sorted(entry.manifest for entry in self.choices))

    def choosing(self, entry: Entry, others: Sequence[Entry]) -> Wishes:
        """With `entry` chosen and none of `others`; without it if it was chosen already."""
        return self.without((entry, *others)) if self.chooses(entry) else self.with_choice(entry, others)

    def with_choice(self, entry: Entry, others: Sequence[Entry]) -> Wishes:
        """With `entry` chosen and none of `others`."""
        rest = self.without((entry, *others))
        return replace(rest, choices=(*rest.choices, entry))

    def without(self, entries: Sequence[Entry]) -> Wishes:
        """With none of `entries` chosen."""
        gone = {(entry.lane, entry.manifest) for entry in entries}
        kept = tuple(each for each in self.choices if (each.lane, each.manifest) not in gone)
        return replace(self, choices=kept)

    def chooses(self, entry: Entry) -> bool:
        """Whether `entry` is chosen."""
        return any((each.lane, each.manifest) == (entry.lane, entry.manifest) for each in self.choices)


@dataclass(frozen=True, slots=True)
class View:
    """What the timeline shows: versions `[start, end)` of an axis `[0, whole)`, and the version under the cursor.

    Always 0 <= start < end <= whole and start <= cursor < end. `near` is where the part of the axis ends that is shown
    first, None if that is all of it.
    """

    start: int
    end: int
    cursor: int
    whole: int
    near: int | None = None

    @classmethod
    def of_all(cls, whole: int) -> View:
        """The whole axis, the cursor at its end."""
        whole = max(1, whole)
        return cls(0, whole, whole - 1, whole)

    @property
    def length(self) -> int:
        """Versions in view."""
        return self.end - self.start

    @property
    def home(self) -> int:
        """Where the part ends that is shown first."""
        return self.whole if self.near is None else self.near

    @property
    def at_home(self) -> bool:
        """Whether exactly the part is in view that is shown first."""
        return (self.start, self.end) == (0, self.home)

    def column(self, version: int, width: int) -> int:
        """Which of `width` columns holds `version`; below 0 or from `width` on if it is out of view."""
        behind = version - self.start
        if self.length < width:
            return -(-behind * width // self.length)
        return ((behind + 1) * width - 1) // self.length

    def version(self, column: int, width: int) -> int:
        """The first version of one of `width` columns."""
        return self.start + min(max(0, column), width - 1) * self.length // width

    def stepped(self, width: int, cells: int) -> View:
        """The cursor moved by cells, and by at least a version; the viewport follows at its edge."""
        if self.length <= width:
            return self.moved(self.cursor + cells)
        column = self.column(self.cursor, width) + cells
        if 0 <= column < width:
            return self.moved(self.version(column, width))
        return self.moved(self.cursor + cells * (self.length // width))

    def slid(self, versions: int) -> View:
        """Moved by versions; the cursor stays where it is as long as it is in view."""
        return self._placed(self.start + versions, self.length, self.cursor)

    def zoomed(self, width: int, *, inwards: bool, about: int | None = None) -> View:
        """Twice as near or as far, `about` (by default the cursor) staying in its column.

        Stops at one version per cell of `width` and at the whole.
        """
        anchor = self.cursor if about is None else min(max(about, self.start), self.end - 1)
        least = min(width, self.whole)
        length = max(least, self.length // 2) if inwards else min(self.whole, self.length * 2)
        column = (anchor - self.start) * width // self.length
        return self._placed(anchor - (2 * column + 1) * length // (2 * width), length, self.cursor)

    def panned(self, quarters: int) -> View:
        """Moved by quarters of a view; the cursor keeps its column."""
        step = max(1, self.length // 4) * quarters
        start = min(max(0, self.start + step), self.whole - self.length)
        return self._placed(start, self.length, self.cursor + start - self.start)

    def moved(self, cursor: int) -> View:
        """With the cursor at another version, the viewport following as little as it must."""
        cursor = min(max(0, cursor), self.whole - 1)
        start = min(self.start, cursor) if cursor < self.end else cursor + 1 - self.length
        return self._placed(start, self.length, cursor)

    def centred(self, first: int, last: int) -> View:
        """The middle of `first..last` in the middle of the view, the cursor at its first version."""
        middle = (first + last) // 2
        return self._placed(middle - self.length // 2, self.length, first).moved(first)

    def fitted(self, first: int, last: int, width: int) -> View:
        """Exactly `first..last` with a tenth of room on both sides, as far as one version per cell allows."""
        wanted = last - first + 1
        length = min(self.whole, max(min(width, self.whole), wanted + 2 * (wanted // 10 + 1)))
        return self._placed(first - (length - wanted) // 2, length, first)

    def about(self, other: View) -> View:
        """What `other` shows, with the cursor where it is as long as it is in view there."""
        return self._placed(other.start, other.length, self.cursor)

    def shown(self, start: int, end: int) -> View:
        """Another part of the axis, the cursor drawn along where it must."""
        return self._placed(start, end - start, self.cursor)

    def rescaled(self, whole: int, near: int | None = None) -> View:
        """The same place on an axis that has grown or shrunk; a view of what is shown first stays one."""
        whole = max(1, whole)
        rescaled = replace(self, whole=whole, near=near)
        if not self.at_home:
            return rescaled._placed(self.start, self.length, self.cursor)
        cursor = rescaled.home - 1 if self.cursor == self.home - 1 else self.cursor
        return rescaled._placed(0, rescaled.home, cursor)

    def _placed(self, start: int, length: int, cursor: int) -> View:
        length = min(max(1, length), self.whole)
        start = min(max(0, start), self.whole - length)
        return replace(self, start=start, end=start + length, cursor=min(max(start, cursor), start + length - 1))


@dataclass(frozen=True, slots=True)
class Place:
    """Where the operator is: a viewport with its cursor, and the lane of the cursor.

    `zone` is a problem, or `entry` an entry, that was gone to as such: it stays selected until the cursor moves, also
    where others lie at the same version, or where it takes no version at all. `last` is the problem that was selected
    last: the list goes on from there, and where several lie at one version it stays selected.
    """

    view: View
    lane: LaneKind = LaneKind.TRANSACTIONS
    zone: int | None = None
    entry: Entry | None = None
    last: int | None = None

    def at(self, view: View, lane: LaneKind | None = None) -> Place:
        """With another viewport or lane; once the cursor is elsewhere, what lies there counts."""
        lane = lane or self.lane
        if (view.cursor, lane) == (self.view.cursor, self.lane):
            return replace(self, view=view)
        return Place(view, lane, last=self.last)

    def on_zone(self, zone: int, view: View, lane: LaneKind) -> Place:
        """Gone to a problem."""
        return Place(view, lane, zone=zone, last=zone)

    def on_entry(self, entry: Entry, view: View) -> Place:
        """Gone to an entry."""
        return Place(view, entry.lane, entry=entry, last=self.last)

    def renumbered(self, numbers: Mapping[int, int]) -> Place:
        """After another look at the store, where the problems have other places in the report, or are gone."""
        zone, last = (None if each is None else numbers.get(each) for each in (self.zone, self.last))
        return replace(self, zone=zone, last=last)


@dataclass(frozen=True, slots=True)
class History:
    """Where the operator has been: `back` and `forward` of the present place, nearest last."""

    back: tuple[Place, ...] = field(default=())
    forward: tuple[Place, ...] = field(default=())

    def went(self, origin: Place) -> History:
        """After a jump away from `origin`; what was forward is forgotten."""
        if self.back and self.back[-1] == origin:
            return History(self.back)
        return History((*self.back, origin)[-HISTORY_KEPT:])

    def undone(self, now: Place) -> tuple[History, Place] | None:
        """One place back, or None at the oldest."""
        if not self.back:
            return None
        return History(self.back[:-1], (*self.forward, now)), self.back[-1]

    def redone(self, now: Place) -> tuple[History, Place] | None:
        """One place forward, or None at the newest."""
        if not self.forward:
            return None
        return History((*self.back, now), self.forward[:-1]), self.forward[-1]

    def renumbered(self, numbers: Mapping[int, int]) -> History:
        """After another look at the store."""
        back, forward = (tuple(each.renumbered(numbers) for each in side) for side in (self.back, self.forward))
        return History(back, forward)
