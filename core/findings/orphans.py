"""Backup folders that no line points to, told apart by what is in them (`hazards.md`, `orphan-backup-dir`).

What the listing alone tells of them, at levels 0 and 1, is for `core.findings.folders`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from core.findings.build import finding
from core.findings.case import CHAINED, Case
from core.findings.commands import check, folders_aside, listing
from core.findings.registering import record_of, register
from core.findings.registry import detector
from core.findings.sweep import Sweep
from core.manifests import ManifestFacts, OrphanFacts
from core.model import Finding, RangeRecord, Severity
from core.names import parse_backup_folder
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
#: What follows for a folder that no line would make of use.
_ROOM: Final = (
    "No restore reads the folder: it may stay, or be moved out of the way and deleted once no backup is under way and "
    "no line is found to be missing."
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
            then=_ROOM,
            manifests=(orphan.folder for orphan in rest),
        )


def _finding(case: Case, orphan: OrphanFacts) -> Finding:
    facts, record = orphan.manifest, _missing_line(case, orphan)
    return finding(
        "orphan-backup-dir",
        explanation=f"No line points to the folder {shown(orphan.folder)}: {_worth(case, orphan)}.",
        cause=LEFT_OVER_CAUSE if _is_derived(orphan) else _CAUSE,
        next_step=_way_on(case, orphan, record),
        then="" if record else _ROOM,
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


def _missing_line(case: Case, orphan: OrphanFacts) -> RangeRecord | None:
    """The line that would make a sound backup of use."""
    facts = orphan.manifest
    usable = facts and not facts.problems and not _is_derived(orphan) and _use(case, facts)
    return record_of(facts) if facts and usable else None


def _way_on(case: Case, orphan: OrphanFacts, record: RangeRecord | None) -> str:
    if record is not None:
        return register(case, record) if _is_deep(case) else check(case, _LEVEL_FILES)
    stays = _is_derived(orphan) or _may_be_running(case, orphan)
    return listing(case, orphan.folder) if stays else folders_aside(case, [orphan.folder])


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
