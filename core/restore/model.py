"""What a restore preview holds: stock's answer, the chain that works beside it, and what is between them.

Pure values. Rows are rows of the snapshot's lanes; versions are Python ints, closed ranges as on disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np

from core.chain import Chain, Gap, Policy
from core.columns import I64
from core.ground import Ground
from core.index import Index
from core.invocation import Flag, option
from core.model import LaneKind, Severity
from core.restore.skipped import LeftOut
from core.snapshot import Snapshot
from core.stock import StockPlan

if TYPE_CHECKING:
    from core.restore.snapshots import Snapshots


@dataclass(frozen=True, slots=True)
class RestoreOptions:
    """What is asked for. None: everything there is, and no history before the snapshot, as in stock.

    The rest chooses among competing entries, see `core.chain.ChainOptions`; handles of snapshots count as well.
    """

    target_version: int | None = option(Flag.TARGET)
    ledger_history_start: int | None = option(Flag.HISTORY_START)
    policy: Policy = option(Flag.POLICY, Policy.VERIFIED)
    pins: frozenset[str] = option(Flag.PIN, frozenset())
    vetoes: frozenset[str] = option(Flag.VETO, frozenset())
    broken: frozenset[str] = frozenset()
    unverified: frozenset[str] = frozenset()

    @property
    def choices(self) -> RestoreOptions:
        """The same without how far: what decides between manifests."""
        return replace(self, target_version=None, ledger_history_start=None)


def no_rows() -> I64:
    """No rows at all, int64."""
    return np.empty(0, dtype=np.int64)


class Needs(StrEnum):
    """What a restore to the wanted version takes: `best.needs` in the document of `check`."""

    NOTHING = "nothing"
    """Stock does it by itself."""
    OVERLAY = "overlay"
    """A chain leads there; stock has to be shown that chain and nothing else."""
    BACKUP = "backup"
    """No chain leads there until the missing versions are backed up again."""


class StepKind(StrEnum):
    """The steps of a restore, in stock's order (`format.md`, "Restore plan")."""

    EPOCH_ENDINGS = "epoch endings"
    KV_SNAPSHOT = "snapshot, keys+values"
    SAVED = "transactions, saved"
    APPLIED = "transactions, applied"
    TREE_SNAPSHOT = "snapshot, tree"
    WHOLE_SNAPSHOT = "snapshot"
    REPLAYED = "transactions, replayed"


_MARKS: Final = {StepKind.KV_SNAPSHOT: "K", StepKind.TREE_SNAPSHOT: "T", StepKind.WHOLE_SNAPSHOT: "T"}


class StepStatus(StrEnum):
    """What becomes of a step. Stock selects before it restores, so a plan that stops restores nothing at all."""

    OK = "ok"
    STOPS = "stops"
    NOT_REACHED = "not reached"


@dataclass(frozen=True, slots=True, eq=False)
class RestoreStep:
    """One step: what it covers in its lane's unit, and the rows (int64) it reads, as far as they were selected."""

    kind: StepKind
    lane: LaneKind
    first: int
    last: int
    rows: I64 = field(repr=False)
    status: StepStatus = StepStatus.OK

    @property
    def mark(self) -> str:
        """K and T for the key-value and the tree snapshot, else nothing."""
        return _MARKS.get(self.kind, "")

    @property
    def manifests(self) -> int:
        """How many manifests the step reads."""
        return len(self.rows)


