"""What a look at a store's manifests goes over: those that lines name, the folders that none names, the files there."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Final, TypeAlias

from core.chain import named_rows
from core.errors import StoreUnreachable
from core.manifests.model import MANIFEST_NAMES
from core.model import LaneKind
from core.names import handle_problem, parse_backup_folder
from core.snapshot import Snapshot
from core.storage.protocol import HandleUnreadable, Listed, ListedKind, StoreReader

Target: TypeAlias = tuple[LaneKind, str]
_LANES: Final = tuple(MANIFEST_NAMES)


def targets(snapshot: Snapshot, manifests: Collection[str] | None) -> dict[Target, list[int]]:
    """The manifests that visible entries name (or those of them in `manifests`), each with the rows of its lane."""
    wanted = None if manifests is None else frozenset(manifests)
    found: dict[Target, list[int]] = {}
    for kind in _LANES:
        lane = snapshot.index.lanes[kind]
        for row in range(len(lane)) if wanted is None else named_rows(lane.manifests, wanted).tolist():
            found.setdefault((kind, lane.manifest(row)), []).append(row)
    return found


def unused_folders(snapshot: Snapshot) -> tuple[tuple[Listed, LaneKind], ...]:
    """Folders named as backup folders that no line points into, neither a visible nor a retired one."""
    named = {
        os.fsencode(listed.handle): (listed, folder.kind)
        for listed in snapshot.root
        if listed.kind is ListedKind.FOLDER and (folder := parse_backup_folder(listed.handle))
    }
    lanes = [lane for index in (snapshot.index, snapshot.retired) for lane in index.lanes.values()] if named else []
    for lane in lanes:
        for row in range(len(lane)):
            named.pop(lane.manifests.raw(row).partition(b"/")[0], None)
    return tuple(named.values())


def manifest_in(folder: Listed, lane: LaneKind) -> str:
    """Where stock puts the manifest of a backup folder."""
    return f"{folder.handle}/{MANIFEST_NAMES[lane]}"


def alone(reader: StoreReader, handle: str) -> list[Listed]:
    """A manifest's own file, if it can be had."""
    if handle_problem(handle):
        return []
    try:
        listed = reader.stat(handle)
    except HandleUnreadable:
        return []
    return [listed] if listed.kind is ListedKind.FILE else []


def beside(reader: StoreReader, handle: str) -> list[Listed]:
    """A manifest's own file, if it can be had, and all plain files beside it."""
    own = alone(reader, handle)
    folder = handle.rpartition("/")[0]
    return files_in(reader, folder) or own if own and folder else own


def files_in(reader: StoreReader, folder: str) -> list[Listed]:
    """The plain files of a folder; none where it can't be listed."""
    try:
        return [each for each in reader.list_folder(folder) if each.kind is ListedKind.FILE]
    except StoreUnreachable:
        return []
