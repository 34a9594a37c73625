"""The commands that findings end in, ready to paste. Every word is quoted; nothing of a store is ever run by us."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from core.chain import Gap, GapKind, gap_command
from core.findings.case import Case
from core.invocation import Check, Compact, Repair, RestorePlan, StockBackup
from core.last_look import QUARANTINE
from core.model import LaneKind
from core.phrases import command
from core.restore import RestoreOptions
from core.snapshot import Snapshot
from core.stock import CHART_FACTORS, CompactionOptions
from core.tools import Tools, then, tools_for

#: More files than this in one command are no longer read by whoever pastes it.
MOST_FILES: Final = 40


class Looking(Protocol):
    """Whoever has looked at a store: a case, or what a repair is planned on."""

    @property
    def snapshot(self) -> Snapshot:
        """What was seen."""


def restore_plan(case: Case, target: int | None = None) -> str:
    """What stock would restore and which chain works, up to version `target`."""
    return str(RestorePlan(case.snapshot.location, RestoreOptions(target)))


def repair(case: Case) -> str:
    """What a repair would do; nothing is written."""
    return str(Repair(case.snapshot.location, dry_run=True))


def repair_without(case: Case, manifest: str) -> str:
    """What a repair would do that never uses one manifest, and what has to be backed up again then."""
    return str(Repair(case.snapshot.location, RestoreOptions(vetoes=frozenset({manifest})), dry_run=True))


def restore_without(case: Case, manifest: str) -> str:
    """What a restore comes to that never uses one manifest."""
    return str(RestorePlan(case.snapshot.location, RestoreOptions(vetoes=frozenset({manifest}))))


def way_on(case: Case, kind: LaneKind, first: int) -> str:
    """A repair where one mends what is wrong from `first` on, else what stock would restore and which chain works."""
    return repair(case) if case.repairs(kind, first) else restore_plan(case)


def check(looking: Looking, level: int | None = None) -> str:
    """Look again, at the usual level or deeper."""
    return str(Check(looking.snapshot.location, level))


def compare(case: Case, manifest: str) -> str:
    """Compare lines with their manifests; where that was done, show the manifest of one."""
    return check(case, 2) if case.evidence is None else look_at(case, manifest)


#: What follows from a comparison of lines with their manifests.
COMPARED: Final = (
    "The manifest says what its backup holds. A line that says otherwise is wrong, and a check at level 2 says how to "
    "mend it. Where they agree, nothing has to be done."
)
#: What follows once a file is out of `metadata/`.
ASIDE: Final = (
    "The file stays in metadata_quarantine/, where stock never looks; its owner can have it from there, and has to "
    "keep it elsewhere from now on. What the index lacks then is told by the next check."
)
#: What follows from a record of an unknown kind.
NEWER: Final = (
    "If a newer stock tool wrote it, nothing is wrong with the file: use a stock tool at least as new, and leave the "
    "file where it is, as no repair rewrites it. If it is no metadata, move the file out of metadata/."
)
#: What follows where a repair would help and none can be planned.
ONCE_SETTLED: Final = (
    "A repair takes the line out. None is planned while a file of metadata/ can't be read, is not named as stock could "
    "name it, or holds a record of a newer tool: see to that first, then check again."
)


def compaction(case: Case, options: CompactionOptions) -> str:
    """What compaction would write, and where it stops."""
    return str(Compact(case.snapshot.location, options, dry_run=True))


def mended_by_compaction(case: Case) -> str:
    """A compaction by this tool, which saves a record without what is wrong in the old ones; shown first, not done.

    It is refused where a range is missing or competes: then what mends the first of those comes before it.
    """
    for kind, swept in case.sweeps.items():
        missing = next(iter(swept.gaps()), None)
        if len(swept.tangles) and (missing is None or swept.tangles[0].first < missing.first):
            return way_on(case, kind, swept.tangles[0].first)
        if missing is not None and missing.first == case.unfilled[kind]:
            return back_up(case, kind, missing.first, missing.last)
        if missing is not None:
            return way_on(case, kind, missing.first)
    return compaction(case, CHART_FACTORS)


def back_up(case: Case, kind: LaneKind, first: int, last: int) -> str:
    """Back the closed range up again: versions, or epochs."""
    return str(gap_command(Gap(kind, first, last, GapKind.GAP), tools(case).storage))


def back_up_snapshot(case: Case, epoch: int) -> str:
    """Take the state snapshot at the end of an epoch."""
    limits = (("--state-snapshot-epoch", epoch),)
    return str(StockBackup("state-snapshot", limits, tools(case).storage))


def tools(looking: Looking) -> Tools:
    """What is at hand where the store lies."""
    return tools_for(looking.snapshot.location)


def look_at(looking: Looking, handle: str, line: int = 0) -> str:
    """Show one line of a file, or all of it, with nothing in it that a terminal would obey."""
    return tools(looking).look_at(handle, line)


def listing(looking: Looking, folder: str) -> str:
    """List a folder with times and sizes."""
    return tools(looking).listing(folder)


def dated(looking: Looking, handle: str) -> str:
    """Show the time of this machine, and when a file was written."""
    return then(command("date", "-u"), tools(looking).dated(handle))


def set_aside(looking: Looking, handles: Sequence[str]) -> str:
    """Move files out of `metadata/` into a folder that stock never lists; nothing there is replaced."""
    return tools(looking).set_aside(handles[:MOST_FILES], QUARANTINE)


def folders_aside(looking: Looking, handles: Sequence[str]) -> str:
    """The same for folders; in a bucket they are listed, since nothing there moves a folder as it is."""
    return tools(looking).folders_aside(handles[:MOST_FILES], QUARANTINE)


def bring_back(case: Case, handles: Iterable[str]) -> str:
    """Move retired files back under their own names: each appears whole or not at all, and nothing is replaced."""
    return tools(case).bring_back(list(handles), "metadata")


def mounted_at(case: Case, *folders: str) -> str:
    """Show on which file systems the store, or folders of it, lie; "" where there are none."""
    return tools(case).mounted_at(folders or ("",))
