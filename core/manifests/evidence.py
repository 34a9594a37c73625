"""Levels 2 to 5 of a check over a whole store (`recovery.md`, "Findings"): what looking at its manifests shows.

Few manifests are held at a time. Progress is told and a stop is heeded between files and within large ones; a stopped
look leaves what was looked at to the end, marked incomplete. With the results of earlier looks it goes on where the
last one stopped: what has not changed is not read again, and what was never looked at, or the longest ago, comes first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Final, TypeAlias

from core.manifests.conflicts import Pair, pairs_of
from core.manifests.content_verdict import ContentComparison
from core.manifests.facts import Evidence, ManifestFacts, OrphanFacts
from core.manifests.inspector import LEVEL_CONTENTS, LEVEL_MANIFESTS, LEVEL_RECORDS, Inspector
from core.manifests.pairing import Pairing
from core.manifests.results import StoreResults
from core.manifests.targets import Target, files_in, manifest_in, targets, unused_folders
from core.manifests.watching import EvidenceProgress, EvidenceWatch, Unwatched
from core.model import LaneKind
from core.snapshot import Snapshot
from core.storage.protocol import Listed, StoreReader

#: After so many bytes read, and so many manifests, what is known is written down: a check may be killed.
_SAVED_BYTES: Final = 4 << 30
_SAVED_STEPS: Final = 20_000
_Comparisons: TypeAlias = dict[tuple[LaneKind, str, str], ContentComparison]


def collect_evidence(
    reader: StoreReader,
    snapshot: Snapshot,
    level: int,
    watch: EvidenceWatch | None = None,
    manifests: Collection[str] | None = None,
    results: StoreResults | None = None,
    *,
    afresh: bool = False,
) -> Evidence:
    """Look at the manifests of a snapshot's visible entries: all of them and the unused folders, or only `manifests`.

    `results` of earlier looks are used where nothing has changed, unless `afresh`, and grow by what is seen. Below
    level 2 there is nothing to look at, above 5 nothing more. Runs long and blocks: meant for a worker thread.
    """
    if level < LEVEL_MANIFESTS:
        return Evidence(level)
    return _Collection(reader, snapshot, level, watch or Unwatched(), results, afresh=afresh).run(manifests)


class _Collection:
    """One look at a store's manifests."""

    def __init__(
        self,
        reader: StoreReader,
        snapshot: Snapshot,
        level: int,
        watch: EvidenceWatch,
        results: StoreResults | None,
        *,
        afresh: bool,
    ) -> None:
        root = {each.handle: each.kind for each in snapshot.root}
        self._reader = reader
        self._snapshot = snapshot
        self._level = level
        self._watch = watch
        self._results = results
        self._inspector = Inspector(reader, level, root, watch.stopped, self._read, results, afresh=afresh)
        self._pairing = Pairing(reader, watch.stopped, self._tell, results, afresh=afresh)
        self._done = self._total = self._bytes = self._under_way = 0
        self._saved = (0, 0)

    def run(self, manifests: Collection[str] | None) -> Evidence:
        """Look at everything, or as far as it comes."""
        wanted = targets(self._snapshot, manifests)
        orphans = unused_folders(self._snapshot) if manifests is None else ()
        pairs, left = pairs_of(self._snapshot, manifests) if self._level >= LEVEL_CONTENTS else ((), {})
        self._total = len(wanted) + len(orphans) + len(pairs)
        facts: dict[Target, ManifestFacts] = {}
        unused: list[OrphanFacts] = []
        compared: _Comparisons = {}
        try:
            facts.update(self._inspected(wanted))
            if len(facts) == len(wanted):
                unused.extend(self._unused(orphans))
            if len(facts) + len(unused) == len(wanted) + len(orphans):
                compared.update(self._compared(pairs))
        finally:
            self._save()
        return Evidence(
            level=self._level,
            manifests=self._inspector.sharing.told(
                self._reader, {each: facts[each] for each in wanted if each in facts}
            ),
            orphans=tuple(unused),
            bytes_read=self._bytes,
            complete=len(facts) + len(unused) + len(compared) == self._total,
            comparisons={key: compared[key] for key in map(_key, pairs) if key in compared},
            uncompared=left,
            kept=self._inspector.kept + self._pairing.kept,
        )

    def _inspected(self, wanted: dict[Target, list[int]]) -> Iterator[tuple[Target, ManifestFacts]]:
        for lane, handle in self._oldest_first(wanted):
            records = [self._snapshot.index.lanes[lane].record(row) for row in wanted[lane, handle]]
            found = self._inspector.inspect(lane, handle, records)
            if found is None or self._watch.stopped():
                return
            yield (lane, handle), found
            self._step()

    def _oldest_first(self, wanted: Iterable[Target]) -> Iterable[Target]:
        """The order in which manifests are looked at: what was never seen so deep first, then the longest ago."""
        results, level = self._results, min(self._level, LEVEL_RECORDS)
        if results is None:
            return wanted
        return sorted(wanted, key=lambda each: results.looked_at(each[0], each[1], level))

    def _unused(self, orphans: Iterable[tuple[Listed, LaneKind]]) -> Iterator[OrphanFacts]:
        for folder, lane in orphans:
            within, handle = files_in(self._reader, folder.handle), manifest_in(folder, lane)
            there = any(each.handle == handle for each in within)
            found = self._inspector.inspect(lane, handle, ()) if there else None
            if self._watch.stopped():
                return
            newest = max((each.modified for each in within), default=folder.modified)
            yield OrphanFacts(folder.handle, lane, found, len(within), newest)
            self._step()

    def _compared(self, pairs: Iterable[Pair]) -> Iterator[tuple[tuple[LaneKind, str, str], ContentComparison]]:
        results = self._results
        ordered = pairs if results is None else sorted(pairs, key=lambda each: results.compared_at(*_key(each)))
        for pair in ordered:
            result = self._pairing.compare(pair)
            if result is None or self._watch.stopped():
                return
            yield _key(pair), result
            self._bytes, self._under_way = self._bytes + self._under_way, 0
            self._step()

    def _read(self, size: int) -> None:
        self._bytes += size
        self._tell(0)

    def _tell(self, under_way: int) -> None:
        """Tell how far it is; `under_way` counts the bytes that a comparison which is not done has read."""
        self._under_way = under_way
        self._watch.progress(EvidenceProgress(self._done, self._total, self._bytes + under_way))

    def _step(self) -> None:
        self._done += 1
        self._tell(0)
        steps, size = self._saved
        if self._done - steps >= _SAVED_STEPS or self._bytes - size >= _SAVED_BYTES:
            self._save()

    def _save(self) -> None:
        self._saved = (self._done, self._bytes)
        if self._results is not None:
            self._results.save()


def _key(pair: Pair) -> tuple[LaneKind, str, str]:
    return pair.lane, pair.a, pair.b
