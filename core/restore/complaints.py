"""What stock says of the broken manifests that a plan reads: the words of the first, behind those of the step at work.

Stock reads what it has selected in a fixed order, and its error begins with the name of the step that failed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.chain import named_rows
from core.columns import I64
from core.index import Index
from core.manifests import Evidence, ManifestFacts, ManifestProblem, ManifestStatus
from core.manifests.verify import waypoint_version
from core.model import LaneKind
from core.stock import StockFailure, StockPlan
from core.stock.failure import ADD_OVERFLOW

#: In the place of stock's words where it has none for what is broken, or where these are not known.
READS_BROKEN: Final = "no words of stock's are known: it would read manifests that are known to be broken"
#: `snapshot-none-for-history` in `hazards.md`.
NO_VERSION_DATA: Final = "VersionData at … is missing"

_HISTORY: Final = "epoch history restore failed: "
_EPOCH_ENDING: Final = f"{_HISTORY}epoch ending restore failed: "
_SNAPSHOT: Final = "state snapshot restore failed: "
_TRANSACTIONS: Final = "transaction restore failed: "
#: The first chunk of a step is looked at before the others are read, and its error wrapped once more.
_FIRST_CHUNK: Final = f"{_TRANSACTIONS}Error: "
_EMPTY_HISTORY: Final = "Empty epoch history."
#: These end the process, wherever they come up: no step puts its name before them.
_PANICS: Final = frozenset({ADD_OVERFLOW, "Epoch ending backup can't be empty.", "New leaf must be on the right."})


@dataclass(frozen=True, slots=True)
class BrokenRead:
    """A broken manifest that is read; `leads` if its step reads no other before it."""

    lane: LaneKind
    manifest: str
    leads: bool


def broken_in_plan(index: Index, plan: StockPlan, broken: frozenset[str]) -> tuple[BrokenRead, ...]:
    """The manifests known to be broken that a plan reads, in the order of reading; one may be read twice."""
    return tuple(_broken_reads(index, plan, broken)) if broken else ()


def _broken_reads(index: Index, plan: StockPlan, broken: frozenset[str]) -> Iterator[BrokenRead]:
    for kind, rows in _steps(plan):
        manifests = index.lanes[kind].manifests.take(rows)
        for place in named_rows(manifests, broken).tolist():
            yield BrokenRead(kind, manifests[place], leads=place == 0)


def _steps(plan: StockPlan) -> Iterator[tuple[LaneKind, I64]]:
    """What each step of a restore reads, in stock's order (rows, int64)."""
    yield LaneKind.EPOCH_ENDINGS, plan.epoch_endings
    if plan.phase_1:
        if plan.kv_snapshot is not None:
            yield LaneKind.STATE_SNAPSHOTS, np.array([plan.kv_snapshot], dtype=np.int64)
        yield LaneKind.TRANSACTIONS, plan.phase_1_transactions
    yield LaneKind.STATE_SNAPSHOTS, np.array([plan.tree_snapshot], dtype=np.int64)
    yield LaneKind.TRANSACTIONS, plan.phase_2_transactions


def late_failure(plan: StockPlan, reads: Sequence[BrokenRead], evidence: Evidence | None) -> StockFailure | None:
    """How stock fails only once it carries a plan out, None if it does not; `reads` are its broken manifests."""
    found = ((read, _failure(read, plan, evidence)) for read in reads)
    failures = [(read, failure) for read, failure in found if failure is not None]
    if not len(plan.epoch_endings):
        # The first snapshot's manifest is loaded before its proof is held against the history.
        lost = (failure for read, failure in failures if _is_lost_snapshot(read, evidence))
        begins = _FIRST_CHUNK if plan.phase_1 and plan.kv_snapshot is None else _SNAPSHOT
        return next(lost, StockFailure(begins + _EMPTY_HISTORY))
    if failures:
        return failures[0][1]
    if plan.kv_snapshot is None and plan.phase_1:
        return StockFailure(NO_VERSION_DATA)
    return StockFailure(READS_BROKEN) if reads else None


def _facts(read: BrokenRead, evidence: Evidence | None) -> ManifestFacts | None:
    return evidence.manifest(read.lane, read.manifest) if evidence is not None else None


def _is_lost_snapshot(read: BrokenRead, evidence: Evidence | None) -> bool:
    facts = _facts(read, evidence)
    lost = facts is not None and facts.status is not ManifestStatus.READ
    return lost and read.lane is LaneKind.STATE_SNAPSHOTS


def _failure(read: BrokenRead, plan: StockPlan, evidence: Evidence | None) -> StockFailure | None:
    """What stock says of one broken manifest; None where it says nothing, or that is not known."""
    facts = _facts(read, evidence)
    problems = () if facts is None else facts.problems
    for problem in problems:
        if problem.stock_says and not _passed_over(problem, read, facts, plan):
            panic = problem.stock_says in _PANICS
            prefix = "" if panic else _step_words(read, problem)
            return StockFailure(prefix + problem.stock_says, panic=panic)
    return None


def _passed_over(problem: ManifestProblem, read: BrokenRead, facts: ManifestFacts | None, plan: StockPlan) -> bool:
    """Whether stock says nothing of a problem in this plan, although it does in others.

    An epoch ending is empty only to a target below all of it, and the first chunk of a step is compared with none.
    """
    if problem.hazard == "epoch-cut-panic" and facts is not None and facts.first_waypoint is not None:
        version = waypoint_version(facts.first_waypoint)
        return version is not None and version <= plan.target
    return problem.hazard == "manifest-range-mismatch" and read.lane is LaneKind.TRANSACTIONS and read.leads


def _step_words(read: BrokenRead, problem: ManifestProblem) -> str:
    """What stock puts before the words of a problem."""
    if read.lane is LaneKind.STATE_SNAPSHOTS:
        return _SNAPSHOT
    if read.lane is LaneKind.TRANSACTIONS:
        return _FIRST_CHUNK if read.leads and not problem.chunk else _TRANSACTIONS
    if problem.hazard != "manifest-range-mismatch":
        return f"{_EPOCH_ENDING}Preheat failed: "
    return _HISTORY if (problem.stock_says or "").startswith("Restored LedgerInfo") else _EPOCH_ENDING
