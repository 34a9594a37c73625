"""What the operator noted about the problems, as the screens need it: in what order they are listed, what is chosen.

Pure, except for `Notes`, which keeps the notes on this machine. A note marks and sorts; no verdict depends on one.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from core.model import Entry, LaneKind, Zone
from core.triage import Standing, Triage, TriageNotes, ZoneState
from tui.listing import listing_of
from tui.texts.summary import distinct_entries

if TYPE_CHECKING:
    from core.snapshot import Snapshot
    from tui.state import Session

#: Seconds of the units in which somebody says for how long a problem is to be left alone.
_UNITS: Final = {"min": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_FOR: Final = re.compile(r"(\d{1,6})(min|h|d|w)", re.ASCII)
_UNTIL: Final = "until"
_DATES: Final = ("%Y-%m-%d", "%Y-%m-%dT%H:%M")


@dataclass(frozen=True, slots=True)
class Ignoring:
    """How a problem is to be left alone: why, and until when (unix seconds), None for good."""

    reason: str
    until: float | None = None


def parse_ignoring(typed: str, now: float) -> Ignoring | str:
    """`3d reason`, `until 2026-12-01 reason` (in UTC) or just a reason; a sentence if it is none of these."""
    words = typed.split()
    until: float | None = None
    if words and (match := _FOR.fullmatch(words[0].lower())):
        until, words = now + int(match[1]) * _UNITS[match[2]], words[1:]
    elif len(words) > 1 and words[0].lower() == _UNTIL:
        until, words = _moment(words[1]), words[2:]
        if until is None:
            return "type a day as 2026-12-01, or a moment as 2026-12-01T09:00 (UTC)"
    if until is not None and until <= now:
        return "that moment has passed"
    return Ignoring(" ".join(words), until) if words else "say why: a reason is kept with it"


def _moment(word: str) -> float | None:
    for form in _DATES:
        try:
            return datetime.strptime(word, form).replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
    return None


def noted(session: Session) -> Session:
    """The session with what its notes say of its problems, and the list of these.

    What is decided comes behind what is open, problems before mere notices, and what is ignored last of all.
    """
    triage, zones, count = session.triage, session.zones, session.problem_count
    if not triage.notes or session.snapshot is None:
        listing = listing_of(zones, range(len(zones)), count, (), session.filter)
        return replace(session, notes={}, listing=listing)
    now, places = session.snapshot.taken_at, {id(zone): index for index, zone in enumerate(zones)}
    states = {index: triage.state_of(zone, now) for index, zone in enumerate(zones)}
    notes = {index: state for index, state in states.items() if state.standing is not Standing.OPEN}
    listed = [places[id(zone)] for kind in (zones[:count], zones[count:]) for zone in triage.in_order(kind, now)]
    order = sorted(listed, key=lambda index: is_ignored(states[index]))
    return replace(session, notes=notes, listing=listing_of(zones, order, count, notes, session.filter))


def is_ignored(state: ZoneState) -> bool:
    """Whether a problem is to be left alone."""
    return state.standing is Standing.IGNORED


def zone_of(session: Session, a: Entry, b: Entry) -> int | None:
    """The problem that two entries are in, by its place in the report; None if they are in none together."""
    within = [index for index, zone in enumerate(session.zones) if holds(zone, a) and holds(zone, b)]
    shown = (index for index in within if {a, b} <= set(distinct_entries(session.zones[index])))
    return next(shown, within[0] if within else None)


def holds(zone: Zone, entry: Entry) -> bool:
    """Whether an entry lies in the range of a zone, whether the zone's findings show it or not."""
    if zone.lane is not entry.lane or zone.first is None or zone.last is None:
        return False
    last = entry.first if entry.lane is LaneKind.STATE_SNAPSHOTS else entry.last
    return zone.first <= entry.first and last <= zone.last


def chosen_before(snapshot: Snapshot, zones: tuple[Zone, ...], triage: Triage) -> tuple[Entry, ...]:
    """The entries that were chosen in earlier sessions and still compete: meant for a worker thread."""
    from core.chain import named_rows

    found: list[Entry] = []
    for zone in zones:
        pins = triage.state_of(zone, snapshot.taken_at).pins
        if pins:
            lane = snapshot.index.lanes[zone.lane]
            entries = lane.entries(named_rows(lane.manifests, pins).tolist())
            found += (entry for entry in entries if holds(zone, entry))
    return tuple(found)


class Notes:
    """The notes on one store, kept on this machine; without `files` they last as long as the session.

    Every method reads or writes files: meant for worker threads, of which several may come at once.
    """

    def __init__(self, files: TriageNotes | None) -> None:
        self._files = files
        self._lock = threading.Lock()

    @property
    def lasting(self) -> bool:
        """Whether they last longer than the session."""
        return self._files is not None

    def load(self, location: str, snapshot: Snapshot) -> Triage:
        """What is noted of the store that was seen."""
        return self._files.load(location, snapshot.identities) if self._files else Triage()

    def keep(self, location: str, snapshot: Snapshot, zone: Zone, latest: Callable[[], Triage]) -> bool:
        """Keep what `latest` says of one zone now, beside what others noted meanwhile; whether that went well."""
        if self._files is None:
            return False
        with self._lock:
            state = latest().notes.get(zone.id)
            identities = snapshot.identities
            noted_by_others = self._files.load(location, identities)
            return self._files.save(location, noting(noted_by_others, zone, state), identities)


def noting(triage: Triage, zone: Zone, state: ZoneState | None) -> Triage:
    """The notes with another one on a zone; with None it is open."""
    if state is None or state.standing is Standing.OPEN:
        return triage.reopen(zone)
    if state.standing is Standing.DECIDED:
        return triage.decide(zone, state.pins, state.vetoes)
    return triage.ignore(zone, state.reason, state.until)
