"""How far a restore gets along the chains of a store, and what it reads on the way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

import numpy as np

from core.chain import Chain, ChainOptions, Gap, SkipReason, find_chain, greatest_version, named_rows
from core.columns import I64, Mask
from core.epoch_ends import EpochEnds
from core.ground import Ground
from core.index import Index
from core.model import U64_MAX, LaneKind, end_of
from core.restore.model import BestRestore, RestoreOptions
from core.restore.snapshots import Snapshots, furthest, snapshots_of
from core.restore.steps import Selection, restore_steps

#: No chain ends at the last version that there is.
_NO_LIMIT: Final = U64_MAX - 1


@dataclass(frozen=True, slots=True, eq=False)
class Ways:
    """Everything that leads through a store: the two chains and the snapshots.

    `goal` is the version to get to: the wish after the cap at the greatest version, None where nothing is covered.
    `broken` are the transaction rows (int64) of the chain whose manifests are known to be broken.
    """

    index: Index
    goal: int | None
    transactions: Chain
    epoch_endings: Chain
    snapshots: Snapshots
    broken: I64


def find_ways(ground: Ground, options: RestoreOptions) -> Ways:
    """The chains under the operator's choices: transactions up to the wish, epoch endings as far as they go."""
    return _ways(_Question(ground.index, options, ground))


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked for: an index is that of one ground alone."""

    index: Index
    options: RestoreOptions
    ground: Ground = field(compare=False)


# A recovery asks the same again and again, and an answer takes seconds where a million entries overlap.
@lru_cache(maxsize=4)
def _ways(question: _Question) -> Ways:
    index, options, added = question.index, question.options, question.ground.added
    latest = greatest_version(index.transactions)
    wish = options.target_version
    goal = latest if wish is None or latest is None else min(wish, latest)
    modified = np.array([file.listed.modified for file in index.files], dtype=np.float64)
    target = None if wish is None else goal
    transactions = find_chain(
        index.transactions, chain_options(options, target), modified, added[LaneKind.TRANSACTIONS]
    )
    epoch_endings = find_chain(
        index.epoch_endings, chain_options(options, None), modified, added[LaneKind.EPOCH_ENDINGS]
    )
    ends = EpochEnds.told_by(epoch_endings.lane, _not_passed_over(epoch_endings))
    reach = U64_MAX if goal is None or transactions.reaches is None else min(goal, transactions.reaches)
    snapshots = snapshots_of(index.state_snapshots, options, ends, reach)
    ways = Ways(index, goal, transactions, epoch_endings, snapshots, _broken_rows(transactions))
    if not snapshots.outdone.any():
        return ways
    # No snapshot is given up for its epoch that a restore gets further with.
    either = replace(ways, snapshots=snapshots_of(index.state_snapshots, options, ends, None))
    return either if restorable_to(either) != restorable_to(ways) else ways


def _not_passed_over(chain: Chain) -> I64:
    """The rows (int64) of a chain, and of what lies behind it."""
    return np.flatnonzero(np.isin(chain.reason, (SkipReason.CHOSEN, SkipReason.NOT_REACHED, SkipReason.ABOVE_TARGET)))


def chain_options(options: RestoreOptions, target: int | None) -> ChainOptions:
    """The same choices for the chain of one lane."""
    return ChainOptions(
        target=target,
        policy=options.policy,
        pins=options.pins,
        vetoes=options.vetoes,
        broken=options.broken,
        unverified=options.unverified,
    )


def _broken_rows(chain: Chain) -> I64:
    """The rows of a chain that go through a broken manifest, because there is no other way."""
    if not chain.options.broken:
        return chain.rows[:0]
    return chain.rows[named_rows(chain.lane.manifests.take(chain.rows), chain.options.broken)]


def restorable_to(ways: Ways) -> int | None:
    """The greatest version up to the goal that a restore along the chains lands on; None if there is none."""
    reaches, snapshots = ways.transactions.reaches, ways.snapshots
    limit = epoch_limit(ways.epoch_endings)
    if ways.goal is None or reaches is None or limit is None:
        return None
    lane = ways.transactions.lane
    landed = furthest(
        min(ways.goal, reaches, limit),
        snapshots.lane.first[snapshots.usable],
        None,
        lane.first[ways.broken],
        lane.last[ways.broken],
    )
    return landed if landed is not None and len(epochs_up_to(ways.epoch_endings, landed)) else None


def epoch_limit(chain: Chain) -> int | None:
    """Up to which version the epoch endings of a chain can prove what is restored; None if they prove nothing.

    Behind the last of them the open epoch goes on, so the end of the chain is no limit by itself. It is one where
    epoch endings go on behind it: stock's rule counts them in from their first version on. Epoch endings known to be
    broken end the history as well.
    """
    lane, rows = chain.lane, chain.rows
    if not len(rows):
        return None
    limits = [_NO_LIMIT]
    versions = np.maximum.accumulate(lane.first_version[rows])
    broken = np.flatnonzero(np.isin(rows, _broken_rows(chain)))
    if len(broken):
        limits.append(int(versions[broken[0]]) - 1)
    behind = unproved(chain)
    if len(behind):
        limits.append(max(int(lane.first_version[behind].min()) - 1, int(lane.last_version[rows[-1]])))
    return min(limits) if min(limits) >= 0 else None


def unproved(chain: Chain) -> I64:
    """The epoch endings (rows, int64) that go on behind the end of a chain.

    One whose versions do not rise above those of the chain is none: it says nothing of what is missing.
    """
    lane = chain.lane
    rows = np.flatnonzero(chain.reason >= SkipReason.NOT_REACHED)
    if not len(chain.rows) or chain.reaches is None:
        return rows
    rows = rows[lane.last[rows] > np.uint64(chain.reaches)]
    rises: Mask = lane.last_version[rows] > lane.last_version[chain.rows[-1]]
    return rows[rises]


def epochs_up_to(chain: Chain, version: int) -> I64:
    """The rows of an epoch chain (int64) that stock would select for a target version."""
    beyond = chain.lane.first_version[chain.rows] > np.uint64(version)
    return chain.rows[: int(np.argmax(beyond))] if beyond.any() else chain.rows


def best_restore(ways: Ways, ledger_history_start: int | None) -> BestRestore | None:
    """The restore to the greatest version that `restorable_to` allows, with history from further back if asked for."""
    to = restorable_to(ways)
    if to is None:
        return None
    lane = ways.transactions.lane
    least = least_snapshot(ways, to)
    tree = ways.snapshots.best(to, least)
    if tree is None:
        return None
    tree_version = int(ways.snapshots.lane.first[tree])
    history = tree_version if ledger_history_start is None else min(ledger_history_start, tree_version)
    kv = tree if history == tree_version else ways.snapshots.best_before(tree, history, least)
    start = tree_version if kv is None else int(ways.snapshots.lane.first[kv])
    chosen = ways.transactions.rows
    needed = (lane.last[chosen] >= np.uint64(start)) & (lane.first[chosen] <= np.uint64(to))
    selection = Selection(epochs_up_to(ways.epoch_endings, to), kv, tree, chosen[needed], to, start)
    return BestRestore(
        lands_at=to,
        kv_snapshot=kv,
        tree_snapshot=tree,
        transactions=selection.transactions,
        epoch_endings=selection.epoch_endings,
        steps=restore_steps(ways.index, selection),
    )


def least_snapshot(ways: Ways, to: int) -> int:
    """The least version of a snapshot from which no broken manifest has to be read on the way to version `to`."""
    lane = ways.transactions.lane
    read = ways.broken[lane.first[ways.broken] <= np.uint64(to)]
    return end_of(int(lane.last[read[-1]])) if len(read) else 0


def gaps_before_goal(ways: Ways) -> tuple[Gap, ...]:
    """What has to be backed up again on both lanes before the goal can be restored."""
    if ways.goal is None:
        return ()
    behind = unproved(ways.epoch_endings)
    needed = behind[ways.epoch_endings.lane.first_version[behind] <= np.uint64(ways.goal)]
    return (*ways.transactions.gaps, *_gaps_before(ways.epoch_endings, needed))


def gaps_above_transactions(ways: Ways) -> tuple[Gap, ...]:
    """The gaps of epoch endings that begin above all transactions: no restore meets them, but whoever walks all does.

    That is stock's `verify`, and its compaction wherever a gap lies within one group
    (`verify-fails-where-restore-passes`).
    """
    latest = greatest_version(ways.transactions.lane)
    if latest is None:
        return ()
    behind = unproved(ways.epoch_endings)
    reached = behind[ways.epoch_endings.lane.first_version[behind] <= np.uint64(latest)]
    met = _gaps_before(ways.epoch_endings, reached)
    return tuple(gap for gap in _gaps_before(ways.epoch_endings, behind) if gap not in met)


def _gaps_before(chain: Chain, rows: I64) -> tuple[Gap, ...]:
    """The gaps of a chain that lie before the last of `rows` (int64), which go on behind its end."""
    last = int(chain.lane.first[rows].max()) if len(rows) else 0
    return tuple(gap for gap in chain.gaps if gap.last < last)
