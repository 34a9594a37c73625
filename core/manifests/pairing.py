"""Level 5: manifests that compete compared record by record, pair after pair."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from core.manifests.conflicts import Pair
from core.manifests.content_compare import compare_contents
from core.manifests.content_verdict import CompareProgress, ContentComparison, Doubt, Verdict
from core.manifests.load import LoadedManifest, Unloaded, load_manifest
from core.manifests.model import chunks_of
from core.manifests.results import StoreResults
from core.manifests.seals import Seal, is_dated
from core.model import LaneKind
from core.storage.protocol import HandleUnreadable, StoreReader

#: A manifest competes with several, one after another, so the last ones that were read are kept.
_MANIFESTS_HELD: Final = 2


class Pairing:
    """Compares pairs; what is known from an earlier comparison is used again, unless `afresh`.

    `stopped` is asked and `told` hears how many bytes one comparison has read, after each block.
    """

    def __init__(
        self,
        reader: StoreReader,
        stopped: Callable[[], bool],
        told: Callable[[int], None],
        results: StoreResults | None,
        *,
        afresh: bool,
    ) -> None:
        self._reader = reader
        self._stopped = stopped
        self._told = told
        self._results = results
        self._afresh = afresh
        self._held: dict[tuple[LaneKind, str], LoadedManifest | Unloaded] = {}
        self.kept = 0

    def compare(self, pair: Pair) -> ContentComparison | None:
        """How two manifests compare, None when stopped before the end."""
        a, b = self._load(pair.lane, pair.a), self._load(pair.lane, pair.b)
        if isinstance(a, Unloaded):
            return _unread(pair.lane, "A", a)
        if isinstance(b, Unloaded):
            return _unread(pair.lane, "B", b)
        dated = is_dated(a.listed) and is_dated(b.listed)
        seal = self._seal(a, b) if self._results and dated else None
        if self._results and seal and not self._afresh:
            known = self._results.comparison(pair.lane, pair.a, pair.b, seal)
            if known is not None:
                self.kept += 1
                return known
        result = compare_contents(self._reader, a.manifest, b.manifest, self)
        if result.doubt is Doubt.STOPPED:
            return None
        if self._results and seal:
            self._results.keep_comparison(pair.lane, pair.a, pair.b, seal, result)
        return result

    def known(self, pair: Pair) -> ContentComparison | None:
        """What an earlier comparison showed, if nothing has changed since; without one nothing is read."""
        results = self._results
        if results is None or results.compared_at(pair.lane, pair.a, pair.b) == -math.inf:
            return None
        a, b = self._load(pair.lane, pair.a), self._load(pair.lane, pair.b)
        if isinstance(a, Unloaded) or isinstance(b, Unloaded):
            return None
        return results.comparison(pair.lane, pair.a, pair.b, self._seal(a, b))

    def progress(self, progress: CompareProgress) -> None:
        """How far the comparison is."""
        self._told(progress.bytes)

    def stopped(self) -> bool:
        """Whether to stop."""
        return self._stopped()

    def _load(self, lane: LaneKind, handle: str) -> LoadedManifest | Unloaded:
        known = self._held.pop((lane, handle), None)
        if known is None:
            try:
                known = load_manifest(self._reader, lane, handle)
            except Unloaded as unloaded:
                known = unloaded.with_traceback(None)
        while len(self._held) >= _MANIFESTS_HELD:
            del self._held[next(iter(self._held))]
        self._held[lane, handle] = known
        return known

    def _seal(self, a: LoadedManifest, b: LoadedManifest) -> Seal:
        seal = Seal()
        for loaded in (a, b):
            seal.add(loaded.listed.handle, loaded.listed)
            for chunk in chunks_of(loaded.manifest):
                try:
                    seal.add(chunk.file, self._reader.stat(chunk.file))
                except HandleUnreadable as unreadable:
                    seal.add(chunk.file, unreadable)
        return seal


def _unread(lane: LaneKind, name: str, unloaded: Unloaded) -> ContentComparison:
    why = f"{name}: {unloaded.problem.message}"
    return ContentComparison(Verdict.UNKNOWN, lane.unit, None, None, doubt=Doubt.UNREADABLE, why=why)
