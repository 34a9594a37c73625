"""What unpatched stock answers to a request, told so that it can stand beside the chain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.columns import I64, Lane
from core.ground import Ground
from core.index import Index
from core.manifests import Evidence
from core.model import U64_MAX, LaneKind
from core.restore.complaints import broken_in_plan, late_failure
from core.restore.model import RestoreOptions, StockAnswer
from core.restore.steps import Selection, restore_steps
from core.snapshot import Snapshot
from core.stock import (
    StockFailure,
    load_error,
    max_transaction_version,
    restore_plan,
    select_state_snapshot,
)
from core.stock.selection import rows_up_to
from core.stock.walk import Offence, first_offence


def ask_stock(snapshot: Snapshot, options: RestoreOptions, evidence: Evidence | None = None) -> StockAnswer:
    """Stock's answer to a request, whoever asks: of `options` only the two versions are known to it.

    Of the manifests that are `broken` in the options, `evidence` tells what stock says when it reads them.
    """
    index = snapshot.index
    failure = load_error(snapshot)
    if failure is not None:
        return StockAnswer(error=failure.message, panic=failure.panic)
    try:
        plan = restore_plan(index, options.target_version, options.ledger_history_start)
    except StockFailure as refusal:
        return _refused(index, refusal, options)
    reads = broken_in_plan(index, plan, options.broken)
    late = late_failure(plan, reads, evidence)
    selection = Selection(plan.epoch_endings, plan.kv_snapshot, plan.tree_snapshot, plan.transactions, plan.target)
    return StockAnswer(
        plan=plan,
        target=plan.target,
        lands_at=plan.lands_at if late is None else None,
        error=late.message if late else None,
        panic=late.panic if late else False,
        late=late is not None,
        kv_snapshot=plan.kv_snapshot,
        tree_snapshot=plan.tree_snapshot,
        transactions=plan.transactions,
        epoch_endings=plan.epoch_endings,
        steps=restore_steps(index, selection),
        reads_broken=tuple(dict.fromkeys(read.manifest for read in reads)),
    )


def on_ground(answer: StockAnswer, ground: Ground) -> StockAnswer:
    """The same answer with its rows counted among all entries of a ground."""
    if not any(len(rows) for rows in ground.added.values()):
        return answer
    places = {kind: ground.visible(kind) for kind in ground.index.lanes}

    def all_of(kind: LaneKind, rows: I64) -> I64:
        return places[kind][rows]

    def one_of(kind: LaneKind | None, row: int | None) -> int | None:
        return None if kind is None or row is None else int(places[kind][row])

    kv, tree = (one_of(LaneKind.STATE_SNAPSHOTS, row) for row in (answer.kv_snapshot, answer.tree_snapshot))
    transactions = all_of(LaneKind.TRANSACTIONS, answer.transactions)
    epochs = all_of(LaneKind.EPOCH_ENDINGS, answer.epoch_endings)
    plan = answer.plan
    if plan is not None and tree is not None:
        plan = replace(
            plan,
            kv_snapshot=kv,
            tree_snapshot=tree,
            transactions=transactions,
            epoch_endings=epochs,
            phase_1_transactions=all_of(LaneKind.TRANSACTIONS, plan.phase_1_transactions),
            phase_2_transactions=all_of(LaneKind.TRANSACTIONS, plan.phase_2_transactions),
        )
    return replace(
        answer,
        plan=plan,
        kv_snapshot=kv,
        tree_snapshot=tree,
        transactions=transactions,
        epoch_endings=epochs,
        stops_row=one_of(answer.stops_lane, answer.stops_row),
        steps=tuple(replace(step, rows=all_of(step.lane, step.rows)) for step in answer.steps),
    )


def _refused(index: Index, refusal: StockFailure, options: RestoreOptions) -> StockAnswer:
    """Stock stops while it selects: what it had taken by then, and where it stops."""
    answer = StockAnswer(error=refusal.message, panic=refusal.panic)
    greatest, snapshots = max_transaction_version(index.transactions), index.state_snapshots
    if greatest is None:
        return answer
    wish = U64_MAX if options.target_version is None else options.target_version
    history = wish if options.ledger_history_start is None else options.ledger_history_start
    target = min(wish, greatest)
    tree = select_state_snapshot(snapshots, target)
    stopping = ((lane, _offence(lane, target)) for lane in (index.transactions, index.epoch_endings))
    lane, offence = next((each for each in stopping if each[1] is not None), (None, None))
    if tree is None or lane is None or offence is None:
        return replace(answer, target=target)
    kv = select_state_snapshot(snapshots, min(history, greatest))
    start = 0 if kv is None else int(snapshots.first[kv])
    taken, epochs = _taken(index.transactions, target), _taken(index.epoch_endings, target)
    read = taken[index.transactions.last[taken] >= np.uint64(start)]
    at = offence.got if offence.expected is None else offence.expected
    return replace(
        answer,
        target=target,
        kv_snapshot=kv,
        tree_snapshot=tree,
        transactions=read,
        epoch_endings=epochs,
        stops_lane=lane.kind,
        stops_row=offence.row,
        expected=offence.expected,
        steps=restore_steps(index, Selection(epochs, kv, tree, read, target, 0, lane.kind, at)),
    )


def _offence(lane: Lane, target: int) -> Offence | None:
    stop = rows_up_to(lane, target)
    return first_offence(lane.first[:stop], lane.last[:stop])


def _taken(lane: Lane, target: int) -> I64:
    """The rows that stock's walk accepts up to a target version, before it stops."""
    offence = _offence(lane, target)
    return np.arange(rows_up_to(lane, target) if offence is None else offence.row, dtype=np.int64)
