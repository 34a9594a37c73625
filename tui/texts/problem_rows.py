"""The rows of the problems list: mark, title, lane, range, how large, how many manifests; what has room is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len

from core.model import LaneKind, Zone
from tui.glyphs import Glyphs
from tui.numbers import counted, short, span, whole
from tui.safe_text import cut, fit, padded, shorten
from tui.state import Session
from tui.texts.common import MEASURED, widest
from tui.texts.notes import note_lead, note_more
from tui.texts.summary import is_gap, zone_mark
from tui.widgets.painted import Row

_LEAST_TITLE_CELLS = 12
_LEAST_NOTE_CELLS = 12
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
    lead: tuple[str, str] = ("", "text")
    note: str = ""


class ZoneRows:
    """Problems as rows whose columns line up, each made when it comes in sight; the first ones set the widths."""

    def __init__(self, session: Session, zones: Sequence[int], glyphs: Glyphs) -> None:
        """`zones` are places in the session's report."""
        self._session = session
        self._zones = zones
        self._glyphs = glyphs
        self._made: dict[int, _Facts] = {}
        first = [self._facts(index) for index in range(min(len(zones), MEASURED))]
        self._titles = widest(each.title for each in first)
        self._places = widest(each.place for each in first if each.ranged)
        self._firsts = widest(each.first for each in first if each.ranged)
        self._sizes = widest(each.size for each in first)

    def __len__(self) -> int:
        return len(self._zones)

    def _facts(self, index: int) -> _Facts:
        if index not in self._made:
            place = self._zones[index]
            facts = _facts(self._session, self._session.zones[place], self._glyphs)
            lead, note = note_lead(self._session, place, self._glyphs), note_more(self._session, place)
            self._made[index] = replace(facts, lead=lead, note=note)
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
            *self._titled(facts, title),
            (f"{facts.lane:<{_LANE_CELLS}}", "dim"),
        ]
        room = width - fixed - title
        if not facts.ranged:
            return (
                *runs,
                (self._cut(facts.note or facts.place, max(0, room), facts.is_name and not facts.note), "text"),
            )
        runs.append(((facts.first if brief else facts.place).ljust(place), "text"))
        if facts.note and room - place >= _LEAST_NOTE_CELLS:
            return (*runs, (f"  {self._cut(facts.note, room - place - 2)}", "dim"))
        return (*runs, *self._amounts(facts, room - place))

    def _titled(self, facts: _Facts, width: int) -> Row:
        """The title behind what is noted on the problem; together they have the room that titles alone take up."""
        lead, style = facts.lead
        if not lead:
            return ((padded(shorten(facts.title, width, self._glyphs.ellipsis), width + 2), "text"),)
        lead = fit(lead, width)
        room = width - cell_len(lead)
        return (lead, style), (padded(self._cut(facts.title, room), room + 2), "text")

    def _cut(self, words: str, room: int, is_name: bool = False) -> str:
        """Names lose their middle, sentences their end."""
        return (shorten if is_name else cut)(words, room, self._glyphs.ellipsis)

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
