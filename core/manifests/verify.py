"""Does a manifest agree with itself, with its name and with its line? Pure; stock's checks in stock's order and words.

Rules: `format.md`, "Manifests", and the rows of `hazards.md`, "Manifests". Stock stops at its first complaint, so of
its own checks at most one is reported; what stock never checks is reported beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from core.manifests.facts import ManifestProblem
from core.manifests.model import (
    Chunk,
    EpochEndingManifest,
    Manifest,
    StateChunk,
    StateManifest,
    TransactionManifest,
    chunks_of,
    named_files,
)
from core.manifests.parse import is_hash
from core.model import U64_MAX, EpochEndingRecord, RangeRecord, StateSnapshotRecord, TransactionRecord, end_of
from core.names import handle_problem

_OVERFLOW: Final = "attempt to add with overflow"
_PROOF_NAME_RE: Final = re.compile(r"(?:.*/)?([0-9]{1,20})-([0-9]{1,20})\.proof", re.DOTALL)
_DIGITS_RE: Final = re.compile(r"\+?[0-9]+")


def check_manifest(manifest: Manifest, handle: str) -> Iterator[ManifestProblem]:
    """Everything that a manifest shows to be wrong with itself; `handle` is its own."""
    yield from _first_complaint(manifest, handle)
    if isinstance(manifest, EpochEndingManifest):
        yield from _check_waypoints(manifest, handle)
    for named in named_files(manifest):
        if problem := handle_problem(named.handle):
            message = f"a file of the manifest is not opened: {problem}"
            yield ManifestProblem("path-traversal-read", message, named.handle, chunk=named.chunk)
    for number, each in enumerate(chunks_of(manifest)):
        yield from check_proof_name(number, each)


def check_against_entry(manifest: Manifest, record: RangeRecord, handle: str) -> Iterator[ManifestProblem]:
    """Where a manifest and a line that names it disagree: nothing in stock compares the two."""
    if isinstance(manifest, TransactionManifest) and isinstance(record, TransactionRecord):
        yield from _check_transaction_range(manifest, record, handle)
    elif isinstance(manifest, EpochEndingManifest) and isinstance(record, EpochEndingRecord):
        yield from _check_epoch_range(manifest, record, handle)
    elif isinstance(manifest, StateManifest) and isinstance(record, StateSnapshotRecord):
        yield from _check_snapshot_version(manifest, record, handle)


def check_proof_name(number: int, chunk: Chunk) -> Iterator[ManifestProblem]:
    """At most one problem: stock names a proof after its chunk's range; another range is that of another chunk."""
    named = _PROOF_NAME_RE.fullmatch(chunk.proof_file or "")
    if named and (int(named[1]), int(named[2])) != (chunk.first, chunk.last) and chunk.proof_file:
        message = (
            f"chunk {number} is {chunk.first:,} to {chunk.last:,}, its proof is named for "
            f"{int(named[1]):,} to {int(named[2]):,}"
        )
        yield ManifestProblem("proof-swapped", message, chunk.proof_file, chunk=number)


def waypoint_version(waypoint: str) -> int | None:
    """The version of a `VERSION:HEX` waypoint, None where stock can't read it."""
    return None if waypoint_fault(waypoint) else int(waypoint.partition(":")[0])


def waypoint_fault(waypoint: str) -> str | None:
    """Why stock can't read a waypoint, in its words, or None."""
    version, *rest = waypoint.split(":")
    if not version:
        return "cannot parse integer from empty string"
    if not _DIGITS_RE.fullmatch(version):
        return "invalid digit found in string"
    if len(version.lstrip("+0")) > 20 or int(version) > U64_MAX:
        return "number too large to fit in target type"
    if not rest:
        return f"Failed to parse waypoint string {waypoint}"
    return None if is_hash(rest[0]) else "unable to parse HashValue"


