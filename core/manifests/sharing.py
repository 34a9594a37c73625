"""Manifests that name the same chunk files, as derived ones do with those that they were cut from.

Chunk files lie beside their manifest; only those that lie elsewhere are kept in mind, so that this costs nothing in a
store without any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from core.manifests.facts import ManifestFacts
from core.manifests.load import Unloaded, load_manifest
from core.manifests.model import MANIFEST_NAMES, Manifest, chunks_of
from core.manifests.targets import Target
from core.model import LaneKind
from core.storage.protocol import StoreReader

#: So many chunk files that lie elsewhere are kept in mind.
_MOST_FILES: Final = 20_000
#: So many of the manifests that share chunk files with one are told.
_MOST_TOLD: Final = 5


class Sharing:
    """Told of every manifest that was read; then knows which share chunk files."""

    def __init__(self) -> None:
        self._named: dict[tuple[LaneKind, str], list[str]] = {}

    def note(self, lane: LaneKind, handle: str, manifest: Manifest) -> None:
        """Keep in mind which chunk files a manifest names that lie in another folder."""
        folder = handle.rpartition("/")[0]
        for chunk in chunks_of(manifest):
            if chunk.file.rpartition("/")[0] != folder:
                self._add(lane, chunk.file, handle)

    def told(self, reader: StoreReader, facts: dict[Target, ManifestFacts]) -> dict[Target, ManifestFacts]:
        """The facts, each with who shares its chunk files. Reads the manifests beside such files once more."""
        for lane, folder in {(lane, file.rpartition("/")[0]) for lane, file in self._named}:
            beside = f"{folder}/{MANIFEST_NAMES[lane]}"
            if (lane, beside) in facts:
                self._add_beside(reader, lane, beside)
        return facts | {target: replace(facts[target], shared_with=others) for target, others in self._others(facts)}

    def _add_beside(self, reader: StoreReader, lane: LaneKind, handle: str) -> None:
        try:
            manifest = load_manifest(reader, lane, handle).manifest
        except Unloaded:
            return
        for chunk in chunks_of(manifest):
            if (lane, chunk.file) in self._named:
                self._add(lane, chunk.file, handle)

    def _add(self, lane: LaneKind, file: str, handle: str) -> None:
        if (lane, file) in self._named or len(self._named) < _MOST_FILES:
            named = self._named.setdefault((lane, file), [])
            if len(named) <= _MOST_TOLD and handle not in named:
                named.append(handle)

    def _others(self, facts: Mapping[Target, ManifestFacts]) -> list[tuple[Target, tuple[str, ...]]]:
        others: dict[Target, dict[str, None]] = {}
        for (lane, _), handles in self._named.items():
            for handle in handles:
                others.setdefault((lane, handle), {}).update((each, None) for each in handles if each != handle)
        return [
            (target, tuple(sorted(found)[:_MOST_TOLD])) for target, found in others.items() if found and target in facts
        ]
