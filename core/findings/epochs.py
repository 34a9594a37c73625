"""Whether the epoch endings reach as far as the data that they are to prove."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from core.columns import Lane
from core.findings import commands
from core.findings.build import finding, some_entries
from core.findings.case import Case
from core.findings.registry import detector
from core.model import Finding, LaneKind, Severity, end_of
from core.phrases import count

#: Transactions this many times as long as the longest epoch must reach into an epoch that has ended.
_LONGEST_EPOCHS: Final = 3
_LEAST_EPOCHS: Final = 10

_CAUSE: Final = "The epoch worker of the coordinator is behind, or its entries were lost."


@detector("epoch-history-empty")
def no_epoch_endings(case: Case) -> Iterator[Finding]:
    """Transactions, and no epoch ending to prove them with."""
    if len(case.lane(LaneKind.EPOCH_ENDINGS)) or not len(case.lane(LaneKind.TRANSACTIONS)):
        return
    yield finding(
        "epoch-history-empty",
        lane=LaneKind.EPOCH_ENDINGS,
        severity=Severity.CRITICAL,
        explanation="There is no epoch ending entry at all. A restore downloads its first chunk and then fails.",
        cause="All epoch ending metadata was lost, or epoch endings were never backed up.",
        next_step=commands.back_up(case, LaneKind.EPOCH_ENDINGS, 0, _newest_epoch(case) or 0),
        stock_says="Empty epoch history.",
    )


def _newest_epoch(case: Case) -> int | None:
    epochs = case.lane(LaneKind.STATE_SNAPSHOTS).epoch
    return int(epochs.max()) if epochs is not None and len(epochs) else None


@detector("epoch-history-lag")
def epochs_lag(case: Case) -> Iterator[Finding]:
    """Snapshots of epochs that have no ending, or transactions far above the last one."""
    lane = case.lane(LaneKind.EPOCH_ENDINGS)
    if not len(lane):
        return
    known, version = int(lane.last.max()), int(lane.last_version.max())
    newest = _newest_epoch(case)
    tail = (case.greatest_version or 0) - version
    if newest is not None and newest > known:
        yield _lag(case, (end_of(known), newest), f"the newest snapshot is of epoch {newest:,}", version)
    elif tail > _LONGEST_EPOCHS * _longest_epoch(lane):
        text = f"the transactions go on for {count(tail, 'version')}, longer than any {_LONGEST_EPOCHS} epochs before"
        yield _lag(case, None, text, version)


def _longest_epoch(lane: Lane) -> int:
    """The longest distance between epochs that follow each other, in versions; endless when there are too few."""
    versions = np.unique(lane.last_version)
    return int(np.diff(versions).max()) if len(versions) >= _LEAST_EPOCHS else 1 << 64


def _lag(case: Case, missing: tuple[int, int] | None, what: str, version: int) -> Finding:
    lane = case.lane(LaneKind.EPOCH_ENDINGS)
    last = int(lane.last.max())
    first_missing = missing or (end_of(last), end_of(last))
    return finding(
        "epoch-history-lag",
        lane=LaneKind.EPOCH_ENDINGS,
        range_=missing,
        explanation=f"Epoch endings stop at epoch {last:,} (version {version:,}), but {what}. What lies above is "
        "restored without checking its signatures.",
        cause=_CAUSE,
        next_step=commands.back_up(case, LaneKind.EPOCH_ENDINGS, *first_missing),
        stock_says="Epoch is too new and can't be verified. Previous chunks are verified and node won't be able to "
        "start if this data is malicious.",
        entries=some_entries(lane, [int(np.argmax(lane.last))]),
    )