def _first_complaint(manifest: Manifest, handle: str) -> Iterator[ManifestProblem]:
    """The first check of stock's that fails; for state manifests, which stock never checks, the first of ours."""
    if isinstance(manifest, StateManifest):
        problem = _check_state_chunks(manifest.chunks, handle)
    elif isinstance(manifest, TransactionManifest):
        problem = _bad_range(manifest, handle) or _sweep(
            manifest.chunks, manifest.first_version, manifest.last_version, "version", handle
        )
    else:
        problem = _bad_waypoint_count(manifest, handle) or _sweep(
            manifest.chunks, manifest.first_epoch, manifest.last_epoch, "epoch", handle
        )
    if problem:
        yield problem


def _bad_range(manifest: TransactionManifest, handle: str) -> ManifestProblem | None:
    first, last = manifest.first_version, manifest.last_version
    if first <= last:
        return None
    message = f"the manifest's range is inverted: {first:,} to {last:,}"
    return ManifestProblem("manifest-chunk-gap", message, handle, f"Bad version range: [{first}, {last}]")


def _bad_waypoint_count(manifest: EpochEndingManifest, handle: str) -> ManifestProblem | None:
    first, last, count = manifest.first_epoch, manifest.last_epoch, len(manifest.waypoints)
    if first <= last and last - first == U64_MAX:
        message = f"the manifest claims every epoch there can be, {first:,} to {last:,}: stock aborts"
        return ManifestProblem("manifest-overflow", message, handle, _OVERFLOW)
    if first <= last and end_of(last) - first == count:
        return None
    message = f"the manifest covers epochs {first:,} to {last:,} and holds {count:,} waypoints: one is needed for each"
    stock = f"Malformed manifest. first epoch: {first}, last epoch {last}, num waypoints {count}"
    return ManifestProblem("manifest-waypoint-count", message, handle, stock)


def _sweep(chunks: Sequence[Chunk], first: int, last: int, unit: str, handle: str) -> ManifestProblem | None:
    """Stock's walk over the chunks of a transaction or epoch ending manifest: each starts where the last one ended."""
    if not chunks:
        return ManifestProblem("manifest-chunk-gap", "the manifest lists no chunks", handle, "No chunks.")
    following = first
    for number, chunk in enumerate(chunks):
        if chunk.first != following:
            message = f"chunk {number} begins at {unit} {chunk.first:,} where {following:,} is next"
            stock = f"Chunk ranges not continuous. Expected first {unit}: {following}, actual: {chunk.first}."
            return ManifestProblem("manifest-chunk-gap", message, handle, stock, number)
        if chunk.last < chunk.first:
            message = f"the range of chunk {number} is inverted: {chunk.first:,} to {chunk.last:,}"
            stock = f"Chunk range invalid. [{chunk.first}, {chunk.last}]"
            return ManifestProblem("manifest-chunk-gap", message, handle, stock, number)
        if chunk.last == U64_MAX:
            message = f"chunk {number} ends at {unit} {chunk.last:,}, after which there is no number: stock aborts"
            return ManifestProblem("manifest-overflow", message, handle, _OVERFLOW, number)
        following = end_of(chunk.last)
    if following - 1 == last:
        return None
    message = f"the chunks end at {unit} {following - 1:,}, the manifest says {last:,}"
    stock = f"Last {unit} in chunks: {following - 1}, in manifest: {last}"
    return ManifestProblem("manifest-last-mismatch", message, handle, stock, len(chunks) - 1)


def _check_state_chunks(chunks: Sequence[StateChunk], handle: str) -> ManifestProblem | None:
    if not chunks:
        message = "the snapshot lists no chunks: a restore from it ends normally, with an empty state"
        return ManifestProblem("snapshot-empty-chunks", message, handle)
    following, last_key = 0, ""
    for number, chunk in enumerate(chunks):
        message, stock = "", None
        if chunk.first_idx != following:
            message = f"chunk {number} begins at item {chunk.first_idx:,} where {following:,} is next"
        elif chunk.last_idx < chunk.first_idx:
            message = f"the items of chunk {number} are inverted: {chunk.first_idx:,} to {chunk.last_idx:,}"
        elif not last_key < chunk.first_key.lower() <= chunk.last_key.lower():
            message, stock = f"the keys of chunk {number} do not rise", "New leaf must be on the right."
        if message:
            return ManifestProblem("snapshot-chunk-order", message, handle, stock, number)
        following, last_key = end_of(chunk.last_idx), chunk.last_key.lower()
    return None


