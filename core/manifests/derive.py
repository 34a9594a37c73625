"""Derived manifests: a run of another manifest's chunks, as they are, for stock to read (`recovery.md`, "Chains").

The chunks carry their own proofs and their files are not touched, so that what is derived is as good as its source. It
is determined by the source and the run alone: deriving again gives the same bytes under the same handle.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from hashlib import blake2b
from typing import Final, TypeAlias

from core.manifests.model import (
    MANIFEST_NAMES,
    ChunkFormat,
    EpochEndingChunk,
    EpochEndingManifest,
    Manifest,
    ManifestRefused,
    StateManifest,
    TransactionChunk,
    TransactionManifest,
    Unknown,
    chunks_of,
    named_files,
)
from core.manifests.verify import check_manifest, check_proof_name, waypoint_version
from core.model import U64_MAX, EpochEndingRecord, LaneKind, TransactionRecord, end_of
from core.names import handle_problem

#: The manifests of a lane whose ranges follow each other: only these can be cut.
RangeManifest: TypeAlias = TransactionManifest | EpochEndingManifest

_quoted: Final = json.JSONEncoder(ensure_ascii=False).encode


# cutting --------------------------------------------------------------------------------------------------------------


def fit_chunks(manifest: RangeManifest) -> tuple[bool, ...]:
    """For each chunk, whether a derived manifest may list it, by all that its manifest shows; no file is looked at.

    Not so are chunks with an inverted range or one that ends at 2**64 - 1, with files that are not opened, or with the
    proof of another range; of epochs those without waypoints of their own that rise.
    """
    refused = {named.chunk for named in named_files(manifest) if handle_problem(named.handle)}
    with_waypoints = _waypoint_test(manifest) if isinstance(manifest, EpochEndingManifest) else None
    return tuple(
        chunk.first <= chunk.last < U64_MAX
        and number not in refused
        and not any(check_proof_name(number, chunk))
        and (with_waypoints is None or with_waypoints(chunk.first, chunk.last))
        for number, chunk in enumerate(chunks_of(manifest))
    )


def _waypoint_test(manifest: EpochEndingManifest) -> Callable[[int, int], bool]:
    """Tells whether each epoch from one to another (included) has a waypoint that rises over the one before."""
    if not _has_waypoint_for_each(manifest):
        return lambda _first, _last: False
    good = [0]
    before = -1
    for waypoint in manifest.waypoints:
        version = waypoint_version(waypoint)
        good.append(good[-1] + (version is not None and version > before))
        before = before if version is None else version
    origin, limit = manifest.first_epoch, manifest.last_epoch
    return lambda first, last: (
        origin <= first and last <= limit and good[end_of(last) - origin] - good[first - origin] == end_of(last) - first
    )


def derive(manifest: Manifest, begin: int, end: int) -> RangeManifest:
    """The manifest of the chunks `begin` to `end` (exclusive, counted from 0) of `manifest`, unknown fields kept.

    Raises `ManifestRefused` if it would not pass every check of `check_manifest`, or if the waypoints of `manifest` do
    not match its epochs; `ValueError` if there are no such chunks, and for state snapshots, which need no chain.
    """
    if isinstance(manifest, StateManifest):
        raise ValueError("a state snapshot is not cut: it is whole or of no use")
    if not 0 <= begin < end <= len(manifest.chunks):
        raise ValueError(f"no chunks {begin} to {end} among {len(manifest.chunks)}")
    derived: RangeManifest
    if isinstance(manifest, TransactionManifest):
        derived = _cut_transactions(manifest, begin, end)
    else:
        derived = _cut_epochs(manifest, begin, end)
    for problem in check_manifest(derived, ""):
        message = f"chunks {begin:,} to {end - 1:,} make no manifest: {problem.message}"
        raise ManifestRefused(message, problem.hazard, says_stock=False)
    return derived


def _cut_transactions(manifest: TransactionManifest, begin: int, end: int) -> TransactionManifest:
    chunks = manifest.chunks[begin:end]
    return replace(manifest, first_version=chunks[0].first, last_version=chunks[-1].last, chunks=chunks)


def _cut_epochs(manifest: EpochEndingManifest, begin: int, end: int) -> EpochEndingManifest:
    """Waypoint k belongs to epoch `first_epoch + k`."""
    chunks = manifest.chunks[begin:end]
    first, last = chunks[0].first, chunks[-1].last
    if not _has_waypoint_for_each(manifest) or not manifest.first_epoch <= first <= last <= manifest.last_epoch:
        message = (
            f"epochs {first:,} to {last:,} have no waypoints of their own: the manifest says epochs "
            f"{manifest.first_epoch:,} to {manifest.last_epoch:,} and holds {len(manifest.waypoints):,} waypoints"
        )
        raise ManifestRefused(message, "manifest-waypoint-count", says_stock=False)
    waypoints = manifest.waypoints[first - manifest.first_epoch : end_of(last) - manifest.first_epoch]
    return replace(manifest, first_epoch=first, last_epoch=last, waypoints=waypoints, chunks=chunks)


def _has_waypoint_for_each(manifest: EpochEndingManifest) -> bool:
    return end_of(manifest.last_epoch) - manifest.first_epoch == len(manifest.waypoints) > 0


# writing --------------------------------------------------------------------------------------------------------------


def manifest_bytes(manifest: RangeManifest) -> bytes:
    """The manifest as stock writes it: fields in stock's order, no blanks, no line feed; unknown fields stand last.

    A chunk of format V0 goes without the field, as in the releases that know no other: for stock that is the same.
    `parse_manifest` reads an equal manifest from it. Raises `ValueError` for text that is not Unicode.
    """
    if isinstance(manifest, TransactionManifest):
        fields = [
            ("first_version", b"%d" % manifest.first_version),
            ("last_version", b"%d" % manifest.last_version),
            ("chunks", _list(_transaction_chunk(chunk) for chunk in manifest.chunks)),
        ]
    else:
        fields = [
            ("first_epoch", b"%d" % manifest.first_epoch),
            ("last_epoch", b"%d" % manifest.last_epoch),
            ("waypoints", _list(_text(waypoint) for waypoint in manifest.waypoints)),
            ("chunks", _list(_epoch_chunk(chunk) for chunk in manifest.chunks)),
        ]
    return _object((*fields, *manifest.unknown))


def _transaction_chunk(chunk: TransactionChunk) -> bytes:
    form: Unknown = () if chunk.format is ChunkFormat.V0 else (("format", _text(chunk.format.value)),)
    fields = (
        ("first_version", b"%d" % chunk.first_version),
        ("last_version", b"%d" % chunk.last_version),
        ("transactions", _text(chunk.transactions)),
        ("proof", _text(chunk.proof)),
    )
    return _object((*fields, *form, *chunk.unknown))


def _epoch_chunk(chunk: EpochEndingChunk) -> bytes:
    fields = (
        ("first_epoch", b"%d" % chunk.first_epoch),
        ("last_epoch", b"%d" % chunk.last_epoch),
        ("ledger_infos", _text(chunk.ledger_infos)),
    )
    return _object((*fields, *chunk.unknown))


def _object(fields: Iterable[tuple[str, bytes]]) -> bytes:
    return b"{%b}" % b",".join(b"%b:%b" % (_text(name), value) for name, value in fields)


def _list(items: Iterable[bytes]) -> bytes:
    return b"[%b]" % b",".join(items)


def _text(text: str) -> bytes:
    return _quoted(text).encode()


# naming ---------------------------------------------------------------------------------------------------------------


def derived_handle(lane: LaneKind, first: int, source: str, begin: int, end: int, content: bytes) -> str:
    """The handle of a derived manifest: its `content` is made of the chunks `begin` to `end` (exclusive) of `source`.

    `first` is its first version or epoch. The folder is named like stock's, but for a suffix that stock never draws.
    """
    origin = source.encode("utf-8", "surrogatepass")
    digest = blake2b(b"%d %d %d " % (begin, end, len(origin)) + origin + content, digest_size=4)
    name = MANIFEST_NAMES[lane]
    return f"{name.removesuffix('.manifest')}_{first}-.splice_{digest.hexdigest()}/{name}"


def derived_record(manifest: RangeManifest, handle: str) -> TransactionRecord | EpochEndingRecord:
    """The line that names the manifest under `handle`. Raises `ValueError` where a waypoint it needs can't be read."""
    if isinstance(manifest, TransactionManifest):
        return TransactionRecord(manifest.first_version, manifest.last_version, handle)
    versions = [waypoint_version(waypoint) for waypoint in manifest.waypoints]
    if not versions or versions[0] is None or versions[-1] is None:
        raise ValueError("the first and the last waypoint say no version")
    return EpochEndingRecord(manifest.first_epoch, manifest.last_epoch, versions[0], versions[-1], handle)
