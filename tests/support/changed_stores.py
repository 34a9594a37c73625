"""Stores that commands may change: small, in real folders, with operations that were cut off."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from core.changes.ground import ApplyProgress
from core.changes.model import ChangeSet
from core.compaction import plan_compaction
from core.errors import Stopped
from core.journal import interrupted_in
from core.stock import CompactionOptions
from tests.support.change_sets import base_folder, look_at, operations_on
from tests.support.commands import LATER

#: What puts all of base store B into one file a lane.
HUNDRED: Final = (
    "--epoch-ending-file-compact-factor",
    "100",
    "--state-snapshot-file-compact-factor",
    "100",
    "--transaction-file-compact-factor",
    "100",
)
OPTIONS: Final = CompactionOptions(100, 100, 100)


class StopAfter:
    """Follows a change and stops it after so many steps."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    def progress(self, progress: ApplyProgress) -> None:
        """Counts."""
        self._left -= progress.step.partition(" ")[0] in ("write", "retire", "restore")

    def stopped(self) -> bool:
        """Whether they are done."""
        return self._left < 0


def planned(store: Path, now: float = LATER) -> ChangeSet:
    """The compaction of a store at some time, unix seconds."""
    plan = plan_compaction(look_at(store), OPTIONS, int(now))
    assert plan.change_set is not None
    return plan.change_set


def cut_off(store: Path, change: ChangeSet, steps: int = 1) -> str:
    """Apply a change for so many steps; the operation that is interrupted then."""
    with pytest.raises(Stopped):
        operations_on(store).apply(change, watch=StopAfter(steps))
    [operation] = [files.id for files in interrupted_in(look_at(store).journal) if files.kind is change.kind]
    return operation


def every_file(folder: Path) -> dict[str, bytes]:
    """All files below a folder but the lease's, which changes hands, with their bytes."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("compaction.lock"))
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def handles(rows: list[Mapping[str, Any]]) -> list[str]:
    """The handles of a document's rows."""
    return [row["handle"] for row in rows]


__all__ = ["HUNDRED", "OPTIONS", "StopAfter", "base_folder", "cut_off", "every_file", "handles", "planned"]
