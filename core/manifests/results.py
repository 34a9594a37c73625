"""What looking at manifests has shown, kept on this machine: a check that was stopped goes on, the oldest look first.

A result counts as long as nothing that it was seen in has changed (`core.manifests.seals`). Nothing is written to the
store. The memory is a help: damaged, of another version or not writable it is as if there were none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from core.host import Host
from core.manifests.content_verdict import ContentComparison, Doubt
from core.manifests.facts import ManifestFacts, ManifestProblem, ManifestStatus
from core.manifests.model import ChunkFormat
from core.manifests.seals import Seal
from core.model import LaneKind, RangeRecord
from core.private_files import PrivateFiles

#: So many manifests and comparisons are kept of a store; the oldest go first.
MAX_MANIFESTS: Final = 100_000
MAX_COMPARISONS: Final = 10_000
#: A result of more bytes is not kept, which only hostile names make it.
MAX_RESULT_BYTES: Final = 16 << 10
_MAX_BYTES: Final = 256 << 20
_VERSION: Final = 1
_PASSING: Final = "dangling-manifest"
_PASSING_DOUBTS: Final = frozenset({Doubt.UNREADABLE, Doubt.CHANGED, Doubt.STOPPED})


class _Problem(msgspec.Struct, array_like=True):
    """A `ManifestProblem`; `entry` is the number of the line that it is about."""

    hazard: str
    message: str
    file: str
    stock_says: str | None
    chunk: int | None
    record: int | None
    offset: int | None
    entry: int | None


class _Facts(msgspec.Struct, omit_defaults=True):
    """`ManifestFacts` without the lines, which whoever asks knows."""

    lane: LaneKind
    handle: str
    level: int
    status: ManifestStatus
    size: int | None = None
    modified: float | None = None
    gzip: bool = False
    first: int | None = None
    last: int | None = None
    epoch: int | None = None
    root_hash: str | None = None
    first_waypoint: str | None = None
    last_waypoint: str | None = None
    formats: frozenset[ChunkFormat] = frozenset()
    chunk_count: int = 0
    chunk_bytes: int | None = None
    proofs: int | None = None
    shared_with: tuple[str, ...] = ()
    problems: tuple[_Problem, ...] = ()
    counts: dict[str, int] = {}


class _Looked(msgspec.Struct):
    """A look at a manifest: when, and the seals over the manifest alone and over all its files (from level 3 on)."""

    at: float
    seal: str
    files_seal: str
    facts: _Facts


class _Compared(msgspec.Struct):
    """A comparison of two manifests: when, and the seal over both and all their chunk files."""

    at: float
    seal: str
    lane: LaneKind
    a: str
    b: str
    result: ContentComparison


_LookedBy: TypeAlias = dict[tuple[LaneKind, str], _Looked]
_ComparedBy: TypeAlias = dict[tuple[LaneKind, str, str], _Compared]
_Key = TypeVar("_Key")
_Result = TypeVar("_Result", _Looked, _Compared)


@dataclass(frozen=True, slots=True)
class KeptEvidence:
    """One file of results for each store in `folder`, readable for its owner alone."""

    folder: Path

    def of_store(self, location: str, host: Host) -> StoreResults:
        """What is known of a store."""
        return StoreResults(self._files, location, host)

    def forget(self, location: str) -> None:
        """Know nothing of a store."""
        self._files.forget(location)

    @property
    def _files(self) -> PrivateFiles:
        return PrivateFiles(self.folder, _VERSION, _MAX_BYTES)


class StoreResults:
    """The results of one store: read at once, written by `save`."""

    def __init__(self, files: PrivateFiles, location: str, host: Host) -> None:
        self._files = files
        self._location = location
        self._host = host
        self._looked, self._compared = _read(files.read(location))
        self._fresh = False

    def looked_at(self, lane: LaneKind, handle: str, level: int) -> float:
        """When a manifest was last looked at, at `level` or deeper (unix seconds); minus infinity for never."""
        known = self._looked.get((lane, handle))
        return known.at if known is not None and known.facts.level >= level else -math.inf

    def compared_at(self, lane: LaneKind, a: str, b: str) -> float:
        """When two manifests were last compared, unix seconds; minus infinity for never."""
        known = self._compared.get((lane, a, b))
        return -math.inf if known is None else known.at

    def level_of(self, lane: LaneKind, handle: str) -> int:
        """How deep the last look at a manifest went, 0 for none."""
        known = self._looked.get((lane, handle))
        return 0 if known is None else known.facts.level

    def facts(
        self, lane: LaneKind, handle: str, seal: Seal, files_seal: Seal | None, records: Sequence[RangeRecord]
    ) -> ManifestFacts | None:
        """What the last look showed, if it counts for files of these seals; `files_seal` is None below level 3."""
        known = self._looked.get((lane, handle))
        if known is None or known.seal != seal.digest or not seal.settled(known.at):
            return None
        if files_seal is not None and (known.files_seal != files_seal.digest or not files_seal.settled(known.at)):
            return None
        return _facts(known.facts, records)

    def keep(self, facts: ManifestFacts, seal: Seal, files_seal: Seal | None, records: Sequence[RangeRecord]) -> None:
        """Remember a look that ends now; not one at files that can't be had, which may be back any moment."""
        if facts.status is not ManifestStatus.READ or _PASSING in facts.counts:
            return
        looked = _Looked(
            self._host.now(), seal.digest, files_seal.digest if files_seal else "", _kept_facts(facts, records)
        )
        if _fits(looked):
            self._looked[facts.lane, facts.handle] = looked
            self._fresh = True

    def comparison(self, lane: LaneKind, a: str, b: str, seal: Seal) -> ContentComparison | None:
        """What the last comparison of two manifests showed, if it counts for files of this seal."""
        known = self._compared.get((lane, a, b))
        current = known is not None and known.seal == seal.digest and seal.settled(known.at)
        return known.result if known is not None and current else None

    def keep_comparison(self, lane: LaneKind, a: str, b: str, seal: Seal, result: ContentComparison) -> None:
        """Remember a comparison that ends now; not one that files which can't be had kept from its end."""
        if result.doubt in _PASSING_DOUBTS:
            return
        compared = _Compared(self._host.now(), seal.digest, lane, a, b, result)
        if _fits(compared):
            self._compared[lane, a, b] = compared
            self._fresh = True

    def save(self) -> None:
        """Write down what is new, beside what another check may have written meanwhile; the oldest results go."""
        if not self._fresh:
            return
        looked, compared = _read(self._files.read(self._location))
        self._looked = _latest(looked, self._looked, MAX_MANIFESTS)
        self._compared = _latest(compared, self._compared, MAX_COMPARISONS)
        document = {"manifests": list(self._looked.values()), "comparisons": list(self._compared.values())}
        self._files.write(self._location, {name: msgspec.to_builtins(value) for name, value in document.items()})
        self._fresh = False


