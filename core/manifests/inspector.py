"""One manifest looked at from its file down to the records of its chunks, as deep as the level asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from core.errors import Stopped
from core.manifests.facts import PROBLEMS_KEPT, ManifestFacts, ManifestProblem, ManifestStatus
from core.manifests.files import BackupFiles, check_presence, check_unnamed
from core.manifests.load import LoadedManifest, Unloaded, load_manifest
from core.manifests.model import (
    MANIFEST_NAMES,
    EpochEndingManifest,
    Manifest,
    StateManifest,
    TransactionManifest,
    chunks_of,
    named_files,
    range_of,
)
from core.manifests.records import Contents
from core.manifests.results import StoreResults
from core.manifests.seals import Seal, is_dated
from core.manifests.sharing import Sharing
from core.manifests.verify import check_against_entry, check_manifest
from core.model import LaneKind, RangeRecord
from core.names import handle_problem
from core.storage.protocol import HandleUnreadable, ListedKind, StoreReader

LEVEL_MANIFESTS: Final = 2
LEVEL_FILES: Final = 3
LEVEL_RECORDS: Final = 4
LEVEL_CONTENTS: Final = 5


class Inspector:
    """Looks at manifests one after another and counts what it reads; nothing is kept of one but its facts.

    `root` holds the kinds of the names at the store's top. `stopped` is asked between files and within large ones.
    `read` is told of every file that was read to its end, with its size in bytes. What `results` hold of an earlier
    look that went as deep is used again where nothing has changed, unless `afresh`; `kept` counts how often.
    """

    def __init__(
        self,
        reader: StoreReader,
        level: int,
        root: Mapping[str, ListedKind],
        stopped: Callable[[], bool],
        read: Callable[[int], None],
        results: StoreResults | None = None,
        *,
        afresh: bool = False,
    ) -> None:
        self._reader = reader
        self._level = min(level, LEVEL_RECORDS)
        self._root = root
        self._stopped = stopped
        self._read = read
        self._results = results
        self._afresh = afresh
        self._contents = Contents(reader, stopped)
        self._beside: BackupFiles | None = None
        self._listed_folders: set[str] = set()
        self.sharing = Sharing()
        self.kept = 0

    def inspect(self, lane: LaneKind, handle: str, records: Sequence[RangeRecord]) -> ManifestFacts | None:
        """What one manifest shows; `records` are the lines that name it. None when stopped before the end."""
        known = self._known(lane, handle, records)
        if known is not None:
            self.kept += 1
            return known
        try:
            loaded = load_manifest(self._reader, lane, handle, self._root, self._stopped)
        except Stopped:
            return None
        except Unloaded as unloaded:
            return _unloaded_facts(lane, handle, self._level, unloaded, tuple(records))
        self._read(loaded.listed.size)
        self.sharing.note(lane, handle, loaded.manifest)
        sealed = self._results is not None and is_dated(loaded.listed)
        seals = self._seals(lane, loaded, records, self._level) if sealed else None
        problems = _Problems(check_manifest(loaded.manifest, handle))
        for record in records:
            problems.extend(check_against_entry(loaded.manifest, record, handle))
        present = _Present()
        if self._level >= LEVEL_FILES:
            present = self._check_files(loaded.manifest, lane, handle, problems)
        if self._stopped():
            return None
        facts = _facts(lane, self._level, loaded, problems, present, tuple(records))
        if self._results and seals:
            self._results.keep(facts, *seals, records)
        return facts

    def _known(self, lane: LaneKind, handle: str, records: Sequence[RangeRecord]) -> ManifestFacts | None:
        """What an earlier look showed, if it went as deep and nothing has changed since."""
        level = self._results.level_of(lane, handle) if self._results else 0
        if self._results is None or self._afresh or level < self._level:
            return None
        try:
            if level < LEVEL_FILES:
                seal = Seal(records)
                seal.add(handle, self._reader.stat(handle))
                return self._results.facts(lane, handle, seal, None, records)
            loaded = load_manifest(self._reader, lane, handle, self._root, self._stopped)
        except (HandleUnreadable, Unloaded, Stopped):
            return None
        self.sharing.note(lane, handle, loaded.manifest)
        return self._results.facts(lane, handle, *self._seals(lane, loaded, records, level), records)

    def _seals(
        self, lane: LaneKind, loaded: LoadedManifest, records: Sequence[RangeRecord], level: int
    ) -> tuple[Seal, Seal | None]:
        """The seal over a manifest and the lines that name it, and from level 3 on the one over all its files."""
        handle, seal, over_files = loaded.listed.handle, Seal(records), Seal()
        seal.add(handle, loaded.listed)
        if level < LEVEL_FILES:
            return seal, None
        files = self._files_beside(lane, handle)
        for named in named_files(loaded.manifest):
            if not handle_problem(named.handle):
                over_files.add(named.handle, files.look_up(named.handle))
        for name, _ in files.data_files():
            over_files.add_name(name)
        return seal, over_files

    def _check_files(self, manifest: Manifest, lane: LaneKind, handle: str, problems: _Problems) -> _Present:
        """Check every file that a manifest names; what is there of them."""
        files = self._files_beside(lane, handle)
        chunk_bytes = proofs = 0
        for named in named_files(manifest):
            if self._stopped():
                break
            if handle_problem(named.handle):
                continue
            found = files.look_up(named.handle)
            problem = check_presence(manifest, named, found)
            if problem or isinstance(found, HandleUnreadable):
                problems.extend((problem,) if problem else ())
                continue
            chunk_bytes += 0 if named.is_proof else found.size
            proofs += named.is_proof
            if self._level >= LEVEL_RECORDS:
                problems.extend(self._contents.check(manifest, named))
                self._read(found.size)
        problems.extend(check_unnamed(files, manifest, lane, handle))
        return _Present(chunk_bytes, proofs)

    def _files_beside(self, lane: LaneKind, handle: str) -> BackupFiles:
        """The files of a manifest's folder; manifests that share one share its listing.

        A folder is listed anew only for the manifest that stock would put there: lines that name many manifests in a
        few folders, in turns, do not make each of them be listed again and again.
        """
        folder = handle.rpartition("/")[0]
        if self._beside is None or self._beside.folder != folder:
            own = handle == f"{folder}/{MANIFEST_NAMES[lane]}"
            self._beside = BackupFiles(self._reader, folder, listing=own or folder not in self._listed_folders)
            self._listed_folders.add(folder)
        return self._beside


@dataclass(frozen=True, slots=True)
class _Present:
    """The bytes of the chunk files that are there, and how many proofs are; None for what was not looked up."""

    chunk_bytes: int | None = None
    proofs: int | None = None


class _Problems:
    """The first problems of each hazard, and how many there are."""

    def __init__(self, problems: Iterable[ManifestProblem]) -> None:
        self.kept: list[ManifestProblem] = []
        self.counts: Counter[str] = Counter()
        self.extend(problems)

    def extend(self, problems: Iterable[ManifestProblem]) -> None:
        for problem in problems:
            self.counts[problem.hazard] += 1
            if self.counts[problem.hazard] <= PROBLEMS_KEPT:
                self.kept.append(problem)


@cache
def _once(hazard: str) -> Mapping[str, int]:
    """One problem of a kind: shared, since in a copy of the metadata alone a million manifests have just this."""
    return {hazard: 1}


def _unloaded_facts(
    lane: LaneKind, handle: str, level: int, unloaded: Unloaded, records: tuple[RangeRecord, ...]
) -> ManifestFacts:
    listed = unloaded.listed
    return ManifestFacts(
        lane,
        handle,
        level,
        unloaded.status,
        size=listed.size if listed else None,
        modified=listed.modified if listed else None,
        problems=(unloaded.problem,),
        counts=_once(unloaded.problem.hazard),
        named_by=records,
    )


def _facts(
    lane: LaneKind,
    level: int,
    loaded: LoadedManifest,
    problems: _Problems,
    present: _Present,
    records: tuple[RangeRecord, ...],
) -> ManifestFacts:
    manifest = loaded.manifest
    first, last = range_of(manifest)
    state = manifest if isinstance(manifest, StateManifest) else None
    waypoints = manifest.waypoints if isinstance(manifest, EpochEndingManifest) else ()
    formats = (chunk.format for chunk in manifest.chunks) if isinstance(manifest, TransactionManifest) else ()
    return ManifestFacts(
        lane,
        loaded.listed.handle,
        level,
        ManifestStatus.READ,
        size=loaded.listed.size,
        modified=loaded.listed.modified,
        gzip=loaded.gzip,
        first=first,
        last=last,
        epoch=state.epoch if state else None,
        root_hash=state.root_hash if state else None,
        first_waypoint=waypoints[0] if waypoints else None,
        last_waypoint=waypoints[-1] if waypoints else None,
        formats=frozenset(formats),
        chunk_count=len(chunks_of(manifest)),
        chunk_bytes=present.chunk_bytes,
        proofs=present.proofs,
        problems=tuple(problems.kept),
        counts=dict(problems.counts),
        named_by=records if problems.kept else (),
    )
