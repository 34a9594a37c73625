"""Level 4: what a chunk file holds is what its range promises, and a compressed proof is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from core.gzips import GzipFault, inflated, is_gzip
from core.manifests.chunks import ChunkFault, ChunkWalk, walk_chunk
from core.manifests.facts import ManifestProblem
from core.manifests.files import absent, count_complaint, describe, empty_proof
from core.manifests.load import gzip_problem
from core.manifests.model import Chunk, Manifest, NamedFile, chunks_of, record_count
from core.storage.protocol import HandleUnreadable, ReadFault, StoreReader

#: Real proofs take some kilobytes.
MAX_PROOF_BYTES: Final = 64 << 20


def check_content(
    reader: StoreReader, manifest: Manifest, named: NamedFile, stopped: Callable[[], bool]
) -> Iterator[ManifestProblem]:
    """Everything that is wrong inside one file of a manifest; nothing when stopped on the way."""
    what = describe(manifest, named)
    try:
        if named.is_proof or named.chunk is None:
            yield from _check_proof(reader, named, what)
        else:
            yield from _check_chunk(reader, chunks_of(manifest)[named.chunk], named, stopped)
    except HandleUnreadable as unreadable:
        yield absent(unreadable, what, named)
    except OSError as error:
        words = f"{error.strerror} (os error {error.errno})"
        yield absent(HandleUnreadable(ReadFault.FAILED, words), what, named)


def _check_proof(reader: StoreReader, named: NamedFile, what: str) -> Iterator[ManifestProblem]:
    """A proof in gzip must be whole gzip, of something."""
    try:
        with reader.open(named.handle) as stream:
            if is_gzip(stream) and not sum(len(piece) for piece in inflated(stream, MAX_PROOF_BYTES)):
                yield empty_proof(what, named)
    except GzipFault as damage:
        yield gzip_problem(damage, what, named.handle, named.chunk)


def _check_chunk(
    reader: StoreReader, chunk: Chunk, named: NamedFile, stopped: Callable[[], bool]
) -> Iterator[ManifestProblem]:
    expected = record_count(chunk)
    with reader.open(named.handle) as stream:
        walk = walk_chunk(stream, expected, stopped)
    if walk.fault:
        yield _faulty(walk.fault, named, zipped=walk.gzip)
    elif walk.records != expected and not stopped():
        yield _miscounted(chunk, named, walk, expected)


def _faulty(fault: ChunkFault, named: NamedFile, *, zipped: bool) -> ManifestProblem:
    hazard, message = fault.hazard, f"chunk {named.chunk:,}: {fault.message}"
    if zipped and hazard == "chunk-truncated":
        hazard, message = "partial-object-valid-gzip", f"{message}, though it is whole as gzip: the upload was cut"
    return ManifestProblem(
        hazard, message, named.handle, fault.stock_says, named.chunk, record=fault.record, offset=fault.offset
    )


def _miscounted(chunk: Chunk, named: NamedFile, walk: ChunkWalk, expected: int) -> ManifestProblem:
    is_short = walk.records < expected
    hazard = "partial-object-valid-gzip" if walk.gzip and is_short else "chunk-count-mismatch"
    message = (
        f"chunk {named.chunk:,} holds {'' if walk.complete else 'more than '}{walk.records:,} records, its range "
        f"{chunk.first:,} to {chunk.last:,} has {expected:,}"
    )
    if walk.gzip and is_short:
        message += ", though it is whole as gzip: the upload was cut"
    stock = count_complaint(chunk, walk.records) if walk.complete else None
    record = min(walk.records, expected)
    return ManifestProblem(
        hazard,
        message,
        named.handle,
        stock,
        named.chunk,
        record=record,
        offset=walk.content_bytes if is_short else None,
    )