def _read(document: Mapping[str, Any]) -> tuple[_LookedBy, _ComparedBy]:
    """The results in a memory; none if it is damaged."""
    try:
        looked = msgspec.convert(document.get("manifests", []), list[_Looked])
        compared = msgspec.convert(document.get("comparisons", []), list[_Compared])
    except (msgspec.ValidationError, RecursionError):
        return {}, {}
    return (
        {(each.facts.lane, each.facts.handle): each for each in looked},
        {(each.lane, each.a, each.b): each for each in compared},
    )


def _latest(others: dict[_Key, _Result], mine: dict[_Key, _Result], most: int) -> dict[_Key, _Result]:
    """Both together, of each the later look, and of all the `most` latest."""
    for key, result in mine.items():
        if key not in others or others[key].at <= result.at:
            others[key] = result
    if len(others) <= most:
        return others
    return dict(sorted(others.items(), key=lambda item: item[1].at)[-most:])


def _fits(result: _Looked | _Compared) -> bool:
    return len(msgspec.json.encode(result)) <= MAX_RESULT_BYTES


def _kept_facts(facts: ManifestFacts, records: Sequence[RangeRecord]) -> _Facts:
    own = {name: getattr(facts, name) for name in _SHARED}
    problems = tuple(
        _Problem(
            **{name: getattr(each, name) for name in _OF_PROBLEM},
            entry=None if each.entry is None else records.index(each.entry),
        )
        for each in facts.problems
    )
    return _Facts(**own, problems=problems, counts=dict(facts.counts))


def _facts(kept: _Facts, records: Sequence[RangeRecord]) -> ManifestFacts | None:
    """None where it is about lines that there are not."""
    if any(each.entry is not None and not 0 <= each.entry < len(records) for each in kept.problems):
        return None
    problems = tuple(
        ManifestProblem(
            **{name: getattr(each, name) for name in _OF_PROBLEM},
            entry=None if each.entry is None else records[each.entry],
        )
        for each in kept.problems
    )
    own = {name: getattr(kept, name) for name in _SHARED}
    return ManifestFacts(**own, problems=problems, counts=kept.counts, named_by=tuple(records) if problems else ())


_SHARED: Final = tuple(name for name in _Facts.__struct_fields__ if name not in ("problems", "counts"))
_OF_PROBLEM: Final = tuple(name for name in _Problem.__struct_fields__ if name != "entry")
