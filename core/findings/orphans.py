"""Backup folders that no line points to, told apart by what is in them (`hazards.md`, `orphan-backup-dir`).

What the listing alone tells of them, at levels 0 and 1, is for `core.findings.folders`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from core.codec import encode_record
from core.findings.build import finding
from core.findings.case import CHAINED, Case
from core.findings.commands import check, listing, tools
from core.findings.registry import detector
from core.findings.sweep import Sweep
from core.form import Form, forms_of
from core.manifests import ManifestFacts, OrphanFacts
from core.manifests.verify import waypoint_version
from core.model import (
    EpochEndingRecord,
    Finding,
    LaneKind,
    RangeRecord,
    Severity,
    StateSnapshotRecord,
    TransactionRecord,
)
from core.names import alone_name, parse_backup_folder
from core.phrases import count, shown, span

#: The longest backup that is plausible: a folder that changed within this time (seconds) may belong to one under way.
LONGEST_BACKUP_SECONDS: Final = 48 * 3600
#: More unused folders than this in one store are reported as one.
MOST_FOLDERS: Final = 50
_LEVEL_FILES: Final = 3
#: What becomes of a derived manifest whose line is gone.
LEFT_OVER: Final = "it holds no data of its own, and the same repair would use it again"
LEFT_OVER_CAUSE: Final = (
    "A repair wrote it, and was taken back or interrupted: an undo takes back the lines, not the manifests."
)
_CAUSE: Final = (
    "Its metadata line was never written, or was skipped or replaced because a file of that name was there. Each new "
    "attempt at a backup takes a new folder."
)


@detector("orphan-backup-dir", level=2)
def orphan_backup_dir(case: Case) -> Iterator[Finding]:
    """Backup folders that no line points to: whole ones, which could be registered, and the rest."""
    orphans = case.evidence.orphans if case.evidence else ()
    for orphan in orphans[:MOST_FOLDERS]:
        yield _finding(case, orphan)
    rest = orphans[MOST_FOLDERS:]
    if rest:
        yield finding(
            "orphan-backup-dir",
            explanation=f"No line points to {count(len(rest), 'more backup folder')}, such as {shown(rest[0].folder)}.",
            cause=_CAUSE,
            next_step=listing(case, ""),
            manifests=(orphan.folder for orphan in rest),
        )


def _finding(case: Case, orphan: OrphanFacts) -> Finding:
    facts = orphan.manifest
    return finding(
        "orphan-backup-dir",
        explanation=f"No line points to the folder {shown(orphan.folder)}: {_worth(case, orphan)}.",
        cause=LEFT_OVER_CAUSE if _is_derived(orphan) else _CAUSE,
        next_step=_way_on(case, orphan),
        lane=orphan.lane,
        range_=facts.range if facts else None,
        severity=Severity.INFO if _is_derived(orphan) or _may_be_running(case, orphan) else None,
        manifests=(facts.handle if facts else orphan.folder,),
    )


def _is_derived(orphan: OrphanFacts) -> bool:
    """Whether it is no backup but a manifest that was cut from another one."""
    folder = parse_backup_folder(orphan.folder)
    return folder is not None and folder.derived


def _is_deep(case: Case) -> bool:
    """Whether the files of whole backups were looked at."""
    return case.evidence is not None and case.evidence.level >= _LEVEL_FILES


def _way_on(case: Case, orphan: OrphanFacts) -> str:
    facts = orphan.manifest
    usable = facts and not facts.problems and not _is_derived(orphan)
    record = _record(facts) if facts and usable and _use(case, facts) else None
    if record is None:
        return listing(case, orphan.folder)
    return _register(case, record) if _is_deep(case) else check(case, _LEVEL_FILES)


def _may_be_running(case: Case, orphan: OrphanFacts) -> bool:
    return orphan.manifest is None and abs(case.now - orphan.newest) < LONGEST_BACKUP_SECONDS


def _worth(case: Case, orphan: OrphanFacts) -> str:
    """What an unused folder is good for, as the end of a sentence."""
    facts, files = orphan.manifest, count(orphan.files, "file")
    if _is_derived(orphan):
        return LEFT_OVER
    if facts is None:
        running = _may_be_running(case, orphan)
        state = "a backup may still be writing it" if running else "it is no whole backup"
        return f"it holds {files} and no manifest, so {state}"
    if facts.problems:
        return f"its manifest does not hold up, as {facts.problems[0].message}"
    held = f"it is whole ({files})" if _is_deep(case) else "its manifest holds up, its files were not looked at"
    return f"{held}; {_use(case, facts) or 'entries cover the same already'}"


def _use(case: Case, facts: ManifestFacts) -> str:
    """What a line for a whole backup would give; nothing when its range is covered."""
    if facts.range is None:
        return ""
    (first, last), lane = facts.range, case.lane(facts.lane)
    if facts.lane not in CHAINED:
        known = bool(np.any(lane.first == np.uint64(first)))
        return "" if known else f"no entry names a snapshot of version {first:,}"
    where = span(facts.lane, first, last)
    gap = _gap_within(case.sweeps[facts.lane], first, last)
    if gap:
        filled = "fill" if first <= gap[0] and gap[1] <= last else "fill a part of"
        return f"with {where} it would {filled} the gap of {span(facts.lane, *gap)}"
    newest = int(lane.last.max()) if len(lane) else -1
    return f"with {where} it reaches beyond the newest entry" if last > newest else ""


def _gap_within(swept: Sweep, first: int, last: int) -> tuple[int, int] | None:
    """The first gap of a lane that a closed range touches."""
    after = int(np.searchsorted(swept.gap_first, np.uint64(first), side="right"))
    for number in range(max(0, after - 1), min(len(swept.gap_rows), after + 1)):
        gap = int(swept.gap_first[number]), int(swept.lane.first[swept.gap_rows[number]]) - 1
        if first <= gap[1] and gap[0] <= last:
            return gap
    return None


def _record(facts: ManifestFacts) -> RangeRecord | None:
    """The line that stock would have written for a whole backup."""
    if facts.range is None:
        return None
    first, last = facts.range
    if facts.lane is LaneKind.TRANSACTIONS:
        return TransactionRecord(first, last, facts.handle)
    if facts.epoch is not None:
        return StateSnapshotRecord(facts.epoch, first, facts.handle)
    versions = waypoint_version(facts.first_waypoint or ""), waypoint_version(facts.last_waypoint or "")
    if versions[0] is None or versions[1] is None:
        return None
    return EpochEndingRecord(first, last, versions[0], versions[1], facts.handle)


def _register(case: Case, record: RangeRecord) -> str:
    """Write the line that is missing, outside of `metadata/` first, under a name that is not taken."""
    name = alone_name(record)
    taken = {file.listed.name for index in (case.index, case.retired) for file in index.files}
    number = 0
    while name in taken:
        number += 1
        name = f"{alone_name(record).removesuffix('.meta')}.registered_{number}.meta"
    line = encode_record(record).decode().rstrip("\n")
    return tools(case).put_line(line, name, zipped=forms_of(case.index).only is Form.GZIP)
