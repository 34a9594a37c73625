"""Backup folders at the top of the store that no entry names, as far as the listing tells."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

import numpy as np

from core.columns import Lane
from core.findings import commands
from core.findings.build import finding
from core.findings.case import ENTRY_LANES, Case
from core.findings.handles import odd_rows
from core.findings.orphans import LEFT_OVER, LEFT_OVER_CAUSE, LONGEST_BACKUP_SECONDS, MOST_FOLDERS
from core.findings.registry import detector
from core.index import MetaFile
from core.model import Claim, Finding, LaneKind, Severity
from core.names import BackupFolder, parse_backup_folder
from core.phrases import count, listed, shown
from core.snapshot import metadata_only
from core.storage.protocol import Listed, ListedKind
from core.words import I64

#: What to do about a store whose manifests are all elsewhere.
NOT_HERE: Final = (
    "If this is a copy of the metadata only, check the store itself for more. If the backups should lie here, mount or "
    "name the right place. If they are gone for good, they have to be backed up again: no repair brings them back."
)

_MANIFESTS: Final = {
    LaneKind.TRANSACTIONS: "transaction.manifest",
    LaneKind.EPOCH_ENDINGS: "epoch_ending.manifest",
    LaneKind.STATE_SNAPSHOTS: "state.manifest",
}


@detector("metadata-only")
def metadata_alone(case: Case) -> Iterator[Finding]:
    """A store without any of the backups that its lines name."""
    if not metadata_only(case.snapshot):
        return
    total = sum(len(case.lane(kind)) for kind in ENTRY_LANES)
    yield finding(
        "metadata-only",
        explanation=f"{count(total, 'entry is', 'entries are')} visible, and at the top of the store lies no backup, "
        "neither one that they name nor any other. What is said of restores here goes by the lines alone: no manifest "
        "can be looked at.",
        cause="This is a copy of the metadata only, or backups lie elsewhere, or they are gone.",
        next_step=commands.listing(case, ""),
        then=NOT_HERE,
    )


def _unnamed(case: Case) -> list[tuple[Listed, BackupFolder]]:
    """The backup folders that no entry names, neither in `metadata/` nor in `metadata_backup/`."""
    folders = [
        (listing, says)
        for listing in case.snapshot.root
        if listing.kind is ListedKind.FOLDER and (says := parse_backup_folder(listing.name)) is not None
    ]
    left = {os.fsencode(listing.name) for listing, _ in folders}
    starts: dict[LaneKind, set[int]] = {kind: set() for kind in ENTRY_LANES}
    for _, says in folders:
        starts[says.kind].add(says.first if says.epoch is None else says.epoch)
    for kind in ENTRY_LANES:
        for lane in (case.lane(kind), case.retired.lanes[kind]):
            left -= _folders_of(lane, _rows_at(lane, starts[kind]))
    if left:
        for kind in ENTRY_LANES:
            left -= _folders_of(case.lane(kind), case.odd_rows[kind])
            left -= _folders_of(case.retired.lanes[kind], odd_rows(case.retired.lanes[kind]))
    return [(listing, says) for listing, says in folders if os.fsencode(listing.name) in left]


def _rows_at(lane: Lane, starts: set[int]) -> I64:
    """The rows (int64) that begin at one of `starts`, as the handles that stock gives them say."""
    begins = lane.first if lane.epoch is None else lane.epoch
    return np.flatnonzero(np.isin(begins, np.array(sorted(starts), dtype=np.uint64)))


def _folders_of(lane: Lane, rows: I64) -> set[bytes]:
    """The first parts of the handles of some rows."""
    return {lane.manifests.raw(row).partition(b"/")[0] for row in rows.tolist()}


@detector("orphan-backup-dir", "localfs-skip-existing", level=0)
def unnamed_folders(case: Case) -> Iterator[Finding]:
    """Folders that no entry names; those whose metadata file was there already when they were written."""
    unnamed = _unnamed(case)
    files = _alone(case)
    skipped = [(listing, says, file) for listing, says in unnamed if (file := _skipped(case, listing, says, files))]
    for listing, says, file in skipped[:MOST_FOLDERS]:
        yield _not_recorded(case, listing, says, file)
    names = {listing.name for listing, _, _ in skipped}
    rest = [(listing, says) for listing, says in unnamed if listing.name not in names]
    if case.evidence is None and rest:
        yield from _orphans(case, rest)


def _alone(case: Case) -> dict[tuple[object, int], MetaFile]:
    """Metadata files of one backup each, by lane and start (the version of a snapshot)."""
    pairs = zip(case.names, case.index.files, strict=True)
    return {(name.kind, name.first): file for name, file in pairs if name is not None and name.alone}


def _skipped(
    case: Case, listing: Listed, says: BackupFolder, files: dict[tuple[object, int], MetaFile]
) -> MetaFile | None:
    """The metadata file in whose place the folder's own was not written: it is empty, or older than the folder."""
    file = files.get((says.kind, says.first))
    if file is None or case.in_flight(file):
        return None
    return file if not file.lines or file.listed.modified < listing.modified else None


def _not_recorded(case: Case, listing: Listed, says: BackupFolder, file: MetaFile) -> Finding:
    state = "is empty" if not file.lines else "names another backup and is older"
    manifest = f"{listing.name}/{_MANIFESTS[says.kind]}"
    return finding(
        "localfs-skip-existing",
        lane=says.kind,
        range_=(says.first, says.first) if not file.lines else None,
        explanation=f"The backup in {shown(listing.name)}/ is in no index: {shown(file.handle)} {state}, so its line "
        "was not written.",
        cause="LocalFs does nothing when the name of a metadata file exists, and reports success.",
        next_step=commands.look_at(case, manifest) if case.evidence else commands.check(case, 3),
        then="If that backup is whole, and its range is missing from the index, its line has to be written, under a "
        "name that is free. If the index has the range from another backup, the folder only takes up room.",
        stock_says=f"File {file.listed.name} already exists, Skip",
        claims=[Claim(file.handle, 0)],
        manifests=[manifest],
    )


def _orphans(case: Case, unnamed: list[tuple[Listed, BackupFolder]]) -> Iterator[Finding]:
    derived = [listing for listing, says in unnamed if says.derived]
    backups = [listing for listing, says in unnamed if not says.derived]
    young = [listing for listing in backups if case.now - listing.modified < LONGEST_BACKUP_SECONDS]
    old = [listing for listing in backups if case.now - listing.modified >= LONGEST_BACKUP_SECONDS]
    fates = (
        (old, Severity.WARNING, "they only take up room, or hold a backup whose line was lost"),
        (young, Severity.INFO, "they may belong to backups under way"),
    )
    for listings, severity, fate in fates:
        if listings:
            yield finding(
                "orphan-backup-dir",
                severity=severity,
                explanation=f"{count(len(listings), 'backup folder is', 'backup folders are')} named by no entry: "
                f"{listed([shown(each.name) for each in listings])}; {fate}.",
                cause="A backup that was interrupted, or whose metadata was never written or was replaced. Each new "
                "attempt takes a new folder.",
                next_step=commands.check(case, 2),
                manifests=[each.name for each in listings],
            )
    if derived:
        yield finding(
            "orphan-backup-dir",
            severity=Severity.INFO,
            explanation=f"{count(len(derived), 'derived manifest is', 'derived manifests are')} named by no entry: "
            f"{listed([shown(each.name) for each in derived])}; {LEFT_OVER}.",
            cause=LEFT_OVER_CAUSE,
            next_step=commands.listing(case, derived[0].name),
            manifests=[each.name for each in derived],
        )
