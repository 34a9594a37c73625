"""Derived manifests: reads the manifests that a splice may be cut from, and cuts those that the chain needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from core.chain import ChainOptions
from core.chain.splices import ChunkRun, ChunkTable, find_splices, rows_to_read
from core.codec import encode_record
from core.columns import I64, Lane
from core.form import Form
from core.ground import AddedLine
from core.manifests import Evidence, ManifestFacts, ManifestRefused
from core.manifests.derive import RangeManifest, derive, derived_handle, derived_record, fit_chunks, manifest_bytes
from core.manifests.facts import PROBLEMS_KEPT, harmful
from core.manifests.load import Unloaded, load_manifest
from core.manifests.model import EpochEndingManifest, TransactionManifest, range_of
from core.recovery.model import DerivedManifest
from core.storage.protocol import StoreReader


@dataclass(frozen=True, slots=True)
class Splicer:
    """Looks for splices in a store; `stopped` is asked between two manifests."""

    reader: StoreReader
    evidence: Evidence
    stopped: Callable[[], bool]

    def splices(self, lane: Lane, options: ChainOptions) -> Iterator[DerivedManifest]:
        """The manifests to derive so that chains get as far as the chunks of a lane allow."""
        rows = rows_to_read(lane, options)
        manifests = dict(self._manifests(lane, rows)) if len(rows) else {}
        tables = {
            row: _table(manifest, self._facts(lane, row), lane.manifest(row) in options.broken)
            for row, (manifest, _) in manifests.items()
        }
        known = {lane.manifest(row) for row in rows.tolist()}
        runs = {*find_splices(lane, options, tables), *find_splices(lane, options, tables, sound_only=True)}
        for run in sorted(runs) if tables else ():
            derived = _derived(lane, run, *manifests[run.row])
            if derived is not None and derived.record.manifest not in known:
                yield derived

    def _manifests(self, lane: Lane, rows: I64) -> Iterator[tuple[int, tuple[RangeManifest, Form]]]:
        """Each manifest that can be cut, and the form of its file."""
        for row in rows.tolist():
            if self.stopped():
                return
            try:
                loaded = load_manifest(self.reader, lane.kind, lane.manifest(row), stopped=self.stopped)
            except Unloaded:
                continue
            if isinstance(loaded.manifest, TransactionManifest | EpochEndingManifest):
                yield row, (loaded.manifest, Form.GZIP if loaded.gzip else Form.PLAIN)

    def _facts(self, lane: Lane, row: int) -> ManifestFacts | None:
        return self.evidence.manifest(lane.kind, lane.manifest(row))


def _table(manifest: RangeManifest, facts: ManifestFacts | None, broken: bool) -> ChunkTable:
    """The chunks of a manifest; of one that is `broken` without known reasons none is sound."""
    bad = _unsound(facts, len(manifest.chunks)) if facts else frozenset(range(len(manifest.chunks)) if broken else ())
    return ChunkTable(
        first=tuple(chunk.first for chunk in manifest.chunks),
        last=tuple(chunk.last for chunk in manifest.chunks),
        sound=tuple(fit and number not in bad for number, fit in enumerate(fit_chunks(manifest))),
    )


def _unsound(facts: ManifestFacts, chunks: int) -> frozenset[int]:
    """The chunks that something is wrong with; all of them where more is wrong than was kept."""
    problems = [problem for problem in facts.problems if harmful(problem.hazard)]
    if any(count > PROBLEMS_KEPT for hazard, count in facts.counts.items() if harmful(hazard)):
        return frozenset(range(chunks))
    return frozenset(problem.chunk for problem in problems if problem.chunk is not None)


def _derived(lane: Lane, run: ChunkRun, manifest: RangeManifest, form: Form) -> DerivedManifest | None:
    """The manifest of some chunks; None where it can't be made, as of epoch endings without a waypoint for each."""
    source = lane.manifest(run.row)
    try:
        cut = derive(manifest, run.begin, run.end)
        content = manifest_bytes(cut)
        handle = derived_handle(lane.kind, range_of(cut)[0], source, run.begin, run.end, content)
        return DerivedManifest(lane.kind, source, run.begin, run.end, derived_record(cut, handle), content, form)
    except (ManifestRefused, ValueError):
        return None


def line_of(derived: DerivedManifest) -> AddedLine:
    """The line that names a derived manifest."""
    return AddedLine(derived.record, encode_record(derived.record).rstrip(b"\n"), source=derived.source)


def used(derived: Sequence[DerivedManifest], lines: Sequence[AddedLine]) -> tuple[DerivedManifest, ...]:
    """The derived manifests that some of `lines` name."""
    named = {line.record.manifest for line in lines}
    return tuple(each for each in derived if each.record.manifest in named)