def _check_waypoints(manifest: EpochEndingManifest, handle: str) -> Iterator[ManifestProblem]:
    """At most one problem: the first waypoint that can't be read, or that does not rise."""
    before = -1
    for number, waypoint in enumerate(manifest.waypoints):
        fault = waypoint_fault(waypoint)
        if fault:
            message = f"waypoint {number} can't be read: it has to be VERSION:HASH with 64 hex digits"
            yield ManifestProblem("manifest-bad-json", message, handle, fault)
            return
        version = int(waypoint.partition(":")[0])
        if version <= before:
            message = f"the waypoints' versions do not rise: {version:,} comes after {before:,} (waypoint {number})"
            yield ManifestProblem("manifest-waypoint-count", message, handle)
            return
        before = version


def _check_transaction_range(
    manifest: TransactionManifest, record: TransactionRecord, handle: str
) -> Iterator[ManifestProblem]:
    first, last = manifest.first_version, manifest.last_version
    if (first, last) == (record.first_version, record.last_version):
        return
    message = _ranges_differ("versions", (record.first_version, record.last_version), (first, last))
    # Right after a chunk that ends at version 0 stock does not compare.
    noticed = first != record.first_version and record.first_version > 1
    stock = f"Chunk range not consecutive. expecting {record.first_version}, got {first}" if noticed else None
    yield ManifestProblem("manifest-range-mismatch", message, handle, stock, entry=record)


def _check_epoch_range(
    manifest: EpochEndingManifest, record: EpochEndingRecord, handle: str
) -> Iterator[ManifestProblem]:
    first, last = manifest.first_epoch, manifest.last_epoch
    if (first, last) == (record.first_epoch, record.last_epoch):
        yield from _check_waypoint_versions(manifest, record, handle)
        return
    message = _ranges_differ("epochs", (record.first_epoch, record.last_epoch), (first, last))
    yield ManifestProblem("manifest-range-mismatch", message, handle, _epoch_complaint(record, first), entry=record)


def _epoch_complaint(record: EpochEndingRecord, first: int) -> str | None:
    if first == record.first_epoch:
        return None
    if record.first_epoch == 0:
        return f"Restored LedgerInfo has epoch {first}, expecting 0."
    return (
        "Previous epoch ending LedgerInfo is not the one expected. "
        f"My first epoch: {first}, previous LedgerInfo next_block_epoch: {record.first_epoch}"
    )


def _check_waypoint_versions(
    manifest: EpochEndingManifest, record: EpochEndingRecord, handle: str
) -> Iterator[ManifestProblem]:
    if not manifest.waypoints:
        return
    first, last = waypoint_version(manifest.waypoints[0]), waypoint_version(manifest.waypoints[-1])
    if first is None or last is None:
        return
    if record.first_version < first:
        message = (
            f"the line says epoch {record.first_epoch:,} ended at version {record.first_version:,}, the manifest says "
            f"{first:,}: a restore to a version from {record.first_version:,} to {first - 1:,} aborts"
        )
        stock = "Epoch ending backup can't be empty."
        yield ManifestProblem("epoch-cut-panic", message, handle, stock, entry=record)
    elif (record.first_version, record.last_version) != (first, last):
        message = _ranges_differ("versions", (record.first_version, record.last_version), (first, last))
        yield ManifestProblem("manifest-waypoint-count", message, handle, entry=record)


def _check_snapshot_version(
    manifest: StateManifest, record: StateSnapshotRecord, handle: str
) -> Iterator[ManifestProblem]:
    if (manifest.epoch, manifest.version) == (record.epoch, record.version):
        return
    message = (
        f"the line says version {record.version:,} of epoch {record.epoch:,}, the manifest holds version "
        f"{manifest.version:,} of epoch {manifest.epoch:,}: its state would be stored under the wrong version"
    )
    yield ManifestProblem("snapshot-manifest-mismatch", message, handle, entry=record)


def _ranges_differ(unit: str, line: tuple[int, int], manifest: tuple[int, int]) -> str:
    return f"the line says {unit} {line[0]:,} to {line[1]:,}, the manifest {manifest[0]:,} to {manifest[1]:,}"
