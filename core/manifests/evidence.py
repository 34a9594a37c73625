"""Levels 2 to 4 of a check over a whole store (`recovery.md`, "Findings"): what will be read, and what it shows.

One manifest is held at a time. Progress is told and a stop is heeded between files and within large ones; a stopped
look leaves what was looked at to the end, marked incomplete.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from core.errors import StoreUnreachable
from core.manifests.facts import Evidence, ManifestFacts, OrphanFacts
from core.manifests.inspector import LEVEL_FILES, LEVEL_MANIFESTS, LEVEL_RECORDS, Inspector
from core.manifests.model import MANIFEST_NAMES
from core.model import LaneKind
from core.names import handle_problem, parse_backup_folder
from core.snapshot import Snapshot
from core.storage.protocol import HandleUnreadable, Listed, ListedKind, StoreReader

_LANES: Final = tuple(MANIFEST_NAMES)
_Target: TypeAlias = tuple[LaneKind, str]


@dataclass(frozen=True, slots=True)
class EvidenceProgress:
    """How far a look is: `done` of `total` manifests (folders without a line included), and `bytes_read` so far."""

    done: int
    total: int
    bytes_read: int


class EvidenceWatch(Protocol):
    """Who follows a look: told of progress, asked whether to stop. Called from the thread that looks."""

    def progress(self, progress: EvidenceProgress) -> None:
        """Told after each file that was read and each manifest that is done."""

    def stopped(self) -> bool:
        """Whether to stop; the evidence is then marked incomplete."""


class _Unwatched:
    """Nobody watches, nobody stops."""

    def progress(self, progress: EvidenceProgress) -> None:
        """Ignored."""

    def stopped(self) -> bool:
        """Never."""
        return False


@dataclass(frozen=True, slots=True)
class EvidencePlan:
    """What a look at `level` will read, at most: so many manifests, so many files in all, so many bytes of them.

    Files that are not there count nothing. Chunk and proof files are looked up from level 3 on and read from level 4
    on. `complete` is False when planning itself was stopped.
    """

    level: int
    manifests: int
    files: int
    bytes: int
    complete: bool = True


def plan_evidence(
    reader: StoreReader,
    snapshot: Snapshot,
    level: int,
    watch: EvidenceWatch | None = None,
    manifests: Collection[str] | None = None,
) -> EvidencePlan:
    """What `collect_evidence` with the same arguments will read. Opens nothing; from level 3 on it lists folders."""
    if level < LEVEL_MANIFESTS:
        return EvidencePlan(level, 0, 0, 0)
    watch = watch or _Unwatched()
    handles = [handle for _, handle in _targets(snapshot, manifests)]
    handles += [_manifest_in(folder, lane) for folder, lane in (_unused_folders(snapshot) if manifests is None else ())]
    found = files = size = 0
    listed: set[str] = set()
    for done, handle in enumerate(handles):
        if watch.stopped():
            return EvidencePlan(level, found, files, size, complete=False)
        watch.progress(EvidenceProgress(done, len(handles), 0))
        folder = handle.rpartition("/")[0]
        alone = level < LEVEL_FILES or folder in listed
        there = _alone(reader, handle) if alone else _beside(reader, handle)
        found += sum(each.handle == handle for each in there)
        files += 0 if folder in listed else len(there)
        size += sum(each.size for each in there if each.handle == handle or level >= LEVEL_RECORDS)
        if folder and not alone:
            listed.add(folder)
    return EvidencePlan(level, found, files, size)


def collect_evidence(
    reader: StoreReader,
    snapshot: Snapshot,
    level: int,
    watch: EvidenceWatch | None = None,
    manifests: Collection[str] | None = None,
) -> Evidence:
    """Look at the manifests of a snapshot's visible entries: all of them and the unused folders, or only `manifests`.

    Below level 2 there is nothing to look at, above 4 nothing more. Runs long and blocks: meant for a worker thread.
    """
    if level < LEVEL_MANIFESTS:
        return Evidence(level)
    return _Collection(reader, snapshot, level, watch or _Unwatched()).run(manifests)


class _Collection:
    """One look at a store's manifests."""

    def __init__(self, reader: StoreReader, snapshot: Snapshot, level: int, watch: EvidenceWatch) -> None:
        root = {each.handle: each.kind for each in snapshot.root}
        self._reader = reader
        self._snapshot = snapshot
        self._level = level
        self._watch = watch
        self._inspector = Inspector(reader, level, root, watch.stopped, self._read)
        self._done = self._total = self._bytes = 0

    def run(self, manifests: Collection[str] | None) -> Evidence:
        targets = _targets(self._snapshot, manifests)
        orphans = _unused_folders(self._snapshot) if manifests is None else ()
        self._total = len(targets) + len(orphans)
        facts: dict[_Target, ManifestFacts] = {}
        for (lane, handle), rows in targets.items():
            records = [self._snapshot.index.lanes[lane].record(row) for row in rows]
            found = self._inspector.inspect(lane, handle, records)
            if found is None or self._watch.stopped():
                return Evidence(self._level, facts, bytes_read=self._bytes, complete=False)
            facts[lane, handle] = found
            self._step()
        unused = tuple(self._unused(orphans))
        return Evidence(self._level, facts, unused, self._bytes, complete=len(unused) == len(orphans))

    def _unused(self, orphans: Iterable[tuple[Listed, LaneKind]]) -> Iterator[OrphanFacts]:
        for folder, lane in orphans:
            within, handle = _files_in(self._reader, folder.handle), _manifest_in(folder, lane)
            there = any(each.handle == handle for each in within)
            found = self._inspector.inspect(lane, handle, ()) if there else None
            if self._watch.stopped():
                return
            newest = max((each.modified for each in within), default=folder.modified)
            yield OrphanFacts(folder.handle, lane, found, len(within), newest)
            self._step()

    def _read(self, size: int) -> None:
        self._bytes += size
        self._watch.progress(EvidenceProgress(self._done, self._total, self._bytes))

    def _step(self) -> None:
        self._done += 1
        self._watch.progress(EvidenceProgress(self._done, self._total, self._bytes))


