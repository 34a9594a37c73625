"""What a recovery is made of: the chain that exists, with what has to be added for stock to read it.

Added are lines that are in no file of `metadata/` yet: recovered ones, which a torn or racing compaction left only in
`metadata_backup/`, and those of derived manifests, which list a run of another manifest's chunks as they are
(`recovery.md`, "Chains", "Facts that shape everything", 7). Repair makes them visible in the store, an overlay beside
it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from core.chain.cost import claims_of
from core.columns import I64
from core.form import Form
from core.ground import AddedLine
from core.index import Index
from core.manifests import Evidence
from core.model import LaneKind, RangeRecord
from core.restore import RestoreOptions, RestorePreview, UnusedChoice, unused_pins, unused_vetoes
from core.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class DerivedManifest:
    """A manifest that lists the chunks `begin` to `end` (exclusive, counted from 0) of the manifest `source`.

    `record` is the line that names it, `record.manifest` its handle, `content` what it says. Both are determined by the
    source, so that planning again gives the same manifest under the same name. In the store it has the `form` of its
    source: whoever reads the one reads the other.
    """

    lane: LaneKind
    source: str
    begin: int
    end: int
    record: RangeRecord
    content: bytes
    form: Form = Form.PLAIN


@dataclass(frozen=True, slots=True)
class ReachCost:
    """Choices of the operator that cost reach: a restore lands at `reached`, and `without` them higher up.

    `reached` is None where nothing can be restored with them.
    """

    manifests: tuple[str, ...]
    without: int
    reached: int | None


@dataclass(frozen=True, eq=False)
class Recovery:
    """The best restore that a store allows, and what stock has to see, and not to see, for it.

    `preview` is the answer of stock as things are beside the chain; its chains run over `index`: the visible entries
    and the `added`. For each lane `rejected` are the rows (int64) of `snapshot.index` that are to be seen no more;
    `tail` those behind a true gap, which no chain reaches: they are kept unless they are parked. `added` and `derived`
    are only those that the chain uses. `evidence` is what was known of manifests in the end, None if nothing was asked.
    `wishes` are the operator's choices as they were given; those of the preview hold what is known to be broken too.
    `costs` are those of them that cost reach.
    """

    snapshot: Snapshot = field(repr=False)
    preview: RestorePreview
    rejected: Mapping[LaneKind, I64]
    tail: Mapping[LaneKind, I64]
    added: tuple[AddedLine, ...] = ()
    derived: tuple[DerivedManifest, ...] = ()
    evidence: Evidence | None = field(default=None, repr=False)
    wishes: RestoreOptions = field(default_factory=RestoreOptions)
    costs: tuple[ReachCost, ...] = ()

    @property
    def index(self) -> Index:
        """The visible entries and the added ones."""
        return self.preview.index

    @cached_property
    def unused_pins(self) -> tuple[UnusedChoice, ...]:
        """What was pinned and is not used."""
        return unused_pins(self.preview)

    @cached_property
    def unused_vetoes(self) -> tuple[UnusedChoice, ...]:
        """What was vetoed and is nowhere."""
        return unused_vetoes(self.preview)

    @property
    def has_unused_choices(self) -> bool:
        """Whether the operator chose something that makes no difference: whoever goes on has to know of it."""
        return bool(self.unused_pins or self.unused_vetoes)

    @property
    def proven_minimal(self) -> bool:
        """Whether no chain that is as good in all that the policy asks for first has a repair retire fewer files.

        Chains are weighed lane by lane, so nothing is proved where a file with rejected entries holds two lanes.
        """
        chains = (self.preview.transactions, self.preview.epoch_endings)
        touched = [self._files_with(chain.lane.kind, self.rejected[chain.lane.kind]) for chain in chains]
        held = [np.unique(self.snapshot.index.lanes[chain.lane.kind].claim_file) for chain in chains]
        mixed = len(np.intersect1d(touched[0], held[1])) + len(np.intersect1d(touched[1], held[0]))
        return not mixed and all(chain.proven_minimal for chain in chains)

    def _files_with(self, kind: LaneKind, rows: I64) -> I64:
        lane = self.snapshot.index.lanes[kind]
        return np.unique(claims_of(lane, rows)[1])
