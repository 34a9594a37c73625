"""Level 4: what a chunk file holds is what its range promises, and a compressed proof is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from core.gzips import GzipFault, inflated, is_gzip
from core.manifests.chunks import ChunkFault, ChunkWalk, walk_chunk
from core.manifests.facts import ManifestProblem
from core.manifests.files import absent, count_complaint, describe, empty_proof
from core.manifests.load import gzip_problem
from core.manifests.model import Chunk, Manifest, NamedFile, chunks_of, record_count
from core.model import U64_MAX
from core.storage.protocol import HandleUnreadable, ReadFault, StoreReader

#: Real proofs take some kilobytes.
MAX_PROOF_BYTES: Final = 64 << 20
#: What so many files hold is kept in mind; real manifests name each file once.
_FILES_REMEMBERED: Final = 200_000
_T = TypeVar("_T")


class Contents:
    """Looks into chunk and proof files. A file that is named again, by whatever manifest, is not read again.

    So a look reads no more than there is, however often a hostile manifest names one file.
    """

    def __init__(self, reader: StoreReader, stopped: Callable[[], bool]) -> None:
        self._reader = reader
        self._stopped = stopped
        self._walks: dict[str, ChunkWalk] = {}
        self._proofs: dict[str, GzipFault | int] = {}

    def check(self, manifest: Manifest, named: NamedFile) -> Iterator[ManifestProblem]:
        """Everything that is wrong inside one file of a manifest; nothing when stopped on the way."""
        what = describe(manifest, named)
        try:
            if named.is_proof or named.chunk is None:
                yield from self._check_proof(named, what)
            else:
                yield from self._check_chunk(chunks_of(manifest)[named.chunk], named)
        except HandleUnreadable as unreadable:
            yield absent(unreadable, what, named)
        except OSError as error:
            words = f"{error.strerror} (os error {error.errno})"
            yield absent(HandleUnreadable(ReadFault.FAILED, words), what, named)

    def _check_proof(self, named: NamedFile, what: str) -> Iterator[ManifestProblem]:
        """A proof in gzip must be whole gzip, of something."""
        size = self._proofs.get(named.handle)
        if size is None:
            size = _proof_size(self._reader, named.handle)
            _remember(self._proofs, named.handle, size)
        if isinstance(size, GzipFault):
            yield gzip_problem(size, what, named.handle, named.chunk)
        elif not size:
            yield empty_proof(what, named)

    def _check_chunk(self, chunk: Chunk, named: NamedFile) -> Iterator[ManifestProblem]:
        expected = record_count(chunk)
        walk = self._walk(named.handle, expected)
        if walk.fault:
            yield _faulty(walk.fault, named, zipped=walk.gzip)
        elif walk.records != expected and not self._stopped():
            yield _miscounted(chunk, named, walk, expected)

    def _walk(self, handle: str, expected: int) -> ChunkWalk:
        known = self._walks.get(handle)
        if known is not None and (known.complete or known.records > expected):
            return known
        with self._reader.open(handle) as stream:
            # Where more than was walked is expected of a file, it is walked to its end, which is enough for good.
            walk = walk_chunk(stream, U64_MAX if known else expected, self._stopped)
        _remember(self._walks, handle, walk)
        return walk


def _remember(known: dict[str, _T], handle: str, value: _T) -> None:
    if len(known) < _FILES_REMEMBERED or handle in known:
        known[handle] = value


def _proof_size(reader: StoreReader, handle: str) -> GzipFault | int:
    """How many bytes a proof in gzip inflates to, or what is wrong with it; 1 for a plain one, which is not read."""
    try:
        with reader.open(handle) as stream:
            return sum(map(len, inflated(stream, MAX_PROOF_BYTES))) if is_gzip(stream) else 1
    except GzipFault as damage:
        return damage.with_traceback(None)


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