def _targets(snapshot: Snapshot, manifests: Collection[str] | None) -> dict[_Target, list[int]]:
    """The manifests that visible entries name, each with the rows of its lane that do."""
    wanted = None if manifests is None else frozenset(manifests)
    targets: dict[_Target, list[int]] = {}
    for kind in _LANES:
        lane = snapshot.index.lanes[kind]
        for row in range(len(lane)):
            handle = lane.manifest(row)
            if wanted is None or handle in wanted:
                targets.setdefault((kind, handle), []).append(row)
    return targets


def _unused_folders(snapshot: Snapshot) -> tuple[tuple[Listed, LaneKind], ...]:
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


def _manifest_in(folder: Listed, lane: LaneKind) -> str:
    return f"{folder.handle}/{MANIFEST_NAMES[lane]}"


def _alone(reader: StoreReader, handle: str) -> list[Listed]:
    """A manifest's own file, if it can be had."""
    if handle_problem(handle):
        return []
    try:
        listed = reader.stat(handle)
    except HandleUnreadable:
        return []
    return [listed] if listed.kind is ListedKind.FILE else []


def _beside(reader: StoreReader, handle: str) -> list[Listed]:
    """A manifest's own file, if it can be had, and all plain files beside it."""
    own = _alone(reader, handle)
    folder = handle.rpartition("/")[0]
    return _files_in(reader, folder) or own if own and folder else own


def _files_in(reader: StoreReader, folder: str) -> list[Listed]:
    """The plain files of a folder; none where it can't be listed."""
    try:
        return [each for each in reader.list_folder(folder) if each.kind is ListedKind.FILE]
    except StoreUnreachable:
        return []
