"""One check's view of a store: the snapshot, and facts that several detectors share, each worked out once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.chain import Chain, find_chain
from core.chain.cost import claims_of
from core.codec import UNKNOWN_KIND
from core.columns import I64, Lane, Mask
from core.findings.contents import Contents, contents_of
from core.findings.filling import fills, rows_inside
from core.findings.handles import odd_rows
from core.findings.sweep import Sweep, sweep
from core.form import forms_of
from core.index import Index, MetaFile
from core.journal.denylist import denied_rows
from core.lane_difference import absent_rows
from core.model import U64_MAX, LaneKind, RangeRecord, TimestampsRecord, end_of
from core.names import MetadataName, handle_problem, parse_backup_folder, parse_metadata_name
from core.snapshot import Snapshot
from core.stock import (
    CHART_FACTORS,
    CompactionOptions,
    CompactionRun,
    StockFailure,
    greatest_working_target,
    load_error,
    newest_timestamps,
    simulate_compaction,
)
from core.storage.protocol import ListedKind

if TYPE_CHECKING:
    from core.journal import Unfinished
    from core.manifests import Evidence

#: What is simulated in any case: stock's own default, and the factors of the official chart.
USUAL_FACTORS: Final = (CompactionOptions(), CHART_FACTORS)


#: The lanes whose entries must follow each other.
CHAINED: Final = (LaneKind.TRANSACTIONS, LaneKind.EPOCH_ENDINGS)
#: The lanes that hold entries.
ENTRY_LANES: Final = (*CHAINED, LaneKind.STATE_SNAPSHOTS)


F64: TypeAlias = NDArray[np.float64]
_Column = TypeVar("_Column", Mask, F64)


def _over_claims(merge: np.ufunc, lane: Lane, of_file: _Column) -> _Column:
    """For each entry what `merge` makes of the values of all files that claim it."""
    if not len(lane):
        return of_file[:0]
    merged: _Column = merge.reduceat(of_file[lane.claim_file], lane.claim_start[:-1])
    return merged


@dataclass(frozen=True, eq=False)
class Case:
    """A snapshot under examination at `now` (unix seconds).

    `factors` are simulated besides the usual 1 and 100; `evidence` is what levels 2 to 4 read, None below;
    `unfinished` says which operations have no end and who is at work, `denylist` what repairs rejected, each entry with
    the operation.
    """

    snapshot: Snapshot
    now: float
    factors: tuple[CompactionOptions, ...] = ()
    evidence: Evidence | None = None
    unfinished: Unfinished | None = None
    denylist: Mapping[RangeRecord, str] = field(default_factory=dict)

    @property
    def index(self) -> Index:
        """What `metadata/` holds."""
        return self.snapshot.index

    @property
    def retired(self) -> Index:
        """What `metadata_backup/` holds: evidence, nothing that stock reads."""
        return self.snapshot.retired

    def lane(self, kind: LaneKind) -> Lane:
        """The visible entries of one kind."""
        return self.index.lanes[kind]

    @cached_property
    def load_error(self) -> StockFailure | None:
        """Why stock can't load the store at all."""
        return load_error(self.snapshot)

    @cached_property
    def works_to(self) -> int | None:
        """The greatest version to which stock restores today, None if it restores nothing."""
        return None if self.load_error else greatest_working_target(self.index)

    @cached_property
    def sweeps(self) -> dict[LaneKind, Sweep]:
        """Gaps and overlaps of the lanes whose entries must follow each other."""
        return {kind: sweep(self.lane(kind)) for kind in CHAINED}

    @cached_property
    def stands_alone(self) -> dict[LaneKind, Mask]:
        """For each lane and row (bool) whether no compacted or repaired file claims the entry."""
        alone = np.array([name is None or name.alone for name in self.names], dtype=np.bool_)
        return {kind: _over_claims(np.logical_and, self.lane(kind), alone) for kind in CHAINED}

    @cached_property
    def written(self) -> dict[LaneKind, F64]:
        """For each lane and row (float64) when the oldest file that claims the entry was written, unix seconds."""
        modified = np.array([file.listed.modified for file in self.index.files], dtype=np.float64)
        return {kind: _over_claims(np.minimum, self.lane(kind), modified) for kind in CHAINED}

    @cached_property
    def odd_rows(self) -> dict[LaneKind, I64]:
        """For each lane the rows whose handle is not the one that stock would give them."""
        return {kind: odd_rows(self.lane(kind)) for kind in ENTRY_LANES}

    @cached_property
    def only_retired(self) -> dict[LaneKind, I64]:
        """For each lane the rows of the retired lane whose entries survive nowhere else."""
        return {kind: absent_rows(self.retired.lanes[kind], self.lane(kind)) for kind in ENTRY_LANES}

    @cached_property
    def recoverable(self) -> dict[LaneKind, I64]:
        """`only_retired` without what a repair rejected: that stays where it is."""
        kept = self.only_retired
        denied = {kind: denied_rows(self.retired.lanes[kind], self.denylist) for kind in kept} if self.denylist else {}
        return {kind: np.setdiff1d(rows, denied[kind]) for kind, rows in kept.items()} if denied else kept

    @cached_property
    def hidden_lines(self) -> I64:
        """For each retired file how many of its lines are not visible in `metadata/`, bad lines included."""
        hidden = np.array([file.bad_lines + (file.fault is not None) for file in self.retired.files], dtype=np.int64)
        for kind, rows in self.only_retired.items():
            _, file = claims_of(self.retired.lanes[kind], rows)
            hidden += np.bincount(file, minlength=len(hidden))
        return hidden

    @cached_property
    def names(self) -> tuple[MetadataName | None, ...]:
        """What the name of each file of `index.files` promises."""
        return tuple(parse_metadata_name(file.listed.name) for file in self.index.files)

    @cached_property
    def contents(self) -> dict[LaneKind, Contents]:
        """What each file of `index.files` really holds of each lane."""
        return {kind: contents_of(self.lane(kind), len(self.index.files)) for kind in ENTRY_LANES}

    @cached_property
    def newest_timestamps(self) -> TimestampsRecord | None:
        """The compaction record that stock goes by."""
        return newest_timestamps(self.index)

    @cached_property
    def options(self) -> tuple[CompactionOptions, ...]:
        """The compactions to simulate."""
        return tuple(dict.fromkeys((*USUAL_FACTORS, *self.factors)))

    @cached_property
    def compactions(self) -> tuple[CompactionRun, ...]:
        """What stock's compaction would do, once for each set of options."""
        return tuple(simulate_compaction(self.index, each, int(self.now)) for each in self.options)

    @cached_property
    def backup_folders(self) -> dict[LaneKind, list[tuple[int, str]]]:
        """Where the backups at the top of the store begin by their names, and these names, in order."""
        found: dict[LaneKind, list[tuple[int, str]]] = {}
        for listing in self.snapshot.root:
            folder = parse_backup_folder(listing.name) if listing.kind is ListedKind.FOLDER else None
            if folder is not None and not folder.derived:
                found.setdefault(folder.kind, []).append((folder.first, listing.name))
        return {kind: sorted(folders) for kind, folders in found.items()}

    @cached_property
    def file_numbers(self) -> dict[str, int]:
        """The number in `index.files` of each handle."""
        return {file.handle: number for number, file in enumerate(self.index.files)}

    @cached_property
    def greatest_version(self) -> int | None:
        """The greatest version that any transaction entry covers; inverted entries cover nothing."""
        lane = self.lane(LaneKind.TRANSACTIONS)
        covering = lane.last[lane.first <= lane.last]
        return int(np.max(covering)) if len(covering) else None

    @cached_property
    def chains(self) -> dict[LaneKind, Chain]:
        """The chain that works as far as any does, for each lane that needs one."""
        return {kind: find_chain(self.lane(kind)) for kind in CHAINED}

    @cached_property
    def takes_repair(self) -> bool:
        """Whether a repair can work here: it has read every line and can name whatever it retires.

        Nor does it work where plain and gzip files are mixed, or rewrite a file that a newer tool may have written.
        """
        newer = any(problem.hazard == UNKNOWN_KIND for problem in self.index.problems)
        sound = all(file.fault is None and handle_problem(file.handle) is None for file in self.index.files)
        return sound and not newer and self.snapshot.complete and not forms_of(self.index).mixed

    @cached_property
    def unfilled(self) -> dict[LaneKind, int]:
        """For each lane that needs a chain, where the first gap begins that no retired entry fills; 2**64 if none."""
        return {kind: self._unfilled(kind) for kind in CHAINED}

    def _unfilled(self, kind: LaneKind) -> int:
        lane, rows = self.retired.lanes[kind], self.recoverable[kind]
        for gap in self.sweeps[kind].gaps():
            if not fills(lane, rows_inside(lane, rows, gap.first, gap.last), gap.first, gap.last):
                return gap.first
        return end_of(U64_MAX)

    def repairs(self, kind: LaneKind, first: int) -> bool:
        """Whether a repair mends what is wrong from `first` on: it keeps what lies behind a true gap as it is."""
        return self.takes_repair and first <= self.unfilled.get(kind, first)

    def in_flight(self, file: MetaFile) -> bool:
        """Whether a file is so young that a writer may still be at it."""
        return self.snapshot.in_flight(file, self.now)
