"""What an operator decided about the problems of a store: which entry to keep, or to leave a problem alone for now.

A zone is known again by its `id`, so that a note lasts as long as the conflict stays what it was. Notes only sort and
mark the list of problems, and offer pins and vetoes to a plan: no verdict and no exit code depends on them. They are
kept outside the store, on this machine (`core.private_files`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import accumulate, islice
from pathlib import Path
from typing import Any, Final

from core.errors import UsageError
from core.model import Zone
from core.private_files import PrivateFiles

MAX_NOTES: Final = 2_000
"""More notes than these on one store are not kept; the oldest go first."""
MAX_HANDLES: Final = 10_000
"""So many pins and vetoes one zone has at most."""
MAX_REASON_CHARS: Final = 500
MAX_IDENTITIES: Final = 100
"""So many identities of one store are kept with its notes."""
_MAX_CHARS: Final = 4_000_000
_MAX_BYTES: Final = 64 << 20
_VERSION: Final = 1


class Standing(StrEnum):
    """Where the operator stands with a zone."""

    OPEN = "open"
    DECIDED = "decided"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class ZoneState:
    """What was decided about one zone.

    `pins` and `vetoes` are handles of manifests and belong to DECIDED; `reason` and `until` (unix seconds, None for
    good) to IGNORED.
    """

    standing: Standing = Standing.OPEN
    pins: frozenset[str] = frozenset()
    vetoes: frozenset[str] = frozenset()
    reason: str = ""
    until: float | None = None

    @property
    def chars(self) -> int:
        """How much there is to be kept of it."""
        return len(self.reason) + sum(map(len, self.pins)) + sum(map(len, self.vetoes))

    def is_over(self, now: float) -> bool:
        """Whether the time for which a zone was to be ignored has passed at `now`, unix seconds."""
        return self.until is not None and now >= self.until


OPEN: Final = ZoneState()
_ORDER: Final = tuple(Standing)


@dataclass(frozen=True, slots=True)
class Triage:
    """The notes on the zones of one store, by the zones' ids, the newest last. Times are unix seconds."""

    notes: Mapping[str, ZoneState] = field(default_factory=dict)

    def state_of(self, zone: Zone, now: float) -> ZoneState:
        """What was decided about a zone: nothing, if it is another than it was, or the time of ignoring it is over."""
        # What a zone is known by is worked out when it is asked for, and a store may have hundreds of thousands.
        state = self.notes.get(zone.id, OPEN) if self.notes else OPEN
        return OPEN if state.is_over(now) else state

    def decide(self, zone: Zone, pins: Iterable[str] = (), vetoes: Iterable[str] = ()) -> Triage:
        """Choose among the entries of a zone; a zone with neither pins nor vetoes is open again.

        Raises `UsageError` for more than can be kept.
        """
        state = ZoneState(Standing.DECIDED, frozenset(pins), frozenset(vetoes))
        if _is_too_much(state):
            raise UsageError(
                f"these are more pins and vetoes than can be kept for one problem: {len(state.pins | state.vetoes):,}",
                hint=f"up to {MAX_HANDLES:,} manifests can be named",
            )
        return self._with(zone, state) if state.pins or state.vetoes else self.reopen(zone)

    def ignore(self, zone: Zone, reason: str, until: float | None = None) -> Triage:
        """Leave a zone alone, until some moment or for good; only so much of the reason is kept."""
        return self._with(zone, ZoneState(Standing.IGNORED, reason=reason[:MAX_REASON_CHARS], until=until))

    def reopen(self, zone: Zone) -> Triage:
        """Forget what was decided about a zone."""
        return Triage({id_: state for id_, state in self.notes.items() if id_ != zone.id})

    def in_order(self, zones: Iterable[Zone], now: float) -> tuple[Zone, ...]:
        """The zones in the order in which they are shown: what is open first, what is ignored last, else as given."""
        return tuple(sorted(zones, key=lambda zone: _ORDER.index(self.state_of(zone, now).standing)))

    def pins(self, zones: Iterable[Zone]) -> frozenset[str]:
        """The pins of those of `zones` that are decided, for `RestoreOptions`."""
        return frozenset().union(*(self.notes.get(zone.id, OPEN).pins for zone in zones))

    def vetoes(self, zones: Iterable[Zone]) -> frozenset[str]:
        """The vetoes of those of `zones` that are decided, for `RestoreOptions`."""
        return frozenset().union(*(self.notes.get(zone.id, OPEN).vetoes for zone in zones))

    def _with(self, zone: Zone, state: ZoneState) -> Triage:
        """The newest notes, as many as are kept, with one that is new."""
        notes = [(zone.id, state), *reversed(tuple(self.reopen(zone).notes.items()))][:MAX_NOTES]
        totals = accumulate(len(id_) + note.chars for id_, note in notes)
        kept = [note for note, total in zip(notes, totals, strict=True) if total <= _MAX_CHARS]
        return Triage(dict(reversed(kept)))


@dataclass(frozen=True, slots=True)
class TriageNotes:
    """The notes on each store, in `folder`. To change one: load, change, save.

    A store is known by where it lies and by its `identities`: where another one was built in the same place, the notes
    on the one before are not about it. A store without an identity is known by its place alone.
    """

    folder: Path

    def load(self, location: str, identities: Collection[str] = ()) -> Triage:
        """The notes on a store; what is damaged is left out."""
        kept = self._files.read(location)
        notes, before = kept.get("notes"), _handles(kept.get("identities"))
        if not isinstance(notes, dict) or (before and identities and before.isdisjoint(identities)):
            return Triage()
        states = ((id_, _state(note)) for id_, note in islice(notes.items(), MAX_NOTES))
        return Triage({id_: state for id_, state in states if state is not None})

    def save(self, location: str, triage: Triage, identities: Collection[str] = ()) -> bool:
        """Replace the notes on a store, in one step; whether that went well."""
        notes = {id_: _note(state) for id_, state in triage.notes.items()}
        return self._files.write(location, {"identities": sorted(identities)[:MAX_IDENTITIES], "notes": notes})

    def forget(self, location: str) -> None:
        """Keep nothing on the store that lies there."""
        self._files.forget(location)

    @property
    def _files(self) -> PrivateFiles:
        return PrivateFiles(self.folder, _VERSION, _MAX_BYTES)


def _note(state: ZoneState) -> dict[str, Any]:
    if state.standing is Standing.DECIDED:
        return {"standing": state.standing.value, "pins": sorted(state.pins), "vetoes": sorted(state.vetoes)}
    return {"standing": state.standing.value, "reason": state.reason, "until": state.until}


def _state(note: Any) -> ZoneState | None:
    """What a note says; None for one that can't be one."""
    if not isinstance(note, dict):
        return None
    decided = ZoneState(Standing.DECIDED, _handles(note.get("pins")), _handles(note.get("vetoes")))
    reason, until = note.get("reason"), note.get("until")
    if note.get("standing") == Standing.DECIDED and (decided.pins or decided.vetoes) and not _is_too_much(decided):
        return decided
    if note.get("standing") == Standing.IGNORED and isinstance(reason, str) and (until is None or _is_moment(until)):
        return ZoneState(Standing.IGNORED, reason=reason[:MAX_REASON_CHARS], until=until)
    return None


def _is_too_much(state: ZoneState) -> bool:
    return len(state.pins) + len(state.vetoes) > MAX_HANDLES or state.chars > _MAX_CHARS // 2


def _handles(given: Any) -> frozenset[str]:
    return frozenset(given) if isinstance(given, list) and all(isinstance(each, str) for each in given) else frozenset()


def _is_moment(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**63
