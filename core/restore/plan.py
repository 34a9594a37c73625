"""Plans a restore: stock's answer to a request beside the chain that works (`recovery.md`, "Chains").

Pure: the same snapshot and options always give the same preview. Nothing is written and nothing but the snapshot read.
"""

from __future__ import annotations

from dataclasses import replace

from core.chain import find_chain
from core.ground import Ground, bare_ground
from core.manifests import Evidence
from core.model import LaneKind
from core.restore.along import Ways, best_restore, find_ways, gaps_above_transactions, gaps_before_goal
from core.restore.model import BestRestore, Needs, RestoreOptions, RestorePreview, StockAnswer, WayThrough
from core.restore.notes import notes_on
from core.restore.reasons import left_out
from core.restore.stock_side import ask_stock, on_ground
from core.restore.verdict import judge, needs
from core.snapshot import Snapshot


def plan_restore(
    snapshot: Snapshot,
    options: RestoreOptions | None = None,
    ground: Ground | None = None,
    evidence: Evidence | None = None,
) -> RestorePreview:
    """The preview of a restore. All versions are u64; a target above the latest version means the latest.

    The chain may use what the `ground` adds to the snapshot's index; stock's answer is that on the snapshot as it is,
    of broken manifests what the `evidence` shows.
    A snapshot that is not complete gives a preview of what was read: see `Snapshot.complete` before it is shown.
    """
    options = options or RestoreOptions()
    ground = ground or bare_ground(snapshot.index)
    ways = find_ways(ground, options)
    stock = on_ground(ask_stock(snapshot, options, evidence), ground)
    best = best_restore(ways, options.ledger_history_start)
    needed = _needs(ways, options, stock, best)
    return RestorePreview(
        snapshot=snapshot,
        ground=ground,
        options=options,
        goal=ways.goal,
        stock=stock,
        transactions=ways.transactions,
        epoch_endings=ways.epoch_endings,
        snapshots=ways.snapshots,
        best=best,
        needs=needed,
        gaps=gaps_before_goal(ways),
        later_gaps=gaps_above_transactions(ways),
        notes=notes_on(ways, options, stock, best),
        ways_through=_ways_through(ways, stock, ground) if needed is Needs.BACKUP else (),
        verdict=judge(snapshot, options.broken, ground, evidence),
        left_out=left_out(ways, options, best),
    )


def _needs(ways: Ways, options: RestoreOptions, stock: StockAnswer, best: BestRestore | None) -> Needs:
    """What the request takes, its history included."""
    history_missing = best is None or (options.ledger_history_start is not None and best.kv_snapshot is None)
    best_lands_at = None if history_missing or best is None else best.lands_at
    return needs(ways.goal, stock.lands_at if stock.ok else None, best_lands_at)


def _ways_through(ways: Ways, stock: StockAnswer, ground: Ground) -> tuple[WayThrough, ...]:
    """Where stock stops at an overlap that no chain crosses: what leaving out either side would leave to back up."""
    row = stock.stops_row
    if stock.stops_lane is None or row is None or not row or stock.expected is None:
        return ()
    chain = ways.transactions if stock.stops_lane is LaneKind.TRANSACTIONS else ways.epoch_endings
    if int(chain.lane.first[row]) >= stock.expected:
        return ()
    found = []
    for out in (row - 1, row):
        vetoes = chain.options.vetoes | {chain.lane.manifest(out)}
        without = find_chain(chain.lane, replace(chain.options, vetoes=vetoes), added=ground.added[chain.lane.kind])
        found.append(WayThrough(chain.lane.kind, out, without.gaps))
    return tuple(found)
