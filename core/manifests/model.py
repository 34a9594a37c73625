"""What manifests say, as frozen values (`format.md`, "Manifests"). Fields are named as in the files.

All numbers are unsigned 64-bit and all ranges closed. The three kinds of chunk answer the same questions (`first`,
`last`, `file`, `proof_file`), so that what is true of every chunk is said once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from core.model import LaneKind, end_of

#: Fields that stock ignores, in their order: the name and the JSON text of the value. A rewritten manifest keeps them.
Unknown: TypeAlias = tuple[tuple[str, bytes], ...]

#: How stock names the manifest in each kind of backup folder.
MANIFEST_NAMES: Final = {
    LaneKind.TRANSACTIONS: "transaction.manifest",
    LaneKind.EPOCH_ENDINGS: "epoch_ending.manifest",
    LaneKind.STATE_SNAPSHOTS: "state.manifest",
}


class ChunkFormat(StrEnum):
    """What a record of a transaction chunk holds; manifests of older releases do not say, which means V0."""

    V0 = "V0"
    V1 = "V1"


@dataclass(frozen=True, slots=True)
class TransactionChunk:
    """Versions `first_version` to `last_version`: one record each in `transactions`, proved as a whole by `proof`."""

    first_version: int
    last_version: int
    transactions: str
    proof: str
    format: ChunkFormat = ChunkFormat.V0
    unknown: Unknown = ()

    @property
    def first(self) -> int:
        """The first version."""
        return self.first_version

    @property
    def last(self) -> int:
        """The last version."""
        return self.last_version

    @property
    def file(self) -> str:
        """The handle of the chunk file."""
        return self.transactions

    @property
    def proof_file(self) -> str | None:
        """The handle of the proof."""
        return self.proof


@dataclass(frozen=True, slots=True)
class EpochEndingChunk:
    """Epochs `first_epoch` to `last_epoch`: one signed ledger info each in `ledger_infos`, which needs no proof."""

    first_epoch: int
    last_epoch: int
    ledger_infos: str
    unknown: Unknown = ()

    @property
    def first(self) -> int:
        """The first epoch."""
        return self.first_epoch

    @property
    def last(self) -> int:
        """The last epoch."""
        return self.last_epoch

    @property
    def file(self) -> str:
        """The handle of the chunk file."""
        return self.ledger_infos

    @property
    def proof_file(self) -> str | None:
        """None: ledger infos carry their signatures."""
        return None


@dataclass(frozen=True, slots=True)
class StateChunk:
    """State items `first_idx` to `last_idx` in the order of their keys (64 hex digits), one record each in `blobs`."""

    first_idx: int
    last_idx: int
    first_key: str
    last_key: str
    blobs: str
    proof: str
    unknown: Unknown = ()

    @property
    def first(self) -> int:
        """The index of the first item."""
        return self.first_idx

    @property
    def last(self) -> int:
        """The index of the last item."""
        return self.last_idx

    @property
    def file(self) -> str:
        """The handle of the chunk file."""
        return self.blobs

    @property
    def proof_file(self) -> str | None:
        """The handle of the proof."""
        return self.proof


Chunk: TypeAlias = TransactionChunk | EpochEndingChunk | StateChunk


@dataclass(frozen=True, slots=True)
class TransactionManifest:
    """A `transaction.manifest`."""

    first_version: int
    last_version: int
    chunks: tuple[TransactionChunk, ...]
    unknown: Unknown = ()


@dataclass(frozen=True, slots=True)
class EpochEndingManifest:
    """An `epoch_ending.manifest`; `waypoints` are `VERSION:HEX`, as they stand there."""

    first_epoch: int
    last_epoch: int
    waypoints: tuple[str, ...]
    chunks: tuple[EpochEndingChunk, ...]
    unknown: Unknown = ()


@dataclass(frozen=True, slots=True)
class StateManifest:
    """A `state.manifest`; `proof` ties the root hash to the chain."""

    version: int
    epoch: int
    root_hash: str
    chunks: tuple[StateChunk, ...]
    proof: str
    unknown: Unknown = ()


Manifest: TypeAlias = TransactionManifest | EpochEndingManifest | StateManifest


def chunks_of(manifest: Manifest) -> tuple[Chunk, ...]:
    """The chunks of a manifest of any kind."""
    return manifest.chunks


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file that a manifest names: its handle, and the chunk it belongs to (None: the proof of a whole snapshot)."""

    handle: str
    chunk: int | None
    is_proof: bool


def named_files(manifest: Manifest) -> Iterator[NamedFile]:
    """Every file that a manifest names, in its order."""
    if isinstance(manifest, StateManifest):
        yield NamedFile(manifest.proof, None, is_proof=True)
    for number, chunk in enumerate(chunks_of(manifest)):
        yield NamedFile(chunk.file, number, is_proof=False)
        if chunk.proof_file is not None:
            yield NamedFile(chunk.proof_file, number, is_proof=True)


def range_of(manifest: Manifest) -> tuple[int, int]:
    """First and last of a manifest, as it says itself, in its lane's unit; its version twice for a state snapshot."""
    if isinstance(manifest, TransactionManifest):
        return manifest.first_version, manifest.last_version
    if isinstance(manifest, EpochEndingManifest):
        return manifest.first_epoch, manifest.last_epoch
    return manifest.version, manifest.version


def record_count(chunk: Chunk) -> int:
    """How many records the chunk's range promises; 0 or less where the range is inverted."""
    return end_of(chunk.last) - chunk.first


class ManifestRefused(Exception):
    """The content is no manifest that stock can read.

    `message` is what stock says, `says_stock` False where these are our own words (a limit of ours); `hazard` the id in
    hazards.md: manifest-bad-json, chunk-format-unknown or manifest-huge.
    """

    def __init__(self, message: str, hazard: str, *, says_stock: bool = True) -> None:
        super().__init__(message)
        self.message = message
        self.hazard = hazard
        self.says_stock = says_stock
