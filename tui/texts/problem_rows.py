"""The rows of the problems list: mark, title, lane, range, how large, how many manifests; what has room is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from core.model import LaneKind, Zone
from tui.glyphs import Glyphs
from tui.numbers import counted, short, span, whole
from tui.safe_text import fit, padded, safe, shorten
from tui.state import Session
from tui.texts.summary import is_gap, zone_mark
from tui.widgets.painted import Row

#: So many problems set the widths of the columns.
_MEASURED = 500
_LEAST_TITLE_CELLS = 12
_LANE_CELLS = 6


@dataclass(frozen=True, slots=True)
class _Facts:
    """One problem in words."""

    mark: tuple[str, str]
    title: str
    lane: str
    place: str
    ranged: bool = False
    is_name: bool = False
    first: str = ""
    size: str = ""
    manifests: str = ""


class ZoneRows:
    """Problems as rows whose columns line up, each made when it comes in sight; the first ones set the widths."""

    def __init__(self, session: Session, zones: Sequence[Zone], glyphs: Glyphs) -> None:
        self._session = session
        self._zones = zones
        self._glyphs = glyphs
        self._made: dict[int, _Facts] = {}
        first = [self._facts(index) for index in range(min(len(zones), _MEASURED))]
        self._titles = max((cell_len(each.title) for each in first), default=0)
        self._places = max((len(each.place) for each in first if each.ranged), default=0)
        self._firsts = max((len(each.first) for each in first if each.ranged), default=0)
        self._sizes = max((len(each.size) for each in first), default=0)

    def __len__(self) -> int:
        return len(self._zones)

    def _facts(self, index: int) -> _Facts:
        if index not in self._made:
            self._made[index] = _facts(self._session, self._zones[index], self._glyphs)
        return self._made[index]

    def row(self, index: int, width: int) -> Row:
        """One problem. Where the whole range has no room beside the title, only its first version is shown."""
        facts = self._facts(index)
        fixed = 2 + 2 + _LANE_CELLS
        brief = fixed + self._titles + self._places > width
        place = self._firsts if brief else self._places
        title = min(self._titles, max(_LEAST_TITLE_CELLS, width - fixed - place))
        runs = [
            (f"{facts.mark[0]} ", facts.mark[1]),
            (padded(shorten(facts.title, title, self._glyphs.ellipsis), title + 2), "text"),
            (f"{facts.lane:<{_LANE_CELLS}}", "dim"),
        ]
        room = width - fixed - title
        if not facts.ranged:
            return (*runs, (self._cut(facts, max(0, room)), "text"))
        runs.append(((facts.first if brief else facts.place).ljust(place), "text"))
        return (*runs, *self._amounts(facts, room - place))

    def _cut(self, facts: _Facts, room: int) -> str:
        """Names lose their middle, sentences their end."""
        ellipsis = self._glyphs.ellipsis
        if facts.is_name or cell_len(safe(facts.place)) <= room:
            return shorten(facts.place, room, ellipsis)
        return fit(safe(facts.place), room - cell_len(ellipsis)) + ellipsis

    def _amounts(self, facts: _Facts, room: int) -> Row:
        """How large a problem is and how many manifests it has, as far as there is room."""
        if not self._sizes or room < self._sizes + 2:
            return ()
        amount = (f"  {facts.size:>{self._sizes}}", "dim")
        manifests = f"  {facts.manifests}"
        return (amount, (manifests, "dim")) if room >= self._sizes + 2 + len(manifests) else (amount,)


def _facts(session: Session, zone: Zone, glyphs: Glyphs) -> _Facts:
    mark = zone_mark(session, zone, glyphs)
    if zone.first is None or zone.last is None:
        name = _subject(zone)
        place = name or zone.findings[0].explanation
        return _Facts(mark, zone.title, zone.lane.short, place, is_name=bool(name))
    epochs = zone.lane is LaneKind.EPOCH_ENDINGS
    count = short(max(0, zone.last - zone.first + 1))
    size = "" if zone.lane is LaneKind.STATE_SNAPSHOTS else f"{count} {'ep' if epochs else 'ver'}"
    unit = "epoch " if epochs else ""
    return _Facts(
        mark,
        zone.title,
        zone.lane.short,
        unit + span(zone.first, zone.last),
        ranged=True,
        first=unit + whole(zone.first),
        size=size,
        manifests="no manifest" if is_gap(session, zone) else _manifests(zone),
    )


def _manifests(zone: Zone) -> str:
    names = {entry.manifest for finding in zone.findings for entry in finding.entries}
    return counted(len(names), "manifest") if names else "no manifest"


def _subject(zone: Zone) -> str:
    """What a problem without a range is about: a file and line, or a manifest; nothing if it is about many."""
    for finding in zone.findings:
        if finding.claims:
            return str(finding.claims[0]).removeprefix("metadata/")
        if finding.manifests:
            return finding.manifests[0]
    return ""
