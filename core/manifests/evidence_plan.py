"""What a look at manifests will read, told before it starts."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from core.manifests.conflicts import pairs_of
from core.manifests.inspector import LEVEL_CONTENTS, LEVEL_FILES, LEVEL_MANIFESTS, LEVEL_RECORDS
from core.manifests.targets import alone, beside, files_in, manifest_in, targets, unused_folders
from core.manifests.watching import EvidenceProgress, EvidenceWatch, Unwatched
from core.snapshot import Snapshot
from core.storage.protocol import Listed, StoreReader


@dataclass(frozen=True, slots=True)
class EvidencePlan:
    """What a look at `level` will read, at most: so many manifests, so many files in all, so many bytes of them.

    Files that are not there count nothing. Chunk and proof files are looked up from level 3 on and read from level 4
    on; at level 5 the chunks of `pairs` of conflicting manifests are read once more, to be compared. What is known
    from an earlier look and has not changed need not be read. `complete` is False when planning itself was stopped.
    """

    level: int
    manifests: int
    files: int
    bytes: int
    pairs: int = 0
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
    plan = _Plan(reader, level, watch or Unwatched())
    handles = [handle for _, handle in targets(snapshot, manifests)]
    handles += [manifest_in(folder, lane) for folder, lane in (unused_folders(snapshot) if manifests is None else ())]
    pairs = pairs_of(snapshot, manifests)[0] if level >= LEVEL_CONTENTS else ()
    complete = plan.add_manifests(handles) and plan.add_pairs([handle for each in pairs for handle in (each.a, each.b)])
    return EvidencePlan(level, plan.found, plan.files, plan.bytes, len(pairs), complete)


class _Plan:
    """Adds up what will be read."""

    def __init__(self, reader: StoreReader, level: int, watch: EvidenceWatch) -> None:
        self._reader = reader
        self._level = level
        self._watch = watch
        self._listed: set[str] = set()
        self.found = self.files = self.bytes = 0

    def add_manifests(self, handles: list[str]) -> bool:
        """Count manifests and what stands beside them; False when stopped."""
        for done, handle in enumerate(handles):
            if self._watch.stopped():
                return False
            self._watch.progress(EvidenceProgress(done, len(handles), 0))
            self._add(handle)
        return True

    def _add(self, handle: str) -> None:
        folder = handle.rpartition("/")[0]
        lonely = self._level < LEVEL_FILES or folder in self._listed
        there = alone(self._reader, handle) if lonely else beside(self._reader, handle)
        self.found += sum(each.handle == handle for each in there)
        self.files += 0 if folder in self._listed else len(there)
        self.bytes += sum(each.size for each in there if each.handle == handle or self._level >= LEVEL_RECORDS)
        if folder and not lonely:
            self._listed.add(folder)

    def add_pairs(self, handles: Iterable[str]) -> bool:
        """Count once more the chunks of every manifest that is compared, once for each comparison."""
        sizes: dict[str, int] = {}
        for handle in handles:
            if self._watch.stopped():
                return False
            folder = handle.rpartition("/")[0]
            if folder not in sizes:
                sizes[folder] = sum(each.size for each in files_in(self._reader, folder) if _is_data(each, handle))
            self.bytes += sizes[folder]
        return True


def _is_data(listed: Listed, manifest: str) -> bool:
    return listed.handle != manifest and not listed.name.endswith(".proof")
