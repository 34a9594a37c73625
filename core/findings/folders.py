"""Backup folders at the top of the store that no entry names, as far as the listing tells."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Final

import numpy as np

from core.columns import Lane
from core.findings import commands
from core.findings.build import finding
from core.findings.case import ENTRY_LANES, Case
from core.findings.handles import odd_rows
from core.findings.orphans import LONGEST_BACKUP_SECONDS, MOST_FOLDERS
from core.findings.registry import detector
from core.findings.text import count, listed, shown
from core.index import MetaFile
from core.model import Claim, Finding, LaneKind, Severity
from core.names import BackupFolder, parse_backup_folder
from core.storage.protocol import Listed, ListedKind

_MANIFESTS: Final = {
    LaneKind.TRANSACTIONS: "transaction.manifest",
    LaneKind.EPOCH_ENDINGS: "epoch_ending.manifest",
    LaneKind.STATE_SNAPSHOTS: "state.manifest",
}


class _Named:
    """The folders that entries name, in `metadata/` or in `metadata_backup/`."""

    def __init__(self, case: Case) -> None:
        self._lanes = {kind: (case.lane(kind), case.retired.lanes[kind]) for kind in ENTRY_LANES}

    @cached_property
    def _odd(self) -> set[str]:
        """Folders of handles that can't be looked up by their start."""
        lanes = [lane for pair in self._lanes.values() for lane in pair]
        return {lane.manifest(row).partition("/")[0] for lane in lanes for row in odd_rows(lane).tolist()}

    def __contains__(self, folder: tuple[str, BackupFolder]) -> bool:
        name, says = folder
        prefix = f"{name}/".encode()
        named = any(
            lane.manifests.raw(row).startswith(prefix) for lane in self._lanes[says.kind] for row in _at(lane, says)
        )
        return named or name in self._odd


def _at(lane: Lane, folder: BackupFolder) -> range:
    """The rows that begin where the folder's backup does; lanes are sorted by their first column."""
    column, value = (lane.first, folder.first) if lane.epoch is None else (lane.epoch, folder.epoch or 0)
    low, high = (int(np.searchsorted(column, np.uint64(value), side)) for side in ("left", "right"))
    return range(low, high)


def _unnamed(case: Case) -> list[tuple[Listed, BackupFolder]]:
    named = _Named(case)
    folders = [
        (listing, says)
        for listing in case.snapshot.root
        if listing.kind is ListedKind.FOLDER and (says := parse_backup_folder(listing.name)) is not None
    ]
    return [(listing, says) for listing, says in folders if (listing.name, says) not in named]


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
    return {(name.kind, name.first): file for name, file in pairs if name is not None and not name.compacted}


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
    return finding(
        "localfs-skip-existing",
        lane=says.kind,
        range_=(says.first, says.first) if not file.lines else None,
        explanation=f"The backup in {shown(listing.name)}/ is in no index: {shown(file.handle)} {state}, so its line "
        "was not written.",
        cause="LocalFs does nothing when the name of a metadata file exists, and reports success.",
        next_step=commands.look_at(case, f"{listing.name}/{_MANIFESTS[says.kind]}"),
        stock_says=f"File {file.listed.name} already exists, Skip",
        claims=[Claim(file.handle, 0)],
        manifests=[f"{listing.name}/{_MANIFESTS[says.kind]}"],
    )


def _orphans(case: Case, unnamed: list[tuple[Listed, BackupFolder]]) -> Iterator[Finding]:
    young = [listing for listing, _ in unnamed if case.now - listing.modified < LONGEST_BACKUP_SECONDS]
    old = [listing for listing, _ in unnamed if case.now - listing.modified >= LONGEST_BACKUP_SECONDS]
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