@dataclass(frozen=True, slots=True, eq=False)
class StockAnswer:
    """What unpatched stock does with this request.

    `target` is the wish after stock's cap at its greatest version, `lands_at` the last version it would load, below
    the target where a gap is passed over in silence, None where it fails. `error` is what it says, at once or (`late`)
    only after it has begun to restore, with the name of the step that fails before it; `panic` where the process
    aborts. Of broken manifests that stock has no words for it is `READS_BROKEN`. `plan` is None where selection fails.

    `transactions` and `epoch_endings` are the rows (int64) selected, up to the stop. It stops at `stops_row` of
    `stops_lane`, where it `expected` another start than the entry's, None where the entry's end overflows.
    `reads_broken` are the manifests known to be broken among those it would read.
    """

    plan: StockPlan | None = None
    target: int | None = None
    lands_at: int | None = None
    error: str | None = None
    panic: bool = False
    late: bool = False
    kv_snapshot: int | None = None
    tree_snapshot: int | None = None
    transactions: I64 = field(default_factory=no_rows, repr=False)
    epoch_endings: I64 = field(default_factory=no_rows, repr=False)
    stops_lane: LaneKind | None = None
    stops_row: int | None = None
    expected: int | None = None
    steps: tuple[RestoreStep, ...] = field(default=(), repr=False)
    reads_broken: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether stock would end without an error; compare `lands_at` with `target` all the same."""
        return self.error is None


@dataclass(frozen=True, slots=True, eq=False)
class BestRestore:
    """The restore that works on the chain. Rows as in `StockAnswer`; `transactions` are those that it reads.

    `kv_snapshot` differs from `tree_snapshot` where history is wanted from further back (phase 1), and is None where
    no snapshot is old enough for that. `lands_at` is the last version.
    """

    lands_at: int
    kv_snapshot: int | None
    tree_snapshot: int
    transactions: I64 = field(repr=False)
    epoch_endings: I64 = field(repr=False)
    steps: tuple[RestoreStep, ...] = field(repr=False)

    @property
    def manifests(self) -> int:
        """How many manifests the restore reads in all."""
        snapshots = {self.tree_snapshot, self.tree_snapshot if self.kv_snapshot is None else self.kv_snapshot}
        return len(self.transactions) + len(self.epoch_endings) + len(snapshots)


@dataclass(frozen=True, slots=True)
class RestoreNote:
    """Something to know before a restore: the id of a hazard, or `broken-manifest`; how bad it is; a sentence."""

    kind: str
    severity: Severity
    text: str


@dataclass(frozen=True, slots=True)
class WayThrough:
    """What opens the way if one entry is left out: `out_row` of `lane`, and what then has to be backed up again."""

    lane: LaneKind
    out_row: int
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class StoreVerdict:
    """How far a store can be restored, without a wish for a version of its own.

    `latest` is the greatest version that a usable entry covers. Stock restores to `stock_restorable_to` and lands
    there. `stock_error` is what it says when it is asked for everything, None if it ends without an error, which may be
    lower in silence. `stock_fails_from` is the lowest target above what it restores with which it fails, and
    `stock_first_error` what it says there, which may be another thing; both None if it never fails. `oldest_snapshot`
    is the lowest target that works at all. `best_restorable_to` is what chain, snapshots and epoch endings allow
    together, above `latest` where only `metadata_backup/` holds more; `best_needs` what it takes to get there, or to
    the latest version.
    """

    latest: int | None
    stock_restorable_to: int | None
    stock_fails_from: int | None
    stock_error: str | None
    stock_first_error: str | None
    oldest_snapshot: int | None
    best_restorable_to: int | None
    best_needs: Needs

    @property
    def stock_restores_latest(self) -> bool:
        """Whether unpatched stock, asked for everything, restores the latest version."""
        return self.latest is not None and self.stock_restorable_to == self.latest and self.stock_error is None

    @property
    def recoverable(self) -> int:
        """How many versions more than stock does the best restore reaches."""
        return max(0, _count_to(self.best_restorable_to) - _count_to(self.stock_restorable_to))

    @property
    def works_with_target(self) -> int | None:
        """The target with which stock restores the latest version, where it does not when asked for everything."""
        return None if self.stock_error is None or self.stock_restorable_to != self.latest else self.latest


def _count_to(version: int | None) -> int:
    return 0 if version is None else version + 1


@dataclass(frozen=True, slots=True, eq=False)
class RestorePreview:
    """Stock's answer to a request, and the chain that works.

    All rows in here, stock's too, count in `index`: what the snapshot shows, and what the `ground` adds to it.
    Three numbers to be told apart (`gap-below-target`): `requested` (None: everything), `stock.target`, which stock
    makes of it, and where a restore lands. `goal` is the request after the cap at the latest version; None in a store
    without transactions. `transactions` and `epoch_endings` are the chains, `best` the restore along them, None where
    nothing can be restored. `gaps` are those in the way of the goal, `later_gaps` those that no restore meets, but
    stock's compaction and `verify`. `left_out` says why each entry is not used.
    """

    snapshot: Snapshot = field(repr=False)
    ground: Ground = field(repr=False)
    options: RestoreOptions
    goal: int | None
    stock: StockAnswer
    transactions: Chain
    epoch_endings: Chain
    snapshots: Snapshots
    best: BestRestore | None
    needs: Needs
    gaps: tuple[Gap, ...]
    later_gaps: tuple[Gap, ...]
    notes: tuple[RestoreNote, ...]
    ways_through: tuple[WayThrough, ...]
    verdict: StoreVerdict
    left_out: dict[LaneKind, LeftOut] = field(repr=False)

    @property
    def index(self) -> Index:
        """The entries that the rows of this preview count."""
        return self.ground.index

    @property
    def requested(self) -> int | None:
        """The target version that was asked for."""
        return self.options.target_version

    @property
    def wanted(self) -> int | None:
        """Where stock has to land: the version that was asked for, else the latest; None if there are no versions."""
        return self.goal if self.requested is None or self.goal is None else self.requested

    @property
    def complete(self) -> bool:
        """Whether the chain's restore lands on the goal."""
        return self.best is not None and self.best.lands_at == self.goal

    def skipped(self) -> Iterator[tuple[LaneKind, int, str]]:
        """Every entry that the chain's restore does not read: lane, row and why, lane by lane in stock's order."""
        for kind, left_out in self.left_out.items():
            for row in left_out.rows().tolist():
                yield kind, row, left_out.why(row)
