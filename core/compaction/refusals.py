"""What a refused compaction says: the hazard, the zone, stock's words and the way on (`recovery.md`, "Compaction")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from core.compaction.preview import CompactionPreview
from core.findings import commands
from core.findings.leads import is_about_compaction, spans
from core.findings.search import worst_first
from core.invocation import Check
from core.model import Finding, LaneKind, Zone
from core.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a change must not be made: a hazard id, what it is, stock's own words, the way on, the zone it lies in.

    `then` says what follows where the way on is a look.
    """

    kind: str
    explanation: str
    stock_says: str | None
    next_step: str
    zone: Zone | None
    then: str = ""


class Checked(Protocol):
    """What a check found, as far as it helps to explain a refusal."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything."""

    @property
    def zones(self) -> tuple[Zone, ...]:
        """The findings grouped."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What is looked at: the store, what stock would do with it at `now` (unix seconds), and what a check found."""

    snapshot: Snapshot
    preview: CompactionPreview
    now: int
    report: Checked | None

    def listing(self, folder: str) -> str:
        """A command that lists a folder of the store."""
        return commands.listing(self, folder)

    def look_at(self, handle: str) -> str:
        """A command that shows a file."""
        return commands.look_at(self, handle)

    def dated(self, handle: str) -> str:
        """A command that shows the time of this machine, and that of a file."""
        return commands.dated(self, handle)

    @property
    def look_again(self) -> str:
        """The way on where nothing better is known."""
        return str(Check(self.snapshot.location))

    def finding(self, of: Callable[[Finding], bool]) -> Finding | None:
        """The worst finding that is such."""
        return min(filter(of, self.report.findings), key=worst_first, default=None) if self.report else None

    def way_on(self, finding: Finding | None) -> str:
        """The next step of a finding, unless that is to preview a compaction."""
        return self.look_again if finding is None or is_about_compaction(finding) else finding.next_step

    def follows(self, finding: Finding | None) -> str:
        """What follows from that step."""
        return "" if finding is None or is_about_compaction(finding) else finding.then

    def zone_at(self, kind: LaneKind, row: int) -> Zone | None:
        """The zone around an entry that does not go on from the one before it."""
        if self.report is None:
            return None
        first = int(self.snapshot.index.lanes[kind].first[row])
        # Where versions are missing the zone ends right before the entry at which it is noticed.
        near = (first, first - 1)
        here = (zone for zone in self.report.zones if zone.lane is kind)
        return next((zone for zone in here if any(spans(zone, version) for version in near)), None)
